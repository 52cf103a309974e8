"""What surrounds a cursor, as far as tidying looks: its line, the lines near it, what is open there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.decoding.stopping import CLOSING_TAIL
from assistant.text import line_end, line_start, split_lines, window_start
from assistant.types import CompletionRequest
from plugins.tidy.scan import Open, ends_in_string, scan, unclosed
from plugins.tidy.unit import unit_of

WINDOW = 8192
"""Code points on each side of the cursor that are looked at."""

NEAR = 60
"""Lines on each side that tell the indentation, and that a completion is compared with."""


@dataclass(frozen=True, slots=True)
class Place:
    """What surrounds a cursor: `line` before it and `rest` behind it on its line, other lines without their ends.

    `above` has no blank lines. `opened` is what is open at the cursor, `debt` how many brackets of it nothing behind
    closes, `line_debt` how many of these its line has opened.
    `ends` says that only closers stand behind the cursor, which the model has not seen.
    """

    language: str
    line: str
    rest: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    opened: tuple[Open, ...]
    debt: int
    line_debt: int
    ends: bool
    unit: str
    newline: str

    @property
    def is_blank(self) -> bool:
        return not self.line.strip()

    @property
    def in_string(self) -> bool:
        return ends_in_string(self.opened)


def place_of(request: CompletionRequest) -> Place:
    text, offset, language = request.text, request.offset, request.language
    begin = window_start(offset, WINDOW)
    before, behind = text[begin:offset], text[offset : offset + WINDOW]
    start, end = line_start(before, len(before)), line_end(behind, 0)
    above, below = split_lines(before[:start])[-NEAR:], split_lines(behind[end:])[1:NEAR]
    line, rest = before[start:], behind[:end]
    opened_above = scan(_from_top(before[:start]) if begin else before[:start], language).opened
    opened = scan(line, language, opened_above).opened
    truncated = offset + WINDOW < len(text)
    owed = unclosed(behind, language, opened)
    earlier = len(opened) - len(scan(line, language).opened)
    line_debt = sum(depth >= earlier for depth in owed)
    tail = CLOSING_TAIL.match(rest)
    return Place(
        language=language,
        line=line,
        rest=rest,
        above=tuple(each.rstrip() for each in above if each.strip()),
        below=tuple(each.rstrip() for each in (below[:-1] if truncated else below)),
        opened=opened,
        debt=line_debt if truncated else len(owed),
        line_debt=line_debt,
        ends=tail is not None and tail.end() == len(rest) < WINDOW,
        unit=unit_of(line, [*above, *below], request.indent, language),
        newline=_newline(before, behind),
    )


_TOP = re.compile(
    r"^(?:(?:async )?def \w+\(|class \w+.*[:{]$|from \S+ import |import [\w.]+$|@\w|#include|\w.*[({;]$)", re.MULTILINE
)
_INNER_TOP = re.compile(r"^[ \t]+(?:(?:async )?def \w+\(|class \w+.*[:{]$|@\w|\w.*\{$)", re.MULTILINE)


def _from_top(before: str) -> str:
    """A text from a line on that hardly stands in a string: one that defines or opens something."""
    top = _TOP.search(before) or _INNER_TOP.search(before)
    return before[top.start() :] if top else before


def _newline(before: str, behind: str) -> str:
    """The newline nearest before the cursor, else the next one behind it."""
    last = line_start(before, len(before))
    found = before[max(0, last - 2) : last] if last else behind[line_end(behind, 0) :][:2]
    if "\r\n" in found:
        return "\r\n"
    return "\r" if (found[-1:] if last else found[:1]) == "\r" else "\n"
