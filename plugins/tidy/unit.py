"""What one level of indentation is in a file, and which of its lines open a level."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from assistant.text import indentation

_TABS = frozenset(("go", "makefile"))
_HANGS_ONCE = frozenset(
    ("javascript", "javascriptreact", "typescript", "typescriptreact", "vue", "svelte", "ruby", "lua", "json")
)

_OPENS_BLOCK = re.compile(r"[:{]\s*(?:#.*|//.*)?$")
_OPENS_ANY = re.compile(r"[:{(\[]\s*(?://.*)?$|(?:\b(?:do|then|else|begin)|\|)\s*$")
_OPENS_WORD = re.compile(r"\s*(?:def|class|module|if|unless|while|until|case|when|for|begin|function)\b|.*\bdo\b")


def unit_of(line: str, lines: Sequence[str], otherwise: str, language: str) -> str:
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
    if step := _common_step(tuple(filled)):
        return " " * step
    return "    " if "\t" in otherwise and (blanks or own) else otherwise


@lru_cache(maxsize=32)
def _common_step(lines: tuple[str, ...]) -> int:
    """The commonest step to a deeper line, behind lines that open something if there are such; 0 if none is deeper."""
    steps = [(before, len(indentation(after)) - len(indentation(before))) for before, after in pairwise(lines)]
    likely = [(before, step) for before, step in steps if 1 < step <= 8]
    counts = Counter(step for before, step in likely if seems_to_open(before)) or Counter(step for _, step in likely)
    return max(counts, key=lambda step: (counts[step], -step), default=0)


def opens(line: str, language: str) -> bool:
    """Whether the next line is a level deeper. What hangs in brackets may take two in most languages: not counted."""
    if language in ("ruby", "lua"):
        return seems_to_open(line)
    return bool((_OPENS_ANY if language in _HANGS_ONCE else _OPENS_BLOCK).search(line))


def seems_to_open(line: str) -> bool:
    """Whether the next line may be a level deeper, by brackets or words, where the language is not asked for."""
    return bool(_OPENS_ANY.search(line) or _OPENS_WORD.match(line))
