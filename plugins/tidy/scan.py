"""What a text leaves open, and what it closes: strings, comments and brackets, by the marks of its language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from assistant.syntax import CLOSERS, OPENERS

_HASH = frozenset(
    ("python", "ruby", "shellscript", "perl", "r", "yaml", "toml", "makefile", "dockerfile", "elixir", "julia")
)
_DASHES = frozenset(("lua", "sql", "haskell"))
_NO_COMMENTS = frozenset(("html", "xml", "markdown", "plaintext", "json"))
_BACKTICKS = frozenset(("javascript", "javascriptreact", "typescript", "typescriptreact", "go", "vue", "svelte"))
_DOLLAR_BRACES = frozenset(("kotlin", "dart", "groovy", "scala", "shellscript", "php"))

LINE_BOUND = frozenset(('"', "'", "\n"))
"""Closers of what ends with its line at the latest: short strings and comments."""


class Open(NamedTuple):
    """Something open: what closes it, and the quote or comment mark that its inside stands in, empty for code."""

    closer: str
    inside: str


class Closed(NamedTuple):
    """What closes something from before the text, where it stands, and which of what was open it is, -1 for none."""

    mark: str
    at: int
    which: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a text leaves open, what it `closed` that was open before it, and how much of that (`floor`) still is."""

    opened: tuple[Open, ...]
    closed: tuple[Closed, ...]
    floor: int


@lru_cache(maxsize=128)
def scan(text: str, language: str, opened: tuple[Open, ...] = ()) -> Scan:
    """Goes through a text at whose beginning something may be open. `a) + (b` closes `)` and leaves `(` open.

    Remembered, since most of what surrounds a cursor stays while the user types.
    """
    stack = list(opened)
    closed: list[Closed] = []
    floor, position = len(stack), 0
    while match := _marks(inside := stack[-1].inside if stack else "", language).search(text, position):
        position = match.end()
        kind, mark = match.lastgroup, match[0]
        if kind == "close":
            depth = _depth_of(mark, stack)
            if depth is None and inside:
                continue
            if depth is None or depth < floor:
                closed.append(Closed(mark, match.start(), -1 if depth is None else depth))
            del stack[len(stack) if depth is None else depth :]
        elif kind == "newline":
            del stack[next((depth for depth, open_ in enumerate(stack) if open_.closer in LINE_BOUND), len(stack)) :]
        elif kind is not None:
            stack.append(_opened(kind, mark, text[max(0, match.start() - 3) : match.start()], inside))
        floor = min(floor, len(stack))
    return Scan(tuple(stack), tuple(closed), floor)


def unclosed(behind: str, language: str, opened: tuple[Open, ...]) -> list[int]:
    """Which of the brackets that are open at the cursor nothing behind it closes."""
    closed = {each.which for each in scan(behind, language, opened).closed}
    return [depth for depth, each in enumerate(opened) if each.closer in CLOSERS and depth not in closed]


def ends_in_string(opened: Sequence[Open]) -> bool:
    """Whether what is open last is a string, neither code nor a comment."""
    return bool(opened) and opened[-1].inside not in ("", "\n", "*/")


def _depth_of(mark: str, stack: Sequence[Open]) -> int | None:
    """Where what a mark closes lies in the stack; within one string or stretch of code."""
    inside = stack[-1].inside if stack else ""
    for depth in range(len(stack) - 1, -1, -1):
        if stack[depth].inside != inside:
            return None
        if stack[depth].closer == mark:
            return depth
    return None


def _opened(kind: str, mark: str, before: str, inside: str) -> Open:
    if kind == "comment":
        return Open("*/", "*/") if mark == "/*" else Open("\n", "\n")
    if kind == "quote":
        return Open(mark, ("f" if _FORMATTED.search(before) else "") + mark)
    return Open("}", "") if kind == "code" else Open(OPENERS.get(mark, ">"), inside)


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
    ends = f"|{_NEWLINE}" if quote in LINE_BOUND else ""
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
