"""Cuts a line before what is wrong in it, behind the last whole expression: what was right of it is worth showing.

`total = basket.fruits.cuont()` → `total = basket.fruits`; of `total = cuont()` nothing is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from assistant.guards import View
from assistant.syntax import CLOSERS, OPENERS, Token, tokens, unmatched
from assistant.types import CompletionRequest

_ENDS = frozenset(("word", "string", *CLOSERS))
"""What an expression may end with."""

_LEADING_ON = frozenset((":", "in", "of", "import", "word", "string"))
_COMPARING = frozenset(("==", "!=", "<=", ">=", "===", "!==", "<=>"))


def whole_part(text: str, end: int, request: CompletionRequest) -> str:
    """The longest beginning of a text at the cursor, up to `end`, that ends with a whole expression; it may be empty.

    No bracket and no string that the text opens stays open, no word is halved, nothing waits for its value.
    """
    view = View(request, text)
    start = len(view.nearby) - len(text)
    found = [token.shifted(-start) for token in tokens(view.nearby, request.language)]
    written = [token for token in found if token.end > 0]
    for count in range(len(written), 0, -1):
        kept, cut = written[:count], written[count:]
        part = text[: kept[-1].end]
        if request.language == "python" and _wants_else(kept, text):
            continue
        if len(part) <= end and _is_whole(kept) and View(request, part).in_code:
            return "" if cut and _belongs(cut[0]) else part
    return ""


def _is_whole(kept: Sequence[Token]) -> bool:
    return kept[-1].kind in _ENDS and not unmatched(kept)[1]


def _wants_else(kept: Sequence[Token], text: str) -> bool:
    """Whether Python's choice has only one side so far: `a if b`."""
    depth, open_choices = 0, 0
    for before, token in pairwise(kept):
        depth += (before.kind in OPENERS) - (token.kind in CLOSERS)
        if depth == 0 and token.kind == "if" and before.kind in _ENDS and "\n" not in text[before.end : token.start]:
            open_choices += 1
        elif depth == 0 and token.kind == "else":
            open_choices -= 1
    return open_choices > 0


def _belongs(following: Token) -> bool:
    """Whether what stands before a token is nothing without it: `x = 1`, `x: int`, `for x in y`, `case x`."""
    return following.kind in _LEADING_ON or (following.kind.endswith("=") and following.kind not in _COMPARING)
