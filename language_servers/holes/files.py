"""The files whose types are told: whose they are, and which are read."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from language_servers.analyzer import Document
from retrieval.repository import excluded, repository_root

LARGEST = 1_000_000
"""Bytes of a file that is still read for a type."""


def read(path: Path, language: str) -> Document | None:
    """A file on the disk as a document; None if it cannot or must not be read, or is too large to be code."""
    if _is_hidden(path):
        return None
    try:
        status = path.stat()
        return _read(path, language, status.st_mtime_ns) if status.st_size <= LARGEST else None
    except OSError:
        return None


def _is_hidden(path: Path) -> bool:
    """Whether git ignores a file or it may hold secrets. What is installed in a repository is not hidden."""
    root = repository_root(path)
    return bool(excluded(path, root)) and (root is None or is_own(path, root))


@lru_cache(maxsize=64)
def _read(path: Path, language: str, changed: int) -> Document:
    text = path.read_bytes().decode("utf-8", "replace")
    return Document(path, language, text)


def is_own(path: Path, root: Path) -> bool:
    """Whether a file belongs to the repository, not to something that is installed in it."""
    if not path.is_relative_to(root):
        return False
    parts = path.relative_to(root).parts
    return not any(part in ("site-packages", "node_modules", ".venv", "venv") for part in parts)


def is_installed(path: Path) -> bool:
    """Whether a file belongs to a library that is installed, and not to the language's own."""
    parts = path.parts
    library = "site-packages" in parts or "dist-packages" in parts or "node_modules" in parts
    return library and "typeshed" not in parts and "typescript" not in parts and "stdlib" not in parts
