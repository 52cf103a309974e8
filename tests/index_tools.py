"""What tests of the index share: a file of code, and an encoder that needs no training."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.index import CodeIndex, Hit, Source
from retrieval.index_words import words_in

SHOP = '''"""What is sold."""

LIMIT = 3


class Item:
    """Something with a price."""

    currency = "EUR"

    def total(self, tax):
        """The price, tax included."""
        return self.price * (1 + tax)

    discount = 0


def parse_receipt(text):
    return text.split()
'''

Opened = Callable[..., CodeIndex]


def write(root: Path, path: str, text: str) -> Source:
    """Writes a file of the repository; as it is to be indexed."""
    file = root / "code" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return Source(path, "python" if path.endswith(".py") else "markdown", text, (file.stat().st_mtime_ns,))


def names(hits: list[Hit]) -> list[str]:
    return [hit.name for hit in hits]


class BagOfWords:
    """Texts are near each other that share words."""

    def __init__(self, dimension: int = 256, name: str = "bag of words") -> None:
        self.name, self.dimension = f"{name}, {dimension}", dimension

    def blocks(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in words_in(text):
                vector[zlib.crc32(word.encode()) % self.dimension] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)

    def definitions(self, definitions: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        return self.blocks([" ".join(blocks) for blocks in definitions])

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.blocks(texts)
