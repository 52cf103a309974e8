"""Texts as bags of words, in flat arrays that batches are cut from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding_words import Vocabulary
from retrieval.training.corpus import Package

MOST_BLOCKS = 8
"""Of a definition, the first ones: few have more, and these would take most of the time."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bags:
    words: NDArray[np.int32]
    """int32[all words]: those of each text, without repetition."""
    factors: NDArray[np.float32]
    """float32[all words]: 1 + log of how often each is in its text."""
    starts: Numbers
    """int64[texts + 1]"""

    @classmethod
    def of(cls, texts: Iterable[str], vocabulary: Vocabulary) -> Bags:
        numbers = [np.array(vocabulary.numbers(text), np.int32) for text in texts]
        lengths = np.array([len(each) for each in numbers], np.int64)
        rows = np.repeat(np.arange(len(numbers)), lengths)
        keys = rows * len(vocabulary) + np.concatenate([np.empty(0, np.int32), *numbers])
        unique, counts = np.unique(keys, return_counts=True)
        rows, words = np.divmod(unique, len(vocabulary))
        ends = np.cumsum(np.bincount(rows, minlength=len(numbers)))
        return cls(words.astype(np.int32), 1 + np.log(counts, dtype=np.float32), np.concatenate([[0], ends]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, rows: Numbers) -> Bags:
        """Those of some texts, in their order."""
        found, starts = spread(self.starts, rows)
        return Bags(self.words[found], self.factors[found], starts)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Packages in numbers: definitions, and the questions whose answers they are."""

    blocks: Bags
    starts: Numbers
    """int64[definitions + 1]: where each one's blocks start."""
    names: Bags
    """Of the definitions."""
    packages: Numbers
    """int64[packages + 1]: where each one's definitions start."""
    questions: Bags
    answers: Numbers
    """int64[questions]: definitions."""
    asked_in: Numbers
    """int64[questions]: packages."""
    is_call: NDArray[np.bool_]
    """bool[questions]: whether it is what stands before a call, not a docstring."""
    same: Numbers
    """int64[questions]: equal for equal texts."""

    @classmethod
    def of(cls, packages: Sequence[Package], vocabulary: Vocabulary) -> Corpus:
        definitions = [each for package in packages for each in package.definitions]
        blocks = [each.blocks[:MOST_BLOCKS] for each in definitions]
        first = _ends([len(package.definitions) for package in packages])
        asked = [
            (question.text, int(first[number]) + question.answer, number, is_call)
            for number, package in enumerate(packages)
            for is_call, several in enumerate((package.docstrings, package.calls))
            for question in several
        ]
        texts, answers, numbers, calls = zip(*asked, strict=True) if asked else ((), (), (), ())
        return cls(
            Bags.of((block for each in blocks for block in each), vocabulary),
            _ends([len(each) for each in blocks]),
            Bags.of((each.name for each in definitions), vocabulary),
            first,
            Bags.of(texts, vocabulary),
            np.array(answers, np.int64),
            np.array(numbers, np.int64),
            np.array(calls, bool),
            np.unique(np.array(texts, object), return_inverse=True)[1],
        )

    @property
    def definitions(self) -> int:
        return len(self.starts) - 1


def _ends(lengths: Sequence[int]) -> Numbers:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def spread(starts: Numbers, rows: Numbers) -> tuple[Numbers, Numbers]:
    """What is at some rows of a flat array, and where each of these rows starts in what is found."""
    lengths = starts[rows + 1] - starts[rows]
    ends = np.cumsum(lengths)
    inner = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return np.repeat(starts[rows], lengths) + inner, np.concatenate([[0], ends])


def ranks(questions: NDArray[np.float32], candidates: NDArray[np.float32], answers: Numbers) -> Numbers:
    """int64[n], from 1: where each answer is among all candidates by inner product, behind all that are as good."""
    found = [np.empty(0, np.int64)]
    for start in range(0, len(questions), 512):
        scores = questions[start : start + 512] @ candidates.T
        own = scores[np.arange(len(scores)), answers[start : start + 512]]
        found.append((scores >= own[:, None]).sum(1))
    return np.concatenate(found)
