"""Goes on as a text model writes: what it writes is checked as it comes, and asked for anew where it is wrong.

A model that others run shows no logits. So it writes freely while the monitors look on, and most of what it writes they
do not mind. Where they do, the writing is ended, and the model is asked to go on from there under an expression of what
is legal. One that does not take expressions is asked for its next best choice, or for draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event

from assistant.decoding.choosing import PLACE, Path, Step
from assistant.decoding.expressions import behind, expression, typed
from assistant.decoding.watch import Held, Refusal, State, Watch
from assistant.errors import ServerError
from assistant.guards import AnyOf, Matching, OneOf, Typed
from assistant.types import NEVER, Chunk, Order, Ruling, TextModel

REQUESTS = 4
"""How often the model is asked for what comes next at one place."""

DRAWS = 4
"""How many draws are looked at where a model neither takes expressions nor tells what else it might have written."""


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """Where what is written may not go on: the steps up to there, the state behind them, and the chunk in the way."""

    steps: tuple[Step, ...]
    state: State
    chunk: Chunk


@dataclass(slots=True)
class _Stream:
    """What is being written; `text` is what stands behind the prompt so far, `ahead` the chunk that comes next."""

    chunks: Iterator[Chunk]
    text: str
    ahead: Chunk | None = None

    def peek(self) -> Chunk | None:
        """The chunk that comes next; None if the model was not to write more."""
        if self.ahead is None:
            self.ahead = next(self.chunks, None)
        return self.ahead

    def take(self, chunk: Chunk) -> None:
        self.text += chunk.text
        self.ahead = None


class Segments:
    """Chooses what is written next behind a prompt. `tokens` is how many there may be, `line` that they end with it."""

    def __init__(
        self, model: TextModel, prompt: Sequence[int], watch: Watch, tokens: int, line: bool, cancelled: Event = NEVER
    ) -> None:
        self._model = model
        self._order = Order(tuple(prompt), "", tokens, line=line)
        self._watch = watch
        self._cancelled = cancelled
        self._stream: _Stream | None = None

    def next(self, written: Sequence[int], state: State) -> Path | None:
        """What the model writes next, a chunk or a whole name. None where nothing may follow."""
        state = self._watch.ask(state)
        if not self._model.obeys and (path := self._retyped(state)):
            return path
        demand, refused = self._held(state), list[str]()
        for _ in range(REQUESTS):
            found = self._found(written, state, demand)
            if isinstance(found, Path):
                return self._ruled(found, state, refused)
            if found is None:
                return None
            if found.steps and not self._is_within(found.state):
                return self._ruled(Path(found.steps, found.state), state, refused)
            refused.append(found.chunk.text)
            earlier, demand = demand, self._demanded(state, found)
            if not self._model.obeys or demand in ("", earlier):
                return self._ruled(self._otherwise(written, state, found), state, refused)
            self.pause()
        return None

    def pause(self) -> None:
        """Ends what is being written."""
        self._stream = None  # the last to hold the chunks, which ends them

    def _found(self, written: Sequence[int], state: State, demand: str) -> Path | _Obstacle | None:
        """What the model writes; under the demand, if it is asked anew. Another server takes over from one that fails.

        None if it writes nothing.
        """
        while True:
            try:
                return self._read(self._at(written, state, demand), state)
            except ServerError:
                self.pause()
                if not self._model.is_up:
                    raise

    def _at(self, written: Sequence[int], state: State, demand: str, chance: int = 0) -> _Stream:
        """What is being written at a state: it goes on, or begins."""
        text = state.view.written
        if self._stream is None or self._stream.text != text:
            self.pause()
            tokens = self._order.tokens - len(written)
            order = replace(self._order, written=text, tokens=tokens, expression=demand, chance=chance)
            self._stream = _Stream(self._model.chunks(order, self._cancelled), text)
        return self._stream

    def _read(self, stream: _Stream, start: State) -> Path | _Obstacle | None:
        """A chunk, or as many as a name has; nothing is taken back of them."""
        steps, state = list[Step](), start
        while chunk := stream.peek():
            state = self._watch.ask(state)
            if chunk.is_end:
                if not state.may_end:
                    return _Obstacle(tuple(steps), state, chunk)
                steps.append(self._end())
                return Path(tuple(steps), state)
            after = self._watch.after(state, self._model.token(chunk.text))
            if isinstance(after, Refusal):
                return _Obstacle(tuple(steps), state, chunk)
            steps.append(self._step(chunk, state, after))
            stream.take(chunk)
            state = after
            if not self._is_within(state):
                break
        return Path(tuple(steps), state) if steps else None

    def _is_within(self, state: State) -> bool:
        """Whether one of some texts is being written and is not over."""
        return any(isinstance(held.guard, OneOf | AnyOf | Matching) for held in state.held)

    def _retyped(self, state: State) -> Path | None:
        """What the user has typed, as it is, for a model that cannot be made to write it anew."""
        text = next((held.guard.text for held in state.held if isinstance(held.guard, Typed)), "")
        token = self._model.token(text)
        after = self._watch.after(state, token) if text else None
        if not isinstance(after, State):
            return None
        return Path((Step(token, 0.0, token, 0.0, len(after.view.written)),), after)

    def _held(self, state: State) -> str:
        """An expression of what is legal at a state; empty if all is, or it cannot be said."""
        text = next((held.guard.text for held in state.held if isinstance(held.guard, Typed)), "")
        if not text:
            return expression([held.guard for held in state.held])
        after = self._watch.after(state, self._model.token(text))
        return typed(text, self._held(self._watch.ask(after)) if isinstance(after, State) else "")

    def _demanded(self, start: State, obstacle: _Obstacle) -> str:
        """An expression that leads past an obstacle: of what is legal where the first of the guards minds it."""
        text = obstacle.state.view.written[len(start.view.written) :] + obstacle.chunk.text
        for index, asked in self._watch.looking_into(start, text):
            if index and any(held.guard.after(text[index:]) is None for held in asked):
                legal = expression([held.guard for held in asked])
                return behind(text[:index], legal) if legal else ""
        return self._held(start)

    def _otherwise(self, written: Sequence[int], start: State, obstacle: _Obstacle) -> Path | None:
        """The most probable of the other tokens at an obstacle that may stand there."""
        self.pause()
        if obstacle.chunk.logprob is None:
            return self._drawn(written, start)
        for text, logprob in obstacle.chunk.others:
            after = self._watch.after(obstacle.state, self._model.token(text)) if text else None
            if isinstance(after, State):
                others = ((obstacle.chunk.text, obstacle.chunk.logprob), *obstacle.chunk.others)
                chunk = Chunk(text, logprob, tuple(each for each in others if each[0] != text))
                return Path((*obstacle.steps, self._step(chunk, obstacle.state, after)), after)
        return None

    def _drawn(self, written: Sequence[int], state: State) -> Path | None:
        """The first of some draws that may stand there."""
        for chance in range(1, DRAWS + 1):
            found = self._read(self._at(written, state, "", chance), state)
            self.pause()
            if isinstance(found, Path):
                return found
        return None

    def _step(self, chunk: Chunk, before: State, after: State) -> Step:
        """A chunk as a step. Of the tokens that might have come instead, it counts those that the guards allow."""
        token, end = self._model.token(chunk.text), len(after.view.written)
        if chunk.logprob is None:
            return Step(token, 0.0, token, 0.0, end)
        legal = [(text, logprob) for text, logprob in chunk.others if text and _is_legal(text, before)]
        mass = self._mass(chunk, before, sum(math.exp(logprob) for _, logprob in legal))
        text, logprob = max(legal, key=lambda each: each[1], default=(chunk.text, chunk.logprob))
        log_mass = math.log(max(mass, 1e-30))
        own, second = min(chunk.logprob - log_mass, 0.0), min(logprob - log_mass, 0.0)
        return Step(token, own, self._model.token(text), second, end, mass)

    def _mass(self, chunk: Chunk, before: State, legal: float) -> float:
        """The share of the probability that is legal, as far as it is known: that of the unlikely tokens is not."""
        if not before.held:
            return 1.0
        own = math.exp(chunk.logprob or 0.0)
        if any(isinstance(held.guard, Typed) for held in before.held):
            return 1.0 if legal == 0.0 else min(own + legal, 1.0)
        if self._is_within(before):
            return min(own + legal, 1.0)
        all_told = sum(math.exp(logprob) for text, logprob in chunk.others if text)
        return min(max(1.0 - (all_told - legal), own), 1.0)

    def _end(self) -> Step:
        """The end of what is written. It adds nothing to the text, so that its probability does not count."""
        end = min(self._model.ends)
        return Step(end, 0.0, end, 0.0, 0)

    def _ruled(self, path: Path | None, start: State, refused: Sequence[str]) -> Path | None:
        """A path that tells at its first step what the guards have made of this place."""
        if path is None or not path.steps:
            return path
        text = path.state.view.written[len(start.view.written) :]
        held = [each for _, asked in self._watch.looking_into(start, text + "\0") for each in asked]
        counted = [each for each in held if each.legal is not None]
        monitors = {each.monitor for each in counted} | set(self._objecting(start, refused))
        if not monitors - {""}:
            return path
        first, *others = path.steps
        legal = min((each.legal for each in counted if each.legal is not None), default=None)
        mass = math.prod(step.mass for step in path.steps)
        ruling = Ruling(tuple(sorted(monitors - {""})), start.view.line[-PLACE:], legal, mass, tuple(refused), text)
        return Path((replace(first, ruling=ruling), *others), path.state)

    def _objecting(self, start: State, refused: Sequence[str]) -> Iterator[str]:
        """The monitors that minded what has been refused."""
        for text in refused:
            for index, asked in self._watch.looking_into(start, text):
                yield from (held.monitor for held in asked if held.guard.after(text[index:]) is None)


def _is_legal(text: str, state: State) -> bool:
    """Whether a text may come as far as what is held at a state tells."""
    return all(_allows(held, text) for held in state.held)


def _allows(held: Held, text: str) -> bool:
    return held.guard.after(text) is not None
