"""Makes a completion fit its place: no bracket closed twice, no line repeated, the file's own indentation and newlines.

foo(‸) + "a, b)" → foo(a, b‸)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from assistant.decoding.stopping import CLOSING_TAIL
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.syntax import CLOSERS, OPENERS
from assistant.text import indentation, line_end, line_start, split_lines, window_start
from assistant.types import Completion, CompletionRequest, PostProcessor

WINDOW = 8192
"""Code points on each side of the cursor that are looked at."""

NEAR = 60
"""Lines on each side that tell the indentation, and that a completion is compared with."""

ROUNDS = 6
"""How often a completion is gone through: what one round takes away may bare something for the next."""


@hookimpl
def ghostwright_post_processors(settings: Settings) -> Sequence[PostProcessor]:
    return [Tidy()]


class Tidy:
    """Fits completions to the text around the cursor; drops those that only repeat it."""

    name = "tidy"

    def process(self, completion: Completion, request: CompletionRequest) -> Completion | None:
        if completion.replaces:
            return completion
        place = _place(request)
        text, replaces = completion.text, 0
        for _ in range(ROUNDS):
            before = text
            text, replaces = _tidied(text, place)
            if replaces or text == before:
                break
        if not text.strip():
            return None
        return replace(completion, text=text.replace("\n", place.newline), replaces=replaces)


def _tidied(text: str, place: _Place) -> tuple[str, int]:
    """One round: the text that is left, and how many code points it replaces."""
    for step in _STEPS:
        text = step(text, place)
    text, replaces = _met(text, place)
    if not text.strip() or _repeats_above(text, replaces, place):
        return "", 0
    return text, replaces


class _Open(NamedTuple):
    """Something open: what closes it, and the quote or comment mark that its inside stands in, empty for code."""

    closer: str
    inside: str


@dataclass(frozen=True, slots=True)
class _Place:
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
    opened: tuple[_Open, ...]
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
        return bool(self.opened) and self.opened[-1].inside not in ("", "\n", "*/")


def _place(request: CompletionRequest) -> _Place:
    text, offset, language = request.text, request.offset, request.language
    begin = window_start(offset, WINDOW)
    before, behind = text[begin:offset], text[offset : offset + WINDOW]
    start, end = line_start(before, len(before)), line_end(behind, 0)
    above, below = split_lines(before[:start])[-NEAR:], split_lines(behind[end:])[1:NEAR]
    line, rest = before[start:], behind[:end]
    opened_above = _scan(_from_top(before[:start]) if begin else before[:start], language).opened
    opened = _scan(line, language, opened_above).opened
    truncated = offset + WINDOW < len(text)
    unclosed = _unclosed(behind, language, opened)
    earlier = len(opened) - len(_scan(line, language).opened)
    line_debt = sum(depth >= earlier for depth in unclosed)
    tail = CLOSING_TAIL.match(rest)
    return _Place(
        language=language,
        line=line,
        rest=rest,
        above=tuple(line.rstrip() for line in above if line.strip()),
        below=tuple(line.rstrip() for line in (below[:-1] if truncated else below)),
        opened=opened,
        debt=line_debt if truncated else len(unclosed),
        line_debt=line_debt,
        ends=tail is not None and tail.end() == len(rest) < WINDOW,
        unit=_unit(line, [*above, *below], request.indent, language),
        newline=_newline(before, behind),
    )


def _from_top(before: str) -> str:
    """A text from a line on that hardly stands in a string: one that defines or opens something."""
    top = _TOP.search(before) or _INNER_TOP.search(before)
    return before[top.start() :] if top else before


_TOP = re.compile(
    r"^(?:(?:async )?def \w+\(|class \w+.*[:{]$|from \S+ import |import [\w.]+$|@\w|#include|\w.*[({;]$)", re.MULTILINE
)
_INNER_TOP = re.compile(r"^[ \t]+(?:(?:async )?def \w+\(|class \w+.*[:{]$|@\w|\w.*\{$)", re.MULTILINE)


def _newline(before: str, behind: str) -> str:
    """The newline nearest before the cursor, else the next one behind it."""
    last = line_start(before, len(before))
    found = before[max(0, last - 2) : last] if last else behind[line_end(behind, 0) :][:2]
    if "\r\n" in found:
        return "\r\n"
    return "\r" if (found[-1:] if last else found[:1]) == "\r" else "\n"


# What is open: strings, comments and brackets


class _Closed(NamedTuple):
    """What closes something from before the text, where it stands, and which of what was open it is, -1 for none."""

    mark: str
    at: int
    which: int


@dataclass(frozen=True, slots=True)
class _Scan:
    """What a text leaves open, what it `closed` that was open before it, and how much of that (`floor`) still is."""

    opened: tuple[_Open, ...]
    closed: tuple[_Closed, ...]
    floor: int


_HASH = frozenset(
    ("python", "ruby", "shellscript", "perl", "r", "yaml", "toml", "makefile", "dockerfile", "elixir", "julia")
)
_DASHES = frozenset(("lua", "sql", "haskell"))
_NO_COMMENTS = frozenset(("html", "xml", "markdown", "plaintext", "json"))
_BACKTICKS = frozenset(("javascript", "javascriptreact", "typescript", "typescriptreact", "go", "vue", "svelte"))
_DOLLAR_BRACES = frozenset(("kotlin", "dart", "groovy", "scala", "shellscript", "php"))
_LINE_BOUND = frozenset(('"', "'", "\n"))


@lru_cache(maxsize=128)
def _scan(text: str, language: str, opened: tuple[_Open, ...] = ()) -> _Scan:
    """Goes through a text at whose beginning something may be open. `a) + (b` closes `)` and leaves `(` open.

    Remembered, since most of what surrounds a cursor stays while the user types.
    """
    stack, closed, floor, position = list(opened), [], len(opened), 0
    while match := _marks(inside := stack[-1].inside if stack else "", language).search(text, position):
        position = match.end()
        kind, mark = match.lastgroup, match[0]
        if kind == "close":
            depth = _depth_of(mark, stack)
            if depth is None and inside:
                continue
            if depth is None or depth < floor:
                closed.append(_Closed(mark, match.start(), -1 if depth is None else depth))
            del stack[len(stack) if depth is None else depth :]
        elif kind == "newline":
            del stack[next((depth for depth, open_ in enumerate(stack) if open_.closer in _LINE_BOUND), len(stack)) :]
        elif kind is not None:
            stack.append(_opened(kind, mark, text[max(0, match.start() - 3) : match.start()], inside))
        floor = min(floor, len(stack))
    return _Scan(tuple(stack), tuple(closed), floor)


def _unclosed(behind: str, language: str, opened: tuple[_Open, ...]) -> list[int]:
    """Which of the brackets that are open at the cursor nothing behind it closes."""
    closed = {each.which for each in _scan(behind, language, opened).closed}
    return [depth for depth, each in enumerate(opened) if each.closer in CLOSERS and depth not in closed]


def _depth_of(mark: str, stack: Sequence[_Open]) -> int | None:
    """Where what a mark closes lies in the stack; within one string or stretch of code."""
    inside = stack[-1].inside if stack else ""
    for depth in range(len(stack) - 1, -1, -1):
        if stack[depth].inside != inside:
            return None
        if stack[depth].closer == mark:
            return depth
    return None


def _opened(kind: str, mark: str, before: str, inside: str) -> _Open:
    if kind == "comment":
        return _Open("*/", "*/") if mark == "/*" else _Open("\n", "\n")
    if kind == "quote":
        return _Open(mark, ("f" if _FORMATTED.search(before) else "") + mark)
    return _Open("}", "") if kind == "code" else _Open(OPENERS.get(mark, ">"), inside)


_FORMATTED = re.compile(r"(?<!\w)(?:[fF][rR]?|[rR][fF]|@?\$@?)$")


@lru_cache(maxsize=256)
def _marks(inside: str, language: str) -> re.Pattern[str]:
    """What matters within a string, a comment, or code."""
    if inside == "":
        return re.compile(f"{_comment(language)}{_quote(language)}{_BRACKETS}|{_NEWLINE}")
    if inside == "\n":
        return re.compile(rf"(?P<open>[(\[{{])|(?P<close>[)\]}}])|{_NEWLINE}")
    if inside == "*/":
        return re.compile(r"(?P<close>\*/|[)\]}])|(?P<open>[(\[{])")
    quote = inside.removeprefix("f")
    escape = "" if (quote, language) == ("`", "go") else r"\\.|"
    ends = f"|{_NEWLINE}" if quote in _LINE_BOUND else ""
    code = _interpolation(inside, language)
    return re.compile(rf"{escape}{code}(?P<close>{quote}|[)\]}}])|(?P<open>[(\[{{]){ends}", re.DOTALL)


_BRACKETS = r"(?P<open>[(\[{]|<(?=[\w/>]))|(?P<close>[)\]}]|(?<![-=])>(?!=))"
_NEWLINE = r"(?P<newline>[\r\n])"


def _comment(language: str) -> str:
    if language in _NO_COMMENTS:
        return ""
    marks = "#" if language in _HASH else "--" if language in _DASHES else r"(?<!:)//|/\*"
    return f"(?P<comment>{marks})|"


def _quote(language: str) -> str:
    single = r"(?<!\w)'|(?<=\b[rbufRBUF])'|(?<=\b[rbfRBF]{2})'"
    if language == "rust":
        single = r"(?<!\w)'(?=(?:\\[^\n][^'\n]*|[^'\\\n])')"
    long = '"""|' + ("'''|" if language == "python" else "")
    return f'(?P<quote>{long}{"`|" if language in _BACKTICKS else ""}"|{single})|'


