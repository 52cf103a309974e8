"""Takes away what a completion repeats of the rest of the cursor's line, or replaces that: `foo(‸)` + `a)` → `a`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from assistant.syntax import CLOSERS
from plugins.tidy.place import Place
from plugins.tidy.scan import LINE_BOUND, Scan, scan


class Consumed(NamedTuple):
    """A text up to where it may go, how much of the rest of the line it writes anew, and its closers beyond that."""

    text: str
    replaces: int
    spare: int


def consumed(text: str, place: Place) -> Consumed:
    """Which of the closers behind the cursor the text writes itself, from left to right."""
    rest = place.rest if place.ends else ""
    scanned = scan(text, place.language, place.opened)
    ends, position = [0], 0
    owed, spare = place.line_debt, 0
    for mark, at, _ in scanned.closed:
        if owed and mark in CLOSERS:
            owed, spare = owed - 1, spare + 1
            continue
        found = re.compile(rf"[ \t;:,]*{_mark_pattern(mark)}").match(rest, ends[-1])
        if found:
            ends.append(found.end())
            position = at + len(mark)
        elif mark in rest[ends[-1] :]:
            text = text[:at]
            break
        else:
            spare += mark in CLOSERS
    used = ends[-1 - _given_back(scanned, rest, ends)]
    if used < ends[-1]:
        return Consumed(text, used, spare)
    return Consumed(text, used + _punctuation(text[position:], rest[used:]), spare)


def _given_back(scanned: Scan, rest: str, ends: Sequence[int]) -> int:
    """How many of the closers that a text writes close again what it opens: `f(‸)` + `x).g(y` needs the `)`."""
    needed = [each.closer for each in reversed(scanned.opened[scanned.floor :])]
    marks = [rest[start:end].lstrip(" \t;:,") for start, end in pairwise(ends)]
    return next((count for count in range(len(marks), 0, -1) if marks[-count:] == needed[:count]), 0)


def _mark_pattern(mark: str) -> str:
    """A long quote may be there in part."""
    return mark[0] + "{1,3}" if len(mark) == 3 else re.escape(mark)


def _punctuation(text: str, rest: str) -> int:
    """How much of `;`, `:`, `,` behind the closers the text writes too: `x):⏎    y` → the `:`."""
    mark = rest.strip()[:1]
    if mark and mark in ";:," and (text.split("\n")[0].rstrip().endswith(mark) or text.rstrip().endswith(mark)):
        return rest.index(mark) + 1
    return 0


def met(text: str, place: Place) -> tuple[str, int]:
    """The text and what it replaces, without the end that both have in common."""
    if not place.ends:
        text = _without_rest(text, place)
        return _ended(text, place.rest, place), 0
    taken = consumed(_within_line(text, place), place)
    text, replaces = taken.text, taken.replaces
    short, kept = _shortened(taken, place)
    if kept or _shortened(consumed(short, place), place) == (short, 0):
        text, replaces = short, kept
    return _ended(text, place.rest[replaces:], place), replaces


def _shortened(taken: Consumed, place: Place) -> tuple[str, int]:
    """`a)` for `)` → `a` for nothing: the same document, and the user's own bracket stays."""
    text, replaces = taken.text, taken.replaces
    while replaces and text and text[-1] == place.rest[replaces - 1]:
        text, replaces = text[:-1], replaces - 1
    only_punctuation = not place.rest[:replaces].strip(" \t;:,") and "\n" not in text
    return text, 0 if only_punctuation else replaces


def _within_line(text: str, place: Place) -> str:
    """The first line of a text that leaves a string open which is closed behind the cursor."""
    if not place.in_string:
        return text
    closer = place.opened[-1].closer
    if closer not in LINE_BOUND or closer not in place.rest:
        return text
    first = text.split("\n")[0]
    closed = scan(first, place.language, place.opened).closed
    return text if any(each.mark == closer for each in closed) else first


def _without_rest(text: str, place: Place) -> str:
    """A text without the end that repeats the line's rest: `foo(‸, b)` + `a, b)` → `a`."""
    rest = place.rest.rstrip()
    if rest and text.startswith(rest) and not (_is_word(rest[-1:]) and _is_word(text[len(rest) : len(rest) + 1])):
        return ""
    for part in (rest, rest.lstrip()):
        for length in range(min(len(part), len(text)), 0, -1):
            if text.endswith(part[:length]) and _may_cut(text, len(text) - length, length == len(part), place):
                return text[:-length]
    return text


def _may_cut(text: str, start: int, whole: bool, place: Place) -> bool:
    """Whether a repetition begins there: not within a word, and with nothing open that the text has opened."""
    if start and _is_word(text[start - 1]) and _is_word(text[start]) and not (whole and len(text) - start > 1):
        return False
    kept = scan(text[:start], place.language, place.opened)
    closed = scan(text, place.language, place.opened).closed
    return len(kept.opened) <= kept.floor and len(kept.closed) >= min(place.line_debt, len(closed))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


_LONG_QUOTES = frozenset(('"""', "'''"))
_CLOSING = frozenset(")]}\"'`>")


def _ended(text: str, after: str, place: Place) -> str:
    """Without blanks at the ends of lines; a last newline stays if a closer follows: `foo(‸)` + `⏎    a,⏎`."""
    *lines, last = text.split("\n")
    body = "\n".join(line.rstrip(" \t") for line in lines)
    if lines and not last.strip():
        hangs = after[:3] in _LONG_QUOTES or "\n" in body or CLOSERS.get(after[:1], '"') not in place.line
        return body.rstrip() + "\n" + last if hangs and body.strip() and after[:1] in _CLOSING else body.rstrip()
    ended = last.rstrip(" \t")
    if ended != last and _takes_blank(place.line + last, after, place):
        ended = last
    return "\n".join([body, ended]) if lines else ended


def _takes_blank(before: str, after: str, place: Place) -> bool:
    """Whether a blank stays between a text and what follows it: `{ a‸}` + `, b ` as in front, `f(‸b)` + `a, `."""
    if not after.strip() or after[0] in " \t":
        return False
    if place.in_string and after.startswith(place.opened[-1].closer):
        return True
    opener = CLOSERS.get(after[0])
    return before.rpartition(opener)[2].startswith(" ") if opener else not place.ends
