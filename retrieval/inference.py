"""What type an expression has, by what the text around it says and by what the repository offers.

`self.order.items[0]` is followed step by step: fields and methods give what their declarations name. It is no type
checker: where a name might mean several things, it takes the likeliest, and None where nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from retrieval import type_texts
from retrieval.apis import Api, ApiKind, Apis, Import
from retrieval.brackets import separated
from retrieval.clues import BODY, Clue, Origin, Scope
from retrieval.expressions import OPERATOR, Step, steps
from retrieval.imports import imports_of
from retrieval.type_texts import words

DEEPEST = 12
"""Expressions within expressions, and variables that are made of others, after which one gives up."""

LONGEST = 2_000
"""Code points of an expression that are looked at."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A value of a type, which is written in the file `path`."""

    type: str
    path: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A class, or a function that is not yet called. `bound` is the class through which a method was reached."""

    api: Api
    bound: Api | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the repository; `path` is the file that imports it."""

    imported: Import
    path: str


Value = Instance | Definition | Module

_ONESELF = frozenset(("self", "this", "$this", "@"))
_OWN_TYPE = re.compile(r"\b(?:Self(?:@\w+)?|static)\b")
_SAME = words(
    "copy clone unwrap expect as_ref as_mut iter iter_mut into_iter filter sort sorted slice to_owned reverse lock"
    " borrow borrow_mut unwrap_or_default stream collect await list tuple set frozenset reversed iter deepcopy concat"
    " toList Where ToList OrderBy compact"
)
"""What gives a value of the type that it was given, or nearly."""
_TAKING = words(
    "pop popleft get first last at find next shift setdefault peek getFirst getLast min max choice back front"
    " First FirstOrDefault Single detect sample get_mut"
)
"""What gives one of many."""
_BUILT_IN = words("str int float bool bytes list dict set tuple frozenset object bytearray")
IMPLICIT = frozenset(("java", "csharp", "cpp", "kotlin", "swift", "ruby"))
"""Languages in which a class's members are written without a receiver."""
_ENTERING = frozenset(("enter_context", "enter_async_context"))
"""What a stack of contexts enters."""
_TYPES = (ApiKind.CLASS, ApiKind.ALIAS)
_MAKING = frozenset(("new", "default", "from", "create", "of", "with_capacity"))


