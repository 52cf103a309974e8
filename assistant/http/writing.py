"""What the model writes by itself for the clients of other servers: one text after the other, in turn with others."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import NDArray

from assistant.decoding.sampling import Finish, Stretch, Token, generate
from assistant.engine import Assistant
from assistant.errors import ServerError
from assistant.http.demands import Demand
from assistant.http.naming import called, check
from assistant.http.problems import Problem
from assistant.http.relaying import echoed, relayed
from assistant.passing import Passing, passes_on
from assistant.types import NEVER, Model, TextModel, writes_text

SECONDS = 45.0
"""After so long a text ends where it is."""

SLICE = 2.0
"""Seconds after which writing makes room for others who wait. Whoever goes on may have to read the prompt again."""

Piece = tuple[int, Stretch]
"""The number of a demand, and a stretch of what is written for it."""


@dataclass(slots=True)
class Count:
    """Tokens: those of a prompt, None where the server does not tell, and those that were written behind it."""

    read: int | None = None
    written: int = 0


class Writing:
    """Writes what some demands ask for, of the model that they name if they name one.

    It may go on with another assistant, if that has a copy of the same model. What `model` and `counts` say holds for
    the pieces that have come.
    """

    def __init__(self, demands: Sequence[Demand], name: str | None) -> None:
        self.demands = demands
        self.counts = [Count() for _ in demands]
        self.model = ""
        self._name = name
        self._pieces: Generator[Piece] | None = None
        self._stopped = _Stopped()

    def go_on(self, assistant: Assistant, stop: Event) -> Iterator[Piece]:
        """The pieces that are still to come. Raises Problem, Cancelled, ModelError, RequestError."""
        assistant.load()
        self._assistant, self._stopped.now = assistant, stop
        if self._pieces is None:
            self._pieces = self._write()
        return self._pieces

    def pause(self) -> None:
        """Leaves it for a while. What was closed meanwhile ends."""
        if self._stopped.for_good:
            self.close()

    def close(self) -> None:
        """Ends it, also on a server; the thread that is going on with it notices."""
        self._stopped.for_good = True
        with suppress(ValueError):  # it is being gone on with
            if self._pieces:
                self._pieces.close()

    def _write(self) -> Generator[Piece]:
        """The pieces. Another model stands in for one whose servers fail, as long as nothing is written."""
        deadline, begun = time.monotonic() + SECONDS, False
        while True:
            check(self._assistant, self._name)
            model = self._assistant.model
            self.model = called(model)
            try:
                for piece in self._written_by(model, deadline):
                    begun = True
                    yield piece
                return
            except ServerError:
                if begun or self._assistant.model is model:
                    raise

    def _written_by(self, model: Model | TextModel, deadline: float) -> Iterator[Piece]:
        if not writes_text(model):
            yield from self._generated(model, deadline)
        elif passes_on(model):
            yield from self._relayed(model, deadline)
        else:
            raise Problem(501, f"Prompts are not passed on to other servers; ask {model.name} itself.")

    def _generated(self, model: Model, deadline: float) -> Iterator[Piece]:
        wishes, vocabulary = [demand.wish(model) for demand in self.demands], self._assistant.vocabulary
        place = self._assistant.models.index(model)

        def logits(tokens: Sequence[int], last: int) -> NDArray[np.float32]:
            going_on = self._assistant.models[place]  # the copy that another assistant has
            assert not writes_text(going_on)
            return going_on.logits(tokens, last, self._stopped.now)

        for number, (wish, count) in enumerate(zip(wishes, self.counts, strict=True)):
            count.read = len(wish.prompt)
            count.written = -len(wish.prompt) if wish.echo else 0
            for stretch in generate(model, vocabulary, wish, logits, deadline):
                count.written += len(stretch.tokens)
                yield number, stretch

    def _relayed(self, model: Passing, deadline: float) -> Iterator[Piece]:
        errands = [demand.errand(model) for demand in self.demands]
        for number, (demand, errand, count) in enumerate(zip(self.demands, errands, self.counts, strict=True)):
            if demand.echo:
                stretch = echoed(model, errand, self._stopped)
                count.read = len(stretch.tokens) or None
                yield number, stretch
            for stretch, end in relayed(model, errand, demand.indent, deadline, self._stopped):
                count.written += len(stretch.tokens)
                if end:
                    count.read = count.read if end.read is None else end.read
                    count.written = count.written if end.wrote is None else end.wrote
                yield number, stretch


class _Stopped(Event):
    """Whether a writing was closed, or the work that goes on with it now was given up."""

    def __init__(self) -> None:
        super().__init__()
        self.for_good = False
        self.now = NEVER

    def is_set(self) -> bool:
        return self.for_good or self.now.is_set()


@dataclass(frozen=True, slots=True)
class Text:
    """All that was written for one demand."""

    text: str
    tokens: tuple[Token, ...]
    last: Stretch

    @property
    def finish(self) -> Finish:
        return self.last.finish or Finish.LENGTH


async def whole(pieces: AsyncIterator[Piece]) -> list[Text]:
    """The texts for all demands, once they are written."""
    found: list[list[Stretch]] = []
    async for number, stretch in pieces:
        if number == len(found):
            found.append([])
        found[number].append(stretch)
    return [
        Text("".join(each.text for each in some), tuple(token for each in some for token in each.tokens), some[-1])
        for some in found
    ]
