"""A model that servers run, as the engine sees it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Event

from assistant.decoding.sampling import Sampling
from assistant.errors import ModelError
from assistant.formats import Format
from assistant.passing import Errand
from assistant.raw import infill
from assistant.settings import REMOTE
from assistant.types import NEVER, Chunk, Order
from plugins.remote.dialects import Ask, Rule, Shape
from plugins.remote.pool import Pool
from plugins.remote.prompts import BY_SERVER, named
from plugins.remote.server import Server, address
from plugins.remote.tokens import Tokens
from plugins.remote.traits import Waits

KEY = "GHOSTWRIGHT_API_KEY"
"""The environment variable with the servers' key, unless the setting names another one."""

MAX_CONTEXT = 16_384
"""Tokens: more are of no use to a completion."""

PROMPT_TOKENS = 2048
"""What a server reads at most, of its own tokens: a GPU reads them in a fraction of a second."""

WARM = 0.8
"""The temperature of a draw."""

_OPTIONS = ("model", "format", "key", "local")


@dataclass(frozen=True, slots=True)
class Address:
    """What the setting `model` says of servers: `remote:http://one:8000/v1 http://two:8000/v1 model=qwen`.

    `key` is the name of an environment variable. `local` is the setting for the model that is used when no server
    answers.
    """

    urls: tuple[str, ...]
    model: str = ""
    format: str = ""
    key: str = KEY
    local: str = ""

    @classmethod
    def parse(cls, setting: str) -> Address:
        """Raises ModelError."""
        words = setting.removeprefix(REMOTE).replace(",", " ").split()
        options = dict(word.split("=", 1) for word in words if "=" in word and "://" not in word.split("=", 1)[0])
        if unknown := next((name for name in options if name not in _OPTIONS), None):
            raise ModelError(f"The setting `model` has {unknown}=, which is none of {', '.join(_OPTIONS)}: {setting}")
        try:
            urls = tuple(address(word) for word in words if word.split("=", 1)[0] not in options)
        except ValueError as error:
            raise ModelError(f"The setting `model` names a server wrongly: {error}.") from None
        if not urls:
            raise ModelError(f"The setting `model` names no server: {setting!r}. Write {REMOTE}http://host:8000/v1.")
        if options.get("format"):
            named(options["format"])
        return cls(urls, **options)

    @property
    def secret(self) -> str:
        """The key that the environment holds. Raises ModelError if a variable is named that is not set."""
        if self.key != KEY and self.key not in os.environ:
            raise ModelError(
                f"The environment variable {self.key} is not set, which the setting `model` names (`key=`)."
            )
        return os.environ.get(self.key, "")


