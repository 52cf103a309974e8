"""One run of a language server: it starts, is asked, is watched, and ends once."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import msgspec

from language_servers.analyzer import NoAnswer
from language_servers.catalog import Entry, Ready, fill
from language_servers.conversation import Asked, Conversation
from language_servers.host import Host
from language_servers.limits import Limits
from language_servers.messages import Capabilities, Initialized, PublishedDiagnostics
from language_servers.process import Child
from language_servers.questions import DIAGNOSTICS, Query, Question, sample_question
from language_servers.rpc import Connection, ConnectionLost, Reply, RequestFailed
from language_servers.shadows import FULL, INCREMENTAL, Shadows

_ENDED = "it ended"


class SessionFailed(Exception):  # noqa: N818 - says what happened
    """The server did not start, for the reason given: “it ended with code 1”."""


class Session:
    """Starts a server's process. Raises OSError if it cannot be started."""

    def __init__(self, entry: Entry, command: Sequence[str], root: Path, limits: Limits) -> None:
        self.ended = Event()
        self._entry, self._root, self._limits = entry, root, limits
        self._host = Host(entry, root)
        self._capabilities = Capabilities()
        self._conversation: Conversation | None = None
        self._end = ""
        self._weighed = time.monotonic()
        self._child = Child(command, root, fill(entry.environment, root))
        pipes = self._child.output, self._child.input
        self._connection = Connection(*pipes, self._notified, self._host.answer, self._lost)
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

    def ask(self, question: Question, until: float) -> Asked:
        """Asks, once it has started. The answer is of use until then, by the monotonic clock."""
        assert self._conversation
        if not self._serves(question.query):
            asked = Asked(question, until)
            asked.answer.set_exception(NoAnswer(f"{self._entry.name} does not tell {question.query.name}"))
            return asked
        return self._conversation.ask(question, until)

    def miss(self) -> None:
        """Takes note of a deadline that was missed."""
        if self._conversation:
            self._conversation.missed += 1

    def forget(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk."""
        if self._conversation:
            self._conversation.forget(paths)
        changes = [{"uri": path.as_uri(), "type": kind} for path in paths for kind in _changes(path)]
        self._connection.notify("workspace/didChangeWatchedFiles", {"changes": changes})

    def tend(self) -> str:
        """Gives up what takes too long. Tells why the server is of no use any more; empty as long as it is."""
        if self._conversation is None:
            return ""
        if self._conversation.missed >= 3 and (reason := self._silence()):
            return reason
        self._conversation.give_up_old()
        now = time.monotonic()
        if now - self._weighed > self._limits.weighing:
            self._weighed = now
            if (memory := self._child.memory()) > self._limits.memory:
                return f"it took {memory >> 20} MB of memory, and {self._limits.memory >> 20} are allowed"
        return ""

    def _silence(self) -> str:
        """Whether it hangs: it writes nothing, or writes and never answers."""
        patience = self._entry.patience if self._limits.patience is None else self._limits.patience
        if self._connection.silence() > patience:
            return f"it was silent for {patience:g} s"
        if self._connection.waiting() > 6 * patience:
            return f"it left a question unanswered for {6 * patience:g} s"
        return ""

    def reason(self) -> str:
        """How it ended."""
        return (self._child.ended(1) or "it closed its output") if self._end == _ENDED else self._end

    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return self._child.last_words()

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
        try:
            self._capabilities = msgspec.json.decode(self._wait(reply), type=Initialized).capabilities
        except msgspec.MsgspecError as error:
            raise SessionFailed(f"its answer to initialize cannot be read: {error}") from None
        sync, encoding = _sync(self._capabilities.text_document_sync), self._capabilities.position_encoding
        shadows = Shadows(self._connection.notify, encoding, sync, self._limits.documents)
        self._conversation = Conversation(self._entry, self._connection, shadows, self._pulls, self._limits)
        self._connection.notify("initialized", {})
        self._connection.notify("workspace/didChangeConfiguration", {"settings": self._host.settings})

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
        if sample is None or self._conversation is None:
            return
        asked: Asked | None = None
        deadline = time.monotonic() + self._limits.starting
        while time.monotonic() < deadline and not self.ended.wait(0.02):
            asked = asked or self.ask(sample.question, math.inf)
            if asked.answer.done():
                if asked.answer.exception() is None and sample.member in asked.answer.result().names:
                    break
                asked = None
        if self.ended.is_set() or (asked and not asked.answer.done()):
            raise SessionFailed(self._failure())
        self._conversation.forget([sample.question.document.path])

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

    # what it can do, and what it tells

    def _serves(self, query: Query) -> bool:
        return query is DIAGNOSTICS or self._offers(query)

    def _pulls(self) -> bool:
        """Whether it answers for diagnostics rather than publishing them."""
        return self._offers(DIAGNOSTICS)

    def _offers(self, query: Query) -> bool:
        return bool(getattr(self._capabilities, query.provider)) or query.method in self._host.registered

    def _notified(self, method: str, parameters: msgspec.Raw) -> None:
        if method != "textDocument/publishDiagnostics":
            self._host.notice(method, parameters)
        elif self._conversation:
            self._conversation.take(msgspec.json.decode(parameters, type=PublishedDiagnostics))

    def _lost(self, reason: str) -> None:
        self._end = reason
        if self._conversation:
            self._conversation.end(reason)
        self.ended.set()


def _sync(offered: Any) -> int:
    """How it wants to hear of changes. It is told of them in any case: what it does not know it cannot answer for."""
    kind = offered.get("change") if isinstance(offered, dict) else offered
    return INCREMENTAL if kind == INCREMENTAL else FULL


def _changes(path: Path) -> tuple[int, ...]:
    """LSP's kinds of change. Whether a file that exists is new to the server is not known here: it is told of both."""
    created, changed, deleted = 1, 2, 3
    return (created, changed) if path.exists() else (deleted,)
