"""Puts an assistant together: the one module that knows every package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from assistant import settings as settings_files
from assistant.analysis import Analysis
from assistant.engine import Assistant
from assistant.errors import SettingsError
from assistant.knowledge import Knowledge
from assistant.plugins import Plugins
from assistant.settings import Settings
from assistant.types import Model, TextModel, writes_text
from language_servers.catalog import READERS
from language_servers.servers import Servers
from retrieval.repository import excluded


def assemble(settings: Settings, plugins: Plugins | None = None, models: Sequence[Model | TextModel] = ()) -> Assistant:
    """An assistant with all installed plugins, and with models that are there already, if any are given.

    Raises ModelError where no plugin runs the model that is named, SettingsError for an unknown language server.
    """
    plugins = plugins or Plugins(settings.disabled_plugins)
    known = knowledge(settings)
    chosen, *stand_in = models or _models(settings, plugins)
    return Assistant(
        chosen,
        settings,
        plugins.context_sources(settings, known),
        plugins.monitors(settings, known.analysis),
        plugins.post_processors(settings),
        plugins.checks(settings, known.analysis),
        excluded,
        known,
        plugins.priors(settings, known),
        *stand_in,
    )


def _models(settings: Settings, plugins: Plugins) -> list[Model | TextModel]:
    """The model that the settings name and, for one that may be out of reach, the one that stands in for it."""
    model = plugins.model(settings)
    if not writes_text(model):
        return [model]
    local = plugins.model(msgspec.structs.replace(settings, model=model.stand_in))
    return [model, local]


def knowledge(settings: Settings) -> Knowledge:
    """What can be known with the language servers of some settings. Raises SettingsError for an unknown one."""
    return Knowledge.of(Analysis(_servers(settings)), settings)


def _servers(settings: Settings) -> Servers:
    try:
        return Servers(settings.language_servers if settings.trust_project else READERS)
    except ValueError as error:
        raise SettingsError(f"Setting “language_servers”: {error}") from None


def assemble_for(folder: Path, editor: Mapping[str, Any] | None = None) -> Assistant:
    """An assistant with the settings of a folder. Raises SettingsError, ModelError."""
    return assemble(settings_files.load(folder, editor))
