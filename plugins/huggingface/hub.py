"""Where a model lies on this machine, and how one comes here from the hub: only when it is asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.errors import ModelError
from plugins.huggingface.folder import read_config

PREFIX = "huggingface:"
"""What the setting `model` begins with where it names a model of this plugin that would not be known as one."""

FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "model*.safetensors",
    "model.safetensors.index.json",
)
"""What is used of a repository; the rest, pickles and programs among it, stays where it is."""

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
    with _explained(name):
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return Path(snapshot_download(name, allow_patterns=list(FILES), local_files_only=True))
        except LocalEntryNotFoundError:
            command = f"ghostwright download {PREFIX}{name}"
            raise ModelError(f"{name} is not on this machine, or not all of it. Run `{command}` to fetch it.") from None


def download(name: str) -> Path:
    """Fetches a model, or what is missing of it, with progress bars, and compares it with the hub's checksums.

    What is in the cache of huggingface_hub is not fetched again. Raises ModelError.
    """
    if not is_name(name):
        raise ModelError(f"{name} is on this machine already: only a name on the hub can be downloaded.")
    with _explained(name):
        from huggingface_hub import hf_hub_download, model_info, snapshot_download

        files = [file.rfilename for file in model_info(name).siblings or ()]
        _check_offer(name, files)
        read_config(Path(hf_hub_download(name, "config.json")).parent)  # before gigabytes are fetched for nothing
        folder = Path(snapshot_download(name, allow_patterns=list(FILES)))
        _verify(name, folder)
        return folder


def _check_offer(name: str, files: list[str]) -> None:
    for needed, what in (("config.json", "config.json"), ("tokenizer.json", "tokenizer.json")):
        if needed not in files:
            raise ModelError(f"{name} has no {what}, so it cannot be run. Name another model.")
    if not any(re.fullmatch(r"model.*\.safetensors", file) for file in files):
        raise ModelError(
            f"{name} has no safetensors. Other weights may hold programs and are not loaded: name another."
        )


def _verify(name: str, folder: Path) -> None:
    """Removes files that are not what the hub has, so that they are fetched again. Raises ModelError."""
    from huggingface_hub import HfApi

    wrong = [each["path"] for each in HfApi().verify_repo_checksums(name).mismatches]
    for path in wrong:
        (folder / path).resolve().unlink()
        (folder / path).unlink(missing_ok=True)
    if wrong:
        raise ModelError(f"{', '.join(wrong)} of {name} came here damaged and was removed. Run the same command again.")


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What huggingface_hub raises, as a sentence for the person who reads it."""
    try:
        yield
    except (ModelError, KeyboardInterrupt):
        raise
    except ImportError as error:
        hint = 'Run `pip install "ghostwright[huggingface]"`.'
        raise ModelError(f"{name} is a model on the hub, which needs huggingface_hub ({error}). {hint}") from None
    except Exception as error:  # its errors, its HTTP client's and the system's
        reason = str(error).strip().partition("\n")[0] or repr(error)
        raise ModelError(
            f"{name} could not be fetched: {reason} What has come is kept; the same command goes on from there."
        ) from None
