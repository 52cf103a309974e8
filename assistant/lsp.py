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
from copy import copy
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams
from pygls.io_ import StdoutWriter, run_async
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from assistant import lsp_ask, lsp_holes, lsp_search
from assistant.ask import scratch
from assistant.documents import Document, Protocol
from assistant.errors import RequestError
from assistant.files import read_text
from assistant.holes import Holes
from assistant.languages import language_of
from assistant.lsp_explain import EXPLAIN, Explanations
from assistant.session import SUPERSEDED, Session
from assistant.settings import FILE
from assistant.status import Status
from assistant.types import Answer, Completion, CompletionRequest, File, Trigger
from retrieval.repository import repository_root

log = logging.getLogger(__name__)

ACCEPTED, SNOOZE, STATUS = "ghostwright.accepted", "ghostwright.snooze", "ghostwright.status"

OTHERS = 8
"""Open files that may enter a prompt."""

LONGEST_LINE = 65_536
"""Bytes of a header line; the body of a message may be longer."""

LABEL = 48
"""Characters of a label in a popup."""

CANDIDATES = 3
"""Offered on request; while typing one is enough."""

SNOOZE_MINUTES = 5.0
"""How long completion is silent if the command does not say."""

_WORD_END = re.compile(r"\w*\Z")


class HolesProtocol(Protocol):
    """Says that requests about typed holes are understood. pygls itself has no place to say so."""

    _capabilities = lsp.ServerCapabilities()

    @property
    def server_capabilities(self) -> lsp.ServerCapabilities:
        return self._capabilities

    @server_capabilities.setter
    def server_capabilities(self, capabilities: lsp.ServerCapabilities) -> None:
        capabilities.experimental = lsp_holes.CAPABILITIES
        self._capabilities = capabilities


class Server(LanguageServer):
    """pygls's server with a session, and the documents in the order in which they were used."""

    def __init__(self) -> None:
        super().__init__("ghostwright", version("ghostwright"), protocol_cls=HolesProtocol)
        self.session = Session(self._tell, self._complain)
        self.explanations = Explanations()
        self.used: dict[str, float] = {}
        self.shortened: set[str] = set()
        self.options: Mapping[str, Any] = {}
        self.following: asyncio.Task[None] | None = None
        self.is_neovim = False
        self.shows_ghost_text = False  # what a client announces does not tell: Neovim's users must switch it on

    @property
    def holes(self) -> Holes | None:
        """What is known of typed holes."""
        return self.session.knowledge.holes if self.session.knowledge else None

    def shutdown(self) -> None:
        self.session.close()
        super().shutdown()  # type: ignore[no-untyped-call]

    def report_server_error(self, error: Exception, source: type[Exception]) -> None:
        """Logs it. pygls would tell the editor; once the connection is closed, it would try to do so without end."""
        log.error("%s: %s", source.__name__, error)

    def document(self, uri: str) -> Document | None:
        """A document as it is now, whatever changes later; None if it is neither open nor a file that can be read."""
        if uri in self.workspace.text_documents:
            document = self.workspace.get_text_document(uri)
            assert isinstance(document, Document)
            return copy(document)
        try:
            text = read_text(Path(to_fs_path(uri) or uri))
        except RequestError as error:
            log.warning("%s It is not open in the editor either.", error)
            return None
        return Document(uri, text, encoding=self.workspace.position_encoding)

    def _tell(self, status: Status) -> None:
        self.protocol.notify("didChangeStatus", status.as_json())

    def _complain(self, message: str) -> None:
        self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, f"Ghostwright: {message}"))


server = Server()


def serve(address: tuple[str, int] | None = None) -> None:
    """Serves one client, over the standard streams or on a loopback address, until it leaves."""
    if address:
        server.start_tcp(*address)
        return
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between the messages
    if stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        server.start_io(sys.stdin.buffer, output)
        return
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(_serve_streams(output))


