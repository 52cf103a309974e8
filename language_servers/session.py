"""One run of a language server: it starts, is asked about texts, and ends once."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any, TypeAlias

import msgspec

from language_servers import answers
from language_servers.analyzer import Document, NoAnswer
from language_servers.answers import View
from language_servers.catalog import SAMPLES, Entry, Ready, fill
from language_servers.messages import (
    Capabilities,
    ConfigurationRequest,
    Initialized,
    Progress,
    PublishedDiagnostics,
    Registrations,
    Status,
)
from language_servers.process import Child
from language_servers.rpc import Connection, ConnectionLost, Reply, RequestFailed
from language_servers.shadows import FULL, INCREMENTAL, Shadow, Shadows, path_of

log = logging.getLogger(__name__)

Answer: TypeAlias = "Future[Any]"

_TRY_AGAIN = (-32800, -32801, -32802)
"""Cancelled, content modified, cancelled by the server: the text has changed under the question."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server may take. Times are in seconds, `memory` in bytes.

    `starting` is for its first answer, `running` how long a question that is late is left running so that its answer
    may serve the next one. `first_pause` is doubled after each failure up to `longest_pause`; after `failures` in a
    row it is given up. After `idle` without a question it is ended.
    """

    starting: float = 30
    running: float = 5
    memory: int = 2 << 30
    patience: float | None = None
    documents: int = 32
    first_pause: float = 1
    longest_pause: float = 60
    failures: int = 5
    idle: float = 600


class SessionFailed(Exception):  # noqa: N818 - says what happened
    """The server did not start, or is of no use any more, for the reason given: “it ended with code 1”."""


class Unanswered(NoAnswer):
    """A server that might have answered did not: asking again may help."""


@dataclass(frozen=True, slots=True)
class Query:
    """A kind of question: its LSP method, the capability that it takes, and how its answer is read."""

    name: str
    method: str
    provider: str
    read: Callable[[msgspec.Raw, View], Any]
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)


_BY_HAND = {"context": {"triggerKind": 1}}
_RETRIGGERED = {"context": {"triggerKind": 1, "isRetrigger": False}}
MEMBERS = Query("members", "textDocument/completion", "completion_provider", answers.members, _BY_HAND)
NAMES = Query("names", "textDocument/completion", "completion_provider", answers.names, _BY_HAND)
CALL = Query("call", "textDocument/signatureHelp", "signature_help_provider", answers.call, _RETRIGGERED)
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


@dataclass(slots=True)
class _Published:
    """The last diagnostics of a document, and who waits for the next."""

    version: int = -1
    diagnostics: msgspec.Raw = field(default_factory=lambda: msgspec.Raw(b"[]"))
    waiting: dict[int, Reply] = field(default_factory=dict)


class Session:
    """Starts a server's process. Raises OSError if it cannot be started.

    Questions may be asked from any thread and never wait: what comes back is a future that raises NoAnswer.
    """

    def __init__(self, entry: Entry, command: Sequence[str], root: Path, limits: Limits) -> None:
        self.ended = Event()
        self.missed = 0
        self._entry, self._root, self._limits = entry, root, limits
        self._settings = fill(entry.settings, root)
        self._capabilities = Capabilities()
        self._registered: set[str] = set()
        self._published: dict[Path, _Published] = {}
        self._working: set[int | str] = set()
        self._worked = False
        self._running: dict[int, tuple[float, Answer]] = {}
        self._lock = Lock()
        self._end = ""
        self._shadows: Shadows | None = None
        self._weighed = time.monotonic()
        self._child = Child(command, root, fill(entry.environment, root))
        self._connection = Connection(self._child.output, self._child.input, self._notified, self._answer, self._lost)
        self._connection.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def start(self) -> None:
        """Waits until its answers may be believed. Raises SessionFailed if it does not get so far."""
        deadline = time.monotonic() + self._limits.starting
        self._initialize(deadline)
        if self._entry.ready is Ready.SAMPLE:
            self._warm_up(deadline)
        elif self._entry.ready is Ready.PROGRESS:
            self._settle(deadline)

    def ask(self, question: Question) -> Answer:
        """Has the server see the document, and asks."""
        answer: Answer = Future()
        self._ask(question, answer, first=True)
        return answer

    def forget(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk, and has the server look at them again."""
        changes = [{"uri": path.as_uri(), "type": kind} for path in paths for kind in _changes(path)]
        with self._lock:
            if self._shadows:
                self._shadows.close(paths)
        self._connection.notify("workspace/didChangeWatchedFiles", {"changes": changes})

    def fault(self) -> str:
        """Why it is of no use any more; empty as long as it is. To be asked again and again."""
        patience = self._entry.patience if self._limits.patience is None else self._limits.patience
        if self.missed >= 3 and self._connection.silence() > patience:
            return f"it did not answer for {patience:g} s"
        if time.monotonic() - self._weighed > 3:
            self._weighed = time.monotonic()
            if (memory := self._child.memory()) > self._limits.memory:
                return f"it takes {memory >> 20} MB of memory; {self._limits.memory >> 20} are allowed"
        return ""

    def reason(self) -> str:
        """How it ended."""
        return self._child.ended(0.5) if self._end == "it ended" else self._end

    def last_words(self) -> str:
        return self._child.last_words()

    def give_up_old(self) -> None:
        """Cancels what has been running for too long."""
        oldest = time.monotonic() - self._limits.running
        with self._lock:
            old = [number for number, (asked, _) in self._running.items() if asked < oldest]
            taken = [(number, self._running.pop(number)[1]) for number in old]
        for number, answer in taken:
            _fail(answer, Unanswered(f"{self._entry.name} took more than {self._limits.running:g} s"))
            self._connection.cancel(number)

    def close(self, kindly: bool = True) -> None:
        """Ends the server: kindly if it still listens, and then by force."""
        if kindly and not self.ended.is_set():
            try:
                self._connection.request("shutdown", None)[1].result(1)
                self._connection.notify("exit", None)
                self._child.ended(1)
            except (ConnectionLost, RequestFailed, TimeoutError):
                pass
        self._connection.close("it was closed")
        self._child.kill()

    # starting

    def _initialize(self, deadline: float) -> None:
        parameters = {
            "processId": os.getpid(),
            "clientInfo": {"name": "ghostwright"},
            "rootUri": self._root.as_uri(),
            "rootPath": str(self._root),
            "workspaceFolders": self._folders(),
            "capabilities": _CAPABILITIES,
            "initializationOptions": fill(self._entry.options, self._root),
        }
        answer = self._wait(self._connection.request("initialize", parameters)[1], deadline)
        try:
            self._capabilities = msgspec.json.decode(answer, type=Initialized).capabilities
        except msgspec.MsgspecError as error:
            raise SessionFailed(f"its answer to initialize cannot be read: {error}") from None
        sync = _sync(self._capabilities.text_document_sync)
        notify, encoding = self._connection.notify, self._capabilities.position_encoding
        self._shadows = Shadows(notify, encoding, sync, self._limits.documents)
        notify("initialized", {})
        notify("workspace/didChangeConfiguration", {"settings": self._settings})

    def _wait(self, reply: Reply, deadline: float) -> msgspec.Raw:
        try:
            return reply.result(max(deadline - time.monotonic(), 0))
        except TimeoutError:
            raise SessionFailed(f"it did not answer within {self._limits.starting:g} s") from None
        except RequestFailed as error:
            raise SessionFailed(f"it refused to start: {error}") from None
        except ConnectionLost:
            raise SessionFailed(self.reason()) from None

    def _warm_up(self, deadline: float) -> None:
        """Asks the sample question until the answer is right: until then a server may not have read what it needs."""
        question, member = sample_question(self._entry.languages[0], self._root)
        while question and time.monotonic() < deadline and not self.ended.is_set():
            try:
                answer = self.ask(question).result(max(deadline - time.monotonic(), 0))
            except (NoAnswer, TimeoutError):
                answer = ()
            if any(each.name == member for each in answer):
                break
            self.ended.wait(0.1)
        if self.ended.is_set():
            raise SessionFailed(self.reason())
        if question and self._shadows:
            with self._lock:
                self._shadows.close([question.document.path])

    def _settle(self, deadline: float) -> None:
        """Waits until all progress that was announced has ended. Who announces none within 2 s is taken as ready."""
        begin = time.monotonic()
        while time.monotonic() < deadline and not self.ended.wait(0.1):
            waited = time.monotonic() - begin
            if not self._working and (self._worked or waited > 2):
                return
        if self.ended.is_set():
            raise SessionFailed(self.reason())

    # asking

    def _ask(self, question: Question, answer: Answer, first: bool) -> None:
        try:
            self._send(question, answer, first)
        except NoAnswer as error:
            _fail(answer, error)
        except ConnectionLost as lost:
            _fail(answer, Unanswered(f"{self._entry.name} is not there: {lost}"))

    def _send(self, question: Question, answer: Answer, first: bool) -> None:
        pushed = question.query is DIAGNOSTICS and not self._pulls()
        if not pushed and not self._serves(question.query):
            raise NoAnswer(f"{self._entry.name} does not tell {question.query.name}")
        assert self._shadows is not None
        with self._lock:
            shadow = self._shadows.show(question.document)
            reply = self._next_diagnostics(shadow) if pushed else self._request(question, shadow, answer)
        reply.add_done_callback(partial(self._answered, question, shadow, answer, first))

    def _request(self, question: Question, shadow: Shadow, answer: Answer) -> Reply:
        assert self._shadows is not None
        parameters: dict[str, object] = {"textDocument": {"uri": shadow.uri}, **question.query.extra}
        if question.offset is not None:
            parameters["position"] = self._shadows.position(shadow.lines, question.offset)
        if self._entry.ready is Ready.DIAGNOSTICS and path_of(shadow.uri) not in self._published:
            raise Unanswered(f"{self._entry.name} is still reading {question.document.path.name}")
        number, reply = self._connection.request(question.query.method, parameters)
        self._running[number] = time.monotonic(), answer
        reply.add_done_callback(lambda _: self._running.pop(number, None))
        return reply

    def _answered(self, question: Question, shadow: Shadow, answer: Answer, first: bool, reply: Reply) -> None:
        self.missed = 0
        view = View(
            self._entry,
            self._capabilities.position_encoding,
            question.document.path,
            shadow.language,
            shadow.lines,
            question.offset or 0,
        )
        try:
            _succeed(answer, question.query.read(reply.result(), view))
        except NoAnswer as error:
            _fail(answer, error)
        except ConnectionLost as lost:
            _fail(answer, Unanswered(f"{self._entry.name} is not there: {lost}"))
        except RequestFailed as error:
            if error.code in _TRY_AGAIN and first and not answer.done():
                self._ask(question, answer, first=False)
            else:
                _fail(answer, Unanswered(f"{self._entry.name} refused: {str(error)[:80]}"))
        except Exception as error:  # what a server says may be anything, and whoever asked must hear of it
            log.exception("An answer of %s to %s could not be read.", self._entry.name, question.query.name)
            _fail(answer, NoAnswer(f"an answer of {self._entry.name} could not be read: {error!r}"))

    def _serves(self, query: Query) -> bool:
        return bool(getattr(self._capabilities, query.provider)) or query.method in self._registered

    def _pulls(self) -> bool:
        return self._serves(DIAGNOSTICS)

    def _next_diagnostics(self, shadow: Shadow) -> Reply:
        """The diagnostics of a version, which a server publishes by itself: at once if it has done so."""
        published = self._published.setdefault(path_of(shadow.uri), _Published())
        if published.version == shadow.version:
            reply: Reply = Future()
            reply.set_result(published.diagnostics)
            return reply
        return published.waiting.setdefault(shadow.version, Future())

    # being told

    def _notified(self, method: str, parameters: msgspec.Raw) -> None:
        if method == "textDocument/publishDiagnostics":
            self._take(msgspec.json.decode(parameters, type=PublishedDiagnostics))
        elif method == "$/progress":
            self._note(msgspec.json.decode(parameters, type=Progress))
        elif method in ("experimental/serverStatus", "language/status"):
            status = msgspec.json.decode(parameters, type=Status)
            if status.quiescent or status.type in ("Started", "ServiceReady"):
                self._worked = True
                self._working.clear()

    def _take(self, news: PublishedDiagnostics) -> None:
        """Diagnostics of a text that is shown. Those of an older one are of no use to anybody."""
        path = path_of(news.uri)
        with self._lock:
            shadow = self._shadows.at(path) if self._shadows else None
            if shadow is None:
                return
            published = self._published.setdefault(path, _Published())
            version = shadow.version if news.version is None else news.version
            published.version, published.diagnostics = version, news.diagnostics
            waiting = {each: published.waiting.pop(each) for each in list(published.waiting) if each <= version}
        for each, reply in waiting.items():
            if each == version:
                reply.set_result(news.diagnostics)
            else:
                reply.set_exception(RequestFailed(0, "a newer text was asked about"))

    def _note(self, progress: Progress) -> None:
        kind = progress.value.get("kind") if isinstance(progress.value, dict) else None
        if kind == "begin":
            self._working.add(progress.token)
        elif kind == "end":
            self._working.discard(progress.token)
            self._worked = True

    def _answer(self, method: str, parameters: msgspec.Raw) -> object:
        """What it asks of us. An error would end some servers, so what nobody knows is answered with null."""
        if method == "workspace/configuration":
            wanted = msgspec.json.decode(parameters, type=ConfigurationRequest)
            return [_section(self._settings, item.section or "") for item in wanted.items]
        if method == "client/registerCapability":
            registrations = msgspec.json.decode(parameters, type=Registrations).registrations
            self._registered |= {each.method for each in registrations}
        if method == "workspace/workspaceFolders":
            return self._folders()
        return {"applied": False} if method == "workspace/applyEdit" else None

    def _lost(self, reason: str) -> None:
        self._end = reason
        with self._lock:
            waiting = [reply for each in self._published.values() for reply in each.waiting.values()]
            self._published.clear()
        for reply in waiting:
            reply.set_exception(ConnectionLost(reason))
        self.ended.set()

    def _folders(self) -> list[dict[str, str]]:
        return [{"uri": self._root.as_uri(), "name": self._root.name}]


