"""Searches a repository's code by a description: by meaning and by words, over an index that is made on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any

from assistant.errors import Cancelled, RequestError
from assistant.indexes import Indexed, Indexes
from assistant.types import NEVER
from retrieval.encoding_errors import EncoderError
from retrieval.index import CodeIndexError, Counts, Hit

TICK = 0.2
"""Seconds between two looks at how far indexing has come; a key interrupts it then."""

Tell = Callable[[int], None]
"""Hears now and then how many files have been indexed."""

OTHERS = "Another process, such as an editor, keeps this index: it is as that one has saved it last."

EXAMPLE = '"where is the price of an order computed"'


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found, best first; `left_out` has a sentence for each thing that was not looked at.

    `reason` says why nothing was found, or that there may be more.
    """

    hits: tuple[Hit, ...] = ()
    left_out: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """How much is in an index, and a sentence for each thing that is not."""

    counts: Counts
    left_out: tuple[str, ...] = ()


def search(
    indexes: Indexes,
    root: Path | None,
    query: str,
    count: int,
    patience: float = math.inf,
    cancelled: Event = NEVER,
    tell: Tell = lambda files: None,
    shown: Mapping[Path, str] = MappingProxyType({}),
) -> Searched:
    """Searches the index of a repository, after waiting so many seconds at most for it to be as the files are.

    `shown` are files as an editor has them: what is not saved is searched as well. Interrupted, it goes on from there
    the next time. Raises RequestError where there is nothing to look for or to look in, Cancelled.
    """
    if not any(character.isalnum() for character in query):
        raise RequestError(f"The query {query!r} has no words: say what the code does, e.g. {EXAMPLE}.")
    with _faults_told():
        indexed, is_whole = _waited(indexes, root, patience, cancelled, tell)
        hits = tuple(indexed.search(query, count, shown))
        reason = "" if is_whole else _unfinished(indexed)
        if not (hits or reason):
            reason = f"Nothing was found among {indexed.index.counts.definitions:,} definitions."
        return Searched(hits, indexed.left_out, reason)


def fill(indexes: Indexes, root: Path | None, tell: Tell) -> Filled:
    """Brings the index of a repository up to date. Raises RequestError."""
    with _faults_told():
        indexed, _ = _waited(indexes, root, math.inf, NEVER, tell)
        left_out = () if indexed.index.refresh() else (OTHERS,)
        return Filled(indexed.index.counts, (*left_out, *indexed.left_out))


@contextmanager
def _faults_told() -> Iterator[None]:
    try:
        yield
    except (CodeIndexError, EncoderError) as error:
        raise RequestError(str(error)) from error


def _waited(indexes: Indexes, root: Path | None, patience: float, cancelled: Event, tell: Tell) -> tuple[Indexed, bool]:
    """The index of a repository, once it is open and has waited; and whether all that there is is in it."""
    if root is None:
        raise RequestError("This folder belongs to no repository: none around it has a .git. Search inside of one.")
    opening, end = indexes.begin(root), time.monotonic() + patience
    while not cancelled.is_set():
        is_late = time.monotonic() >= end
        if wait([opening], TICK).done:
            indexed = opening.result()
            is_whole = indexed.wait(max(min(TICK, end - time.monotonic()), 0.0))
            tell(indexed.done)
            if is_whole or time.monotonic() >= end:
                return indexed, is_whole
        elif is_late:
            raise RequestError(
                "The index could not be opened in time, by its server or this machine: search again later."
            )
    raise Cancelled("the search was given up")


def _unfinished(indexed: Indexed) -> str:
    return f"Only {indexed.done:,} of {indexed.total:,} files have been indexed so far; search again later."


def as_json(searched: Searched, root: Path) -> dict[str, Any]:
    """What was found for scripts. Lines count from 1, offsets are code points."""
    return {
        "hits": [
            {
                "path": str(root / hit.path),
                "line": hit.line,
                "name": hit.name,
                "kind": hit.kind,
                "score": round(hit.score, 5),
                "start": hit.start,
                "end": hit.end,
                "text": hit.text,
            }
            for hit in searched.hits
        ],
        "left_out": list(searched.left_out),
        "reason": searched.reason,
    }
