"""Indents the lines of a completion as their file does, in its tabs or blanks, and levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from assistant.text import indentation
from plugins.tidy.place import Place
from plugins.tidy.scan import ends_in_string, scan
from plugins.tidy.unit import opens, seems_to_open


def without_blank_again(text: str, place: Place) -> str:
    """`x = ‸` + ` 1` → `1`; indentation is kept if it completes what has been typed of it."""
    blanks = indentation(text)
    aligned = blanks != " " and place.line.endswith("  ") and not place.is_blank
    if not blanks or aligned or place.in_string or not place.line.endswith((" ", "\t")):
        return text
    return text[len(blanks) :] if not place.is_blank else _kept_indentation(blanks, place) + text[len(blanks) :]


def _kept_indentation(blanks: str, place: Place) -> str:
    """What of the blanks that a text begins with goes with the indentation before the cursor.

    Below `    if a:` both `    ‸` + `    b` and `    ‸` + `        b` mean the 8 blanks that a line has there.
    """
    possible = levels(place)
    if place.line + blanks == possible[0]:
        return blanks
    rest = blanks.removeprefix(place.line)
    if rest != blanks and rest and place.line + rest == possible[0]:
        return rest
    return blanks if place.line not in possible and place.line + blanks in possible else ""


def levels(place: Place) -> list[str]:
    """Indentations that a line at the cursor may have, the likeliest first."""
    last = place.above[-1] if place.above else ""
    found = [indentation(last) + (place.unit if seems_to_open(last) else "")]
    for line in reversed(place.above):
        if len(indentation(line)) < len(found[-1]):
            found.append(indentation(line))
    return found


def indented(text: str, place: Place) -> str:
    """The lines behind the first in the file's tabs or blanks, and levels: `if a:‸` + `⏎    b` → `⏎\\tb`."""
    if not place.unit:
        return text
    lines = (place.line + text).split("\n")
    code = [number for number in _code_lines(lines, text, place) if number or place.is_blank]
    starts = {number: indentation(lines[number]) for number in code}
    base = indentation(place.line)
    fit = _in_tabs if place.unit == "\t" else _in_blanks
    for number, start in fit(starts, base, lines, place).items():
        lines[number] = start + lines[number][len(starts[number]) :]
    fitted = "\n".join(lines)
    return fitted.removeprefix(place.line) if fitted.startswith(place.line) else text


def _code_lines(lines: Sequence[str], text: str, place: Place) -> Iterator[int]:
    """The numbers of the lines that do not begin within a string; blank ones have no indentation to mind."""
    opened = place.opened
    for number, line in enumerate(text.split("\n")):
        last_before_closer = number == len(lines) - 1 and place.rest.strip()
        if (lines[number].strip() or last_before_closer) and not ends_in_string(opened):
            yield number
        opened = scan(line + "\n", place.language, opened).opened


def _in_tabs(starts: dict[int, str], base: str, lines: Sequence[str], place: Place) -> dict[int, str]:
    step = _blanks_a_level(starts, base, lines, place)
    return {number: _tabs(start, base, step) for number, start in starts.items()}


def _tabs(start: str, base: str, step: int) -> str:
    """`⇥        ` → `⇥⇥⇥` for a step of 4 blanks; what `base` begins with is kept."""
    kept = base if start.startswith(base) else _leading_tabs(start)
    added = start[len(kept) :]
    tabs, blanks = divmod(added.count(" "), step)
    return kept + "\t" * (added.count("\t") + tabs) + " " * blanks


def _leading_tabs(start: str) -> str:
    """`⇥⇥  ` → `⇥⇥`."""
    return start[: len(start) - len(start.lstrip("\t"))]


def _blanks_a_level(starts: dict[int, str], base: str, lines: Sequence[str], place: Place) -> int:
    """How many blanks the model wrote for a tab."""
    counts = [start.removeprefix(base).count(" ") for number, start in starts.items() if number and " " in start]
    first = next((count for count in counts if count), 4)
    absolute = [start for start in starts.values() if base and " " in start and not start.startswith(base)]
    depth = base.count("\t") + opens(lines[0], place.language) if absolute else 1
    step = first // max(depth, 1)
    return step if step in (2, 3, 4, 8) else 4


def _in_blanks(starts: dict[int, str], base: str, lines: Sequence[str], place: Place) -> dict[int, str]:
    blanks = {number: start.replace("\t", place.unit) for number, start in starts.items()}
    step, unit = _step(blanks, base, lines, place), len(place.unit)
    zero = len(blanks.get(0, base).replace("\t", place.unit))
    if step in (0, unit):
        return blanks
    deeper = {number: len(start) - zero for number, start in blanks.items() if len(start) > zero}
    if any(width % step for width in deeper.values()):
        return blanks
    return blanks | {number: " " * (zero + width // step * unit) for number, width in deeper.items()}


def _step(starts: dict[int, str], base: str, lines: Sequence[str], place: Place) -> int:
    """By how many blanks the model indents what stands in a block; 0 if it shows none, or several."""
    numbers = [0, *(number for number in starts if number)]
    widths = {0: len(base.replace("\t", place.unit)), **{number: len(start) for number, start in starts.items()}}
    steps = {
        widths[after] - widths[before]
        for before, after in pairwise(numbers)
        if widths[after] > widths[before] and opens(lines[before], place.language)
    }
    return steps.pop() if len(steps) == 1 and min(steps) in (2, 3, 4, 8) else 0
