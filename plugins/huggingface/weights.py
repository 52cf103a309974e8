"""A loaded model: the only place that knows PyTorch and transformers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing asks the network while a model is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "4000")  # as for llama.cpp: threads that wait must not take the cores

import safetensors  # noqa: F401 - without it transformers would look for pickles
import torch
import transformers
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer
from transformers.integrations.gguf.reader import read_gguf_metadata

from assistant.errors import Cancelled, ModelError
from assistant.formats import detect
from assistant.types import NEVER
from plugins.huggingface import folder
from plugins.huggingface.tokens import Vocabulary

MAX_CONTEXT = 4096
"""Tokens: more would cost memory and seconds of reading, for context that a completion seldom needs."""


class Weights:
    """A model that has been loaded from a folder or a GGUF file, and what it remembers of the last sequence.

    `seen` are the tokens in its cache.
    """

    def __init__(self, path: Path, name: str) -> None:
        _quieten()
        source = _gguf(path) if path.is_file() else _folder(path)
        config = source.config.get_text_config()
        self.context_length = min(getattr(config, "max_position_embeddings", None) or MAX_CONTEXT, MAX_CONTEXT)
        with _explained(f"The tokenizer of {path}"):
            self.vocabulary = Vocabulary(source.tokenizer, config.vocab_size, _ends(config))
        names = {"general.architecture": config.model_type, "general.name": f"{name} {source.described}"}
        self.format = detect(self.vocabulary.specials, names, name)
        self.device = _device()
        self._model = _loaded(source, self.device)
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
        return scores[len(scores) - wanted :]

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


@dataclass(frozen=True, slots=True)
class _Source:
    """What a model is loaded from: its folder, and in it the GGUF file if it is one.

    `tokenizer` is the content of its tokenizer.json, `described` what it says of itself.
    """

    folder: Path
    config: Any
    tokenizer: str
    described: str
    options: Mapping[str, Any] = field(default_factory=dict)


def _folder(path: Path) -> _Source:
    """The source that a folder is. Raises ModelError."""
    described = folder.check(path).get("_name_or_path", "")
    with _explained(path):
        config = transformers.AutoConfig.from_pretrained(path, **_LOCAL)
    return _Source(path, config, (path / "tokenizer.json").read_text(encoding="utf-8"), described)


def _gguf(path: Path) -> _Source:
    """The source that a GGUF file is. Raises ModelError."""
    options = {**_LOCAL, "gguf_file": path.name}
    with _explained(path):
        config = transformers.AutoConfig.from_pretrained(path.parent, **options)
        tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, **options).backend_tokenizer
        metadata, _ = read_gguf_metadata(str(path))
        if width := metadata.get(f"{metadata['general.architecture']}.attention.key_length"):
            config.head_dim = width  # transformers 5.24 forgets it for Qwen 3 and others
    unpacked = {"gguf_file": path.name, "quantization_config": transformers.GgufConfig(dequantize=True)}
    return _Source(path.parent, config, tokenizer.to_str(), str(metadata.get("general.name", "")), unpacked)


def _loaded(source: _Source, device: str) -> Any:
    """A model with all its weights on a device. Raises ModelError."""
    with _explained(source.folder):
        loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
            source.folder,
            config=source.config,
            dtype=_precision(device, source.config.dtype),
            attn_implementation="eager",  # every model has it, and on a CPU it is as quick as the others
            use_safetensors=True,
            output_loading_info=True,
            **_LOCAL,
            **source.options,
        )
        model, report = loaded
        if missing := sorted(report["missing_keys"]):
            raise ModelError(f"{source.folder} lacks {len(missing)} of the model's weights, {missing[0]} among them.")
        return model.to(device)


_LOCAL = {"local_files_only": True, "trust_remote_code": False}
"""No network, and no programs that come with a model."""


def _quieten() -> None:
    """Its warnings and progress bars are for people who train models."""
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()


@contextmanager
def _explained(what: Path | str) -> Iterator[None]:
    """What transformers, safetensors and PyTorch raise, as a sentence for the person who reads it."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or repr(error)
        raise ModelError(f"{what} cannot be loaded: {reason}") from None


def _device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _precision(device: str, stored: torch.dtype | None) -> torch.dtype:
    """Half the memory and twice the speed where the device computes with 16 bits, and a CPU loses nothing by it."""
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device == "mps":
        return torch.float16
    capable: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    computes = any(capable.get(name) for name in ("avx512_bf16", "amx_bf16", "sve_bf16", "bf16"))
    return torch.bfloat16 if computes and stored is torch.bfloat16 else torch.float32


def _is_croppable(config: Any) -> bool:
    """Whether the end of a sequence can be forgotten: not where a layer keeps a sum of all that it has seen.

    Layers with a window are given the whole sequence to keep, or they could not go back.
    """
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in DynamicCache(config=config).layers)


def _ends(config: Any) -> frozenset[int]:
    ends = getattr(config, "eos_token_id", None)
    return frozenset(ends if isinstance(ends, list) else [ends] if ends is not None else [])
