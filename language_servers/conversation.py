"""Questions to a server about texts, in rounds: a text changes only when nothing is being asked about it.

A server that is told of a change amid a question answers it about the new text at the old place, or starts it anew, as
does everything else that it is asked. So whatever needs no change is asked at once; the rest waits for what is under
way, and is then asked together, one text for each file.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, TypeAlias

import msgspec

from language_servers.analyzer import Document, NoAnswer
from language_servers.answers import View
from language_servers.catalog import Entry, Ready
from language_servers.limits import Limits
from language_servers.messages import PublishedDiagnostics
from language_servers.published import UNDATED, Published, settle
from language_servers.questions import DIAGNOSTICS, Question
from language_servers.rpc import Connection, ConnectionLost, Reply, RequestFailed
from language_servers.shadows import Shadow, Shadows, path_of

log = logging.getLogger(__name__)

Answer: TypeAlias = "Future[Any]"

_TRY_AGAIN = (-32800, -32801, -32802)
"""Cancelled, content modified, cancelled by the server: something has changed under the question."""

_TRIES = 3


class Unanswered(NoAnswer):
    """A server that might have answered did not: asking again may help."""


@dataclass(slots=True, eq=False)
class Asked:
    """A question under way. It is of use until the time `until`, by the monotonic clock."""

    question: Question
    until: float
    answer: Answer = field(default_factory=Future)
    shadow: Shadow | None = None
    number: int | None = None
    waited: bool = False
    sent: float = 0.0
    tries: int = 0


class Conversation:
    """Asks from any thread and never waits: an answer is a future that holds NoAnswer if need be.

    `missed` counts the deadlines that were missed since the last reply.
    """

    def __init__(
        self, entry: Entry, connection: Connection, shadows: Shadows, pulls: Callable[[], bool], limits: Limits
    ) -> None:
        self.missed = 0
        self._entry, self._connection, self._shadows, self._limits = entry, connection, shadows, limits
        self._pulls = pulls
        self._published = Published()
        self._queue: deque[Asked] = deque()
        self._flying: set[Asked] = set()
        self._lock = RLock()

    def ask(self, question: Question, until: float) -> Asked:
        """Has the server see the document and asks, now or as soon as that disturbs nothing."""
        asked = Asked(question, until)
        with self._lock:
            self._queue.append(asked)
        self._proceed()
        return asked

    def forget(self, paths: Iterable[Path]) -> None:
        """Has the server look at files on the disk again. What is under way may be about the one or the other."""
        with self._lock:
            self._close(list(paths))
            flying, self._flying = self._flying, set()
        for asked in flying:
            _fail(asked, Unanswered("files have changed"))
        self._proceed()

    def give_up_old(self) -> None:
        """Cancels what has been running for too long, and sooner what others wait for."""
        now = time.monotonic()
        with self._lock:
            longest = self._limits.blocking if self._queue else self._limits.running
            old = [asked for asked in self._flying if now - asked.sent > longest]
            self._flying.difference_update(old)
        for asked in old:
            _fail(asked, Unanswered(f"{self._entry.name} took more than {longest:g} s"))
            if asked.number is not None:
                self._connection.cancel(asked.number)
        self._proceed()

    def take(self, news: PublishedDiagnostics) -> None:
        """Diagnostics that the server publishes."""
        path = path_of(news.uri)
        with self._lock:
            due = self._published.take(path, news) if self._shadows.has(path) else []
        settle(due)

    def end(self, reason: str) -> None:
        """The connection is lost. What has been sent hears of it from there."""
        with self._lock:
            waiting, self._queue = self._queue, deque()
            due = self._published.lose(reason)
        for asked in waiting:
            _fail(asked, self._gone(reason))
        settle(due)

    # rounds

    def _proceed(self) -> None:
        """Asks what can be asked. Whoever waits hears of it when the lock is free again."""
        with self._lock:
            next_round, late = self._next_round()
            sent = self._send(next_round)
        for asked in late:
            _fail(asked, Unanswered("a newer text was asked about"))
        for asked, reply in sent:
            if isinstance(reply, NoAnswer):
                _fail(asked, reply)
            else:
                reply.add_done_callback(partial(self._answered, asked))

    def _next_round(self) -> tuple[list[Asked], list[Asked]]:
        """What can be asked now, and what nobody waits for any more. The rest stays in the queue, in its order."""
        now, texts = time.monotonic(), dict[Path, Document]()
        ready, late, rest = list[Asked](), list[Asked](), deque[Asked]()
        for asked in self._queue:
            document = asked.question.document
            disturbs = bool(self._flying) and (bool(rest) or not self._shadows.shows(document))
            if asked.waited and asked.until < now:
                late.append(asked)
            elif disturbs or texts.setdefault(document.path, document) != document:
                asked.waited = True
                rest.append(asked)
            else:
                ready.append(asked)
        self._queue = rest
        return ready, late

    def _send(self, asked_now: Sequence[Asked]) -> list[tuple[Asked, Reply | NoAnswer]]:
        """All changes go first, so that none disturbs a question."""
        for asked in asked_now:
            asked.shadow, superfluous = self._shadows.show(asked.question.document)
            self._close(superfluous)
        return [(asked, self._fly(asked)) for asked in asked_now]

    def _fly(self, asked: Asked) -> Reply | NoAnswer:
        try:
            reply = self._request(asked)
        except NoAnswer as error:
            return error
        except ConnectionLost as lost:
            return self._gone(str(lost))
        asked.sent = time.monotonic()
        self._flying.add(asked)
        return reply

    def _request(self, asked: Asked) -> Reply:
        question, shadow = asked.question, asked.shadow
        assert shadow
        if question.query is DIAGNOSTICS and not self._pulls():
            if not self._published.are_dated:
                raise NoAnswer(f"{self._entry.name}: {UNDATED}")
            return self._published.of(question.document.path, shadow.version)
        if self._entry.ready is Ready.DIAGNOSTICS and not self._published.has(question.document.path):
            raise Unanswered(f"{self._entry.name} is reading {question.document.path.name}")
        parameters: dict[str, object] = {"textDocument": {"uri": shadow.uri}, **question.query.extra}
        if question.offset is not None:
            parameters["position"] = self._shadows.position(shadow.lines, question.offset)
        asked.number, reply = self._connection.request(question.query.method, parameters)
        return reply

    def _answered(self, asked: Asked, reply: Reply) -> None:
        self.missed = 0
        asked.tries += 1
        error = reply.exception()
        with self._lock:
            if asked not in self._flying:
                return
            self._flying.discard(asked)
            again = isinstance(error, RequestFailed) and error.code in _TRY_AGAIN and asked.tries < _TRIES
            if again:
                self._queue.appendleft(asked)
        self._proceed()
        if isinstance(error, ConnectionLost):
            _fail(asked, self._gone(str(error)))
        elif error and not again:
            _fail(asked, Unanswered(f"{self._entry.name}: {str(error)[:80]}"))
        elif not error:
            self._read(asked, reply.result())

    def _read(self, asked: Asked, answer: msgspec.Raw) -> None:
        question, shadow = asked.question, asked.shadow
        assert shadow
        path, encoding = question.document.path, self._shadows.encoding
        view = View(self._entry, encoding, path, shadow.language, shadow.lines, question.offset or 0)
        try:
            value = question.query.read(answer, view)
        except NoAnswer as error:
            _fail(asked, error)
        except Exception as error:  # what a server says may be anything, and whoever asked must hear of it
            log.exception("An answer of %s could not be read.", self._entry.name)
            _fail(asked, NoAnswer(f"an answer of {self._entry.name} could not be read: {error!r}"))
        else:
            with suppress(InvalidStateError):  # it was given up
                asked.answer.set_result(value)

    def _close(self, paths: Sequence[Path]) -> None:
        self._shadows.close(paths)
        for path in paths:
            self._published.forget(path)

    def _gone(self, reason: str) -> Unanswered:
        return Unanswered(f"{self._entry.name} is not there: {reason}")


def _fail(asked: Asked, error: NoAnswer) -> None:
    with suppress(InvalidStateError):
        asked.answer.set_exception(error)
