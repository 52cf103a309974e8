"""Which tokens some texts begin with, for thousands of texts at once.

Every beginning of every text is hashed and looked up among the hashes of all tokens, in arrays, without a loop over
the texts. With powers that ascend, the polynomial hashes of all beginnings are one cumulative sum.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

LONGEST = 64
"""Bytes of the longest token that is hashed; the few longer ones, mostly blanks or dashes, are compared one by one."""

_POWERS = np.array([pow(0x9E3779B97F4A7C15, power, 1 << 64) for power in range(LONGEST)], np.uint64)
_MIX = np.uint64(0xD6E8FEB86659FD93)


class Prefixes:
    """The tokens of a vocabulary by the hash of their bytes: 64 bits, so that two hardly ever share one."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        short = [token for token, piece in enumerate(pieces) if 0 < len(piece) <= LONGEST]
        self._long = [(piece, token) for token, piece in enumerate(pieces) if len(piece) > LONGEST]
        lengths = np.array([len(pieces[token]) for token in short], np.intp)
        hashes = _hashes([pieces[token] for token in short])[np.arange(len(short)), lengths - 1]
        self._shift = np.uint64(64 - max(len(short).bit_length() + 2, 4))
        buckets = self._buckets(hashes)
        order = np.argsort(buckets, kind="stable")
        self._tokens = np.array(short, np.intp)[order]
        self._hashes = hashes[order]
        self._starts = np.searchsorted(buckets[order], np.arange((1 << int(64 - self._shift)) + 1)).astype(np.int32)

    def of(self, texts: Collection[bytes], least: int = 1) -> NDArray[np.intp]:
        """The tokens of at least so many bytes that one of some texts begins with, some of them more than once."""
        hashes = _hashes(texts)
        lengths = np.fromiter(map(len, texts), np.intp, len(texts))
        ends = np.arange(1, hashes.shape[1] + 1)
        wanted = hashes[(ends <= lengths[:, None]) & (ends >= least)]
        found = self._looked_up(wanted)
        long = [text for text in texts if len(text) > LONGEST]
        longer = [token for piece, token in self._long if len(piece) >= least and _begins_one(long, piece)]
        return np.concatenate((found, np.array(longer, np.intp))) if longer else found

    def _looked_up(self, wanted: Hashes) -> NDArray[np.intp]:
        buckets = self._buckets(wanted)
        places, ends = self._starts[buckets], self._starts[buckets + 1]
        found: list[NDArray[np.intp]] = []
        while True:
            is_left = places < ends
            places, ends, wanted = places[is_left], ends[is_left], wanted[is_left]
            if not len(places):
                return np.concatenate(found) if found else np.empty(0, np.intp)
            found.append(self._tokens[places[self._hashes[places] == wanted]])
            places = places + 1

    def _buckets(self, hashes: Hashes) -> NDArray[np.intp]:
        return ((hashes * _MIX) >> self._shift).astype(np.intp)


def _hashes(texts: Collection[bytes]) -> Hashes:
    """uint64[texts, length]: of each text's beginnings, those behind its end are meaningless."""
    longest = min(max(map(len, texts), default=0), LONGEST) or 1
    padded = b"".join([text[:longest].ljust(longest, b"\0") for text in texts])
    values = np.frombuffer(padded, np.uint8).reshape(len(texts), longest).astype(np.uint64) + np.uint64(1)
    sums: Hashes = np.cumsum(values * _POWERS[:longest], axis=1, dtype=np.uint64)
    return sums


def _begins_one(texts: Sequence[bytes], piece: bytes) -> bool:
    return any(text.startswith(piece) for text in texts)
