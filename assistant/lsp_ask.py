"""The command `ghostwright.ask`: what the repository offers for a request in somebody's words, and the call.

Arguments are the request and, if it is asked at a cursor, a document and a position, as in `textDocument/hover`. It is
answered with what `ghostwright ask --json` prints, with `location` in place of path and line, and with `imports_line`,
before which the imports belong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from pygls.protocol import JsonRPCProtocol

from assistant.ask import Asked, Search, as_json, search
from assistant.errors import RequestError
from assistant.lsp_locations import Documents, location
from assistant.session import Session
from assistant.types import CompletionRequest
from retrieval.importing import place_of_imports

ASK = "ghostwright.ask"

READING = 10.0
"""Seconds that a request waits for its repository to be read; what is read by then is looked at."""

UNFAMILIAR = "The embedded model knows Python only: the call is an outline."


async def ask(session: Session, documents: Documents, request: CompletionRequest, wish: str) -> dict[str, Any]:
    """The answer; one without APIs has the reason."""
    if session.knowledge is None:
        return _told(Asked(reason=session.status.message), request, documents)
    try:
        found = await _found(session, request, wish)
        return _told(await _written(session, found), request, documents)
    except RequestError as error:
        return _told(Asked(reason=str(error)), request, documents)
    finally:
        if session.knowledge:
            session.knowledge.repositories.survey(request)  # the file as it is, not with the call in it


async def _found(session: Session, request: CompletionRequest, wish: str) -> Search:
    """Beside the loop, and beside the model, which goes on for whoever types."""
    assert session.knowledge is not None
    cancelled = Event()
    try:
        return await asyncio.to_thread(search, session.knowledge, request, wish, READING, cancelled)
    finally:
        cancelled.set()


async def _written(session: Session, found: Search) -> Asked:
    if found.call is None or found.call.request is None:
        return found.asked()
    if found.call.request.language != "python" and not session.settings.model:
        return found.asked(reason=UNFAMILIAR)
    return found.asked(await session.complete(found.call.request))


def _told(asked: Asked, request: CompletionRequest, documents: Documents) -> dict[str, Any]:
    root = request.root or request.path.parent
    values = as_json(asked, root)
    for found, value in zip(asked.apis, values["apis"], strict=True):
        del value["path"], value["line"]
        value["location"] = location(root / found.api.path, found.api.line, found.api.name, documents)
    return {**values, "imports_line": place_of_imports(request.text) if asked.imports else 0}


@contextmanager
def cancelled_with_its_request(protocol: JsonRPCProtocol) -> Iterator[None]:
    """Cancels the task that it is entered in when the client cancels the request: pygls does so for no command."""
    task, request = asyncio.current_task(), protocol._request_futures.get(protocol.msg_id or "")
    if task and request:
        request.add_done_callback(lambda future: future.cancelled() and task.cancel())
    yield
