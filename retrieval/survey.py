"""Reads a repository's code in the background, and again what has changed, for those who ask what it offers."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from retrieval.apis import Apis
from retrieval.extraction import LANGUAGES
from retrieval.repository import IGNORE_FILES
from retrieval.walking import LeftOut, NotCodeError, is_entered, is_walked, read_code, walk

log = logging.getLogger(__name__)

LanguageOf = Callable[[PurePath], str]
"""The LSP identifier of the language that a file's name stands for."""

_PAUSE = 0.01
"""The longest pause after a file, in seconds; shorter after short ones, so that half the time is left to others."""


@dataclass(frozen=True, slots=True)
class Limits:
    files: int = 20_000
    """Those that are read at most, nearest to the root first."""
    seconds: float = 30.0
    """Of the processor's time: a busy machine reads as much as an idle one."""
    niceness: int = 10
    """The thread's priority, on Linux; elsewhere it is the whole process's."""


_FAULTY = "left out, for reading failed"


def code_files(
    root: Path, language_of: LanguageOf, below: Path | None = None, stopped: Callable[[], bool] = lambda: False
) -> Iterator[str]:
    """The files of a repository whose language is known, from the root, those in outer folders first."""
    for folder in walk(root, lambda path: language_of(path) in LANGUAGES, below, stopped):
        for entry in folder.files:
            yield PurePath(entry.path).relative_to(root).as_posix()


