"""What a language server can be asked, and how each answer is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from language_servers import answers
from language_servers.analyzer import Document
from language_servers.answers import View
from language_servers.catalog import SAMPLES


@dataclass(frozen=True, slots=True)
class Query:
    """A kind of question: its LSP method, the capability that it takes, and how its answer is read."""

    name: str
    method: str
    provider: str
    read: Callable[[msgspec.Raw, View], Any]
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)


_BY_HAND = {"context": {"triggerKind": 1}}
_FIRST_TIME = {"context": {"triggerKind": 1, "isRetrigger": False}}

MEMBERS = Query("members", "textDocument/completion", "completion_provider", answers.members, _BY_HAND)
NAMES = Query("names", "textDocument/completion", "completion_provider", answers.names, _BY_HAND)
CALL = Query("call", "textDocument/signatureHelp", "signature_help_provider", answers.call, _FIRST_TIME)
TYPE = Query("type", "textDocument/hover", "hover_provider", answers.type_at)
DEFINITION = Query("definition", "textDocument/typeDefinition", "type_definition_provider", answers.definition)
SYMBOLS = Query("symbols", "textDocument/documentSymbol", "document_symbol_provider", answers.symbols)
DIAGNOSTICS = Query("diagnostics", "textDocument/diagnostic", "diagnostic_provider", answers.diagnostics)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a document, at an offset or about the whole."""

    query: Query
    document: Document
    offset: int | None = None

    def key(self) -> Hashable:
        """Equal for equal questions. A text is kept by its digest: there are many, and some are large."""
        text = self.document.text.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(text, digest_size=16).digest()
        return self.query.name, self.document.path, self.document.language, digest, self.offset


@dataclass(frozen=True, slots=True)
class SampleQuestion:
    """A question about a small file that is not on the disk, and a member that its answer must have."""

    question: Question
    offset: int
    member: str


def sample_question(language: str, root: Path) -> SampleQuestion | None:
    """The sample of a language, if it has one."""
    sample = SAMPLES.get(language)
    if sample is None:
        return None
    document, offset = Document(root / sample.name, language, sample.text.replace("‸", "")), sample.text.index("‸")
    return SampleQuestion(Question(MEMBERS, document, offset), offset, sample.member)
