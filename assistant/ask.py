"""Answers a request in somebody's words: the repository's APIs that serve it, and a call of the best of them.

Conversational completion of LANCE (Nashid et al. 2024): what is found goes into the prompt as stubs, and the model
completes the call, as any other text and with the monitors.

    search → the call, begun → the model → Asked
"""

from __future__ import annotations

import itertools
import logging
import re
import time
from collections.abc import Callable, Set
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any

from assistant.calls import Call, call_of, kin
from assistant.engine import Assistant
from assistant.errors import Cancelled, RequestError
from assistant.indexes import Indexed
from assistant.knowledge import Knowledge
from assistant.languages import language_of
from assistant.types import NEVER, Answer, CompletionRequest, name_in
from retrieval.api import Api
from retrieval.apis import Apis
from retrieval.asking import Found, Near, find, fused, is_empty
from retrieval.encoding_errors import EncoderError
from retrieval.index import CodeIndexError
from retrieval.repository import repository_root
from retrieval.survey import Survey

log = logging.getLogger(__name__)

FOUND = 6
"""APIs that are shown."""

DEPTH = 30
"""Those that are found by words, and by meaning, before they become one ranking."""

SOON = 3.0
"""Seconds that the index is waited for once the repository has been read; without it, what has the words is found."""

LONGEST = 120
"""Code points of the request that stand in a comment."""

STARTING = 5.0
"""Seconds that the language server has to start while the repository is read, and longer."""

TICK = 0.1
"""Seconds between two looks at what the survey has read."""

EXAMPLE = '"how do I add an item to an order"'

CUT = "The arguments that the model wrote had a fault, and are left out: fill them in."
"""Why a call is an outline where the model's is right in part only."""

