"""Where the names of types are written: in a text around a hole, in the signature of a function that is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tree_sitter import Node

from language_servers.analyzer import Document, Location
from language_servers.holes import types
from language_servers.holes.files import read
from language_servers.holes.trees import CLASSES, Tree, descendants, enclosing, tree_of

WINDOW = 400
"""Members of a class that are looked at."""

_CALLABLE = ("function_definition", "class_definition", "function_declaration", *CLASSES)
_CONSTRUCTORS = ("__init__", "__new__", "constructor")


@dataclass(frozen=True, slots=True)
class Place:
    """A name of a type, where it is written."""

    document: Document
    offset: int
    name: str


def places_in(document: Document, start: int, end: int) -> list[Place]:
    """The names of types in a stretch of a text."""
    text = document.text[start:end]
    return [Place(document, start + at, name) for at, name in types.words(text, document.language)]


def places_at(tree: Tree, node: Node) -> list[Place]:
    """The names of types in a node."""
    return places_in(tree.document, tree.start(node), tree.end(node))


def distinct(places: list[Place]) -> list[Place]:
    """Each name once, at its first place."""
    return list({place.name: place for place in reversed(places)}.values())[::-1]


def first_place(name: str, document: Document) -> Place | None:
    """The first place in a text where a name stands as a type or, if there is none, as code."""
    tree = tree_of(document)
    found, at = None, 0
    while tree and (at := document.text.find(name, at)) >= 0:
        node = tree.at(at, at + len(name))
        if tree.text(node) == name and node.type == "type_identifier":
            return Place(document, at, name)
        if tree.text(node) == name and node.type == "identifier":
            found = found or Place(document, at, name)
        at += len(name)
    return found


def tree_at(location: Location, language: str, shown: Document) -> Tree | None:
    """The tree of the file that a location is in. `shown` is a text that may be newer than its file."""
    document = shown if location.path == shown.path else read(location.path, language)
    return tree_of(document) if document else None


def parameter_places(callee: Location, shown: Document, name: str) -> list[Place]:
    """The names of types that a function, or a class's constructor, at a place gives for one of its parameters."""
    tree = tree_at(callee, shown.language, shown)
    definition = enclosing(tree.at(callee.offset), *_CALLABLE) if tree else None
    annotation = _annotation(tree, definition, name) if tree and definition else None
    return places_at(tree, annotation) if tree and annotation else []


def _annotation(tree: Tree, definition: Node, name: str) -> Node | None:
    """The type of a parameter of a function or of a constructor; for a dataclass that of a field."""
    function = definition if definition.child_by_field_name("parameters") else _constructor(tree, definition)
    if function:
        return _parameter_type(tree, function, name)
    body = definition.child_by_field_name("body")
    for assignment in islice(descendants(body, "assignment"), WINDOW) if body else ():
        left = assignment.child_by_field_name("left")
        if left is not None and tree.text(left) == name:
            return assignment.child_by_field_name("type")
    return None


def _constructor(tree: Tree, definition: Node) -> Node | None:
    body = definition.child_by_field_name("body")
    for statement in islice(body.named_children, WINDOW) if body else ():
        function = statement.child_by_field_name("definition") or statement
        called = function.child_by_field_name("name")
        if called and tree.text(called) in _CONSTRUCTORS:
            return function
    return None


def _parameter_type(tree: Tree, function: Node, name: str) -> Node | None:
    for parameter in parameters(function):
        named = parameter_name(parameter)
        if named and tree.text(named).lstrip("*.") == name:
            return parameter.child_by_field_name("type")
    return None


def parameters(function: Node) -> Iterator[Node]:
    """A function's parameters, one by one."""
    found = function.child_by_field_name("parameters")
    yield from found.named_children if found else ()


def parameter_name(parameter: Node) -> Node | None:
    """The name in `name`, `name: T`, `*name: T`, `name = 1`; of a `*` or `/` None."""
    name = parameter.child_by_field_name("name") or parameter.child_by_field_name("pattern")
    return name or next(iter(parameter.named_children), None)
