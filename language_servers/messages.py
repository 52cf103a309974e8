"""What language servers say, as far as it is used here. Everything else in their answers is skipped unread."""

from __future__ import annotations

from typing import Any

import msgspec


class Struct(msgspec.Struct, rename="camel"):
    """A message or a part of one."""


class Position(Struct):
    line: int
    character: int


class Range(Struct):
    start: Position
    end: Position


class Edit(Struct):
    new_text: str


class CompletionItem(Struct):
    label: str
    kind: int | None = None
    detail: str | None = None
    text_edit: Edit | None = None
    insert_text: str | None = None
    filter_text: str | None = None


class CompletionList(Struct):
    items: list[CompletionItem]
    is_incomplete: bool = False


class ParameterInformation(Struct):
    label: str | tuple[int, int]


class SignatureInformation(Struct):
    label: str
    parameters: list[ParameterInformation] | None = None
    active_parameter: int | None = None


class SignatureHelp(Struct):
    signatures: list[SignatureInformation]
    active_signature: int | None = None
    active_parameter: int | None = None


class DiagnosticMessage(Struct):
    range: Range
    message: str
    severity: int | None = None
    code: int | str | None = None
    source: str | None = None


class DiagnosticReport(Struct):
    items: list[DiagnosticMessage] = []


class PublishedDiagnostics(Struct):
    uri: str
    diagnostics: msgspec.Raw
    version: int | None = None


class Place(Struct):
    """A Location or a LocationLink."""

    uri: str | None = None
    range: Range | None = None
    target_uri: str | None = None
    target_selection_range: Range | None = None


class SymbolMessage(Struct):
    """A DocumentSymbol, or a SymbolInformation, which has a location instead of ranges."""

    name: str
    kind: int
    range: Range | None = None
    children: list[SymbolMessage] | None = None
    location: Place | None = None
    container_name: str | None = None


class Hover(Struct):
    contents: Any


class Capabilities(Struct):
    """What a server says that it can do. Providers are read as they are: true, an object, or nothing."""

    position_encoding: str = "utf-16"
    text_document_sync: Any = None
    completion_provider: Any = None
    signature_help_provider: Any = None
    hover_provider: Any = None
    type_definition_provider: Any = None
    document_symbol_provider: Any = None
    diagnostic_provider: Any = None


class Initialized(Struct):
    capabilities: Capabilities


class Registration(Struct):
    method: str
    register_options: Any = None


class Registrations(Struct):
    registrations: list[Registration]


class ConfigurationItem(Struct):
    section: str | None = None


class ConfigurationRequest(Struct):
    items: list[ConfigurationItem]


class Progress(Struct):
    token: int | str
    value: Any


class Status(Struct):
    """rust-analyzer's `experimental/serverStatus` and jdtls's `language/status`."""

    quiescent: bool = False
    type: str = ""
