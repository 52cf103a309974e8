"""The editor's face: Language Server Protocol 3.18 in and out, over pygls. Nothing is decided here.

Beside the standard, the events of the Copilot language server are understood, which several editors send:
`textDocument/didShowCompletion`, `textDocument/didPartiallyAcceptCompletion`, `textDocument/didFocus`; and its
notification `didChangeStatus` is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import stat
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.io_ import StdoutWriter, run_async
from pygls.uris import to_fs_path

from assistant.documents import Document
from assistant.lsp_commands import ACCEPTED  # the commands register themselves
from assistant.lsp_server import Server, folder_of, follow_indexing, plain, registrations, request_at, server
from assistant.session import SUPERSEDED
from assistant.settings import FILE
from assistant.types import Answer, Completion, CompletionRequest, Trigger

log = logging.getLogger(__name__)

LONGEST_LINE = 65_536
"""Bytes of a header line; the body of a message may be longer."""

LABEL = 48
"""Characters of a label in a popup."""

_WORD_END = re.compile(r"\w*\Z")


def serve(address: tuple[str, int] | None = None) -> None:
    """Serves one client, over the standard streams or on a loopback address, until it leaves."""
    if address:
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            asyncio.run(_serve_address(*address))
        return
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between the messages
    if stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        server.start_io(sys.stdin.buffer, output)
        return
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(_serve_streams(output))


class _Reader(asyncio.StreamReader):
    """Lets what a message has begun get to its first pause before the next one is read, which may change the text."""

    async def readline(self) -> bytes:
        await asyncio.sleep(0)
        return await super().readline()


async def _serve_streams(output: BinaryIO) -> None:
    """What `start_io` does, on the event loop: pygls changes threads for each line that it reads, eight times a key."""
    reader = _Reader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await _serve_client(reader, StdoutWriter(output))


async def _serve_address(host: str, port: int) -> None:
    """What `start_tcp` does, with a reader of ours. Ends with its client, however that leaves."""

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(_Reader(limit=LONGEST_LINE), _serve_client)

    server._server = await asyncio.get_running_loop().create_server(protocol, host, port)
    await server._server.serve_forever()


async def _serve_client(reader: asyncio.StreamReader, writer: Any) -> None:
    server._stop_event = threading.Event()
    server.protocol.set_writer(writer)
    try:
        await run_async(server._stop_event, reader, server.protocol, log, server.report_server_error)
    except (asyncio.IncompleteReadError, ConnectionError):
        log.warning("The client left in the middle of a message")
    finally:
        server.shutdown()


@server.feature(lsp.INITIALIZE)
def initialize(ls: Server, params: lsp.InitializeParams) -> None:
    ls.is_neovim = params.client_info is not None and params.client_info.name == "Neovim"
    ls.options = _own_section(params.initialization_options)


@server.feature(lsp.INITIALIZED)
async def initialized(ls: Server, params: lsp.InitializedParams) -> None:
    del params
    ls.session.configure(folder_of(ls), ls.options)
    await _register(ls)
    await _pull_settings(ls)
    await _load(ls)


def _configure(ls: Server, section: Any) -> None:
    """Takes over a section of the editor's settings, which counts more than what it started the server with."""
    ls.session.configure(editor={**ls.options, **_own_section(section)})


def _own_section(options: Any) -> Mapping[str, Any]:
    """Our settings among an editor's: without those for its own side, and those that it leaves open."""
    options = plain(options)
    own = options.get("ghostwright", options) if isinstance(options, Mapping) else None
    if not isinstance(own, Mapping):
        return {}
    foreign = ("editorInfo", "editorPluginInfo", "command", "trace")
    return {key: value for key, value in own.items() if key not in foreign and value is not None}


async def _load(ls: Server) -> None:
    """Loads the model; a load that takes longer than a second shows its progress."""
    loading = asyncio.create_task(ls.session.load())
    done, _ = await asyncio.wait({loading}, timeout=1)
    window = ls.client_capabilities.window
    if done or not (window and window.work_done_progress):
        await loading
        return
    token = str(uuid.uuid4())
    await _within(ls.work_done_progress.create_async(token))
    ls.work_done_progress.begin(token, lsp.WorkDoneProgressBegin(title="Ghostwright", message="loading the model"))
    await loading
    ls.work_done_progress.end(token, lsp.WorkDoneProgressEnd(message=ls.session.status.message))


async def _register(ls: Server) -> None:
    """Asks to be told of changed settings and files, by clients that want to be asked."""
    if wishes := registrations(ls.client_capabilities):
        await _within(ls.client_register_capability_async(lsp.RegistrationParams(wishes)))


async def _pull_settings(ls: Server) -> None:
    workspace = ls.client_capabilities.workspace
    if not (workspace and workspace.configuration):
        return
    items = lsp.ConfigurationParams([lsp.ConfigurationItem(section="ghostwright")])
    answer = await _within(ls.workspace_configuration_async(items))
    if answer:
        _configure(ls, answer[0])


async def _within(request: Any, seconds: float = 5.0) -> Any:
    """A client's answer; None if it does not answer in time or refuses."""
    try:
        return await asyncio.wait_for(request, seconds)
    except Exception as error:
        log.warning("The client did not answer: %s", error or type(error).__name__)
        return None


@server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
async def did_change_configuration(ls: Server, params: lsp.DidChangeConfigurationParams) -> None:
    settings = plain(params.settings)
    if isinstance(settings, Mapping) and "ghostwright" in settings:
        _configure(ls, settings["ghostwright"])
    else:
        await _pull_settings(ls)
    await _load(ls)


