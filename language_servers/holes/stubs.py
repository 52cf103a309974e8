"""Types as compact stubs: a class with its bases, annotated attributes and methods without bodies.

class Box(Shape):
    width: int
    def area(self) -> float: ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from tree_sitter import Node

from language_servers.analyzer import Document, Location
from language_servers.holes.places import (
    WINDOW,
    Place,
    distinct,
    parameter_name,
    parameters,
    places_at,
    tree_at,
)
from language_servers.holes.trees import CLASSES, Tree, descendants, enclosing

MEMBERS = 40
"""Members of a type that are printed; of those that follow only the number."""

LONGEST = 240
"""Code points of a line of a stub."""

_BODIES = frozenset(("statement_block", "block", "compound_statement", "constructor_body"))
_SHOWN_DUNDERS = frozenset(("__init__", "__call__", "__getitem__", "__iter__", "__enter__", "__new__"))
_CONSTRUCTORS = ("    def __init__(", "    def __new__(", "    constructor(")
_PROPERTIES = frozenset(("property", "cached_property"))
_NOT_SHOWN = frozenset(("setter", "deleter", "overload"))
_ENUM = re.compile(r"(?:Enum|Flag|Choices)\b")
_BLANKS = re.compile(r"\s+")

_Member: TypeAlias = tuple[str, Sequence[Node | None]]
"""A line of a stub, and the types that whoever uses it must know."""


@dataclass(frozen=True, slots=True)
class Stub:
    """A type as it is declared. `own` says that it belongs to the repository."""

    name: str
    text: str
    path: Path
    offset: int
    own: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A stub, and the names of the types that it is made of."""

    stub: Stub
    places: tuple[Place, ...]


def class_at(location: Location, language: str, shown: Document, own: bool) -> Found | None:
    """The class, alias or interface whose name stands at a place; None if none does.

    `shown` is the text that was asked about, which may be newer than its file.
    """
    tree = tree_at(location, language, shown)
    node = _class_node(tree, location.offset) if tree else None
    return stub_of(tree, node, own) if tree and node else None


def _class_node(tree: Tree, offset: int) -> Node | None:
    name = tree.at(offset)
    node = enclosing(name, *CLASSES)
    if node is None:
        return None
    declared = node.child_by_field_name("name")
    return node if declared is None or declared.start_byte <= name.start_byte < declared.end_byte else None


def stub_of(tree: Tree, node: Node, own: bool) -> Found:
    """The stub of a class, alias or interface."""
    name = node.child_by_field_name("name")
    text = tree.text(name) if name else ""
    stub, parts = _python_class(tree, node) if node.type == "class_definition" else _declaration(tree, node)
    places = [place for part in parts for place in places_at(tree, part) if place.name != text]
    return Found(Stub(text, stub, tree.document.path, tree.start(name or node), own), tuple(distinct(places)))


def in_one_line(text: str) -> str:
    """A text in one line, shortened where nobody would read it to the end."""
    text = _BLANKS.sub(" ", text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 2].rstrip() + " …"


def constructor_of(stub: str) -> str:
    """A stub with no more than what an object is made of: its constructor or, as for a dataclass, its attributes."""
    head, *members = stub.splitlines()
    constructors = [each for each in members if each.startswith(_CONSTRUCTORS)]
    kept = constructors or [each for each in members if not each.startswith("    def ")]
    return "\n".join([head, *kept, *(["}"] if constructors and head.endswith("{") else [])]) if kept else stub


# Python


def _python_class(tree: Tree, node: Node) -> tuple[str, list[Node]]:
    """The stub of a class, and where its bases and attributes are declared."""
    bases, body = node.child_by_field_name("superclasses"), node.child_by_field_name("body")
    name = tree.text(node.child_by_field_name("name") or node)
    head = f"class {name}{in_one_line(tree.text(bases)) if bases else ''}:"
    is_enum = bases is not None and _ENUM.search(tree.text(bases)) is not None
    members = list(islice(_python_members(tree, body, is_enum), MEMBERS + 1)) if body else []
    parts = [part for _, typed in members for part in typed if part is not None]
    if bases is not None:
        parts.insert(0, bases)
    if not members:
        return f"{head} ...", parts
    lines = [f"    {line}" for line, _ in members]
    if len(lines) > MEMBERS and body:
        lines[MEMBERS:] = [f"    # and {max(body.named_child_count - MEMBERS, 1):,} more"]
    return "\n".join((head, *lines)), parts


def _python_members(tree: Tree, body: Node, is_enum: bool) -> Iterator[_Member]:
    """Lines of a stub, each attribute once, with the nodes that hold its types."""
    seen = set[str]()
    for statement in islice(body.named_children, WINDOW):
        for line, typed in _members(tree, statement, is_enum):
            name = line.partition(":")[0]
            if name not in seen or line.startswith("def "):
                yield line, typed
            seen.add(name)


