"""Which files of a repository are indexed, and reading them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from retrieval.grammars import LANGUAGES
from retrieval.index import Source, Stamp
from retrieval.repository import MAX_BYTES
from retrieval.walking import (
    GENERATED,
    TOO_LARGE,
    LeftOut,
    NotCodeError,
    is_generated,
    is_utf8,
    is_walked,
    read_code,
    walk,
)

LanguageOf = Callable[[PurePath], str]
"""The LSP identifier of the language that a file's name stands for."""

_OTHERS = frozenset(
    ("shellscript", "lua", "kotlin", "swift", "scala", "sql", "r", "julia", "perl", "haskell", "elisp", "makefile",
     "dockerfile", "markdown", "latex")
)  # fmt: skip
"""Languages without a grammar whose files are indexed by their paragraphs."""
_NOT_NAMED = "not named in UTF-8"
_TEXTS = frozenset((".txt", ".rst", ".adoc", ".org"))


@dataclass(frozen=True, slots=True)
class Limits:
    files: int = 50_000
    """Those that are indexed at most, nearest to the root first."""
    folders: int = 200_000
    """Those that are looked into at most."""


@dataclass(slots=True)
class Found:
    """What a scan has seen: files with their stamps, and folders."""

    files: dict[str, Stamp] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)


class Scanner:
    """Finds the files and remembers why some are left out."""

    def __init__(self, root: Path, language_of: LanguageOf, limits: Limits) -> None:
        self.root, self.left_out = root, LeftOut()
        self._language_of, self._limits = language_of, limits
        self._skipped: dict[str, Stamp] = {}
        """Files that were read and are left out, so that they are not read again until they change."""

    def scan(self, stopped: Callable[[], bool]) -> Found | None:
        """All that is there, outer folders first, as far as allowed; None if it was stopped or cannot be seen.

        `stopped` is asked in each folder.
        """
        found = Found()
        self.left_out.ended = ""
        if not self.root.is_dir():
            self.left_out.ended = f"{self.root} is not there: the index stays as it is."
            return None
        skipped = len(str(self.root).rstrip("/")) + 1
        for folder in walk(self.root, self.is_wanted, stopped=stopped):
            found.folders.append(folder.path)
            for entry in folder.files:
                if len(found.files) >= self._limits.files:
                    self.left_out.ended = self._files_sentence
                    return found
                if stamp := _stamp(entry):
                    found.files[entry.path[skipped:]] = stamp
            if len(found.folders) >= self._limits.folders:
                self.left_out.ended = (
                    f"Only {self._limits.folders:,} folders were looked into, those nearest to the repository's root."
                )
                return found
        return None if stopped() else found

    def allows(self, count: int) -> bool:
        """Whether there can be another file beside so many."""
        if count >= self._limits.files:
            self.left_out.ended = self._files_sentence
        return count < self._limits.files

    @property
    def _files_sentence(self) -> str:
        return f"Only {self._limits.files:,} files were indexed, those nearest to the repository's root."

    def is_wanted(self, path: Path) -> bool:
        """Whether a file of such a name is indexed."""
        language = self._language_of(path)
        return language in LANGUAGES or language in _OTHERS or path.suffix.lower() in _TEXTS

    def is_walked(self, path: Path) -> bool:
        """Whether a scan comes to a file, if it is there."""
        return is_walked(self.root, path, self.is_wanted)

    def leave_out(self, path: str, stamp: Stamp, reason: str) -> None:
        """Has it not read again until it changes."""
        self.left_out.add(reason, path)
        self._skipped[path] = stamp

    def is_skipped(self, path: str, stamp: Stamp) -> bool:
        return self._skipped.get(path) == stamp

    def forget_others(self, paths: Collection[str]) -> None:
        """Has nothing left out but of some files."""
        for path in self.left_out.paths().difference(paths):
            self.left_out.forget(path)
            self._skipped.pop(path, None)

    def read(self, path: str) -> Source | None:
        """A file as it is now; None if it is not there or is left out."""
        self.left_out.forget(path)
        if not (stamp := _stamp(self.root / path)):
            return None
        try:
            text = self._text(path, stamp[0])
        except NotCodeError as reason:
            self.leave_out(path, stamp, str(reason))
            return None
        except FileNotFoundError:
            return None
        self._skipped.pop(path, None)
        return Source(path, self._language_of(PurePath(path)), text, stamp)

    def unsaved(self, file: Path, text: str) -> Source | None:
        """A file as an editor shows it; None if it is saved so or is not indexed."""
        if not file.is_relative_to(self.root) or not self.is_walked(file) or _is_saved(file, text):
            return None
        is_left_out = len(text) > MAX_BYTES or is_generated(file.name, text)
        return Source(self.relative(file), self._language_of(file), "" if is_left_out else text)

    def _text(self, path: str, size: int) -> str:
        if not is_utf8(path):
            raise NotCodeError(_NOT_NAMED)
        if size > MAX_BYTES:
            raise NotCodeError(TOO_LARGE)
        text = read_code(self.root / path)
        if is_generated(PurePath(path).name, text):
            raise NotCodeError(GENERATED)
        return text

    def relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _is_saved(file: Path, text: str) -> bool:
    try:
        return read_code(file) == text
    except (FileNotFoundError, NotCodeError):
        return False


def _stamp(file: Path | os.DirEntry[str]) -> Stamp:
    """Its size, when it and what is known of it have changed, and its number; empty if it is not there."""
    try:
        status = file.stat(follow_symlinks=False)
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
