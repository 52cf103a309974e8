"""A terminal in which an editor runs: what a user types into it, and what is on its screen."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

PATIENCE = 120.0
"""Seconds after which a test gives up waiting."""


def program(name: str, cached: str = "") -> str:
    """An editor's program: where `.ci/editors` puts it, or on the PATH. Skips the test if it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ghostwright" / cached / name
    found = str(cache) if cached and cache.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"no {name} here: .ci/editors gets one")
    return found


def saved(file: Path) -> str:
    """The text of a file that an editor may be saving: empty while another is put in its place."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


class Terminal:
    """tmux on a socket of its own, which runs one program in a folder."""

    def __init__(self, folder: Path, command: list[str], environment: Mapping[str, str]) -> None:
        self._tmux = [program("tmux"), "-S", str(folder / "tmux"), "-f", "/dev/null"]
        env = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment}
        size = ["-x", "100", "-y", "30"]
        run = [*self._tmux, "-u", "new-session", "-d", *size, "-c", str(folder), *command]
        subprocess.run(run, check=True, env=env)

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False)

    def type(self, text: str) -> None:
        subprocess.run([*self._tmux, "send-keys", "-l", text], check=True)

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: `Escape`, `C-x`, `Enter`."""
        subprocess.run([*self._tmux, "send-keys", *keys], check=True)

    @property
    def screen(self) -> str:
        run = [*self._tmux, "capture-pane", "-p"]
        return subprocess.run(run, check=True, capture_output=True, encoding="utf-8").stdout

    def shows(self, text: str) -> bool:
        return text in self.screen

    def wait(self, condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Waits until a condition holds."""
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"waited {patience:g} seconds for {what}; there is:\n{self.screen}"
            time.sleep(0.1)

    def press_until(self, key: str, condition: Callable[[], bool], what: str) -> None:
        """Presses a key, and again after some seconds, until a condition holds: too early, it may have no effect."""

        def holds() -> bool:
            self.press(key)
            with contextlib.suppress(AssertionError):
                self.wait(condition, what, patience=5)
            return condition()

        self.wait(holds, what)
