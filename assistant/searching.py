"""Searches a repository's code by a description: by meaning and by words, over an index that is made on the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import RequestError
from assistant.languages import language_of
from retrieval.encoding import load
from retrieval.encoding_errors import EncoderError
from retrieval.index import CodeIndexError, Counts, Hit, opened
from retrieval.indexing import Indexing
from retrieval.repository import repository_root

TICK = 0.2
"""Seconds between two looks at how far indexing has come; a key interrupts it then."""

EXAMPLE = '"where is the price of an order computed"'


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found, best first; how much was looked at, and a sentence for each thing that was not."""

    hits: tuple[Hit, ...]
    counts: Counts
    left_out: tuple[str, ...] = ()


def search(folder: Path, query: str, count: int, tell: Callable[[int, int], None]) -> Searched:
    """Brings the index of the repository around a folder up to date and searches it. Raises RequestError.

    `tell` hears how many files have been indexed, and of how many. Interrupted, it goes on from there the next time.
    """
    if not any(character.isalnum() for character in query):
        raise RequestError(f"The query {query!r} has no words: say what the code does, e.g. {EXAMPLE}.")
    root = repository_root(folder / "any")
    if root is None:
        raise RequestError(f"{folder} belongs to no repository: no folder around it has a .git. Search inside of one.")
    try:
        index = opened(root, load())
        indexing = Indexing(root, index, language_of, progress=tell, gentle=False)
        with closing(index), closing(indexing):
            while not indexing.wait(TICK):
                pass
            return Searched(tuple(index.search(query, count)), index.counts, tuple(indexing.left_out))
    except (CodeIndexError, EncoderError) as error:
        raise RequestError(str(error)) from error


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
        "files": searched.counts.files,
        "definitions": searched.counts.definitions,
        "left_out": list(searched.left_out),
    }
