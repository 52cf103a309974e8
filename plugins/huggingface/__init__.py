"""Models in the Hugging Face format, run by PyTorch: a folder, a name on the hub, or a GGUF file.

    model = "~/models/starcoder2-3b"                     a folder that holds a config.json
    model = "huggingface:Qwen/Qwen2.5-Coder-0.5B"        a model that `ghostwright download` has fetched
    model = "huggingface:~/models/coder.gguf"            a GGUF file, unpacked for PyTorch instead of llama.cpp

Weights are read from safetensors (or GGUF) only, and no code that comes with a model is run. Nothing here needs PyTorch
until a model is loaded.

    place.py   →  folder.py     →  loading.py    →  tokens.py         →  weights.py
    where it      what it may      from the disk    text and bytes       what it has seen, and what follows
    lies          hold
    hub.py        how it comes here, when it is asked for
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assistant.errors import Cancelled, ModelError
from assistant.formats import Format
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.threads import Threads, usable_cores
from assistant.types import NEVER, Model
from plugins.huggingface import hub
from plugins.huggingface.place import PREFIX, is_name, located

if TYPE_CHECKING:
    from plugins.huggingface.weights import Weights

BATCH = 128
"""Tokens that are read at once. A cancel is noticed between two layers."""


@hookimpl
def ghostwright_model(settings: Settings) -> Model | None:
    named = settings.model.startswith(PREFIX)
    if named or (settings.model and (Path(settings.model).expanduser() / "config.json").is_file()):
        return HuggingFace(settings.model.removeprefix(PREFIX), threads=settings.threads)
    return None


class HuggingFace:
    """A causal model as PyTorch runs it. `place` is a folder, a GGUF file or a name on the hub.

    Nothing is loaded until it is needed.
    """

    def __init__(self, place: str, threads: int = 0) -> None:
        self.place = place
        self.name = place if is_name(place) else Path(place).name
        self.languages: frozenset[str] | None = None
        self.evaluated = 0
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
        self.load()
        assert self._weights is not None
        return self._weights

    def load(self) -> None:
        if self._weights is None:
            self._weights = _weights(located(self.place), self.name)

    def unload(self) -> None:
        if self._weights is not None:
            self._weights.close()
            self._weights = None

    def download(self) -> Path:
        """Fetches it from the hub, or what is missing of it, and checks it; where it is. Raises ModelError."""
        return hub.download(self.place)

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
        position = weights.keep(_common(weights.seen, tokens[:first]))
        rows = []
        while position < len(tokens):
            if cancelled.is_set():
                raise Cancelled("the completion was given up while the model was reading")
            batch = tokens[position : position + BATCH]
            position += len(batch)
            wanted = min(max(position - first, 0), len(batch))
            begin = time.perf_counter()
            rows.append(weights.evaluate(batch, wanted, self._threads.count, cancelled))
            self._threads.observe(len(batch), time.perf_counter() - begin)
            self.evaluated += len(batch)
        return np.concatenate(rows)


def _common(seen: Sequence[int], tokens: Sequence[int]) -> int:
    """How many tokens two sequences begin with in common."""
    pairs = enumerate(zip(seen, tokens, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(seen), len(tokens)))


def _weights(path: Path, name: str) -> Weights:
    """The model at a path, loaded. Raises ModelError, also where the packages that it needs are missing."""
    try:
        from plugins.huggingface.weights import Weights
    except ImportError as error:
        raise ModelError(
            f"{name} needs packages that are not installed ({error.name or error}). "
            'Run `pip install "ghostwright[huggingface]"`, or set `model` to a GGUF file.'
        ) from None
    return Weights(path, name)
