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

from pathlib import Path

from assistant.errors import ModelError
from assistant.hookspecs import hookimpl
from assistant.local import LocalModel, Weights
from assistant.settings import Settings
from assistant.types import Model
from plugins.huggingface import hub
from plugins.huggingface.place import PREFIX, is_name, located


@hookimpl
def ghostwright_model(settings: Settings) -> Model | None:
    named = settings.model.startswith(PREFIX)
    if named or (settings.model and (Path(settings.model).expanduser() / "config.json").is_file()):
        return HuggingFace(settings.model.removeprefix(PREFIX), threads=settings.threads)
    return None


class HuggingFace(LocalModel):
    """A causal model as PyTorch runs it. `place` is a folder, a GGUF file or a name on the hub.

    Nothing is loaded until it is needed.
    """

    def __init__(self, place: str, threads: int = 0) -> None:
        name = place if is_name(place) else Path(place).name
        super().__init__(name, lambda: _weights(located(place), name), threads)
        self.place = place

    def download(self) -> Path:
        """Fetches it from the hub, or what is missing of it, and checks it; where it is. Raises ModelError."""
        return hub.download(self.place)


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
