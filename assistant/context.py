"""Asks every source for snippets, survives those that fail, and puts what they found in order."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from itertools import islice

from assistant.plugins import guarded
from assistant.text import line_start, window_start
from assistant.types import CompletionRequest, ContextSource, Snippet

SECONDS = 0.15
"""What all sources together may take; who comes later is left out this time."""

MOST = 100
"""Snippets that are taken from one source, which may find no end."""

NEARLY = 0.8
"""The share of lines in common from which on two snippets say the same."""

PREFIX, STEP, SUFFIX = 1_500, 512, 600
"""Code points around the cursor that the smallest usual prompt shows, and by how many the first of them jumps."""

_STUB = re.compile(r"\s*:?\s*(?:\.\.\.)?\s*(?:#.*)?\Z")
_WORD = re.compile(r"\w")


def gather(sources: Sequence[ContextSource], request: CompletionRequest) -> tuple[list[Snippet], list[str]]:
    """Snippets, best first, each text once; and a sentence for each source that was left out."""
    found = list(request.given)
    left_out = []
    deadline = time.monotonic() + SECONDS
    for source in sources:
        if time.monotonic() > deadline:
            left_out.append(f"{source.name}: the {SECONDS} seconds for context were over")
            continue
        snippets = guarded(source.name, _snippets, source, request, otherwise=None)
        if snippets is None:
            left_out.append(f"{source.name}: it failed, see the log")
        else:
            found += snippets
    return _best_first(found, request), left_out


def _snippets(source: ContextSource, request: CompletionRequest) -> list[Snippet]:
    snippets = list(islice(source.snippets(request), MOST))
    for snippet in snippets:
        if not isinstance(snippet, Snippet):
            raise TypeError(f"{snippet!r} is not a Snippet")
        if not (isinstance(snippet.text, str) and isinstance(snippet.path, str) and snippet.score >= 0):
            raise TypeError(f"{snippet!r:.200} must have a text and a path that are texts, and a score from 0 to 1")
    return snippets


def _best_first(snippets: Iterable[Snippet], request: CompletionRequest) -> list[Snippet]:
    """Of those that say nearly the same the best, and none that says what stands around the cursor.

    Ties stand in the order of their paths, so that they stay.
    """
    around = _lines(_around(request))
    kept: list[tuple[Snippet, frozenset[str]]] = []
    for snippet in sorted(snippets, key=lambda snippet: (-snippet.score, snippet.path)):
        lines = _lines(snippet.text)
        if not lines or len(lines & around) >= NEARLY * len(lines):
            continue
        if not any(_are_alike(lines, others) for _, others in kept):
            kept.append((snippet, lines))
    return [snippet for snippet, _ in kept]


def _are_alike(lines: frozenset[str], others: frozenset[str]) -> bool:
    """Whether most lines of the shorter one are in the longer one too."""
    return len(lines & others) >= NEARLY * min(len(lines), len(others))


def _around(request: CompletionRequest) -> str:
    """What of the file the model sees in any case: it begins at a place that seldom moves."""
    start = line_start(request.prefix, request.offset)
    return request.prefix[window_start(start, PREFIX, STEP) : start] + request.suffix[:SUFFIX]


def _lines(text: str) -> frozenset[str]:
    """What the lines of a text say, whether they are code or stubs: `def f(x) -> int: ...  # …` → `def f(x) -> int`."""
    stripped = (_STUB.sub("", line.strip()) for line in text.splitlines())
    return frozenset(line for line in stripped if _WORD.search(line))
