"""Leaves out what a type checker rejects: the completed file is shown to the language server, as a shadow.

Only new errors within the completion count, of the kinds that say that it cannot be right: unknown names, members and
imports, wrong arguments, abstract classes that are called, broken syntax. An answer that is not there in time counts
as no objection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.analysis import Analysis
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.types import Completion, CompletionRequest, PostProcessor
from language_servers.analyzer import Diagnostic, Fault, NoAnswer

BUDGET = 0.06
"""Seconds that a completion waits for its check."""

SERIOUS = frozenset((Fault.NAME, Fault.MEMBER, Fault.IMPORT, Fault.ARGUMENTS, Fault.ABSTRACT, Fault.SYNTAX))


@hookimpl(trylast=True)
def ghostwright_post_processors(settings: Settings, analysis: Analysis) -> Sequence[PostProcessor]:
    return [Checker(analysis)]


class Checker:
    """Drops a completion that brings new errors."""

    name = "checker"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def process(self, completion: Completion, request: CompletionRequest) -> Completion | None:
        behind = request.suffix[completion.replaces :]
        text = request.prefix + completion.text + behind
        try:
            found = self._analysis.diagnostics(request, text, BUDGET)
        except NoAnswer:
            return completion
        faults = new_faults(found, request.offset, request.offset + len(completion.text))
        return None if any(not _may_be_imported(fault, text, request) for fault in faults) else completion


def _may_be_imported(fault: Diagnostic, text: str, request: CompletionRequest) -> bool:
    """Whether an unknown name is one of another open file: the import may follow."""
    name = text[fault.start : fault.end]
    return fault.fault is Fault.NAME and any(re.search(rf"\b{re.escape(name)}\b", file.text) for file in request.others)


def new_faults(found: Sequence[Diagnostic], start: int, end: int) -> list[Diagnostic]:
    """The serious errors between two offsets that the rest of the file does not have as well."""
    inside = [each for each in found if each.start < end and each.end > start]
    elsewhere = {(each.code, each.message) for each in found if each not in inside}
    return [
        each for each in inside if each.error and each.fault in SERIOUS and (each.code, each.message) not in elsewhere
    ]
