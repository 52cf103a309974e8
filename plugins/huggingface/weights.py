"""A loaded model: what it has seen, and what it says of what follows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from assistant.errors import Cancelled, ModelError
from assistant.formats import detect
from assistant.threads import Threads
from assistant.types import NEVER
from plugins.huggingface.loading import best_device, found, load

BATCH = 128
"""Tokens that are read at once."""

MAX_CONTEXT = 4096
"""Tokens: more would cost memory and seconds of reading, for context that a completion seldom needs."""


class Weights:
    """A model that has been loaded from a folder or a GGUF file, and what it remembers of the last sequence.

    `seen` are the tokens in its cache.
    """

    def __init__(self, path: Path, name: str) -> None:
        source = found(path, name)
        config = source.config.get_text_config()
        self.context_length = min(getattr(config, "max_position_embeddings", None) or MAX_CONTEXT, MAX_CONTEXT)
        self.vocabulary = source.vocabulary
        names = {"general.architecture": config.model_type, "general.name": source.called}
        self.format = detect(self.vocabulary.specials, names, name)
        self.device = best_device()
        self._model = load(source, self.device)
        self._is_croppable = _is_croppable(config)
        self._cancelled = NEVER
        self.forget()
        for layer in next(each for each in self._model.modules() if isinstance(each, torch.nn.ModuleList)):
            layer.register_forward_pre_hook(self._look_for_cancel)

    def keep(self, count: int) -> int:
        """Drops all but the first tokens from the cache; how many are kept, which may be none."""
        if count < len(self.seen):
            self._crop(count)
        return len(self.seen)

    def most(self, threads: Threads, cancelled: Event) -> int:
        """How many tokens to evaluate at once: a cancel is noticed between two layers."""
        return BATCH

    def evaluate(
        self, tokens: Sequence[int], wanted: int, threads: int, cancelled: Event = NEVER
    ) -> NDArray[np.float32]:
        """float32[wanted, vocabulary]: scores of what follows each of the last tokens. Raises Cancelled, ModelError."""
        if self.device == "cpu" and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        self._cancelled = cancelled
        try:
            scores = self._forward(tokens, max(wanted, 1))
        except Cancelled:
            self._crop(len(self.seen))  # some layers have seen more
            raise
        except (RuntimeError, IndexError) as error:
            self.forget()
            raise ModelError(f"PyTorch could not evaluate {len(tokens)} tokens on {self.device}: {error}") from None
        self.seen += tokens
        return scores[:wanted]

    @torch.inference_mode()
    def _forward(self, tokens: Sequence[int], last: int) -> NDArray[np.float32]:
        ids = torch.tensor([list(tokens)], device=self.device)
        answer = self._model(input_ids=ids, cache=self._cache, use_cache=True, logits_to_keep=last)
        scores: NDArray[np.float32] = answer.logits[0, -last:, : self.vocabulary.size].float().cpu().numpy()
        return scores

    @torch.inference_mode()
    def _crop(self, count: int) -> None:
        if not (count and self._is_croppable):
            self.forget()
            return
        for layer in self._cache.layers:
            layer.crop(count - layer.get_seq_length())
        del self.seen[count:]

    def forget(self) -> None:
        """Empties the cache."""
        self.seen: list[int] = []
        self._cache: Any = DynamicCache() if self._is_croppable else DynamicCache(config=self._model.config)

    def close(self) -> None:
        """Gives the memory back."""
        del self._model, self._cache
        if self.device == "cuda":
            torch.cuda.empty_cache()
        if self.device == "mps":
            torch.mps.empty_cache()

    def _look_for_cancel(self, *_: object) -> None:
        if self._cancelled.is_set():
            raise Cancelled("the completion was given up while the model was reading")


def _is_croppable(config: Any) -> bool:
    """Whether the end of a sequence can be forgotten: not where a layer keeps a sum of all that it has seen.

    Layers with a window are given the whole sequence to keep, or they could not go back.
    """
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in DynamicCache(config=config).layers)
