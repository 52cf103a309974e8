"""What the folder of a model must hold, and what it must not: looked at before anything of it is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.errors import ModelError

CAUSAL = ("ForCausalLM", "LMHeadModel")
"""How the classes of models are called that write from left to right."""

_ANOTHER = "Name another model, or a GGUF file of this one."


def check(folder: Path) -> Mapping[str, Any]:
    """The configuration of a folder that can be loaded. Raises ModelError for others, and those that bring programs."""
    config = read_config(folder)
    architectures = config.get("architectures") or []
    if not any(name.endswith(CAUSAL) for name in architectures) or (folder / "modules.json").exists():
        kind = ", ".join(architectures) or "no architecture"
        raise ModelError(f"{folder} is not a model that writes ({kind}). Name a base model.")
    if (folder / "adapter_config.json").exists():
        raise ModelError(f"{folder} is an adapter. Merge it into its base model, and save that as safetensors.")
    if lacking := missing(folder):
        raise ModelError(f"{folder} has no {lacking[0]}{_pickled(folder)}. {_ANOTHER}")
    return config


def missing(folder: Path) -> list[str]:
    """The files without which a folder cannot be loaded, those of them that it lacks. Raises ModelError."""
    needed = ("config.json", "tokenizer.json", *_shards(folder))
    return [file for file in needed if not (folder / file).is_file()]


def read_config(folder: Path) -> Mapping[str, Any]:
    """The configuration of a model that needs no code but transformers' own. Raises ModelError."""
    config = _read(folder / "config.json")
    if "auto_map" in config:
        raise ModelError(
            f"{folder} needs programs that come with it (`auto_map` in config.json), which are never run. {_ANOTHER}"
        )
    if "quantization_config" in config:
        raise ModelError(f"{folder} is quantised in a way that needs programs from elsewhere to run it. {_ANOTHER}")
    return config


def _shards(folder: Path) -> list[str]:
    """The files of a folder's weights: safetensors only, since pickles, PyTorch's own files, can hold programs."""
    index = folder / "model.safetensors.index.json"
    shards = sorted(set(_read(index).get("weight_map", {}).values())) if index.is_file() else ["model.safetensors"]
    for shard in shards:
        if not shard.endswith(".safetensors") or Path(shard).name != shard:
            raise ModelError(f"{index} names {shard!r}, which is no safetensors file of this folder. {_ANOTHER}")
    return shards


def _pickled(folder: Path) -> str:
    """What stands there in place of safetensors, if it is weights."""
    found = sorted(file.name for suffix in ("*.bin", "*.pt", "*.pth") for file in folder.glob(suffix))
    return f"; {found[0]} is a pickle, which may hold programs and is not loaded" if found else ""


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}. It is needed to run the model.") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a JSON object, so the model cannot be run.")
    return content
