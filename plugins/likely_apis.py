"""Which of the members that are legal behind a dot is likely: the ranking of the repository's APIs beside the model.

LANCE (Nashid et al. 2024) ranks APIs for a prompt. Here the ranking weighs the names that a monitor allows while one is
being written, which costs no tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.guards import Prior, View
from assistant.hookspecs import hookimpl
from assistant.knowledge import Knowledge
from assistant.receivers import receiver
from assistant.repositories import Repositories
from assistant.settings import Settings
from assistant.types import CompletionRequest, name_in
from retrieval.ranking import Scene, rank

SHARE = 0.4
"""How much a nat of the ranking counts beside one of the model's."""

FURTHEST = 4.0
"""Nats of the ranking by which a name is less likely at most: so are those that it does not know."""

MOST = 200
"""Names that are ranked."""


@hookimpl
def ghostwright_priors(settings: Settings, knowledge: Knowledge) -> Sequence[Prior]:
    return [LikelyApis(knowledge.repositories)]


class LikelyApis:
    """Weighs members by the ranking of the repository's APIs."""

    name = "likely_apis"

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def open(self, request: CompletionRequest, patience: float) -> None:
        self._repositories.open(request, patience)

    def weights(self, view: View, names: frozenset[str]) -> Mapping[str, float]:
        survey = self._repositories.survey(view.request)
        if survey is None:
            return {}
        request = view.request
        scene = Scene(
            name_in(request.root, request.path),
            request.language,
            view.before,
            request.suffix,
            receiver(view),
            members=names,
        )
        scores: dict[str, float] = {}
        for each in rank(survey.apis, scene, MOST):
            if each.api.name in names:
                scores.setdefault(each.api.name, each.score)
        if not scores:
            return {}
        best = max(scores.values())
        least = max(min(scores.values()) - best, -FURTHEST)
        return {name: SHARE * max(scores[name] - best, least) if name in scores else SHARE * least for name in names}
