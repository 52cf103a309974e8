"""One run of a language server: it starts, is asked about texts, and ends once."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, RLock
from typing import Any, TypeAlias

import msgspec

from language_servers.analyzer import NoAnswer
from language_servers.answers import View
from language_servers.catalog import Entry, Ready, fill
from language_servers.host import Host
from language_servers.messages import Capabilities, Initialized, PublishedDiagnostics
from language_servers.process import Child
from language_servers.published import UNDATED, Published, settle
from language_servers.questions import DIAGNOSTICS, Query, Question, sample_question
from language_servers.rpc import Connection, ConnectionLost, Reply, RequestFailed
from language_servers.shadows import FULL, INCREMENTAL, Shadow, Shadows, path_of

log = logging.getLogger(__name__)

Answer: TypeAlias = "Future[Any]"

_TRY_AGAIN = (-32800, -32801, -32802)
"""Cancelled, content modified, cancelled by the server: the text has changed under the question."""

_ENDED = "it ended"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server may take. Times are in seconds, `memory` in bytes.

    `starting` is for its first answers, `settling` for what it does at start. `running` is how long a question that is
    late is left running, so that its answer may serve the next one. `patience`, how long it may be silent, is the
    entry's unless given. The pause before a restart is doubled after each failure; after `failures` in a row it is
    given up. After `idle` without a question it is ended.
    """

    starting: float = 30
    settling: float = 300
    running: float = 5
    patience: float | None = None
    memory: int = 2 << 30
    weighing: float = 3
    documents: int = 32
    first_pause: float = 1
    longest_pause: float = 60
    failures: int = 5
    idle: float = 600


class SessionFailed(Exception):  # noqa: N818 - says what happened
    """The server did not start, for the reason given: “it ended with code 1”."""


class Unanswered(NoAnswer):
    """A server that might have answered did not: asking again may help."""


