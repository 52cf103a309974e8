"""Shows the completed file to the language server, as a shadow, and objects to what brings new errors.

Only errors within the completion count, of the kinds that say that it cannot be right: unknown names, members and
imports, wrong arguments, abstract classes that are called, broken syntax. An answer that is not there in time is no
objection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.analysis import Analysis
from assistant.holes import report
from assistant.hookspecs import hookimpl
from assistant.rounds import NAMED, blamed
from assistant.settings import Settings
from assistant.types import Check, Completion, CompletionRequest, Trigger
from language_servers.analyzer import Diagnostic, Fault, NoAnswer

BUDGET = 0.06
"""Seconds that a completion waits for its check."""

PATIENCE = 10
"""How many times as long it waits where it was asked for."""

SERIOUS = NAMED | {Fault.ARGUMENTS, Fault.ABSTRACT, Fault.SYNTAX}


@hookimpl
def ghostwright_checks(settings: Settings, analysis: Analysis) -> Sequence[Check]:
    return [Checker(analysis)]


class Checker:
    """Finds the new errors of a completion."""

    name = "checker"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def fault(self, completion: Completion, request: CompletionRequest) -> range | None:
        text = request.prefix + completion.text + request.suffix[completion.replaces :]
        start, end = request.offset, request.offset + len(completion.text)
        try:
            found = self._analysis.diagnostics(request, text, _budget(request))
        except NoAnswer:
            return None
        for each in sorted(_new(found, start, end), key=lambda each: each.start):
            if not _may_be_imported(each, text, request):
                return range(max(blamed(each, text, request.language) - start, 0), min(each.end, end) - start)
        return None

    def report(self, completion: Completion, request: CompletionRequest) -> str:
        """All errors that a completion brings, an error a line, as ChatLSP reports them."""
        return report(self._analysis, request, completion.text, completion.replaces, _budget(request))


def _budget(request: CompletionRequest) -> float:
    return BUDGET * PATIENCE if request.trigger is Trigger.INVOKED else BUDGET


def _new(found: Sequence[Diagnostic], start: int, end: int) -> Iterator[Diagnostic]:
    """The serious errors between two offsets that the rest of the file does not have as well."""
    inside = [each for each in found if each.start < end and each.end > start]
    elsewhere = {(each.code, each.message) for each in found if each not in inside}
    for each in inside:
        if each.error and each.fault in SERIOUS and (each.code, each.message) not in elsewhere:
            yield each


def _may_be_imported(fault: Diagnostic, text: str, request: CompletionRequest) -> bool:
    """Whether an unknown name is one of another open file: the import may follow."""
    name = text[fault.start : fault.end]
    return fault.fault is Fault.NAME and any(re.search(rf"\b{re.escape(name)}\b", file.text) for file in request.others)
