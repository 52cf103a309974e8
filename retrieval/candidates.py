"""Gathers the APIs that may stand at a cursor: from what it can see, never by a scan of the repository."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retrieval import type_texts
from retrieval.apis import Api, ApiKind, Apis, Import
from retrieval.names import IMPLICIT, Names
from retrieval.surroundings import Scene, Surroundings, words_in_order
from retrieval.values import Instance, Module

MOST = 1_500
"""Candidates that are looked at."""

MOST_PLAIN = 30
"""The same where no receiver is: what may stand there is mostly declared or imported."""

MOST_OF_A_NAME = 6
"""Candidates of one name where only the name is known."""

MOST_NAMES = 120
"""Names that are looked up where only names are known, those used last first."""


@dataclass(slots=True)
class Candidate:
    """An API and how it was found. Distances are steps up a lineage, -1 for not at all."""

    api: Api
    served: int = -1
    inferred: int = -1
    module: float = 0.0
    passed_on: float = 0.0
    imported: float = 0.0
    static: bool | None = None
    by_name: float = 0.0


class _Found:
    """Candidates, each once."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str, str, int], Candidate] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._all.values())

    def at(self, api: Api) -> Candidate | None:
        """The candidate of an API; None if there are too many."""
        key = (api.path, api.owner, api.name, api.line)
        if key not in self._all:
            if len(self._all) >= MOST:
                return None
            self._all[key] = Candidate(api)
        return self._all[key]


def gather(apis: Apis, scene: Scene, around: Surroundings) -> Iterable[Candidate]:
    found = _Found()
    if scene.receiver:
        _members(apis, scene, around, found)
        if not len(found):
            _guessed_members(apis, scene, around, found)
    else:
        _names(apis, scene, around, found)
    return found


def _members(apis: Apis, scene: Scene, around: Surroundings, found: _Found) -> None:
    """What the receiver's type has, by the server and by the text."""
    if dotted := type_texts.module(scene.receiver_type):
        _add_module(around.inference.names, Module(Import(dotted, "", dotted), scene.path), found)
    value = around.value
    if isinstance(value, Module):
        _add_module(around.inference.names, value, found)
    parts = type_texts.parts(scene.receiver_type)
    for cls in around.inference.names.classes_in(scene.receiver_type, scene.path) if parts else ():
        is_class = any(part.is_class and part.name == cls.name for part in parts)
        for api, distance in _inherited(apis, cls):
            if candidate := found.at(api):
                candidate.served = distance if candidate.served < 0 else min(distance, candidate.served)
                candidate.static = is_class
    for cls in around.inference.names.classes(value):
        for api, distance in _inherited(apis, cls):
            if candidate := found.at(api):
                candidate.inferred = distance if candidate.inferred < 0 else min(distance, candidate.inferred)
                if candidate.static is None:
                    candidate.static = not isinstance(value, Instance)
    if scene.members and len(found) < MOST:
        known = {candidate.api.name for candidate in found}
        _add_named(
            apis, [name for name in sorted(scene.members) if name not in known and name[:2] != "__"], found, owned=True
        )


def _add_module(names: Names, module: Module, found: _Found) -> None:
    files = set(names.files(module))
    for api in names.module(module):
        if candidate := found.at(api):
            candidate.module = 1.0
            candidate.passed_on = float(api.path not in files)


def _inherited(apis: Apis, cls: Api) -> Iterator[tuple[Api, int]]:
    """The members of a class with the steps to the base that declares them; of one name only the nearest."""
    seen: set[str] = set()
    for distance, each in enumerate(apis.lineage(cls)):
        own = apis.members(each)
        yield from ((api, distance) for api in own if api.name not in seen)
        seen.update(api.name for api in own)


def _guessed_members(apis: Apis, scene: Scene, around: Surroundings, found: _Found) -> None:
    """What might be a member where the receiver's type is unknown: of classes that are near, and by names in use."""
    near = [api for each in around.imported.values() for api in each if api.kind is ApiKind.CLASS]
    near += [api for each in around.inference.names.here.values() for api in each if api.kind is ApiKind.CLASS]
    for name in around.scope.variables:
        near += around.inference.names.classes(around.inference.variable(name))
    near += _called_like(apis, scene.receiver)
    for cls in dict.fromkeys(near):
        for api, _ in _inherited(apis, cls):
            if candidate := found.at(api):
                candidate.imported = float(cls.path != scene.path)
    _add_named(apis, [*sorted(around.with_receiver), *around.members_used], found, owned=True)


def _called_like(apis: Apis, receiver: str) -> list[Api]:
    """Classes that are called as the receiver is: `self.order_item` → `OrderItem`, `Item`."""
    last = re.findall(r"[^\W\d]\w*", receiver)[-1:]
    split = [word for name in last for word in words_in_order(name)]
    camels = {"".join(word.title() for word in split[start:]) for start in range(len(split))}
    return [api for name in camels for api in apis.named(name)[:MOST_OF_A_NAME] if api.kind is ApiKind.CLASS]


def _add_named(apis: Apis, names: Iterable[str], found: _Found, *, owned: bool) -> None:
    for name in list(dict.fromkeys(names))[:MOST_NAMES]:
        offered = [api for api in apis.named(name)[: 4 * MOST_OF_A_NAME] if bool(api.owner) is owned]
        for api in offered[:MOST_OF_A_NAME]:
            known = len(found)
            if (candidate := found.at(api)) and len(found) > known:
                candidate.by_name = 1.0


def _names(apis: Apis, scene: Scene, around: Surroundings, found: _Found) -> None:
    """What may stand where no receiver is: the file's own, what it imports, what is expected, what is near."""
    for each in around.inference.names.here.values():
        for api in each:
            if not api.owner or api.kind is ApiKind.CLASS:
                found.at(api)
    for imported, brought in around.imported.items():
        for api in brought:
            is_visible = imported.name in ("*", api.name, "default") or scene.language != "python"
            if not api.owner and is_visible and (candidate := found.at(api)):
                candidate.imported = 1.0
    own = around.inference.names.own_class
    if own and scene.language in IMPLICIT:
        for api, distance in _inherited(apis, own):
            if candidate := found.at(api):
                candidate.inferred = distance
    for cls in around.inference.names.classes_in(scene.expected, scene.path) if scene.expected else ():
        found.at(cls)
    _add_named(apis, around.names_used[:MOST_PLAIN], found, owned=False)
