"""Encoders of the sentence-transformers library, which is not installed with Ghostwright."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrieval.encoding_errors import EncoderError
from retrieval.encoding_pooling import Vectors, aggregated, normalised, pooling


class SentenceTransformersEncoder:
    """A definition is the mean of its blocks. `model` is a folder, or a name that is looked up in the local cache."""

    def __init__(self, model: str, download: bool = False) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise EncoderError(
                f"The encoder {model!r} needs the package sentence-transformers: install it with "
                "`pip install sentence-transformers`, or name a .gguf file."
            ) from error
        try:
            self._model: Any = SentenceTransformer(model, device="cpu", local_files_only=not download)
        except (OSError, ValueError) as error:
            raise EncoderError(
                f"sentence-transformers cannot load {model!r}: {error}. Name the folder of a model; none is downloaded."
            ) from error
        self.name = f"sentence-transformers:{model}"
        self.dimension = int(self._model.get_sentence_embedding_dimension())

    def blocks(self, texts: Sequence[str]) -> Vectors:
        return self._encoded(self._model.encode, texts)

    def definitions(self, definitions: Sequence[Sequence[str]]) -> Vectors:
        return aggregated(self.blocks, definitions, pooling("mean", {}))

    def queries(self, texts: Sequence[str]) -> Vectors:
        """With the prompt for queries, if the model has one."""
        prompt = {"prompt_name": "query"} if "query" in (self._model.prompts or {}) else {}
        return self._encoded(lambda *args, **kwargs: self._model.encode(*args, **kwargs, **prompt), texts)

    def _encoded(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return normalised(encode(list(texts), convert_to_numpy=True, show_progress_bar=False))
