"""What Python needs beyond the protocol: the project's interpreter, and what a hole is expected to hold.

An expression that is missing is written as `...`, which fits almost nowhere: the type checker says what would have.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from language_servers.analyzer import Diagnostic

SENTINEL = "..."
"""Known to every checker without a definition, and of a type that nobody asks for."""

_IMPORT = re.compile(r"[ \t]*(?:from|import)\b[^;#]*\Z")
_FROM = re.compile(r"^[ \t]*from\s[^\n]*?\bimport\s*\((?:[^)#]|#[^\n]*\n?)*\Z", re.MULTILINE)

_EXPECTATIONS = tuple(
    re.compile(pattern)
    for pattern in (
        r"[Ee]xpected `([^`]+)`, found `EllipsisType`",  # ty
        r"with declared type `([^`]+)` on TypedDict `[^`]*`: value of type `EllipsisType`",
        r"Default value of type `EllipsisType` is not assignable to annotated parameter type `([^`]+)`",
        r"`EllipsisType` is not assignable to (?:declared return type )?`([^`]+)`",  # ty and pyrefly
        r"`EllipsisType` is not assignable to (?:attribute|parameter|variable|TypedDict key) `[^`]*`"
        r" (?:with|of) type `([^`]+)`",
        r'"EllipsisType" cannot be assigned to parameter "[^"]*" of type "([^"]+)"',  # pyright
        r'"EllipsisType" is not assignable to (?:declared type|return type)? ?"([^"]+)"',
        r'incompatible type "EllipsisType"; expected "([^"]+)"',  # zuban
        r'got "EllipsisType", expected "([^"]+)"',
        r'has type "EllipsisType", (?:variable|target|parameter|TypedDict item "[^"]*") has type "([^"]+)"',
    )
)
"""How type checkers complain of the sentinel."""

MISMATCHES = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"[Ee]xpected `(?P<expected>[^`]+)`, found `(?P<found>[^`]+)`",  # ty
        r"[Ee]xpected \"(?P<expected>[^\"]+)\", got \"(?P<found>[^\"]+)\"",
        r"`(?P<found>[^`]+)` is not assignable to (?:[a-z ]+)?(?:`[^`]*` (?:with|of) type )?`(?P<expected>[^`]+)`",
        r"\"(?P<found>[^\"]+)\" (?:is not assignable|cannot be assigned) to (?:[a-z ]+\"[^\"]*\" of type |[a-z ]+)?"
        r"\"(?P<expected>[^\"]+)\"",
        r"[Tt]ype '(?P<found>[^']+)' is not assignable to (?:parameter of )?type '(?P<expected>[^']+)'",  # TypeScript
        r"incompatible type \"(?P<found>[^\"]+)\"; expected \"(?P<expected>[^\"]+)\"",  # zuban
    )
)
"""How checkers complain that a type is not the expected one."""


def environment(root: Path, variables: Mapping[str, str] = os.environ) -> Path | None:
    """The project's virtual environment: the active one, or `.venv` or `venv` in its root."""
    active = [Path(variables["VIRTUAL_ENV"])] if variables.get("VIRTUAL_ENV") else []
    for folder in (*active, root / ".venv", root / "venv"):
        if _python(folder).is_file():
            return folder
    return None


def interpreter(root: Path, variables: Mapping[str, str] = os.environ) -> Path:
    """The project's Python, or the one that runs this."""
    folder = environment(root, variables)
    return _python(folder) if folder else Path(sys.executable)


def in_import(before: str) -> bool:
    """Whether a text ends within an import statement: `"from a import (b, "`."""
    line = before[max(before.rfind("\n"), before.rfind("\r")) + 1 :]
    return bool(_IMPORT.match(line) or _FROM.search(before[-2000:]))


def bracketed(text: str, offset: int) -> tuple[str, int]:
    """A text and an offset at which ty lists the names in scope: in brackets of their own, `return [‸]`.

    Where an expression is missing, ty takes the cursor to stand in the module. Imports and strings stay as they are.
    """
    quoted = text[max(offset - 1, 0) : offset + 1] in ("''", '""')
    if quoted or in_import(text[:offset]):
        return text, offset
    return f"{text[:offset]}[]{text[offset:]}", offset + 1


def with_sentinel(text: str, offset: int) -> str:
    """The text with `...` where an expression is missing."""
    return text[:offset] + SENTINEL + text[offset:]


def expected(diagnostics: Iterable[Diagnostic], text: str, offset: int) -> str:
    """The type that a checker misses at the sentinel in a text, or empty. The closest complaint in its line counts."""
    end = offset + len(SENTINEL)
    line_end = text.find("\n", end) % (len(text) + 1)
    line_start = text.rfind("\n", 0, offset) + 1
    here = [each for each in diagnostics if each.start <= line_end and line_start <= each.end]
    for diagnostic in sorted(here, key=lambda each: abs(offset - each.start) + abs(each.end - end)):
        of_another = text[diagnostic.start : diagnostic.end] == SENTINEL and diagnostic.start != offset
        for pattern in _EXPECTATIONS:
            if not of_another and (match := pattern.search(diagnostic.message)):
                return match[1]
    return ""


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"
