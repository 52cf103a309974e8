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

from assistant.guards import ends_name

Ids = NDArray[np.intp]
"""intp[n]: tokens, each once."""

HEAD = 4
"""Bytes by which the longest token that begins with them is looked up."""


class Vocabulary:
    """The tokens of a model. `pieces` are their bytes by id, empty for special ones."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self._order = sorted(range(len(pieces)), key=pieces.__getitem__)
        self._sorted = [pieces[token] for token in self._order]
        self._ids = np.array(self._order, np.intp)
        self._exact: dict[bytes, list[int]] = defaultdict(list)
        self._longest: dict[bytes, int] = defaultdict(int)
        for token, piece in enumerate(pieces):
            if piece:
                self._exact[piece].append(token)
                head = piece[:HEAD]
                self._longest[head] = max(self._longest[head], len(piece))
        self._exact.default_factory = self._longest.default_factory = None
        self.beginning = lru_cache(maxsize=65_536)(self._beginning)  # the same names come back with other values
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
        return np.union1d(self.beginning(text), self.beginning_with(text)).astype(np.intp)

    def _spelling(self, texts: frozenset[bytes], head: bytes = b"") -> Ids:
        """The tokens that write on towards one of some texts, or past its end.

        With a `head`, those that write the head first, and at least a byte behind it.
        """
        found: set[int] = set()
        for text in texts:
            found.update(self.beginning(head + text))
        if head:
            found.difference_update(self.beginning(head))
        found.update(token for name, token in self._past_names(head) if name in texts)
        if _has_marks(texts):  # names are many and quick, others few
            for text in texts:
                found.update(
                    token for token in self.beginning_with(head + text).tolist() if self._passes(token, text, head)
                )
        ids = np.fromiter(found, np.intp, len(found))
        return np.concatenate((ids, self.ending_names)) if b"" in texts and not head else ids

    def _beginning(self, text: bytes) -> tuple[int, ...]:
        """The tokens that a text begins with."""
        exact = self._exact
        longest = min(self._longest.get(text[:HEAD], HEAD - 1), len(text))
        return tuple(token for end in range(1, longest + 1) for token in exact.get(text[:end], ()))

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

    def _names_passed(self, head: bytes) -> list[tuple[bytes, int]]:
        """The tokens that hold a name behind a head and go on behind it: `foo(`, with the name."""
        found = []
        for token in self.beginning_with(head):
            text = self.pieces[token][len(head) :].decode("utf-8", "ignore")
            end = next((index for index, character in enumerate(text) if ends_name(character)), 0)
            if end:
                found.append((text[:end].encode(), int(token)))
        return found


_MARK = re.compile(rb"[^\w\x80-\xff]")


def _has_marks(texts: Collection[bytes]) -> bool:
    return bool(_MARK.search(b"_".join(texts)))


def _is_name(text: bytes) -> bool:
    return not _MARK.search(text)


def _ends_name(piece: bytes) -> bool:
    text = piece.decode("utf-8", "ignore")
    return bool(text) and ends_name(text[0])
