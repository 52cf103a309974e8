"""What an index on this machine holds beside words: files, and their definitions' rows and vectors.

Rows are numbered through the parts. Most are in the base; when many were added since, or replaced and so dead, a new
base is made of all, while the rows that are added meanwhile go into another part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from retrieval.index import Source, Stamp
from retrieval.index_parts import Packing, Part, View, files_of
from retrieval.index_rows import Mask, Table, joined
from retrieval.index_store import put
from retrieval.index_vectors import FEW, Vector
from retrieval.index_words import Entry

MUCH = 10_000
"""So many rows, or a quarter of the base if that is more, may be beside it or dead."""


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


class Content:
    def __init__(self, dimension: int, few: int = FEW, much: int = MUCH) -> None:
        self._dimension, self._few, self._much = dimension, few, much
        self.records: dict[str, Record] = {}
        self._paths: dict[int, str] = {}
        self._parts = [Part.none(dimension), Part.none(dimension)]
        """The base first; to the last it is added."""
        self._alive: Mask = np.empty(0, np.bool_)
        self._next_key = 1
        self._base_folder: Path | None = None
        """Where the base is mapped from."""

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
        at, last = len(self._alive), self._parts[-1]
        for source, key, table in files:
            self.records[source.path] = Record(source.path, key, at, len(table), source.digest, source.stamp)
            self._paths[key] = source.path
            at += len(table)
        last.table = joined([last.table, *(table for _, _, table in files)])
        last.vectors.add(vectors)
        self._alive = np.concatenate([self._alive, np.ones(len(vectors), np.bool_)])

    def nearest(self, query: Vector, count: int, leave_out: Collection[str] = ()) -> list[tuple[int, float]]:
        """Rows and their vectors' cosines with a query; those of each part best first."""
        alive = self._alive.copy() if leave_out else self._alive
        for path in leave_out:
            if record := self.records.get(path):
                alive[record.first : record.first + record.count] = False
        found, start = list[tuple[int, float]](), 0
        for part in self._parts:
            end = start + len(part.table)
            numbers, scores = part.vectors.search(query, count, alive[start:end])
            found += zip((numbers + start).tolist(), scores.tolist(), strict=True)
            start = end
        return found

    def rows_of(self, entries: Iterable[Entry]) -> list[int]:
        """The rows of definitions, but for those that have been replaced."""
        records = ((self.records.get(self._paths.get(entry.file, "")), entry.ordinal) for entry in entries)
        return [record.first + ordinal for record, ordinal in records if record]

    def view(self) -> View:
        return View([part.table for part in self._parts], self._paths)

    @property
    def has_much(self) -> bool:
        """Whether a new base is worth its while."""
        base, *_, last = (len(part.table) for part in self._parts)
        is_half_done = len(self._parts) > 2  # making one has failed
        return is_half_done or max(last, len(self._alive) - self.count) > max(self._much, base // 4)

    def freeze(self) -> Packing:
        """All parts as they are, for a new base; what is added from now on goes into another one."""
        packing = Packing(list(self._parts), self._alive.copy(), self._dimension, self._few)
        self._parts.append(Part.none(self._dimension))
        return packing

    def adopt(self, base: Part, packing: Packing) -> None:
        """Has the new base in the place of the parts that it was made of."""
        size, kept = len(packing.alive), len(base.table)
        at: NDArray[np.int64] = np.cumsum(packing.alive) - packing.alive
        self._alive = np.concatenate([self._alive[:size][packing.alive], self._alive[size:]])
        for path, each in self.records.items():
            first = each.first - size + kept if each.first >= size else int(at[each.first])
            self.records[path] = msgspec.structs.replace(each, first=first)
        self._parts[: len(packing.parts)] = [base]
        self._base_folder = None

    def write(self, folder: Path) -> None:
        """Raises OSError. There are two parts, for no base is being made."""
        base, recent = self._parts
        if self._base_folder is None:
            base.write(folder, "base")
        else:
            for name in files_of("base"):
                put(self._base_folder / name, folder / name)
        recent.write(folder, "recent")
        saved = self._next_key, sorted(self.records.values(), key=lambda record: record.first)
        (folder / "files").write_bytes(msgspec.msgpack.encode(saved))

    def map_base(self, folder: Path) -> None:
        """Takes the base from where it was written to, instead of from memory."""
        if self._base_folder is None:
            self._parts[0] = Part.read(folder, "base", mapped=True)
        self._base_folder = folder

    @classmethod
    def read(cls, folder: Path, dimension: int, few: int = FEW, much: int = MUCH) -> Content:
        """What `write` wrote, the base mapped into memory."""
        content = cls(dimension, few, much)
        content.map_base(folder)
        content._parts[1] = Part.read(folder, "recent", mapped=False)
        content._next_key, records = msgspec.msgpack.decode((folder / "files").read_bytes(), type=_Files)
        content._alive = np.zeros(sum(len(part.table) for part in content._parts), np.bool_)
        for each in records:
            content.records[each.path] = each
            content._paths[each.key] = each.path
            content._alive[each.first : each.first + each.count] = True
        return content
