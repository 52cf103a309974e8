"""Files as an editor shows them: in a search their definitions take the place of those that are indexed.

They are encoded when something is searched, and kept in memory only: what is never saved is on no disk and no server.
By meaning and by their names they are ranked as all others; by words as what is indexed in their places, since how rare
a word is only the index knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrieval.index import Hit, Source
from retrieval.index_fusion import suffixes
from retrieval.index_rows import own_texts
from retrieval.index_words import words_in

if TYPE_CHECKING:
    from retrieval.encoding import Encoder

KEPT = 16
"""Files that need not be encoded again as long as they stay the same."""

Encoded = tuple[list[Hit], NDArray[np.float32]]
"""The definitions of a file, as hits without a score, and their vectors, `float32[n, dimension]`."""

Item = int | Hit
"""What is ranked: a definition of the index, by its number, or one that is not saved."""


class Unsaved:
    """Those of one search."""

    def __init__(self, sources: Sequence[Source], encode: Callable[[Source], Encoded]) -> None:
        self.paths = frozenset(source.path for source in sources)
        self._files = [encode(source) for source in sources]
        self._hits = [hit for hits, _ in self._files for hit in hits]
        self._places = {(hit.path, hit.name): hit for hit in reversed(self._hits)}

    def nearest(self, query: NDArray[np.float32]) -> list[tuple[Hit, float]]:
        """All of them with their cosines with a query, `float32[dimension]`."""
        return [pair for hits, vectors in self._files for pair in zip(hits, (vectors @ query).tolist(), strict=True)]

    def called(self, name: str) -> list[Hit]:
        """Those that can be asked for by a name in lower case, such as `item.total`."""
        return [hit for hit in self._hits if hit.kind != "text" and name in suffixes(hit.name)]

    def having(self, name: str) -> list[Hit]:
        """Those with a name in them."""
        return [hit for hit in self._hits if name in words_in(f"{hit.name} {hit.path} {hit.text}")]

    def instead(self, rows: Sequence[int], place: Callable[[int], tuple[str, str]]) -> list[Item]:
        """Definitions of the index, those of files that are not saved as they are there under the same name.

        `place` has a definition's path and name.
        """
        if not self.paths:
            return list(rows)
        items = (self._places.get(place(row)) if place(row)[0] in self.paths else row for row in rows)
        return list(dict.fromkeys(item for item in items if item is not None))


def best(found: Sequence[tuple[Item, float]], count: int) -> list[Item]:
    """The first of several items by their scores."""
    return [item for item, _ in sorted(found, key=lambda pair: -pair[1])[:count]]


def encoding(encoder: Encoder) -> Callable[[Source], Encoded]:
    """Splits and encodes files, some of which it remembers."""
    return lru_cache(KEPT)(partial(_encoded, encoder))


def _encoded(encoder: Encoder, source: Source) -> Encoded:
    found = source.definitions()
    vectors = np.asarray(encoder.definitions([each.passages for each in found]), np.float32)
    texts = own_texts(found, source.text)
    hits = [
        Hit(source.path, each.name, each.kind, each.start, each.end, each.line, 0.0, text)
        for each, text in zip(found, texts, strict=True)
    ]
    return hits, vectors.reshape(-1, encoder.dimension)
