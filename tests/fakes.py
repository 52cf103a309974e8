"""Small but real implementations of the project's protocols, and requests in marked text: `‸` is the cursor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.decoding.decode import Writer, typed_before
from assistant.decoding.stopping import extent
from assistant.decoding.vocabulary import Vocabulary
from assistant.decoding.watch import Watch
from assistant.errors import Cancelled, ModelError
from assistant.formats import FORMATS, Format
from assistant.guards import FREE, Guard, Monitor, OneOf, Prior, View
from assistant.patterns import Masks
from assistant.prompt import Budget, build
from assistant.types import NEVER, Completion, CompletionRequest, File, Snippet

ROOT = Path("/projects/shop")
END = "<|endoftext|>"
BATCH = 16


def request(marked: str, language: str = "python", path: str = "app.py", **fields: Any) -> CompletionRequest:
    """A request in marked text: `request("def f():\\n    ‸")`."""
    assert marked.count("‸") == 1
    fields = {"root": ROOT, **fields}
    return CompletionRequest(ROOT / path, language, marked.replace("‸", ""), marked.index("‸"), **fields)


def file(path: str, text: str, language: str = "python") -> File:
    return File(ROOT / path, language, text)


def format_named(name: str) -> Format:
    return next(known for known in FORMATS if known.name == name)


def writer(
    asked: CompletionRequest,
    model: ByteModel,
    monitors: Sequence[Monitor] = (),
    priors: Sequence[Prior] = (),
    **options: Any,
) -> Writer:
    """A writer for a request, as the engine makes it."""
    typed = typed_before(asked)
    cut = asked.cut(len(typed))
    masks = partial(Masks, model.pieces, min(model.ends))
    watch = Watch(monitors, Vocabulary(model.pieces), model.ends, masks, priors)
    prompt = build(cut, [], model, Budget.of(512)).tokens
    return Writer(model, prompt, cut, typed, extent(asked, 10), watch, **options)


class ByteModel:
    """A model whose tokens are bytes, special ones above 255, and above those longer ones: the `words`.

    `writes` is what it writes behind a prompt: a text, or several texts with their probabilities. At each step, those
    texts that agree with what has been written have a say; what is missing to 1 is spread over all other tokens. It
    keeps the tokens that it has seen, as a real one does, and reads in batches, between which it can be cancelled.
    """

    def __init__(
        self,
        writes: str | Mapping[str, float] = "",
        format: Format | str = "ghostwright",
        context_length: int = 4096,
        probability: float = 0.9,
        languages: frozenset[str] | None = None,
        words: Sequence[str] = (),
    ) -> None:
        self.name = "bytes"
        self.languages = languages
        self.format = format_named(format) if isinstance(format, str) else format
        self.context_length = context_length
        self.evaluated = 0
        self.loaded = False
        self.reading = Event()
        self._texts = {writes: probability} if isinstance(writes, str) else dict(writes)
        self._specials = {text: 256 + index for index, text in enumerate((END, *sorted(self.format.specials - {END})))}
        first = 256 + len(self._specials)
        self._words = {word.encode(): first + index for index, word in enumerate(words)}
        self._last = self._specials[max(self._specials, key=self.format.prompt.rfind)]  # it writes behind this one
        self._seen: list[int] = []
        self._going = Event()
        self._going.set()

    @property
    def ends(self) -> frozenset[int]:
        return frozenset(self._specials.values())

    @property
    def pieces(self) -> Sequence[bytes]:
        return [*(bytes([byte]) for byte in range(256)), *(b"" for _ in self._specials), *self._words]

    def load(self) -> None:
        self.loaded = True

    def unload(self) -> None:
        self.loaded = False
        self._seen.clear()

    def pause(self) -> None:
        """From now on it reads nothing until `resume`, as if it were slow; it can still be cancelled."""
        self._going.clear()

    def resume(self) -> None:
        self._going.set()

    def tokenize(self, text: str) -> list[int]:
        data, tokens = text.encode(), []
        while data:
            token, length = self._first_token(data)
            tokens.append(token)
            data = data[length:]
        return tokens

    def special(self, text: str) -> int:
        try:
            return self._specials[text]
        except KeyError:
            raise ModelError(f"{self.name} has no special token {text!r}") from None

    def detokenize(self, tokens: Sequence[int]) -> bytes:
        return b"".join(self.pieces[token] for token in tokens)

    def _first_token(self, data: bytes) -> tuple[int, int]:
        """The longest token that a text begins with, and its length."""
        word = max((word for word in self._words if data.startswith(word)), key=len, default=data[:1])
        return self._words.get(word, word[0]), len(word)

    def shown(self, tokens: Sequence[int]) -> str:
        """A prompt as text, special tokens included."""
        names = {token: text.encode() for text, token in self._specials.items()}
        return b"".join(names.get(token) or self.pieces[token] for token in tokens).decode()

    def logits(self, tokens: Sequence[int], last: int = 1, cancelled: Event = NEVER) -> NDArray[np.float32]:
        assert len(tokens) <= self.context_length
        position = self._common(tokens, len(tokens) - last)
        del self._seen[position:]
        while position < len(tokens):
            self.reading.set()
            self._wait(cancelled)
            batch = tokens[position : position + BATCH]
            self._seen += batch
            self.evaluated += len(batch)
            position += len(batch)
        return np.stack([self._row(tokens[: len(tokens) - last + 1 + row]) for row in range(last)])

    def _wait(self, cancelled: Event) -> None:
        while True:
            if cancelled.is_set():
                raise Cancelled("given up while reading")
            if self._going.wait(0.01):
                return

    def _common(self, tokens: Sequence[int], most: int) -> int:
        pairs = zip(self._seen[:most], tokens, strict=False)
        return next((index for index, (seen, token) in enumerate(pairs) if seen != token), min(len(self._seen), most))

    def _row(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        begin = max((index + 1 for index, token in enumerate(tokens) if token == self._last), default=len(tokens))
        written = self.detokenize(tokens[begin:])
        chances = np.zeros(len(self.pieces), np.float64)
        texts = {**self._texts, **{f" {text}": p * 1e-6 for text, p in self._texts.items()}}
        agreeing = {text.encode(): p for text, p in texts.items() if text.encode().startswith(written)}
        for data, probability in agreeing.items():
            rest = data[len(written) :]
            share = probability / sum(agreeing.values()) * sum(self._texts.values())
            chances[self._first_token(rest)[0] if rest else self._specials[END]] += share
        missing = np.maximum(1 - chances.sum(), 1e-9) / len(chances)
        return np.log(chances + missing).astype(np.float32)


@dataclass
class Source:
    """A context source that always finds the same."""

    found: Sequence[Snippet] = ()
    name: str = "source"

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]:
        yield from self.found


class BrokenSource:
    """A stranger's context source that raises."""

    name = "broken_source"

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]:
        yield Snippet("never seen", 1.0, self.name, "never.py")
        raise RuntimeError("a stranger's fault")