def _members(tree: Tree, statement: Node, is_enum: bool) -> Iterator[_Member]:
    """The members that a statement of a class declares."""
    if statement.type in ("function_definition", "decorated_definition"):
        yield from _method(tree, statement)
    elif statement.type == "expression_statement" and statement.named_children:
        first = statement.named_children[0]
        if first.type == "assignment":
            yield from _attribute(tree, first, is_enum)


def _attribute(tree: Tree, assignment: Node, is_enum: bool) -> Iterator[_Member]:
    left, annotation = assignment.child_by_field_name("left"), assignment.child_by_field_name("type")
    if left is None or left.type != "identifier" or _is_private(tree.text(left)):
        return
    if annotation or is_enum or tree.text(left).isupper():
        yield in_one_line(tree.text(assignment)), (annotation,)


def _method(tree: Tree, statement: Node) -> Iterator[_Member]:
    """A method's line; a property is an attribute to whoever uses it. A constructor tells attributes as well."""
    function = statement.child_by_field_name("definition") or statement
    decorators = {_decorator(tree, each) for each in statement.named_children if each.type == "decorator"}
    name = tree.text(function.child_by_field_name("name") or function)
    if function.type != "function_definition" or decorators & _NOT_SHOWN:
        return
    if name == "__init__":
        yield from _own_attributes(tree, function)
    if _is_private(name):
        return
    if decorators & _PROPERTIES:
        returned = function.child_by_field_name("return_type")
        yield f"{name}: {in_one_line(tree.text(returned)) if returned else '...'}", (returned,)
        return
    typed = parameters(function) if name == "__init__" else ()
    yield _signature(tree, function), tuple(each.child_by_field_name("type") for each in typed)


def _decorator(tree: Tree, node: Node) -> str:
    """`@functools.cache(3)` → `cache`."""
    return tree.text(node).lstrip("@").partition("(")[0].rpartition(".")[2].strip()


def _signature(tree: Tree, function: Node) -> str:
    """A function's line in a stub, without comments: `async def name(args) -> type: ...`."""
    name, returned = function.child_by_field_name("name"), function.child_by_field_name("return_type")
    prefix = "async " if any(child.type == "async" for child in function.children) else ""
    arguments = ", ".join(in_one_line(tree.text(each)) for each in parameters(function) if each.type != "comment")
    arrow = f" -> {in_one_line(tree.text(returned))}" if returned else ""
    return f"{prefix}def {tree.text(name or function)}({arguments}){arrow}: ..."


def _own_attributes(tree: Tree, constructor: Node) -> Iterator[_Member]:
    """What a constructor sets: `self.a: A = ...`, and `self.b = b` for an annotated parameter."""
    given = {
        tree.text(name): each.child_by_field_name("type")
        for each in parameters(constructor)
        if (name := parameter_name(each))
    }
    body = constructor.child_by_field_name("body")
    for assignment in islice(descendants(body, "assignment"), WINDOW) if body else ():
        left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
        if left is None or left.type != "attribute" or not tree.text(left).startswith("self."):
            continue
        attribute = tree.text(left).removeprefix("self.")
        annotation = assignment.child_by_field_name("type") or given.get(tree.text(right) if right else "")
        if annotation and not _is_private(attribute):
            yield f"{attribute}: {in_one_line(tree.text(annotation))}", (annotation,)


def _is_private(name: str) -> bool:
    return name.startswith("_") and name not in _SHOWN_DUNDERS


# other languages


def _declaration(tree: Tree, node: Node) -> tuple[str, list[Node]]:
    """A declaration as it is written, without the bodies of its functions."""
    body = node.child_by_field_name("body") or node.child_by_field_name("members")
    if body is None or body.named_child_count <= 1:
        lines = _without_body(tree, node).splitlines()
        return "\n".join(line[:LONGEST] for line in lines[: MEMBERS + 2]), [node]
    head = tree.data[node.start_byte : body.start_byte].decode("utf-8", "replace")
    members = [each for each in islice(body.named_children, MEMBERS) if "comment" not in each.type]
    lines = [f"    {in_one_line(_without_body(tree, each))}" for each in members]
    if body.named_child_count > MEMBERS:
        lines.append(f"    // and {body.named_child_count - MEMBERS:,} more")
    parts = [each for each in node.named_children if each.end_byte <= body.start_byte]
    typed = [each.child_by_field_name("type") for each in members]
    return "\n".join((f"{in_one_line(head)} {{", *lines, "}")), parts + [each for each in typed if each is not None]


def _without_body(tree: Tree, node: Node) -> str:
    """`area(): number { return 1 }` → `area(): number`."""
    body = node.child_by_field_name("body")
    end = body.start_byte if body is not None and body.type in _BODIES else node.end_byte
    return tree.data[node.start_byte : end].decode("utf-8", "replace").strip()
