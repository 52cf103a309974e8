"""Where git looks for what it ignores beside the `.gitignore` files: the user's file, and that of the repository."""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache
from pathlib import Path

_LONGEST = 5.0
"""Seconds that git has to answer."""

Stamp = tuple[int, ...]


def exclude_files(root: Path) -> tuple[Path, Path]:
    """The user's file (`core.excludesFile`, or where git looks without it), then the repository's `info/exclude`.

    They need not be there.
    """
    folder = _git_folder(root)
    configs = (*_users_configs(), folder / "config")
    return _users_file(root, _users_folder(), configs, tuple(map(stamp, configs))), folder / "info" / "exclude"


def stamp(file: Path) -> Stamp:
    """What is not the same once a file has changed; empty if it is not there."""
    try:
        status = file.stat()
    except (OSError, ValueError):
        return ()
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


@lru_cache(maxsize=64)
def _users_file(root: Path, users: Path, configs: tuple[Path, ...], stamps: tuple[Stamp, ...]) -> Path:
    """The settings of git are read again when one of their files has changed."""
    del configs, stamps
    command = ("git", "config", "--type=path", "--get", "core.excludesFile")
    try:
        asked = subprocess.run(command, cwd=root, capture_output=True, stdin=subprocess.DEVNULL, timeout=_LONGEST)
    except (OSError, subprocess.SubprocessError):
        return users / "ignore"
    named = os.fsdecode(asked.stdout.rstrip(b"\n"))
    return root / named if named else users / "ignore"


def _users_configs() -> tuple[Path, ...]:
    if named := os.environ.get("GIT_CONFIG_GLOBAL"):
        return (Path(named),)
    return Path.home() / ".gitconfig", _users_folder() / "config"


def _users_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "git"


def _git_folder(root: Path) -> Path:
    """What `.git` is or names; of a further worktree the folder that all share."""
    link = root / ".git"
    named = _read(link).removeprefix("gitdir: ")
    folder = root / named if named else link
    return folder / _read(folder / "commondir")


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="surrogateescape").rstrip("\n")
    except (OSError, ValueError):
        return ""
