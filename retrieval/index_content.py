"""What an index on this machine holds beside words: files, their definitions' rows, and vectors.

Most of it is the base, which is in files that are mapped into memory; what was added since is beside it, and is put
into a new base when there is much of it. What was replaced stays, dead, until then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from retrieval.index import Source, Stamp
from retrieval.index_rows import Mask, Row, Table, joined
from retrieval.index_store import put
from retrieval.index_vectors import FEW, Vector, Vectors, packed
from retrieval.index_words import Entry

MUCH = 10_000
"""So many rows, or a quarter of the base if that is more, may be beside it or dead."""
_ARRAYS = ("rows", "spans", "names")


class Record(msgspec.Struct, array_like=True, frozen=True):
    """A file, and which rows are its definitions'."""

    path: str
    key: int
    """A number that no other file, and no other content of this file, has had."""
    first: int
    count: int
    digest: bytes
    stamp: Stamp


_Files = tuple[int, list[Record]]
"""The next key, and the files in the order of their rows."""


@dataclass(slots=True)
class _Part:
    table: Table
    vectors: Vectors

    def write(self, folder: Path, name: str) -> None:
        with open(folder / f"{name}.vectors", "wb") as file:
            self.vectors.write(file)
        for array in _ARRAYS:
            with open(folder / f"{name}.{array}.npy", "wb") as file:
                np.save(file, getattr(self.table, array))

    @classmethod
    def read(cls, folder: Path, name: str, mapped: bool) -> _Part:
        """What `write` wrote; what is mapped into memory cannot be added to."""
        loaded = (np.load(folder / f"{name}.{array}.npy", mmap_mode="r" if mapped else None) for array in _ARRAYS)
        return cls(Table(*map(np.asarray, loaded)), Vectors.read(folder / f"{name}.vectors", mapped))


@dataclass(frozen=True, slots=True)
class View:
    """The rows as they were when it was made."""

    base: Table
    recent: Table
    paths: Mapping[int, str]

    def place(self, number: int) -> tuple[str, Row]:
        """A definition with its file's path, which is empty if the file has been replaced."""
        size = len(self.base)
        row = self.base[number] if number < size else self.recent[number - size]
        return self.paths.get(row.file, ""), row


