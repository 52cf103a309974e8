"""Splits a file along its syntax tree: into chunks that tile it, and into the definitions that are searched for.

Split-then-merge after cAST (Zhang et al., Findings of EMNLP 2025): siblings are packed while they fit, what does not
fit is split at its children. Sizes are in non-whitespace characters, so that indentation does not count.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from tree_sitter import Node

from retrieval.definitions import Place, places
from retrieval.parsing import parsed

CHUNK = 1200
"""Non-whitespace characters in a chunk of a file, at most."""
BLOCK = 600
"""Those in a block of a definition: about 200 tokens of a code model."""
_DEEPEST = 60
"""Trees are followed so far down; what is below is cut at its lines."""

_PARAGRAPH = re.compile(r"\n(?:[ \t\r\f\v]*\n)+")
_HEADING = re.compile(r"^#{1,6} +(.+?)[ #\r]*$", re.MULTILINE)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a file, in code points."""

    start: int
    end: int
    owner: str
    """The innermost definition around it: `Item.total`; empty at module level."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What is found as one: a function, a class without its methods, the rest of a module, a paragraph of a text."""

    name: str
    """With the classes around it: `Item.total`; of a paragraph its heading; empty for a module's rest."""
    kind: str
    """`function`, `method`, `class`, `module` or `text`."""
    start: int
    end: int
    """Code points, comments above included. What a class or module has of its own need not be in one piece."""
    line: int
    """Of its name; counts from 1."""
    blocks: tuple[str, ...]
    """The texts of its chunks, in order."""

    @property
    def passages(self) -> tuple[str, ...]:
        """What an encoder reads: the blocks, each behind a line with the definition's name."""
        return tuple(f"{self.name}\n{block}" for block in self.blocks)


def split(text: str, language: str, size: int = CHUNK) -> list[Chunk]:
    """Chunks that tile a file, each of at most `size` non-whitespace characters; `text[start:end]` joined is the file.

    A language without a grammar is split at its paragraphs. Raises ValueError if `size` is not positive.
    """
    return list(_File(text, language, size).chunks())


def definitions(text: str, language: str, size: int = BLOCK) -> list[Definition]:
    """What of a file is searched for, in the order in which it begins; everything but blanks is in one of them.

    `size` is that of a block, in non-whitespace characters. Raises ValueError if it is not positive.
    """
    return list(_File(text, language, size).definitions())


class _Offsets:
    """From bytes of the parsed code to code points of the text: the lines are the same, if not all that is in them."""

    def __init__(self, text: str, code: bytes) -> None:
        self._same = len(code) == len(text) and text.isascii()
        if not self._same:  # a line may be long and have many nodes: it is not decoded for each
            begins = (np.frombuffer(code, np.uint8) & 0xC0) != 0x80
            self._characters = np.concatenate([[0], np.cumsum(begins, dtype=np.uint32)])
        self._lines = [] if self._same else [0, *(match.end() for match in re.finditer(b"\n", code))]
        self._starts = [] if self._same else [0, *(match.end() for match in re.finditer("\n", text))]

    def __call__(self, byte: int) -> int:
        if self._same:
            return byte
        row = bisect_right(self._lines, byte) - 1
        return self._starts[row] + int(self._characters[byte]) - int(self._characters[self._lines[row]])


@dataclass(frozen=True, slots=True)
class _Found:
    """A definition with its span in code points."""

    place: Place
    start: int
    end: int
    around: int
    """The number of the class around it, -1 at module level."""


def _located(found: Iterable[Place], text: str, offset: Callable[[int], int]) -> list[_Found]:
    located: list[_Found] = []
    for place in found:
        start, end = _line_start(text, offset(place.start)), offset(place.end)
        around = len(located) - 1
        while around >= 0 and located[around].end < end:
            around = located[around].around
        located.append(_Found(place, start, end, around))
    return located


