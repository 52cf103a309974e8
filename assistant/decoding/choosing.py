"""Chooses what is written next: the most probable token that every guard allows, or a name as a whole.

Masking token by token can force an improbable end on a probable beginning: `host` was wanted, `hostName` is all there
is. So among finitely many names the one is chosen that is most probable as a whole, with what ends it, by best-first
search over the tokens that spell them.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.decoding.watch import Refusal, State, Watch
from assistant.guards import Typed
from assistant.types import Ruling

BEAM = 4
"""How many ways to go on are looked at from one place."""

EXPANSIONS = 8
"""How often the model may be asked for one name."""

HOPELESS = 0.01
"""A whole name that is so much less probable than the beginning of another one is not taken in its place."""

TRIES = 64
"""How many tokens may be refused one after the other before nothing is found."""

PLACE = 40
"""Code points of the line that a ruling shows."""

Row = NDArray[np.float32]
Rows = Callable[[Sequence[int]], Row]
"""The scores behind the prompt and these tokens."""


@dataclass(frozen=True, slots=True)
class Step:
    """One token with its log-probability in nats, the second best with its own, and where the text ends behind it.

    Both log-probabilities are those among the tokens that the guards allow, whose share of all is `mass`.
    """

    token: int
    logprob: float
    second: int
    second_logprob: float
    end: int
    mass: float = 1.0
    ruling: Ruling | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """Steps, and the state behind them."""

    steps: tuple[Step, ...]
    state: State

    @property
    def tokens(self) -> tuple[int, ...]:
        return tuple(step.token for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A way to go on: a token, its log-probability among those allowed, the state behind it, and what led to it.

    The `second` is the next best token, which has not been looked into.
    """

    token: int
    logprob: float
    second: int
    second_logprob: float
    state: State
    mass: float
    ruling: Ruling | None


class Choosing(Protocol):
    """A way to choose what is written next, under the eyes of a watch."""

    def next(self, written: Sequence[int], state: State) -> Path | None:
        """What comes behind these tokens, which have led to a state. None where nothing may follow."""

    def pause(self) -> None:
        """Says that nothing more is asked for now."""


