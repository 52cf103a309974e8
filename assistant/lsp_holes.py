"""The requests about typed holes that ChatLSP defines (Blinn et al. 2024), with its shapes.

Parameters are always a document and a position, as in `textDocument/hover`. What they are answered with:

    expectedType                              {content, location}
    relevantTypes, relevantHeaders            {contents, locations}
    llmCompletion, llmCompletionResolveErrors {snippet, context}
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.documents import Document
from assistant.errors import RequestError
from assistant.files import read_text
from assistant.holes import Analyses, Holes, as_json, report
from assistant.rounds import ROUNDS, first_fault
from assistant.types import Answer, CompletionRequest
from language_servers.holes import HoleContext

EXPECTED_TYPE = "textDocument/expectedType"
RELEVANT_TYPES = "textDocument/relevantTypes"
RELEVANT_HEADERS = "textDocument/relevantHeaders"
COMPLETION = "textDocument/llmCompletion"
RESOLVE_ERRORS = "textDocument/llmCompletionResolveErrors"

CAPABILITIES = {
    "expectedTypeProvider": True,
    "relevantTypesProvider": True,
    "relevantHeadersProvider": True,
    "llmCompletionProvider": True,
    "llmCompletionResolveErrorsProvider": True,
}

DEADLINE = 5.0
"""Seconds: whoever asks for a hole's context wants all of it."""

Complete = Callable[[CompletionRequest], Awaitable[Answer]]


async def expected_type(holes: Holes, request: CompletionRequest, document: Document) -> dict[str, object]:
    """The expected type, and where it is declared; where that is unknown, the hole's own place."""
    context = await _context(holes, request)
    main = next((stub for stub in reversed(context.types) if stub.name in context.expected), None)
    place = _location(main.path, main.offset, document) if main else _at(document, request.offset)
    return {"content": _markup(context.expected, request), "location": place}


async def relevant_types(holes: Holes, request: CompletionRequest, document: Document) -> dict[str, object]:
    """The declarations of the types in the expected type, dependencies first."""
    context = await _context(holes, request)
    return {
        "contents": [_markup(stub.text, request) for stub in context.types],
        "locations": [_location(stub.path, stub.offset, document) for stub in context.types],
    }


async def relevant_headers(holes: Holes, request: CompletionRequest, document: Document) -> dict[str, object]:
    """What in scope gives the expected type, the best first, and where its name stands in the document."""
    context = await _context(holes, request)
    places = (re.search(rf"\b{re.escape(header.name.partition('.')[0])}\b", request.text) for header in context.headers)
    return {
        "contents": [_markup(header.text, request) for header in context.headers],
        "locations": [_at(document, place.start() if place else request.offset) for place in places],
    }


async def completion(holes: Holes, request: CompletionRequest, answer: Answer) -> dict[str, object]:
    """The best completion, and what was known of the hole."""
    context = await _context(holes, request)
    best = answer.completions[0] if answer.completions else None
    return {
        "snippet": best.text if best else "",
        "context": {
            **as_json(context),
            "replaces": best.replaces if best else 0,
            "probability": round(best.probability, 4) if best else 0.0,
            "reason": answer.reason,
        },
    }


async def resolve_errors(
    analyses: Analyses, complete: Complete, request: CompletionRequest, snippet: str
) -> dict[str, object]:
    """A snippet without errors: the one that was tried or, if it has some, what error rounds make of it.

    A round keeps a snippet up to its first fault, where what stood there is refused from then on, and has the rest
    written anew. If errors are left after all rounds, a completion from the cursor on is tried as well. Of all that
    was tried, what has the fewest errors is told, with the errors that are left, those of the snippet that was given
    (`resolved`), and those that each round was for.
    """
    found = await _Tried.of(analyses, request, snippet) if snippet else await _anew(analyses, complete, request)
    given, best, rounds = found.errors if snippet else "", found, list[str]()
    refused: dict[str, tuple[str, ...]] = {}
    while found.fault and len(rounds) < ROUNDS:
        rounds.append(found.errors)
        kept = found.text[: found.fault.start]
        refused[kept] = (*refused.get(kept, ()), found.text[found.fault.start : found.fault.stop])
        found = await _anew(analyses, complete, request, kept, found.replaces, refused[kept])
        best = min(best, found, key=_count)
    if best.errors and snippet:
        best = min(best, await _anew(analyses, complete, request), key=_count)
    context = {"replaces": best.replaces, "errors": best.errors, "resolved": given, "rounds": rounds}
    return {"snippet": best.text, "context": context}


@dataclass(frozen=True, slots=True)
class _Tried:
    """A snippet that replaces so much behind the cursor, its errors, one a line, and where the first one stands."""

    text: str = ""
    replaces: int = 0
    errors: str = ""
    fault: range | None = None

    @classmethod
    async def of(cls, analyses: Analyses, request: CompletionRequest, text: str, replaces: int = 0) -> _Tried:
        errors = await asyncio.to_thread(report, analyses, request, text, replaces, DEADLINE)
        fault = await asyncio.to_thread(first_fault, analyses, request, text, replaces, DEADLINE) if errors else None
        return cls(text, replaces, errors, fault)


def _count(tried: _Tried) -> float:
    """How many errors there are; without a snippet, more than in any."""
    return len(tried.errors.splitlines()) if tried.text.strip() else math.inf


async def _anew(
    analyses: Analyses,
    complete: Complete,
    request: CompletionRequest,
    kept: str = "",
    replaces: int = 0,
    refused: tuple[str, ...] = (),
) -> _Tried:
    """What the model writes behind what is kept of a snippet: of its candidates the one with the fewest errors."""
    text = request.prefix + kept + request.suffix[replaces:]
    asked = replace(request, text=text, offset=request.offset + len(kept), refused=refused)
    best = _Tried()
    for each in (await complete(asked)).completions:
        if each.is_cut:
            continue
        tried = await _Tried.of(analyses, request, kept + each.text, replaces + each.replaces)
        best = min(best, tried, key=_count)
        if not tried.errors:
            break
    return best


async def _context(holes: Holes, request: CompletionRequest) -> HoleContext:
    return await asyncio.to_thread(holes.at, request, DEADLINE)


def _markup(text: str, request: CompletionRequest) -> dict[str, str]:
    return {"kind": "markdown", "value": f"```{request.language}\n{text}\n```" if text else ""}


def _at(document: Document, offset: int) -> dict[str, object]:
    position = document.position_at(offset)
    place = {"line": position.line, "character": position.character}
    return {"uri": document.uri, "range": {"start": place, "end": place}}


def _location(path: Path, offset: int, document: Document) -> dict[str, object]:
    """A place in a file; in the document itself as it is in the editor."""
    uri = path.as_uri()
    if uri == document.uri or path == Path(document.path):
        return _at(document, offset)
    try:
        text = read_text(path)
    except RequestError:
        text = ""
    return _at(Document(uri, text, encoding=document.position_codec.encoding), offset)
