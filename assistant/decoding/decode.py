"""Writes: token after token the most probable one, until the completion ends; and other candidates beside it."""

from __future__ import annotations

import codecs
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import NDArray

from assistant.decoding.stopping import Extent
from assistant.types import NEVER, Model

LATER_LINE = 0.6
"""What the tokens of a block's later lines must be as probable as, in the geometric mean, for the line to be kept."""


@dataclass(frozen=True, slots=True)
class Step:
    """One token with its log-probability in nats, the second best with its own, and where the text ends behind it."""

    token: int
    logprob: float
    second: int
    second_logprob: float
    end: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model wrote, step by step, and the text that is kept of it."""

    text: str
    steps: tuple[Step, ...] = ()

    @property
    def tokens(self) -> tuple[int, ...]:
        return tuple(step.token for step in self.steps)

    @property
    def logprob(self) -> float:
        """The mean over the tokens."""
        return _mean(self.steps)

    def confident(self, least: float = LATER_LINE) -> Draft:
        """Without its lines from the first on, other than its very first, that are less probable than `least`.

        A model that writes on about nothing should not spoil the lines that it was sure of.
        """
        start = len(self.text) - len(self.text.lstrip())
        while (newline := self.text.find("\n", start)) >= 0:
            end = self.text.find("\n", newline + 1)
            line = [step for step in self.steps if newline + 1 < step.end <= (end + 1 if end >= 0 else len(self.text))]
            if line and self.text[newline:end].strip() and _mean(line) < math.log(least):
                kept = tuple(step for step in self.steps if step.end <= newline + 1)
                return Draft(self.text[:newline].rstrip(), kept)
            start = newline + 1
        return self


def _mean(steps: Sequence[Step]) -> float:
    return sum(step.logprob for step in steps) / len(steps) if steps else 0.0


def decode(
    model: Model,
    prompt: Sequence[int],
    extent: Extent,
    cancelled: Event = NEVER,
    deadline: float = float("inf"),
    begun: Sequence[Step] = (),
) -> Draft:
    """Writes from a prompt, or goes on from steps that have `begun`. Raises Cancelled.

    At the `deadline`, a time of the monotonic clock, and where it is out of tokens, it keeps whole lines.
    """
    steps = list(begun)
    tokens = [*prompt, *(step.token for step in steps)]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(model.detokenize(tokens[len(prompt) :]))
    room = min(extent.tokens, model.context_length - len(prompt))
    while len(steps) < room and not _has_ended(steps, model):
        if (end := extent.end(text)) is not None:
            return Draft(text[:end], tuple(steps))
        if time.monotonic() > deadline:
            break
        logits = model.logits(tokens, 1, cancelled)[0]
        first, second = _best_two(logits)
        tokens.append(first[0])
        text += decoder.decode(model.detokenize(tokens[-1:]))
        steps.append(Step(*first, *second, len(text)))
    if not _has_ended(steps, model):
        text = text[: max(text.rfind("\n"), 0)]
    return Draft(text[: extent.end(text, finished=True)], tuple(steps))


def _has_ended(steps: Sequence[Step], model: Model) -> bool:
    return bool(steps) and steps[-1].token in model.ends


def alternatives(
    model: Model,
    prompt: Sequence[int],
    extent: Extent,
    first: Draft,
    count: int,
    cancelled: Event = NEVER,
    deadline: float = float("inf"),
) -> list[Draft]:
    """Up to `count` other drafts: each leaves the first one where a second choice was almost as probable."""
    forks = sorted(range(len(first.steps)), key=lambda fork: _loss(first.steps[fork]))
    drafts = []
    for fork in forks[:count]:
        step = first.steps[fork]
        if step.second in model.ends and fork == 0:
            continue
        text = len(
            model.detokenize([*(step.token for step in first.steps[:fork]), step.second]).decode("utf-8", "replace")
        )
        other = Step(step.second, step.second_logprob, step.token, step.logprob, text)
        drafts.append(decode(model, prompt, extent, cancelled, deadline, (*first.steps[:fork], other)))
    return drafts


def _loss(step: Step) -> float:
    """What the second choice costs, in nats."""
    return step.logprob - step.second_logprob


def _best_two(logits: NDArray[np.float32]) -> tuple[tuple[int, float], tuple[int, float]]:
    """The most probable token with its log-probability, and the second."""
    top = np.argpartition(logits, -2)[-2:]
    second, first = top[np.argsort(logits[top])]
    peak = logits[first]
    total = peak + np.log(np.exp(logits - peak).sum())
    return (int(first), float(peak - total)), (int(second), float(logits[second] - total))
