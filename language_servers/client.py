"""A language server as an analyzer: started when it is first asked, restarted when it fails, asked with deadlines."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from threading import Condition, Event, RLock, Thread
from typing import Any, NoReturn

from language_servers import python
from language_servers.analyzer import (
    DEADLINE,
    Call,
    Diagnostic,
    Document,
    Hole,
    Location,
    Members,
    NoAnswer,
    ParameterKind,
    Symbol,
    TooEarly,
)
from language_servers.catalog import Entry
from language_servers.compiled import with_compiled, without_compiled
from language_servers.conversation import Answer
from language_servers.kept import Kept
from language_servers.limits import Limits
from language_servers.questions import CALL, DEFINITION, DIAGNOSTICS, MEMBERS, NAMES, SYMBOLS, TYPE, Question
from language_servers.session import Session, SessionFailed
from language_servers.shadows import sendable

log = logging.getLogger(__name__)

KEPT = 256
"""Answers that are kept."""

TICK = 0.25
"""Seconds between two looks at a server."""


class LanguageServer:
    """An Analyzer. `program` is the path of the entry's program, `root` the workspace's folder.

    `silences` counts why there was no answer, `seconds` holds how long the last answers of each kind took.
    """

    def __init__(
        self, entry: Entry, program: Path, root: Path, limits: Limits | None = None, log: logging.Logger = log
    ) -> None:
        self.name = entry.name
        self._log = log
        self.entry, self.program, self.root = entry, program, root
        self.limits = limits or Limits()
        self.silences: Counter[str] = Counter()
        self.seconds: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=200))
        self.asked = 0.0
        self._kept = Kept(KEPT)
        self._lock = RLock()
        self._changed = Condition(self._lock)
        self._started: Session | None = None
        self._session: Session | None = None
        self._thread: Thread | None = None
        self._stop = Event()
        self._closed = False
        self._given_up = ""
        self._absence = ""
        self._proven = False

    # questions

    def members(self, document: Document, offset: int, deadline: float = DEADLINE) -> Members:
        found: Members = self._answer(Question(MEMBERS, document, offset), deadline)
        return with_compiled(found, document, offset, self.root) if document.language == "python" else found

    def names(self, document: Document, offset: int, deadline: float = DEADLINE) -> Members:
        if self.entry.brackets:
            text, offset = python.bracketed(document.text, offset)
            document = replace(document, text=text)
        found: Members = self._answer(Question(NAMES, document, offset), deadline)
        return with_compiled(found, document, offset, self.root) if document.language == "python" else found

    def call(self, document: Document, offset: int, deadline: float = DEADLINE) -> Call:
        found: Call = self._answer(Question(CALL, document, offset), deadline)
        return found

    def hole(self, document: Document, offset: int, deadline: float = DEADLINE) -> Hole:
        """In Python by the complaint about `...` there; elsewhere the type of the parameter in a call."""
        if document.language == "python":
            filled = replace(document, text=python.with_sentinel(document.text, offset))
            expected = python.expected(self.diagnostics(filled, deadline), filled.text, offset)
        else:
            expected = _expected_argument(self.call(document, offset, deadline))
        if not expected:
            self._silent(NoAnswer("nothing is known of what is expected"))
        return Hole(expected)

    def type_at(self, document: Document, offset: int, deadline: float = DEADLINE) -> str:
        found: str = self._answer(Question(TYPE, document, offset), deadline)
        return found

    def type_definition(self, document: Document, offset: int, deadline: float = DEADLINE) -> Location:
        found: Location = self._answer(Question(DEFINITION, document, offset), deadline)
        return found

    def symbols(self, document: Document, deadline: float = DEADLINE) -> tuple[Symbol, ...]:
        found: tuple[Symbol, ...] = self._answer(Question(SYMBOLS, document), deadline)
        return found

    def diagnostics(self, document: Document, deadline: float = DEADLINE) -> tuple[Diagnostic, ...]:
        found: tuple[Diagnostic, ...] = self._answer(Question(DIAGNOSTICS, document), deadline)
        return without_compiled(found, self.root) if document.language == "python" else found

    # the process

    @property
    def pid(self) -> int | None:
        """The process that answers, if there is one."""
        session = self._session
        return session.pid if session else None

    @property
    def is_running(self) -> bool:
        """Whether a process runs or is being started."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def wait_until_ready(self, seconds: float) -> bool:
        """Starts the server, and waits so long for it to be ready."""
        with self._changed:
            self._ensure_started()
            self._changed.wait_for(lambda: self._session or self._given_up or self._closed, seconds)
            return self._session is not None

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Says that files have changed on the disk: what is known of them is forgotten."""
        self._kept.clear()
        if session := self._session:
            session.forget([self.root / path for path in paths])

    def restart(self) -> None:
        """Starts the server anew at the next question, even if it had been given up."""
        self.rest()
        self._given_up = ""

    def rest(self) -> None:
        """Ends the process. The next question starts it again."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
            if self._started:
                self._started.interrupt()
        if thread:
            thread.join()

    def close(self) -> None:
        """Ends the process for good."""
        self._closed = True
        self.rest()

    # asking

    def _answer(self, question: Question, deadline: float) -> Any:
        begin = time.monotonic()
        try:
            answer = self._asked(question, begin + max(deadline, DEADLINE))
            error = answer.exception(max(begin + deadline - time.monotonic(), 0))
        except TimeoutError:
            error = self._missed(deadline)
        except NoAnswer as absence:
            self._silent(absence)
        self.seconds[question.query.name].append(time.monotonic() - begin)
        if error:
            self._silent(error)
        self._proven = True
        return answer.result()

    def _missed(self, deadline: float) -> NoAnswer:
        if session := self._session:
            session.miss()
        return TooEarly(f"{self.name} took more than {deadline * 1000:.0f} ms")

    def _silent(self, absence: BaseException) -> NoReturn:
        self.silences[str(absence)] += 1
        kind = TooEarly if isinstance(absence, TooEarly) else NoAnswer
        raise kind(str(absence)) from None

    def _asked(self, question: Question, until: float) -> Answer:
        """The answer to a question, which is asked unless an equal one has been."""
        document, path = question.document, self.root / question.document.path
        if len(document.text) > self.limits.text:
            raise NoAnswer(f"{path.name} is too long")
        question = replace(question, document=replace(document, path=path, text=sendable(document.text)))
        key = question.key()
        self.asked = time.monotonic()
        with self._lock:
            if answer := self._kept.find(key, until):
                return answer
            self._ensure_started()
            if self._session is None:
                lasts = self._closed or self._given_up
                raise (NoAnswer if lasts else TooEarly)(self._absence)
            return self._kept.keep(key, self._session.ask(question, until))

    # the thread that starts it and looks after it

    def _ensure_started(self) -> None:
        if self._closed:
            self._absence = f"{self.name} was closed"
        elif self._given_up:
            self._absence = self._given_up
        elif not self.is_running:
            self._absence = f"{self.name} is starting"
            self._stop = Event()
            self._thread = Thread(target=self._look_after, args=(self._stop,), name=f"language server {self.name}")
            self._thread.daemon = True
            self.asked = time.monotonic()
            self._thread.start()

    def _look_after(self, stop: Event) -> None:
        """Runs the server until it rests, is closed, or has failed too often."""
        failures = 0
        while not stop.is_set():
            self._proven = False
            reason, words = self._run(stop)
            if not reason or stop.is_set():
                return
            failures = 1 if self._proven else failures + 1
            if failures >= self.limits.failures:
                self._give_up(f"{self.name} was given up: {reason}", words)
                return
            pause = min(self.limits.first_pause * 2 ** (failures - 1), self.limits.longest_pause)
            self._absence = f"{self.name} is starting again: {reason}"
            self._log.warning("%s failed: %s. It starts again in %g s.%s", self.name, reason, pause, words)
            stop.wait(pause)

    def _run(self, stop: Event) -> tuple[str, str]:
        """One run: why it failed, empty if it was ended on purpose, and its last words for the log."""
        try:
            session = Session(self.entry, (str(self.program), *self.entry.command[1:]), self.root, self.limits)
        except OSError as error:
            return f"{self.program} cannot be started ({error.strerror})", ""
        reason = self._accompany(session, stop)
        self._leave(session)
        session.close(kindly=not reason)
        words = session.last_words()
        return reason, f" It wrote: {words}" if words else ""

    def _accompany(self, session: Session, stop: Event) -> str:
        """Starts a session, has it asked, and looks after it until it ends."""
        with self._lock:
            self._started = session
        if stop.is_set():
            return ""
        try:
            session.start()
        except SessionFailed as error:
            return "" if stop.is_set() else str(error)
        self._use(session)
        while not session.ended.wait(TICK):
            if reason := session.tend():
                return reason
            if time.monotonic() - self.asked > self.limits.idle:
                return ""
        return "" if stop.is_set() else session.reason()

    def _use(self, session: Session) -> None:
        with self._changed:
            self._session = session
            self._kept.clear()
            self._changed.notify_all()

    def _leave(self, session: Session) -> None:
        """What a session has answered may be wrong for the next one."""
        with self._lock:
            if self._session is session:
                self._session = None
                self._kept.clear()

    def _give_up(self, reason: str, words: str) -> None:
        self._log.warning("%s.%s", reason, words)
        with self._changed:
            self._given_up = reason
            self._changed.notify_all()


def _expected_argument(call: Call) -> str:
    """The annotation of the parameter that an argument is missing for."""
    if call.active is None:
        return ""
    for signature in call.signatures:
        if call.active < len(signature.parameters):
            parameter = signature.parameters[call.active]
            if parameter.kind is not ParameterKind.VAR_KEYWORD:
                return parameter.annotation
    return ""
