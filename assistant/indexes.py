"""Indexes of repositories' code: each is opened and filled in the background from when somebody first wants it on."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from assistant.languages import language_of
from assistant.settings import MILVUS, Settings
from retrieval.index import CodeIndex, CodeIndexError, Hit

TOKEN = "GHOSTWRIGHT_MILVUS_TOKEN"
"""The environment's variable with what a Milvus server wants to see of its users."""

OpenIndex = Callable[[Path], CodeIndex]
"""Opens the index of a repository; takes up to a second. Raises CodeIndexError, EncoderError."""


def opener(settings: Settings, writes: bool = False) -> OpenIndex:
    """Opens the indexes that the settings name: on this machine, or on a Milvus server, there to change it or not."""

    def open_index(root: Path) -> CodeIndex:
        from retrieval import index_local, index_milvus  # heavy libraries, which nobody needs before
        from retrieval.encoding import load

        encoder = load(settings.encoder)
        if not settings.index:
            return index_local.opened(root, encoder)

        uri, _, name = settings.index.removeprefix(MILVUS).partition("#")
        return index_milvus.opened(uri, name or root.name, encoder, os.environ.get(TOKEN, ""), writes)

    return open_index


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a repository has been indexed, 0 to 1."""

    root: Path
    share: float


class Indexed:
    """The index of a repository, and the thread that fills it; `gentle` leaves half of the time to other threads."""

    def __init__(self, root: Path, index: CodeIndex, gentle: bool = True) -> None:
        from retrieval.indexing import Indexing  # what watches files, which nobody needs before

        self.index = index
        self.done = self.total = 0
        """Files."""
        self._root, self._ended = root, ""
        self._indexing = Indexing(root, index, language_of, progress=self._progressed, gentle=gentle)

    @property
    def progress(self) -> Progress | None:
        """None when all is indexed, and where another process indexes it."""
        if self._indexing.wait(0) or (self.total and self.done == self.total):
            return None
        return Progress(self._root, self.done / self.total if self.total else 0.0)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not in the index and why, in sentences."""
        return tuple(filter(None, (self._ended, *self._indexing.left_out)))

    def wait(self, timeout: float) -> bool:
        """Until all is indexed that this process is to index, so many seconds at most; whether it is."""
        return self._indexing.wait(timeout)

    def search(self, query: str, count: int, shown: Mapping[Path, str], leave_out: Collection[str] = ()) -> list[Hit]:
        """Searches what is there by now, and files that an editor shows as they are there. Raises CodeIndexError."""
        return self.index.search(query, count, leave_out, self._indexing.unsaved(shown))

    def files_changed(self, paths: Sequence[Path]) -> None:
        self._indexing.files_changed(paths)

    def stop(self) -> None:
        """Indexes no more. What is there is saved, and can be searched."""
        if self.progress:
            self._ended = f"Indexing was ended with {self.done:,} of {self.total:,} files; it goes on after a restart."
        self._indexing.close()

    def close(self) -> None:
        self.stop()
        self.index.close()

    def _progressed(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class Indexes:
    """One index for each repository that somebody has wanted. All methods can be called from any thread."""

    def __init__(self, open_index: OpenIndex, gentle: bool = True) -> None:
        self._open_index, self._gentle = open_index, gentle
        self._indexes: dict[Path, Future[Indexed]] = {}
        self._lock = Lock()
        self._opening = ThreadPoolExecutor(1, "opening an index")
        self._is_closed = False

    def begin(self, root: Path) -> Future[Indexed]:
        """Has a repository's index opened and filled, if it is not; what has failed is tried again.

        The result raises CodeIndexError or EncoderError if it cannot be opened.
        """
        with self._lock:
            if self._is_closed:
                return _failed(CodeIndexError("The index was closed, since settings have changed: try again."))
            known = self._indexes.get(root)
            if known is None or (known.done() and known.exception()):
                known = self._indexes[root] = self._opening.submit(self._opened, root)
            return known

    def opened(self, root: Path) -> Indexed | None:
        """The index of a repository, if it is open by now."""
        known = self._indexes.get(root)
        return known.result() if known and _is_there(known) else None

    @property
    def progress(self) -> Progress | None:
        """Of a repository that is being indexed; None if there is none."""
        for root, known in list(self._indexes.items()):
            if not known.done():
                return Progress(root, 0.0)
            if _is_there(known) and (progress := known.result().progress):
                return progress
        return None

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk; it is noticed without, too, if a moment later."""
        for indexed in self._all():
            indexed.files_changed(paths)

    def stop(self, root: Path) -> None:
        """Indexes a repository no more until it is opened anew. What is there is saved, and can be searched."""
        if indexed := self.opened(root):
            indexed.stop()

    def rebuild(self, root: Path) -> None:
        """Forgets what is indexed of a repository, and begins anew.

        Raises CodeIndexError if another process indexes it, or it cannot be opened, EncoderError.
        """
        indexed = self.begin(root).result()
        indexed.stop()
        try:
            indexed.index.update([], list(indexed.index.files))
        finally:
            indexed.index.close()
            with self._lock:
                self._indexes.pop(root, None)
            self.begin(root)

    def close(self) -> None:
        """Ends the threads, after the files at which they are, and saves the indexes."""
        with self._lock:
            self._is_closed = True
        self._opening.shutdown(cancel_futures=True)
        for indexed in self._all():
            indexed.close()
        self._indexes.clear()

    def _all(self) -> list[Indexed]:
        return [known.result() for known in list(self._indexes.values()) if _is_there(known)]

    def _opened(self, root: Path) -> Indexed:
        return Indexed(root, self._open_index(root), self._gentle)


def _failed(reason: Exception) -> Future[Indexed]:
    failed = Future[Indexed]()
    failed.set_exception(reason)
    return failed


def _is_there(known: Future[Indexed]) -> bool:
    return known.done() and not known.cancelled() and known.exception() is None
