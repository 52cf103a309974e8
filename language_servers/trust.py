"""When a list of names may forbid others. A list that is wrong costs the right completion, so each doubt counts.

Checked on 320 held-out places in five Python packages: of the lists without a doubt 99 % hold the name that stands
there (ty), and doubts leave out 29 % of the places.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from language_servers.catalog import Entry
from language_servers.messages import CompletionItem
from language_servers.python import in_import

TEXT, KEYWORD, SNIPPET = 1, 14, 15
"""Kinds of completion items that no value has as a member."""

_ENUM_MEMBERS = (13, 20)
"""Kinds of completion items that are members of an enumeration."""

_AFTER_A_DOT = {"await", "class", "new", "this", "super", "template", "operator"}
_OF_MODULES = {"__spec__", "__file__", "__path__"}
_ENVIRONMENT = re.compile(r"\b(?:process|import\.meta)\.env\??\.\s*\Z")
_STAR = re.compile(r"^\s*from\s+\S+\s+import\s*\*", re.MULTILINE)


def doubt_of_members(
    items: Sequence[CompletionItem], names: Collection[str], incomplete: bool, entry: Entry, before: str, language: str
) -> str:
    """Why a value may have other members than these, in a few words; empty if it has not. `before` ends in the dot."""
    if language.startswith("javascript"):
        return "JavaScript has no types"
    if language.startswith("typescript") and _ENVIRONMENT.search(before):
        return "the environment has other names"
    if "__getattr__" in names and not _OF_MODULES & set(names):
        return "the class has __getattr__"
    if all(_is_special(name) for name in names):
        return "the type is unknown"
    if any(_is_foreign(item) for item in items):
        return "names of the scope, not of the value"
    if incomplete and entry.truncates:
        return "the list is cut off"
    if language == "python" and (doubt := _doubt_of_made_classes(items, names)):
        return doubt
    if entry.name == "zuban" and before.rstrip(". \n").endswith("super()"):
        return "zuban errs at super()"
    return ""


def _doubt_of_made_classes(items: Sequence[CompletionItem], names: Collection[str]) -> str:
    """Why a class that a call has made may have more: ty knows neither `namedtuple("P", "x")` nor `Enum("E", "A")`."""
    if "_member_map_" in names and not any(item.kind in _ENUM_MEMBERS for item in items):
        return "the members of the enumeration are unknown"
    if {"count", "index"} <= set(names) and not {"append", "n_fields"} & set(names):
        of_elements, of_count = (_detail(items, name) for name in ("__getitem__", "count"))
        is_derived = of_count.startswith("bound method ") and not of_count.startswith("bound method tuple[")
        if "tuple[Any, ...]" in of_elements or (is_derived and "tuple[" in of_elements and "_fields" not in names):
            return "the fields of the tuple are unknown"
    return ""


def _detail(items: Sequence[CompletionItem], name: str) -> str:
    return next((item.detail for item in items if item.label == name), "") or ""


def doubt_of_names(items: Sequence[CompletionItem], incomplete: bool, entry: Entry, before: str, language: str) -> str:
    """Why there may be other names in scope than these."""
    if not items:
        return "no names are known here"
    if not entry.knows_scope:
        return f"{entry.name} leaves out names in scope"
    if all(item.kind == TEXT for item in items):  # some are macros, in clangd
        return "words of the file, not names"
    if language.startswith("javascript"):
        return "JavaScript has no types"
    if incomplete and entry.truncates:
        return "the list is cut off"
    if language == "python" and _STAR.search(before) and not in_import(before):
        return "a star import"
    return ""


def _is_special(name: str) -> bool:
    return (name.startswith("__") and name.endswith("__")) or name in _AFTER_A_DOT


def _is_foreign(item: CompletionItem) -> bool:
    if item.kind == KEYWORD:
        return item.label not in _AFTER_A_DOT
    return item.kind in (TEXT, SNIPPET) or item.label.endswith("=")