def _interpolation(inside: str, language: str) -> str:
    """What begins code within a string."""
    if inside.startswith("f"):
        return r"\{\{|(?P<code>\{)|"
    if language == "ruby":
        return r"(?P<code>#\{)|"
    return r"(?P<code>\$\{)|" if inside == "`" or language in _DOLLAR_BRACES else ""


# The text by itself, and at the beginning


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffd\ud800-\udfff]")


def _printable(text: str, place: _Place) -> str:
    """`a⏎\\x00b` → `a⏎`: what no editor shows, or half a character, ends a completion."""
    return _CONTROL.split(text.replace("\r\n", "\n").replace("\r", "\n"), maxsplit=1)[0]


def _without_blank_again(text: str, place: _Place) -> str:
    """`x = ‸` + ` 1` → `1`; indentation is kept if it completes what has been typed of it."""
    blanks = indentation(text)
    aligned = blanks != " " and place.line.endswith("  ") and not place.is_blank
    if not blanks or aligned or place.in_string or not place.line.endswith((" ", "\t")):
        return text
    return text[len(blanks) :] if not place.is_blank else _kept_indentation(blanks, place) + text[len(blanks) :]


def _kept_indentation(blanks: str, place: _Place) -> str:
    """What of the blanks that a text begins with goes with the indentation before the cursor.

    Below `    if a:` both `    ‸` + `    b` and `    ‸` + `        b` mean the 8 blanks that a line has there.
    """
    levels = _levels(place)
    if place.line + blanks == levels[0]:
        return blanks
    rest = blanks.removeprefix(place.line)
    if rest != blanks and rest and place.line + rest == levels[0]:
        return rest
    return blanks if place.line not in levels and place.line + blanks in levels else ""


