"""What editors ask beside completions: our commands, requests about typed holes, and Copilot's events."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams

from assistant import lsp_ask, lsp_holes, lsp_search
from assistant.ask import scratch
from assistant.documents import Document
from assistant.lsp_explain import EXPLAIN
from assistant.lsp_server import (
    Server,
    current_root,
    folder_of,
    follow_indexing,
    others_of,
    plain,
    request_at,
    root_of,
    server,
    shown_files,
)
from assistant.types import CompletionRequest, Trigger

log = logging.getLogger(__name__)

ACCEPTED, SNOOZE, STATUS = "ghostwright.accepted", "ghostwright.snooze", "ghostwright.status"

SNOOZE_MINUTES = 5.0
"""How long completion is silent if the command does not say."""


@server.feature(lsp_holes.EXPECTED_TYPE)
async def expected_type(ls: Server, params: Any) -> dict[str, object] | None:
    if (place := _hole_place(ls, params)) and ls.holes:
        return await lsp_holes.expected_type(ls.holes, *place)
    return None


@server.feature(lsp_holes.RELEVANT_TYPES)
async def relevant_types(ls: Server, params: Any) -> dict[str, object] | None:
    if (place := _hole_place(ls, params)) and ls.holes:
        return await lsp_holes.relevant_types(ls.holes, *place)
    return None


@server.feature(lsp_holes.RELEVANT_HEADERS)
async def relevant_headers(ls: Server, params: Any) -> dict[str, object] | None:
    if (place := _hole_place(ls, params)) and ls.holes:
        return await lsp_holes.relevant_headers(ls.holes, *place)
    return None


@server.feature(lsp_holes.COMPLETION)
async def llm_completion(ls: Server, params: Any) -> dict[str, object] | None:
    if (place := _hole_place(ls, params)) and ls.holes:
        answer = await ls.session.complete(place[0])
        return await lsp_holes.completion(ls.holes, place[0], answer)
    return None


@server.feature(lsp_holes.RESOLVE_ERRORS)
async def llm_completion_resolve_errors(ls: Server, params: Any) -> dict[str, object] | None:
    place, knowledge = _hole_place(ls, params), ls.session.knowledge
    if place is None or knowledge is None:
        return None
    snippet = str(plain(params).get("snippet") or "")
    return await lsp_holes.resolve_errors(knowledge.analysis, ls.session.complete, place[0], snippet)


def _hole_place(ls: Server, params: Any) -> tuple[CompletionRequest, Document] | None:
    """The request at a place, and the document it is in; None if that cannot be read. Raises for a wrong place."""
    match plain(params):
        case {"textDocument": {"uri": str(uri)}, "position": {"line": int(line), "character": int(character)}}:
            document = ls.document(uri)
            position = lsp.Position(max(line, 0), max(character, 0))
            if document is None:
                return None
            return request_at(ls, document, position, Trigger.INVOKED), document
    raise JsonRpcInvalidParams("Give “textDocument” with its “uri”, and “position” with “line” and “character”.")


@server.command(ACCEPTED)
def accepted(ls: Server, *arguments: Any) -> None:
    ls.session.counts["accepted"] += 1
    log.info("accepted %s", *arguments[:1])


@server.command(SNOOZE)
def snooze(ls: Server, *arguments: Any) -> None:
    ls.session.snooze(float(arguments[0]) if arguments else SNOOZE_MINUTES)


@server.command(STATUS)
def status(ls: Server) -> dict[str, object]:
    return {**ls.session.status.as_json(), "evaluated": ls.session.evaluated, "counts": dict(ls.session.counts)}


@server.command(EXPLAIN)
def explain(ls: Server) -> dict[str, object] | None:
    return ls.explanations.as_json()


@server.command(lsp_ask.ASK)
async def ask(ls: Server, *arguments: Any) -> dict[str, Any]:
    request, wish = _wish(ls, arguments)
    lsp_search.begin(ls.session, request.root)
    follow_indexing(ls)
    with lsp_ask.cancelled_with_its_request(ls.protocol):
        return await lsp_ask.ask(ls.session, ls.document, request, wish)


@server.command(lsp_search.SEARCH)
async def search(ls: Server, *arguments: Any) -> dict[str, Any]:
    match arguments:
        case [str(query)]:
            root = current_root(ls)
            lsp_search.begin(ls.session, root)
            follow_indexing(ls)
            with lsp_ask.cancelled_with_its_request(ls.protocol):
                return await lsp_search.search(ls.session, ls.document, shown_files(ls), root, query)
    raise JsonRpcInvalidParams("Give a query in words.")


@server.command(lsp_search.REBUILD)
async def rebuild_index(ls: Server) -> dict[str, str]:
    reason = await lsp_search.rebuilt(ls.session, current_root(ls))
    if reason:
        ls.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, f"Ghostwright: {reason}"))
    follow_indexing(ls)
    return {"reason": reason}


def _wish(ls: Server, arguments: Sequence[Any]) -> tuple[CompletionRequest, str]:
    """Where something is asked, an empty file if it is nowhere, and what. Raises for wrong arguments."""
    match list(arguments):
        case [str(wish)] | [str(wish), None]:
            request = scratch(folder_of(ls) or Path.cwd())
            return replace(request, root=root_of(ls, request.path), others=tuple(others_of(ls, ""))), wish
        case [str(wish), place]:
            if found := _hole_place(ls, place):
                return found[0], wish
            raise JsonRpcInvalidParams("The document can't be read, neither in the editor nor from the disk.")
    raise JsonRpcInvalidParams("Give a request in words and, if it is about a place, a document and a position.")


@server.feature("textDocument/didShowCompletion")
def did_show(ls: Server, params: object) -> None:
    del params
    ls.session.counts["shown"] += 1


@server.feature("textDocument/didPartiallyAcceptCompletion")
def did_partially_accept(ls: Server, params: object) -> None:
    del params
    ls.session.counts["partially accepted"] += 1


@server.feature("textDocument/didFocus")
def did_focus(ls: Server, params: Any) -> None:
    match plain(params):
        case {"textDocument": {"uri": str(uri)}} if uri in ls.used:
            ls.used[uri] = time.monotonic()
            if document := ls.document(uri):
                ls.session.focus(request_at(ls, document, lsp.Position(0, 0), Trigger.AUTOMATIC))
