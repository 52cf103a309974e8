"""Rows and vectors of definitions, in parts: the base, which is mapped from files, and what was added to it since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.index_rows import Mask, Row, Table, joined
from retrieval.index_vectors import Vectors, packed

_ARRAYS = ("rows", "spans", "names")


@dataclass(slots=True)
class Part:
    table: Table
    vectors: Vectors

    @classmethod
    def none(cls, dimension: int) -> Part:
        return cls(Table.none(), Vectors.none(dimension))

    def write(self, folder: Path, name: str) -> None:
        """Raises OSError."""
        with open(folder / f"{name}.vectors", "wb") as file:
            self.vectors.write(file)
        for array in _ARRAYS:
            with open(folder / f"{name}.{array}.npy", "wb") as file:
                np.save(file, getattr(self.table, array))

    @classmethod
    def read(cls, folder: Path, name: str, mapped: bool) -> Part:
        """What `write` wrote; what is mapped into memory cannot be added to."""
        loaded = (np.load(folder / f"{name}.{array}.npy", mmap_mode="r" if mapped else None) for array in _ARRAYS)
        return cls(Table(*map(np.asarray, loaded)), Vectors.read(folder / f"{name}.vectors", mapped))


def files_of(name: str) -> list[str]:
    """Those in which a part is."""
    return [f"{name}.vectors", *(f"{name}.{array}.npy" for array in _ARRAYS)]


@dataclass(frozen=True, slots=True)
class Packing:
    """Parts that are not added to any more, and which of their rows were alive; to be put into one."""

    parts: Sequence[Part]
    alive: Mask
    dimension: int
    few: int

    def packed(self) -> Part:
        """A part of what is alive. Takes seconds where there is much."""
        ends = np.cumsum([len(part.table) for part in self.parts])
        masks = np.split(self.alive, ends[:-1])
        table = joined([part.table.kept(mask) for part, mask in zip(self.parts, masks, strict=True)])
        vectors = [(part.vectors, mask) for part, mask in zip(self.parts, masks, strict=True)]
        return Part(table, packed(vectors, self.dimension, self.few))


@dataclass(frozen=True, slots=True)
class View:
    """The rows as they were when it was made."""

    tables: Sequence[Table]
    paths: Mapping[int, str]

    def place(self, number: int) -> tuple[str, Row]:
        """A definition with its file's path, which is empty if the file has been replaced."""
        for table in self.tables:
            if number < len(table):
                row = table[number]
                return self.paths.get(row.file, ""), row
            number -= len(table)
        raise IndexError(f"There is no row {number} behind the last.")

    def named(self, number: int) -> tuple[str, str]:
        """A definition's path and name."""
        path, row = self.place(number)
        return path, row.name
