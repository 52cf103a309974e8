"""What a text says about a place in it: the class and the function around it, and where its variables come from.

Nothing is parsed: the text breaks off where somebody is writing. Lines, brackets and indentation are read instead.
"""

from __future__ import annotations

from functools import lru_cache

from retrieval.clues import Scope
from retrieval.scopes_braced import braced
from retrieval.scopes_indented import indented

WINDOW = 60_000
"""Code points before the place that are looked at for what stands around it."""

INDENTED = frozenset(("python", "ruby"))
"""Languages whose blocks are found by their indentation."""


@lru_cache(64)
def scope_of(before: str, language: str) -> Scope:
    """The scope at the end of a text. Its own text has `\n` at the ends of lines."""
    read = indented if language in INDENTED else braced
    return read(before[-WINDOW:].replace("\r\n", "\n"), language)
