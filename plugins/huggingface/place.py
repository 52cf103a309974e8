"""Where a model lies on this machine: a folder, a GGUF file, or what has been downloaded by a name on the hub."""

from __future__ import annotations

import os
import re
from pathlib import Path

from assistant.errors import ModelError
from plugins.huggingface.folder import missing

PREFIX = "huggingface:"
"""What the setting `model` begins with where it names a model of this plugin that would not be known as one."""

FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "model*.safetensors",
    "model.safetensors.index.json",
)
"""What is used of a repository on the hub; the rest, pickles and programs among it, stays where it is."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_name(place: str) -> bool:
    """Whether a place can only be a name on the hub: no such file or folder is here."""
    return bool(_NAME.fullmatch(place)) and not Path(place).exists()


def located(place: str) -> Path:
    """The folder or file of a model, without asking the network. Raises ModelError."""
    if is_name(place):
        return _downloaded(place)
    path = Path(place).expanduser()
    if not path.exists():
        raise ModelError(
            f"There is no folder or file {path}. Set `model` to the folder of a model with its config.json, to a .gguf "
            f"file, or to a name on the hub, e.g. {PREFIX}Qwen/Qwen2.5-Coder-0.5B."
        )
    return path


def _downloaded(name: str) -> Path:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # completing never asks the network, whatever a library would like
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=list(FILES), local_files_only=True))
    except LocalEntryNotFoundError:
        folder = None
    if folder is None or missing(folder):
        command = f"ghostwright download {PREFIX}{name}"
        raise ModelError(f"{name} is not on this machine, or not all of it. Run `{command}` to fetch it.")
    return folder
