"""Reads files from disk for callers without an editor: the file itself, and those that belong beside it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from assistant.errors import RequestError
from assistant.languages import language_of
from assistant.types import File
from retrieval.repository import MAX_BYTES, excluded

NEIGHBOURS = 8
"""Files beside the one that is completed, as an editor might have them open."""

SEEN = 5_000
"""Files that are looked at to find them."""


def read_text(path: Path) -> str:
    """A file's text, its newlines as they are. Raises RequestError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise RequestError(f"There is no file {path}.") from None
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.") from None
    if b"\0" in data[:8192]:
        raise RequestError(f"{path} is binary: a NUL byte stands in its first 8 KiB.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = data[error.start]
        raise RequestError(f"{path} is not UTF-8: byte {error.start} is 0x{wrong:02x}. Save it as UTF-8.") from None


def neighbours(path: Path, root: Path | None, language: str) -> Iterator[File]:
    """Files of the same language, those of the same folder first, then of the repository, the last edited first."""
    others = [other for other in _beside(path, root) if language_of(other) == language and _edited(other)]
    near_first = sorted(others, key=lambda other: (other.parent != path.parent, -_edited(other), other))
    for other in near_first[:NEIGHBOURS]:
        if other != path and not excluded(other, root):
            try:
                yield File(other, language, read_text(other))
            except RequestError:
                continue


def _beside(path: Path, root: Path | None) -> Iterator[Path]:
    seen = 0
    for folder, folders, names in os.walk(root or path.parent):
        folders[:] = sorted(filter(_is_walked, folders)) if root else []
        for name in names:
            seen += 1
            yield Path(folder, name)
        if seen > SEEN:
            return


def _is_walked(folder: str) -> bool:
    return not folder.startswith(".") and folder not in _SKIPPED


_SKIPPED = frozenset(("node_modules", "__pycache__", "venv", "build", "dist", "site-packages"))


def _edited(path: Path) -> float:
    """When a file was written; 0 for one that is too large, is no ordinary file, or cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return 0.0
    is_read = stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES
    return status.st_mtime if is_read else 0.0
