"""Tells the assistants which files have changed on the disk: no editor does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from watchfiles import watch

WAKE = 500
"""Milliseconds between two looks at whether it is to end."""

log = logging.getLogger(__name__)


class Changes:
    """A thread that watches folders and all below, but for those that hold no code, such as `node_modules`."""

    def __init__(self, roots: Sequence[Path], tell: Callable[[Sequence[Path]], None]) -> None:
        self._roots, self._tell = roots, tell
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        options = {"stop_event": self._stop, "rust_timeout": WAKE, "raise_interrupt": False}
        try:
            for changes in watch(*self._roots, ignore_permission_denied=True, **options):  # type: ignore[arg-type]
                self._tell([Path(path) for _, path in changes])
        except (OSError, RuntimeError) as error:
            log.warning("Changes on the disk are not noticed: %s", error)
