"""Writes what a model says by itself: the most probable tokens, or some by chance, up to a stop. No monitor has a say.

For those who bring a prompt of their own, or ask for several texts, as clients of other servers do.
"""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from assistant.decoding.vocabulary import Vocabulary
from assistant.types import Model

COLDEST = 1e-3
"""Temperatures below are as good as none, and would overflow."""

SCORED = 32
"""Positions whose scores are held in memory at once."""

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
    """What is to be written behind a prompt: at most so many tokens, up to one of the `stops`.

    The text begins with what was `typed`, which is not told again; what is to `echo` is told first. It also ends before
    a line that is indented by less than `indent` blanks. With each token come its most probable `alternatives`, so many
    of them; with None tokens have no probabilities, where they cost time.
    """

    prompt: tuple[int, ...]
    tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None
    stops: tuple[str, ...] = ()
    typed: str = ""
    indent: int = 0
    echo: str = ""
    alternatives: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its bytes, its log-probability in nats before any temperature, and the most probable ones there.

    The first one of a prompt has no probability.
    """

    piece: bytes
    logprob: float | None = None
    others: tuple[tuple[bytes, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text that will stay, and the tokens that wrote it. The last one says why it is; `stop` is what was met.

    It also has the seconds that were spent until the first token, and those from there on.
    """

    text: str
    tokens: tuple[Token, ...] = ()
    finish: Finish | None = None
    stop: str = ""
    reading: float = 0.0
    writing: float = 0.0


class Stops:
    """Lets text through up to the first of some stops, and holds back what may be the beginning of one."""

    def __init__(self, stops: Sequence[str], indent: int = 0) -> None:
        self._stops = tuple(filter(None, stops))
        self._outside = re.compile(rf"\n[ \t]{{0,{indent - 1}}}(?=[^ \t\n])") if indent else None
        self._indent = indent
        self._held = ""
        self.found: str | None = None

    def push(self, text: str) -> str:
        """What is sure to stay, now that more has been written."""
        self._held += text
        met = [(place, stop) for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if self._outside and (left := self._outside.search(self._held)):
            met.append((left.start(), ""))
        if met:
            place, self.found = min(met)
            return self._held[:place]
        keep = max([*map(self._begun, self._stops), self._blanks()])
        sure = self._held[: len(self._held) - keep]
        self._held = self._held[len(sure) :]
        return sure

    def rest(self) -> str:
        """What was held back for nothing."""
        return self._held if self.found is None else ""

    def _begun(self, stop: str) -> int:
        """How much of a stop the text ends with."""
        longest = min(len(stop) - 1, len(self._held))
        return next((count for count in range(longest, 0, -1) if self._held.endswith(stop[:count])), 0)

    def _blanks(self) -> int:
        """How much of a line's beginning the text ends with that may turn out to be indented too little."""
        line = self._held[self._held.rfind("\n") :]
        return len(line) if self._outside and line.startswith("\n") and not line.strip() else 0


Logits = Callable[[Sequence[int], int], NDArray[np.float32]]
"""float32[last, vocabulary]: a model's scores behind the last positions of some tokens."""


def generate(model: Model, vocabulary: Vocabulary, wish: Wish, logits: Logits, deadline: float) -> Iterator[Stretch]:
    """Stretch after stretch of what a model writes. `deadline` is a time of the monotonic clock.

    It asks for scores by `logits` alone, so that it may go on in another thread with another copy of the model. Raises
    Cancelled, ModelError.
    """
    if wish.echo:
        yield Stretch(wish.echo, tuple(score(vocabulary, wish.prompt, wish.alternatives, logits)))
    chance, stops = np.random.default_rng(wish.seed), Stops(wish.stops, wish.indent)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    written, typed, held, count = list(wish.prompt), wish.typed.encode(), list[Token](), 0
    begin, read = time.monotonic(), 0.0
    while not (finish := _spent(count >= wish.tokens or len(written) >= model.context_length, deadline)):
        row = logits(written, 1)[0]
        read = read or time.monotonic()
        token = wish.sampling.choose(_beginning(row, vocabulary, typed), chance)
        if token in model.ends:
            finish = Finish.END
            break
        written.append(token)
        piece = vocabulary.pieces[token]
        typed, shown = typed[len(piece) :], piece[len(typed) :]
        if not shown:
            continue
        count += 1
        held.append(_told(row, token, shown, vocabulary, wish.alternatives))
        text = stops.push(decoder.decode(shown))
        if stops.found is not None:
            finish = Finish.STOP
            break
        if text:
            yield Stretch(text, tuple(held))
            held = []
    if finish is not Finish.STOP:
        text = stops.push(decoder.decode(b"", final=True)) + stops.rest()
    end = time.monotonic()
    tokens = tuple(_covering(held, text)) if finish is Finish.STOP else tuple(held)
    yield Stretch(text, tokens, finish, stops.found or "", (read or end) - begin, end - (read or end))


def score(vocabulary: Vocabulary, prompt: Sequence[int], alternatives: int | None, logits: Logits) -> Iterator[Token]:
    """The tokens of a prompt, with how probable each is behind those before it, if that is wanted. Raises Cancelled."""
    if alternatives is None:
        yield from (Token(vocabulary.pieces[token]) for token in prompt)
        return
    yield Token(vocabulary.pieces[prompt[0]])
    for begin in range(0, len(prompt) - 1, SCORED):
        end = min(begin + SCORED, len(prompt) - 1)
        rows = logits(prompt[:end], end - begin)
        for row, token in zip(rows, prompt[begin + 1 : end + 1], strict=True):
            yield _told(row, token, vocabulary.pieces[token], vocabulary, alternatives)


def _spent(has_no_room: bool, deadline: float) -> Finish | None:
    if has_no_room:
        return Finish.LENGTH
    return Finish.TIME if time.monotonic() > deadline else None


def _beginning(row: Row, vocabulary: Vocabulary, typed: bytes) -> Row:
    """The scores of the tokens that write what has been typed, as long as something of it is left."""
    if not typed:
        return row
    tokens = vocabulary.typing(typed)
    scores = np.full_like(row, -np.inf)
    scores[tokens] = row[tokens]
    return scores


def _told(row: Row, token: int, piece: bytes, vocabulary: Vocabulary, alternatives: int | None) -> Token:
    if alternatives is None:
        return Token(piece)
    peak = float(row.max())
    total = peak + float(np.log(np.exp(row - peak).sum()))
    best = np.argsort(-row, kind="stable")[:alternatives]
    others = tuple((vocabulary.pieces[other], float(row[other]) - total) for other in best.tolist())
    return Token(piece, float(row[token]) - total, others)


def _covering(tokens: Sequence[Token], text: str) -> Iterator[Token]:
    """The first tokens, as many as it takes to write a text."""
    missing = len(text.encode())
    for token in tokens:
        if missing <= 0:
            return
        yield token
        missing -= len(token.piece)
