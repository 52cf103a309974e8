"""All that is known of a hole, part by part, each part as soon as it is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from language_servers.analyzer import Analyzer, Document
from language_servers.holes.candidates import Candidate
from language_servers.holes.expected import Expected, expected_at
from language_servers.holes.headers import Header, headers_for
from language_servers.holes.inquiry import DEADLINE, Inquiry
from language_servers.holes.relevant import types_behind
from language_servers.holes.slots import Source
from language_servers.holes.stubs import Stub


@dataclass(frozen=True, slots=True)
class HoleContext:
    """What is known of a hole. `silences` says in a few words what was asked in vain.

    `is_early` says that some of it may be answered a little later.
    """

    expected: str = ""
    source: Source = Source.PROBE
    types: tuple[Stub, ...] = ()
    headers: tuple[Header, ...] = ()
    silences: tuple[str, ...] = ()
    is_early: bool = False


def hole_context(
    analyzer: Analyzer,
    document: Document,
    offset: int,
    root: Path | None = None,
    more: Sequence[Candidate] = (),
    deadline: float = DEADLINE,
) -> HoleContext:
    """All that is known of an expression that is missing at an offset. `more` is what may stand there besides names."""
    return list(stages(analyzer, document, offset, root, more, deadline))[-1]


def stages(
    analyzer: Analyzer,
    document: Document,
    offset: int,
    root: Path | None = None,
    more: Sequence[Candidate] = (),
    deadline: float = DEADLINE,
) -> Iterator[HoleContext]:
    """What is known of a hole after each step: the expected type, then the types, then the headers."""
    inquiry = Inquiry.of(analyzer, document, root, deadline)
    expected = expected_at(inquiry, document, offset)
    context = HoleContext(expected.type, expected.source)
    yield _so_far(inquiry, context)
    context = replace(context, types=types_behind(inquiry, expected.places))
    yield _so_far(inquiry, context)
    context = replace(context, headers=headers_for(inquiry, document, offset, expected.type, context.types, more))
    yield _so_far(inquiry, context)


def _so_far(inquiry: Inquiry, context: HoleContext) -> HoleContext:
    """A context with what has been asked in vain until now."""
    return replace(context, silences=tuple(inquiry.silences), is_early=inquiry.is_early)


def expected_type(
    analyzer: Analyzer, document: Document, offset: int, root: Path | None = None, deadline: float = DEADLINE
) -> Expected:
    """The type that is expected where an expression is missing; empty if that is unknown."""
    return expected_at(Inquiry.of(analyzer, document, root, deadline), document, offset)


def relevant_types(
    analyzer: Analyzer, expected: Expected, document: Document, root: Path | None = None, deadline: float = DEADLINE
) -> tuple[Stub, ...]:
    """The types that an expected type is made of, dependencies first."""
    return types_behind(Inquiry.of(analyzer, document, root, deadline), expected.places)


def relevant_headers(
    analyzer: Analyzer,
    document: Document,
    offset: int,
    expected: str,
    stubs: Sequence[Stub] = (),
    more: Sequence[Candidate] = (),
    root: Path | None = None,
    deadline: float = DEADLINE,
) -> tuple[Header, ...]:
    """What in scope gives a value of a type, or of a part of it: the best first."""
    return headers_for(Inquiry.of(analyzer, document, root, deadline), document, offset, expected, stubs, more)
