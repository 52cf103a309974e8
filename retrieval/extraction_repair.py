"""Makes half-written Python readable: one open bracket would otherwise hide the definitions behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from textwrap import dedent

_HEAD = re.compile(r"\s*(?:async\s+def|def|class)\b")
_DECORATOR = re.compile(r"\s*@")
_QUOTE = re.compile(r"\s*[rRuU]?[\"']")
LONGEST_HEAD = 15
"""Lines that a definition's head may take."""

LONGEST_DOCSTRING = 40
"""Lines that its docstring may take."""


def without_broken_bodies(text: str, is_broken: Callable[[str], bool]) -> str:
    """The text with as many lines, in which parts that are broken are blank, definitions but for their heads.

    `is_broken` tells whether a part on its own has syntax errors.
    """
    return "\n".join(line for part in _parts(text.split("\n")) for line in _mended(part, is_broken))


def _parts(lines: list[str]) -> Iterator[list[str]]:
    """Each begins where a definition or its decorators do, or where the indentation of the last one has ended."""
    part: list[str] = []
    indent = 0
    for line in lines:
        own = len(line) - len(line.lstrip())
        begins = _DECORATOR.match(line) or (_HEAD.match(line) and not _is_decorated(part))
        if line.strip() and part and (begins or (own < indent and line.lstrip()[0] != "#")):
            yield part
            part = []
        if line.strip() and not any(each.strip() for each in part):
            indent = own
        part.append(line)
    yield part


def _is_decorated(part: list[str]) -> bool:
    """Whether a definition's decorators are all that a part has so far."""
    return bool(part) and bool(_DECORATOR.match(part[0])) and not any(map(_HEAD.match, part))


def _mended(part: list[str], is_broken: Callable[[str], bool]) -> list[str]:
    def reads(lines: list[str]) -> bool:
        return not is_broken(dedent("\n".join(lines)) + "\n")

    if reads(part):
        return part
    first = next((number for number, line in enumerate(part) if _HEAD.match(line)), None)
    if first is not None:
        for end in range(first + 1, min(len(part), first + LONGEST_HEAD) + 1):
            head = [*part[: end - 1], f"{part[end - 1].rstrip()} ..."]
            if reads(head):
                documented = _documented(part, end, reads)
                return (documented or head) + [""] * (len(part) - len(documented or head))
    return [""] * len(part)


def _documented(part: list[str], end: int, reads: Callable[[list[str]], bool]) -> list[str]:
    """A head of so many lines with the docstring behind it, if there is one."""
    if end == len(part) or not _QUOTE.match(part[end]):
        return []
    ends = range(end + 1, min(len(part), end + LONGEST_DOCSTRING) + 1)
    return next((part[:last] for last in ends if reads(part[:last])), [])
