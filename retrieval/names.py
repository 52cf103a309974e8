"""What names mean in a file of the repository: its own, those that it imports, and the members of classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from posixpath import dirname

from retrieval import type_texts
from retrieval.apis import Api, ApiKind, Apis, Import
from retrieval.clues import BODY
from retrieval.imports import imports_of
from retrieval.places import shared_folders
from retrieval.values import Definition, Instance, Module, Value, value_of

IMPLICIT = frozenset(("java", "csharp", "cpp", "kotlin", "swift", "ruby"))
"""Languages in which a class's members are written without a receiver."""
_TYPES = (ApiKind.CLASS, ApiKind.ALIAS)


class Names:
    """Those of the file `path`, which the index knows, at a place in the classes `owner`, which are joined by dots."""

    def __init__(self, apis: Apis, path: str, language: str, owner: str, before: str = "") -> None:
        self._apis = apis
        self._path = path
        self._language = language
        self._owner = owner
        self._classes: dict[tuple[str, str], tuple[Api, ...]] = {}
        self._imported: dict[str, dict[str, Import]] = {}
        self._members: dict[str, dict[str, Api]] = {}
        local = _local_imports(before[-BODY:]) if language == "python" else ()
        self.imports: tuple[Import, ...] = (*apis.imports(path), *local)

    @cached_property
    def own_class(self) -> Api | None:
        """The class around the place."""
        last = self._owner.rpartition(".")[2]
        if not last:
            return None
        here = [api for api in self.here.get(last, ()) if api.kind is ApiKind.CLASS]
        exact = [api for api in here if api.within == self._owner]
        if found := exact or here:
            return found[0]
        around = [api for api in self._apis.named(last) if api.kind is ApiKind.CLASS]
        return next(iter(self._nearest(around, self._path)), None)

    @cached_property
    def here(self) -> dict[str, list[Api]]:
        """What the file declares, by name."""
        found: dict[str, list[Api]] = {}
        for api in self._apis.of_file(self._path):
            found.setdefault(api.name, []).append(api)
        return found

    def meaning(self, name: str) -> Value | None:
        """A name of the file, of the class around the place, or of the file's neighbours."""
        if self._language in IMPLICIT and (own := self.own_class) and (found := self.declared(own, name)):
            return value_of(found, own)
        here = [api for api in self.here.get(name, ()) if not api.owner or api.kind is ApiKind.CLASS]
        if not here and self._language != "python":
            folder = dirname(self._path)
            offered = [api for api in self._apis.named(name) if not api.owner or api.kind is ApiKind.CLASS]
            here = [api for api in offered if dirname(api.path) == folder]
        if here:
            return value_of(here[0])
        for imported in self.imports:
            if imported.name == "*":
                for api in self._apis.definitions(imported, self._path):
                    if api.name == name:
                        return value_of(api)
        if self._language != "python" and name[:1].isupper():
            return next((value_of(api) for api in self._named(name, self._path)), None)
        return None

    def imported(self, name: str) -> Import | None:
        """The import of the file that brings a name."""
        return self._imports_of(self._path).get(name)

    def meant(self, imported: Import, path: str) -> Value | None:
        """What an import of a file brings."""
        if imported.name not in ("", "*"):
            for api in self._apis.definitions(imported, path):
                if api.name == imported.name or imported.name == "default":
                    return value_of(api)
        return Module(imported, path) if self._apis.resolve(imported, path) else None

    def files(self, value: Module) -> tuple[str, ...]:
        """The files of a module."""
        return self._apis.resolve(value.imported, value.path)

    def module(self, value: Module) -> list[Api]:
        """What a module offers, and what it passes on."""
        found: list[Api] = []
        for path in self.files(value):
            found += [api for api in self._apis.of_file(path) if not api.owner]
            for each in self._apis.imports(path):
                if each.name:
                    found += self._apis.definitions(each, path)
        return found

    def in_module(self, value: Module, name: str) -> Value | None:
        """What a module has by a name."""
        module = value.imported.module
        if value.imported.name not in ("", "*"):
            module = f"{module}{'' if module.endswith('.') else '.'}{value.imported.name}"
        if found := self.meant(Import(module, name, name), value.path):
            is_itself = isinstance(found, Module) and not self._is_submodule(found, name)
            if not is_itself:
                return found
        return next((value_of(api) for api in self.module(value) if api.name == name), None)

    def _is_submodule(self, found: Module, name: str) -> bool:
        place = re.compile(rf"(?:^|/){re.escape(name)}(?:/__init__)?\.\w+$")
        return any(place.search(path) for path in self.files(found))

    def classes(self, value: Value | None) -> tuple[Api, ...]:
        """The classes of the repository whose members a value has."""
        if isinstance(value, Instance):
            return self.classes_in(value.type, value.path)
        if isinstance(value, Definition) and value.api.kind is ApiKind.CLASS:
            return (value.api,)
        return ()

    def classes_in(self, written: str, path: str) -> tuple[Api, ...]:
        """The classes of the repository that a type names which is written in a file."""
        key = (written, path)
        if key not in self._classes:
            self._classes[key] = ()  # an alias of itself
            found = [api for part in type_texts.parts(written) for api in self._named(part.name, path)]
            self._classes[key] = tuple(dict.fromkeys(found))
        return self._classes[key]

    def declared(self, cls: Api, name: str) -> Api | None:
        """What a class or one of its bases declares by a name."""
        for each in self._apis.lineage(cls):
            key = each.qualified
            if key not in self._members:
                self._members[key] = {api.name: api for api in reversed(self._apis.members(each))}
            if found := self._members[key].get(name):
                return found
        return None

    def _named(self, name: str, path: str) -> list[Api]:
        """The class that a name means in a file."""
        if imported := self._imports_of(path).get(name):
            found = [api for api in self._apis.definitions(imported, path) if api.name == imported.name]
            if found:
                return self._unfolded(found[0])
        known = self.here.get(name, ()) if path == self._path else ()
        here = [api for api in known if api.kind in _TYPES]
        if not here:
            offered = [api for api in self._apis.named(name) if api.kind in _TYPES]
            here = [api for api in offered if api.path == path] or self._nearest(offered, path)
        return [each for api in here[:1] for each in self._unfolded(api)]

    def _unfolded(self, api: Api) -> list[Api]:
        """The classes behind an alias."""
        if api.kind is not ApiKind.ALIAS:
            return [api] if api.kind is ApiKind.CLASS else []
        _, _, written = api.signature.partition("=")
        written = api.returns if api.returns not in ("", "TypeAlias", api.name) else written.strip()
        return list(self.classes_in(written, api.path)) if written else []

    def _nearest(self, offered: Sequence[Api], path: str) -> list[Api]:
        return sorted(offered, key=lambda api: (-shared_folders(api.path, path), len(api.path), api.path))[:1]

    def _imports_of(self, path: str) -> dict[str, Import]:
        if path not in self._imported:
            found = self.imports if path == self._path else self._apis.imports(path)
            self._imported[path] = {each.alias: each for each in found}
        return self._imported[path]


_LOCAL = re.compile(r"^[ \t]+((?:from[ \t]+[\w.]+[ \t]+import|import)[ \t]+(?:\([^)]*\)|[^\n]+))", re.MULTILINE)


@lru_cache(64)
def _read_imports(text: str) -> tuple[Import, ...]:
    return imports_of(text, "python")


def _local_imports(before: str) -> tuple[Import, ...]:
    """Python's imports within functions."""
    found = "\n".join(_LOCAL.findall(before))
    return _read_imports(found) if found else ()