@server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
def did_open(ls: Server, params: lsp.DidOpenTextDocumentParams) -> None:
    ls.used[params.text_document.uri] = time.monotonic()
    if document := ls.document(params.text_document.uri):
        ls.session.open(request_at(ls, document, lsp.Position(0, 0), Trigger.AUTOMATIC))
        follow_indexing(ls)


@server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
def did_change(ls: Server, params: lsp.DidChangeTextDocumentParams) -> None:
    uri = params.text_document.uri
    ls.used[uri] = time.monotonic()
    if all(
        isinstance(change, lsp.TextDocumentContentChangePartial) and not change.text
        for change in params.content_changes
    ):
        ls.shortened.add(uri)
    else:
        ls.shortened.discard(uri)


@server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
def did_close(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    ls.used.pop(params.text_document.uri, None)
    ls.shortened.discard(params.text_document.uri)
    if path := to_fs_path(params.text_document.uri):
        ls.session.closed(Path(path))


@server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
async def did_save(ls: Server, params: lsp.DidSaveTextDocumentParams) -> None:
    if path := to_fs_path(params.text_document.uri):
        ls.session.files_changed([Path(path)])
    if params.text_document.uri.endswith(f"/{FILE}"):
        ls.session.configure()
        await _load(ls)


@server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
async def did_change_watched_files(ls: Server, params: lsp.DidChangeWatchedFilesParams) -> None:
    """Beside the loop: after a checkout there are thousands, and language servers are told of each."""
    await asyncio.to_thread(_tell_changes, ls, params.changes)


def _tell_changes(ls: Server, changes: Sequence[lsp.FileEvent]) -> None:
    ls.session.files_changed([Path(path) for change in changes if (path := to_fs_path(change.uri))])


@server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
async def inline_completion(ls: Server, params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList | None:
    ls.shows_ghost_text = True
    document = ls.document(params.text_document.uri)  # taken before the first await: the text may change
    if document is None:
        return lsp.InlineCompletionList([])
    invoked = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
    request = request_at(ls, document, params.position, Trigger.INVOKED if invoked else Trigger.AUTOMATIC)
    selected = params.context.selected_completion_info
    start = request.offset
    if selected:
        start = document.offset_at(selected.range.start)
        request = _as_if_selected(request, start, document.offset_at(selected.range.end), selected.text)
    if request.trigger is Trigger.AUTOMATIC and document.uri in ls.shortened:
        answer = ls.session.recalled(request)
    else:
        answer = await ls.session.complete(request)
    ls.explanations.remember(document.uri, params.position.line, request, answer)
    if answer is SUPERSEDED and ls.is_neovim:
        return None  # an empty list would hide ghost text that still holds
    items = [_inline_item(document, request.offset, start, each, selected) for each in answer.completions]
    return lsp.InlineCompletionList(items)


def _as_if_selected(request: CompletionRequest, start: int, end: int, text: str) -> CompletionRequest:
    """The request as it will be once the popup's selected entry has replaced its range."""
    changed = request.text[:start] + text + request.text[end:]
    return replace(request, text=changed, offset=start + len(text))


def _inline_item(
    document: Document,
    offset: int,
    start: int,
    completion: Completion,
    selected: lsp.SelectedCompletionInfo | None,
) -> lsp.InlineCompletionItem:
    command = _accept_command()
    if selected:
        end = document.position_at(document.offset_at(selected.range.end) + completion.replaces)
        text = selected.text + completion.text
        return lsp.InlineCompletionItem(text, range=lsp.Range(selected.range.start, end), command=command)
    place = lsp.Range(document.position_at(start), document.position_at(offset + completion.replaces))
    return lsp.InlineCompletionItem(completion.text, range=place, command=command)


def _accept_command() -> lsp.Command:
    """What the editor sends back when the user accepts."""
    return lsp.Command("Accepted", ACCEPTED, arguments=[str(uuid.uuid4())])


@server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(resolve_provider=False))  # ALE takes {} for none
async def completion(ls: Server, params: lsp.CompletionParams) -> lsp.CompletionList:
    """For editors without ghost text: asks the model if the user asked, and answers from memory otherwise."""
    document = ls.document(params.text_document.uri)
    if document is None:
        return lsp.CompletionList(is_incomplete=False, items=[])
    asked = params.context is None or params.context.trigger_kind == lsp.CompletionTriggerKind.Invoked
    trigger = Trigger.INVOKED if asked else Trigger.AUTOMATIC
    request = request_at(ls, document, params.position, trigger)
    if asked and not ls.shows_ghost_text:
        answer = await ls.session.complete(request)
    else:
        answer = ls.session.recalled(request)
    ls.explanations.remember(document.uri, params.position.line, request, answer)
    return lsp.CompletionList(is_incomplete=True, items=_popup_items(document, request, answer))


def _popup_items(document: Document, request: CompletionRequest, answer: Answer) -> list[lsp.CompletionItem]:
    word = _WORD_END.search(request.prefix[-200:])
    typed = word[0] if word else ""
    start = document.position_at(request.offset - len(typed))
    return [
        _popup_item(number, typed, each, lsp.Range(start, document.position_at(request.offset + each.replaces)))
        for number, each in enumerate(answer.completions)
    ]


def _popup_item(number: int, typed: str, completion: Completion, place: lsp.Range) -> lsp.CompletionItem:
    text = typed + completion.text
    first = text.lstrip().splitlines()[0]
    return lsp.CompletionItem(
        label=first if len(first) <= LABEL else first[: LABEL - 1] + "…",
        kind=lsp.CompletionItemKind.Text,
        detail="Ghostwright",
        documentation=text,
        filter_text=first,
        sort_text=f" {number}",  # before all others; Emacs refuses the character 0
        insert_text_mode=lsp.InsertTextMode.AsIs,
        text_edit=lsp.TextEdit(place, text),
        command=_accept_command(),
    )
