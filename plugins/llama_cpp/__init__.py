"""Models in GGUF files, run by llama.cpp through its low-level API.

The high-level `llama_cpp.Llama` reads whole prompts anew when their middle changes, cannot be cancelled and takes
one row of logits at a time; here the cache keeps the longest common beginning, whatever is asked next.

    weights.py              →  vocabulary.py       →  messages.py
    what it has seen, and      text and bytes         what llama.cpp
    what follows                                      says of itself
"""

from __future__ import annotations

from pathlib import Path

import assistant
from assistant.hookspecs import hookimpl
from assistant.local import LocalModel
from assistant.settings import Settings
from assistant.types import Model
from plugins.llama_cpp.weights import Weights

WEIGHTS = Path(assistant.__file__).parent / "weights" / "ghostwright-python-58m.Q5_K_M.gguf"
"""The embedded model, which needs no download and no setting."""


@hookimpl
def ghostwright_model(settings: Settings) -> Model | None:
    if not settings.model:
        return LlamaCpp(WEIGHTS, threads=settings.threads, languages=frozenset({"python"}))
    path = Path(settings.model).expanduser()
    return LlamaCpp(path, threads=settings.threads) if path.suffix == ".gguf" else None


class LlamaCpp(LocalModel):
    """A GGUF file as a model. Nothing is loaded until it is needed."""

    def __init__(self, path: Path, threads: int = 0, languages: frozenset[str] | None = None) -> None:
        super().__init__(path.name, lambda: Weights(path), threads, languages)
        self.path = path
