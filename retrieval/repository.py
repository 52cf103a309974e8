"""Which files belong to a repository: not those that git or the user ignores, not secrets, not what is too large."""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pathspec

from retrieval.excludes import Stamp, exclude_files, stamp

MAX_BYTES = 2_000_000
"""Larger files are data."""

OWN_FILE = ".ghostwrightignore"
"""Leaves out more than git does, in any folder, by the patterns of a `.gitignore`. It brings nothing back."""

IGNORE_FILES = frozenset((".gitignore", OWN_FILE))
"""Files that say what of their folder is left out."""

_SECRET_NAMES = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", "_netrc", ".pgpass", ".pypirc", ".npmrc", ".htpasswd",
    ".git-credentials", "credentials", "credentials.json", "secrets.json", "secrets.toml", "secrets.yaml",
    "secrets.yml", "*.tfvars", "service-account*.json",
)  # fmt: skip
_INSIDE = "ps_d"
"""The group of pathspec's expressions that has the slash behind a folder."""
_EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
_SECRET_FOLDERS = frozenset((".ssh", ".gnupg", ".aws"))
_SECRET = re.compile("|".join(fnmatch.translate(name) for name in _SECRET_NAMES), re.IGNORECASE)


def repository_root(path: Path) -> Path | None:
    """The nearest folder upwards that has a `.git`."""
    return next((folder for folder in path.parents if (folder / ".git").exists()), None)


def excluded(path: Path, root: Path | None) -> str:
    """Why a file must not be shown to a model, in a sentence; empty if it may. Of a link, that what it leads to is.

    `root` is its repository's folder, if it belongs to one.
    """
    if reason := _excluded(path, root):
        return reason
    real = _followed(path)
    return "" if real == path else _excluded(real, repository_root(real))


def _excluded(path: Path, root: Path | None) -> str:
    if is_secret(path):
        return f"{path.name} may hold secrets: it never enters a prompt."
    if root and path.is_relative_to(root) and (by := ignored_by(path, root)):
        return f"{path.relative_to(root).as_posix()} is ignored by {by}: it never enters a prompt."
    return ""


def _followed(path: Path) -> Path:
    """Where a path leads, links followed; the path itself if it is that of no file yet."""
    try:
        return Path(os.path.realpath(path)) if path.is_absolute() else path
    except ValueError:  # a NUL
        return path


def is_secret(path: Path) -> bool:
    """`.env`, `server.pem`, `~/.ssh/config` are; `.env.example` and `keys.py` are not."""
    if path.name.lower() in _EXAMPLES:
        return False
    return bool(_SECRET.match(path.name)) or not _SECRET_FOLDERS.isdisjoint(path.parts[:-1])


def ignored_by(path: Path, root: Path) -> str:
    """Whose files leave out a path: `git` or `.ghostwrightignore`; empty if nobody's do.

    Of git's these are the user's, `info/exclude`, and the `.gitignore` files from the root down. The last pattern that
    matches decides, as gitignore(5) has it. A file in an ignored folder is ignored whatever the inner files say.
    """
    rules, place, parts = IgnoreRules.of(root), root, path.relative_to(root).parts
    if parts[:1] == (".git",):
        return "git"
    for depth, part in enumerate(parts, 1):
        rules, place = rules.inside(str(place)), place / part
        if by := rules.ignored_by(str(place), is_folder=depth < len(parts)):
            return by
    return ""


_Specs = tuple[tuple[str, pathspec.GitIgnoreSpec], ...]
"""With the folder that each begins in, outer ones first."""


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The ignore files that hold in a folder: for those who walk a repository, and leave ignored folders out."""

    git: _Specs
    own: _Specs = ()

    @classmethod
    def of(cls, root: Path) -> IgnoreRules:
        """Those that hold in all of a repository; without those in its folders."""
        specs = (_read(file) for file in exclude_files(root))
        return cls(tuple((str(root), spec) for spec in specs if spec is not None))

    def inside(self, folder: str) -> IgnoreRules:
        """With those of a folder's own files."""
        git, own = (_read(Path(folder, name)) for name in (".gitignore", OWN_FILE))
        if git is None and own is None:
            return self
        return IgnoreRules(
            self.git if git is None else (*self.git, (folder, git)),
            self.own if own is None else (*self.own, (folder, own)),
        )

    def ignored_by(self, path: str, is_folder: bool) -> str:
        """Whose rules leave out a path in the folder: `git` or `.ghostwrightignore`; empty if none do."""
        if _ignores(self.git, path, is_folder):
            return "git"
        return OWN_FILE if _ignores(self.own, path, is_folder) else ""


def _ignores(specs: _Specs, path: str, is_folder: bool) -> bool:
    for base, spec in reversed(specs):
        inner = path[len(base) :].replace(os.sep, "/").lstrip("/") + ("/" if is_folder else "")
        if (answer := _answer(spec, inner)) is not None:
            return answer
    return False


def _answer(spec: pathspec.GitIgnoreSpec, inner: str) -> bool | None:
    """What the last pattern says that means a path, not only a folder around it; None if there is none.

    To pathspec `!packages/` would bring back `packages/build/` as well, which git leaves out.
    """
    for pattern in reversed(list(spec.patterns)):
        if isinstance(pattern, pathspec.RegexPattern) and pattern.regex and pattern.include is not None:
            for match in pattern.regex.finditer(inner):
                if match.groupdict().get(_INSIDE) is None or match.end(_INSIDE) == len(inner):
                    return pattern.include
    return None


def _read(file: Path) -> pathspec.GitIgnoreSpec | None:
    try:
        return _spec(file, stamp(file)) if file.is_file() else None
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=256)
def _spec(file: Path, version: Stamp) -> pathspec.GitIgnoreSpec:
    del version  # part of the key: a changed file is read again
    lines = file.read_bytes().decode("utf-8-sig", "replace").split("\n")  # git's lines end at no other character
    return pathspec.GitIgnoreSpec.from_lines(filter(_is_pattern, (line.removesuffix("\r") for line in lines)))


def _is_pattern(line: str) -> bool:
    """Whether a line can be understood; git passes over others, e.g. a lone `!`."""
    try:
        pathspec.GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True
