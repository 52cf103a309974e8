"""Asks every source for snippets, survives those that fail, and puts what they found in order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from assistant.plugins import guarded
from assistant.types import CompletionRequest, ContextSource, Snippet

SECONDS = 0.15
"""What all sources together may take; who comes later is left out this time."""


def gather(sources: Sequence[ContextSource], request: CompletionRequest) -> tuple[list[Snippet], list[str]]:
    """Snippets, best first, each text once; and a sentence for each source that was left out."""
    found: list[Snippet] = []
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
    snippets = list(source.snippets(request))
    for snippet in snippets:
        if not isinstance(snippet, Snippet):
            raise TypeError(f"{snippet!r} is not a Snippet")
    return snippets


def _best_first(snippets: Iterable[Snippet], request: CompletionRequest) -> list[Snippet]:
    """Without those of the current file, without duplicates; ties in the order of their paths, so that they stay."""
    kept: dict[str, Snippet] = {}
    for snippet in sorted(snippets, key=lambda snippet: (-snippet.score, snippet.path)):
        if snippet.path != request.name and snippet.text.strip():
            kept.setdefault(snippet.text.strip(), snippet)
    return list(kept.values())
