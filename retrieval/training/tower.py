"""The encoder as it is trained: the same sums as in `encoding_words`, with gradients."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from retrieval.encoding_words import BLOCKS, NAMES, QUERIES, Vocabulary
from retrieval.training.bags import Bags, Corpus, Numbers, spread

HIDDEN = 64
"""Of the two-layer attention."""
NAME_WEIGHT = 1.0
"""The logarithm of how much more a word counts in a definition's name, at first."""


class Tower(nn.Module):
    """Questions and definitions to vectors.

    `table`: float32[words, dimension]; `weights`: float32[3, words], logarithms, for blocks, queries and names.
    `length` is how much sharper words are weighed in longer texts (temperature scaling against length collapse, after
    Zhou et al. 2024), `drop` the share of words that are left out in training.
    """

    def __init__(
        self,
        table: NDArray[np.float32],
        rarity: NDArray[np.float32],
        pooling: str = "attention2",
        temperature: float = 0.05,
        length: float = 0.0,
        drop: float = 0.15,
    ) -> None:
        super().__init__()
        weights = np.log(np.maximum(rarity, 0.05)).astype(np.float32)
        self.table = nn.Parameter(torch.from_numpy(table.copy()))
        self.weights = nn.Parameter(torch.from_numpy(np.stack([weights, weights, weights + NAME_WEIGHT])))
        self.sharpness = nn.Parameter(torch.tensor(math.log(1 / temperature)))
        dimension = table.shape[1]
        self.heads = nn.ModuleDict(
            {
                "attention1": nn.Linear(dimension, 1, bias=False),
                "attention2": nn.Sequential(nn.Linear(dimension, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1, bias=False)),
            }
        )
        self.pooling, self.length, self.drop = pooling, length, drop

    def questions(self, bags: Bags) -> Tensor:
        """float32[n, d], of length 1."""
        return _normalised(self._summed(bags, QUERIES))

    def definitions(self, corpus: Corpus, rows: Numbers) -> Tensor:
        """float32[n, d], of length 1: each block with the name of its definition, then all in one."""
        blocks, starts = spread(corpus.starts, rows)
        counts = self._tensor(np.diff(starts))
        names = self._summed(corpus.names.take(rows), NAMES).repeat_interleave(counts, dim=0)
        return self._pooled(_normalised(self._summed(corpus.blocks.take(blocks), BLOCKS) + names), counts)

    def _summed(self, bags: Bags, field: int) -> Tensor:
        words, starts = self._tensor(bags.words), self._tensor(bags.starts)
        weights = functional.embedding(words, self.weights[field][:, None])[:, 0]
        if self.length and field == BLOCKS:
            counts = starts[1:] - starts[:-1]
            weights = weights * (1 + self.length * torch.log(counts / 40).repeat_interleave(counts))
        weights = torch.exp(weights) * self._tensor(bags.factors)
        if self.training and self.drop:
            weights = weights * (torch.rand(len(weights), device=weights.device) > self.drop)
        return functional.embedding_bag(words, self.table, starts[:-1], mode="sum", per_sample_weights=weights)

    def _pooled(self, blocks: Tensor, counts: Tensor) -> Tensor:
        owners = torch.arange(len(counts), device=blocks.device).repeat_interleave(counts)
        found = torch.zeros(len(counts), blocks.shape[1], device=blocks.device)
        if self.pooling == "max":
            index = owners[:, None].expand_as(blocks)
            return _normalised(found.scatter_reduce(0, index, blocks, "amax", include_self=False))
        if self.pooling in self.heads:
            blocks = blocks * torch.exp(self.heads[self.pooling](blocks).clamp(-20, 20))
        return _normalised(found.index_add(0, owners, blocks))

    def _tensor(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.table.device)

    def save(self, path: Path, vocabulary: Vocabulary) -> None:
        """As `encoding_words.WordEncoder` reads it: vectors in eight bits, each with its scale."""
        table = _array(self.table)
        scales = np.abs(table).max(1) / 127 + 1e-12
        np.savez(
            path,
            words=np.frombuffer("\n".join(vocabulary.words).encode(), np.uint8),
            table=np.round(table / scales[:, None]).astype(np.int8),
            scales=scales.astype(np.float32),
            weights=_array(self.weights),
            attention1=_array(self.get_parameter("heads.attention1.weight"))[0],
            attention2_hidden=_array(self.get_parameter("heads.attention2.0.weight")).T,
            attention2_bias=_array(self.get_parameter("heads.attention2.0.bias")),
            attention2_out=_array(self.get_parameter("heads.attention2.2.weight"))[0],
            pooling=np.array(self.pooling),
            length=np.array(self.length, np.float32),
        )


def _array(values: Tensor) -> NDArray[np.float32]:
    return np.asarray(values.detach().cpu().numpy(), np.float32)


def _normalised(vectors: Tensor) -> Tensor:
    return functional.normalize(vectors + 1e-9, dim=1)  # the gradient at zero is not a number
