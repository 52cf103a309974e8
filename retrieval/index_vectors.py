"""Vectors of definitions in FAISS, in half precision: the one place that knows it (its stubs know less).

Few are compared one by one; many are put into cells (an inverted file), of which a search looks into the nearest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import faiss
import numpy as np
from numpy.typing import NDArray

FEW = 75_000
"""So many are compared one by one: in 3.5 milliseconds, and nothing is missed."""
_COMPARED = 40_000
"""About so many of more are, those of the nearest cells: of 100,000, 98 % of the best ten are among them."""
_LEAST = 0.1
"""The share of them that is compared in any case."""
_ROUNDS = 8
_SAMPLE = 50
"""Vectors for each cell by which the cells are placed."""
_AT_ONCE = 65_536

Vector = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Vectors:
    """Vectors of length one, numbered in the order in which they came."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def none(cls, dimension: int) -> Vectors:
        kind = faiss.ScalarQuantizer.QT_fp16
        return cls(faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT))

    @classmethod
    def read(cls, path: Path, mapped: bool) -> Vectors:
        """Those that `write` wrote; mapped, they are read as they are compared, and none can be added."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0))

    def write(self, file: IO[bytes]) -> None:
        """Raises OSError."""
        try:
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
        except RuntimeError as error:  # what FAISS makes of an OSError
            raise OSError(f"{file.name} could not be written: {error}") from error

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, vectors: Vector) -> None:
        """Of `float32[n, dimension]`."""
        if len(vectors):
            self._index.add(np.ascontiguousarray(vectors, np.float32))

    def search(self, query: Vector, count: int, alive: Mask) -> tuple[NDArray[np.int64], Vector]:
        """The numbers of the nearest that are alive, nearest first, and their cosines with a query, `float32[d]`."""
        count = min(count, len(self))
        if not count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        faiss.omp_set_num_threads(1)
        selected = faiss.IDSelectorBitmap(np.packbits(alive, bitorder="little"))  # type: ignore[call-arg, arg-type]
        scores, numbers = self._index.search(query[None], count, params=self._parameters(selected))
        there = numbers[0] >= 0
        return numbers[0][there], scores[0][there]

    def _parameters(self, selected: faiss.IDSelector) -> faiss.SearchParameters:
        if isinstance(self._index, faiss.IndexIVF):
            share = min(max(_COMPARED / len(self), _LEAST), 1.0)
            probed = max(1, round(self._index.nlist * share))
            return faiss.SearchParametersIVF(sel=selected, nprobe=probed)  # type: ignore[call-arg]
        return faiss.SearchParameters(sel=selected)  # type: ignore[call-arg]

    def parts(self, alive: Mask) -> Iterator[Vector]:
        """Those that are alive, in order, not too many at once."""
        for start in range(0, len(self), _AT_ONCE):
            count = min(_AT_ONCE, len(self) - start)
            yield self._index.reconstruct_n(start, count)[alive[start : start + count]]


def packed(several: Sequence[tuple[Vectors, Mask]], dimension: int, few: int = FEW) -> Vectors:
    """Those of several that are alive, in order, arranged for their number."""
    total = sum(int(alive.sum()) for _, alive in several)
    vectors = Vectors.none(dimension) if total <= few else Vectors(_cells(several, dimension, total))
    for part in _parts(several):
        vectors.add(part)
    return vectors


def _cells(several: Sequence[tuple[Vectors, Mask]], dimension: int, total: int) -> faiss.Index:
    count = round(2 * math.sqrt(total))
    step = max(1, total // (count * _SAMPLE))
    sample = np.concatenate([part[::step] for part in _parts(several)])
    kind, metric = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dimension), dimension, count, kind, metric, False)
    index.cp.niter, index.cp.max_points_per_centroid = _ROUNDS, _SAMPLE
    index.train(sample)
    return index


def _parts(several: Sequence[tuple[Vectors, Mask]]) -> Iterator[Vector]:
    for vectors, alive in several:
        yield from vectors.parts(alive)