class Inference:
    """Types at one place: in the file `path`, which the index knows, within a scope."""

    def __init__(self, apis: Apis, path: str, language: str, scope: Scope, before: str = "") -> None:
        self._apis = apis
        self._path = path
        self._language = language
        self._scope = scope
        self._open: set[str] = set()
        self._depth = 0
        self._classes: dict[tuple[str, str], tuple[Api, ...]] = {}
        self._imported: dict[str, dict[str, Import]] = {}
        self._members: dict[str, dict[str, Api]] = {}
        local = _local_imports(before[-BODY:]) if language == "python" else ()
        self.imports: tuple[Import, ...] = (*apis.imports(path), *local)

    def of(self, expression: str) -> Value | None:
        """What is at the beginning of a text: of `make(1) or other` what `make` gives."""
        if self._depth > DEEPEST:
            return None
        waits, found, rest = steps(expression[:LONGEST].strip())
        if not found or OPERATOR.match(rest):
            return None
        self._depth += 1
        try:
            value = self._follow(found)
        finally:
            self._depth -= 1
        if waits and isinstance(value, Instance):
            value = Instance(type_texts.awaited(value.type), value.path)
        return value

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

    def own_class(self) -> Api | None:
        """The class around the place."""
        return self._own_class

    @cached_property
    def _own_class(self) -> Api | None:
        last = self._scope.owner.rpartition(".")[2]
        if not last:
            return None
        here = [api for api in self.here.get(last, ()) if api.kind is ApiKind.CLASS]
        exact = [api for api in here if api.within == self._scope.owner]
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

    def variable(self, name: str) -> Value | None:
        """What a variable in scope holds."""
        clue = self._scope.variables.get(name)
        if clue is None or name in self._open:
            return None
        self._open.add(name)
        try:
            return self._clued(clue)
        finally:
            self._open.discard(name)

    def meant(self, imported: Import, path: str) -> Value | None:
        """What an import of a file brings."""
        if imported.name not in ("", "*"):
            for api in self._apis.definitions(imported, path):
                if api.name == imported.name or imported.name == "default":
                    return _value(api)
        return Module(imported, path) if self._apis.resolve(imported, path) else None

    # A variable

    def _clued(self, clue: Clue) -> Value | None:
        if clue.origin is Origin.TYPE:
            return Instance(clue.text, self._path)
        value = self.of(clue.text)
        if clue.origin is Origin.ELEMENT:
            value = self._element(value)
        elif clue.origin is Origin.CONTEXT:
            value = self._entered(value)
        if clue.index is not None and isinstance(value, Instance):
            return Instance(type_texts.place(value.type, clue.index), value.path)
        return value

    def _element(self, value: Value | None) -> Value | None:
        if isinstance(value, Definition):
            return Instance(value.api.within, value.api.path)  # an enum's members
        if not isinstance(value, Instance):
            return None
        if written := type_texts.iterated(value.type):
            return Instance(written, value.path)
        given = self._called_member(value, "__iter__")
        return Instance(type_texts.iterated(given.type), given.path) if isinstance(given, Instance) else None

    def _entered(self, value: Value | None) -> Value | None:
        if not isinstance(value, Instance):
            return value
        given = self._called_member(value, "__enter__") or self._called_member(value, "__aenter__")
        if isinstance(given, Instance) and given.type:
            return given
        if any("Context" in part.name or "Iterator" in part.name or part.name.endswith("Generator")
               for part in type_texts.parts(value.type)):  # fmt: skip
            return Instance(type_texts.iterated(value.type), value.path)
        return value

    # An expression

    def _follow(self, found: Sequence[Step]) -> Value | None:
        first, *others = found
        for step, arguments in zip(found, others, strict=False):
            if step.text in _ENTERING:
                return self._entered(self.of(arguments.text))
        value, rest = self._root(first, others)
        for index, step in enumerate(rest):
            if value is None:
                return None
            following = rest[index + 1] if index + 1 < len(rest) else None
            if step.kind == ".":
                value = self._member(value, step.text, following)
            elif step.kind == "(":
                value = self._called(value)
            elif step.kind == "[":
                value = self._subscript(value)
        return value

    def _root(self, first: Step, others: list[Step]) -> tuple[Value | None, list[Step]]:
        """What the first name means, and the steps that are left."""
        name = first.text
        if first.kind == "literal":
            return self._literal(name), others
        if first.kind == "group":
            return self.of(name), others
        own = self.own_class() if name in _ONESELF or name in ("cls", "super", "parent", "base", "Self") else None
        if own and (name in _ONESELF or name in ("cls", "Self")):
            return (Definition(own) if name in ("cls", "Self") else Instance(own.within, own.path)), others
        if own:
            above = self._apis.lineage(own)[1:2]
            is_call = bool(others) and others[0].kind == "("
            return (Instance(above[0].within, above[0].path) if above else None), others[1:] if is_call else others
        if (value := self.variable(name)) is not None:
            return value, others
        if others and others[0].kind == "(" and (made := self._built_in(name, others[0].text)):
            return made, others[1:]
        return self._global(name, others)

    def _global(self, name: str, others: list[Step]) -> tuple[Value | None, list[Step]]:
        dotted = name
        for count in range(len(others) + 1):
            if imported := self._imports_of(self._path).get(dotted):
                return self.meant(imported, self._path), others[count:]
            if count < len(others) and others[count].kind == ".":
                dotted = f"{dotted}.{others[count].text}"
            else:
                break
        return self._own(name), others

    def _own(self, name: str) -> Value | None:
        """A name of the file, of the class around the place, or of the file's neighbours."""
        if self._language in IMPLICIT and (own := self.own_class()) and (found := self._declared(own, name)):
            return _value(found, own)
        here = [api for api in self.here.get(name, ()) if not api.owner or api.kind is ApiKind.CLASS]
        if not here and self._language != "python":
            folder = self._path.rpartition("/")[0]
            offered = [api for api in self._apis.named(name) if not api.owner or api.kind is ApiKind.CLASS]
            here = [api for api in offered if api.path.rpartition("/")[0] == folder]
        if here:
            return _value(here[0])
        for imported in self.imports:
            if imported.name == "*":
                for api in self._apis.definitions(imported, self._path):
                    if api.name == name:
                        return _value(api)
        if self._language != "python" and name[:1].isupper():
            return next((_value(api) for api in self._named(name, self._path)), None)
        return None

    def _literal(self, text: str) -> Value | None:
        if text[0] == "[":
            inner = self.of(text[1:])
            return Instance(f"list[{inner.type}]", inner.path) if isinstance(inner, Instance) else Instance("list", "")
        return Instance("str" if text[0] in "\"'`" else "dict" if text[0] == "{" else "int", "")

    def _built_in(self, name: str, arguments: str) -> Value | None:
        if name not in _SAME and name not in _TAKING and name not in ("enumerate", "zip", "dict"):
            return Instance(name, "") if name in _BUILT_IN else None
        given = [self.of(each) for each in separated(arguments)[:3]]
        first = given[0] if given else None
        if not isinstance(first, Instance):
            return None
        if name in _TAKING:
            return self._element(first)
        if name in ("enumerate", "zip"):
            elements = [self._element(each) for each in given]
            written = [each.type if isinstance(each, Instance) and each.type else "object" for each in elements]
            inner = ["int", *written[:1]] if name == "enumerate" else written
            return Instance(f"list[tuple[{', '.join(inner)}]]", first.path)
        return first

    def _member(self, value: Value, name: str, following: Step | None) -> Value | None:
        if isinstance(value, Module):
            return self._of_module(value, name)
        for cls in self.classes(value):
            if found := self._declared(cls, name):
                if isinstance(value, Definition) and found.static and found.kind is ApiKind.FIELD and not found.returns:
                    return Instance(cls.within, cls.path)
                return _value(found, cls)
        if isinstance(value, Definition):
            is_made = value.api.kind is ApiKind.CLASS and name in _MAKING
            return Definition(value.api) if is_made else None
        return self._foreign(value, name) if following is not None and following.kind == "(" else None

    def _foreign(self, value: Instance, name: str) -> Value | None:
        """What a method gives that every language's collections have; as if it were not called yet."""
        if name == "items" and type_texts.element(value.type):
            written = f"list[tuple[{type_texts.iterated(value.type)}, {type_texts.element(value.type)}]]"
        elif name == "values" and type_texts.element(value.type):
            written = f"list[{type_texts.element(value.type)}]"
        elif name == "keys" and type_texts.element(value.type):
            written = f"list[{type_texts.iterated(value.type)}]"
        elif name in _TAKING:
            written = type_texts.element(value.type)
        elif name in _SAME:
            written = value.type
        else:
            return None
        return Instance(written, value.path)

    def _of_module(self, value: Module, name: str) -> Value | None:
        module = value.imported.module
        if value.imported.name not in ("", "*"):
            module = f"{module}{'' if module.endswith('.') else '.'}{value.imported.name}"
        if found := self.meant(Import(module, name, name), value.path):
            is_itself = isinstance(found, Module) and not self._is_submodule(found, name)
            if not is_itself:
                return found
        return next((_value(api) for api in self.module(value) if api.name == name), None)

    def _is_submodule(self, found: Module, name: str) -> bool:
        place = re.compile(rf"(?:^|/){re.escape(name)}(?:/__init__)?\.\w+$")
        return any(place.search(path) for path in self.files(found))

    def _called(self, value: Value) -> Value | None:
        if not isinstance(value, Definition):
            return value if isinstance(value, Instance) else None
        api = value.api
        if api.kind is ApiKind.CLASS:
            return Instance(api.within, api.path)
        returns = api.returns
        if value.bound and _OWN_TYPE.search(returns):
            return Instance(_OWN_TYPE.sub(value.bound.within, returns), value.bound.path)
        return Instance(returns, api.path) if returns else None

    def _subscript(self, value: Value) -> Value | None:
        if not isinstance(value, Instance):
            return value
        if written := type_texts.element(value.type):
            return Instance(written, value.path)
        return self._called_member(value, "__getitem__")

    def _called_member(self, value: Instance, name: str) -> Value | None:
        for cls in self.classes(value):
            if found := self._declared(cls, name):
                return self._called(_value(found, cls))
        return None

    # Names

    def _declared(self, cls: Api, name: str) -> Api | None:
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
        return sorted(offered, key=lambda api: (-_shared(api.path, path), len(api.path), api.path))[:1]

    def _imports_of(self, path: str) -> dict[str, Import]:
        if path not in self._imported:
            found = self.imports if path == self._path else self._apis.imports(path)
            self._imported[path] = {each.alias: each for each in found}
        return self._imported[path]


def _value(api: Api, bound: Api | None = None) -> Value:
    """What a name stands for that is declared so."""
    if api.kind in (ApiKind.CLASS, ApiKind.FUNCTION, ApiKind.METHOD):
        return Definition(api, bound)
    written = api.returns
    if api.kind is ApiKind.ALIAS:
        written = api.returns or api.name
    if bound and _OWN_TYPE.search(written):
        return Instance(_OWN_TYPE.sub(bound.within, written), bound.path)
    return Instance(written, api.path)


def _shared(path: str, other: str) -> int:
    """How many folders two files have in common."""
    count = 0
    for one, two in zip(path.split("/")[:-1], other.split("/")[:-1], strict=False):
        if one != two:
            break
        count += 1
    return count


_LOCAL = re.compile(r"^[ \t]+((?:from[ \t]+[\w.]+[ \t]+import|import)[ \t]+(?:\([^)]*\)|[^\n]+))", re.MULTILINE)


@lru_cache(64)
def _read_imports(text: str) -> tuple[Import, ...]:
    return imports_of(text, "python")


def _local_imports(before: str) -> tuple[Import, ...]:
    """Python's imports within functions."""
    found = "\n".join(_LOCAL.findall(before))
    return _read_imports(found) if found else ()
