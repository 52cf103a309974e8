"""Plugins as strangers distribute them: one module with an entry point, as a wheel."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path


def wheel(folder: Path, name: str, source: str) -> Path:
    """A wheel of a distribution `name` with one module, which is a plugin of the same name."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    information = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": source,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/entry_points.txt": f"[ghostwright]\n{name} = {name}\n",
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{information}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{information}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


def unpack(wheel: Path, site: Path) -> None:
    """Puts a wheel's files where Python finds them if `site` is on its path."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


def with_plugins(site: Path) -> dict[str, str]:
    """The environment of a process that sees what is installed in a folder."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(site), os.environ.get("PYTHONPATH", ""))).rstrip(":")}
