"""Tokens of our own for models whose tokens are not known: short pieces of what they read, and what they write."""

from __future__ import annotations

import re
from collections.abc import Sequence

SUFFIX, PREFIX = "<SUFFIX>", "<PREFIX>"
"""What stands before the two halves of a prompt that the server makes itself."""

_PIECE = re.compile(r" ?[^\W_]{1,4}|\s+|.", re.DOTALL)
_CONTROL = re.compile(r"<(?=\|[^|<>\s]+\|>)")


class Tokens:
    """Texts as tokens: short pieces of what is read, and whatever a server writes at a time.

    The tokens of a server are not known here. Reading takes rather fewer of its tokens than of these: most have at most
    four letters. `pieces` are the texts by token, empty for special ones; the token 0 ends what is written.
    """

    def __init__(self) -> None:
        self.pieces: list[bytes] = [b""]
        self._ids: dict[str, int] = {}
        self._specials: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def of(self, text: str) -> list[int]:
        return [self.token(piece) for piece in _PIECE.findall(text)]

    def token(self, text: str) -> int:
        """The token that is just this text."""
        if text not in self._ids:
            self._ids[text] = len(self.pieces)
            self.pieces.append(text.encode())
        return self._ids[text]

    def special(self, text: str) -> int:
        if text not in self._specials:
            self._specials[text] = len(self.pieces)
            self._names[len(self.pieces)] = text
            self.pieces.append(b"")
        return self._specials[text]

    def text(self, tokens: Sequence[int]) -> str:
        """A prompt as text. What looks like a special token in a user's text is changed, for a server would obey it."""
        parts, plain = list[str](), list[bytes]()
        for token in tokens:
            if name := self._names.get(token):
                parts += (self._harmless(b"".join(plain)), name)
                plain.clear()
            else:
                plain.append(self.pieces[token])
        return "".join([*parts, self._harmless(b"".join(plain))])

    def _harmless(self, data: bytes) -> str:
        text = _CONTROL.sub("< ", data.decode())
        for name in self._specials:
            text = text.replace(name, f"{name[0]} {name[1:]}")
        return text

    def halves(self, tokens: Sequence[int]) -> tuple[str, str]:
        """The prefix and the suffix of a prompt that the server makes."""
        suffix, prefix = tokens.index(self.special(SUFFIX)), tokens.index(self.special(PREFIX))
        return self.text(tokens[prefix + 1 :]), self.text(tokens[suffix + 1 : prefix])
