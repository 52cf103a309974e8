"""A model's tokens as bytes, laid out so that those which begin with a text, or begin a text, are found quickly.

A token may hold the dot and the name, the end of a name and more, or half a character; so all is done in bytes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache, cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.decoding.prefixes import Prefixes
from assistant.guards import ends_name

Ids = NDArray[np.intp]
"""intp[n]: tokens, each once."""


class Vocabulary:
    """The tokens of a model. `pieces` are their bytes by id, empty for special ones."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self._order = sorted(range(len(pieces)), key=pieces.__getitem__)
        self._sorted = [pieces[token] for token in self._order]
        self._ids = np.array(self._order, np.intp)
        self._prefixes = Prefixes(pieces)
        self.not_beginning = cache(self._not_beginning)
        self._past_names = cache(self._names_passed)
        self.spelling = lru_cache(maxsize=256)(self._spelling)

    def __len__(self) -> int:
        return len(self.pieces)

    def beginning_with(self, start: bytes) -> Ids:
        """The tokens that begin with some bytes, the token of just these bytes among them."""
        low = bisect_left(self._sorted, start)
        high = bisect_left(self._sorted, start + b"\xff" * 32, low)
        return self._ids[low:high]

    def typing(self, text: bytes) -> Ids:
        """The tokens that write the beginning of a text, or all of it and more."""
        return np.union1d(self._prefixes.of([text]), self.beginning_with(text))

    def _spelling(self, texts: frozenset[bytes], head: bytes = b"") -> Ids:
        """The tokens that write on towards one of some texts, or past its end.

        With a `head`, those that write the head first, and at least a byte behind it.
        """
        if not texts:
            return np.empty(0, np.intp)
        found = np.zeros(len(self.pieces), np.bool_)
        found[self._prefixes.of([head + text for text in texts], len(head) + 1)] = True
        past = self._past_names(head)
        for name in past.keys() & texts:
            found[past[name]] = True
        if _has_marks(texts):  # names are many and quick, others few
            for text in texts:
                passing = [each for each in self.beginning_with(head + text).tolist() if self._passes(each, text, head)]
                found[passing] = True
        if b"" in texts and not head:
            found[self.ending_names] = True
        return np.flatnonzero(found)

    def _passes(self, token: int, text: bytes, head: bytes) -> bool:
        """Whether a token holds the whole of a text that is no name, and more."""
        return len(self.pieces[token]) > len(head) + len(text) and not _is_name(text)

    def _not_beginning(self, pattern: str) -> Ids:
        """The tokens whose first character does not match a regular expression."""
        first = re.compile(pattern)
        found = [
            token
            for token, piece in enumerate(self.pieces)
            if piece and not first.match(piece.decode("utf-8", "replace"))
        ]
        return np.array(found, np.intp)

    @cached_property
    def ending_names(self) -> Ids:
        """The tokens that cannot go on with a name: those which begin with a character that ends one."""
        found = [token for token, piece in enumerate(self.pieces) if piece and _ends_name(piece)]
        return np.array(found, np.intp)

    def _names_passed(self, head: bytes) -> dict[bytes, list[int]]:
        """By name, the tokens that hold it behind a head and go on behind it: `foo(`."""
        found = defaultdict(list)
        for token in self.beginning_with(head):
            text = self.pieces[token][len(head) :].decode("utf-8", "ignore")
            end = next((index for index, character in enumerate(text) if ends_name(character)), 0)
            if end:
                found[text[:end].encode()].append(int(token))
        return found


_MARK = re.compile(rb"[^\w\x80-\xff]")


def _has_marks(texts: Collection[bytes]) -> bool:
    return bool(_MARK.search(b"_".join(texts)))


def _is_name(text: bytes) -> bool:
    return not _MARK.search(text)


def _ends_name(piece: bytes) -> bool:
    text = piece.decode("utf-8", "ignore")
    return bool(text) and ends_name(text[0])