_QUESTION = re.compile(
    r"(?:please\s+|and\s+|so\s+)*"
    r"(?:(?:how|where|what)\s+(?:do|can|could|would|should|must)\s+(?:i|we|you|one)\s+|how\s+to\s+|"
    r"(?:can|could)\s+(?:i|we|you)\s+|(?:i|we)\s+(?:want|need|would\s+like)\s+to\s+|"
    r"what\s+is\s+the\s+(?:best\s+)?way\s+to\s+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request led to. `apis` are those that serve it, best first.

    `code` is to be inserted at the cursor and replaces so many code points behind it; `imports` are the lines that it
    needs at the file's top. `left_out` has a sentence for each thing that was not looked at. `reason` says why nothing
    was found, why the code is no more than an outline, or what a reader has to fill in.
    """

    apis: tuple[Found, ...] = ()
    code: str = ""
    replaces: int = 0
    imports: str = ""
    left_out: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What was found for a request at a cursor, and the call that is to be written there, if one was."""

    apis: tuple[Found, ...]
    call: Call | None
    left_out: tuple[str, ...]

    def asked(self, answer: Answer | None = None, reason: str = "") -> Asked:
        """With the call as the model has completed it; in outline where it was not asked, or has nothing."""
        if self.call is None:
            return Asked(
                left_out=self.left_out,
                reason="Nothing in this repository serves that request. Try other words, such as its names may have.",
            )
        call, imports = self.call, "\n".join(self.call.imports)
        best = next((each for each in answer.completions if not each.is_cut), None) if answer else None
        if best:
            code = call.begun + best.text + call.behind
            return Asked(self.apis, code, best.replaces, imports, self.left_out, call.note)
        reason = reason or (answer.reason or CUT if answer else "")
        reason = " ".join(filter(None, (call.note, reason)))
        return Asked(self.apis, call.outline + call.behind, 0, imports, self.left_out, reason)


def ask(
    assistant: Assistant,
    request: CompletionRequest,
    wish: str,
    patience: float,
    cancelled: Event = NEVER,
    tell: Callable[[int], None] = lambda count: None,
) -> Asked:
    """Finds what serves a request at a cursor, and has the model write the call.

    `patience` and `tell` are those of `search`. In a language that the model does not know, the call stays an outline.
    Raises RequestError, ModelError, Cancelled.
    """
    assert assistant.knowledge is not None
    assistant.open(request)
    found = search(assistant.knowledge, request, wish, patience, cancelled, tell)
    if found.call is None or found.call.request is None:
        return found.asked()
    if unfamiliar := assistant.unfamiliar(request.language):
        return found.asked(reason=unfamiliar)
    assistant.open(request, STARTING)
    return found.asked(assistant.complete(found.call.request, cancelled))


def scratch(folder: Path) -> CompletionRequest:
    """The cursor of an empty file in a folder, which is never written: its name is that of no other."""
    names = (f"ask{'_' * count}.py" for count in itertools.count())
    path = next(path for name in names if not (path := folder / name).exists())
    return CompletionRequest(path, language_of(path), "", 0, root=repository_root(path))


def search(
    known: Knowledge,
    request: CompletionRequest,
    wish: str,
    patience: float,
    cancelled: Event = NEVER,
    tell: Callable[[int], None] = lambda count: None,
) -> Search:
    """Looks for APIs, after waiting so many seconds at most for the repository to be read.

    In an empty file those of all languages are looked at. `tell` hears now and then how many files have been read.
    Raises RequestError where there is nothing to look for or to look in, Cancelled.
    """
    if is_empty(wish):
        raise RequestError(f"The request {wish!r} has no words: say what you want to do, e.g. {EXAMPLE}.")
    survey = known.repositories.survey(request)
    if survey is None or request.root is None:
        raise RequestError(
            f"{request.path.parent} belongs to no repository: no folder around it has a .git. Ask inside of one, or "
            "name a file of one with --in FILE:LINE:COL."
        )
    opening = known.indexes.begin(request.root)
    left_out = _wait(survey, patience, cancelled, tell)
    near, paths = Near.of(survey.apis, name_in(request.root, request.path)), _of_language(survey.apis, request)
    by_words = find(survey.apis, wish, DEPTH, near, paths)
    found = fused(by_words, _by_meaning(opening, survey.apis, paths, wish), wish, near)[:FOUND]
    call = call_of(survey.apis, request, [each.api for each in found], _as_comment(wish)) if found else None
    return Search(tuple(found), call, left_out)


def _by_meaning(opening: Future[Indexed], apis: Apis, paths: Set[str], wish: str) -> list[Api]:
    """The APIs of some files that the index finds, best first; none where it is not ready soon."""
    try:
        indexed = opening.result(SOON)
        hits = indexed.index.search(wish, DEPTH) if indexed.wait(SOON) else []
    except (TimeoutError, CodeIndexError, EncoderError) as reason:
        log.info("What is asked for is looked for by its words only: %s", reason or "the index is not open yet")
        return []
    offered = {path: {api.within: api for api in apis.of_file(path)} for path in {hit.path for hit in hits} & paths}
    return [api for hit in hits if (api := offered.get(hit.path, {}).get(hit.name))]


def as_json(asked: Asked, root: Path) -> dict[str, Any]:
    """An answer for scripts. Lines count from 1."""
    return {
        "apis": [
            {
                "name": found.api.within,
                "kind": found.api.kind.value,
                "signature": found.api.signature,
                "doc": found.api.doc,
                "path": str(root / found.api.path),
                "line": found.api.line,
                "score": round(found.score, 2),
            }
            for found in asked.apis
        ],
        "code": asked.code,
        "replaces": asked.replaces,
        "imports": asked.imports,
        "left_out": list(asked.left_out),
        "reason": asked.reason,
    }


def _wait(survey: Survey, patience: float, cancelled: Event, tell: Callable[[int], None]) -> tuple[str, ...]:
    """What was left out when the survey was over, or the time."""
    end = time.monotonic() + patience
    while True:
        if cancelled.is_set():
            raise Cancelled("the request was given up")
        is_over = survey.wait(max(min(TICK, end - time.monotonic()), 0.0))
        count = len(survey.apis.files)
        tell(count)
        if is_over:
            return survey.left_out
        if time.monotonic() >= end:
            return (*survey.left_out, f"Only {count:,} files were read within {patience:g} seconds; ask again later.")


def _as_comment(wish: str) -> str:
    """`How do I add an item?` → `add an item`."""
    words = " ".join(wish.split())[:LONGEST].rstrip(" ?!.")
    return _QUESTION.sub("", words, count=1) or words


def _of_language(apis: Apis, request: CompletionRequest) -> Set[str]:
    """The files that the file of a request can call; all where it is empty, or in a language without APIs."""
    every = frozenset(apis.files)
    if not request.text.strip():
        return every
    return {path for path in every if kin(language_of(PurePosixPath(path))) == kin(request.language)} or every