class _File:
    """A file that is being split."""

    def __init__(self, text: str, language: str, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"A chunk of {limit} characters cannot hold anything: give a size of at least 1.")
        characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        self._text, self._language, self._limit = text, language, limit
        self._counted = np.concatenate([[0], np.cumsum(characters > ord(" "))])
        self._root: Node | None = None
        self._found: list[_Found] = []
        if tree := parsed(text, language):
            self._root, code = tree
            self._offset = _Offsets(text, code)
            self._found = _located(places(self._root, code, language), text, self._offset)
        self._starts = [each.start for each in self._found]

    def chunks(self) -> Iterator[Chunk]:
        whole = (0, len(self._text))
        for start, end in self._merged(
            self._paragraphs(*whole) if self._root is None else self._tiles(self._root, *whole)
        ):
            yield Chunk(start, end, self._owner(start, end))

    def definitions(self) -> Iterator[Definition]:
        if self._root is None:
            yield from self._texts()
            return
        whole = (0, len(self._text))
        yield from self._definition("", "module", whole, 1, self._own(whole, -1))
        for number, each in enumerate(self._found):
            place, span = each.place, (each.start, each.end)
            spans = self._own(span, number) if place.kind == "class" else self._tiles(place.node, *span)
            yield from self._definition(place.name, place.kind, span, place.row + 1, spans)

    def _texts(self) -> Iterator[Definition]:
        """Paragraphs, small ones together, each under the heading above it."""
        written = list(_HEADING.finditer(self._text)) if self._language == "markdown" else []
        starts = [0, *(match.start() for match in written), len(self._text)]
        names = ["", *(match[1] for match in written)]
        for name, (begin, stop) in zip(names, pairwise(starts), strict=True):
            for start, end in self._merged(self._paragraphs(begin, stop)):
                line = self._text.count("\n", 0, start) + 1
                yield from self._definition(name, "text", (start, end), line, [(start, end)])

    def _definition(self, name: str, kind: str, span: Span, line: int, spans: Iterable[Span]) -> Iterator[Definition]:
        blocks = tuple(filter(str.strip, self._packed(spans)))
        if blocks:
            yield Definition(name, kind, *span, line, blocks)

    def _packed(self, spans: Iterable[Span]) -> Iterator[str]:
        """The texts of spans, put together while they fit."""
        texts: list[str] = []
        size = 0
        for start, end in spans:
            own = self._size(start, end)
            if texts and size + own > self._limit:
                yield "".join(texts)
                texts, size = [], 0
            texts.append(self._text[start:end])
            size += own
        yield "".join(texts)

    def _own(self, span: Span, number: int) -> Iterator[Span]:
        """The lines of a class, or of a module (-1), that no definition inside of it has."""
        start = span[0]
        for each in islice(self._found, number + 1, bisect_left(self._starts, span[1])):
            if each.start >= start:
                yield from self._lines(start, each.start)
            start = max(start, each.end)
        yield from self._lines(start, max(start, span[1]))

    def _owner(self, start: int, end: int) -> str:
        text = self._text[start:end]
        start, end = start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())
        number = bisect_right(self._starts, start) - 1
        while number >= 0 and self._found[number].end < end:
            number = self._found[number].around
        return self._found[number].place.name if number >= 0 and start < end else ""

    def _size(self, start: int, end: int) -> int:
        return int(self._counted[end] - self._counted[start])

    def _merged(self, spans: Iterable[Span]) -> Iterator[Span]:
        """Neighbours put together while they fit."""
        start = end = -1
        for span in spans:
            if start >= 0 and self._size(start, span[1]) > self._limit:
                yield start, end
                start = -1
            start, end = span[0] if start < 0 else start, span[1]
        if start >= 0:
            yield start, end

    def _tiles(self, node: Node, start: int, end: int, depth: int = 0) -> Iterator[Span]:
        """Spans that tile `start` to `end`: nodes with what follows them, lines of those that are too large a leaf."""
        if self._size(start, end) <= self._limit:
            if end > start:
                yield start, end
            return
        children = node.named_children if depth < _DEEPEST else []
        if not children:
            yield from self._lines(start, end)
            return
        starts = [min(max(_line_start(self._text, self._offset(each.start_byte)), start), end) for each in children]
        for child, begin, stop in zip(children, [start, *starts[1:]], [*starts[1:], end], strict=True):
            if stop > begin:
                yield from self._tiles(child, begin, stop, depth + 1)

    def _paragraphs(self, start: int, end: int) -> Iterator[Span]:
        ends = [match.end() for match in _PARAGRAPH.finditer(self._text, start, end)]
        for begin, stop in pairwise([start, *ends, end]):
            if self._size(begin, stop) > self._limit:
                yield from self._lines(begin, stop)
            elif stop > begin:
                yield begin, stop

    def _lines(self, start: int, end: int) -> Iterator[Span]:
        """Lines, and pieces of those that are too large."""
        while start < end:
            stop = self._text.find("\n", start, end) + 1 or end
            while self._size(start, stop) > self._limit:
                cut = int(np.searchsorted(self._counted, self._counted[start] + self._limit, "right")) - 1
                yield start, cut
                start = cut
            yield start, stop
            start = stop


def _line_start(text: str, offset: int) -> int:
    """Where the line begins, if only blanks are before the offset; the offset otherwise."""
    start = text.rfind("\n", 0, offset) + 1
    return offset if text[start:offset].strip() else start
