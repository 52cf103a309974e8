"""The conditions under which cursors are completed: which monitors and sources of context take part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from analyzers import PATIENCE, read_so_far, started
from msgspec import structs
from options import track
from quality_report import Report, Shot

from assistant.analysis import Analysis
from assistant.engine import Assistant
from assistant.holes import Holes
from assistant.indexes import Indexes
from assistant.knowledge import Knowledge
from assistant.plugins import Plugins
from assistant.repositories import Repositories
from assistant.settings import Settings
from assistant.types import Answer, CompletionRequest, Model, Trigger
from language_servers.servers import Servers
from retrieval.encoding import load
from retrieval.index_local import opened
from retrieval.survey import Limits as Reading

INDEXING = 600.0
"""Seconds that a package is waited for to be indexed."""


class Named(Protocol):
    """A monitor, a source or a check."""

    @property
    def name(self) -> str: ...


Offered = TypeVar("Offered", bound=Named)


@dataclass(frozen=True, slots=True)
class Condition:
    """What takes part in a completion, by names; None for all that are installed of a kind.

    With `draft`, code search looks for what the model writes first as well.
    """

    monitors: frozenset[str] | None = None
    sources: frozenset[str] | None = frozenset({"open_files"})
    checks: frozenset[str] | None = frozenset()
    priors: frozenset[str] | None = frozenset()
    trigger: Trigger = Trigger.INVOKED
    draft: bool = False


CONDITIONS: Mapping[str, Condition] = {
    "no monitor": Condition(monitors=frozenset()),
    "members": Condition(monitors=frozenset({"members"})),
    "monitors": Condition(),
    "no context": Condition(sources=frozenset()),
    "open files": Condition(),
    "APIs": Condition(sources=frozenset({"repository_apis"})),
    "types": Condition(sources=frozenset({"expected_types"})),
    "headers": Condition(sources=frozenset({"headers"})),
    "open files and APIs": Condition(sources=frozenset({"open_files", "repository_apis"})),
    "search": Condition(sources=frozenset({"code_search"})),
    "search with a draft": Condition(sources=frozenset({"code_search"}), draft=True),
    "search while typing": Condition(sources=frozenset({"code_search"}), trigger=Trigger.AUTOMATIC),
    "open files and search": Condition(sources=frozenset({"open_files", "code_search"})),
    "with types": Condition(sources=frozenset({"open_files", "repository_apis", "expected_types"})),
    "with headers": Condition(sources=frozenset({"open_files", "repository_apis", "expected_types", "headers"})),
    "all sources": Condition(sources=None),
    "likely members": Condition(priors=None),
    "APIs and likely members": Condition(sources=frozenset({"open_files", "repository_apis"}), priors=None),
    "monitors and checker": Condition(checks=None, trigger=Trigger.AUTOMATIC),
    "error rounds": Condition(checks=None),
}
"""The budget of the prompt is the same in all of them."""


def complete(
    report: Report,
    conditions: Mapping[str, Condition],
    requests: Sequence[CompletionRequest],
    server: str,
    folder: Path,
) -> None:
    """Completes each cursor under each condition; cursor by cursor, so that the prompt is read once.

    It is read before, and what the server has answered is forgotten, so that the order of conditions does not matter.
    Repositories are indexed in a folder; the search finds nothing in the cursor's own file, where the answer stands.
    """
    settings = Settings(repository_apis=True, code_search=True, typed_holes=True, min_probability=0.0)
    plugins, indexes = Plugins(), Indexes(lambda root: opened(root, load(), folder / root.name), gentle=False)
    model = plugins.model(settings)
    servers, repositories = Servers({"python": server}), Repositories(Reading(seconds=600, niceness=0))
    know = partial(
        _assistant, plugins=plugins, settings=settings, servers=servers, repositories=repositories, indexes=indexes
    )
    reader = know(Condition(monitors=frozenset(), sources=frozenset()), model=model)
    assistants = {name: know(each, model=model) for name, each in conditions.items()}
    for cursor, request in track(list(zip(report.cursors, requests, strict=True)), "completions"):
        read_so_far(servers, cursor)
        if survey := repositories.survey(request):
            survey.wait()
        indexes.begin(cursor.root).result().wait(INDEXING)
        reader.complete(request)
        for name, assistant in assistants.items():
            asked = replace(request, trigger=conditions[name].trigger)
            assistant.open(asked, PATIENCE)
            started(servers, cursor).files_changed(())
            answer = assistant.complete(asked)
            report.shots.setdefault(name, []).append(_shot(answer, Settings().min_probability))
    repositories.close()
    indexes.close()
    servers.close()
    model.unload()


def _assistant(
    condition: Condition,
    plugins: Plugins,
    settings: Settings,
    servers: Servers,
    repositories: Repositories,
    indexes: Indexes,
    model: Model,
) -> Assistant:
    """An assistant in which only what a condition names takes part. What was asked of the servers is its own."""
    analysis = Analysis(servers)
    settings = structs.replace(settings, code_search="draft" if condition.draft else True)
    knowledge = Knowledge(analysis, Holes(analysis), repositories, indexes)
    return Assistant(
        model,
        settings,
        _named(plugins.context_sources(settings, knowledge), condition.sources),
        _named(plugins.monitors(settings, analysis), condition.monitors),
        plugins.post_processors(settings),
        _named(plugins.checks(settings, analysis), condition.checks),
        priors=_named(plugins.priors(settings, knowledge), condition.priors),
    )


def _named(offered: Iterable[Offered], names: frozenset[str] | None) -> list[Offered]:
    return [each for each in offered if names is None or each.name in names]


def _shot(answer: Answer, least: float) -> Shot:
    if not answer.completions:
        return Shot("", reason=answer.reason, silences=answer.silences)
    best = answer.completions[0]
    return Shot(
        best.text,
        best.replaces,
        round(best.probability, 4),
        bool(best.text.strip()) and best.probability >= least,
        rulings=tuple(asdict(ruling) for ruling in best.rulings),
        silences=answer.silences,
        is_cut=best.is_cut,
    )
