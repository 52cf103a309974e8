"""Prompts that are passed on to a model on a server as they come, with what their clients say of how to go on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING, Protocol

from assistant.decoding.sampling import Sampling
from assistant.errors import ServerError
from assistant.types import NEVER, Chunk, Model, Snippet, TextModel

if TYPE_CHECKING:
    from typing_extensions import TypeIs


@dataclass(frozen=True, slots=True)
class Errand:
    """What a server is to write: behind a prompt, which it gets unchanged, or between that and a `suffix`.

    `snippets` are pieces of other files for the latter. There are at most so many `tokens`, None for as many as it
    likes; `written` is what stands there of them already. With each come its most probable `alternatives`, so many of
    them; with None tokens have no probabilities.
    """

    prompt: str
    suffix: str | None = None
    snippets: tuple[Snippet, ...] = ()
    tokens: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    stops: tuple[str, ...] = ()
    alternatives: int | None = None
    written: str = ""

    def behind(self, chunks: int, text: str) -> Errand:
        """The rest, where so many chunks with that text have come."""
        left = None if self.tokens is None else max(self.tokens - chunks, 1)
        return replace(self, tokens=left, written=self.written + text)


@dataclass(frozen=True, slots=True)
class Ending(Chunk):
    """The last chunk, which is empty: what the server tells of the stop that was met, and of the tokens it counted."""

    stop: str = ""
    read: int | None = None
    wrote: int | None = None


class Passing(TextModel, Protocol):
    """A text model that passes prompts on."""

    @property
    def identity(self) -> str:
        """What its servers call it; empty if that is not known yet."""

    @property
    def told(self) -> int:
        """The most alternatives at a place that it tells the probabilities of."""

    @property
    def draws(self) -> frozenset[str]:
        """The fields of a `Sampling` that its server knows."""

    def passed(self, errand: Errand, cancelled: Event = NEVER) -> Generator[Chunk]:
        """Chunk after chunk, an `Ending` last. Raises Cancelled, ServerError; RequestError for what a server minds."""

    def scored(self, prompt: str, alternatives: int, cancelled: Event = NEVER) -> list[Chunk]:
        """The tokens of a prompt with how probable each is; none if that is not told. Raises as `passed` does."""


def passes_on(model: Model | TextModel) -> TypeIs[Passing]:
    """Whether a model passes prompts on."""
    return hasattr(model, "passed")


def passed_on(model: Passing, errand: Errand, cancelled: Event) -> Generator[Chunk]:
    """What a model's servers write: another one goes on where one fails. Raises as `Passing.passed` does."""
    count, text = 0, ""
    while True:
        rest = errand.behind(count, text)
        try:
            with closing(model.passed(rest, cancelled)) as chunks:
                for chunk in chunks:
                    count, text = count + bool(chunk.text), text + chunk.text
                    is_whole = not (isinstance(chunk, Ending) and rest.written)
                    yield chunk if is_whole else Ending("", is_end=chunk.is_end)  # of a part no counts are told
            return
        except ServerError:
            if not model.is_up:
                raise
