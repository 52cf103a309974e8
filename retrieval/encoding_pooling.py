"""A definition's vector from those of its blocks: by attention, their mean, or the largest of each component."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Pooling = Callable[[Vectors, NDArray[np.int64]], Vectors]
"""Blocks, and where those of each definition start, to one vector for each, not yet of length 1."""

POOLINGS = ("attention2", "attention1", "mean", "max")
"""Attention of two layers and of one (SEA, section 3.3), the mean, the largest of each component."""


def pooling(name: str, weights: Mapping[str, NDArray[np.float32]]) -> Pooling:
    """One of `POOLINGS`; `weights` has what was learnt for attention. Raises ValueError for another name."""
    if name == "mean":
        return _mean
    if name == "max":
        return _most
    if name == "attention1":
        return lambda blocks, starts: _attended(blocks, starts, blocks @ weights["attention1"])
    if name == "attention2":
        hidden, bias, out = (weights[f"attention2_{part}"] for part in ("hidden", "bias", "out"))
        return lambda blocks, starts: _attended(blocks, starts, np.tanh(blocks @ hidden + bias) @ out)
    raise ValueError(f"There is no pooling {name!r}: it is one of {', '.join(POOLINGS)}.")


def _mean(blocks: Vectors, starts: NDArray[np.int64]) -> Vectors:
    return np.asarray(np.add.reduceat(blocks, starts, axis=0), np.float32)


def _most(blocks: Vectors, starts: NDArray[np.int64]) -> Vectors:
    return np.asarray(np.maximum.reduceat(blocks, starts, axis=0), np.float32)


def _attended(blocks: Vectors, starts: NDArray[np.int64], scores: NDArray[np.float32]) -> Vectors:
    """Blocks weighed by a softmax over each definition; its denominator does not matter, for lengths become 1."""
    return _mean(blocks * np.exp(np.clip(scores, -20, 20))[:, None], starts)


def aggregated(
    encode: Callable[[Sequence[str]], Vectors], definitions: Sequence[Sequence[str]], pool: Pooling
) -> Vectors:
    """float32[definitions, dimension], of length 1; zero for a definition without blocks."""
    counts = np.array([len(blocks) for blocks in definitions], np.int64)
    vectors = encode([block for blocks in definitions for block in blocks])
    found = np.zeros((len(counts), vectors.shape[1]), np.float32)
    if len(vectors):
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        found[counts > 0] = normalised(pool(vectors, starts[counts > 0]))
    return found


def normalised(vectors: NDArray[np.floating]) -> Vectors:
    """Rows of length 1; zero rows stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)


def best_block(queries: Vectors, blocks: Vectors, starts: NDArray[np.int64]) -> Vectors:
    """float32[queries, definitions]: how near the nearest block of each definition is (max-sim).

    `starts`: int64[definitions], where the blocks of each start, of which each has one at least.
    """
    return np.asarray(np.maximum.reduceat(queries @ blocks.T, starts, axis=1), np.float32)
