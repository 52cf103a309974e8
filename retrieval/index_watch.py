"""Tells of what changes in a repository's folders, by the operating system's notifications."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path

from watchfiles import watch

from retrieval.walking import is_utf8

log = logging.getLogger(__name__)

MOST = 20_000
"""So many folders are watched, the first that are given."""
_QUIET = 20
"""Milliseconds without a change after which those before are told."""
_TOGETHER = 200
"""Milliseconds after which they are told in any case."""
_WAKE = 1000


class Watch:
    """A thread that watches folders, but not the folders in them. It tells whom it was given what has changed."""

    def __init__(
        self,
        folders: Collection[Path],
        began: Callable[[], None],
        changed: Callable[[Collection[Path]], None],
        failed: Callable[[str], None],
    ) -> None:
        self._folders = [str(folder) for folder in islice(folders, MOST) if is_utf8(str(folder)) and folder.is_dir()]
        self._began, self._changed, self._failed = began, changed, failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        begun = False
        try:
            for changes in watch(
                *self._folders,
                watch_filter=None,
                debounce=_TOGETHER,
                step=_QUIET,
                stop_event=self._stop,
                rust_timeout=_WAKE,
                yield_on_timeout=True,
                raise_interrupt=False,
                recursive=False,
                ignore_permission_denied=True,
            ):
                if not begun:
                    begun = True
                    self._began()
                if changes:
                    self._changed({Path(path) for _, path in changes})
        except (OSError, RuntimeError) as error:
            self._failed(str(error))
