"""Error rounds: what cannot be right is written anew, up to twice, before what was asked for is shown.

ChatLSP shows the errors of a candidate to a large model, which writes another one (Blinn et al. 2024). A small model
does not profit from reading them. So the fix is made by constraint: writing goes back to where it was least sure within
the fault and goes on from there, and nothing that begins like what was wrong may be written again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assistant.decoding.decode import Draft, Writer
from assistant.holes import Analyses
from assistant.repair import repaired
from assistant.syntax import CLOSERS, OPENERS, Token, tokens
from assistant.types import CompletionRequest
from language_servers.analyzer import Diagnostic, Document, Fault, NoAnswer
from language_servers.holes import new_errors

ROUNDS = 2
"""How often one candidate is written anew."""

NAMED = frozenset((Fault.NAME, Fault.MEMBER, Fault.IMPORT))
"""Faults that the last name of the stretch is to blame for."""

_LAST_NAME = re.compile(r"\w+\W*\Z")


@dataclass(frozen=True, slots=True)
class Trial:
    """A draft, the first stretch of its text that cannot be right, and all of its errors in words, one a line."""

    draft: Draft
    fault: range | None = None
    errors: str = ""

    @property
    def gravity(self) -> tuple[int, int]:
        """What trials are compared by: the fewer errors the better, then the later the first one comes."""
        return (max(len(self.errors.splitlines()), 1), -self.fault.start) if self.fault else (0, 0)


Examine = Callable[[Draft], Trial | None]
"""What is wrong with a draft; None if nothing would be shown of it."""


def resolved(writer: Writer, drafts: Sequence[Draft], examine: Examine) -> tuple[tuple[Draft, ...], tuple[str, ...]]:
    """Each draft as its error rounds leave it, and the errors that a round was made for, round by round.

    A draft that begins with what another one was written anew for is left out: what comes of it is known.
    """
    left, rounds = list[Draft](), list[str]()
    for draft in drafts:
        trial = examine(draft)
        if trial is None or trial.fault is None:
            left.append(draft)
        elif not writer.has_refused(draft):
            best, made = _resolved(writer, trial, examine)
            left.append(best)
            rounds += made
    return tuple(left), tuple(rounds)


def _resolved(writer: Writer, trial: Trial, examine: Examine) -> tuple[Draft, list[str]]:
    best, rounds = trial, list[str]()
    while trial.fault and len(rounds) < ROUNDS and (mended := writer.mended(trial.draft, trial.fault)):
        rounds.append(trial.errors)
        mended = mended.confident()
        trial = examine(mended) or replace(trial, draft=mended)
        best = min(best, trial, key=lambda each: each.gravity)
    return best.draft, rounds


def first_fault(
    analyses: Analyses, request: CompletionRequest, snippet: str, replaces: int, deadline: float
) -> range | None:
    """Where in a snippet at the cursor the first error stands that it brings into the file; None if none is known.

    It is one of those that `assistant.holes.report` tells. `replaces` is how much behind the cursor the snippet goes,
    `deadline` the seconds that each of two answers is waited for.
    """
    text = request.prefix + snippet + request.suffix[replaces:]
    baseline = repaired(request.prefix, request.suffix, request.language)
    start, end = request.offset, request.offset + len(snippet)
    try:
        analyzer = analyses.analyzer(request)
        before = analyzer.diagnostics(Document(request.path, request.language, baseline), deadline)
        after = analyzer.diagnostics(Document(request.path, request.language, text), deadline)
    except NoAnswer:
        return None
    inside = [each for each in new_errors(after, before) if each.start < end and each.end > start]
    first = min(inside, key=lambda each: each.start, default=None)
    if first is None:
        return None
    return range(max(blamed(first, text, request.language) - start, 0), min(first.end, end) - start)


def blamed(fault: Diagnostic, text: str, language: str) -> int:
    """The offset at which what is wrong begins: with the last name for an unknown member, with a call's arguments.

    Where they are wrong as a whole, what is called is not to blame: `f(‸a)`.
    """
    if fault.fault in NAMED and (name := _LAST_NAME.search(text, fault.start, fault.end)):
        return name.start()
    if fault.fault is Fault.ARGUMENTS:
        return fault.start + _arguments(tokens(text[fault.start : fault.end], language))
    return fault.start


def _arguments(call: Sequence[Token]) -> int:
    """Where the last arguments of a call begin: `f(a)(‸b)`; 0 if it is none."""
    opened, start = list[Token](), 0
    for token in call:
        if token.kind in OPENERS:
            opened.append(token)
        elif token.kind in CLOSERS and opened:
            start = opened.pop().end
    return start if call and call[-1].kind in CLOSERS else 0
