"""The requests about typed holes that ChatLSP defines (Blinn et al. 2024), with its shapes.

Parameters are always a document and a position, as in `textDocument/hover`. What they are answered with:

    expectedType                              {content, location}
    relevantTypes, relevantHeaders            {contents, locations}
    llmCompletion, llmCompletionResolveErrors {snippet, context}
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from assistant.documents import Document
from assistant.errors import RequestError
from assistant.files import read_text
from assistant.holes import Analyses, Holes, as_json, report
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
    """Of a snippet that was tried and of what the model would write the one with the fewest new errors.

    The first without any is taken; the snippet's own errors are told, so that whoever asks can tell a larger model.
    """
    given = await _errors(analyses, request, snippet, 0) if snippet else ""
    if snippet and not given:
        return _resolved(snippet, 0, "", "")
    answer = await complete(request)
    tried = [(snippet, 0, given)] if snippet else []
    for each in answer.completions:
        errors = await _errors(analyses, request, each.text, each.replaces)
        tried.append((each.text, each.replaces, errors))
        if not errors:
            break
    text, replaces, errors = min(tried, key=lambda each: len(each[2].splitlines()), default=("", 0, ""))
    return _resolved(text, replaces, errors, given)


def _resolved(text: str, replaces: int, errors: str, given: str) -> dict[str, object]:
    return {"snippet": text, "context": {"replaces": replaces, "errors": errors, "resolved": given}}


async def _context(holes: Holes, request: CompletionRequest) -> HoleContext:
    return await asyncio.to_thread(holes.at, request, DEADLINE)


async def _errors(analyses: Analyses, request: CompletionRequest, snippet: str, replaces: int) -> str:
    return await asyncio.to_thread(report, analyses, request, snippet, replaces, DEADLINE)


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