class Survey:
    """What a repository offers, read by a thread of its own with low priority.

    `apis` can be asked at any time for what is there by now.
    """

    def __init__(self, root: Path, language_of: LanguageOf, limits: Limits | None = None) -> None:
        self.apis = Apis()
        self.root = Path(os.path.abspath(root))
        self._language_of, self._limits = language_of, limits or Limits()
        self._left_out = LeftOut()
        self._edited: dict[str, str] = {}
        self._changed: dict[Path, None] = {}
        self._meanwhile: set[str] = set()  # what has been read since a folder's survey began, which it may not find
        self._folders: dict[Path, None] = {self.root: None}
        self._reading = True
        self._waiting = 0
        self._condition = threading.Condition()
        self._closed = threading.Event()
        self._complete = threading.Event()
        self._began = 0.0
        self._thread = threading.Thread(target=self._run, name="survey", daemon=True)
        self._thread.start()

    @property
    def is_complete(self) -> bool:
        """Whether all has been read once, but for what was left out."""
        return self._complete.is_set()

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not in the index and why, in sentences."""
        return self._left_out.sentences()

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Has these read again, or forgotten if they are no more; a folder means what is in it."""
        with self._condition:
            self._changed.update((Path(os.path.abspath(path)), None) for path in paths)
            self._condition.notify_all()

    def edited(self, path: Path, text: str | None) -> None:
        """A file's text in an editor, which counts instead of what is saved; None once the editor has closed it."""
        path = Path(os.path.abspath(path))
        relative = self._relative(path)
        if relative is None:
            return
        with self._condition:
            if text is None:
                self._edited.pop(relative, None)
            else:
                self._edited[relative] = text
            self._changed[path] = None
            self._condition.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Until all that is known to have changed is read; whether it is."""
        with self._condition:
            self._waiting += 1
            try:
                return self._condition.wait_for(self._is_idle, timeout)
            finally:
                self._waiting -= 1

    def close(self) -> None:
        """Ends the thread, after the file at which it is."""
        with self._condition:
            self._closed.set()
            self._condition.notify_all()
        self._thread.join()

    def _is_idle(self) -> bool:
        return self._closed.is_set() or not (self._changed or self._folders or self._reading)

    def _run(self) -> None:
        if sys.platform == "linux" and self._limits.niceness:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._limits.niceness)
        while not self._closed.is_set():
            self._read_changed()
            with self._condition:
                folder = next(iter(self._folders), None)
                self._reading = folder is not None
                if folder is None:
                    self._condition.notify_all()
                    self._condition.wait_for(lambda: self._changed or self._closed.is_set())
                    continue
                del self._folders[folder]
            self._survey(folder)

    def _read_changed(self) -> None:
        """Files at once, and folders as soon as there is no other."""
        while (path := self._next_changed()) is not None:
            try:
                self._read_path(path.parent if path.name in IGNORE_FILES else path)
            except Exception:  # such as a name that no file can have
                log.exception("%s could not be looked at for the index of APIs.", path)

    def _read_path(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            with self._condition:
                self._folders[path] = None
        else:
            self._read_file(path)

    def _next_changed(self) -> Path | None:
        with self._condition:
            path = next(iter(self._changed), None)
            if path is None or self._closed.is_set():
                return None
            self._reading = True
            del self._changed[path]
            return path

    def _survey(self, folder: Path) -> None:
        try:
            self._read_folder(folder)
        except Exception:  # whatever is wrong with one folder must not end the thread
            log.exception("%s could not be surveyed.", folder)
        if folder == self.root and not self._closed.is_set():
            self._complete.set()

    def _read_folder(self, folder: Path) -> None:
        """Reads what is in it and forgets what no longer is; edited files stay as they are in the editor."""
        relative = self._relative(folder)
        if relative is None:
            return
        if relative and not is_entered(self.root, folder):
            self._forget_below(relative)
            return
        self._began = time.thread_time()
        self._left_out.ended = ""
        self._forget_below(
            relative, [path for path in list(self.apis.files) if path in self._edited or (self.root / path).exists()]
        )
        found = self._meanwhile = set(self._edited)
        for path in code_files(self.root, self._language_of, folder, self._is_over):
            self._read_changed()
            if self._is_over():
                break
            if path not in self.apis.files and len(self.apis.files) >= self._limits.files:
                self._left_out.ended = (
                    f"Only {self._limits.files:,} files were read, those nearest to the repository's root."
                )
                break
            found.add(path)
            self._index(path)
        self._forget_below(relative, found)

    def _is_over(self) -> bool:
        """Whether the survey has to end before its time."""
        if time.thread_time() - self._began > self._limits.seconds:
            self._left_out.ended = (
                f"The survey ended after {self._limits.seconds:g} seconds, with {len(self.apis.files):,} files read."
            )
        return bool(self._left_out.ended) or self._closed.is_set()

    def _read_file(self, path: Path) -> None:
        relative = self._relative(path)
        if not relative:
            return
        if is_walked(self.root, path, self._is_code) and (relative in self._edited or path.exists()):
            self._meanwhile.add(relative)
            self._index(relative)
        else:
            self._forget_below(relative)

    def _is_code(self, path: Path) -> bool:
        return self._language_of(path) in LANGUAGES

    def _index(self, path: str) -> None:
        """Reads one file, and pauses for about as long as that took, unless somebody waits."""
        started = time.monotonic()
        self._left_out.forget(path)
        try:
            text = self._edited.get(path)
            text = self._text_of(path) if text is None else text
            if text is None:
                self.apis.remove(path)
            else:
                self.apis.update(path, self._language_of(PurePath(path)), text)
        except Exception:
            log.exception("%s could not be read for the index of APIs; it is left out.", path)
            self._left_out.add(_FAULTY, path)
            self.apis.remove(path)
        if not self._waiting:
            self._closed.wait(min(time.monotonic() - started, _PAUSE))

    def _text_of(self, path: str) -> str | None:
        """None of a file that is not there, or that is no text, with the reason in what is left out."""
        try:
            return read_code(self.root / path)
        except FileNotFoundError:
            return None
        except NotCodeError as reason:
            self._left_out.add(str(reason), path)
            return None

    def _forget_below(self, path: str, found: Iterable[str] = ()) -> None:
        """A file, or those of a folder but what was found, and what a survey that ended early may not have found."""
        kept = frozenset(found)
        for each in {*self.apis.files, *self._left_out.paths()} - kept:
            below = path in ("", each) or each.startswith(f"{path}/")
            if below and not (kept and self._left_out.ended and (self.root / each).exists()):
                self.apis.remove(each)
                self._left_out.forget(each)

    def _relative(self, path: Path) -> str | None:
        """From the root, with slashes, and empty for the root; None of what is outside."""
        if not path.is_relative_to(self.root):
            return None
        relative = path.relative_to(self.root).as_posix()
        return "" if relative == "." else relative
