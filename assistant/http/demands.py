"""What a client wants to be written, in texts: as the model needs it that writes it, whether here or on a server."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from assistant.decoding.sampling import COLDEST, Sampling, Wish
from assistant.http.problems import Problem
from assistant.passing import Errand, Passing
from assistant.raw import infill, tokens_of
from assistant.types import Model, Snippet

SEVERAL = 0.8
"""The temperature where several texts are wanted and no temperature is named: without one all would be the same."""

SEEDS = 2**31
"""How many seeds there are that every server takes."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A text behind a prompt, which is a text or tokens; with a `suffix`, what stands between the two.

    `snippets` are pieces of other files for the latter, the best one last. There are at most so many `tokens`, None for
    as many as the model likes. What `stops`, `indent` and `alternatives` are says `Wish`; to `echo` is to tell the
    prompt first.
    """

    prompt: str | Sequence[int]
    suffix: str | None = None
    snippets: tuple[Snippet, ...] = ()
    tokens: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None
    stops: tuple[str, ...] = ()
    indent: int = 0
    echo: bool = False
    alternatives: int | None = None

    def wish(self, model: Model) -> Wish:
        """The same for a model that shows its logits. Raises Problem for a prompt that it cannot read."""
        typed = ""
        if not isinstance(self.prompt, str):
            read = _known(model, self.prompt)
        elif self.suffix is not None:
            read, typed = infill(model, self.prompt, self.suffix, self.snippets)
        else:
            read = tokens_of(model, self.prompt)
        if not read:
            raise _empty()
        if len(read) >= model.context_length:
            message = f"The prompt has {len(read)} tokens; the model reads and writes {model.context_length} in all."
            raise Problem(400, f"{message} Send less.", "prompt")
        tokens = model.context_length if self.tokens is None else self.tokens
        echo = self._echoed(model) if self.echo else ""
        return Wish(
            tuple(read), tokens, self.sampling, self.seed, self.stops, typed, self.indent, echo, self.alternatives
        )

    def errand(self, model: Passing) -> Errand:
        """The same for a model on a server. Raises Problem for what that does not know."""
        if not isinstance(self.prompt, str):
            raise Problem(501, f"Only {model.name} knows its tokens: send the prompt as a text.", "prompt")
        if not self.prompt and self.suffix is None:
            raise _empty()
        if self.alternatives is not None and model.told < max(self.alternatives, 1):
            told = f"of {model.told} tokens at a place at most, not of {self.alternatives}" if model.told else "of none"
            hint = "ask for fewer" if model.told else "leave it out"
            raise Problem(501, f"The server of {model.name} tells logprobs {told}: {hint}.", "logprobs")
        for name in ("top_p", "top_k", "min_p") if self.sampling.temperature else ():
            if name not in model.draws and getattr(self.sampling, name) != getattr(Sampling(), name):
                raise Problem(501, f"The server of {model.name} does not know {name}: leave it out.", name)
        seed = random.randrange(SEEDS) if self.seed is None else self.seed % SEEDS
        return Errand(
            self.prompt,
            self.suffix,
            self.snippets,
            self.tokens,
            self.sampling,
            seed,
            self.stops,
            self.alternatives,
        )

    def _echoed(self, model: Model) -> str:
        if isinstance(self.prompt, str):
            return self.prompt
        return model.detokenize(self.prompt).decode("utf-8", "replace")


def sampling(
    temperature: float | None, several: bool, top_k: int | None, top_p: float | None, min_p: float | None
) -> Sampling:
    """How tokens are chosen, by what a client says of it. Negative limits are none; a `top_p` of 0 leaves one token."""
    if temperature is None:
        temperature = SEVERAL if several else 0.0
    is_cold = temperature < COLDEST or top_p == 0
    return Sampling(0.0 if is_cold else temperature, max(top_k or 0, 0), top_p or 1.0, min_p or 0.0)


def _known(model: Model, tokens: Sequence[int]) -> Sequence[int]:
    """Tokens that a model has. Raises Problem for others."""
    if unknown := next((token for token in tokens if token >= len(model.pieces)), None):
        raise Problem(400, f"There is no token {unknown}: the model has {len(model.pieces)}.", "prompt")
    return tokens


def _empty() -> Problem:
    return Problem(400, "The prompt is empty: there is nothing to go on with.", "prompt")
