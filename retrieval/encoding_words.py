"""The encoder that comes with Ghostwright: texts as words, identifiers taken apart, and vectors that the words have."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import chain, pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding_errors import EncoderError
from retrieval.encoding_pooling import Vectors, aggregated, normalised, pooling

BLOCKS, QUERIES, NAMES = range(3)
"""What a word weighs depends on where it is; their places in the stored weights."""

_IDENTIFIER = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_FOREIGN = re.compile(r"[^\W\d_]+|\d+")
_REMEMBERED = 100_000
"""Identifiers whose words are remembered; a repository has that many."""
_TOGETHER = 256
"""Texts that are encoded at a time: their vectors stay in the processor's cache."""


def words_of(identifier: str) -> list[str]:
    """`parseHTTPHeader_v2` → `parse`, `http`, `header`, `v`, `2`."""
    parts = _PART if identifier.isascii() else _FOREIGN
    return [part.lower() for part in parts.findall(identifier)]


class Vocabulary:
    """Words with their numbers, which are their places in `words`."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate(self.words)}
        self._longest = max(map(len, self.words), default=0)
        self._remembered: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.words)

    def numbers(self, text: str) -> list[int]:
        """The words of a text in their order; what has no known piece is left out."""
        found: list[int] = []
        remembered = self._remembered
        for identifier in _IDENTIFIER.findall(text):
            known = remembered.get(identifier)
            found += self._remember(identifier) if known is None else known
        return found

    def _remember(self, identifier: str) -> tuple[int, ...]:
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        numbers = tuple(number for word in words_of(identifier[:200]) for number in self._pieces(word))
        self._remembered[identifier] = numbers
        return numbers

    def _pieces(self, word: str) -> Iterable[int]:
        if word in self._numbers:
            return (self._numbers[word],)
        numbers, start = [], 0
        while start < len(word):
            ends = range(min(len(word), start + self._longest), start, -1)
            end = next((end for end in ends if word[start:end] in self._numbers), 0)
            if end:
                numbers.append(self._numbers[word[start:end]])
            start = end or start + 1
        return numbers


class WordEncoder:
    """Static vectors of words, weighed by what they tell; the file is as `retrieval.training` writes it.

    A text is the sum over its words of vector × weight × (1 + log count). What a word weighs differs between code, the
    names of definitions, and queries. Raises EncoderError if the file cannot be read, ValueError for an unknown `pool`.
    """

    def __init__(self, path: Path, pool: str = "") -> None:
        try:
            content = path.read_bytes()
            with np.load(BytesIO(content), allow_pickle=False) as file:
                stored = dict(file)
            self._vocabulary = Vocabulary(stored["words"].tobytes().decode().split("\n"))
            self._table: NDArray[np.int8] = stored["table"]
            self._weights, self._scales = stored["weights"], stored["scales"]
            self._length = float(stored["length"])
            pool = pool or str(stored["pooling"])
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise EncoderError(f"{path} is no encoder of words ({error}): install Ghostwright again.") from error
        self._pool = pooling(pool, stored)
        self.dimension = self._table.shape[1]
        self.name = f"{path.stem}:{hashlib.sha256(content).hexdigest()[:12]}:{pool}"

    def blocks(self, texts: Sequence[str]) -> Vectors:
        return self._encoded([list(zip((NAMES, BLOCKS), text.split("\n", 1), strict=False)) for text in texts])

    def definitions(self, definitions: Sequence[Sequence[str]]) -> Vectors:
        return aggregated(self.blocks, definitions, self._pool)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._encoded([[(QUERIES, text)] for text in texts])

    def _encoded(self, texts: Sequence[Sequence[tuple[int, str]]]) -> Vectors:
        """Of texts by their fields."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), _TOGETHER):
            self._sum(texts[start : start + _TOGETHER], vectors[start : start + _TOGETHER])
        return normalised(vectors)

    def _sum(self, texts: Sequence[Sequence[tuple[int, str]]], vectors: Vectors) -> None:
        size, fields = len(self._vocabulary), len(self._weights)
        numbers = [
            (row * fields + field, self._vocabulary.numbers(text))
            for row, own in enumerate(texts)
            for field, text in own
        ]
        places = np.repeat([place for place, _ in numbers], [len(each) for _, each in numbers])
        words = np.fromiter(chain.from_iterable(each for _, each in numbers), np.int64, len(places))
        unique, counts = np.unique(places * size + words, return_counts=True)
        places, words = np.divmod(unique, size)
        rows, of = np.divmod(places, fields)
        weights = self._weights[of, words]
        if self._length:
            lengths = np.bincount(places, minlength=len(texts) * fields)[places]
            weights = np.where(of == BLOCKS, weights * (1 + self._length * np.log(lengths / 40)), weights)
        factors = np.exp(weights) * self._scales[words] * (1 + np.log(counts))
        ends = np.cumsum(np.bincount(rows, minlength=len(texts)))
        for row, (start, end) in enumerate(pairwise([0, *ends])):
            vectors[row] = factors[start:end].astype(np.float32) @ self._table[words[start:end]].astype(np.float32)
