"""Writes: token after token the most probable one, until the completion ends; and other candidates beside it."""

from __future__ import annotations

import codecs
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

import numpy as np
from numpy.typing import NDArray

from assistant.decoding.stopping import Extent
from assistant.types import NEVER, Model


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model wrote: `tokens` with their log-probabilities in nats, and the text that is kept of it.

    `seconds` are the second choices: for each token, the next best and its log-probability.
    """

    text: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    seconds: tuple[tuple[int, float], ...]

    @property
    def logprob(self) -> float:
        """The mean over the tokens."""
        return sum(self.logprobs) / len(self.logprobs) if self.logprobs else 0.0


NOTHING = Draft("", (), (), ())


@dataclass(slots=True)
class _Writing:
    """A draft in the making."""

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    seconds: list[tuple[int, float]] = field(default_factory=list)

    def add(self, token: int, logprob: float, second: tuple[int, float]) -> None:
        self.tokens.append(token)
        self.logprobs.append(logprob)
        self.seconds.append(second)

    def draft(self, text: str) -> Draft:
        return Draft(text, tuple(self.tokens), tuple(self.logprobs), tuple(self.seconds))


def decode(
    model: Model,
    prompt: Sequence[int],
    extent: Extent,
    cancelled: Event = NEVER,
    deadline: float = float("inf"),
    begun: Draft = NOTHING,
) -> Draft:
    """Writes from a prompt, or goes on from a draft that has `begun`. Raises Cancelled.

    At the `deadline`, a time of the monotonic clock, and where it is out of tokens, it keeps whole lines.
    """
    writing = _Writing(list(begun.tokens), list(begun.logprobs), list(begun.seconds))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(model.detokenize(writing.tokens))
    room = min(extent.tokens, model.context_length - len(prompt))
    while len(writing.tokens) < room and not (writing.tokens and writing.tokens[-1] in model.ends):
        if (end := extent.end(text)) is not None:
            return writing.draft(text[:end])
        if time.monotonic() > deadline:
            break
        logits = model.logits([*prompt, *writing.tokens], 1, cancelled)[0]
        token, logprob, second = _best(logits)
        writing.add(token, logprob, second)
        text += decoder.decode(model.detokenize([token]))
    if not writing.tokens or writing.tokens[-1] not in model.ends:
        text = text[: max(text.rfind("\n"), 0)]
    return writing.draft(text[: extent.end(text, finished=True)])


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
    forks = range(len(first.tokens))
    losses = sorted(forks, key=lambda step: first.logprobs[step] - first.seconds[step][1])
    drafts = []
    for step in losses[:count]:
        token, logprob = first.seconds[step]
        if token in model.ends and step == 0:
            continue
        begun = Draft("", (*first.tokens[:step], token), (*first.logprobs[:step], logprob), first.seconds[: step + 1])
        drafts.append(decode(model, prompt, extent, cancelled, deadline, begun))
    return drafts


def _best(logits: NDArray[np.float32]) -> tuple[int, float, tuple[int, float]]:
    """The most probable token, its log-probability, and the same of the second."""
    top = np.argpartition(logits, -2)[-2:]
    second, first = top[np.argsort(logits[top])]
    peak = logits[first]
    total = peak + np.log(np.exp(logits - peak).sum())
    return int(first), float(peak - total), (int(second), float(logits[second] - total))
