"""The index of what a repository offers to its own code, kept in little memory and changed file by file.

What is found by name, by class or by file is found without a scan, and readers never wait: a file is read first and
then put in place, at once for each of its names. A name that a file has before and after is there all the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from posixpath import basename, dirname
from threading import Lock
from typing import TypeVar

import msgspec

from retrieval.api import Api, ApiKind
from retrieval.apis_file import ApisOfFile, uses_in
from retrieval.extraction import extract
from retrieval.extraction_nodes import first_name, last_name
from retrieval.imports import Import
from retrieval.places import places, shared_folders

__all__ = ["Api", "ApiKind", "Apis", "Import"]

MOST_ANCESTORS = 64
MOST_STEPS = 6
"""So far a name is followed from module to module that pass it on."""

_Value = TypeVar("_Value")


class _Known(msgspec.Struct, frozen=True, gc=False):
    """What is known of a name. It is part of no circle, so no collector has to look at it."""

    uses: int
    files: tuple[ApisOfFile, ...]
    """Those that offer it."""


_NOWHERE = _Known(0, ())
_NOTHING = ApisOfFile("", "", (), (), {})
"""In the place of a file that is not there."""


class Apis:
    def __init__(self) -> None:
        self._files: dict[str, ApisOfFile] = {}
        self._names: dict[str, _Known] = {}
        self._ending: dict[str, tuple[str, ...]] = {}
        self._size = 0
        self._writing = Lock()

    @property
    def files(self) -> Collection[str]:
        return self._files.keys()

    def update(self, path: str, language: str, text: str) -> None:
        """Replaces what a file offers and uses."""
        found, imports = extract(path, language, text)
        uses = uses_in(text, language)
        file = ApisOfFile(path, language, found, imports, uses)
        with self._writing:
            self._replace(path, file, uses)

    def remove(self, path: str) -> None:
        with self._writing:
            self._replace(path, _NOTHING, Counter())

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Api]:
        for path in list(self._files):
            yield from self.of_file(path)

    def of_file(self, path: str) -> Sequence[Api]:
        """In the file's order."""
        return self._files.get(path, _NOTHING).all()

    def derived(self, path: str, make: Callable[[Sequence[Api]], _Value]) -> _Value:
        """What is made of a file's APIs, once for as long as the file is as it is."""
        file = self._files.get(path)
        return file.derived(make) if file else make(())

    def named(self, name: str) -> Sequence[Api]:
        """All of this name, whichever class they belong to."""
        return [api for file in self._names.get(name, _NOWHERE).files for api in file.named(name)]

    def members(self, owner: Api) -> Sequence[Api]:
        """What a class itself declares."""
        file = self._files.get(owner.path)
        if file is None:
            return ()
        if file.language != "go":
            return file.owned_by(owner.within)
        return [api for each in self._beside(file) for api in each.owned_by(owner.within)]

    def _beside(self, file: ApisOfFile) -> list[ApisOfFile]:
        """The files of a package, which is a folder."""
        folder = dirname(file.path)
        paths = [path for path in self._ending.get(basename(folder), ()) if dirname(path) == folder]
        return [self._files[path] for path in sorted(paths) if path in self._files]

    def lineage(self, cls: Api) -> list[Api]:
        """A class and those of the repository that it inherits from, nearest first."""
        found, seen = [cls], {cls.qualified}
        for each in found:
            for base in each.bases:
                above = self._class_meant(base, each)
                if above and above.qualified not in seen and len(found) < MOST_ANCESTORS:
                    seen.add(above.qualified)
                    found.append(above)
        return found

    def uses(self, name: str) -> int:
        """How often a name occurs in the code of the repository, comments and strings left out."""
        return self._names.get(name, _NOWHERE).uses

    @property
    def text_bytes(self) -> int:
        """Bytes of text in what is kept: what the APIs say, the imports, and once each name that occurs in code."""
        names = sum(len(name) for name, known in self._names.copy().items() if known.uses)
        return sum(file.text_bytes for file in list(self._files.values())) + names

    def imports(self, path: str) -> tuple[Import, ...]:
        """What a file imports."""
        return self._files.get(path, _NOTHING).imports()

    def resolve(self, imported: Import, importer: str) -> tuple[str, ...]:
        """The repository's files that an import means: one, or those of a folder where a package is a folder (Go)."""
        for place in places(imported, importer, self._files.get(importer, _NOTHING).language):
            if place in self._files:
                return (place,)
            if place.startswith("*/") and (ending := self._ending_with(place, importer)):
                return ending
        return ()

    def definitions(self, imported: Import, importer: str) -> list[Api]:
        """What an import brings: the API of its name, followed through modules that pass it on; of a module, all."""
        return self._defined(imported, importer, set())

    def _defined(self, imported: Import, importer: str, seen: set[tuple[str, str]]) -> list[Api]:
        found: list[Api] = []
        for path in self.resolve(imported, importer):
            if imported.name in ("", "*"):
                found += [api for api in self.of_file(path) if not api.owner]
            elif (path, imported.name) not in seen and len(seen) < MOST_STEPS:
                seen.add((path, imported.name))
                found += self._of_name(path, imported, seen)
        return found

    def _of_name(self, path: str, imported: Import, seen: set[tuple[str, str]]) -> list[Api]:
        file = self._files.get(path)
        if file is None:
            return []
        name = imported.alias if imported.name == "default" else imported.name
        found = file.named(name)
        if found := [api for api in found if not api.owner] or found:
            return found
        outer = [api for api in file.all() if not api.owner]
        if _is_file_of(path, name):
            return outer
        if imported.name == "default":
            return [api for api in outer if api.public and api.kind in (ApiKind.CLASS, ApiKind.FUNCTION)][:1]
        return self._passed_on(file, name, seen)

    def _passed_on(self, file: ApisOfFile, name: str, seen: set[tuple[str, str]]) -> list[Api]:
        """What a file has from others, and so offers as well."""
        for each in file.imports():
            if each.alias == name:
                return self._defined(each, file.path, seen)
            if each.name == "*" and (found := self._defined(Import(each.module, name, name), file.path, seen)):
                return found
        return []

    def _class_meant(self, written: str, cls: Api) -> Api | None:
        """The class that a base's name means: of the same file, imported, or the nearest of that name."""
        name, first = last_name(written), first_name(written)
        classes = [api for api in self.named(name) if api.kind is ApiKind.CLASS and api.qualified != cls.qualified]
        if here := [api for api in classes if api.path == cls.path]:
            return next((api for api in here if api.owner == cls.owner), here[0])
        for each in self.imports(cls.path):
            if each.alias and each.alias in (first, written.removesuffix(name).rstrip(".:\\")):
                wanted = name if first != written else each.name or name
                found = self.definitions(each if each.name else Import(each.module, name, name), cls.path)
                if found := [api for api in found if api.kind is ApiKind.CLASS and api.name in (wanted, name)]:
                    return found[0]
                if not self.resolve(each, cls.path):
                    return None  # it comes from elsewhere
        return max(classes, key=lambda api: (shared_folders(api.path, cls.path), -len(api.path)), default=None)

    def _ending_with(self, place: str, importer: str) -> tuple[str, ...]:
        """`*/shop/Item.java` → the file; `*/shop/` → the files of that folder. The nearest where there are several."""
        ending = place[1:]
        last = basename(ending.rstrip("/"))
        found = [path for path in self._ending.get(last, ()) if _holds(path, ending)]
        if not found:
            return ()
        nearest = max(found, key=lambda path: (shared_folders(path, importer), -len(path)))
        return tuple(path for path in found if dirname(path) == dirname(nearest)) if place[-1] == "/" else (nearest,)

    def _replace(self, path: str, new: ApisOfFile, uses: Counter[str]) -> None:
        """Puts a file that uses these names in the place of what was at its path."""
        old = self._files.get(path, _NOTHING)
        if new is not _NOTHING:
            self._files[path] = new
        elif old is not _NOTHING:
            del self._files[path]
        before, after = _endings(old), _endings(new)
        for key in before - after:
            _drop(self._ending, key, path)
        for key in after - before:
            self._ending[key] = (*self._ending.get(key, ()), path)
        uses.subtract(old.uses())
        self._replace_names(old, new, uses)
        self._size += new.size - old.size

    def _replace_names(self, old: ApisOfFile, new: ApisOfFile, changes: Counter[str]) -> None:
        before, after, alone = old.names(), new.names(), (new,)
        for name in before.union(after, (name for name, change in changes.items() if change)):
            known = self._names.get(name, _NOWHERE)
            uses, files = known.uses + changes[name], known.files
            if name in before:
                files = tuple(file for file in files if file is not old)
            if name in after:
                files = (*files, new) if files else alone
            if files:
                self._names[name] = _Known(uses, files)
            elif uses:
                self._names[name] = _only_used(uses)
            else:
                self._names.pop(name, None)


@lru_cache(256)
def _only_used(uses: int) -> _Known:
    """Names that occur as often share it, for most names are offered by no file."""
    return _Known(uses, ())


def _drop(index: dict[str, tuple[str, ...]], key: str, value: str) -> None:
    rest = tuple(each for each in index.get(key, ()) if each != value)
    if rest:
        index[key] = rest
    else:
        index.pop(key, None)


def _endings(file: ApisOfFile) -> set[str]:
    """What a file is looked up by where its folders are not known; in some languages by that of its folder, too."""
    if file is _NOTHING:
        return set()
    folder, _, name = file.path.rpartition("/")
    return {name, basename(folder)} if file.language in ("go", "java") else {name}


def _holds(path: str, ending: str) -> bool:
    """Whether a path is `.../` and the ending, or a file directly in the folder that the ending names."""
    whole = f"/{dirname(path)}/" if ending[-1] == "/" else f"/{path}"
    return whole.endswith(ending)


def _is_file_of(path: str, name: str) -> bool:
    """`shop/items.py` is the module `items`, and so is `shop/items/__init__.py`."""
    folder, _, last = path.rpartition("/")
    stem = last.partition(".")[0]
    return stem == name or (stem in ("__init__", "mod", "index") and basename(folder) == name)
