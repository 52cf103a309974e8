"""Context from the repository's own APIs: stubs of what the file imports from it, most of all what it uses nearby.

LANCE (Nashid et al. 2024), section 3: signatures of imported modules. A stub is a class with its bases, attributes and
method signatures, a function's signature or a constant's assignment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from assistant.hookspecs import hookimpl
from assistant.knowledge import Knowledge
from assistant.repositories import Repositories
from assistant.settings import Settings
from assistant.text import line_start
from assistant.types import CompletionRequest, ContextSource, Snippet, name_in
from retrieval.apis import Api, ApiKind, Apis

QUERY_LINES, QUERY_STEP = 32, 8
"""Lines before the cursor in which names count as used, and how many are written before they are counted anew: while
the snippets stay the same, the model need not read them again."""

MOST = 6
"""Stubs offered."""

MEMBERS = 12
"""Members of a class that its stub shows: those used nearby, then those used most in the repository."""

_NAME = re.compile(r"[^\W\d]\w*")


@hookimpl
def ghostwright_context_sources(settings: Settings, knowledge: Knowledge) -> Sequence[ContextSource]:
    return [RepositoryApis(knowledge.repositories)] if settings.repository_apis else []


class RepositoryApis:
    """Stubs of imported names."""

    name = "repository_apis"

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def open(self, request: CompletionRequest, patience: float) -> None:
        self._repositories.open(request, patience)

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]:
        survey = self._repositories.survey(request)
        if survey is None:
            return ()
        return tuple(_stubs(survey.apis, name_in(request.root, request.path), used_nearby(request)))


def used_nearby(request: CompletionRequest) -> Counter[str]:
    """How often names stand in the lines before the cursor, up to a line whose number is a multiple of the step."""
    prefix = request.prefix
    lines = prefix[: line_start(prefix, len(prefix))].splitlines()
    newer = len(lines) % QUERY_STEP if len(lines) > QUERY_STEP else 0
    end = len(lines) - newer
    return _names_in("\n".join(lines[max(end - QUERY_LINES, 0) : end]))


@lru_cache(maxsize=32)
def _names_in(text: str) -> Counter[str]:
    return Counter(_NAME.findall(text))


def _stubs(apis: Apis, path: str, used: Counter[str]) -> Iterator[Snippet]:
    """Those of imported names that are used nearby, most used first; then those of others."""
    found: dict[str, tuple[int, Api]] = {}
    for imported in apis.imports(path):
        for api in apis.definitions(imported, path):
            uses = used[imported.alias.rpartition(".")[2]] if imported.name else used[api.name]
            if api.path != path and (uses or imported.name not in ("", "*")):
                found.setdefault(api.qualified, (uses, api))
    best = sorted(found.values(), key=lambda pair: (-pair[0], pair[1].qualified))[:MOST]
    for uses, api in best:
        yield Snippet(_stub(apis, api, used), 0.9 if uses else 0.5, RepositoryApis.name, api.path)


def _stub(apis: Apis, api: Api, used: Counter[str]) -> str:
    if api.kind is not ApiKind.CLASS:
        return _line(api) + "\n"
    members = [each for base in apis.lineage(api)[:3] for each in apis.members(base)]
    unique = {each.name: each for each in reversed(members)}
    chosen = sorted(unique.values(), key=lambda each: _rank(apis, each, used))[:MEMBERS]
    body = [f"    {_line(each)}" for each in sorted(chosen, key=lambda each: each.kind is not ApiKind.FIELD)]
    return "\n".join([f"{api.signature}:", *body]) + "\n" if body else f"{api.signature}: ...\n"


def _rank(apis: Apis, member: Api, used: Counter[str]) -> tuple[bool, bool, int, str]:
    is_hook = member.name.startswith("_") and member.name != "__init__"
    return not used[member.name], is_hook, -apis.uses(member.name), member.name


def _line(api: Api) -> str:
    """A signature as a stub has it; with what its documentation says first, where nothing else explains it."""
    if api.kind in (ApiKind.FUNCTION, ApiKind.METHOD) and api.path.endswith(".py"):
        doc = f"  # {api.doc}" if api.doc and api.kind is ApiKind.FUNCTION else ""
        return f"{api.signature}: ...{doc}"
    return api.signature
