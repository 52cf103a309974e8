"""Reads what a text model writes, chunk by chunk, and holds each against the guards before it becomes a step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Event

from assistant.decoding.choosing import Path, Step
from assistant.decoding.watch import Refusal, State, Watch
from assistant.errors import ServerError
from assistant.guards import AnyOf, Matching, OneOf, Typed
from assistant.types import NEVER, Chunk, Order, TextModel


@dataclass(slots=True)
class Reading:
    """What was read from a state on: steps, and the state behind them; `obstacle` is a chunk that must not follow.

    `chunks` are those of the steps, `places` the states before them. `led` says that the model is under an expression
    from here on, `names` that a name begins here.
    """

    state: State
    steps: list[Step] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    places: list[State] = field(default_factory=list)
    obstacle: Chunk | None = None
    led: bool = False
    names: bool = False

    @property
    def path(self) -> Path | None:
        """The steps, if nothing is in their way."""
        return Path(tuple(self.steps), self.state) if self.steps and not self.obstacle else None


@dataclass(slots=True)
class _Stream:
    """What is being written; `text` is what stands behind the prompt so far, `ahead` the chunk that comes next."""

    chunks: Iterator[Chunk]
    text: str
    led: bool
    ahead: Chunk | None = None

    def peek(self) -> Chunk | None:
        """The chunk that comes next; None if the model was not to write more."""
        if self.ahead is None:
            self.ahead = next(self.chunks, None)
        return self.ahead

    def take(self, chunk: Chunk) -> None:
        self.text += chunk.text
        self.ahead = None
        self.led = False


class Streams:
    """What a model writes behind a prompt, one stream at a time: it goes on where it can, and begins anew elsewhere.

    `tokens` is how many there may be, `line` that they end with the line. `begun` counts the streams.
    """

    def __init__(
        self, model: TextModel, prompt: Sequence[int], watch: Watch, tokens: int, line: bool, cancelled: Event = NEVER
    ) -> None:
        self._model = model
        self._order = Order(tuple(prompt), "", tokens, line=line)
        self._watch = watch
        self._cancelled = cancelled
        self._stream: _Stream | None = None
        self.begun = 0

    def pause(self) -> None:
        """Ends what is being written."""
        self._stream = None  # the last to hold the chunks, which ends them

    def read(self, written: int, start: State, demand: str, chance: int = 0) -> Reading:
        """A chunk, or as many as a name has, behind so many tokens. Another server takes over from one that fails.

        What is being written goes on; else it is asked for, under the demand if the model takes one.
        """
        while True:
            try:
                return self._checked(self._at(written, start, demand, chance), start)
            except ServerError:
                self.pause()
                if not self._model.is_up:
                    raise

    def others(self, chunk: Chunk, place: State) -> list[Path]:
        """Each of the other tokens told of at a place that may stand there, the most probable first."""
        if chunk.logprob is None:
            return []
        told = ((chunk.text, chunk.logprob), *chunk.others)
        afters = {text: self._watch.after(place, self._model.token(text)) for text, _ in told}
        illegal = [text for text, after in afters.items() if isinstance(after, Refusal)]
        found = list[Path]()
        for text, logprob in chunk.others:
            if isinstance(after := afters[text], State):
                other = Chunk(text, logprob, tuple(each for each in told if each[0] != text))
                found.append(Path((self._step(other, place, after, illegal),), self._watch.ask(after)))
        return found

    def _at(self, written: int, state: State, demand: str, chance: int) -> _Stream:
        text = state.view.written
        if self._stream is None or self._stream.text != text:
            self.pause()
            demand, left = demand if self._model.obeys else "", self._order.tokens - written
            order = replace(self._order, written=text, tokens=left, expression=demand, chance=chance)
            self.begun += 1
            self._stream = _Stream(self._model.chunks(order, self._cancelled), text, bool(demand))
        return self._stream

    def _checked(self, stream: _Stream, start: State) -> Reading:
        """What comes, as far as the guards let it."""
        reading = Reading(self._watch.ask(start), led=stream.led)
        while chunk := stream.peek():
            after = self._watch.after(reading.state, self._model.token(chunk.text))
            if isinstance(after, Refusal) or (chunk.is_end and not reading.state.may_end):
                reading.obstacle = chunk
                break
            if chunk.is_end:
                reading.steps.append(self._end())
                break
            reading.steps.append(self._step(chunk, reading.state, after))
            reading.chunks.append(chunk)
            reading.places.append(reading.state)
            stream.take(chunk)
            reading.state = self._watch.ask(after)
            if not is_naming(reading.state):
                break
            reading.names = True
        return reading

    def _step(self, chunk: Chunk, place: State, after: State, illegal: Sequence[str] = ()) -> Step:
        """A chunk as a step. Of the other tokens told of at its place it counts those that may stand there.

        What is told makes up most of the probability. Where names are written, the rest counts as illegal, else not.
        """
        token, end = self._model.token(chunk.text), len(after.view.written)
        if chunk.logprob is None:
            return Step(token, 0.0, token, 0.0, end)
        begun = any(isinstance(held.guard, Typed) for held in place.held)
        told = [each for each in chunk.others if not begun or self._may_stand(each[0], place)]
        legal = [each for each in told if each[0] not in illegal and _agrees(each[0], place)]
        own, others = math.exp(chunk.logprob), sum(math.exp(logprob) for _, logprob in legal)
        total = own + others
        if not begun and not is_naming(place):
            total = max(total, 1.0 - (sum(math.exp(logprob) for _, logprob in told) - others))
        text, second = max(legal, key=lambda each: each[1], default=(chunk.text, chunk.logprob))
        chance, second_chance = (min(logprob - math.log(total), 0.0) for logprob in (chunk.logprob, second))
        mass = 1.0 if begun else min(total, 1.0)
        return Step(token, chance, self._model.token(text), second_chance, end, mass)

    def _may_stand(self, text: str, place: State) -> bool:
        return isinstance(self._watch.after(place, self._model.token(text)), State)

    def _end(self) -> Step:
        """The end of what is written. It adds nothing to the text, so that its probability does not count."""
        end = min(self._model.ends)
        return Step(end, 0.0, end, 0.0, 0)


def is_naming(state: State) -> bool:
    """Whether one of some texts is being written and is not over."""
    return any(isinstance(held.guard, OneOf | AnyOf | Matching) for held in state.held)


def _agrees(text: str, state: State) -> bool:
    """Whether a text may come as far as what is held at a state tells."""
    return all(held.guard.after(text) is not None for held in state.held)
