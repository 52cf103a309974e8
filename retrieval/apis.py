"""The index of what a repository offers to its own code, kept in little memory and changed file by file.

A file's APIs are one string of bytes; an `Api` is made when somebody asks for it. What is found by name, by class or by
file is found without a scan, and readers never wait: a file is read first and then put in place, at once for each of
its names.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from sys import intern
from threading import Lock
from typing import Any, TypeVar, cast

from retrieval.api import Api, ApiKind
from retrieval.extraction import extract
from retrieval.extraction_nodes import first_name, last_name
from retrieval.imports import Import
from retrieval.parsing import LONG
from retrieval.places import places

__all__ = ["Api", "ApiKind", "Apis", "Import"]

MOST_ANCESTORS = 64
MOST_STEPS = 6
"""So far a name is followed from module to module that pass it on."""

_Value = TypeVar("_Value")

_KINDS = list(ApiKind)
_ROW, _OWNER, _FIELD, _ITEM = b"\n", b"\x1e", b"\x1f", "\x1d"  # white space all of them, so no text of ours has them
_HOT = 8192

_NAME = r"([^\W\d]\w+)"
_SLASHES = re.compile(r'/\*[\s\S]*?(?:\*/|\Z)|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|' + _NAME)
_RUST = re.compile(r'/\*[\s\S]*?(?:\*/|\Z)|//[^\n]*|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\\n]|\\.)\'|' + _NAME)
_HASHES = re.compile(
    r'#[^\n]*|"""[\s\S]*?(?:"""|\Z)|\'\'\'[\s\S]*?(?:\'\'\'|\Z)|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|' + _NAME
)
_NAMES = {"python": _HASHES, "ruby": _HASHES, "rust": _RUST}


class Apis:
    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._offering: dict[str, tuple[_File, ...]] = {}
        self._ending: dict[str, tuple[str, ...]] = {}
        self._uses: dict[str, int] = {}
        self._size = 0
        self._writing = Lock()

    @property
    def files(self) -> Collection[str]:
        return self._files.keys()

    def update(self, path: str, language: str, text: str) -> None:
        """Replaces what a file offers and uses."""
        found, imports = extract(path, language, text)
        file = _File(path, language, found, imports, _uses_in(text, language))
        with self._writing:
            self._take_away(path)
            self._put(file, found)

    def remove(self, path: str) -> None:
        with self._writing:
            self._take_away(path)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Api]:
        for path in list(self._files):
            yield from self.of_file(path)

    def of_file(self, path: str) -> Sequence[Api]:
        """In the file's order."""
        file = self._files.get(path)
        return file.all() if file else ()

    def derived(self, path: str, make: Callable[[Sequence[Api]], _Value]) -> _Value:
        """What is made of a file's APIs, once for as long as the file is as it is."""
        file = self._files.get(path)
        return file.derived(make) if file else make(())

    def named(self, name: str) -> Sequence[Api]:
        """All of this name, whichever class they belong to."""
        return [api for file in self._offering.get(name, ()) for api in file.named(name)]

    def members(self, owner: Api) -> Sequence[Api]:
        """What a class itself declares."""
        file = self._files.get(owner.path)
        if file is None:
            return ()
        if file.language != "go":
            return file.owned_by(owner.within)
        return [api for each in self._beside(file) for api in each.owned_by(owner.within)]

    def _beside(self, file: _File) -> list[_File]:
        """The files of a package, which is a folder."""
        folder = _folder(file.path)
        paths = [path for path in self._ending.get(_endings(file.path, "go")[0], ()) if _folder(path) == folder]
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
        return self._uses.get(name, 0)

    @property
    def text_bytes(self) -> int:
        """Bytes of text in what is kept: what the APIs say, the imports, and once each name that occurs in code."""
        return sum(file.text_bytes for file in list(self._files.values())) + sum(map(len, list(self._uses)))

    def imports(self, path: str) -> tuple[Import, ...]:
        """What a file imports."""
        file = self._files.get(path)
        return file.imports() if file else ()

    def resolve(self, imported: Import, importer: str) -> tuple[str, ...]:
        """The repository's files that an import means: one, or those of a folder where a package is a folder (Go)."""
        file = self._files.get(importer)
        for place in places(imported, importer, file.language if file else ""):
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

    def _passed_on(self, file: _File, name: str, seen: set[tuple[str, str]]) -> list[Api]:
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
        return max(classes, key=lambda api: (_shared(api.path, cls.path), -len(api.path)), default=None)

    def _ending_with(self, place: str, importer: str) -> tuple[str, ...]:
        """`*/shop/Item.java` → the file; `*/shop/` → the files of that folder. The nearest where there are several."""
        ending = place[1:]
        last = ending.rstrip("/").rpartition("/")[2]
        found = [path for path in self._ending.get(last, ()) if _holds(path, ending)]
        if not found:
            return ()
        nearest = max(found, key=lambda path: (_shared(path, importer), -len(path)))
        return tuple(path for path in found if _folder(path) == _folder(nearest)) if place[-1] == "/" else (nearest,)

    def _put(self, file: _File, found: list[Api]) -> None:
        self._files[file.path] = file
        alone = (file,)
        for name in {api.name for api in found}:
            self._offering[intern(name)] = (*self._offering[name], file) if name in self._offering else alone
        for key in _endings(file.path, file.language):
            self._ending[key] = (*self._ending.get(key, ()), file.path)
        for name, count in file.uses():
            self._uses[name] = self._uses.get(name, 0) + count
        self._size += file.size

    def _take_away(self, path: str) -> None:
        file = self._files.pop(path, None)
        if file is None:
            return
        for name in file.names():
            _drop(self._offering, name, file)
        for key in _endings(path, file.language):
            _drop(self._ending, key, path)
        for name, count in file.uses():
            self._uses[name] -= count
            if not self._uses[name]:
                del self._uses[name]
        self._size -= file.size


class _File:
    """What is kept of a file."""

    __slots__ = ("_counts", "_derived", "_imports", "_rows", "_words", "language", "path", "size")

    def __init__(
        self, path: str, language: str, found: Sequence[Api], imports: Sequence[Import], uses: Counter[str]
    ) -> None:
        self.path, self.language, self.size = path, language, len(found)
        self._rows = b"".join(map(_pack, found))
        self._derived: tuple[object, Any] = (None, None)
        self._imports = "\n".join(f"{each.module}\x1f{each.name}\x1f{each.alias}" for each in imports)
        self._words = tuple(map(intern, uses))
        counts = uses.values()
        self._counts = bytes(counts) if max(counts, default=0) < 256 else array("I", counts)

    @property
    def text_bytes(self) -> int:
        return len(self._rows) + len(self._imports)

    def all(self) -> list[Api]:
        return [_unpack(self.path, row) for row in self._rows.split(_ROW)[1:]]

    def derived(self, make: Callable[[Sequence[Api]], _Value]) -> _Value:
        maker, made = self._derived
        if maker is not make:
            made = make(self.all())
            self._derived = make, made
        return cast(_Value, made)

    def names(self) -> set[str]:
        return {row[row.index(_OWNER) + 1 : row.index(_FIELD)].decode() for row in self._rows.split(_ROW)[1:]}

    def named(self, name: str) -> list[Api]:
        return self._rows_with(_OWNER + name.encode("utf-8", "replace") + _FIELD)

    def owned_by(self, owner: str) -> list[Api]:
        return self._rows_with(_ROW + owner.encode() + _OWNER)

    def imports(self) -> tuple[Import, ...]:
        return tuple(Import(*line.split("\x1f")) for line in self._imports.split("\n")) if self._imports else ()

    def uses(self) -> Iterator[tuple[str, int]]:
        return zip(self._words, self._counts, strict=True)

    def _rows_with(self, mark: bytes) -> list[Api]:
        """Those in which the mark stands, which no row has twice."""
        found, rows = [], self._rows
        at = rows.find(mark)
        while at >= 0:
            start = rows.rfind(_ROW, 0, at + 1) + 1
            end = rows.find(_ROW, at + len(mark))
            end = len(rows) if end < 0 else end
            found.append(_unpack(self.path, rows[start:end]))
            at = rows.find(mark, end)
        return found


def _pack(api: Api) -> bytes:
    flags = _KINDS.index(api.kind) * 4 + api.public * 2 + api.static
    lists = _ITEM.join(api.parameters), _ITEM.join(api.bases)
    fields = (api.name, f"{flags},{api.line}", api.signature, api.returns, api.doc, *lists)
    return ("\n" + api.owner + "\x1e" + "\x1f".join(fields)).encode("utf-8", "replace")


@lru_cache(_HOT)
def _unpack(path: str, row: bytes) -> Api:
    owner, _, rest = row.decode().partition("\x1e")
    name, numbers, signature, returns, doc, parameters, bases = rest.split("\x1f")
    number, _, line = numbers.partition(",")
    flags = int(number)
    return Api(
        name, owner, path, _KINDS[flags // 4], signature, _items(parameters), returns, _items(bases), doc, int(line),
        bool(flags & 2), bool(flags & 1),
    )  # fmt: skip


def _items(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(_ITEM)) if joined else ()


def _uses_in(text: str, language: str) -> Counter[str]:
    pattern = _NAMES.get(language, _SLASHES)
    if len(text) < LONG:
        uses = Counter(pattern.findall(text))
    else:  # one by one, so that other threads run in between
        uses = Counter(match[1] or "" for match in pattern.finditer(text))
    del uses[""]  # comments and strings
    return uses


def _drop(index: dict[str, tuple[_Value, ...]], key: str, value: _Value) -> None:
    rest = tuple(each for each in index.get(key, ()) if each != value)
    if rest:
        index[key] = rest
    else:
        index.pop(key, None)


def _endings(path: str, language: str) -> tuple[str, ...]:
    """What a file is looked up by where its folders are not known; in some languages by that of its folder, too."""
    folders, _, name = path.rpartition("/")
    folder = folders.rpartition("/")[2]
    return (folder, name) if language in ("go", "java") and folder != name else (name,)


def _holds(path: str, ending: str) -> bool:
    """Whether a path is `.../` and the ending, or a file directly in the folder that the ending names."""
    whole = f"/{_folder(path)}/" if ending[-1] == "/" else f"/{path}"
    return whole.endswith(ending)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _is_file_of(path: str, name: str) -> bool:
    """`shop/items.py` is the module `items`, and so is `shop/items/__init__.py`."""
    folder, _, last = path.rpartition("/")
    stem = last.partition(".")[0]
    return stem == name or (stem in ("__init__", "mod", "index") and folder.rpartition("/")[2] == name)


def _shared(path: str, other: str) -> int:
    """How many folders two files share, from the root on."""
    count = 0
    for one, two in zip(path.split("/")[:-1], other.split("/")[:-1], strict=False):
        if one != two:
            break
        count += 1
    return count
