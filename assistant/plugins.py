"""Finds the installed plugins. One that cannot be imported or raises is logged by name and left out."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import pluggy

from assistant import hookspecs
from assistant.analysis import Analysis
from assistant.errors import ModelError
from assistant.guards import Monitor, Prior
from assistant.knowledge import Knowledge
from assistant.settings import Settings
from assistant.types import Check, ContextSource, Model, PostProcessor, TextModel

log = logging.getLogger(__name__)

GROUP = "ghostwright"


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed plugin: `problem` is empty if it works; `hooks` are those that it implements."""

    name: str
    origin: str
    hooks: tuple[str, ...] = ()
    problem: str = ""


class Plugins:
    """The plugins in use, asked once, at start."""

    def __init__(self, disabled: Collection[str] = ()) -> None:
        self._manager = pluggy.PluginManager("ghostwright")
        self._manager.add_hookspecs(hookspecs)
        entries = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name)
        self.found = [self._register(entry, entry.name in disabled) for entry in entries]

    def model(self, settings: Settings) -> Model | TextModel:
        """The model that the settings name. Raises ModelError."""
        for _, model in self._ask("ghostwright_model", settings=settings):
            return model  # type: ignore[no-any-return]
        raise ModelError(
            f"No plugin can run the model “{settings.model}”. Name a .gguf file, a model's folder, huggingface:NAME, "
            "remote:ADDRESS, or nothing for the embedded model."
        )

    def context_sources(self, settings: Settings, knowledge: Knowledge) -> list[ContextSource]:
        return self._lists("ghostwright_context_sources", settings=settings, knowledge=knowledge)

    def monitors(self, settings: Settings, analysis: Analysis) -> list[Monitor]:
        return self._lists("ghostwright_monitors", ("name", "triggers"), settings=settings, analysis=analysis)

    def priors(self, settings: Settings, knowledge: Knowledge) -> list[Prior]:
        return self._lists("ghostwright_priors", settings=settings, knowledge=knowledge)

    def post_processors(self, settings: Settings) -> list[PostProcessor]:
        return self._lists("ghostwright_post_processors", settings=settings)

    def checks(self, settings: Settings, analysis: Analysis) -> list[Check]:
        return self._lists("ghostwright_checks", settings=settings, analysis=analysis)

    def _register(self, entry: importlib.metadata.EntryPoint, disabled: bool) -> Plugin:
        distribution = entry.dist
        origin = f"{distribution.name} {distribution.version}" if distribution else entry.value
        if disabled:
            return Plugin(entry.name, origin, problem="disabled in the settings")
        try:
            self._manager.register(entry.load(), name=entry.name)
        except (Exception, SystemExit) as error:
            log.warning("The plugin “%s” of %s cannot be loaded and is left out: %s", entry.name, origin, error)
            if self._manager.has_plugin(entry.name):
                self._manager.unregister(name=entry.name)
            return Plugin(entry.name, origin, problem=f"{type(error).__name__}: {error}")
        callers = self._manager.get_hookcallers(self._manager.get_plugin(entry.name)) or []
        if unknown := [caller.name for caller in callers if not caller.has_spec()]:
            log.warning("The plugin “%s” of %s has hooks that are unknown: %s", entry.name, origin, ", ".join(unknown))
        return Plugin(entry.name, origin, tuple(caller.name for caller in callers if caller.has_spec()))

    def _lists(self, hook: str, texts: Sequence[str] = ("name",), **values: object) -> list[Any]:
        """What all plugins offer; `texts` are the attributes that must be there as texts."""
        answers = self._ask(hook, **values)
        return [each for name, offered in answers for each in guarded(name, _listed, offered, texts, otherwise=[])]

    def _ask(self, hook: str, **values: object) -> Iterator[tuple[str, Any]]:
        """Plugins and what they answer, one by one: what one of them raises must not cost the others.

        Each is given those of the values that it has a parameter for.
        """
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        for each in sorted(implementations, key=lambda each: each.trylast - each.tryfirst):
            arguments = [values[name] for name in each.argnames]
            answer = guarded(each.plugin_name, each.function, *arguments, otherwise=None)
            if answer is not None:
                yield each.plugin_name, answer


def _listed(offered: Iterable[Any], texts: Sequence[str]) -> list[Any]:
    """What a plugin offers. Raises TypeError or AttributeError if it is no list of objects that have these texts."""
    objects = list(offered)
    for each, attribute in product(objects, texts):
        if not isinstance(value := getattr(each, attribute), str):
            raise TypeError(f"{each!r} has the {attribute} {value!r}, which is no text")
    return objects


T = TypeVar("T")
U = TypeVar("U")


def guarded(name: str, function: Callable[..., T], *arguments: object, otherwise: U) -> T | U:
    """Calls a stranger's code: what it raises is logged with its name, and `otherwise` is returned."""
    try:
        return function(*arguments)
    except (Exception, SystemExit):
        log.exception("The plugin “%s” failed and is left out", name)
        return otherwise
