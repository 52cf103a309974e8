"""What an analysis can be asked, and the values that it answers with. Whoever answers implements `Analyzer`.

Offsets are code points, times are seconds. An analysis is asked about texts, not about files: what it is shown stands
nowhere on a disk and in no editor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Protocol

DEADLINE = 0.15
"""How long an answer is waited for. What comes later is kept for the next time that it is asked for."""


class NoAnswer(Exception):  # noqa: N818 - it is no fault
    """Why an analysis has nothing to say, in a few words: “ty took more than 150 ms”. Nothing may be concluded."""


class TooEarly(NoAnswer):
    """The answer is not there yet: the analysis starts, or is at work. A little later it may be there."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text as it would stand in the file `path`, which need not exist. `language` is the LSP identifier."""

    path: Path
    language: str
    text: str


class Kind(StrEnum):
    """What a name stands for."""

    CLASS = "class"
    CONSTANT = "constant"
    ENUM = "enum"
    ENUM_MEMBER = "enum member"
    FIELD = "field"
    FUNCTION = "function"
    KEYWORD = "keyword"
    METHOD = "method"
    MODULE = "module"
    VARIABLE = "variable"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Member:
    """A name that may stand somewhere. `detail` is its type or signature as the analysis words it, often empty."""

    name: str
    kind: Kind = Kind.OTHER
    detail: str = ""


@dataclass(frozen=True)
class Members:
    """The names that may stand at a place: those of a value after its dot, or those in scope.

    `doubt` says why others may be right as well, in a few words; empty where the list is known to be complete. Names
    in doubt may be ranked by, and forbid nothing.
    """

    items: tuple[Member, ...]
    doubt: str = ""

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(member.name for member in self.items)

    def __iter__(self) -> Iterator[Member]:
        return iter(self.items)


class ParameterKind(StrEnum):
    """How an argument may be given, in Python's words."""

    POSITIONAL_ONLY = "positional only"
    POSITIONAL_OR_KEYWORD = "positional or keyword"
    KEYWORD_ONLY = "keyword only"
    VAR_POSITIONAL = "*args"
    VAR_KEYWORD = "**kwargs"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: `*values: int` has the name `values`, the annotation `int`. `required` is False for a default."""

    name: str
    kind: ParameterKind = ParameterKind.POSITIONAL_OR_KEYWORD
    annotation: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call something; `label` is the whole as the analysis words it."""

    label: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """The call whose arguments an offset stands in. `active` is the index of the parameter there, if it is known."""

    signatures: tuple[Signature, ...]
    active: int | None = None


@dataclass(frozen=True, slots=True)
class Hole:
    """What is expected at an offset: `expected` is a type as the analysis words it."""

    expected: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition in a document, from `start` to `end`; `owner` is the class or function around it, or empty."""

    name: str
    kind: Kind
    start: int
    end: int
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    """Where something is defined. The offset is that of its name."""

    path: Path
    offset: int


class Fault(StrEnum):
    """What a diagnostic complains of."""

    SYNTAX = "syntax"
    NAME = "unknown name"
    MEMBER = "unknown member"
    IMPORT = "unknown import"
    ARGUMENTS = "wrong arguments"
    ABSTRACT = "abstract class"
    TYPE = "wrong type"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A complaint about a stretch of a document. `code` is the analysis's own, `error` whether it is one."""

    fault: Fault
    message: str
    start: int
    end: int
    code: str = ""
    error: bool = True


class Analyzer(Protocol):
    """Answers questions about texts of one language in one workspace.

    Every question may be asked from any thread. It raises NoAnswer where nothing is known within `deadline` seconds.
    Two equal questions are one: whoever asks while the first is under way waits for the same answer.
    """

    name: str

    def members(self, document: Document, offset: int, deadline: float = DEADLINE) -> Members:
        """The members of the value that ends before the dot (`.`, `?.`, `->`, `::`) before an offset."""

    def names(self, document: Document, offset: int, deadline: float = DEADLINE) -> Members:
        """What may stand at an offset that follows no dot: names in scope, in an import its modules or names."""

    def call(self, document: Document, offset: int, deadline: float = DEADLINE) -> Call:
        """The call whose arguments an offset stands in."""

    def hole(self, document: Document, offset: int, deadline: float = DEADLINE) -> Hole:
        """What is expected where an expression is missing at an offset."""

    def type_at(self, document: Document, offset: int, deadline: float = DEADLINE) -> str:
        """The type of the name at an offset, as the analysis words it."""

    def type_definition(self, document: Document, offset: int, deadline: float = DEADLINE) -> Location:
        """Where the type of the name at an offset is defined."""

    def symbols(self, document: Document, deadline: float = DEADLINE) -> tuple[Symbol, ...]:
        """What a document defines, in its order."""

    def diagnostics(self, document: Document, deadline: float = DEADLINE) -> tuple[Diagnostic, ...]:
        """What is wrong with a document."""
