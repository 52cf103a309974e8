"""Writes: token after token the most probable one that may stand there, until the end; and other candidates."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from threading import Event

from assistant.decoding.choosing import Chooser, Choosing, Step
from assistant.decoding.segments import Segments
from assistant.decoding.stopping import Extent
from assistant.decoding.streams import Streams
from assistant.decoding.watch import Held, Refusal, State, Watch
from assistant.guards import NoneOf, View
from assistant.types import NEVER, CompletionRequest, Model, Ruling, TextModel, writes_text

LATER_LINE = 0.6
"""What the tokens of a block's later lines must be as probable as, in the geometric mean, for the line to be kept."""

LEAST_MASS = 0.01
"""The share of the probability below which what the guards leave shows that the model was on a wrong way."""

GOOD = 0.3
"""How probable a second choice must be, against the first, for writing to go back to it."""

RETURNS = 2
"""How often one completion may go back to a second choice."""

WAYS = 2
"""How many places within a fault are tried until writing anew from one leads anywhere."""

ROUND = "error round"
"""Who forbids what has been refused, beside the monitors."""

_TYPED = re.compile(r" ?(?:\?\.|->|::|\.)?\w{0,64}\Z")


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model wrote, step by step, and the text that is kept of it.

    `typed` is how much of its beginning the user had typed; the text is without it. `abandoned` says why writing ended
    early, in a sentence, or is empty.
    """

    text: str
    steps: tuple[Step, ...] = ()
    typed: int = 0
    abandoned: str = ""

    @property
    def tokens(self) -> tuple[int, ...]:
        return tuple(step.token for step in self.steps)

    @property
    def logprob(self) -> float:
        """The mean over the tokens that add something to what was typed."""
        return _mean([step for step in self.steps if step.end > self.typed])

    @property
    def rulings(self) -> tuple[Ruling, ...]:
        return tuple(step.ruling for step in self.steps if step.ruling)

    def confident(self, least: float = LATER_LINE) -> Draft:
        """Without its lines from the first on, other than its very first, that are less probable than `least`.

        A model that writes on about nothing should not spoil the lines that it was sure of.
        """
        start = len(self.text) - len(self.text.lstrip())
        while (newline := self.text.find("\n", start)) >= 0:
            end = self.text.find("\n", newline + 1)
            last = end + 1 if end >= 0 else len(self.text)
            line = [step for step in self.steps if newline + 1 < step.end - self.typed <= last]
            if line and self.text[newline:end].strip() and _mean(line) < math.log(least):
                kept = tuple(step for step in self.steps if step.end - self.typed <= newline + 1)
                return replace(self, text=self.text[:newline].rstrip(), steps=kept)
            start = newline + 1
        return self


def _mean(steps: Sequence[Step]) -> float:
    return sum(step.logprob for step in steps) / len(steps) if steps else 0.0


def typed_before(request: CompletionRequest) -> str:
    """What stands before the cursor of a word, with the dot or blank before it: the model writes it anew.

    It knows words in whole tokens, most of which begin with a blank or dot; not the halves that a cursor leaves (token
    healing).
    """
    match = _TYPED.search(request.prefix[-80:])
    return match[0] if match else ""


def _choosing(
    model: Model | TextModel, prompt: tuple[int, ...], watch: Watch, tokens: int, line: bool, cancelled: Event
) -> Choosing:
    """How a model of its kind is brought to write at most so many tokens, in a `line` only those of one."""
    if writes_text(model):
        return Segments(model, watch, Streams(model, prompt, watch, tokens, line, cancelled))
    return Chooser(watch, lambda written: model.logits([*prompt, *written], 1, cancelled)[0])


class Writer:
    """Writes one completion from a prompt, under the eyes of a watch. `deadline` is a time of the monotonic clock.

    `tell` hears what has been written behind the cursor so far, after each step.
    """

    def __init__(
        self,
        model: Model | TextModel,
        prompt: Sequence[int],
        request: CompletionRequest,
        typed: str,
        extent: Extent,
        watch: Watch,
        cancelled: Event = NEVER,
        deadline: float = float("inf"),
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._model = model
        self._begin = View(request), typed
        self._extent = extent
        self.watch = watch
        self._deadline = deadline
        self._tell = tell
        self._room = min(extent.tokens, model.context_length - len(prompt))
        self._chooser = _choosing(model, tuple(prompt), watch, self._room, extent.block is None, cancelled)
        self._refused = frozenset[str]()

    def write(self, begun: Sequence[Step] = ()) -> Draft:
        """A draft, which goes on from steps that have `begun`. Raises Cancelled.

        At the deadline, and where it is out of tokens, it keeps whole lines.
        """
        steps, returns = list(begun), 0
        state = self._replayed(steps)
        abandoned = ""
        while not self._is_over(steps, state):
            self.watch.foresee(state)
            path = self._chooser.next(_tokens(steps), state)
            if path and (self._is_asked_for(state) or math.prod(step.mass for step in path.steps) >= LEAST_MASS):
                steps += path.steps
                state = path.state
                self._tell(self._text(state) or "")
                continue
            if returns < RETURNS and (earlier := self._turned_back(steps)):
                returns += 1
                steps, state = earlier
                continue
            abandoned = "Nothing that may stand here is at all probable."
            break
        self._chooser.pause()
        if time.monotonic() > self._deadline and not self._has_ended(steps):
            abandoned = "The machine was too slow: it did not get to the end of the line in time."
        return self._draft(steps, state, abandoned)

    def others(self, first: Draft, count: int) -> list[Draft]:
        """Up to `count` other drafts: each leaves the first one where a second choice was almost as probable."""
        forks = [fork for fork, step in enumerate(first.steps) if step.second != step.token]
        forks.sort(key=lambda fork: _loss(first.steps[fork]))
        return [self.write(taken) for fork in forks[:count] if (taken := self._taken(first.steps, fork))]

    def mended(self, draft: Draft, fault: range) -> Draft | None:
        """A draft written anew from a stretch of its text on, where the second choice was closest; None without one.

        What it turns away from is not written again, however often drafts are mended: from now on nothing begins like
        this one up to the end of the token that was chosen there.
        """
        refused = self._refused
        for fork in _forks_within(draft, fault)[:WAYS]:
            if time.monotonic() > self._deadline:
                break
            self._refused = refused | {self._begin[1] + draft.text[: draft.steps[fork].end - draft.typed]}
            way = self._other_way(draft.steps[:fork])
            if way and (mended := self.write(way)).text.strip():
                return mended
        self._refused = refused
        return None

    def has_refused(self, draft: Draft) -> bool:
        """Whether a draft begins like one that has been mended, up to where that turned away."""
        return (self._begin[1] + draft.text).startswith(tuple(self._refused))

    def _is_over(self, steps: Sequence[Step], state: State) -> bool:
        text = self._text(state)
        return (
            len(steps) >= self._room
            or self._has_ended(steps)
            or (text is not None and self._extent.end(text) is not None)
            or time.monotonic() > self._deadline
        )

    def _is_asked_for(self, state: State) -> bool:
        """Whether the user has typed what leads here: what may follow is then right, however improbable it was."""
        return len(state.view.written) <= len(self._begin[1])

    def _has_ended(self, steps: Sequence[Step]) -> bool:
        return bool(steps) and steps[-1].token in self._model.ends

    def _text(self, state: State) -> str | None:
        """What has been written behind the cursor; None before it is reached."""
        _, typed = self._begin
        written = state.view.written
        return written[len(typed) :] if len(written) >= len(typed) else None

    def _draft(self, steps: list[Step], state: State, abandoned: str) -> Draft:
        text = self._text(state) or ""
        end = self._extent.end(text)
        if end is None and not self._has_ended(steps):
            text = text[: max(text.rfind("\n"), 0)]
        if end is None:
            end = self._extent.end(text, finished=True)
        return Draft(text[:end], tuple(steps), len(self._begin[1]), abandoned)

    def _turned_back(self, steps: Sequence[Step]) -> tuple[list[Step], State] | None:
        """The steps up to the last place where the model had another good way, with that way taken."""
        for fork in range(len(steps) - 1, -1, -1):
            if -_loss(steps[fork]) >= math.log(GOOD) and (taken := self._taken(steps, fork)):
                return list(taken), self._replayed(taken)
        return None

    def _taken(self, steps: Sequence[Step], fork: int) -> tuple[Step, ...]:
        """Steps up to a fork, and its second choice, from which no way leads back; none if it may not be taken."""
        before, step = tuple(steps[:fork]), steps[fork]
        if step.second == step.token or (step.second in self._model.ends and self._is_blank(before)):
            return ()
        after = self.watch.after(self.watch.ask(self._replayed(before)), step.second)
        if isinstance(after, Refusal):
            return ()
        end = len(after.view.written)
        return (*before, replace(step, token=step.second, logprob=step.second_logprob, end=end, ruling=None))

    def _other_way(self, before: Sequence[Step]) -> tuple[Step, ...]:
        """Steps, and behind them the most probable ones that are not refused; none if that leaves nothing.

        The first of these has the probability that it had before anything was refused.
        """
        path = self._chooser.next(_tokens(before), self._replayed(before))
        if path is None or (path.steps[0].token in self._model.ends and self._is_blank(before)):
            return ()
        first, *others = path.steps
        share = math.log(first.mass)
        first = replace(first, logprob=first.logprob + share, second_logprob=first.second_logprob + share)
        return (*before, first, *others)

    def _is_blank(self, steps: Sequence[Step]) -> bool:
        """Whether steps write no more than the user has typed."""
        return not steps or steps[-1].end <= len(self._begin[1])

    def _replayed(self, steps: Sequence[Step]) -> State:
        """The state behind steps that have been taken before."""
        state = self.watch.begin(*self._begin)
        if self._refused:
            state = replace(state, held=(*state.held, Held(ROUND, NoneOf(self._refused))))
        for step in steps:
            if step.token in self._model.ends:
                break
            after = self.watch.after(self.watch.ask(state), step.token)
            if isinstance(after, Refusal):
                break
            state = after
        return state


def _forks_within(draft: Draft, stretch: range) -> list[int]:
    """The steps that write something of a stretch of a draft's text and had another choice, the closest one first."""
    ends = [0, *(step.end - draft.typed for step in draft.steps)]
    forks = [
        fork
        for fork, (begin, end) in enumerate(pairwise(ends))
        if begin < end and begin < stretch.stop and end > stretch.start
    ]
    forks = [fork for fork in forks if draft.steps[fork].second != draft.steps[fork].token]
    return sorted(forks, key=lambda fork: _loss(draft.steps[fork]))


def _tokens(steps: Sequence[Step]) -> tuple[int, ...]:
    return tuple(step.token for step in steps)


def _loss(step: Step) -> float:
    """What the second choice costs, in nats."""
    return step.logprob - step.second_logprob
