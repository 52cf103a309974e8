"""Shows the completed file to the language server, as a shadow, and objects to what brings new errors.

Only errors within the completion count, of the kinds that say that it cannot be right: unknown names, members and
imports, wrong arguments, abstract classes that are called, broken syntax. An answer that is not there in time is no
objection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.analysis import Analysis
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.types import Check, Completion, CompletionRequest
from language_servers.analyzer import Diagnostic, Fault, NoAnswer

BUDGET = 0.06
"""Seconds that a completion waits for its check."""

NAMED = frozenset((Fault.NAME, Fault.MEMBER, Fault.IMPORT))
"""Faults that the last name of the stretch is to blame for."""

SERIOUS = NAMED | {Fault.ARGUMENTS, Fault.ABSTRACT, Fault.SYNTAX}

_LAST_NAME = re.compile(r"\w+\W*\Z")


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
            found = self._analysis.diagnostics(request, text, BUDGET)
        except NoAnswer:
            return None
        for each in sorted(_new(found, start, end), key=lambda each: each.start):
            if not _may_be_imported(each, text, request):
                begin = _blamed(each, text)
                return range(max(begin - start, 0), min(each.end, end) - start)
        return None


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


def _blamed(fault: Diagnostic, text: str) -> int:
    """Where what is wrong begins: with the last name for an unknown member."""
    name = _LAST_NAME.search(text, fault.start, fault.end) if fault.fault in NAMED else None
    return name.start() if name else fault.start
