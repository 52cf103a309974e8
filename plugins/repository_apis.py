"""Context from the repository's own APIs: stubs of what the code before the cursor uses and may use again.

LANCE (Nashid et al. 2024), section 3, by types instead of by names: the classes of the values that members are read of
nearby, the bases of the class around the cursor, and what the file imports.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from assistant.guards import View
from assistant.hookspecs import hookimpl
from assistant.knowledge import Knowledge
from assistant.receivers import receiver
from assistant.repositories import Repositories
from assistant.settings import Settings
from assistant.text import line_start
from assistant.types import CompletionRequest, ContextSource, Snippet, Trigger, name_in
from retrieval.api import Api, ApiKind
from retrieval.apis import Apis
from retrieval.inference import Inference
from retrieval.ranking import Scene, rank
from retrieval.scopes import scope_of
from retrieval.stubs import line, stub

QUERY_LINES, QUERY_STEP = 32, 8
"""Lines before the cursor in which names count as used, and how many are written before they are counted anew: while
the snippets stay the same, the model need not read them again."""

MOST = 8
"""Stubs offered."""

RECEIVERS = 12
"""Values whose classes are looked for, those used most first."""

LIKELY = 10
"""APIs that are named because they are likely at the cursor."""

EXPECTED, USED, INHERITED, IMPORTED = 0.95, 0.9, 0.7, 0.4
"""What stubs are worth: of what is likely at the cursor, of what is used nearby, of what the class around the cursor
has from its bases, of the rest."""

_NAME = re.compile(r"[^\W\d]\w*")
_RECEIVER = re.compile(r"(?<![\w.])((?:[^\W\d]\w*\.){1,3})(?=[^\W\d])")


@hookimpl
def ghostwright_context_sources(settings: Settings, knowledge: Knowledge) -> Sequence[ContextSource]:
    return [RepositoryApis(knowledge.repositories)] if settings.repository_apis else []


class RepositoryApis:
    """Stubs of the repository's classes, functions and constants."""

    name = "repository_apis"

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def open(self, request: CompletionRequest, patience: float) -> None:
        self._repositories.open(request, patience)

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]:
        survey = self._repositories.survey(request)
        if survey is None:
            return
        if request.trigger is Trigger.INVOKED:
            yield from _likely(survey.apis, request)
        yield from _stubs(survey.apis, name_in(request.root, request.path), request.language, _above(request))


def _likely(apis: Apis, request: CompletionRequest) -> Iterator[Snippet]:
    """What the ranking expects right at the cursor, by the classes and files that have it.

    It changes with every name that is written, and the model would have to read on: so it is for who has asked.
    """
    path = name_in(request.root, request.path)
    scene = Scene(path, request.language, request.prefix, request.suffix, receiver(View(request)))
    groups: dict[tuple[str, str], list[Api]] = {}
    for each in rank(apis, scene, LIKELY):
        groups.setdefault((each.api.path, each.api.owner), []).append(each.api)
    for (place, owner), found in groups.items():
        yield Snippet(_together(apis, owner, found), EXPECTED, RepositoryApis.name, place)


def _together(apis: Apis, owner: str, found: Sequence[Api]) -> str:
    """Some members of a class, or some of a module's names, as a stub."""
    lines = [line(api) for api in found]
    if owner:
        same = [each for each in apis.named(owner.rpartition(".")[2]) if each.path == found[0].path]
        head = next((each.signature for each in same if each.within == owner), f"class {owner}")
        lines = [f"{head}:", *(f"    {each}" for each in lines)]
    return "\n".join(lines) + "\n"


def _above(request: CompletionRequest) -> str:
    """The text above the cursor, up to a line whose number is a multiple of the step."""
    prefix = request.prefix
    lines = prefix[: line_start(prefix, len(prefix))].splitlines(keepends=True)
    newer = len(lines) % QUERY_STEP if len(lines) > QUERY_STEP else 0
    return "".join(lines[: len(lines) - newer])


def _stubs(apis: Apis, path: str, language: str, above: str) -> Iterator[Snippet]:
    """Those that are worth most first; among them those used most."""
    nearby = "".join(above.splitlines(keepends=True)[-QUERY_LINES:])
    used = Counter(_NAME.findall(nearby))
    found: dict[str, tuple[float, int, Api]] = {}
    for worth, uses, api in _useful(apis, path, language, above, nearby):
        if api.path != path and (worth, uses) > found.get(api.qualified, (0.0, 0))[:2]:
            found[api.qualified] = worth, uses, api
    best = sorted(found.values(), key=lambda each: (-each[0], -each[1], each[2].qualified))[:MOST]
    for worth, _, api in best:
        yield Snippet(stub(apis, api, used), worth, RepositoryApis.name, api.path)


def _useful(apis: Apis, path: str, language: str, above: str, nearby: str) -> Iterator[tuple[float, int, Api]]:
    """What may be of use, with what it is worth and how often it is used nearby."""
    inference = Inference(apis, path, language, scope_of(above, language), above)
    values = Counter(each.removesuffix(".") for each in _RECEIVER.findall(nearby))
    for value, uses in values.most_common(RECEIVERS):
        yield from ((USED, uses, cls) for cls in inference.classes(inference.of(value)))
    if own := inference.own_class():
        yield from ((INHERITED, 0, base) for base in apis.lineage(own)[1:])
    names = Counter(_NAME.findall(nearby))
    for imported in apis.imports(path):
        for api in apis.definitions(imported, path):
            uses = names[imported.alias.rpartition(".")[2]] if imported.name else names[api.name]
            is_value = api.kind is ApiKind.CONSTANT and not uses
            if uses or (imported.name not in ("", "*") and not is_value):
                yield USED if uses else IMPORTED, uses, api
