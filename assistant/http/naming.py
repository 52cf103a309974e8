"""What the model is called: what clients may call it, and what answers say."""

from __future__ import annotations

from pathlib import PurePath

from assistant.engine import Assistant
from assistant.http.problems import Problem
from assistant.passing import passes_on
from assistant.types import Model, TextModel

NAME = "ghostwright"
"""What the model may be called, whichever it is."""


def called(model: Model | TextModel) -> str:
    """What a model is called in answers: on a server as that calls it, as far as that is known."""
    return (model.identity if passes_on(model) else "") or model.name


def check(assistant: Assistant, name: str | None) -> None:
    """Raises Problem for the name of a model that does not answer: whoever names one gets no other."""
    if not name or name.removesuffix(":latest") in (NAME, *_names(assistant.model)):
        return
    if name in _names(assistant.models[0]):
        raise Problem(503, assistant.problem, "model", retry=1)
    raise Problem(404, f"There is no model {name[:80]!r} here, only {called(assistant.model)} ({NAME}).", "model")


def _names(model: Model | TextModel) -> tuple[str, ...]:
    """`Qwen/Qwen2.5-Coder-7B` → also `Qwen2.5-Coder-7B`; `model.gguf` → also `model`."""
    name = called(model)
    return name, name.rsplit("/", 1)[-1], model.name, PurePath(model.name).stem