def _levels(place: _Place) -> list[str]:
    """Indentations that a line at the cursor may have, the likeliest first."""
    last = place.above[-1] if place.above else ""
    levels = [indentation(last) + (place.unit if _opens(last) else "")]
    for line in reversed(place.above):
        if len(indentation(line)) < len(levels[-1]):
            levels.append(indentation(line))
    return levels


# Indentation


_TABS = frozenset(("go", "makefile"))


def _unit(line: str, lines: Sequence[str], otherwise: str, language: str) -> str:
    """One level of indentation: tabs or blanks as the cursor's line has them, else as most lines around it.

    Empty where both are mixed to a level, as GNU's C is: then nobody can tell.
    """
    filled = [each for each in lines if each.strip()]
    starts = [indentation(each) for each in filled]
    tabs = sum(start.startswith("\t") for start in starts)
    blanks = sum(start.startswith("  ") for start in starts)
    if sum("\t  " in start for start in starts) * 4 > tabs > 0:
        return ""
    own = indentation(line)
    if own.startswith("\t") or (len(own) < 2 and tabs > blanks) or language in _TABS:
        return "\t"
    return _blanks(tuple(filled)) or (otherwise if "\t" not in otherwise or not (blanks or own) else "    ")


@lru_cache(maxsize=32)
def _blanks(lines: tuple[str, ...]) -> str:
    """The commonest step to a deeper line, behind lines that open something if there are such."""
    steps = [(_opens(before), len(indentation(after)) - len(indentation(before))) for before, after in pairwise(lines)]
    likely = [(opens, step) for opens, step in steps if 1 < step <= 8]
    counts = Counter(step for opens, step in likely if opens) or Counter(step for _, step in likely)
    return " " * max(counts, key=lambda step: (counts[step], -step), default=0)


