"""The folders that clients may reach, and what of them they may read: nothing outside, no secrets, nothing ignored."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from assistant.errors import RequestError
from assistant.files import neighbours, read_text
from assistant.http.problems import Problem
from assistant.types import File
from retrieval.repository import MAX_BYTES, excluded, repository_root

REMEMBERED = 10.0
"""Seconds for which the files beside a file stay the same."""

KEPT = 64
"""Files whose neighbours are remembered."""


class Folders:
    """Folders that are served. Links are followed first, and where they lead must be inside."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(root.resolve() for root in roots)
        self._beside: dict[Path, tuple[float, tuple[File, ...]]] = {}
        self._keeping = Lock()

    def path(self, name: str, root: str | None = None) -> Path:
        """A file's real path, which need not exist. Relative ones begin at a root. Raises Problem."""
        bases = [self.folder(root)] if root is not None else self.roots
        path = next(
            (path for base in bases if os.path.exists(path := _resolved(base, name))), _resolved(bases[0], name)
        )
        if not self._serves(path):
            raise Problem(403, f"{name!r} lies outside of the folders that are served: {self._listed()}.", "path")
        return path

    def folder(self, name: str) -> Path:
        """A folder that is served, or one below. Raises Problem."""
        folder = _resolved(self.roots[0], name)
        if not self._serves(folder):
            raise Problem(403, f"The folder {name!r} is not served. These are: {self._listed()}.", "root")
        if not os.path.isdir(folder):
            raise Problem(404, f"There is no folder {name!r}.", "root")
        return folder

    def repository(self, path: Path) -> Path | None:
        """The repository that a file belongs to, if all of it is served: else its ignore files may be out of reach."""
        root = repository_root(path)
        return root if root and self._serves(root) else None

    def text(self, path: Path) -> str:
        """A file's text. Raises Problem."""
        if reason := self._excluded(path):
            raise Problem(403, reason, "path")
        if not os.path.isfile(path):
            raise Problem(404, f"There is no file {path.name}: name one that exists, or send its text.", "path")
        if path.stat().st_size > MAX_BYTES:
            raise Problem(413, f"{path.name} has more than {MAX_BYTES:,} bytes: too large to be code.", "path")
        try:
            return read_text(path)
        except RequestError as error:
            raise Problem(400, str(error), "path") from None

    def beside(self, path: Path, language: str) -> tuple[File, ...]:
        """Files that belong beside a file, as an editor might have them open."""
        told, files = self._beside.get(path, (-REMEMBERED, ()))
        if time.monotonic() < told + REMEMBERED:
            return files
        found = neighbours(path, self.repository(path), language)
        files = tuple(file for file in found if self._serves(file.path.resolve()) and not self._excluded(file.path))
        with self._keeping:
            self._beside[path] = time.monotonic(), files
            while len(self._beside) > KEPT:
                del self._beside[next(iter(self._beside))]
        return files

    def _excluded(self, path: Path) -> str:
        """Why a file must not be read. Its repository may begin above what is served."""
        return excluded(path, repository_root(path))

    def _serves(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self.roots)

    def _listed(self) -> str:
        return ", ".join(map(str, self.roots))


def _resolved(base: Path, name: str) -> Path:
    """Where a name leads, links followed. Raises Problem."""
    try:
        return (base / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # too long, links in a circle, a NUL byte
        raise Problem(400, f"{name[:80]!r} is no path: {error}.", "path") from None
