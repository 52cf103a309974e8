"""Language servers as monitors ask them: about views, mended where a statement is broken off, and ahead of need.

Answers are kept by what they depend on: the text above and below the statement and the receiver, not the rest of the
line, so that typing on asks nothing again.
"""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

from assistant.guards import View
from assistant.receivers import receiver
from assistant.types import CompletionRequest
from language_servers.analyzer import (
    DEADLINE,
    Analyzer,
    Call,
    Diagnostic,
    Document,
    Location,
    Members,
    NoAnswer,
    TooEarly,
)

log = logging.getLogger(__name__)

KEPT = 512
"""Answers that are remembered."""

REST, HURRY = 2.0, 0.02
"""For so many seconds after an answer that was late, others are waited for so long only: what hangs costs it once."""

PATIENCE = 1.0
"""Seconds that a question asked ahead of need may take: longer than anyone waits for it."""

_OWN = re.compile(
    r"\b(?:for|lambda|as|import|from|def|and|or|if|elif|else|while|assert|is|not|isinstance)\b|:=|=>|\?|&&|\|\|"
)
"""What may give names a meaning of its own within a statement: bindings, and tests that narrow a type."""

_OF_TYPES = re.compile(r"[:<]|\b(?:type|typeof|keyof|extends|implements|satisfies)\b")
"""What may begin or end a type in TypeScript, in which names have other members: `const a: z.ZodType = z.string()`."""

T = TypeVar("T")


class Servers(Protocol):
    """Where analyzers come from: one for each language of a workspace, None where none is installed."""

    def of(self, path: Path, language: str, root: Path | None) -> Analyzer | None: ...

    def files_changed(self, paths: Sequence[Path]) -> None: ...

    def close(self) -> None: ...


class Analysis:
    """What is known about views. A question waits for the deadline at most; where nothing is known it raises NoAnswer.

    `waited` counts the seconds that were spent waiting.
    """

    def __init__(self, servers: Servers, deadline: float = DEADLINE) -> None:
        self._servers = servers
        self._deadline = deadline
        self._asking = ThreadPoolExecutor(2, "analysis")
        self._answers: OrderedDict[Hashable, Future[object]] = OrderedDict()
        self._lock = Lock()  # files change on another thread than that which asks
        self._late_until = 0.0
        self.waited = 0.0

    def open(self, request: CompletionRequest, patience: float = 0.0) -> None:
        """Starts the server that a file needs and shows it the file; waits for it so many seconds at most."""
        opening = self._asking.submit(self._show, request, max(patience, PATIENCE))
        if patience:
            with suppress(TooLate):
                opening.result(patience)

    def _show(self, request: CompletionRequest, patience: float) -> None:
        analyzer = self._servers.of(request.path, request.language, request.root)
        wait = getattr(analyzer, "wait_until_ready", None)
        if analyzer is not None and (wait is None or wait(patience)):
            document = Document(request.path, request.language, request.text)
            with suppress(NoAnswer):  # the first question about a file takes longest
                analyzer.diagnostics(document, patience)

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk: what is known may hold no longer."""
        with self._lock:
            self._answers.clear()
        self._servers.files_changed(paths)

    def analyzer(self, request: CompletionRequest) -> Analyzer:
        """Who knows the file of a request. Raises NoAnswer if nobody does."""
        analyzer = self._servers.of(request.path, request.language, request.root)
        if analyzer is None:
            raise NoAnswer(f"no language server for {request.language} is installed")
        return analyzer

    def members(self, view: View) -> Members:
        """The members of the value before the dot that a view ends with."""
        return self._answer(self._ask_members(view))

    def foresee_members(self, view: View) -> None:
        """Begins to ask for members, without waiting."""
        self._ask_members(view)

    def names(self, view: View) -> Members:
        """What may stand where a view ends: names in scope; in an import modules or names."""
        return self._answer(self._ask_names(view))

    def foresee_names(self, view: View) -> None:
        self._ask_names(view)

    def call(self, view: View) -> Call:
        """The call whose arguments a view ends in."""
        return self._answer(self._ask("call", view, view.document, len(view.before)))

    def foresee_call(self, view: View) -> None:
        self._ask("call", view, view.document, len(view.before))

    def diagnostics(
        self, request: CompletionRequest, text: str, deadline: float | None = None
    ) -> tuple[Diagnostic, ...]:
        """What is wrong with the file of a request if it holds a text."""
        return self._answer(self._ask_about("diagnostics", request, text), deadline)

    def type_at(self, request: CompletionRequest, text: str, offset: int) -> str:
        """The type of the name at an offset if the file of a request holds a text."""
        return self._answer(self._ask_about("type_at", request, text, offset))

    def type_definition(self, request: CompletionRequest, text: str, offset: int) -> Location:
        """Where the type of the name at an offset is defined; for a module that is where it stands."""
        return self._answer(self._ask_about("type_definition", request, text, offset))

    def close(self) -> None:
        """Ends all servers."""
        self._asking.shutdown(wait=False, cancel_futures=True)
        self._servers.close()

    def _ask_members(self, view: View) -> Future[Members]:
        value, statement = receiver(view), view.statement
        above = view.before[: len(view.before) - len(statement)]
        is_own = not value or _OWN.search(statement) or _is_of_types(statement, view.request.language)
        key = (value, above, view.request.suffix, statement if is_own else "")
        return self._ask("members", view, *map(hash, key))

    def _ask_names(self, view: View) -> Future[Members]:
        statement = view.statement
        above = view.before[: len(view.before) - len(statement)]
        key = (above, view.request.suffix, statement if _OWN.search(statement) or not view.in_code else "")
        return self._ask("names", view, *map(hash, key))

    def _ask(self, question: str, view: View, *key: Hashable) -> Future[T]:
        """Asks about the end of a view, unless that has been done."""
        analyzer = self.analyzer(view.request)

        def ask() -> object:
            document = Document(view.request.path, view.request.language, view.document)
            return getattr(analyzer, question)(document, len(view.before), PATIENCE)

        return self._once((question, analyzer.name, view.request.path, *key), ask)

    def _ask_about(self, question: str, request: CompletionRequest, text: str, *offset: int) -> Future[T]:
        """Asks about a text, as a whole or at an offset, unless that has been done."""
        analyzer = self.analyzer(request)
        document = Document(request.path, request.language, text)
        key = (question, analyzer.name, request.path, hash(text), *offset)
        return self._once(key, lambda: getattr(analyzer, question)(document, *offset, PATIENCE))

    def _once(self, key: Hashable, ask: Callable[[], object]) -> Future[T]:
        with self._lock:
            future = self._answers.get(key)
            if future is None or (future.done() and future.exception() is not None):
                future = self._answers[key] = self._asking.submit(ask)
                while len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
            self._answers.move_to_end(key)
        return future  # type: ignore[return-value]

    def _answer(self, future: Future[T], deadline: float | None = None) -> T:
        begin = time.monotonic()
        seconds = self._deadline if deadline is None else deadline
        if begin < self._late_until and seconds <= self._deadline:
            seconds = HURRY
        try:
            answer = future.result(seconds)
            self._late_until = 0.0
            return answer
        except TooLate:
            self._late_until = time.monotonic() + REST
            raise TooEarly(f"no answer within {seconds * 1000:.0f} ms") from None
        finally:
            self.waited += time.monotonic() - begin


def _is_of_types(statement: str, language: str) -> bool:
    return language.startswith("typescript") and _OF_TYPES.search(statement) is not None
