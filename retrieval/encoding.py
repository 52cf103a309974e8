"""Texts to vectors: the encoder that comes with Ghostwright, and the door to others.

A definition's blocks are encoded one by one and aggregated into one vector, after SEA (Hu et al., LREC-COLING 2024), by
the same function for every definition: that of one block is the block's, and repeating blocks changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

WEIGHTS = Path(__file__).parent / "encoders" / "ghostwright-code-256.npz"
"""The embedded encoder, made by `python -m retrieval.training`."""


class Encoder(Protocol):
    """All vectors are L2-normalised, so that the inner product compares them; those of empty texts are zero.

    The first line of a block is the name of its definition, or empty: `splitting.Definition.passages` are such blocks.
    """

    @property
    def name(self) -> str:
        """Which encoder it is, its weights included: vectors of encoders with other names cannot be compared."""
        ...

    @property
    def dimension(self) -> int: ...

    def blocks(self, texts: Sequence[str]) -> Vectors:
        """float32[texts, dimension]"""
        ...

    def definitions(self, definitions: Sequence[Sequence[str]]) -> Vectors:
        """float32[definitions, dimension], each from the blocks of one."""
        ...

    def queries(self, texts: Sequence[str]) -> Vectors:
        """float32[texts, dimension], of descriptions, or of code that is being written."""
        ...


def load(name: str = "", download: bool = False) -> Encoder:
    """The embedded encoder, that of a GGUF file, or a sentence-transformers model by its folder or name.

    A model that is only named is taken from the cache of Hugging Face, or fetched if `download` says so. Raises
    EncoderError if there is none.
    """
    if not name:
        return embedded()
    path = Path(name).expanduser()
    if path.suffix == ".gguf":
        from retrieval.encoding_llama_cpp import LlamaCppEncoder

        return LlamaCppEncoder(path)
    from retrieval.encoding_transformers import SentenceTransformersEncoder

    return SentenceTransformersEncoder(str(path) if path.exists() else name, download)


@lru_cache
def embedded(pooling: str = "") -> Encoder:
    """The encoder in the package. `pooling` is one of `encoding_pooling.POOLINGS`; the best one without."""
    from retrieval.encoding_words import WordEncoder

    return WordEncoder(WEIGHTS, pooling)
