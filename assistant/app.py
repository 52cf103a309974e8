"""Puts an assistant together: the one module that knows every package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant import settings as settings_files
from assistant.analysis import Analysis
from assistant.engine import Assistant
from assistant.errors import SettingsError
from assistant.knowledge import Knowledge
from assistant.plugins import Plugins
from assistant.settings import Settings
from assistant.types import Model
from language_servers.servers import Servers
from retrieval.repository import excluded


def assemble(settings: Settings, plugins: Plugins | None = None, model: Model | None = None) -> Assistant:
    """An assistant with all installed plugins, and with a model that is there already, if one is given.

    Raises ModelError where no plugin runs the model that is named, SettingsError for an unknown language server.
    """
    plugins = plugins or Plugins(settings.disabled_plugins)
    known = knowledge(settings)
    return Assistant(
        model or plugins.model(settings),
        settings,
        plugins.context_sources(settings, known),
        plugins.monitors(settings, known.analysis),
        plugins.post_processors(settings),
        plugins.checks(settings, known.analysis),
        excluded,
        known,
        plugins.priors(settings, known),
    )


def knowledge(settings: Settings) -> Knowledge:
    """What can be known with the language servers of some settings. Raises SettingsError for an unknown one."""
    return Knowledge.of(Analysis(_servers(settings)), settings)


def _servers(settings: Settings) -> Servers:
    try:
        return Servers(settings.language_servers)
    except ValueError as error:
        raise SettingsError(f"Setting “language_servers”: {error}") from None


def assemble_for(folder: Path, editor: Mapping[str, Any] | None = None) -> Assistant:
    """An assistant with the settings of a folder. Raises SettingsError, ModelError."""
    return assemble(settings_files.load(folder, editor))