async def _serve_streams(output: BinaryIO) -> None:
    """What `start_io` does, on the event loop: pygls changes threads for each line that it reads, eight times a key."""
    server._stop_event = threading.Event()
    server.protocol.set_writer(StdoutWriter(output))
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        await run_async(server._stop_event, reader, server.protocol, log, server.report_server_error)
    except asyncio.IncompleteReadError:
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
    ls.session.configure(_folder(ls), ls.options)
    await _register(ls)
    await _pull_settings(ls)
    await _load(ls)


def _configure(ls: Server, section: Any) -> None:
    """Takes over a section of the editor's settings, which counts more than what it started the server with."""
    ls.session.configure(editor={**ls.options, **_own_section(section)})


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
    """Asks to be told of changed settings, by clients that want to be asked."""
    workspace = ls.client_capabilities.workspace
    change = workspace.did_change_configuration if workspace else None
    if change and change.dynamic_registration:
        wish = lsp.Registration(str(uuid.uuid4()), lsp.WORKSPACE_DID_CHANGE_CONFIGURATION, {"section": "ghostwright"})
        await _within(ls.client_register_capability_async(lsp.RegistrationParams([wish])))


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
    settings = _plain(params.settings)
    if isinstance(settings, Mapping) and "ghostwright" in settings:
        _configure(ls, settings["ghostwright"])
    else:
        await _pull_settings(ls)
    await _load(ls)


@server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
def did_open(ls: Server, params: lsp.DidOpenTextDocumentParams) -> None:
    ls.used[params.text_document.uri] = time.monotonic()
    if document := ls.document(params.text_document.uri):
        ls.session.open(_request(ls, document, lsp.Position(0, 0), Trigger.AUTOMATIC))
        _follow_indexing(ls)


def _follow_indexing(ls: Server) -> None:
    """Tells the editor how far it has come, if something is being indexed."""
    if ls.session.indexing and (ls.following is None or ls.following.done()):
        window = ls.client_capabilities.window
        reports = ls.work_done_progress if window and window.work_done_progress else None
        ls.following = asyncio.create_task(lsp_search.follow(ls.session, reports))


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


@server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
async def did_save(ls: Server, params: lsp.DidSaveTextDocumentParams) -> None:
    if path := to_fs_path(params.text_document.uri):
        ls.session.saved(Path(path))
    if params.text_document.uri.endswith(f"/{FILE}"):
        ls.session.configure()
        await _load(ls)


@server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
async def inline_completion(ls: Server, params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList | None:
    ls.shows_ghost_text = True
    document = ls.document(params.text_document.uri)  # taken before the first await: the text may change
    if document is None:
        return lsp.InlineCompletionList([])
    invoked = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
    request = _request(ls, document, params.position, Trigger.INVOKED if invoked else Trigger.AUTOMATIC)
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


@server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions())
async def completion(ls: Server, params: lsp.CompletionParams) -> lsp.CompletionList:
    """For editors without ghost text: asks the model if the user asked, and answers from memory otherwise."""
    document = ls.document(params.text_document.uri)
    if document is None:
        return lsp.CompletionList(is_incomplete=False, items=[])
    asked = params.context is None or params.context.trigger_kind == lsp.CompletionTriggerKind.Invoked
    trigger = Trigger.INVOKED if asked else Trigger.AUTOMATIC
    request = _request(ls, document, params.position, trigger)
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


def _request(ls: Server, document: Document, position: lsp.Position, trigger: Trigger) -> CompletionRequest:
    path = _path(document)
    return CompletionRequest(
        path=path,
        language=document.language_id or language_of(path),
        text=document.source,
        offset=document.offset_at(position),
        trigger=trigger,
        root=_root(ls, path),
        others=tuple(_others(ls, document.uri)),
        candidates=CANDIDATES if trigger is Trigger.INVOKED else 1,
    )


def _others(ls: Server, uri: str) -> list[File]:
    """The other open documents, the one used last first."""
    uris = sorted((other for other in ls.used if other != uri), key=lambda other: -ls.used[other])
    documents = [document for other in uris[:OTHERS] if (document := ls.document(other))]
    return [File(_path(each), each.language_id or language_of(_path(each)), each.source) for each in documents]


def _path(document: Document) -> Path:
    """Where a document lies or, if it has not been saved yet, what it is called."""
    return Path(to_fs_path(document.uri) or document.path or "untitled")


