"""What `search.py` compares: BM25, ways to make a vector of a definition, and the index as it is used.

A system has all definitions in it before it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from options import track

from retrieval.encoding import Encoder, Vectors, embedded
from retrieval.encoding_pooling import best_block
from retrieval.encoding_words import WordEncoder, words_of
from retrieval.index import Source
from retrieval.index_local import opened
from retrieval.splitting import Definition

BASE, CUT, HYBRID = "BM25, name and code", "cut at 256 words", "hybrid"
POOLINGS = {"mean": "mean", "attention, one layer": "attention1", "attention, two layers": "attention2"}
DEEPEST = 100
"""How many hits of the index are read; what is not among them is not found."""
_AT_ONCE = 256
_IDENTIFIER = re.compile(r"\w+")

Ranks = NDArray[np.int64]
"""int64[queries]: from 1, behind all that are as good; 0 where the answer was not found."""
System = Callable[[Sequence[str], Sequence[int]], Ranks]
"""Queries and the numbers of their answers, to the ranks of these."""


def systems(
    definitions: Sequence[Definition], folder: Path, weights: Mapping[str, Path]
) -> Iterator[tuple[str, System]]:
    """All that is compared, with encoders of other weights; the index is made in a folder that is empty."""
    encoder, passages = embedded(), [each.passages for each in definitions]
    codes = ["".join(each.blocks) for each in definitions]
    yield "BM25, code", bm25(codes)
    yield BASE, bm25([f"{each.name}\n{code}" for each, code in zip(definitions, codes, strict=True)])
    for limit in (256, 512):
        yield f"cut at {limit} words", encoded(encoder, encoder.blocks([cut(each, limit) for each in definitions]))
    encoders = {name: embedded(pooling) for name, pooling in POOLINGS.items()}
    for name, each in (encoders | {name: WordEncoder(path) for name, path in weights.items()}).items():
        yield name, encoded(each, each.definitions(passages))
    yield "max-sim", max_sim(encoder, passages)
    yield HYBRID, indexed(definitions, encoder, folder)


def bm25(texts: Sequence[str]) -> System:
    import bm25s

    index = bm25s.BM25()
    index.index([words_in(text) for text in texts], show_progress=False)
    known = index.vocab_dict

    def scores(queries: Sequence[str]) -> Vectors:
        asked = ([word for word in words_in(query) if word in known] for query in queries)
        return np.stack([index.get_scores(words) if words else np.zeros(len(texts), np.float32) for words in asked])

    return _by_scores(scores)


def encoded(encoder: Encoder, vectors: Vectors) -> System:
    """One vector for each definition, all compared."""
    return _by_scores(lambda queries: encoder.queries(queries) @ vectors.T)


def max_sim(encoder: Encoder, passages: Sequence[Sequence[str]]) -> System:
    """One vector for each block; a definition is as near as its nearest block."""
    starts = np.concatenate([[0], np.cumsum([len(each) for each in passages])[:-1]])
    blocks = encoder.blocks([block for each in passages for block in each])
    return _by_scores(lambda queries: best_block(encoder.queries(queries), blocks, starts))


def _by_scores(scores: Callable[[Sequence[str]], Vectors]) -> System:
    def ranks(queries: Sequence[str], answers: Sequence[int]) -> Ranks:
        found = []
        for at in range(0, len(queries), _AT_ONCE):
            some = scores(queries[at : at + _AT_ONCE])
            own = some[np.arange(len(some)), answers[at : at + _AT_ONCE]]
            found.append((some >= own[:, None]).sum(1))
        return np.concatenate(found)

    return ranks


@dataclass(frozen=True, slots=True)
class Alone(Source):
    """A file of one definition."""

    definition: Definition | None = None

    def definitions(self) -> list[Definition]:
        return [replace(self.definition, start=0, end=len(self.text), line=1)] if self.definition else []


def indexed(definitions: Sequence[Definition], encoder: Encoder, folder: Path) -> System:
    """The index as it is used: by meaning, words and names. Each definition is a file; its path says nothing."""
    root = folder / "code"
    root.mkdir()
    index = opened(root, encoder, folder / "index")
    for at in range(0, len(definitions), _AT_ONCE):
        numbered = enumerate(definitions[at : at + _AT_ONCE], start=at)
        sources = [Alone(str(number), "", "".join(each.blocks), definition=each) for number, each in numbered]
        for source in sources:
            (root / source.path).write_text(source.text, encoding="utf-8", newline="")
        index.update(sources)
    index.save()

    def ranks(queries: Sequence[str], answers: Sequence[int]) -> Ranks:
        found = []
        for query, answer in track(list(zip(queries, answers, strict=True)), HYBRID):
            paths = [hit.path for hit in index.search(query, DEEPEST)]
            found.append(paths.index(str(answer)) + 1 if str(answer) in paths else 0)
        return np.array(found, np.int64)

    return ranks


def words_in(text: str) -> list[str]:
    """The parts of its identifiers."""
    return [word for identifier in _IDENTIFIER.findall(text) for word in words_of(identifier)]


def cut(definition: Definition, limit: int) -> str:
    """Its name and its first words, as one block."""
    text, count = "".join(definition.blocks), 0
    for match in _IDENTIFIER.finditer(text):
        count += len(words_of(match[0]))
        if count > limit:
            return f"{definition.name}\n{text[: match.start()]}"
    return f"{definition.name}\n{text}"