class Content:
    """Rows are numbered through the base and what is beside it."""

    def __init__(self, dimension: int, few: int = FEW, much: int = MUCH) -> None:
        self._dimension, self._few, self._much = dimension, few, much
        self.records: dict[str, Record] = {}
        self._paths: dict[int, str] = {}
        self._base, self._recent = (_Part(Table.none(), Vectors.none(dimension)) for _ in range(2))
        self._alive: Mask = np.empty(0, np.bool_)
        self._next_key = 1
        self._base_folder: Path | None = None

    @property
    def count(self) -> int:
        return int(self._alive.sum())

    def keys(self, count: int) -> list[int]:
        """For files that are to be added."""
        self._next_key += count
        return list(range(self._next_key - count, self._next_key))

    def keys_of(self, paths: Iterable[str]) -> list[int]:
        return [self.records[path].key for path in paths if path in self.records]

    def restamp(self, source: Source) -> None:
        """A file whose text is the same as before."""
        self.records[source.path] = msgspec.structs.replace(self.records[source.path], stamp=source.stamp)

    def doubt(self, paths: Iterable[str]) -> None:
        """Has files be as no text is, so that they are indexed again."""
        for path in paths:
            self.records[path] = msgspec.structs.replace(self.records[path], digest=b"", stamp=())

    def remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            if record := self.records.pop(path, None):
                del self._paths[record.key]
                self._alive[record.first : record.first + record.count] = False

    def add(self, files: Sequence[tuple[Source, int, Table]], vectors: Vector) -> None:
        """Files with their keys and the rows of their definitions; the vectors are those of all, in order."""
        at = len(self._alive)
        for source, key, table in files:
            self.records[source.path] = Record(source.path, key, at, len(table), source.digest, source.stamp)
            self._paths[key] = source.path
            at += len(table)
        self._recent.table = joined([self._recent.table, *(table for _, _, table in files)])
        self._recent.vectors.add(vectors)
        self._alive = np.concatenate([self._alive, np.ones(len(vectors), np.bool_)])

    def nearest(self, query: Vector, count: int, leave_out: Collection[str] = ()) -> list[int]:
        """Rows by their vectors' cosine with a query, best first."""
        alive = self._alive.copy() if leave_out else self._alive
        for path in leave_out:
            if record := self.records.get(path):
                alive[record.first : record.first + record.count] = False
        size = len(self._base.table)
        base, near = self._base.vectors.search(query, count, alive[:size])
        recent, nearer = self._recent.vectors.search(query, count, alive[size:])
        best = np.argsort(-np.concatenate([near, nearer]), kind="stable")[:count]
        return [int(number) for number in np.concatenate([base, recent + size])[best]]

    def rows_of(self, entries: Iterable[Entry]) -> list[int]:
        """The rows of definitions, but for those that have been replaced."""
        records = ((self.records.get(self._paths.get(entry.file, "")), entry.ordinal) for entry in entries)
        return [record.first + ordinal for record, ordinal in records if record]

    def view(self) -> View:
        return View(self._base.table, self._recent.table, self._paths)

    @property
    def has_much(self) -> bool:
        """Whether a new base is worth its while."""
        much = max(self._much, len(self._base.table) // 4)
        return len(self._recent.table) > much or len(self._alive) - self.count > much

    def packed(self) -> Content:
        """The same with all in the base, and nothing dead."""
        size = len(self._base.table)
        masks = self._alive[:size], self._alive[size:]
        parts = self._base, self._recent
        content = Content(self._dimension, self._few, self._much)
        content._base = _Part(
            joined([part.table.kept(mask) for part, mask in zip(parts, masks, strict=True)]),
            packed([(part.vectors, mask) for part, mask in zip(parts, masks, strict=True)], self._dimension, self._few),
        )
        content._alive = np.ones(self.count, np.bool_)
        content._next_key = self._next_key
        at: NDArray[np.int64] = np.cumsum(self._alive) - self._alive
        for path, each in self.records.items():
            first = int(at[each.first]) if each.count else 0
            content.records[path] = msgspec.structs.replace(each, first=first)
        content._paths = self._paths
        return content

    def write(self, folder: Path) -> None:
        if self._base_folder is None:
            self._base.write(folder, "base")
        else:
            for name in _files("base"):
                put(self._base_folder / name, folder / name)
        self._recent.write(folder, "recent")
        saved = self._next_key, sorted(self.records.values(), key=lambda record: record.first)
        (folder / "files").write_bytes(msgspec.msgpack.encode(saved))

    def map_base(self, folder: Path) -> None:
        """Takes the base from where it was written to, instead of from memory."""
        if self._base_folder is None:
            self._base = _Part.read(folder, "base", mapped=True)
        self._base_folder = folder

    @classmethod
    def read(cls, folder: Path, dimension: int, few: int = FEW, much: int = MUCH) -> Content:
        """What `write` wrote, the base mapped into memory."""
        content = cls(dimension, few, much)
        content.map_base(folder)
        content._recent = _Part.read(folder, "recent", mapped=False)
        content._next_key, records = msgspec.msgpack.decode((folder / "files").read_bytes(), type=_Files)
        content._alive = np.zeros(len(content._base.table) + len(content._recent.table), np.bool_)
        for each in records:
            content.records[each.path] = each
            content._paths[each.key] = each.path
            content._alive[each.first : each.first + each.count] = True
        return content


def _files(name: str) -> list[str]:
    return [f"{name}.vectors", *(f"{name}.{array}.npy" for array in _ARRAYS)]
