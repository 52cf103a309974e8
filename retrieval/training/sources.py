"""The packages that the encoder learns from, which `sources.tsv` names with their versions and licences."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

log = logging.getLogger(__name__)

LIST = Path(__file__).parent / "sources.tsv"

_PERMISSIVE = re.compile(
    r"(MIT|BSD(-\d-Clause)?|0BSD|Apache(-2\.0)?|ISC|PSF|BSL-1\.0|Zlib|CC0-1\.0|Ruby|Biopython)( (AND|OR) (?!$)|$)"
)


@dataclass(frozen=True, slots=True)
class Package:
    registry: str
    """`pip`, `npm` or `deb` (Debian 12)."""
    name: str
    version: str
    licence: str
    held_out: bool
    """Whether it is measured on, and not learnt from."""

    @property
    def folder(self) -> str:
        """`pip-django`, `npm-babylonjs-core`"""
        return f"{self.registry}-{re.sub(r'[^A-Za-z0-9.]+', '-', self.name).strip('-').lower()}"


def listed(text: str) -> Iterator[Package]:
    """Of lines: registry, name, version, licence, part. Raises ValueError for a licence that is not permissive."""
    for line in filter(None, text.splitlines()):
        registry, name, version, licence, part = line.split("\t")
        rest = licence
        while rest:
            allowed = _PERMISSIVE.match(rest)
            if allowed is None:
                raise ValueError(
                    f"{name} has the licence {licence!r}, which is not known to be permissive: leave it out."
                )
            rest = rest[allowed.end() :]
        yield Package(registry, name, version, licence, part == "validation")


def fetch(packages: Iterable[Package], folder: Path) -> None:
    """Unpacks those that are not there yet below a folder; those that cannot be had are logged and left out."""
    for package in packages:
        target = folder / package.folder
        if target.exists():
            continue
        with TemporaryDirectory(dir=folder) as partial:
            try:
                _download(package, Path(partial))
                archives = [path for path in Path(partial).iterdir() if path.is_file()]
                for archive in archives:
                    _unpack(archive, Path(partial) / "unpacked")
            except (OSError, subprocess.CalledProcessError) as error:
                log.warning("%s %s cannot be had (%s); it is left out.", package.name, package.version, error)
                continue
            (Path(partial) / "unpacked").rename(target)


def _download(package: Package, folder: Path) -> None:
    command = {
        "pip": [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:",
                "--python-version=3.12", f"{package.name}=={package.version}"],
        "npm": ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
        "deb": ["apt-get", "download", "-q", f"{package.name}={package.version}"],
    }[package.registry]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=600)


def _unpack(archive: Path, target: Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
    elif archive.suffix == ".tgz":
        with tarfile.open(archive) as packed:
            packed.extractall(target, filter="data")
    else:
        subprocess.run(["dpkg-deb", "-x", str(archive), str(target)], check=True)
