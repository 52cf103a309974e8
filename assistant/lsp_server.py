"""The server behind the editor's face: its session, its documents, and what requests are made of them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument

from assistant import lsp_holes, lsp_search
from assistant.documents import Document, Protocol
from assistant.errors import RequestError
from assistant.files import read_text
from assistant.holes import Holes
from assistant.languages import language_of, patterns
from assistant.lsp_explain import Explanations
from assistant.session import Session
from assistant.status import Status
from assistant.types import CompletionRequest, File, Trigger
from retrieval.extraction import LANGUAGES
from retrieval.repository import repository_root

log = logging.getLogger(__name__)

OTHERS = 8
"""Open files that may enter a prompt."""

CANDIDATES = 3
"""Offered on request; while typing one is enough."""


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
        if opened := self._opened(uri):
            return copy(opened)
        try:
            text = read_text(Path(to_fs_path(uri) or uri))
        except RequestError as error:
            log.warning("%s It is not open in the editor either.", error)
            return None
        return Document(uri, text, encoding=self.workspace.position_encoding)

    def _opened(self, uri: str) -> Document | None:
        """The document that the client has open: not all of its URIs need escape the same characters.

        pygls keeps documents by URIs without escapes, which do not tell a path with `#`, `?` or `%`.
        """
        every, path = self.workspace.text_documents, to_fs_path(uri)
        found = every.get(unquote(uri)) or next((each for each in every.values() if _is_at(each, path)), None)
        assert found is None or isinstance(found, Document)
        return found

    def _tell(self, status: Status) -> None:
        self.protocol.notify("didChangeStatus", status.as_json())

    def _complain(self, message: str) -> None:
        self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, f"Ghostwright: {message}"))


def _is_at(document: TextDocument, path: str | None) -> bool:
    return path is not None and to_fs_path(document.uri) == path


server = Server()


def registrations(capabilities: lsp.ClientCapabilities) -> list[lsp.Registration]:
    """What a client is to tell of, as far as it wants to be asked: changed settings, and files that a survey reads."""
    workspace = capabilities.workspace or lsp.WorkspaceClientCapabilities()
    files = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher(code_glob())])
    offers = (
        (workspace.did_change_configuration, lsp.WORKSPACE_DID_CHANGE_CONFIGURATION, {"section": "ghostwright"}),
        (workspace.did_change_watched_files, lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, files),
    )
    return [
        lsp.Registration(str(uuid.uuid4()), method, options)
        for offer, method, options in offers
        if offer and offer.dynamic_registration
    ]


def code_glob() -> str:
    """The files whose language a survey knows: `**/{*.py,*.pyi,…,Rakefile,Gemfile}`."""
    return f"**/{{{','.join(patterns(LANGUAGES))}}}"


def request_at(ls: Server, document: Document, position: lsp.Position, trigger: Trigger) -> CompletionRequest:
    """What is asked at a position of a document, as the editor shows it and the others now."""
    path = path_of(document)
    return CompletionRequest(
        path=path,
        language=document.language_id or language_of(path),
        text=document.source,
        offset=document.offset_at(position),
        trigger=trigger,
        root=root_of(ls, path),
        others=tuple(others_of(ls, document.uri)),
        candidates=CANDIDATES if trigger is Trigger.INVOKED else 1,
    )


def others_of(ls: Server, uri: str) -> list[File]:
    """The other open documents, the one used last first."""
    uris = sorted((other for other in ls.used if other != uri), key=lambda other: -ls.used[other])
    documents = [document for other in uris[:OTHERS] if (document := ls.document(other))]
    return [File(path_of(each), each.language_id or language_of(path_of(each)), each.source) for each in documents]


def shown_files(ls: Server) -> dict[Path, str]:
    """The texts of all open documents."""
    return {path_of(each): each.source for each in ls.workspace.text_documents.values() if isinstance(each, Document)}


def path_of(document: Document) -> Path:
    """Where a document lies or, if it has not been saved yet, what it is called."""
    return Path(to_fs_path(document.uri) or document.path or "untitled")


def root_of(ls: Server, path: Path) -> Path | None:
    """The repository of a file; the innermost folder that is open around one in none."""
    folders = [Path(found) for folder in ls.workspace.folders.values() if (found := to_fs_path(folder.uri))]
    inside = [folder for folder in folders if path.is_relative_to(folder)]
    return _repository_root(path) or max(inside, key=lambda folder: len(folder.parts), default=None)


@lru_cache(maxsize=256)
def _repository_root(path: Path) -> Path | None:
    return repository_root(path)


def folder_of(ls: Server) -> Path | None:
    """The first of the folders that are open."""
    found = [to_fs_path(folder.uri) for folder in ls.workspace.folders.values()]
    root = next((path for path in found if path), None) or ls.workspace.root_path
    return Path(root) if root else None


def current_root(ls: Server) -> Path | None:
    """The repository of the document used last, or the folder that is open."""
    newest = max(ls.used, key=lambda uri: ls.used[uri], default="")
    document = ls.document(newest) if newest else None
    if document and (path := path_of(document)).is_absolute() and (root := root_of(ls, path)):
        return root
    folder = folder_of(ls)
    return folder and (_repository_root(folder / "any") or folder)


def follow_indexing(ls: Server) -> None:
    """Tells the editor how far it has come, if something is being indexed."""
    if ls.session.indexing and (ls.following is None or ls.following.done()):
        window = ls.client_capabilities.window
        reports = ls.work_done_progress if window and window.work_done_progress else None
        ls.following = asyncio.create_task(lsp_search.follow(ls.session, reports))


def plain(value: Any) -> Any:
    """pygls turns unknown objects into named tuples; here they are mappings again."""
    if hasattr(value, "_asdict"):
        return {key: plain(each) for key, each in value._asdict().items()}
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value