class Session:
    """Starts a server's process. Raises OSError if it cannot be started.

    Questions may be asked from any thread and never wait: what comes back is a future that holds NoAnswer if need be.
    `missed` counts the deadlines that were missed since the last answer.
    """

    def __init__(self, entry: Entry, command: Sequence[str], root: Path, limits: Limits) -> None:
        self.ended = Event()
        self.missed = 0
        self._entry, self._root, self._limits = entry, root, limits
        self._host = Host(entry, root)
        self._capabilities = Capabilities()
        self._lock = RLock()
        self._end = ""
        self._published = Published()
        self._running: dict[int, tuple[float, Answer]] = {}
        self._weighed = time.monotonic()
        self._child = Child(command, root, fill(entry.environment, root))
        pipes = self._child.output, self._child.input
        self._connection = Connection(*pipes, self._notified, self._host.answer, self._lost)
        self._shadows = Shadows(self._connection.notify, "utf-16", FULL, limits.documents)
        self._connection.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def start(self) -> None:
        """Waits until its answers may be believed. Raises SessionFailed if it does not get so far."""
        try:
            self._initialize()
        except ConnectionLost:
            raise SessionFailed(self._failure()) from None
        if self._entry.ready is Ready.SAMPLE:
            self._warm_up()
        elif self._entry.ready is Ready.PROGRESS:
            self._settle()

    def ask(self, question: Question) -> Answer:
        """Has the server see the document, and asks."""
        answer: Answer = Future()
        self._ask(question, answer, first=True)
        return answer

    def forget(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk, and has the server look at them again."""
        with self._lock:
            self._close_shadows(paths)
        changes = [{"uri": path.as_uri(), "type": kind} for path in paths for kind in _changes(path)]
        self._connection.notify("workspace/didChangeWatchedFiles", {"changes": changes})

    def fault(self) -> str:
        """Why it is of no use any more; empty as long as it is. To be asked again and again."""
        patience = self._entry.patience if self._limits.patience is None else self._limits.patience
        if self.missed >= 3 and self._connection.silence() > patience:
            return f"it was silent for {patience:g} s"
        now = time.monotonic()
        if now - self._weighed > self._limits.weighing:
            self._weighed = now
            if (memory := self._child.memory()) > self._limits.memory:
                return f"it took {memory >> 20} MB of memory, and {self._limits.memory >> 20} are allowed"
        return ""

    def reason(self) -> str:
        """How it ended."""
        return (self._child.ended(1) or "it closed its output") if self._end == _ENDED else self._end

    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return self._child.last_words()

    def give_up_old(self) -> None:
        """Cancels what has been running for too long."""
        oldest = time.monotonic() - self._limits.running
        with self._lock:
            old = [(number, answer) for number, (asked, answer) in self._running.items() if asked < oldest]
            for number, _ in old:
                del self._running[number]
        for number, answer in old:
            _fail(answer, Unanswered(f"{self._entry.name} took more than {self._limits.running:g} s"))
            self._connection.cancel(number)

    def interrupt(self) -> None:
        """Ends all waiting for it, from any thread. Whoever has started it closes it."""
        self.ended.set()

    def close(self, kindly: bool) -> None:
        """Ends the server: kindly if it still listens, and then by force."""
        if kindly and not self._end:
            with suppress(ConnectionLost, RequestFailed, TimeoutError):
                self._connection.request("shutdown", None)[1].result(1)
                self._connection.notify("exit", None)
                self._child.ended(1)
        self._connection.close("it was closed")
        self._child.kill()

    # starting

    def _initialize(self) -> None:
        _, reply = self._connection.request("initialize", self._host.greeting())
        answer = self._wait(reply)
        try:
            self._capabilities = msgspec.json.decode(answer, type=Initialized).capabilities
        except msgspec.MsgspecError as error:
            raise SessionFailed(f"its answer to initialize cannot be read: {error}") from None
        sync = _sync(self._capabilities.text_document_sync)
        notify, encoding = self._connection.notify, self._capabilities.position_encoding
        self._shadows = Shadows(notify, encoding, sync, self._limits.documents)
        notify("initialized", {})
        notify("workspace/didChangeConfiguration", {"settings": self._host.settings})

    def _wait(self, reply: Reply) -> msgspec.Raw:
        """A reply at start, which `interrupt` must be able to break off."""
        deadline = time.monotonic() + self._limits.starting
        while time.monotonic() < deadline and not self.ended.is_set():
            try:
                return reply.result(0.1)
            except TimeoutError:
                continue
            except RequestFailed as error:
                raise SessionFailed(f"it refused to start: {error}") from None
        raise SessionFailed(self._failure())

    def _warm_up(self) -> None:
        """Asks the sample question until the answer is right: until then a server may not have read what it needs."""
        sample = sample_question(self._entry.languages[0], self._root)
        if sample is None:
            return
        answer: Answer | None = None
        deadline = time.monotonic() + self._limits.starting
        while time.monotonic() < deadline and not self.ended.wait(0.02):
            answer = answer or self.ask(sample.question)
            if answer.done():
                if answer.exception() is None and sample.member in answer.result().names:
                    break
                answer = None
        if self.ended.is_set() or (answer and not answer.done()):
            raise SessionFailed(self._failure())
        with self._lock:
            self._close_shadows([sample.question.document.path])

    def _settle(self) -> None:
        """Waits until all that was announced has ended. Who announces nothing within 2 s is taken to be ready."""
        begin = time.monotonic()
        while not self.ended.wait(0.1):
            waited = time.monotonic() - begin
            settled = self._host.is_quiet and (self._host.has_worked or waited > 2)
            if settled or waited > self._limits.settling:
                return
        raise SessionFailed(self._failure())

    def _failure(self) -> str:
        """Why it did not start."""
        return self.reason() or f"it did not answer within {self._limits.starting:g} s"

    # asking

    def _ask(self, question: Question, answer: Answer, first: bool) -> None:
        try:
            shadow, reply = self._send(question, answer)
        except NoAnswer as error:
            _fail(answer, error)
        except ConnectionLost as lost:
            _fail(answer, Unanswered(f"{self._entry.name} is not there: {lost}"))
        else:
            reply.add_done_callback(partial(self._answered, question, shadow, answer, first))

    def _send(self, question: Question, answer: Answer) -> tuple[Shadow, Reply]:
        pushed = question.query is DIAGNOSTICS and not self._serves(DIAGNOSTICS)
        if not pushed and not self._serves(question.query):
            raise NoAnswer(f"{self._entry.name} does not tell {question.query.name}")
        if pushed and not self._published.are_dated:
            raise NoAnswer(f"{self._entry.name}: {UNDATED}")
        path = question.document.path
        with self._lock:
            shadow, closed = self._shadows.show(question.document)
            self._close_shadows(closed)
            if pushed:
                return shadow, self._published.of(path, shadow.version)
            if self._entry.ready is Ready.DIAGNOSTICS and not self._published.has(path):
                raise Unanswered(f"{self._entry.name} is reading {path.name}")
            return shadow, self._request(question, shadow, answer)

    def _request(self, question: Question, shadow: Shadow, answer: Answer) -> Reply:
        parameters: dict[str, object] = {"textDocument": {"uri": shadow.uri}, **question.query.extra}
        if question.offset is not None:
            parameters["position"] = self._shadows.position(shadow.lines, question.offset)
        number, reply = self._connection.request(question.query.method, parameters)
        self._running[number] = time.monotonic(), answer
        reply.add_done_callback(lambda _: self._has_run(number))
        return reply

    def _has_run(self, number: int) -> None:
        with self._lock:
            self._running.pop(number, None)

    def _answered(self, question: Question, shadow: Shadow, answer: Answer, first: bool, reply: Reply) -> None:
        self.missed = 0
        encoding, path = self._capabilities.position_encoding, question.document.path
        view = View(self._entry, encoding, path, shadow.language, shadow.lines, question.offset or 0)
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
                _fail(answer, Unanswered(f"{self._entry.name}: {str(error)[:80]}"))
        except Exception as error:  # what a server says may be anything, and whoever asked must hear of it
            log.exception("An answer of %s could not be read.", self._entry.name)
            _fail(answer, NoAnswer(f"an answer of {self._entry.name} could not be read: {error!r}"))

    def _serves(self, query: Query) -> bool:
        return bool(getattr(self._capabilities, query.provider)) or query.method in self._host.registered

    def _close_shadows(self, paths: Sequence[Path]) -> None:
        self._shadows.close(paths)
        for path in paths:
            self._published.forget(path)

    # being told

    def _notified(self, method: str, parameters: msgspec.Raw) -> None:
        if method != "textDocument/publishDiagnostics":
            self._host.notice(method, parameters)
            return
        news = msgspec.json.decode(parameters, type=PublishedDiagnostics)
        path = path_of(news.uri)
        with self._lock:
            due = self._published.take(path, news) if self._shadows.has(path) else []
        settle(due)

    def _lost(self, reason: str) -> None:
        self._end = reason
        with self._lock:
            waiting = self._published.lose(reason)
        settle(waiting)
        self.ended.set()


def _succeed(answer: Answer, value: object) -> None:
    """Keeps the first outcome: an answer that was given up may still come."""
    with suppress(InvalidStateError):
        answer.set_result(value)


def _fail(answer: Answer, error: NoAnswer) -> None:
    with suppress(InvalidStateError):
        answer.set_exception(error)


def _sync(offered: Any) -> int:
    """How it wants to hear of changes. It is told of them in any case: what it does not know it cannot answer for."""
    kind = offered.get("change") if isinstance(offered, dict) else offered
    return INCREMENTAL if kind == INCREMENTAL else FULL


def _changes(path: Path) -> tuple[int, ...]:
    """LSP's kinds of change. Whether a file that exists is new to the server is not known here: it is told of both."""
    created, changed, deleted = 1, 2, 3
    return (created, changed) if path.exists() else (deleted,)
