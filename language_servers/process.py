"""A language server as a child process: it starts in a group of its own, is measured, and is killed with its children.

A child that we leave behind by dying ends as well: its standard input closes, and the kernel wakes it if it is stopped.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import BinaryIO, cast

import psutil

LAST_WORDS = 20
"""Lines of standard error that are kept for the log."""


class Child:
    """A running program. Raises OSError if it cannot be started. Whoever reads and writes its pipes closes them."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder if folder.is_dir() else None,
            env={**os.environ, **environment},
            process_group=0,
        )
        self.input = cast(BinaryIO, self._process.stdin)
        self.output = cast(BinaryIO, self._process.stdout)
        self._words: deque[str] = deque(maxlen=LAST_WORDS)
        self._listener = Thread(target=self._listen, name="language server errors", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return "\n".join(self._words)

    def ended(self, seconds: float = 0) -> str:
        """“it ended with code 1”, “it was killed by SIGKILL”; empty if it still runs after so long."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ""
        self._listener.join(seconds)
        return f"it was killed by {signal.Signals(-code).name}" if code < 0 else f"it ended with code {code}"

    def memory(self) -> int:
        """Bytes in use by it and its children; 0 once it has ended."""
        try:
            process = psutil.Process(self.pid)
            return sum(_resident(each) for each in (process, *process.children(recursive=True)))
        except psutil.Error:
            return 0

    def kill(self) -> None:
        """Ends it and its children at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def _listen(self) -> None:
        """Reads standard error, so that the child never waits for somebody to do so."""
        with cast(BinaryIO, self._process.stderr) as errors:
            while line := errors.readline(2000):
                self._words.append(line.decode("utf-8", "replace").rstrip())


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
