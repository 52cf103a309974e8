"""What may stand in a hole: the names in scope, and the members of the values closest to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from language_servers.analyzer import Document, Kind, Member, Members
from language_servers.holes import types
from language_servers.holes.inquiry import Inquiry
from language_servers.holes.probe import SCRIPTS, probe_of
from language_servers.holes.scope import bound, receivers
from language_servers.holes.wording import cleaned, is_of_builtin, result_type, says_nothing, value_type

CANDIDATES = 32
"""Names that are tried, the ones written closest to the hole first."""

RECEIVERS = 3
"""Values whose members are tried."""

MEMBERS = 16
"""Members of one value that are tried."""

_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expression that may stand in a hole, with its type or signature as the analysis words it."""

    expression: str
    detail: str = ""
    kind: Kind = Kind.OTHER


def candidates(
    inquiry: Inquiry, document: Document, offset: int, more: Sequence[Candidate], with_members: bool
) -> list[Candidate]:
    """What is worth a try, the names written closest to the hole first, those of the caller before them.

    Members are many: for a type of the language's own, which half of them have, they are not worth it.
    """
    found = [*more, *_names(inquiry, document, offset)][:CANDIDATES]
    if with_members and document.language in ("python", *SCRIPTS):
        found += _members(inquiry, document, offset, found)
    return [each for each in found if each.expression not in ("self", "cls")]


def _names(inquiry: Inquiry, document: Document, offset: int) -> list[Candidate]:
    """The names in scope that the text has, not the language's own."""
    before = {match[0]: match.start() for match in _NAME.finditer(document.text[:offset])}
    behind = {match[0] for match in _NAME.finditer(document.text[offset:])}
    known = types.known(document.language)
    found = [
        Candidate(member.name, cleaned(member.detail), member.kind)
        for member in _in_scope(inquiry, document, offset)
        if (member.name in before or member.name in behind)
        and member.name not in known
        and member.kind not in (Kind.KEYWORD, Kind.MODULE)
        and not member.name.startswith("__")
        and not says_nothing(member.detail)
    ]
    return sorted(found, key=lambda each: -before.get(each.expression, -1))


def _in_scope(inquiry: Inquiry, document: Document, offset: int) -> list[Member]:
    """What the analysis lists and, where that may not be all, what the text binds itself."""
    names = inquiry.ask(partial(inquiry.analyzer.names, document, offset))
    if names and not names.doubt:
        return list(names)
    listed = list(names or ())
    known = names.names if names else frozenset()
    return listed + [each for each in bound(probe_of(document, offset), offset) if each.name not in known]


def _members(inquiry: Inquiry, document: Document, offset: int, found: Iterable[Candidate]) -> list[Candidate]:
    """The members of the values closest to the hole, as far as their types are not the language's own."""
    told = {each.expression: each for each in found}
    values = [
        value
        for value in receivers(probe_of(document, offset), offset)
        if _has_members(told.get(value, Candidate(value)), document.language)
    ][:RECEIVERS]
    return [
        member
        for value, members in zip(values, _members_of(inquiry, document, offset, values), strict=True)
        for member in _worth_trying(value, members or ())[:MEMBERS]
    ]


def _has_members(candidate: Candidate, language: str) -> bool:
    if not candidate.detail:
        return True
    return not result_type(candidate.detail) and types.is_named(value_type(candidate.detail), language)


def _members_of(inquiry: Inquiry, document: Document, offset: int, values: Sequence[str]) -> list[Members | None]:
    """The members of several values, in one text: `[(self.), (box.), ]`."""
    hole, dots = "[", list[int]()
    for value in values:
        hole += f"({value}."
        dots.append(offset + len(hole))
        hole += "), "
    asked = replace(document, text=document.text[:offset] + hole + "]" + document.text[offset:])
    return inquiry.ask_all([partial(inquiry.analyzer.members, asked, dot) for dot in dots])


def _worth_trying(receiver: str, members: Iterable[Member]) -> list[Candidate]:
    """The members of a value that are not private, nor of the language's own types."""
    return [
        Candidate(f"{receiver}.{member.name}", cleaned(member.detail), member.kind)
        for member in members
        if not member.name.startswith("_")
        and not is_of_builtin(cleaned(member.detail))
        and not says_nothing(member.detail)
    ]