def _root(ls: Server, path: Path) -> Path | None:
    folders = [Path(found) for folder in ls.workspace.folders.values() if (found := to_fs_path(folder.uri))]
    inside = [folder for folder in folders if path.is_relative_to(folder)]
    return _repository_root(path) or max(inside, key=lambda folder: len(folder.parts), default=None)


@lru_cache(maxsize=256)
def _repository_root(path: Path) -> Path | None:
    return repository_root(path)


def _folder(ls: Server) -> Path | None:
    found = [to_fs_path(folder.uri) for folder in ls.workspace.folders.values()]
    root = next((path for path in found if path), None) or ls.workspace.root_path
    return Path(root) if root else None


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
    snippet = str(_plain(params).get("snippet") or "")
    return await lsp_holes.resolve_errors(knowledge.analysis, ls.session.complete, place[0], snippet)


def _hole_place(ls: Server, params: Any) -> tuple[CompletionRequest, Document] | None:
    """The request at a place, and the document it is in; None if that cannot be read. Raises for a wrong place."""
    match _plain(params):
        case {"textDocument": {"uri": str(uri)}, "position": {"line": int(line), "character": int(character)}}:
            document = ls.document(uri)
            position = lsp.Position(max(line, 0), max(character, 0))
            if document is None:
                return None
            return _request(ls, document, position, Trigger.INVOKED), document
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
    _follow_indexing(ls)
    with lsp_ask.cancelled_with_its_request(ls.protocol):
        return await lsp_ask.ask(ls.session, ls.document, request, wish)


@server.command(lsp_search.SEARCH)
async def search(ls: Server, *arguments: Any) -> dict[str, Any]:
    match arguments:
        case [str(query)]:
            root = _current_root(ls)
            lsp_search.begin(ls.session, root)
            _follow_indexing(ls)
            with lsp_ask.cancelled_with_its_request(ls.protocol):
                return await lsp_search.search(ls.session, ls.document, root, query)
    raise JsonRpcInvalidParams("Give a query in words.")


@server.command(lsp_search.REBUILD)
async def rebuild_index(ls: Server) -> dict[str, str]:
    reason = await lsp_search.rebuilt(ls.session, _current_root(ls))
    if reason:
        ls.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, f"Ghostwright: {reason}"))
    _follow_indexing(ls)
    return {"reason": reason}


def _current_root(ls: Server) -> Path | None:
    """The repository of the document used last, or the folder that is open."""
    newest = max(ls.used, key=lambda uri: ls.used[uri], default="")
    document = ls.document(newest) if newest else None
    if document and (root := _root(ls, _path(document))):
        return root
    folder = _folder(ls)
    return folder and (_repository_root(folder / "any") or folder)


def _wish(ls: Server, arguments: Sequence[Any]) -> tuple[CompletionRequest, str]:
    """Where something is asked, an empty file if it is nowhere, and what. Raises for wrong arguments."""
    match list(arguments):
        case [str(wish)] | [str(wish), None]:
            request = scratch(_folder(ls) or Path.cwd())
            return replace(request, root=_root(ls, request.path), others=tuple(_others(ls, ""))), wish
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
    match _plain(params):
        case {"textDocument": {"uri": str(uri)}} if uri in ls.used:
            ls.used[uri] = time.monotonic()
            if document := ls.document(uri):
                ls.session.focus(_request(ls, document, lsp.Position(0, 0), Trigger.AUTOMATIC))


def _own_section(options: Any) -> Mapping[str, Any]:
    """Our settings among an editor's: without those for its own side, and those that it leaves open."""
    options = _plain(options)
    own = options.get("ghostwright", options) if isinstance(options, Mapping) else None
    if not isinstance(own, Mapping):
        return {}
    foreign = ("editorInfo", "editorPluginInfo", "command", "trace")
    return {key: value for key, value in own.items() if key not in foreign and value is not None}


def _plain(value: Any) -> Any:
    """pygls turns unknown objects into named tuples; here they are mappings again."""
    if hasattr(value, "_asdict"):
        return {key: _plain(each) for key, each in value._asdict().items()}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
