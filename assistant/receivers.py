"""Finds the expression whose member is about to be written: `f(a.b[0].‸` → `a.b[0]`."""

from __future__ import annotations

import re

from assistant.guards import View
from assistant.syntax import CLOSERS, OPENERS, Token, tokens

ACCESS = re.compile(r"(?:\?\.|\.|->|::)\Z")
"""What stands between a value and its member."""

_MARKS = frozenset((".", "?.", "->", "::"))


def receiver(view: View) -> str:
    """The expression before the dot that a view ends with; empty if there is none."""
    statement = view.statement
    access = ACCESS.search(statement)
    if not access:
        return ""
    before = statement[: access.start()]
    found = tokens(before, view.request.language)
    end = len(found)
    begin = end
    while begin and (start := _operand(found, begin)) is not None:
        begin = start
        if begin and found[begin - 1].kind in _MARKS:
            begin -= 1
        else:
            break
    return before[found[begin].start :].strip() if begin < end else ""


def _operand(found: list[Token], end: int) -> int | None:
    """Where the name, string, call or subscript begins that ends before a token; None if nothing of the kind does."""
    index = end - 1
    while index >= 0 and found[index].kind in CLOSERS:
        opener = _matching(found, index)
        if opener is None:
            return None
        if opener == 0 or found[opener - 1].kind not in ("word", "string", *CLOSERS, "self", "super", "this"):
            return opener  # brackets of their own: `(a + b).‸`
        index = opener - 1
    return (
        index if index >= 0 and (found[index].kind in ("word", "string") or found[index].kind.isidentifier()) else None
    )


def _matching(found: list[Token], closer: int) -> int | None:
    depth = 0
    for index in range(closer, -1, -1):
        depth += (found[index].kind in CLOSERS) - (found[index].kind in OPENERS)
        if not depth:
            return index
    return None
