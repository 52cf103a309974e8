"""Regular expressions as llama.cpp's grammars (GBNF), for its servers take no other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# What `re` itself makes of an expression; there is no public way to it.
_parse = re._parser.parse  # type: ignore[attr-defined]

_ANY = r"(.|\n)"
_CLASSES = {"CATEGORY_DIGIT": "0-9", "CATEGORY_WORD": "0-9A-Z_a-z", "CATEGORY_SPACE": r"\t\n\x0B\x0C\r\x20"}


def grammar(expression: str) -> str:
    """`a(b|c)*` → `root ::= "a" ("b" | "c")*`. Raises ValueError for what a grammar has no words for."""
    try:
        parsed = _parse(expression.replace(_ANY, r"[\s\S]"))
        return f"root ::= {_sequence(parsed)}\n"
    except (re.error, RecursionError) as error:
        raise ValueError(f"{expression!r} is no expression that can be a grammar: {error}") from None


def _sequence(parsed: Iterable[Any]) -> str:
    return " ".join(_element(str(operation), value) for operation, value in parsed) or '""'


def _element(operation: str, value: Any) -> str:
    match operation:
        case "LITERAL":
            return f'"{_escaped(value)}"'
        case "NOT_LITERAL":
            return f"[^{_escaped(value)}]"
        case "ANY":
            return r"[^\n]"
        case "IN":
            return _class(value)
        case "SUBPATTERN":
            return f"({_sequence(value[-1])})"
        case "BRANCH":
            return f"({' | '.join(map(_sequence, value[1]))})"
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, repeated = value
            return f"({_sequence(repeated)}){_count(int(least), most)}"
        case _:
            raise ValueError(f"a grammar has no words for {operation}")


def _count(least: int, most: Any) -> str:
    is_endless = str(most) == "MAXREPEAT"
    if is_endless and least < 2:
        return "+" if least else "*"
    return f"{{{least},{'' if is_endless else most}}}" if (least, most) != (0, 1) else "?"


def _class(members: Iterable[tuple[Any, Any]]) -> str:
    """A class of characters: `[a-z_]`."""
    parts, negated = list[str](), ""
    kinds = {str(value) for kind, value in members if str(kind) == "CATEGORY"}
    if {"CATEGORY_SPACE", "CATEGORY_NOT_SPACE"} <= kinds:
        return r"[^\x00]"
    for kind, value in members:
        match str(kind):
            case "NEGATE":
                negated = "^"
            case "LITERAL":
                parts.append(_escaped(value))
            case "RANGE":
                parts.append("-".join(map(_escaped, value)))
            case "CATEGORY" if str(value) in _CLASSES:
                parts.append(_CLASSES[str(value)])
            case _:
                raise ValueError(f"a grammar has no words for {kind} {value} in a class")
    return f"[{negated}{''.join(parts)}]"


def _escaped(code: int) -> str:
    """A character as it may stand in literals and in classes."""
    character = chr(code)
    if character.isalnum() or character == "_":
        return character
    return f"\\x{code:02X}" if code < 0x100 else f"\\U{code:08X}"
