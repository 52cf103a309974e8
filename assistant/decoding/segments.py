"""Goes on as a text model writes: what it writes is checked as it comes, and asked for anew where it is wrong.

A model that others run shows no logits. So it writes freely while the monitors look on, and most of what it writes they
do not mind. Where they do, the writing is ended, and the model is asked to go on from there under an expression of what
is legal. One that does not take expressions is asked for its next best choice, or for draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Event

from assistant.decoding.choosing import PLACE, Path, Step
from assistant.decoding.expressions import behind, expression, typed
from assistant.decoding.watch import Held, Refusal, State, Watch
from assistant.errors import ServerError
from assistant.guards import AnyOf, Matching, OneOf, Typed
from assistant.types import NEVER, Chunk, Order, Ruling, TextModel

REQUESTS = 4
"""How often the model is asked for what comes next at one place."""

BEAM = 3
"""How many names are weighed against each other, as far as the model tells of them."""

DRAWS = 4
"""How many draws are looked at where a model neither takes expressions nor tells what else it might have written."""


@dataclass(slots=True)
class _Stream:
    """What is being written; `text` is what stands behind the prompt so far, `ahead` the chunk that comes next.

    `led` says that it was begun under an expression, and that nothing of it has been taken yet.
    """

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


@dataclass(slots=True)
class _Reading:
    """What was read from a state on: steps, and the state behind them; `obstacle` is a chunk that must not follow.

    `chunks` are those of the steps; `led` says that the model was under an expression, where they begin, and `names`
    that they begin a name.
    """

    state: State
    steps: list[Step] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    obstacle: Chunk | None = None
    led: bool = False
    names: bool = False

    @property
    def path(self) -> Path:
        return Path(tuple(self.steps), self.state)


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
            reading = self._read(len(written), state, demand)
            if reading.obstacle is None:
                return self._ruled(self._best(written, state, reading), state, refused)
            if reading.steps and not _is_within(reading.state):
                return self._ruled(reading.path, state, refused)
            refused.append(reading.obstacle.text)
            if path := self._best(written, state, reading):
                return self._ruled(path, state, refused)
            earlier, demand = demand, self._demanded(state, reading)
            if not self._model.obeys or demand in ("", earlier):
                break
            self.pause()
        return self._ruled(self._drawn(len(written), state), state, refused)

    def pause(self) -> None:
        """Ends what is being written."""
        self._stream = None  # the last to hold the chunks, which ends them

    def _read(self, written: int, start: State, demand: str, chance: int = 0) -> _Reading:
        """A chunk, or as many as a name has, behind so many tokens. Another server takes over from one that fails.

        It goes on with what is being written, or asks for it under a demand.
        """
        while True:
            try:
                return self._checked(self._at(written, start, demand, chance), start)
            except ServerError:
                self.pause()
                if not self._model.is_up:
                    raise

    def _at(self, written: int, state: State, demand: str, chance: int) -> _Stream:
        text = state.view.written
        if self._stream is None or self._stream.text != text:
            self.pause()
            demand, left = demand if self._model.obeys else "", self._order.tokens - written
            order = replace(self._order, written=text, tokens=left, expression=demand, chance=chance)
            self._stream = _Stream(self._model.chunks(order, self._cancelled), text, bool(demand))
        return self._stream

    def _checked(self, stream: _Stream, start: State) -> _Reading:
        """What comes, as far as the guards let it."""
        reading = _Reading(self._watch.ask(start), led=stream.led)
        while chunk := stream.peek():
            if chunk.is_end:
                if reading.state.may_end:
                    reading.steps.append(self._end())
                else:
                    reading.obstacle = chunk
                break
            after = self._watch.after(reading.state, self._model.token(chunk.text))
            if isinstance(after, Refusal):
                reading.obstacle = chunk
                break
            reading.steps.append(self._step(chunk, reading.state, after))
            reading.chunks.append(chunk)
            stream.take(chunk)
            reading.state = self._watch.ask(after)
            if not _is_within(reading.state):
                break
            reading.names = True
        return reading

    def _best(self, written: Sequence[int], start: State, reading: _Reading) -> Path | None:
        """What was read, or a name that is more probable as a whole, made of other tokens that the model tells of.

        Led token by token, a model may be forced to an improbable end, or to spell a name in tokens that it never uses.
        """
        own = [reading.path] if reading.steps and not reading.obstacle else []
        if own and not (reading.led and reading.names):
            return own[0]
        if reading.obstacle:
            place, chunk, before = reading.state, reading.obstacle, reading.steps
        elif reading.chunks:
            place, chunk, before = start, reading.chunks[0], list[Step]()
        else:
            return None
        legal = self._others(chunk, place)
        if not own and legal and not _is_within(legal[0].state):
            return Path((*before, *legal[0].steps), legal[0].state)
        names = [path for path in legal if _is_within(path.state)][: BEAM - len(own)]
        wholes = [self._whole(len(written) + len(before) + 1, path) for path in names]
        paths = [*own, *(Path((*before, *path.steps), path.state) for path in wholes if path)]
        return max(paths, key=_raw, default=None)

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

    def _others(self, chunk: Chunk, place: State) -> list[Path]:
        """Each of the other tokens at a place that may stand there, the most probable first."""
        if chunk.logprob is None:
            return []
        afters = {text: self._watch.after(place, self._model.token(text)) for text, _ in chunk.others}
        illegal = [text for text, after in afters.items() if isinstance(after, Refusal)]
        if isinstance(self._watch.after(place, self._model.token(chunk.text)), Refusal):
            illegal.append(chunk.text)
        told, found = ((chunk.text, chunk.logprob), *chunk.others), list[Path]()
        for text, logprob in chunk.others:
            if isinstance(after := afters[text], State):
                other = Chunk(text, logprob, tuple(each for each in told if each[0] != text))
                found.append(Path((self._step(other, place, after, *illegal),), self._watch.ask(after)))
        return found

    def _may_stand(self, text: str, place: State) -> bool:
        return isinstance(self._watch.after(place, self._model.token(text)), State)

    def _whole(self, written: int, begun: Path) -> Path | None:
        """A name that has been begun, with the rest of it; None if the model cannot be brought to write one."""
        state = self._watch.ask(begun.state)
        reading = self._read(written, state, self._held(state))
        if reading.obstacle or not reading.steps:
            return None if self._model.obeys else begun
        return Path((*begun.steps, *reading.steps), reading.state)

    def _drawn(self, written: int, state: State) -> Path | None:
        """The first of some draws that may stand there, from a model that tells of nothing else."""
        for chance in range(1, DRAWS + 1) if not self._model.tells else ():
            self.pause()
            reading = self._read(written, state, "", chance)
            if reading.steps and not reading.obstacle:
                self.pause()
                return reading.path
        return None

    def _demanded(self, start: State, reading: _Reading) -> str:
        """An expression that leads past an obstacle: of what is legal where the first of the guards minds it."""
        assert reading.obstacle
        text = reading.state.view.written[len(start.view.written) :] + reading.obstacle.text
        for index, asked in self._watch.looking_into(start, text):
            if index and any(held.guard.after(text[index:]) is None for held in asked):
                legal = expression([held.guard for held in asked])
                return behind(text[:index], legal) if legal else ""
        return self._held(start)

    def _step(self, chunk: Chunk, place: State, after: State, *illegal: str) -> Step:
        """A chunk as a step. Of the other tokens told of at its place it counts those that may stand there.

        What is told makes up most of the probability. Where names are written, the rest counts as illegal, else not.
        """
        token, end = self._model.token(chunk.text), len(after.view.written)
        if chunk.logprob is None:
            return Step(token, 0.0, token, 0.0, end)
        begun = next((held.guard for held in place.held if isinstance(held.guard, Typed)), None)
        told = [each for each in chunk.others if begun is None or self._may_stand(each[0], place)]
        legal = [each for each in told if each[0] not in illegal and _is_legal(each[0], place)]
        own, others = math.exp(chunk.logprob), sum(math.exp(logprob) for _, logprob in legal)
        total = own + others
        if begun is None and not _is_within(place):
            total = max(total, 1.0 - (sum(math.exp(logprob) for _, logprob in told) - others))
        base = total if begun else 1.0
        text, second = max(legal, key=lambda each: each[1], default=(chunk.text, chunk.logprob))
        chances = (min(logprob - math.log(total), 0.0) for logprob in (chunk.logprob, second))
        return Step(token, next(chances), self._model.token(text), next(chances), end, min(total / base, 1.0))

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


def _is_within(state: State) -> bool:
    """Whether one of some texts is being written and is not over."""
    return any(isinstance(held.guard, OneOf | AnyOf | Matching) for held in state.held)


def _raw(path: Path) -> float:
    """The log-probability of a path before anything was forbidden, in nats."""
    return sum(step.logprob + math.log(max(step.mass, 1e-30)) for step in path.steps)


def _is_legal(text: str, state: State) -> bool:
    """Whether a text may come as far as what is held at a state tells."""
    return all(_allows(held, text) for held in state.held)


def _allows(held: Held, text: str) -> bool:
    return held.guard.after(text) is not None
