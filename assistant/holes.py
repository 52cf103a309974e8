"""Typed holes for requests: the expression under way at a cursor is taken away, and its place is asked about.

Answers are kept by what they depend on, the text around that expression, so that writing it asks nothing again. Each is
looked for in a thread of its own; whoever cannot wait gets what is known so far.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Condition
from typing import Protocol

from assistant.guards import View
from assistant.repair import repaired
from assistant.types import CompletionRequest
from language_servers.analyzer import Analyzer, Document, NoAnswer
from language_servers.holes import Candidate, HoleContext, error_report, stages

KEPT = 64
"""Holes that are remembered."""

PATIENCE = 1.0
"""Seconds that a hole may take in all, unless whoever asks waits longer."""

_UNDER_WAY = re.compile(r"(?:[^\W\d]\w*(?:\.|\?\.))*(?:[^\W\d]\w*)?\Z")
_WORDS = frozenset(
    ("and", "as", "assert", "await", "case", "const", "del", "elif", "else", "except", "finally", "for", "from", "if",
     "import", "in", "is", "lambda", "let", "new", "not", "or", "raise", "return", "try", "typeof", "while", "with",
     "yield")
)  # fmt: skip


class Analyses(Protocol):
    """Where the analyzer of a request's file comes from."""

    def analyzer(self, request: CompletionRequest) -> Analyzer: ...


Candidates = Callable[[CompletionRequest], Sequence[Candidate]]
"""What may stand at a request's cursor besides what is in scope there by name."""


class _Search:
    """A hole that is being looked at: what is known so far, and whether that is all."""

    def __init__(self) -> None:
        self.context = HoleContext()
        self.is_over = False
        self.changed = Condition()

    def tell(self, context: HoleContext, is_over: bool = False) -> None:
        with self.changed:
            self.context, self.is_over = context, is_over
            self.changed.notify_all()

    def wait(self, seconds: float) -> HoleContext:
        with self.changed:
            self.changed.wait_for(lambda: self.is_over, seconds)
            return self.context


class Holes:
    """Contexts of holes, remembered and asked for ahead of need. `waited` counts the seconds spent waiting."""

    def __init__(self, analyses: Analyses, more: Candidates | None = None) -> None:
        self._analyses, self._more = analyses, more
        self._asking = ThreadPoolExecutor(1, "typed holes")
        self._searches: OrderedDict[Hashable, _Search] = OrderedDict()
        self.waited = 0.0

    def at(self, request: CompletionRequest, deadline: float) -> HoleContext:
        """What is known of the hole at a cursor within so many seconds; parts of it may be missing."""
        begin = time.monotonic()
        try:
            return self._search(request, max(deadline, PATIENCE)).wait(deadline)
        except NoAnswer as absence:
            return HoleContext(silences=(str(absence),))
        finally:
            self.waited += time.monotonic() - begin

    def foresee(self, request: CompletionRequest) -> None:
        """Begins to look at a hole, without waiting."""
        self.at(request, 0.0)

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk: what is known may hold no longer."""
        self._searches.clear()

    def close(self) -> None:
        self._asking.shutdown(wait=False, cancel_futures=True)

    def _search(self, request: CompletionRequest, patience: float) -> _Search:
        analyzer = self._analyses.analyzer(request)
        document, offset = hole(request)
        key = analyzer.name, document.path, hash(document.text), offset
        search = self._searches.get(key)
        if search is None or (search.is_over and search.context.is_early):
            search = self._searches[key] = _Search()
            look = partial(stages, analyzer, document, offset, request.root, deadline=patience)
            self._asking.submit(self._tell, search, request, look)
            while len(self._searches) > KEPT:
                self._searches.popitem(last=False)
        self._searches.move_to_end(key)
        return search

    def _tell(
        self, search: _Search, request: CompletionRequest, look: Callable[[Sequence[Candidate]], Iterator[HoleContext]]
    ) -> None:
        """Tells of each part as soon as it is known, unless another hole has been asked about meanwhile."""
        try:
            if search is not next(reversed(self._searches.values()), None):
                search.tell(HoleContext(silences=("the cursor has moved on",), is_early=True))
                return
            for context in look(self._more(request) if self._more else ()):
                search.tell(context)
        finally:
            search.tell(search.context, is_over=True)


def hole(request: CompletionRequest) -> tuple[Document, int]:
    """The file with a hole for the expression under way, and the hole's offset: `f(self.a‸` → `f(‸)`.

    Raises NoAnswer where no expression stands: in a string or a comment.
    """
    if not View(request).in_code:
        raise NoAnswer("the cursor stands in a string or a comment")
    before = request.prefix
    under_way = _UNDER_WAY.search(before[-200:])
    if under_way and under_way[0] not in _WORDS:
        before = before[: len(before) - len(under_way[0])]
    return Document(request.path, request.language, repaired(before, request.suffix, request.language)), len(before)


def report(
    analyses: Analyses, request: CompletionRequest, snippet: str, replaces: int = 0, deadline: float = PATIENCE
) -> str:
    """The errors that a snippet at the cursor brings into the file, as text; empty if it brings none that are known.

    What it is compared with is the file as it is, with nothing at the cursor. `replaces` is how much behind it goes.
    """
    try:
        analyzer = analyses.analyzer(request)
    except NoAnswer:
        return ""
    before = Document(request.path, request.language, repaired(request.prefix, request.suffix, request.language))
    after = Document(request.path, request.language, request.prefix + snippet + request.suffix[replaces:])
    return error_report(analyzer, after, before, deadline)


def as_json(context: HoleContext) -> dict[str, object]:
    """A hole's context for scripts."""
    return {
        "expected": context.expected,
        "source": context.source.value if context.expected else "",
        "types": [
            {"name": stub.name, "text": stub.text, "path": str(stub.path), "own": stub.own} for stub in context.types
        ],
        "headers": [
            {"name": each.name, "text": each.text, "type": each.type, "score": each.score, "depth": each.depth}
            for each in context.headers
        ],
        "silences": list(context.silences),
    }
