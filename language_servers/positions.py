"""Offsets in code points to LSP's lines and characters and back, in any of its three units.

Only `\\n`, `\\r\\n` and `\\r` end a line: a form feed or U+2028 does not. A line beyond the last means the end of the
text, a character beyond a line its end; there is no place between `\\r` and `\\n`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

_LF, _CR = b"\n\r"


def _line_starts(text: str) -> NDArray[np.intp]:
    """Where each line begins: `"a\\r\\nb"` → `[0, 3]`. In Latin-1 what is not a newline may well become a `?`."""
    codes = np.frombuffer(text.encode("latin-1", "replace"), np.uint8)
    ends = codes == _CR
    ends[:-1] &= codes[1:] != _LF
    ends |= codes == _LF
    return np.concatenate((np.zeros(1, np.intp), np.flatnonzero(ends) + 1))


class Lines(Sequence[str]):
    """A text's lines with their newlines, cut out when asked for: `"a\\nb\\n"` → `"a\\n"`, `"b\\n"`, `""`."""

    def __init__(self, text: str, starts: NDArray[np.intp] | None = None) -> None:
        self.text = text
        self._starts = _line_starts(text) if starts is None else starts

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[str, ...]: ...
    def __getitem__(self, row: int | slice) -> str | tuple[str, ...]:
        if isinstance(row, slice):
            return tuple(self[each] for each in range(len(self))[row])
        row = range(len(self))[row]  # counts from the end if negative, and raises IndexError
        return self.text[self.start(row) : self.start(row + 1)]

    def start(self, row: int) -> int:
        """The offset at which a line begins; the end of the text for a line beyond it."""
        return int(self._starts[row]) if row < len(self) else len(self.text)

    def row(self, offset: int) -> int:
        """The line that holds an offset."""
        return int(np.searchsorted(self._starts, offset, side="right")) - 1

    def replaced(self, start: int, end: int, new: str) -> Lines:
        """The lines once `new` stands between two offsets: `Lines("a\\nb").replaced(1, 2, "")` → `"ab"`.

        Only the lines around the change are looked at, since a key press in 20 MB should not read them all. They begin
        one above it, where a `\\r` may meet a new `\\n`.
        """
        text = "".join((self.text[:start], new, self.text[end:]))
        first = max(self.row(start) - 1, 0)
        below = self._starts[self.row(end) + 1 :] + (len(new) - (end - start))
        top, bottom = self.start(first), int(below[0]) if below.size else len(text)
        around = _line_starts(text[top:bottom]) + top
        return Lines(text, np.concatenate((self._starts[:first], around, below[1:])))

    def position(self, offset: int, encoding: str) -> tuple[int, int]:
        """Line and character: offset 3 of `"a\\n😀b"` → `(1, 2)` in UTF-16."""
        row = self.row(offset)
        return row, units(self[row].rstrip("\r\n")[: offset - self.start(row)], encoding)

    def offset(self, line: int, character: int, encoding: str) -> int:
        """Code points before a position: line 1, character 2 of `"a\\n😀b"` → 3 in UTF-16."""
        if line >= len(self):
            return len(self.text)
        return self.start(line) + column(self[line].rstrip("\r\n"), character, encoding)


def units(text: str, encoding: str) -> int:
    """How long a text is in an encoding: `"😀"` → 4 in UTF-8, 2 in UTF-16, 1 in UTF-32. Half a pair counts too."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def column(line: str, character: int, encoding: str) -> int:
    """The most code points that fit in so many units: `("a😀", 2)` → 1 in UTF-16, before the split character.

    Halves what is left in each step, so that a line is encoded once altogether, and only as far as `character` reaches.
    """
    low, high = 0, min(len(line), character)
    while low < high:
        middle = (low + high + 1) // 2
        taken = units(line[low:middle], encoding)
        if taken <= character:
            low, character = middle, character - taken
        else:
            high = middle - 1
    return low


def difference(old: str, new: str) -> tuple[int, int, str]:
    """The smallest stretch to replace: `("abcd", "abxd")` → `(2, 3, "x")`. It splits no `\\r\\n`."""
    start = _common(old, new)
    limit = min(len(old), len(new)) - start
    same = _common_end(old, new, limit)
    if _splits(old, start) or _splits(new, start):
        start -= 1
    end = len(old) - same
    if _splits(old, end) or _splits(new, len(new) - same):
        end += 1
    return start, end, new[start : end + len(new) - len(old)]


def _common(old: str, new: str) -> int:
    """How many code points two texts begin with in common. Slices are compared: a loop over characters is slow."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(old: str, new: str, limit: int) -> int:
    """How many code points, at most `limit`, two texts end with in common."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if old[len(old) - middle : len(old) - low] == new[len(new) - middle : len(new) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _splits(text: str, offset: int) -> bool:
    """Whether an offset lies between `\\r` and `\\n`."""
    return text[max(offset - 1, 0) : offset + 1] == "\r\n"
