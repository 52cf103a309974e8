"""Fixtures for tests of the index: indexes that are closed in the end, and a disk that is full."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from index_tools import BagOfWords, Opened

from retrieval.index import CodeIndex
from retrieval.index_local import opened


@pytest.fixture
def open_index(tmp_path: Path) -> Iterator[Opened]:
    """Opens indexes of `tmp_path/code` that are saved in `tmp_path/cache/index`; closes them in the end."""
    indexes: list[CodeIndex] = []

    def open_index(**options: str) -> CodeIndex:
        indexes.append(opened(tmp_path / "code", BagOfWords(**options), tmp_path / "cache" / "index"))
        return indexes[-1]

    yield open_index
    for index in indexes:
        index.close()


@pytest.fixture
def grow_to() -> Iterator[Callable[[int], None]]:
    """Bytes beyond which no file of this process can grow, as if a disk were full; -1 for no limit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def grow_to(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size if size >= 0 else before[1], before[1]))

    yield grow_to
    grow_to(-1)
