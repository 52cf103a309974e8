"""Lines and indentation of a text, in code points. A line ends at `\\n`, `\\r\\n` or `\\r`, as in LSP."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NEWLINE = re.compile(r"\r\n|\n|\r")
_INDENTATION = re.compile(r"[ \t]*")
_PYTHON_TOP = re.compile(r"^(?:def|class|async def) ", re.MULTILINE)
_TOP = re.compile(r"^\w", re.MULTILINE)


def line_start(text: str, offset: int) -> int:
    """Where the line that holds an offset begins."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_end(text: str, offset: int) -> int:
    """Where the line that holds an offset ends, before its newline."""
    match = _NEWLINE.search(text, offset)
    return match.start() if match else len(text)


def indentation(line: str) -> str:
    """The blanks and tabs that a line begins with."""
    match = _INDENTATION.match(line)
    return match[0] if match else ""


def split_lines(text: str) -> list[str]:
    """The lines of a text without their newlines; one empty line for an empty text."""
    return _NEWLINE.split(text)


def heads(text: str, offset: int) -> Iterator[tuple[int, int]]:
    """Start and end of the lines that head the blocks around an offset, innermost first: those indented less and less.

    Empty lines, comments and closing brackets head nothing.
    """
    start = line_start(text, offset)
    margin = len(indentation(text[start:offset]))
    while margin and start:
        end = start - 1
        start = line_start(text, end)
        line = text[start:end]
        blanks = len(indentation(line))
        if blanks < margin and (first := line[blanks : blanks + 1]) and first not in ")]}#\r":
            margin = blanks
            yield start, end


def line_offset(text: str, line: int) -> int:
    """Where a line begins, counted from 0; the end of the text beyond its last line."""
    if line == 0:
        return 0
    ends = [match.end() for match in _NEWLINE.finditer(text)]
    return ends[line - 1] if line <= len(ends) else len(text)


def window_start(offset: int, size: int, step: int = 1024) -> int:
    """Where a window of at least `size` code points before an offset begins: at a place that seldom moves."""
    return max(0, offset - size) // step * step


def code_start(text: str, offset: int, size: int, language: str) -> int:
    """Where to begin to read so as to know what an offset stands in: not within a string, as far as that can be seen.

    In Python a definition that is not indented, as hardly any string holds one; elsewhere a line that is not indented.
    At least `size` code points before the offset, or behind those where one begins.
    """
    start = window_start(offset, size)
    if not start:
        return 0
    tops = _PYTHON_TOP if language == "python" else _TOP
    if top := tops.search(text, start, offset):
        return top.start()
    if language != "python":
        return start
    return max(text.rfind(f"\n{word} ", 0, start) for word in ("def", "class", "async def")) + 1
