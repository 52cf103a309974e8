"""Loads a model with PyTorch and transformers: safetensors or GGUF, from this machine, without programs of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing asks the network while a model is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "4000")  # as for llama.cpp: threads that wait must not take the cores

import safetensors  # noqa: F401 - without it transformers would look for pickles
import torch
import transformers
from transformers.integrations.gguf.reader import read_gguf_metadata

from assistant.errors import ModelError
from plugins.huggingface import folder
from plugins.huggingface.tokens import Vocabulary


@dataclass(frozen=True, slots=True)
class Source:
    """What a model is loaded from: its folder, and in it the GGUF file if it is one.

    `called` is what it is called by those who made it, as far as that is known.
    """

    folder: Path
    called: str
    config: Any
    vocabulary: Vocabulary
    options: Mapping[str, Any] = field(default_factory=dict)


def found(path: Path, name: str) -> Source:
    """What there is to load at a path, without its weights. Raises ModelError."""
    _quieten()
    return _gguf(path) if path.is_file() else _folder(path, name)


def load(source: Source, device: str) -> Any:
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


def _folder(path: Path, name: str) -> Source:
    """The source that a folder is. It seldom says more of itself than its name does."""
    with _explained(path):
        called = f"{name} {folder.check(path).get('_name_or_path', '')}"
        config = transformers.AutoConfig.from_pretrained(path, **_LOCAL)
    return Source(path, called, config, _vocabulary(path, config, (path / "tokenizer.json").read_text("utf-8")))


def _gguf(path: Path) -> Source:
    """The source that a GGUF file is."""
    with _explained(path):
        metadata, _ = read_gguf_metadata(str(path))
        options = {**_LOCAL, "gguf_file": path.name}
        config = transformers.AutoConfig.from_pretrained(path.parent, **options)
        if width := metadata.get(f"{metadata['general.architecture']}.attention.key_length"):
            config.head_dim = width  # transformers 5.24 forgets it for Qwen 3 and others
        tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, **options).backend_tokenizer
    vocabulary = _vocabulary(path, config, tokenizer.to_str())
    unpacked = {"gguf_file": path.name, "quantization_config": transformers.GgufConfig(dequantize=True)}
    return Source(path.parent, str(metadata.get("general.name", "")), config, vocabulary, unpacked)


def _vocabulary(path: Path, config: Any, tokenizer: str) -> Vocabulary:
    text = config.get_text_config()
    ends = getattr(text, "eos_token_id", None)
    with _explained(f"The tokenizer of {path}"):
        return Vocabulary(tokenizer, text.vocab_size, ends if isinstance(ends, list) else [ends])


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


def best_device() -> str:
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
