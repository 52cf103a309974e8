"""What a plugin may offer. A plugin is a module (or object) in the entry-point group `ghostwright` with any of these.

from assistant.hookspecs import hookimpl

@hookimpl
def ghostwright_context_sources(settings): return [MySource()]
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from assistant.analysis import Analysis
from assistant.guards import Monitor, Prior
from assistant.knowledge import Knowledge
from assistant.settings import Settings
from assistant.types import Check, ContextSource, Model, PostProcessor, TextModel

hookspec = pluggy.HookspecMarker("ghostwright")
hookimpl = pluggy.HookimplMarker("ghostwright")


@hookspec(firstresult=True)
def ghostwright_model(settings: Settings) -> Model | TextModel | None:
    """The model that the setting `model` names, if this plugin can run it; nothing is loaded yet."""


@hookspec
def ghostwright_context_sources(settings: Settings, knowledge: Knowledge) -> Sequence[ContextSource]:
    """Sources of snippets for the prompt."""


@hookspec
def ghostwright_monitors(settings: Settings, analysis: Analysis) -> Sequence[Monitor]:
    """Monitors that say what may come next while a completion is being written."""


@hookspec
def ghostwright_priors(settings: Settings, knowledge: Knowledge) -> Sequence[Prior]:
    """What weighs the members that monitors allow behind a dot."""


@hookspec
def ghostwright_checks(settings: Settings, analysis: Analysis) -> Sequence[Check]:
    """What completions must pass, after post-processing."""


@hookspec
def ghostwright_post_processors(settings: Settings) -> Sequence[PostProcessor]:
    """What improves or drops completions, in the order in which it should happen."""
