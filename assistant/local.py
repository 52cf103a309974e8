"""Models whose weights lie in this process' memory: what they have in common, whichever library computes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.errors import Cancelled, ModelError
from assistant.formats import Format
from assistant.threads import Threads, usable_cores
from assistant.types import NEVER


class Vocabulary(Protocol):
    """A model's tokens: `specials` by their texts, and `ends`, those with which it ends what it writes."""

    @property
    def specials(self) -> Mapping[str, int]: ...

    @property
    def ends(self) -> frozenset[int]: ...

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes of all tokens, none for special ones."""

    @property
    def tokenize(self) -> Callable[[str], list[int]]:
        """Tokens of a text in which nothing is special."""


class Weights(Protocol):
    """A model that is loaded. `format` is that of its prompts, and why; `seen` are the tokens that its cache holds."""

    format: tuple[Format, str]
    seen: list[int]

    @property
    def context_length(self) -> int: ...

    @property
    def vocabulary(self) -> Vocabulary: ...

    def keep(self, count: int) -> int:
        """Drops all but the first tokens from the cache; how many are kept, which may be none."""

    def most(self, threads: Threads, cancelled: Event) -> int:
        """How many tokens to evaluate at once, so that a cancel is noticed soon."""

    def evaluate(
        self, tokens: Sequence[int], wanted: int, threads: int, cancelled: Event = NEVER
    ) -> NDArray[np.float32]:
        """float32[wanted, vocabulary]: scores of what follows each of the last tokens. Raises Cancelled, ModelError."""

    def close(self) -> None:
        """Gives the memory back."""


class LocalModel:
    """A model that `load` loads, when it is needed. `threads` of 0 are as many as are of use."""

    def __init__(
        self, name: str, load: Callable[[], Weights], threads: int = 0, languages: frozenset[str] | None = None
    ) -> None:
        self.name = name
        self.languages = languages
        self.evaluated = 0
        self._made = load
        self._threads = Threads(threads or usable_cores(), fixed=bool(threads))
        self._weights: Weights | None = None

    @property
    def format(self) -> Format:
        return self._loaded.format[0]

    @property
    def format_reason(self) -> str:
        """Why that format was chosen, in a sentence."""
        return self._loaded.format[1]

    @property
    def context_length(self) -> int:
        return self._loaded.context_length

    @property
    def ends(self) -> frozenset[int]:
        return self._loaded.vocabulary.ends

    @property
    def pieces(self) -> Sequence[bytes]:
        return self._loaded.vocabulary.pieces

    @property
    def loaded(self) -> bool:
        return self._weights is not None

    @property
    def _loaded(self) -> Weights:
        if self._weights is None:
            self._weights = self._made()
        return self._weights

    def load(self) -> None:
        _ = self._loaded

    def unload(self) -> None:
        if self._weights is not None:
            self._weights.close()
            self._weights = None

    def tokenize(self, text: str) -> list[int]:
        return list(self._loaded.vocabulary.tokenize(text))

    def special(self, text: str) -> int:
        try:
            return self._loaded.vocabulary.specials[text]
        except KeyError:
            raise ModelError(f"{self.name} has no special token {text!r}") from None

    def detokenize(self, tokens: Sequence[int]) -> bytes:
        return b"".join(map(self.pieces.__getitem__, tokens))

    def logits(self, tokens: Sequence[int], last: int = 1, cancelled: Event = NEVER) -> NDArray[np.float32]:
        weights = self._loaded
        if len(tokens) > weights.context_length:
            raise ModelError(f"{len(tokens)} tokens are more than the {weights.context_length} that {self.name} reads")
        if not 0 < last <= len(tokens):
            raise ValueError(f"{last} positions were asked for of {len(tokens)} tokens")
        first = len(tokens) - last
        position = weights.keep(_common(weights.seen, tokens, first))
        rows = []
        while position < len(tokens):
            if cancelled.is_set():
                raise Cancelled("the completion was given up while the model was reading")
            batch = tokens[position : position + weights.most(self._threads, cancelled)]
            position += len(batch)
            wanted = min(max(position - first, 0), len(batch))
            begin = time.perf_counter()
            rows.append(weights.evaluate(batch, wanted, self._threads.count, cancelled))
            self._threads.observe(len(batch), time.perf_counter() - begin)
            self.evaluated += len(batch)
        return np.concatenate(rows)


def _common(seen: Sequence[int], tokens: Sequence[int], most: int) -> int:
    """How many tokens two sequences begin with in common, at most `most`."""
    limit = min(len(seen), most)
    for index in range(limit):
        if seen[index] != tokens[index]:
            return index
    return limit
