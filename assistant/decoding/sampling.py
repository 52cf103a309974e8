"""Writes what a model says by itself: the most probable tokens, or some by chance, up to a stop. No monitor has a say.

For those who bring a prompt of their own, or ask for several texts, as clients of other servers do.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event

import numpy as np
from numpy.typing import NDArray

from assistant.decoding.vocabulary import Vocabulary
from assistant.types import NEVER, Model

COLDEST = 1e-3
"""Temperatures below are as good as none, and would overflow."""

Row = NDArray[np.float32]


class Finish(StrEnum):
    """Why nothing more was written: the model ended it, a stop was met, the tokens or the time were spent."""

    END = "end"
    STOP = "stop"
    LENGTH = "length"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is chosen. The temperature comes first, then what `top_k`, `top_p` and `min_p` leave of it.

    A temperature of 0 takes the most probable token. `top_k` of 0 is no limit.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def choose(self, row: Row, chance: np.random.Generator) -> int:
        """A token of a row of scores, in which -inf stands for what must not be chosen."""
        if self.temperature < COLDEST:
            return int(row.argmax())
        weights = np.exp((row.astype(np.float64) - row.max()) / self.temperature)
        tokens = np.flatnonzero(weights >= max(self.min_p, 1e-12))
        tokens = tokens[np.argsort(-weights[tokens], kind="stable")]
        tokens = tokens[: self.top_k or None]
        sums = np.cumsum(weights[tokens])
        tokens = tokens[: int(np.searchsorted(sums, self.top_p * sums[-1])) + 1]
        shares = weights[tokens] / weights[tokens].sum()
        return int(chance.choice(tokens, p=shares))


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be written behind a prompt: at most so many tokens, in so many seconds, up to one of the `stops`.

    The text begins with what was `typed`, which is not told again. With each token come its `alternatives` so many.
    """

    prompt: tuple[int, ...]
    tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None
    stops: tuple[str, ...] = ()
    typed: str = ""
    alternatives: int = 0
    seconds: float = float("inf")


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its bytes, its log-probability in nats before any temperature, and the most probable ones there."""

    id: int
    piece: bytes
    logprob: float
    others: tuple[tuple[bytes, float], ...] = ()

    @property
    def text(self) -> str:
        return self.piece.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text that will stay, and the tokens that wrote it. The last one says why it is; `stop` is what was met."""

    text: str
    tokens: tuple[Token, ...] = ()
    finish: Finish | None = None
    stop: str = ""


class Stops:
    """Lets text through up to the first of some stops, and holds back what may be the beginning of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(filter(None, stops))
        self._held = ""
        self.found = ""

    def push(self, text: str) -> str:
        """What is sure to stay, now that more has been written."""
        self._held += text
        met = [(place, stop) for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if met:
            place, self.found = min(met)
            return self._held[:place]
        keep = max(map(self._begun, self._stops), default=0)
        sure = self._held[: len(self._held) - keep]
        self._held = self._held[len(sure) :]
        return sure

    def rest(self) -> str:
        """What was held back for nothing."""
        return "" if self.found else self._held

    def _begun(self, stop: str) -> int:
        """How much of a stop the text ends with."""
        longest = min(len(stop) - 1, len(self._held))
        return next((count for count in range(longest, 0, -1) if self._held.endswith(stop[:count])), 0)


def generate(model: Model, vocabulary: Vocabulary, wish: Wish, cancelled: Event = NEVER) -> Iterator[Stretch]:
    """Stretch after stretch of what the model writes. Raises Cancelled, ModelError."""
    chance, stops = np.random.default_rng(wish.seed), Stops(wish.stops)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    written, typed, held = list(wish.prompt), wish.typed.encode(), list[Token]()
    end = time.monotonic() + wish.seconds
    finish = None
    while finish is None:
        if finish := _spent(model, wish, len(written), end):
            break
        row = model.logits(written, 1, cancelled)[0]
        token = wish.sampling.choose(_beginning(row, vocabulary, typed), chance)
        if token in model.ends:
            finish = Finish.END
            break
        written.append(token)
        piece = vocabulary.pieces[token]
        typed, shown = typed[len(piece) :], piece[len(typed) :]
        if not shown:
            continue
        held.append(_told(row, token, shown, vocabulary, wish.alternatives))
        text = stops.push(decoder.decode(shown))
        finish = Finish.STOP if stops.found else None
        if text and not finish:
            yield Stretch(text, tuple(held))
            held = []
    if finish is not Finish.STOP:
        text = stops.push(decoder.decode(b"", final=True)) + stops.rest()
    yield Stretch(text, tuple(held), finish, stops.found)


def score(
    model: Model, vocabulary: Vocabulary, prompt: Sequence[int], alternatives: int, cancelled: Event = NEVER
) -> Iterator[Token]:
    """How probable each token of a prompt is behind those before it, from the second on. Raises Cancelled."""
    for begin in range(0, len(prompt) - 1, SCORED):
        end = min(begin + SCORED, len(prompt) - 1)
        rows = model.logits(prompt[:end], end - begin, cancelled)
        for row, token in zip(rows, prompt[begin + 1 : end + 1], strict=True):
            yield _told(row, token, vocabulary.pieces[token], vocabulary, alternatives)


SCORED = 32
"""Positions whose scores are held in memory at once."""


def _spent(model: Model, wish: Wish, length: int, end: float) -> Finish | None:
    if length - len(wish.prompt) >= wish.tokens or length >= model.context_length:
        return Finish.LENGTH
    return Finish.TIME if time.monotonic() > end else None


def _beginning(row: Row, vocabulary: Vocabulary, typed: bytes) -> Row:
    """The scores of the tokens that write what has been typed, as long as something of it is left."""
    if not typed:
        return row
    tokens = vocabulary.typing(typed)
    scores = np.full_like(row, -np.inf)
    scores[tokens] = row[tokens]
    return scores


def _told(row: Row, token: int, piece: bytes, vocabulary: Vocabulary, alternatives: int) -> Token:
    peak = float(row.max())
    total = peak + float(np.log(np.exp(row - peak).sum()))
    count = min(alternatives, len(row))
    best = np.argpartition(-row, count - 1)[:count] if count else np.empty(0, np.intp)
    best = best[np.argsort(-row[best], kind="stable")]
    others = tuple((vocabulary.pieces[other], float(row[other]) - total) for other in best.tolist())
    return Token(token, piece, float(row[token]) - total, others)