class Chooser:
    """Chooses by the scores of all tokens."""

    def __init__(self, watch: Watch, rows: Rows) -> None:
        self.watch = watch
        self._rows = rows
        self._ends = np.array(sorted(watch.ends), np.intp)

    def next(self, written: Sequence[int], state: State) -> Path | None:
        """What to write next: a token, or those that spell a name and one behind it. None where nothing may follow."""
        choices = self._choices(self._rows(written), self.watch.ask(state))
        first = next(choices, None)
        if first is None:
            return None
        if not first.state.is_naming:
            return Path((_step(first),), first.state)
        return self._name(written, [first, *itertools.islice(choices, BEAM - 1)])

    def pause(self) -> None:
        """Nothing is under way between two calls."""

    def _name(self, written: Sequence[int], found: Sequence[_Choice]) -> Path:
        """The name that is most probable as a whole. Only what begins one is compared."""
        order = itertools.count()
        queue: list[tuple[float, int, bool, Path]] = []
        for choice in found:
            if choice.state.is_naming:
                heapq.heappush(queue, (-choice.logprob, next(order), False, Path((_step(choice),), choice.state)))
        best = queue[0][3]
        for _ in range(EXPANSIONS):
            if not queue:
                break
            cost, _, is_whole, best = heapq.heappop(queue)
            if is_whole:
                return _ruled_once(best)
            choices = self._choices(self._rows((*written, *best.tokens)), self.watch.ask(best.state))
            for choice, logprob, is_end in _ways_on(list(itertools.islice(choices, BEAM)), best.state):
                longer = Path((*best.steps, _step(choice)), choice.state)
                weight = self.watch.weight(best.state, choice.state) if is_end else 0.0
                heapq.heappush(queue, (cost - logprob - weight, next(order), is_end, longer))
        whole = [entry for entry in queue if entry[2] and math.exp(-entry[0]) >= HOPELESS * math.exp(-cost)]
        return _ruled_once(min(whole)[3] if whole else best)

    def _choices(self, row: Row, state: State) -> Iterator[_Choice]:
        """The ways to go on that every guard allows, the most probable first."""
        scores, peak = self._masked(row, state), float(row.max())
        total = float(np.exp(scores - peak).sum())
        base = self._base(row, state, peak) if state.held else total
        refused: dict[str, str] = {}
        for _ in range(TRIES):
            token = int(scores.argmax())
            if scores[token] == -np.inf:
                return
            after = self._after(state, token)
            if isinstance(after, Refusal):
                refused.setdefault(after.text, after.monitor)
                banned = self._banned(after, token)
                total = max(total - float(np.exp(scores[banned] - peak).sum()), 1e-30)
                scores[banned] = -np.inf
                continue
            mass, log_total = min(total / base, 1.0), math.log(total)
            logprob = min(float(scores[token]) - peak - log_total, 0.0)
            scores[token] = -np.inf
            second = int(scores.argmax())
            if scores[second] == -np.inf:
                second = token
            second_logprob = min(float(row[second]) - peak - log_total, 0.0)
            ruling = self._ruling(state, after, mass, refused, row)
            yield _Choice(token, logprob, second, second_logprob, after, mass, ruling)

    def _masked(self, row: Row, state: State) -> Row:
        allowed = self.watch.allowed(state)
        if allowed is None:
            scores = row.copy()
        else:
            scores = np.full_like(row, -np.inf)
            scores[allowed] = row[allowed]
        scores[self._ends] = row[self._ends] if state.may_end else -np.inf
        return scores

    def _base(self, row: Row, state: State, peak: float) -> float:
        """The mass that guards are measured against: what agrees with the text that the user has typed."""
        for held in state.held:
            if isinstance(held.guard, Typed):
                ids = self.watch.ids(held.guard, b"", state.pending)
                return max(float(np.exp(row[ids] - peak).sum()), 1e-30)
        return float(np.exp(row - peak).sum())

    def _after(self, state: State, token: int) -> State | Refusal:
        return State(state.view, asked=True) if token in self.watch.ends else self.watch.after(state, token)

    def _banned(self, refusal: Refusal, token: int) -> NDArray[np.intp]:
        """What is refused with a token: all tokens with its beginning that the guard does not allow either."""
        if not refusal.head or (allowed := self.watch.ids(refusal.guard, refusal.head)) is None:
            return np.array([token])
        group = np.setdiff1d(self.watch.vocabulary.beginning_with(refusal.head), allowed)
        pieces = self.watch.vocabulary.pieces
        return np.array([other for other in group.tolist() if len(pieces[other]) > len(refusal.head)], np.intp)

    def _ruling(self, state: State, after: State, mass: float, refused: dict[str, str], row: Row) -> Ruling | None:
        """What the guards have changed here, or how many texts they left; None if they did neither."""
        counted = [held for held in (*state.held, *after.held) if held.legal is not None]
        monitors = {held.monitor for held in counted} | {monitor for monitor in refused.values() if monitor}
        if not monitors:
            return None
        counts = [held.legal for held in counted if held.legal is not None]
        written = after.view.written[len(state.view.written) :]
        wish = self.watch.vocabulary.pieces[int(row.argmax())].decode("utf-8", "replace")
        texts = tuple(refused) or ((wish,) if mass < 1 and wish not in ("", written) else ())
        return Ruling(
            tuple(sorted(monitors)), state.view.line[-PLACE:], min(counts, default=None), mass, texts, written
        )


def _ways_on(choices: Sequence[_Choice], before: State) -> Iterator[tuple[_Choice, float, bool]]:
    """The choices that go on with a name, and the best of those that end it, with the log-probability, and whether.

    Names compete by what the model thought of them before anything was masked. All that may follow a complete name
    speaks for it, so its end has the probability that going on does not have.
    """
    chances = [math.exp(choice.logprob) * choice.mass for choice in choices]
    going_on = sum(chance for chance, choice in zip(chances, choices, strict=True) if choice.state.is_naming)
    ended = False
    for chance, choice in zip(chances, choices, strict=True):
        if choice.state.is_naming:
            yield choice, _log(chance), False
        elif not ended:
            ended = True
            yield choice, _log(choice.mass - going_on if before.may_end else chance), True


def _log(chance: float) -> float:
    return math.log(max(chance, 1e-12))


def _step(choice: _Choice) -> Step:
    end = len(choice.state.view.written)
    second = choice.second, choice.second_logprob
    return Step(choice.token, choice.logprob, *second, end, choice.mass, choice.ruling)


def _ruled_once(path: Path) -> Path:
    """A path that tells of the name that it spells in one ruling, at its first step."""
    rulings = [step.ruling for step in path.steps if step.ruling]
    if not rulings:
        return path
    together = Ruling(
        tuple(dict.fromkeys(name for ruling in rulings for name in ruling.monitors)),
        rulings[0].place,
        max((ruling.legal for ruling in rulings if ruling.legal is not None), default=None),
        math.prod(ruling.mass for ruling in rulings),
        tuple(text for ruling in rulings for text in ruling.refused),
        "".join(ruling.written for ruling in rulings),
    )
    first, *others = path.steps
    return Path((replace(first, ruling=together), *(replace(step, ruling=None) for step in others)), path.state)
