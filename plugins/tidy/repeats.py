"""Takes away what a completion repeats: lines that stand above or below the cursor, or that it has written itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.syntax import CLOSERS
from plugins.tidy.indentation import levels
from plugins.tidy.place import Place
from plugins.tidy.rest import consumed

_WORD = re.compile(r"[^\W\d]\w*")
_SMALL = re.compile(
    r"(?i:pass|break|continue|return|else|try|finally|ensure|default|end|do|then|begin|fi|done|esac"
    r"|none|null|nil|undefined|true|false)"
)


def once(text: str, place: Place) -> str:
    """A line that comes three times or more in a row ends the completion."""
    lines = (place.line + text).split("\n")
    for number, line in enumerate(lines[:-2]):
        if line.strip() and line.rstrip() == lines[number + 1].rstrip() == lines[number + 2].rstrip():
            return _up_to(number + 1, text, place)
    return text


def without_lines_below(text: str, place: Place) -> str:
    """`‸⏎b()` + `a()⏎b()` → `a()`."""
    lines = [line.rstrip() for line in (place.line + text).split("\n")]
    filled = [number for number, line in enumerate(lines) if line and (number or place.is_blank)]
    below = [line for line in place.below if line]
    comes_next = filled == [0] and below and lines[0].strip() == below[0].strip()
    if comes_next and _is_said_below(lines, text, place, anywhere=True):
        return ""
    for count in range(min(len(filled), len(below)), 0, -1):
        start = filled[-count]
        same = [lines[number] for number in filled[-count:]] == below[:count]
        if same and _is_said_below(lines[start:], text, place):
            return _up_to(start, text, place)
    return text


def _up_to(number: int, text: str, place: Place) -> str:
    """The text before one of its lines, counted from the cursor's."""
    return "\n".join((place.line + text).split("\n")[:number])[len(place.line) :]


def _is_said_below(lines: Sequence[str], text: str, place: Place, *, anywhere: bool = False) -> bool:
    """Whether lines equal to those below are a repetition; small ones may be needed twice."""
    if not all(_is_trivial(line) for line in lines):
        return True
    if any(CLOSERS.keys() & set(line) for line in lines):
        return consumed(text, place).spare > place.debt and not (anywhere and place.line in levels(place)[1:])
    return bool(place.below[0]) and not anywhere


def repeats_above(text: str, replaces: int, place: Place) -> bool:
    """Whether the first lines equal the last ones above: `a()⏎‸` + `a()`."""
    above = list(place.above)
    written = (place.line + text + place.rest[replaces:]).split("\n")
    if not text.split("\n")[0].strip():
        above += [written[0].rstrip()] if written[0].strip() else []
        written = written[1:]
    lines = [line.rstrip() for line in written if line.strip()]
    return any(
        above[-count:] == lines[:count] and not all(_is_trivial(line) for line in lines[:count])
        for count in range(1, min(len(lines), len(above)) + 1)
    )


def _is_trivial(line: str) -> bool:
    """Whether a line says too little to be a repetition: `}`, `pass`, `} else {`, `0, 0`."""
    return all(_SMALL.fullmatch(word) for word in _WORD.findall(line))