def sample_question(language: str, root: Path) -> tuple[Question | None, str]:
    """A question about a small file that is not on the disk, and a member that its answer must have."""
    sample = SAMPLES.get(language)
    if sample is None:
        return None, ""
    document = Document(root / sample.name, language, sample.text.replace("‸", ""))
    return Question(MEMBERS, document, sample.text.index("‸")), sample.member


def _succeed(answer: Answer, value: object) -> None:
    """Keeps the first answer: one that was given up may still come."""
    with suppress(InvalidStateError):
        answer.set_result(value)


def _fail(answer: Answer, error: NoAnswer) -> None:
    with suppress(InvalidStateError):
        answer.set_exception(error)


def _sync(offered: Any) -> int:
    """How it wants to hear of changes. It is told of them in any case: what it does not know it cannot answer for."""
    kind = offered.get("change") if isinstance(offered, dict) else offered
    return INCREMENTAL if kind == INCREMENTAL else FULL


def _section(settings: Any, name: str) -> Any:
    """The settings of a section: `python.analysis` lies in `python`. None where nothing is set."""
    for part in filter(None, name.split(".")):
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings


def _changes(path: Path) -> tuple[int, ...]:
    """LSP's kinds of change. Whether a file that exists is new to the server is not known here: it is told of both."""
    created, changed, deleted = 1, 2, 3
    return (created, changed) if path.exists() else (deleted,)


_CAPABILITIES = {
    "general": {"positionEncodings": ["utf-32", "utf-8", "utf-16"]},
    "window": {"workDoneProgress": True},
    "experimental": {"serverStatusNotification": True},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "didChangeConfiguration": {"dynamicRegistration": True},
    },
    "textDocument": {
        "synchronization": {},
        "completion": {
            "completionItem": {"snippetSupport": False, "documentationFormat": ["plaintext"]},
            "contextSupport": True,
        },
        "signatureHelp": {
            "signatureInformation": {
                "activeParameterSupport": True,
                "documentationFormat": ["plaintext"],
                "noActiveParameterSupport": True,
                "parameterInformation": {"labelOffsetSupport": True},
            },
            "contextSupport": True,
        },
        "hover": {"contentFormat": ["plaintext"]},
        "typeDefinition": {"linkSupport": True},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "diagnostic": {"dynamicRegistration": True},
        "publishDiagnostics": {"versionSupport": True},
    },
}
"""What we can do, said to every server. Dynamic registration makes some answer for diagnostics instead of pushing."""
