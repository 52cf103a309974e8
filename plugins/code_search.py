"""Context from the repository's code like what is being written: definitions that a search finds for the one around the
cursor, as far as it has been written.

The search runs beside the completions, which take what has been found by then.
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
from assistant.types import CompletionRequest, ContextSource, Snippet, name_in
from retrieval.index import Hit
from retrieval.scopes import scope_of

HEAD_LINES, LAST_LINES = 8, 24
"""Lines at the beginning of the definition and before the cursor that are looked for."""

QUERY_STEP = 8
"""Lines that are written before it is looked for anew: while the snippets stay the same, the model need not read them
again."""

MOST = 4
"""Snippets offered."""

BEST, NEXT = 0.6, 0.7
"""What the first is worth, and each further one as a share of the one before."""

LARGE = 700
"""Code points of a definition from which on only its head is shown; the embedded model was trained on 300 to 1,100."""

REPEATED = 0.8
"""The share of a definition's lines in the current file from which on it says nothing new."""


@hookimpl
def ghostwright_context_sources(settings: Settings, knowledge: Knowledge) -> Sequence[ContextSource]:
    return [CodeSearch(knowledge.indexes)] if settings.code_search else []


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, and for which file: a path from the repository's root."""

    root: Path
    path: str
    text: str


class CodeSearch:
    """Definitions of other files, those first that are most like what is being written."""

    name = "code_search"

    def __init__(self, indexes: Indexes) -> None:
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
        if searching.done() and (hits := searching.result()) is not None:
            self._shown = query, hits
        if self._shown is None or self._shown[0].path != query.path:
            return []
        return _snippets(self._shown[1], request.text)

    def close(self) -> None:
        self._searching.shutdown(cancel_futures=True)

    def _search(self, query: Query) -> Future[Sequence[Hit] | None]:
        """The search for a query: the one that is under way, or a new one that takes its place."""
        if self._newest:
            known, searching = self._newest
            if known == query and not _is_vain(searching):
                return searching
            searching.cancel()
        self._newest = query, self._searching.submit(self._hits, query)
        return self._newest[1]

    def _hits(self, query: Query) -> Sequence[Hit] | None:
        """None before the index is open."""
        indexed = self._indexes.opened(query.root)
        return indexed.index.search(query.text, MOST, {query.path}) if indexed else None


def _is_vain(searching: Future[Sequence[Hit] | None]) -> bool:
    return searching.done() and (searching.exception() is not None or searching.result() is None)


def query_of(request: CompletionRequest) -> Query | None:
    """The function around the cursor as far as it is written, with its class; the lines above where there is none.

    Of a long one its beginning and its end. None outside of a repository.
    """
    if request.root is None or not request.path.is_relative_to(request.root):
        return None
    above = request.prefix[: line_start(request.prefix, request.offset)]
    scope = scope_of(above, request.language)
    lines = scope.text.splitlines(keepends=True)
    lines = lines[: _step(len(lines))]
    head = lines[:HEAD_LINES] if scope.function else []
    text = "".join([f"{scope.owner}\n", *head, *lines[len(head) :][-LAST_LINES:]])
    return Query(request.root, name_in(request.root, request.path), text)


def _step(count: int) -> int:
    """So many of a number of lines that the number seldom changes: 1, 2, 4, 8, 16, 24, …"""
    return count - count % QUERY_STEP if count > QUERY_STEP else 1 << count.bit_length() - 1 if count else 0


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
