"""Where an index is saved: a folder of generations, each complete and never changed.

A generation is written beside the one before, made to last, and only then given its name, so that whoever is killed at
any moment leaves the one before. One process writes, others read. What a checksum contradicts is not used.

    shop-1f3a…/lock               held by the process that writes
               7/manifest.json    of which encoder, and each file's size and checksum
                 …
               8.partial/         being written, or left by one that was killed
               live/              what the writer's index of words is changed in
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import platformdirs

FORMAT = 2
"""Of what is saved: what has another is built anew."""
_MANIFEST = "manifest.json"
_AT_ONCE = 1 << 20
_PATIENCE = 20
_LONGEST = 100
"""Bytes of a repository's name in that of its index."""

Check = tuple[int, int]
"""A file's bytes and their CRC-32."""
_Version = tuple[int, int]
"""Which file it is, whatever its name, and when it was written."""


class _Manifest(msgspec.Struct):
    format: int
    encoder: str
    checks: dict[str, Check]


@dataclass(frozen=True, slots=True)
class Saved:
    """A generation whose files are as they were written."""

    number: int
    folder: Path


def default_folder(root: Path) -> Path:
    """That of a repository, below the user's cache directory."""
    path = Path(os.path.abspath(root))
    mark = hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
    name = os.fsencode(path.name)[:_LONGEST].decode("utf-8", "ignore")  # tantivy and FAISS take no other text
    return platformdirs.user_cache_path("ghostwright") / "index" / f"{name}-{mark}"


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: IO[bytes] | None = None
        self._sound: dict[str, tuple[_Version, Check]] = {}
        """The files that were read and are as they should be, by their names."""

    def claim(self) -> bool:
        """Whether this process may write from now on; no other does until `release`. Raises OSError if nobody can."""
        if self._lock is not None and self._is_there(self._lock):
            return True
        self.release()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open(self.folder / "lock", "ab")  # noqa: SIM115
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        self._clear(self.newest_number)
        return True

    def _is_there(self, lock: IO[bytes]) -> bool:
        """Whether it still has its name, and so keeps others out."""
        try:
            return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock.name))
        except OSError:
            return False

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def newest_number(self) -> int:
        """Of the last generation, 0 if there is none."""
        try:
            return max((int(name) for name in os.listdir(self.folder) if name.isdecimal()), default=0)
        except OSError:
            return 0

    def newest(self, encoder: str) -> tuple[Saved | None, str]:
        """The last generation, if it is sound and of an encoder; otherwise none, and what is wrong with it."""
        for _ in range(_PATIENCE):
            number = self.newest_number
            if not number:
                return None, ""
            folder = self.folder / str(number)
            if not (fault := self._fault(folder, encoder)):
                return Saved(number, folder), ""
            if number == self.newest_number:  # otherwise the writer has replaced it meanwhile
                break
        return None, fault

    def _fault(self, folder: Path, encoder: str) -> str:
        try:
            manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=_Manifest)
        except (OSError, ValueError, msgspec.MsgspecError):  # ValueError: what is no UTF-8
            return f"is damaged ({_MANIFEST})"
        if manifest.format != FORMAT:
            return "was written by another version"
        if manifest.encoder != encoder:
            return f"is of another encoder ({manifest.encoder})"
        bad = next((name for name, check in manifest.checks.items() if not self._is_sound(folder, name, check)), "")
        return f"is damaged ({bad})" if bad else ""

    def _is_sound(self, folder: Path, name: str, check: Check) -> bool:
        try:
            with open(folder / name, "rb") as file:
                version = _version(file)
                if self._sound.get(name) != (version, check) and _check(file) != check:
                    return False
        except OSError:
            return False
        self._sound[name] = version, check
        return True

    def write(self, encoder: str, fill: Callable[[Path], None]) -> Saved:
        """A new generation of the files that are put into its folder. Raises OSError; then all is as before."""
        number = self.newest_number + 1
        partial = self.folder / f"{number}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir(mode=0o700)
            fill(partial)
            self._seal(partial, encoder)
            os.rename(partial, self.folder / str(number))
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _sync(self.folder)
        self._clear(number)
        return Saved(number, self.folder / str(number))

    def _seal(self, folder: Path, encoder: str) -> None:
        """Writes the manifest, and has all reach the disk."""
        sound: dict[str, tuple[_Version, Check]] = {}
        for name in sorted(_names(folder)):
            with open(folder / name, "rb") as file:
                version, known = _version(file), self._sound.get(name)
                if known is None or known[0] != version:
                    os.fsync(file.fileno())
                    known = version, _check(file)
                sound[name] = known
        manifest = _Manifest(FORMAT, encoder, {name: check for name, (_, check) in sound.items()})
        with open(folder / _MANIFEST, "wb") as file:
            file.write(msgspec.json.encode(manifest))
            file.flush()
            os.fsync(file.fileno())
        for inner in {(folder / name).parent for name in sound} | {folder}:
            _sync(inner)
        self._sound = sound

    def _clear(self, number: int) -> None:
        """Takes away all but one generation, as far as that can be done."""
        with suppress(OSError):
            for name in os.listdir(self.folder):
                if name not in ("lock", "live", str(number)) and name.removesuffix(".partial").isdecimal():
                    shutil.rmtree(self.folder / name, ignore_errors=True)


def put(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the file system has no such names."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _version(file: IO[bytes]) -> _Version:
    status = os.fstat(file.fileno())
    return status.st_ino, status.st_mtime_ns


def _check(file: IO[bytes]) -> Check:
    size = crc = 0
    while part := file.read(_AT_ONCE):
        size, crc = size + len(part), zlib.crc32(part, crc)
    return size, crc


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
