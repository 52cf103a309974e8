"""What type an expression has, by what the text around it says and by what the repository offers.

`self.order.items[0]` is followed step by step: fields and methods give what their declarations name. It is no type
checker: where a name might mean several things, it takes the likeliest, and None where nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence

from retrieval import type_texts
from retrieval.apis import Api, ApiKind, Apis
from retrieval.brackets import separated
from retrieval.clues import Clue, Origin, Scope
from retrieval.expressions import OPERATOR, Step, steps
from retrieval.names import Names
from retrieval.type_texts import words
from retrieval.values import OWN_TYPE, Definition, Instance, Module, Value, value_of

DEEPEST = 12
"""Expressions within expressions, and variables that are made of others, after which one gives up."""

LONGEST = 2_000
"""Code points of an expression that are looked at."""

_ONESELF = frozenset(("self", "this", "$this", "@"))
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
_ENTERING = frozenset(("enter_context", "enter_async_context"))
"""What a stack of contexts enters."""
_MAKING = frozenset(("new", "default", "from", "create", "of", "with_capacity"))


class Inference:
    """Types at one place: in the file `path`, which the index knows, within a scope."""

    def __init__(self, apis: Apis, path: str, language: str, scope: Scope, before: str = "") -> None:
        self._apis = apis
        self._path = path
        self._scope = scope
        self._open: set[str] = set()
        self._depth = 0
        self.names = Names(apis, path, language, scope.owner, before)

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
        return self.names.classes(value)

    def own_class(self) -> Api | None:
        """The class around the place."""
        return self.names.own_class

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
            if imported := self.names.imported(dotted):
                return self.names.meant(imported, self._path), others[count:]
            if count < len(others) and others[count].kind == ".":
                dotted = f"{dotted}.{others[count].text}"
            else:
                break
        return self.names.meaning(name), others

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
            return self.names.in_module(value, name)
        for cls in self.classes(value):
            if found := self.names.declared(cls, name):
                if isinstance(value, Definition) and found.static and found.kind is ApiKind.FIELD and not found.returns:
                    return Instance(cls.within, cls.path)
                return value_of(found, cls)
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

    def _called(self, value: Value) -> Value | None:
        if not isinstance(value, Definition):
            return value if isinstance(value, Instance) else None
        api = value.api
        if api.kind is ApiKind.CLASS:
            return Instance(api.within, api.path)
        returns = api.returns
        if value.bound and OWN_TYPE.search(returns):
            return Instance(OWN_TYPE.sub(value.bound.within, returns), value.bound.path)
        return Instance(returns, api.path) if returns else None

    def _subscript(self, value: Value) -> Value | None:
        if not isinstance(value, Instance):
            return value
        if written := type_texts.element(value.type):
            return Instance(written, value.path)
        return self._called_member(value, "__getitem__")

    def _called_member(self, value: Instance, name: str) -> Value | None:
        for cls in self.classes(value):
            if found := self.names.declared(cls, name):
                return self._called(value_of(found, cls))
        return None
