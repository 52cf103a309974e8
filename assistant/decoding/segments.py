"""Goes on as a text model writes: what it writes is checked as it comes, and asked for anew where it is wrong.

A model that others run shows no logits. So it writes freely while the monitors look on, and most of what it writes they
do not mind. Where they do, the next best of the tokens that it tells of is taken; else it is asked to go on from there
under an expression of what is legal; and one that does neither, for draws.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assistant.decoding.choosing import PLACE, Path, Step
from assistant.decoding.expressions import behind, expression, typed
from assistant.decoding.streams import Reading, Streams, is_naming
from assistant.decoding.watch import State, Watch
from assistant.guards import Guard, NoneOf, Typed
from assistant.types import Ruling, TextModel

REQUESTS = 4
"""How often the model is asked for what comes next at one place."""

MOST = 12
"""How often the model is asked until one completion is given up."""

BEAM = 3
"""How many names are weighed against each other."""

IMPROBABLE = 0.01
"""The probability, before anything was forbidden, below which a name is weighed against others."""

DRAWS = 4
"""How many draws are looked at where a model neither takes expressions nor tells what else it might have written."""

_NAME = re.compile(r"\w+")


class Segments:
    """Chooses what is written next of what a text model writes."""

    def __init__(self, model: TextModel, watch: Watch, streams: Streams) -> None:
        self._model = model
        self._watch = watch
        self._streams = streams

    def next(self, written: Sequence[int], state: State) -> Path | None:
        """What the model writes next, a chunk or a whole name. None where nothing may follow."""
        state, count = self._watch.ask(state), len(written)
        demand, refused = self._first(state), list[str]()
        for _ in range(REQUESTS if self._streams.begun < MOST else 0):
            reading = self._streams.read(count, state, demand)
            if reading.obstacle is None:
                return self._ruled(self._weighed(count, state, reading), state, refused)
            if reading.steps and not is_naming(reading.state):
                return self._ruled(Path(tuple(reading.steps), reading.state), state, refused)
            refused.append(reading.obstacle.text)
            if path := self._instead(count, state, reading):
                return self._ruled(path, state, refused)
            earlier, demand = demand, self._past(state, reading)
            if not self._model.obeys or demand in ("", earlier):
                break
            self._streams.pause()
        return self._retyped(state) or self._ruled(self._drawn(count, state), state, refused)

    def pause(self) -> None:
        """Ends what is being written. The next completion may take as many requests again."""
        self._streams.pause()
        self._streams.begun = 0

    def _retyped(self, state: State) -> Path | None:
        """What the user has typed, as it is, for a model that cannot be made to write it anew."""
        text, after = self._begun(state)
        token = self._model.token(text)
        return Path((Step(token, 0.0, token, 0.0, len(after.view.written)),), after) if text else None

    def _begun(self, state: State) -> tuple[str, State]:
        """What has been typed and must come next, and the state behind it."""
        text = next((held.guard.text for held in state.held if isinstance(held.guard, Typed)), "")
        after = self._watch.after(state, self._model.token(text)) if text else state
        return (text, self._watch.ask(after)) if isinstance(after, State) else ("", state)

    def _first(self, state: State) -> str:
        """What is demanded before anything is refused: what has been typed, and a name if one is to follow.

        Other guards hold mostly by themselves, and an expression costs a server some time.
        """
        text, after = self._begun(state)
        if is_naming(after):
            return self._demand(state)
        return typed(text, "") if text else ""

    def _demand(self, state: State, *more: Guard) -> str:
        """An expression of what is legal at a state; empty if all is, or it cannot be said."""
        text, after = self._begun(state)
        legal = expression([*(held.guard for held in after.held), *more])
        return typed(text, legal) if text else legal

    def _past(self, start: State, reading: Reading) -> str:
        """An expression that leads past an obstacle: of what is legal where the first of the guards minds it."""
        assert reading.obstacle
        text = reading.state.view.written[len(start.view.written) :] + reading.obstacle.text
        for index, asked in self._watch.looking_into(start, text):
            if index and any(held.guard.after(text[index:]) is None for held in asked):
                legal = expression([held.guard for held in asked])
                return behind(text[:index], legal) if legal else ""
        return self._demand(start)

    def _instead(self, written: int, start: State, reading: Reading) -> Path | None:
        """What stands at an obstacle instead, of the tokens that the model tells of: the best one, or the best name."""
        assert reading.obstacle
        others = self._streams.others(reading.obstacle, reading.state)
        best = others[0] if others else None
        if best and is_naming(best.state):
            names = [path for path in others if is_naming(path.state)]
            best = self._best_name(written + len(reading.steps), start, names, None)
        return best and Path((*reading.steps, *best.steps), best.state)

    def _weighed(self, written: int, start: State, reading: Reading) -> Path | None:
        """What was read, or a name that is more probable as a whole.

        Led token by token, a model may be forced to an improbable end, or to spell a name in tokens that it never uses.
        """
        own = reading.path
        if own is None or not reading.names or not (reading.led or self._prior(start, own)):
            return own
        best = self._best_name(written, start, self._forks(reading), own)
        for _ in range(BEAM - 1):
            if best is None or _chance(best) > math.log(IMPROBABLE):
                break
            best = self._best_name(written, start, self._apart(written, start, [own, best]), best)
        return best

    def _forks(self, reading: Reading) -> list[Path]:
        """Where other tokens lead that might have stood in a name, the most probable first."""
        found = list[Path]()
        for count, (chunk, place) in enumerate(zip(reading.chunks, reading.places, strict=True)):
            for other in self._streams.others(chunk, place):
                if count or is_naming(other.state):
                    found.append(Path((*reading.steps[:count], *other.steps), other.state))
        return sorted(found, key=_chance, reverse=True)

    def _apart(self, written: int, start: State, known: Sequence[Path]) -> list[Path]:
        """A name that the model writes where it is led to none of those that are known."""
        _, after = self._begun(start)
        names = [_NAME.match(path.state.view.written, len(after.view.written)) for path in known]
        without = NoneOf(frozenset(name[0] for name in names if name))
        if not without.texts or not expression([*(held.guard for held in after.held), without]):
            return []
        self._streams.pause()
        path = self._streams.read(written, start, self._demand(start, without)).path
        return [path] if path else []

    def _best_name(self, written: int, start: State, begun: Sequence[Path], best: Path | None) -> Path | None:
        """The best of names that are begun, the most probable first, and one that is whole; each is led to its end.

        The rest of a name makes it less probable: what is so from the beginning is not led to its end.
        """
        for path in begun[:BEAM]:
            worth = self._worth(start, best) if best else -math.inf
            if _chance(path) <= worth:
                break
            whole = self._whole(written + len(path.steps), path)
            if whole and self._worth(start, whole) > worth:
                best = whole
        return best

    def _whole(self, written: int, begun: Path) -> Path | None:
        """A name that has been begun, up to its end; as it is where the model cannot be led."""
        if not is_naming(begun.state):
            return begun
        rest = self._streams.read(written, begun.state, self._demand(begun.state)).path
        if rest:
            return Path((*begun.steps, *rest.steps), rest.state)
        return None if self._model.obeys else begun

    def _worth(self, start: State, path: Path) -> float:
        """What paths from a state are compared by: what the model thinks of them, and what the priors do."""
        return _chance(path) + self._prior(start, path)

    def _prior(self, start: State, path: Path) -> float:
        """Nats that the priors add to the last member that a path writes."""
        text = path.state.view.written[len(start.view.written) :]
        dot = text.rfind(".") + 1
        before = State(start.view.on(text[:dot])) if dot else start
        return self._watch.weight(before, path.state)

    def _drawn(self, written: int, state: State) -> Path | None:
        """The first of some draws that may stand there, from a model that tells of nothing else."""
        found = None
        for chance in range(1, DRAWS + 1) if not self._model.tells else ():
            self._streams.pause()
            if found := self._streams.read(written, state, "", chance).path:
                break
        self._streams.pause()
        return found

    def _ruled(self, path: Path | None, start: State, refused: Sequence[str]) -> Path | None:
        """A path that tells at its first step what the guards have made of this place."""
        if path is None:
            return None
        text = path.state.view.written[len(start.view.written) :]
        held = [each for _, asked in self._watch.looking_into(start, text + "\0") for each in asked]
        counts = [each.legal for each in held if each.legal is not None]
        monitors = {each.monitor for each in held if each.legal is not None} | set(self._objecting(start, refused))
        if not monitors - {""}:
            return path
        first, *others = path.steps
        mass = math.prod(step.mass for step in path.steps)
        place, names = start.view.line[-PLACE:], tuple(sorted(monitors - {""}))
        ruling = Ruling(names, place, min(counts, default=None), mass, tuple(refused), text)
        return Path((replace(first, ruling=ruling), *others), path.state)

    def _objecting(self, start: State, refused: Sequence[str]) -> Iterator[str]:
        """The monitors that minded what has been refused."""
        for text in refused:
            for index, asked in self._watch.looking_into(start, text):
                yield from (held.monitor for held in asked if held.guard.after(text[index:]) is None)


def _chance(path: Path) -> float:
    """The log-probability of a path before anything was forbidden, in nats."""
    return sum(step.logprob + math.log(max(step.mass, 1e-30)) for step in path.steps)
