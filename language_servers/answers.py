"""Servers' answers as our values. Pure functions: an answer is a value, and what cannot be read is no answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from language_servers import trust
from language_servers.analyzer import (
    Call,
    Diagnostic,
    Fault,
    Kind,
    Location,
    Member,
    Members,
    NoAnswer,
    Symbol,
)
from language_servers.catalog import Entry
from language_servers.faults import classified
from language_servers.messages import (
    CompletionItem,
    CompletionList,
    DiagnosticMessage,
    DiagnosticReport,
    Hover,
    Place,
    Range,
    SignatureHelp,
    SymbolMessage,
)
from language_servers.positions import Lines
from language_servers.shadows import path_of
from language_servers.signatures import read_call

T = TypeVar("T")

_IDENTIFIER = re.compile(r"[ •]*((?:#|~|@|r#)?(?:[^\W\d]|\$)(?:\w|\$)*)")
_FENCE = re.compile(r"```\w*\n?")
_PARAGRAPH_END = re.compile(r"\n\s*\n|\n-{3,}\n")
_NAMED_TYPE = re.compile(r"^Type: (.+)$", re.MULTILINE)
_ERROR, _HINT = 1, 4
"""Severities of diagnostics."""

_KINDS = {
    2: Kind.METHOD,
    3: Kind.FUNCTION,
    4: Kind.CLASS,
    5: Kind.FIELD,
    6: Kind.VARIABLE,
    7: Kind.CLASS,
    8: Kind.CLASS,
    9: Kind.MODULE,
    10: Kind.FIELD,
    12: Kind.CONSTANT,
    13: Kind.ENUM,
    14: Kind.KEYWORD,
    20: Kind.ENUM_MEMBER,
    21: Kind.CONSTANT,
    22: Kind.CLASS,
    25: Kind.CLASS,
}
"""Of completion items."""

_SYMBOL_KINDS = {
    2: Kind.MODULE,
    3: Kind.MODULE,
    4: Kind.MODULE,
    5: Kind.CLASS,
    6: Kind.METHOD,
    7: Kind.FIELD,
    8: Kind.FIELD,
    9: Kind.METHOD,
    10: Kind.ENUM,
    11: Kind.CLASS,
    12: Kind.FUNCTION,
    13: Kind.VARIABLE,
    14: Kind.CONSTANT,
    22: Kind.ENUM_MEMBER,
    23: Kind.CLASS,
    26: Kind.CLASS,
}


@dataclass(frozen=True, slots=True)
class View:
    """What it takes to read an answer: who gave it, in which units, about which text and place."""

    entry: Entry
    encoding: str
    path: Path
    language: str
    lines: Lines
    offset: int = 0

    @property
    def before(self) -> str:
        return self.lines.text[: self.offset]

    def span(self, place: Range) -> tuple[int, int]:
        start, end = place.start, place.end
        return (
            self.lines.offset(start.line, start.character, self.encoding),
            self.lines.offset(end.line, end.character, self.encoding),
        )


def members(answer: msgspec.Raw, view: View) -> Members:
    """The members of a value, with the doubt that remains."""
    items, incomplete = _completion(answer)
    found = tuple(_members(items, view.entry))
    names = {member.name for member in found}
    doubt = trust.doubt_of_members(items, names, incomplete, view.entry, view.before, view.language)
    return Members(found, doubt)


def names(answer: msgspec.Raw, view: View) -> Members:
    """What may stand at a place. Arguments by keyword (`sep=`) belong to a call, not here.

    Between quotation marks that is a whole string, as it is written: `content-type`.
    """
    items, incomplete = _completion(answer)
    named = [item for item in items if not item.label.endswith("=")]
    doubt = trust.doubt_of_names(named, incomplete, view.entry, view.before, view.language)
    if view.lines.text[max(view.offset - 1, 0) : view.offset + 1] in ("''", '""'):
        return Members(tuple(_strings(named)), doubt)
    return Members(tuple(_members(named, view.entry)), doubt)


def call(answer: msgspec.Raw, view: View) -> Call:
    """The call around a place. Raises NoAnswer if there is none or its parameters are unknown."""
    found = _decode(answer, SignatureHelp | None)
    if found is None or not found.signatures:
        raise NoAnswer("there is no call that is known")
    return read_call(found, view.language)


def type_at(answer: msgspec.Raw, view: View) -> str:
    """The type that a hover names, as clangd does, or else its first paragraph: what follows is documentation."""
    found = _decode(answer, Hover | None)
    text = _FENCE.sub("\n\n", _plain(found.contents) if found else "").strip()
    named = _NAMED_TYPE.search(text)
    text = named[1] if named else _PARAGRAPH_END.split(text, maxsplit=1)[0].strip()
    if not text or text in ("Unknown", "Any"):
        raise NoAnswer("the type is unknown")
    return text


def definition(answer: msgspec.Raw, view: View) -> Location:
    """The first definition, in the text that was asked about or in a file on the disk."""
    found = _decode(answer, list[Place] | Place | None)
    places = found if isinstance(found, list) else [found] if found else []
    for place in places:
        uri, stretch = place.target_uri or place.uri, place.target_selection_range or place.range
        if uri and stretch and uri.startswith("file:"):
            path, start = path_of(uri), stretch.start
            return Location(path, _lines(path, view).offset(start.line, start.character, view.encoding))
    raise NoAnswer("the definition is unknown")


def _lines(path: Path, view: View) -> Lines:
    if path == view.path:
        return view.lines
    try:
        return Lines(path.read_bytes().decode("utf-8", "replace"))
    except OSError:
        raise NoAnswer(f"{path.name} cannot be read") from None


def diagnostics(answer: msgspec.Raw, view: View) -> tuple[Diagnostic, ...]:
    """What is wrong. Hints (an unused name) are no complaint."""
    report = _decode(answer, DiagnosticReport | list[DiagnosticMessage] | None)
    items = report if isinstance(report, list) else report.items if report else []
    return tuple(_diagnostic(item, view) for item in items if (item.severity or _ERROR) < _HINT)


def symbols(answer: msgspec.Raw, view: View) -> tuple[Symbol, ...]:
    """Definitions in their order, each with the name of what it stands in."""
    found = _decode(answer, list[SymbolMessage] | None) or []
    return tuple(sorted(_symbols(found, view, ""), key=lambda symbol: symbol.start))


def _decode(answer: msgspec.Raw, shape: Any) -> Any:
    try:
        return msgspec.json.decode(answer, type=shape)
    except msgspec.MsgspecError as error:
        raise NoAnswer(f"the answer cannot be read: {error}") from None


def _completion(answer: msgspec.Raw) -> tuple[Sequence[CompletionItem], bool]:
    found = _decode(answer, list[CompletionItem] | CompletionList | None)
    if isinstance(found, CompletionList):
        return found.items, found.is_incomplete
    return found or [], False


def _members(items: Sequence[CompletionItem], entry: Entry) -> Iterator[Member]:
    """One for each name, the first."""
    seen = set()
    for item in items:
        name = _name(item)
        if name and name not in seen and item.kind != trust.SNIPPET:
            seen.add(name)
            kind = entry.kinds.get(item.kind or 0) or _KINDS.get(item.kind or 0, Kind.OTHER)
            yield Member(name, kind, item.detail or "")


def _strings(items: Sequence[CompletionItem]) -> Iterator[Member]:
    for item in items:
        if item.kind not in (trust.KEYWORD, trust.SNIPPET, trust.TEXT):
            yield Member(_text(item), _KINDS.get(item.kind or 0, Kind.OTHER), item.detail or "")


def _text(item: CompletionItem) -> str:
    """What the item would insert."""
    return (item.text_edit and item.text_edit.new_text) or item.insert_text or item.filter_text or item.label


def _name(item: CompletionItem) -> str:
    """What the item would insert, up to the end of its identifier: `"foo(…)"` → `"foo"`."""
    match = _IDENTIFIER.match(_text(item)) or _IDENTIFIER.match(item.label)
    return match[1] if match else ""


def _plain(contents: Any) -> str:
    """The text of a hover in any of its shapes."""
    if isinstance(contents, list):
        return "\n\n".join(filter(None, map(_plain, contents)))
    if isinstance(contents, dict):
        return str(contents.get("value") or "")
    return contents if isinstance(contents, str) else ""


def _diagnostic(item: DiagnosticMessage, view: View) -> Diagnostic:
    start, end = view.span(item.range)
    code = "" if item.code is None else str(item.code)
    fault = classified(code, item.message)
    severity = item.severity or _ERROR
    return Diagnostic(fault, item.message, start, end, code, severity == _ERROR or fault is Fault.SYNTAX)


def _symbols(found: Sequence[SymbolMessage], view: View, owner: str) -> Iterator[Symbol]:
    for each in found:
        place = each.range or (each.location.range if each.location else None)
        if place is None:
            continue
        kind = _SYMBOL_KINDS.get(each.kind, Kind.OTHER)
        yield Symbol(each.name, kind, *view.span(place), owner or each.container_name or "")
        yield from _symbols(each.children or (), view, each.name)
