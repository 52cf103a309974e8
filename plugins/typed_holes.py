"""Context from the typed hole at the cursor: the types that are expected there, and what in scope gives them.

ChatLSP: Blinn et al. 2024, sections 3.2 and 3.3. A hole's context stays the same while the expression in it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from assistant.holes import Holes
from assistant.hookspecs import hookimpl
from assistant.knowledge import Knowledge
from assistant.settings import Settings
from assistant.types import CompletionRequest, ContextSource, Snippet, Trigger, name_in

TYPING, ASKED = 0.05, 0.5
"""Seconds that are waited for a hole's context: while the user types, and where he has asked."""

OWN, OTHER = 0.8, 0.3
"""What the stub of one of the repository's types is worth, and of another's."""

HEADERS = 0.6
"""What the headers are worth together."""


@hookimpl
def ghostwright_context_sources(settings: Settings, knowledge: Knowledge) -> Sequence[ContextSource]:
    return [ExpectedTypes(knowledge.holes), Headers(knowledge.holes)] if settings.typed_holes else []


class ExpectedTypes:
    """Stubs of the types that the expected type is made of."""

    name = "expected_types"

    def __init__(self, holes: Holes) -> None:
        self._holes = holes

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]:
        for stub in self._holes.at(request, patience(request)).types:
            yield Snippet(f"{stub.text}\n", OWN if stub.own else OTHER, self.name, name_in(request.root, stub.path))


class Headers:
    """Signatures of what in scope gives the expected type, as one snippet: a stub file beside the current file."""

    name = "headers"

    def __init__(self, holes: Holes) -> None:
        self._holes = holes

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]:
        context = self._holes.at(request, patience(request))
        shown = {stub.text for stub in context.types}
        headers = [each.text for each in context.headers if each.score > 0 and each.text not in shown]
        if headers:
            text = "".join(f"{header}\n" for header in headers)
            yield Snippet(text, HEADERS, self.name, PurePath(request.name).with_suffix(".pyi").as_posix())


def patience(request: CompletionRequest) -> float:
    return ASKED if request.trigger is Trigger.INVOKED else TYPING
