"""Python modules that are compiled and have no stubs. Type checkers do not see them, and yet they can be imported."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from language_servers.analyzer import Diagnostic, Document, Fault, Kind, Member, Members
from language_servers.python import environment

_SUFFIXES = (".so", ".pyd")
_NAMES = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import\b(?:[^()#;\n]|\((?:[^)#]|#.*\n)*)*\Z", re.MULTILINE)
_MODULES = re.compile(r"^[ \t]*(?:from|import)[ \t](?:[^#;\n]*,)?[ \t]*(\.*)((?:\w+\.)*)\Z", re.MULTILINE)
_UNRESOLVED = re.compile(r"[Mm]odule [`'\"]([\w.]+)[`'\"](?: has no (?:member|attribute) [`'\"](\w+)[`'\"])?")
_UNIMPORTED = re.compile(r"Could not import `(\w+)` from `([\w.]+)`|Cannot find module `([\w.]+)`")


def with_compiled(found: Members, document: Document, offset: int, root: Path) -> Members:
    """What may be imported, the compiled modules among it."""
    before = document.text[max(offset - 2000, 0) : offset]
    match = _NAMES.search(before) or _MODULES.search(before)
    if match is None:
        return found
    dots, package = match.groups()
    bases = list((root / document.path).parents)[len(dots) - 1 : len(dots)] if dots else _bases(root)
    known = found.names
    more = {name for base in bases for name in _compiled(base.joinpath(*package.split("."))) if name not in known}
    return replace(found, items=(*found.items, *(Member(name, Kind.MODULE) for name in sorted(more))))


def without_compiled(found: Iterable[Diagnostic], root: Path) -> tuple[Diagnostic, ...]:
    """The complaints but for those that a compiled module does not exist."""
    return tuple(each for each in found if each.fault is not Fault.IMPORT or not _exists(each.message, root))


def _exists(message: str, root: Path) -> bool:
    module = _missing(message)
    return any(module[-1] in _compiled(base.joinpath(*module[:-1])) for base in _bases(root)) if module else False


def _missing(message: str) -> list[str]:
    """The module that a complaint misses, in its parts: ``Module `a` has no member `b` `` → a, b."""
    if match := _UNIMPORTED.search(message):
        return (match[3] or f"{match[2]}.{match[1]}").split(".")
    if match := _UNRESOLVED.search(message):
        return [*match[1].split("."), *([match[2]] if match[2] else [])]
    return []


def _bases(root: Path) -> Iterator[Path]:
    """Where modules are looked for: the project, and the packages of its environment."""
    yield from (root, root / "src")
    folder = environment(root)
    yield from folder.glob("lib/python3*/site-packages") if folder else [Path(sysconfig.get_path("platlib"))]


def _compiled(folder: Path) -> frozenset[str]:
    try:
        return _listed(folder, folder.stat().st_mtime_ns)
    except OSError:
        return frozenset()


@lru_cache(64)
def _listed(folder: Path, changed: int) -> frozenset[str]:
    """The compiled modules in a folder, which is read again when it has changed."""
    return frozenset(path.name.partition(".")[0] for path in folder.iterdir() if path.suffix in _SUFFIXES)
