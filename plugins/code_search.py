"""Context from the repository's code like what is being written: definitions of other files that a search finds for the
lines before the cursor and the signature of the function around it.

The search runs beside the completions: while the user types, these take what has been found by then.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from assistant.hookspecs import hookimpl
from assistant.indexes import Indexes
from assistant.knowledge import Knowledge
from assistant.settings import Settings
from assistant.text import line_start
from assistant.types import CompletionRequest, ContextSource, File, Snippet, Trigger, name_in
from retrieval.index import Hit
from retrieval.scopes import scope_of

LAST_LINES, STEP = 8, 4
"""Lines before the cursor that are looked for, and how many are written before they are looked for anew: while the
snippets stay the same, the model need not read them again."""

ASKED = 0.1
"""Seconds that a search is waited for where the user has asked."""

MOST = 4
"""Snippets offered."""

BEST, NEXT = 0.6, 0.7
"""What the first is worth, and each further one as a share of the one before."""

LARGE = 500
"""Code points of a definition from which on only its head is shown; the embedded model was trained on 300 to 1,100."""

REPEATED = 0.8
"""The share of a definition's lines in the current file from which on it says nothing new."""


@hookimpl
def ghostwright_context_sources(settings: Settings, knowledge: Knowledge) -> Sequence[ContextSource]:
    return [CodeSearch(knowledge.indexes, settings.code_search == "draft")] if settings.code_search else []


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, and for which file: a path from the repository's root. Others are as an editor shows them."""

    root: Path
    path: str
    text: str
    others: tuple[File, ...] = ()


class CodeSearch:
    """Definitions of other files, those first that are most like what is being written.

    With `wants_draft`, the model's first draft belongs to that where the user has asked.
    """

    name = "code_search"

    def __init__(self, indexes: Indexes, wants_draft: bool = False) -> None:
        self.wants_draft = wants_draft
        self._indexes = indexes
        self._searching = ThreadPoolExecutor(1, "searching for context")
        self._newest: tuple[Query, Future[Sequence[Hit] | None]] | None = None
        self._shown: tuple[Query, Sequence[Hit]] | None = None

    def open(self, request: CompletionRequest, patience: float) -> None:
        """Begins to index the repository and to look for what is like the code at the cursor, and waits for both."""
        query, end = query_of(request), time.monotonic() + patience
        if query is None:
            return
        opening = self._indexes.begin(query.root)
        if wait([opening], patience).done and not opening.exception():
            opening.result().wait(max(end - time.monotonic(), 0))
        wait([self._search(query)], max(end - time.monotonic(), 0))

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]:
        """What has been found for this code; until then what was found before in the same file."""
        query = query_of(request)
        if query is None:
            return []
        searching = self._search(query)
        wait([searching], ASKED if request.trigger is Trigger.INVOKED else 0)
        if searching.done() and (hits := searching.result()) is not None:
            self._shown = query, hits
        if self._shown is None or self._shown[0].path != query.path:
            return []
        return _snippets(self._shown[1], request.text)

    def close(self) -> None:
        self._searching.shutdown(cancel_futures=True)

    def _search(self, query: Query) -> Future[Sequence[Hit] | None]:
        """The search for a query: the one that is under way, or a new one that takes its place."""
        newest = self._newest
        if newest and newest[0] == query and not _is_vain(newest[1]):
            return newest[1]
        if newest:
            newest[1].cancel()
        searching = self._searching.submit(self._hits, query)
        self._newest = query, searching
        return searching

    def _hits(self, query: Query) -> Sequence[Hit] | None:
        """None before all is indexed once: what is found would change from key to key."""
        indexed = self._indexes.opened(query.root)
        if indexed is None or indexed.progress:
            return None
        shown = {file.path: file.text for file in query.others}
        return indexed.search(query.text, MOST, shown, leave_out={query.path})


def _is_vain(searching: Future[Sequence[Hit] | None]) -> bool:
    return searching.done() and (searching.exception() is not None or searching.result() is None)


def query_of(request: CompletionRequest) -> Query | None:
    """The signature of the function around the cursor and the last lines; None outside of a repository.

    For who has asked up to the cursor, otherwise up to a line whose number is a multiple of the step.
    """
    if request.root is None or not request.path.is_relative_to(request.root):
        return None
    above = request.prefix[: line_start(request.prefix, request.offset)]
    scope = scope_of(above, request.language)
    signature = scope.text.splitlines(keepends=True)[:1] if scope.function else []
    lines = above.splitlines(keepends=True)
    if request.trigger is Trigger.INVOKED:
        lines.append(request.prefix[len(above) :] + request.draft)
    elif len(lines) > STEP:
        lines = lines[: len(lines) - len(lines) % STEP]
    text, path = "".join(signature + lines[-LAST_LINES:]), name_in(request.root, request.path)
    return Query(request.root, path, text, tuple(file for file in request.others if file.path != request.path))


def _snippets(hits: Sequence[Hit], text: str) -> Iterator[Snippet]:
    """Those that do not only repeat what the current file has."""
    written = frozenset(line.strip() for line in text.splitlines())
    worth = BEST
    for hit in hits:
        lines = [line for line in map(str.strip, hit.text.splitlines()) if line]
        if sum(line in written for line in lines) < REPEATED * len(lines):
            yield Snippet(_head(hit.text), worth, CodeSearch.name, hit.path)
            worth *= NEXT


def _head(text: str) -> str:
    """A definition, or so many lines of its beginning as are worth it."""
    text = text.strip("\n") + "\n"
    cut = text.rfind("\n", 0, LARGE) + 1 if len(text) > LARGE else 0
    return text[: cut or LARGE]