def _indented(text: str, place: _Place) -> str:
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


def _code_lines(lines: Sequence[str], text: str, place: _Place) -> Iterator[int]:
    """The numbers of the lines that do not begin within a string; blank ones have no indentation to mind."""
    opened = place.opened
    for number, line in enumerate(text.split("\n")):
        last_before_closer = number == len(lines) - 1 and place.rest.strip()
        if (lines[number].strip() or last_before_closer) and not (opened and opened[-1].inside not in ("", "\n", "*/")):
            yield number
        opened = _scan(line + "\n", place.language, opened).opened


def _in_tabs(starts: dict[int, str], base: str, lines: Sequence[str], place: _Place) -> dict[int, str]:
    return {number: _tabs(start, base, _blanks_a_level(starts, base, lines, place)) for number, start in starts.items()}


def _tabs(start: str, base: str, step: int) -> str:
    kept = base if start.startswith(base) else _leading_tabs(start)
    blanks = start[len(kept) :].count(" ")
    return kept + "\t" * (start[len(kept) :].count("\t") + blanks // step) + " " * (blanks % step)


def _leading_tabs(start: str) -> str:
    """`⇥⇥  ` → `⇥⇥`."""
    return start[: len(start) - len(start.lstrip("\t"))]


def _blanks_a_level(starts: dict[int, str], base: str, lines: Sequence[str], place: _Place) -> int:
    """How many blanks the model wrote for a tab."""
    counts = [start.removeprefix(base).count(" ") for number, start in starts.items() if number and " " in start]
    first = next((count for count in counts if count), 4)
    absolute = [start for start in starts.values() if base and " " in start and not start.startswith(base)]
    levels = base.count("\t") + _opens(lines[0], place.language) if absolute else 1
    step = first // max(levels, 1)
    return step if step in (2, 3, 4, 8) else 4


def _in_blanks(starts: dict[int, str], base: str, lines: Sequence[str], place: _Place) -> dict[int, str]:
    blanks = {number: start.replace("\t", place.unit) for number, start in starts.items()}
    step, unit, zero = (
        _step(blanks, base, lines, place),
        len(place.unit),
        len(blanks.get(0, base).replace("\t", place.unit)),
    )
    if step in (0, unit):
        return blanks
    levels = {number: (len(start) - zero) / step for number, start in blanks.items()}
    if any(level > 0 and level % 1 for level in levels.values()):
        return blanks
    return {n: " " * (zero + int(levels[n]) * unit) if levels[n] > 0 else start for n, start in blanks.items()}


def _step(starts: dict[int, str], base: str, lines: Sequence[str], place: _Place) -> int:
    """By how many blanks the model indents what stands in a block; 0 if it shows none, or several."""
    numbers = [0, *(number for number in starts if number)]
    widths = {0: len(base.replace("\t", place.unit)), **{number: len(start) for number, start in starts.items()}}
    steps = {
        widths[after] - widths[before]
        for before, after in pairwise(numbers)
        if widths[after] > widths[before] and _opens(lines[before], place.language)
    }
    return steps.pop() if len(steps) == 1 and min(steps) in (2, 3, 4, 8) else 0


_OPENS_BLOCK = re.compile(r"[:{]\s*(?:#.*|//.*)?$")
_OPENS_ANY = re.compile(r"[:{(\[]\s*(?://.*)?$|(?:\b(?:do|then|else|begin)|\|)\s*$")
_OPENS_WORD = re.compile(r"\s*(?:def|class|module|if|unless|while|until|case|when|for|begin|function)\b|.*\bdo\b")


_HANGS_ONCE = (_BACKTICKS - {"go"}) | {"ruby", "lua", "json"}


def _opens(line: str, language: str = "ruby") -> bool:
    """Whether the next line is a level deeper. What hangs in brackets may take two in most languages: not counted."""
    if language not in _HANGS_ONCE:
        return bool(_OPENS_BLOCK.search(line))
    return bool(_OPENS_ANY.search(line) or (language in ("ruby", "lua") and _OPENS_WORD.match(line)))


# Lines that are there already


_WORD = re.compile(r"[^\W\d]\w*")
_SMALL = re.compile(
    r"(?i:pass|break|continue|return|else|try|finally|ensure|default|end|do|then|begin|fi|done|esac"
    r"|none|null|nil|undefined|true|false)"
)


def _is_trivial(line: str) -> bool:
    """Whether a line says too little to be a repetition: `}`, `pass`, `} else {`, `0, 0`."""
    return all(_SMALL.fullmatch(word) for word in _WORD.findall(line))


def _once(text: str, place: _Place) -> str:
    """A line that comes three times or more in a row ends the completion."""
    lines = (place.line + text).split("\n")
    for number, line in enumerate(lines[:-2]):
        if line.strip() and line.rstrip() == lines[number + 1].rstrip() == lines[number + 2].rstrip():
            return "\n".join(lines[: number + 1])[len(place.line) :]
    return text


def _without_lines_below(text: str, place: _Place) -> str:
    """`‸⏎b()` + `a()⏎b()` → `a()`."""
    lines = [line.rstrip() for line in (place.line + text).split("\n")]
    filled = [number for number, line in enumerate(lines) if line and (number or place.is_blank)]
    below = [line for line in place.below if line]
    if filled == [0] and below and lines[0].strip() == below[0].strip() and _is_said_below(lines, text, place, True):
        return ""
    for count in range(min(len(filled), len(below)), 0, -1):
        start = filled[-count]
        same = [lines[number] for number in filled[-count:]] == below[:count]
        if same and _is_said_below(lines[start:], text, place):
            return "\n".join((place.line + text).split("\n")[:start])[len(place.line) :]
    return text


def _is_said_below(lines: Sequence[str], text: str, place: _Place, anywhere: bool = False) -> bool:
    """Whether lines equal to those below are a repetition; small ones may be needed twice."""
    if not all(_is_trivial(line) for line in lines):
        return True
    if any(CLOSERS.keys() & set(line) for line in lines):
        return _consumed(text, place).spare > place.debt and not (anywhere and place.line in _levels(place)[1:])
    return bool(place.below[0]) and not anywhere


def _repeats_above(text: str, replaces: int, place: _Place) -> bool:
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


# What follows on the cursor's line


class _Consumed(NamedTuple):
    """A text up to where it may go, how much of the rest of the line it writes anew, and its closers beyond that."""

    text: str
    replaces: int
    spare: int


def _consumed(text: str, place: _Place) -> _Consumed:
    """Which of the closers behind the cursor the text writes itself, from left to right."""
    rest = place.rest if place.ends else ""
    scan, ends, spare, owed, position = _scan(text, place.language, place.opened), [0], 0, place.line_debt, 0
    for mark, at, _ in scan.closed:
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
    used = ends[-1 - _given_back(scan, rest, ends)]
    if used < ends[-1]:
        return _Consumed(text, used, spare)
    return _Consumed(text, used + _punctuation(text[position:], rest[used:]), spare)


def _given_back(scan: _Scan, rest: str, ends: Sequence[int]) -> int:
    """How many of the closers that a text writes close again what it opens: `f(‸)` + `x).g(y` needs the `)`."""
    needed = [each.closer for each in reversed(scan.opened[scan.floor :])]
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


def _met(text: str, place: _Place) -> tuple[str, int]:
    """The text and what it replaces, without the end that both have in common."""
    if not place.ends:
        text = _without_rest(text, place)
        return _ended(text, place.rest, place), 0
    text, replaces, _ = _consumed(_within_line(text, place), place)
    short, kept = _shortened(text, replaces, place)
    if kept or _shortened(*_consumed(short, place)[:2], place) == (short, 0):
        text, replaces = short, kept
    return _ended(text, place.rest[replaces:], place), replaces


def _shortened(text: str, replaces: int, place: _Place) -> tuple[str, int]:
    """`a)` for `)` → `a` for nothing: the same document, and the user's own bracket stays."""
    while replaces and text and text[-1] == place.rest[replaces - 1]:
        text, replaces = text[:-1], replaces - 1
    only_punctuation = not place.rest[:replaces].strip(" \t;:,") and "\n" not in text
    return text, 0 if only_punctuation else replaces


def _within_line(text: str, place: _Place) -> str:
    """The first line of a text that leaves a string open which is closed behind the cursor."""
    if place.in_string and place.opened[-1].closer in _LINE_BOUND and place.opened[-1].closer in place.rest:
        first = text.split("\n")[0]
        closes = any(each.mark == place.opened[-1].closer for each in _scan(first, place.language, place.opened).closed)
        return text if closes else first
    return text


def _without_rest(text: str, place: _Place) -> str:
    """A text without the end that repeats the line's rest: `foo(‸, b)` + `a, b)` → `a`."""
    rest = place.rest.rstrip()
    if rest and text.startswith(rest) and not (_is_word(rest[-1:]) and _is_word(text[len(rest) : len(rest) + 1])):
        return ""
    for part in (rest, rest.lstrip()):
        for length in range(min(len(part), len(text)), 0, -1):
            if text.endswith(part[:length]) and _may_cut(text, len(text) - length, length == len(part), place):
                return text[:-length]
    return text


def _may_cut(text: str, start: int, whole: bool, place: _Place) -> bool:
    """Whether a repetition begins there: not within a word, and with nothing open that the text has opened."""
    if start and _is_word(text[start - 1]) and _is_word(text[start]) and not (whole and len(text) - start > 1):
        return False
    kept, all_ = (_scan(part, place.language, place.opened) for part in (text[:start], text))
    return len(kept.opened) <= kept.floor and len(kept.closed) >= min(place.line_debt, len(all_.closed))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _ended(text: str, after: str, place: _Place) -> str:
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


_LONG_QUOTES = frozenset(('"""', "'''"))
_CLOSING = frozenset(")]}\"'`>")


def _takes_blank(before: str, after: str, place: _Place) -> bool:
    """Whether a blank stays between a text and what follows it: `{ a‸}` + `, b ` as in front, `f(‸b)` + `a, `."""
    if not after.strip() or after[0] in " \t":
        return False
    if place.in_string and after.startswith(place.opened[-1].closer):
        return True
    opener = CLOSERS.get(after[0])
    return before.rpartition(opener)[2].startswith(" ") if opener else not place.ends


_STEPS: tuple[Callable[[str, _Place], str], ...] = (
    _printable,
    _without_blank_again,
    _indented,
    _once,
    _without_lines_below,
)
