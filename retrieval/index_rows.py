"""What an index knows of each definition beside its vector and its words: a row in a table, a few dozen bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.splitting import Definition, Span

_ROW = np.dtype([(name, "<u4") for name in ("file", "start", "end", "line", "check", "spans_end", "name_end")])

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Row:
    """A definition without its text."""

    file: int
    """The key of its file."""
    name: str
    kind: str
    start: int
    end: int
    line: int
    check: int
    spans: tuple[Span, ...]
    """What of its extent is its own, and not that of definitions inside of it."""

    def text_in(self, text: str) -> str | None:
        """What it was read from, if that still stands there in its file's text."""
        own = _own(text, self.spans)
        return own if _checksum(own) == self.check else None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by number, those of a file one after the other. The arrays may be those of a file."""

    rows: NDArray[np.void]
    spans: NDArray[np.uint32]
    """`uint32[n, 2]`"""
    names: NDArray[np.uint8]
    """Of each its kind, a blank and its name, in UTF-8."""

    @classmethod
    def none(cls) -> Table:
        return cls(np.empty(0, _ROW), np.empty((0, 2), np.uint32), np.empty(0, np.uint8))

    @classmethod
    def of(cls, file: int, found: Sequence[Definition], text: str) -> Table:
        """The rows of a file's definitions."""
        spans = own_spans(found, text)
        names = [f"{each.kind} {each.name}".encode("utf-8", "replace") for each in found]
        ends = np.cumsum([len(each) for each in spans]), np.cumsum([len(name) for name in names])
        rows = np.empty(len(found), _ROW)
        for number, (each, own) in enumerate(zip(found, spans, strict=True)):
            check = _checksum(_own(text, own))
            rows[number] = (file, each.start, each.end, each.line, check, ends[0][number], ends[1][number])
        together = np.array([span for own in spans for span in own], np.uint32).reshape(-1, 2)
        return cls(rows, together, np.frombuffer(b"".join(names), np.uint8))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> Row:
        file, start, end, line, check, last_span, last_name = self.rows[number].item()
        first_span, first_name = self.rows[number - 1].item()[-2:] if number else (0, 0)
        kind, _, name = self.names[first_name:last_name].tobytes().decode().partition(" ")
        spans = tuple((begin, stop) for begin, stop in self.spans[first_span:last_span].tolist())
        return Row(file, name, kind, start, end, line, check, spans)

    def kept(self, mask: Mask) -> Table:
        """The rows that a mask says, in their order."""
        rows = self.rows[mask]
        spans, names = (np.diff(self.rows[field], prepend=np.uint32(0)) for field in ("spans_end", "name_end"))
        rows["spans_end"], rows["name_end"] = np.cumsum(spans[mask]), np.cumsum(names[mask])
        return Table(rows, self.spans[np.repeat(mask, spans)], self.names[np.repeat(mask, names)])


def joined(tables: Sequence[Table]) -> Table:
    """The rows of several tables, one after the other."""
    rows = np.concatenate([table.rows for table in tables])
    at = spans = names = 0
    for table in tables:
        part = rows[at : at + len(table)]
        part["spans_end"] += np.uint32(spans)
        part["name_end"] += np.uint32(names)
        at, spans, names = at + len(table), spans + len(table.spans), names + len(table.names)
    return Table(rows, np.concatenate([each.spans for each in tables]), np.concatenate([each.names for each in tables]))


def own_texts(found: Sequence[Definition], text: str) -> list[str]:
    """Of each of a file's definitions what no definition inside of it has."""
    return [_own(text, spans) for spans in own_spans(found, text)]


def own_spans(found: Sequence[Definition], text: str) -> list[tuple[Span, ...]]:
    """Of each of a file's definitions what no definition inside of it has, but for blanks. They come as they begin."""
    return [tuple(_without_inner(number, found, text)) for number in range(len(found))]


def _without_inner(number: int, found: Sequence[Definition], text: str) -> Iterator[Span]:
    outer = found[number]
    start = outer.start
    for inner in found[number + 1 :]:
        if inner.start >= outer.end:
            break
        if inner.start >= start and inner.end <= outer.end and outer.kind in ("class", "module"):
            if text[start : inner.start].strip():
                yield start, inner.start
            start = inner.end
    if text[start : outer.end].strip():
        yield start, outer.end


def _own(text: str, spans: Sequence[Span]) -> str:
    return "".join(text[start:end] for start, end in spans)


def _checksum(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))
