"""Fills the index of a repository in the background, and keeps it as the files are.

A file is read again when what the file system says of it has changed; times are compared for being equal only, so that
a clock that goes backwards does no harm. What is indexed is saved as it goes on; after a stop it goes on from there.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from retrieval.index import CodeIndex, CodeIndexError, Source
from retrieval.index_scan import LanguageOf, Limits, Scanner
from retrieval.index_watch import Watch
from retrieval.repository import IGNORE_FILES

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Is told how many files are done, and of how many."""

_FAULTY = "left out, for indexing failed"
_BATCH = 120_000
"""Characters that are indexed together."""
_QUIET = 2.0
"""Seconds without a change after which the index is saved."""
_LONG = 20.0
"""Seconds after which it is saved while there are changes."""
_LOOK = 1.0
"""Seconds after which is looked whether another process is at it still."""
_LEAST = 0.1
"""The shortest wait, while the index is being saved."""
_RETRY = 30.0
"""Seconds after which is tried again what failed, and is looked for changes where nobody tells of them."""
_PAUSE = 0.5
"""The longest pause, in seconds."""
_RESCAN = 600.0
"""Seconds after which all files are looked at, should a change have been missed."""


class Indexing:
    """A thread of its own with low priority. The index can be asked at any time for what is there by now.

    `gentle` leaves half of the time to other threads of the process.
    """

    def __init__(
        self,
        root: Path,
        index: CodeIndex,
        language_of: LanguageOf,
        limits: Limits | None = None,
        progress: Progress = lambda done, total: None,
        gentle: bool = True,
    ) -> None:
        self.root = Path(os.path.abspath(root))
        self._index, self._progress, self._gentle = index, progress, gentle
        self._scanner = Scanner(self.root, language_of, limits or Limits())
        self._changed: dict[Path, None] = {}
        self._has_to_scan = self._is_busy = self._is_ours = True
        self._is_stuck = False
        self._condition = threading.Condition()
        self._closed, self._complete = threading.Event(), threading.Event()
        self._watch: Watch | None = None
        self._saver: threading.Thread | None = None
        self._watched: frozenset[Path] = frozenset()
        self._unwatched = ""
        self._unsaved_since = self._next_save = self._next_scan = math.inf
        self._thread = threading.Thread(target=self._run, name="indexing", daemon=True)
        self._thread.start()

    @property
    def is_complete(self) -> bool:
        """Whether all has been indexed once, but for what was left out."""
        return self._complete.is_set()

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not in the index and why, and what went wrong, in sentences."""
        return tuple(filter(None, (*self._scanner.left_out.sentences(), *self._index.notes, self._unwatched)))

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Has these looked at before all others; what is not told is noticed, too, if a moment later."""
        with self._condition:
            self._changed.update((Path(os.path.abspath(path)), None) for path in paths)
            self._condition.notify_all()

    def unsaved(self, shown: Mapping[Path, str]) -> list[Source]:
        """Of files that an editor shows those that are to be searched as it shows them: those that are not saved so."""
        return [source for path, text in shown.items() if (source := self._scanner.unsaved(path, text))]

    def wait(self, timeout: float | None = None) -> bool:
        """Until all that is known to have changed is indexed; whether it is. Another process's work is not awaited."""
        with self._condition:
            return self._condition.wait_for(self._is_idle, timeout)

    def close(self) -> None:
        """Ends the thread, after the files at which it is, and saves the index."""
        with self._condition:
            self._closed.set()
            self._condition.notify_all()
        self._thread.join()
        if self._watch is not None:
            self._watch.close()
        if self._saver is not None:
            self._saver.join()
        self._index.save()

    def _has_work(self) -> bool:
        return self._is_ours and not self._is_stuck and (self._has_to_scan or bool(self._changed))

    def _is_idle(self) -> bool:
        return self._closed.is_set() or not (self._is_busy or self._has_work())

    def _run(self) -> None:
        if sys.platform == "linux":  # elsewhere the priority is the whole process's
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        while not self._closed.is_set():
            seconds = self._step()
            with self._condition:
                self._is_busy = False
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._closed.is_set() or self._has_work(), seconds)
                self._is_busy = True

    def _step(self) -> float:
        """Does what there is to do; seconds until there may be more that nobody tells of."""
        try:
            self._is_ours, self._is_stuck = self._index.refresh(), False
            if not self._is_ours:
                with self._condition:
                    self._changed.clear()
                    self._has_to_scan = True  # for when it becomes ours
                return _LOOK
            if self._has_to_scan or time.monotonic() >= self._next_scan:
                self._scan()
            self._index_changed()
            self._save_if_due()
            return min(max(min(self._next_scan, self._next_save) - time.monotonic(), _LEAST), _RETRY)
        except CodeIndexError:
            pass  # the index says why
        except Exception:  # whatever is wrong must not end the thread
            log.exception("%s could not be indexed; it is tried again.", self.root)
        self._is_stuck = self._has_to_scan = True
        return _RETRY

    def _scan(self) -> None:
        """Indexes what is new and forgets what is no more; what changes meanwhile comes first."""
        self._has_to_scan, known = False, self._index.files
        found = self._scanner.scan(self._is_scan_over)
        self._next_scan = time.monotonic() + (_RETRY if found is None or self._unwatched else _RESCAN)
        if found is None:
            return
        self._watch_folders(found.folders)
        self._scanner.forget_others(found.files)
        now = self._index.files
        self._update([], [path for path in known.keys() - found.files.keys() if now.get(path) == known[path]])
        new = [path for path, stamp in found.files.items() if path not in now or now[path].stamp != stamp]
        new = [path for path in new if not self._scanner.is_skipped(path, found.files[path])]
        before, total = len(found.files) - len(new), len(found.files)
        self._progress(before, total)
        for done in self._index_files(new, now.keys()):
            self._progress(before + done, total)
            self._index_changed()
            self._save_if_due()
        if not self._closed.is_set():
            self._complete.set()

    def _is_scan_over(self) -> bool:
        self._index_changed()
        return self._closed.is_set()

    def _index_changed(self) -> None:
        """Files at once, and all that is there where folders or ignore files have changed."""
        with self._condition:
            changed = list(self._changed)
            self._changed.clear()
        if not changed:
            return
        known = self._index.files.keys()
        files, others = [], []
        for path in changed:
            if not path.is_relative_to(self.root):
                continue
            if path in self._watched:  # another may be in its place by now, which is not watched
                self._watched = frozenset()
            if path.name in IGNORE_FILES or (path.is_dir() and not path.is_symlink()):
                self._has_to_scan = True
            elif (relative := self._scanner.relative(path)) in known or self._is_allowed(path, len(known)):
                files.append(relative)
            elif not path.exists():
                others.append(f"{relative}/")
        self._has_to_scan |= bool(others) and any(each.startswith(tuple(others)) for each in known)
        for _ in self._index_files(files, known):
            pass

    def _is_allowed(self, path: Path, count: int) -> bool:
        return self._scanner.is_walked(path) and path.exists() and self._scanner.allows(count)

    def _index_files(self, paths: Sequence[str], known: Collection[str]) -> Iterator[int]:
        """Some at a time; how many it has been by then."""
        sources, gone, size = list[Source](), list[str](), 0
        for number, path in enumerate(paths, start=1):
            if self._closed.is_set():
                return
            if source := self._scanner.read(path):
                sources.append(source)
                size += len(source.text)
            elif path in known:
                gone.append(path)
            if size >= _BATCH or number == len(paths):
                self._update(sources, gone)
                sources, gone, size = [], [], 0
                yield number

    def _update(self, sources: Sequence[Source], gone: Collection[str]) -> None:
        """Changes the index, and pauses for as long as that took."""
        if not sources and not gone:
            return
        began = time.monotonic()
        try:
            self._index.update(sources, gone)
        except CodeIndexError:
            raise
        except Exception:
            self._update_one_by_one(sources)
        now = time.monotonic()
        self._unsaved_since = min(self._unsaved_since, now)
        self._next_save = min(now + _QUIET, self._unsaved_since + _LONG)
        if self._gentle:
            self._closed.wait(min(now - began, _PAUSE))

    def _update_one_by_one(self, sources: Sequence[Source]) -> None:
        """Leaves out those that an encoder fails on."""
        for source in sources:
            try:
                self._index.update([source])
            except CodeIndexError:
                raise
            except Exception:
                log.exception("%s could not be indexed; it is left out.", source.path)
                self._scanner.leave_out(source.path, source.stamp, _FAULTY)
                self._index.update([], [source.path])

    def _save_if_due(self) -> None:
        if time.monotonic() >= self._next_save and not (self._saver and self._saver.is_alive()):
            self._saver = threading.Thread(target=self._index.save, name="saving", daemon=True)
            self._saver.start()
            self._next_save = self._unsaved_since = math.inf

    def _watch_folders(self, folders: Sequence[Path]) -> None:
        """Has the system tell of what changes in them; before it did, something may have changed unseen."""
        if self._watched == (watched := frozenset(folders)):
            return
        if self._watch is not None:
            self._watch.close()
        self._watched, self._watch = watched, Watch(folders, self._watch_began, self.files_changed, self._watch_failed)

    def _watch_began(self) -> None:
        with self._condition:
            self._unwatched, self._has_to_scan = "", True
            self._condition.notify_all()

    def _watch_failed(self, reason: str) -> None:
        self._unwatched = f"Changes are looked for every {_RETRY:g} seconds, since they cannot be watched: {reason}."
        self._watched = frozenset()
        self._next_scan = min(self._next_scan, time.monotonic() + _RETRY)