@dataclass(eq=False)
class RemoteModel:
    """A model that one or several servers run. Nothing is asked of them until it is needed."""

    address: Address
    waits: Waits = field(default_factory=Waits)
    languages: frozenset[str] | None = None
    evaluated: int = 0
    ends: frozenset[int] = frozenset({0})

    def __post_init__(self) -> None:
        key = self.address.secret
        servers = [Server(url, self.address.model, key, self.waits) for url in self.address.urls]
        self._pool = Pool(servers, self.address.format)
        self._tokens = Tokens()

    @property
    def stand_in(self) -> str:
        """The setting for the model that is used when no server answers."""
        return self.address.local

    @property
    def name(self) -> str:
        hosts = ", ".join(url.split("//", 1)[1].split("/")[0].rpartition("@")[2] for url in self.address.urls)
        return f"{self.identity.rsplit('/', 1)[-1] or 'a model'} at {hosts}"

    @property
    def identity(self) -> str:
        """What its servers call it; empty if that is not known yet."""
        return next((server.traits.model for server in self._pool.servers if server.traits), self.address.model)

    @property
    def format(self) -> Format:
        self.load()
        return self._pool.format

    @property
    def format_reason(self) -> str:
        """Why that format was chosen, in a sentence."""
        self.load()
        return self._pool.reason

    @property
    def abilities(self) -> str:
        """What the server that is asked next can do, in words."""
        traits = self._loaded.traits
        rule = f"takes expressions ({traits.rule})" if traits.rule else "takes no expressions"
        told = f"tells probabilities of {traits.told} tokens" if traits.told else "tells no probabilities"
        return f"asked for {traits.shape}; {rule}; {told}"

    @property
    def context_length(self) -> int:
        traits = self._loaded.traits
        return int(min(traits.context, MAX_CONTEXT) * traits.ratio)

    @property
    def prompt_tokens(self) -> int:
        """How long prompts may be that it reads quickly."""
        return int(PROMPT_TOKENS * self._loaded.traits.ratio)

    @property
    def pieces(self) -> Sequence[bytes]:
        return self._tokens.pieces

    @property
    def obeys(self) -> bool:
        return self._loaded.traits.rule is not Rule.NONE

    @property
    def tells(self) -> bool:
        return self._loaded.traits.told > 0

    @property
    def told(self) -> int:
        """The most alternatives at a place that each of its servers tells the probabilities of."""
        return min(traits.told for traits in self._loaded.shared)

    @property
    def draws(self) -> frozenset[str]:
        """The fields of a `Sampling` that all of its servers know: OpenAI's, or more."""
        shared = self._loaded.shared
        knows_more = all(traits.rule is not Rule.NONE or traits.makes is not Shape.SUFFIX for traits in shared)
        return frozenset({"top_p", "top_k", "min_p"} if knows_more else {"top_p"})

    @property
    def is_up(self) -> bool:
        return self._pool.is_up

    @property
    def problem(self) -> str:
        """Why no server is asked, in a sentence; empty if one may be."""
        return self._pool.problem

    @property
    def _loaded(self) -> Pool:
        self.load()
        return self._pool

    def load(self) -> None:
        self._pool.open()

    def unload(self) -> None:
        self._pool.close()

    def tokenize(self, text: str) -> list[int]:
        return self._tokens.of(text)

    def special(self, text: str) -> int:
        return self._tokens.special(text)

    def detokenize(self, tokens: Sequence[int]) -> bytes:
        return b"".join(self._tokens.pieces[token] for token in tokens)

    def token(self, text: str) -> int:
        return self._tokens.token(text)

    def chunks(self, order: Order, cancelled: Event = NEVER) -> Iterator[Chunk]:
        ask = replace(
            self._made(order.prompt),
            written=order.written,
            tokens=order.tokens,
            expression=order.expression,
            sampling=Sampling(WARM if order.chance else 0.0),
            seed=order.chance,
            stops=("\n",) if order.line else (),
        )
        for chunk in self._loaded.chunks(ask, cancelled):
            self.evaluated += bool(chunk.text)
            if chunk.text or chunk.is_end:
                yield chunk

    def passed(self, errand: Errand, cancelled: Event = NEVER) -> Generator[Chunk]:
        if errand.suffix is None:
            ask = Ask("", errand.prompt, verbatim=True)
        elif self.format is BY_SERVER and not errand.snippets:
            ask = Ask("", errand.prompt, errand.suffix)
        else:
            ask = self._made(infill(self, errand.prompt, errand.suffix, errand.snippets)[0])
        ask = replace(
            ask,
            written=errand.written,
            tokens=errand.tokens,
            sampling=errand.sampling,
            seed=errand.seed,
            stops=errand.stops,
            told=0 if errand.alternatives is None else max(errand.alternatives, 1),
            for_client=True,
        )
        for chunk in self._loaded.chunks(ask, cancelled):
            self.evaluated += bool(chunk.text)
            yield chunk

    def scored(self, prompt: str, alternatives: int, cancelled: Event = NEVER) -> list[Chunk]:
        ask = Ask("", prompt, told=max(alternatives, 1), for_client=True, verbatim=True)
        return self._loaded.scored(ask, cancelled)

    def _made(self, prompt: Sequence[int]) -> Ask:
        """A request with a prompt of tokens of ours, or with its halves where the server makes a prompt of them."""
        if self.format is BY_SERVER:
            return Ask("", *self._tokens.halves(prompt))
        return Ask("", self._tokens.text(prompt))
