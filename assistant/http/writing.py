"""What the model writes by itself for the clients of other servers: one text after the other, in turn with others."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import NDArray

from assistant.decoding.sampling import Finish, Sampling, Stretch, Token, Wish, generate
from assistant.engine import Assistant
from assistant.http.problems import Problem
from assistant.raw import tokens_of
from assistant.types import Model, Reader, writes_text

SECONDS = 45.0
"""After so long a text ends where it is."""

SLICE = 2.0
"""Seconds after which writing makes room for others who wait. Whoever goes on may have to read the prompt again."""

SEVERAL = 0.8
"""The temperature where several texts are wanted and no temperature is named: without one all would be the same."""

Wishes = Callable[[Assistant], Sequence[Wish]]
"""What is to be written, once the model is there that reads the prompts. May raise Problem."""

Piece = tuple[int, Stretch]
"""The number of a wish, and a stretch of what is written for it."""


class Writing:
    """Writes what some wishes ask for. It may go on with another assistant, if that has a copy of the same model."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._pieces: Iterator[Piece] | None = None
        self.made: Sequence[Wish] = ()

    def go_on(self, assistant: Assistant, stop: Event) -> Iterator[Piece]:
        """The pieces that are still to come. Raises Problem, Cancelled, ModelError."""
        assistant.load()
        self._assistant, self._stop = assistant, stop
        if self._pieces is None:
            self.made = self._wishes(assistant)
            self._pieces = self._write()
        return self._pieces

    def _write(self) -> Iterator[Piece]:
        deadline = time.monotonic() + SECONDS
        model, vocabulary = _shown(self._assistant), self._assistant.vocabulary
        for number, wish in enumerate(self.made):
            for stretch in generate(model, vocabulary, wish, self._logits, deadline):
                yield number, stretch

    def _logits(self, tokens: Sequence[int], last: int) -> NDArray[np.float32]:
        return _shown(self._assistant).logits(tokens, last, self._stop)


def _shown(assistant: Assistant) -> Model:
    """The model, if it shows its logits. Raises Problem."""
    if writes_text(assistant.model):
        raise Problem(501, f"Prompts are not passed on to other servers; ask {assistant.model.name} itself.")
    return assistant.model


@dataclass(frozen=True, slots=True)
class Text:
    """All that was written for one wish."""

    text: str
    tokens: tuple[Token, ...]
    last: Stretch

    @property
    def finish(self) -> Finish:
        return self.last.finish or Finish.LENGTH


async def whole(pieces: AsyncIterator[Piece]) -> list[Text]:
    """The texts for all wishes, once they are written."""
    found: list[list[Stretch]] = []
    async for number, stretch in pieces:
        if number == len(found):
            found.append([])
        found[number].append(stretch)
    return [
        Text("".join(each.text for each in some), tuple(token for each in some for token in each.tokens), some[-1])
        for some in found
    ]


def prompt_of(model: Reader, prompt: str) -> tuple[int, ...]:
    """A prompt as it comes, special tokens included. Raises Problem if the model cannot read it."""
    return checked(model, tokens_of(model, prompt))


def checked(model: Reader, tokens: Sequence[int]) -> tuple[int, ...]:
    """Tokens that a model can go on with. Raises Problem."""
    if not tokens:
        raise Problem(400, "The prompt is empty: there is nothing to go on with.", "prompt")
    if len(tokens) >= model.context_length:
        message = f"The prompt has {len(tokens)} tokens; the model reads and writes {model.context_length} in all."
        raise Problem(400, f"{message} Send less.", "prompt")
    return tuple(tokens)


def sampling(
    temperature: float | None, several: bool, top_k: int | None, top_p: float | None, min_p: float | None
) -> Sampling:
    """How tokens are chosen, by what a client says of it."""
    usual = SEVERAL if several else 0.0
    return Sampling(usual if temperature is None else temperature, top_k or 0, top_p or 1.0, min_p or 0.0)