@dataclass
class Names:
    """A monitor that lets only some names follow its trigger."""

    names: Collection[str]
    triggers: str = "."
    name: str = "names"

    def guard(self, view: View) -> Guard:
        return OneOf.names(self.names) if view.before.endswith(tuple(self.triggers)) else FREE


@dataclass
class Likely:
    """A prior that knows the weights of some names, and remembers at what places it was asked."""

    nats: Mapping[str, float]
    name: str = "likely"
    asked: list[str] = field(default_factory=list)

    def weights(self, view: View, names: frozenset[str]) -> Mapping[str, float]:
        self.asked.append(view.line)
        return {name: self.nats.get(name, 0.0) for name in names}


class BrokenPrior:
    """A stranger's prior that raises."""

    name = "broken_prior"

    def weights(self, view: View, names: frozenset[str]) -> Mapping[str, float]:
        raise RuntimeError("a stranger's fault")


class BrokenMonitor:
    """A stranger's monitor that raises."""

    name = "broken_monitor"
    triggers = "."

    def guard(self, view: View) -> Guard:
        raise RuntimeError("a stranger's fault")


@dataclass
class Processor:
    """A post-processor made of a function from text to text, or None."""

    change: Callable[[str], str | None]
    name: str = "processor"

    def process(self, completion: Completion, request: CompletionRequest) -> Completion | None:
        text = self.change(completion.text)
        return None if text is None else Completion(text, completion.replaces, completion.logprob)


class BrokenProcessor:
    """A stranger's post-processor that raises."""

    name = "broken_processor"

    def process(self, completion: Completion, request: CompletionRequest) -> Completion | None:
        raise RuntimeError("a stranger's fault")
