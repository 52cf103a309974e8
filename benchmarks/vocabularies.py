"""Tokens of well-known models without their weights, as they come with llama.cpp's sources.

pip download --no-deps --no-binary :all: llama-cpp-python
tar -xzf llama_cpp_python-*.tar.gz
python benchmarks/monitors.py --vocabularies llama_cpp_python-*/vendor/llama.cpp/models
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from plugins.llama_cpp import WEIGHTS

FILES = {
    "embedded": WEIGHTS,
    "DeepSeek-Coder": Path("ggml-vocab-deepseek-coder.gguf"),
    "StarCoder": Path("ggml-vocab-starcoder.gguf"),
    "Llama 3": Path("ggml-vocab-llama-bpe.gguf"),
    "Qwen2": Path("ggml-vocab-qwen2.gguf"),
}
"""By name, the embedded model's file or one in the folder."""


@dataclass
class Tokens:
    """The tokens of one model: how it cuts texts into them, and their bytes by id, empty for special ones."""

    name: str
    path: Path

    def tokenize(self, text: str) -> list[int]:
        return list(self._vocabulary.tokenize(text))

    @property
    def ends(self) -> frozenset[int]:
        return frozenset(self._vocabulary.ends)

    @cached_property
    def pieces(self) -> Sequence[bytes]:
        return tuple(self._vocabulary.pieces)

    @cached_property
    def _vocabulary(self) -> Any:
        import llama_cpp

        from plugins.llama_cpp.messages import messages
        from plugins.llama_cpp.vocabulary import Vocabulary

        messages.start()
        parameters = llama_cpp.llama_model_default_params()
        parameters.vocab_only = True
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(self.path), parameters)
        if not self._model:
            raise SystemExit(f"llama.cpp cannot read the tokens in {self.path}: {messages.reason}")
        return Vocabulary(llama_cpp, llama_cpp.llama_model_get_vocab(self._model))


def known(folder: Path | None, names: Sequence[str]) -> list[Tokens]:
    """The tokens of some models; of the embedded one alone where no folder is given. Raises SystemExit."""
    found = []
    for name in names:
        if name not in FILES:
            raise SystemExit(f"There is no vocabulary “{name}”; there are {', '.join(FILES)}.")
        path = FILES[name] if FILES[name].is_absolute() else folder and folder / FILES[name]
        if path is None:
            continue
        if not path.is_file():
            raise SystemExit(f"There is no {path.name} in {folder}. `--help` says where to get it.")
        found.append(Tokens(name, path))
    return found
