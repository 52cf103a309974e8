"""Types as compact stubs: a class with its bases, annotated attributes and methods without bodies.

class Box(Shape):
    width: int
    def area(self) -> float: ...
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from tree_sitter import Node

from language_servers import holes_types as types
from language_servers.analyzer import Document
from language_servers.holes_trees import Tree, descendants, enclosing, read, tree_of

MEMBERS = 40
"""Members of a type that are printed; of those that follow only the number."""

LONGEST = 240
"""Code points of a line of a stub."""

WINDOW = 400
"""Members that are looked at to find those to print."""

SCRIPTS = ("typescript", "typescriptreact", "javascript", "javascriptreact")

_CLASSES = (
    "class_definition", "class_declaration", "abstract_class_declaration", "interface_declaration",
    "type_alias_declaration", "enum_declaration", "record_declaration", "struct_item", "enum_item", "trait_item",
    "type_item", "type_spec", "struct_specifier", "class_specifier", "enum_specifier", "type_definition", "class",
)  # fmt: skip
_BODIES = frozenset(("statement_block", "block", "compound_statement", "constructor_body"))
_SHOWN_DUNDERS = frozenset(("__init__", "__call__", "__getitem__", "__iter__", "__enter__", "__new__"))
_PROPERTIES = frozenset(("property", "cached_property"))
_STATIC = frozenset(("staticmethod", "classmethod"))
_VARIABLE = re.compile(r"=\s*(?:\w+\.)?(?:TypeVar|ParamSpec|TypeVarTuple)\(")
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
class Place:
    """A name of a type, where it is written."""

    document: Document
    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """A stub, and the names of the types that it is made of."""

    stub: Stub
    places: tuple[Place, ...]


def class_at(path: Path, offset: int, language: str, shown: Document, own: bool) -> Found | None:
    """The class, alias or interface whose name stands at an offset of a file; None if none does.

    `shown` is the text that was asked about, which may be newer than its file.
    """
    tree = _tree(path, language, shown)
    node = _class_node(tree, offset) if tree else None
    return _found(tree, node, own) if tree and node else None


def declared(place: Place, root: Path) -> Found | None:
    """What a name stands for, where imports of the repository lead to it: an alias `Pair = tuple[A, B]` in Python.

    Of aliases a checker knows only what they mean.
    """
    document, name = place.document, place.name
    for _ in range(4):
        module = _module(document)
        if module is None:
            return None
        if node := module.declared.get(name):
            is_alias = document.language == "python"
            if is_alias and _VARIABLE.search(module.tree.text(node)):
                return None
            return _alias_found(module.tree, node, name) if is_alias else _found(module.tree, node, own=True)
        if name not in module.imported:
            return None
        source, name = module.imported[name]
        following = _imported(source, document, root)
        if following is None:
            return None
        document = following
    return None


def own_names(document: Document, root: Path) -> frozenset[str]:
    """The names that a text declares as types, or imports from the repository."""
    tree, module = tree_of(document), _module(document)
    if tree is None or module is None:
        return frozenset()
    named = (node.child_by_field_name("name") for node in _definitions(tree.root) if node.type in _CLASSES)
    declared_here = {tree.text(name) for name in named if name}
    imported = {name for name, (source, _) in module.imported.items() if _path_of(source, document, root)}
    return frozenset(declared_here | imported)


def means_another(name: str, document: Document, path: Path, root: Path) -> bool:
    """Whether a text means another type by a name than the one that is declared in a file."""
    module = _module(document)
    source = module.imported.get(name) if module else None
    if source:
        imported = _path_of(source[0], document, root)
        origin = read(imported, document.language) if imported and imported != path else None
        return origin is not None and _declares(origin.text, source[1])
    return _declares(document.text, name)


def _declares(text: str, name: str) -> bool:
    return re.search(rf"^class {re.escape(name)}\b", text, re.MULTILINE) is not None


def _definitions(root: Node) -> Iterator[Node]:
    for statement in _statements(root):
        yield statement.child_by_field_name("definition") or statement


def parameter_places(path: Path, offset: int, language: str, shown: Document, name: str) -> list[Place]:
    """The names of types that a function, or a class's constructor, at an offset gives for one of its parameters."""
    tree = _tree(path, language, shown)
    node = tree.at(offset) if tree else None
    if tree is None or node is None:
        return []
    definition = enclosing(node, "function_definition", "class_definition", "function_declaration", *_CLASSES)
    annotation = _annotation(tree, definition, name) if definition else None
    return places_in(tree, annotation) if annotation else []


def places_in(tree: Tree, node: Node) -> list[Place]:
    """The names of types in a stretch of a text."""
    start, document = tree.start(node), tree.document
    return [Place(document, start + at, name) for at, name in types.words(tree.text(node), document.language)]


def is_own(path: Path, root: Path) -> bool:
    """Whether a file belongs to the repository, not to something that is installed in it."""
    if not path.is_relative_to(root):
        return False
    parts = path.relative_to(root).parts
    return not any(part in ("site-packages", "node_modules", ".venv", "venv") for part in parts)


def is_installed(path: Path) -> bool:
    """Whether a file belongs to a library that is installed, and not to the language's own."""
    parts = path.parts
    library = "site-packages" in parts or "dist-packages" in parts or "node_modules" in parts
    return library and "typeshed" not in parts and "typescript" not in parts and "stdlib" not in parts


def _tree(path: Path, language: str, shown: Document) -> Tree | None:
    document = shown if path == shown.path else read(path, language)
    return tree_of(document) if document else None


def _class_node(tree: Tree, offset: int) -> Node | None:
    name = tree.at(offset)
    node = enclosing(name, *_CLASSES)
    if node is None:
        return None
    declared = node.child_by_field_name("name")
    return node if declared is None or declared.start_byte <= name.start_byte < declared.end_byte else None


def _found(tree: Tree, node: Node, own: bool) -> Found:
    name = node.child_by_field_name("name")
    text = tree.text(name) if name else ""
    stub, parts = _python_class(tree, node) if node.type == "class_definition" else _declaration(tree, node)
    offset = tree.start(name or node)
    places = [place for part in parts for place in places_in(tree, part) if place.name != text]
    return Found(Stub(text, stub, tree.document.path, offset, own), tuple(_distinct(places)))


def _distinct(places: list[Place]) -> list[Place]:
    return list({place.name: place for place in reversed(places)}.values())[::-1]


# Python


def _python_class(tree: Tree, node: Node) -> tuple[str, list[Node]]:
    """The stub of a class, and where its bases and attributes are declared."""
    bases, body = node.child_by_field_name("superclasses"), node.child_by_field_name("body")
    head = f"class {tree.text(node.child_by_field_name('name') or node)}{_line(tree.text(bases)) if bases else ''}:"
    members = _python_members(tree, body, _is_enum(tree, bases)) if body else iter(())
    lines, parts = list[str](), list[Node]([bases] if bases else [])
    for line, typed in islice(members, MEMBERS + 1):
        lines.append(f"    {line}")
        parts += [part for part in typed if part is not None]
    if not lines:
        return f"{head} ...", parts
    if len(lines) > MEMBERS and body:
        left = max(body.named_child_count - MEMBERS, 1)
        lines[MEMBERS:] = [f"    # and {left:,} more"]
    return "\n".join((head, *lines)), parts


def _is_enum(tree: Tree, bases: Node | None) -> bool:
    return bases is not None and bool(re.search(r"(?:Enum|Flag|Choices)\b", tree.text(bases)))


def _python_members(tree: Tree, body: Node, is_enum: bool) -> Iterator[_Member]:
    """Lines of a stub, each with the nodes that hold its types."""
    seen = set[str]()
    for statement in islice(body.named_children, WINDOW):
        if statement.type == "expression_statement" and statement.named_children:
            first = statement.named_children[0]
            if first.type == "assignment" and (member := _attribute(tree, first, is_enum)):
                seen.add(member[0].partition(":")[0])
                yield member
        elif statement.type in ("function_definition", "decorated_definition"):
            for line, typed in _method(tree, statement):
                if line.partition(":")[0] not in seen or line.startswith("def "):
                    seen.add(line.partition(":")[0])
                    yield line, typed


def _attribute(tree: Tree, assignment: Node, is_enum: bool) -> _Member | None:
    left, annotation = assignment.child_by_field_name("left"), assignment.child_by_field_name("type")
    if left is None or left.type != "identifier" or _is_private(tree.text(left)):
        return None
    if annotation is None and not is_enum and not tree.text(left).isupper():
        return None
    return _line(tree.text(assignment)), (annotation,)


def _method(tree: Tree, statement: Node) -> Iterator[_Member]:
    """A method's line; a property is an attribute to whoever uses it. A constructor tells attributes as well."""
    function = statement.child_by_field_name("definition") or statement
    decorators = {_decorator(tree, each) for each in statement.named_children if each.type == "decorator"}
    name = tree.text(function.child_by_field_name("name") or function)
    if function.type != "function_definition" or decorators & {"setter", "deleter", "overload"}:
        return
    if name == "__init__":
        yield from _own_attributes(tree, function)
    if _is_private(name):
        return
    returned = function.child_by_field_name("return_type")
    if decorators & _PROPERTIES:
        yield f"{name}: {_line(tree.text(returned)) if returned else '...'}", (returned,)
        return
    parameters = function.child_by_field_name("parameters") if name == "__init__" else None
    typed = (each.child_by_field_name("type") for each in (parameters.named_children if parameters else ()))
    yield signature(tree, function), tuple(typed)


def _decorator(tree: Tree, node: Node) -> str:
    return re.split(r"\(", tree.text(node).lstrip("@"))[0].rpartition(".")[2].strip()


def signature(tree: Tree, function: Node) -> str:
    """A function's line in a stub: `async def name(args) -> type: ...`."""
    name, parameters = function.child_by_field_name("name"), function.child_by_field_name("parameters")
    returned = function.child_by_field_name("return_type")
    arrow = f" -> {_line(tree.text(returned))}" if returned else ""
    prefix = "async " if any(child.type == "async" for child in function.children) else ""
    written = _arguments(tree, parameters) if parameters else "()"
    return f"{prefix}def {tree.text(name or function)}{written}{arrow}: ..."


def _arguments(tree: Tree, parameters: Node) -> str:
    """The parameters in one line, without comments and the last comma."""
    parts = [_line(tree.text(each)) for each in parameters.named_children if each.type != "comment"]
    return f"({', '.join(parts)})"


def _own_attributes(tree: Tree, constructor: Node) -> Iterator[_Member]:
    """What a constructor sets: `self.a: A = ...`, and `self.b = b` for an annotated parameter."""
    parameters = constructor.child_by_field_name("parameters")
    given = {
        tree.text(name): each.child_by_field_name("type")
        for each in (parameters.named_children if parameters else ())
        if (name := _parameter_name(each))  # a `*` has none
    }
    body = constructor.child_by_field_name("body")
    for assignment in islice(descendants(body, "assignment"), WINDOW) if body else ():
        left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
        if left is None or left.type != "attribute" or not tree.text(left).startswith("self."):
            continue
        attribute = tree.text(left).removeprefix("self.")
        annotation = assignment.child_by_field_name("type") or given.get(tree.text(right) if right else "")
        if annotation and not _is_private(attribute):
            yield f"{attribute}: {_line(tree.text(annotation))}", (annotation,)


def _is_private(name: str) -> bool:
    return name.startswith("_") and name not in _SHOWN_DUNDERS


def _annotation(tree: Tree, definition: Node, name: str) -> Node | None:
    """The type of a parameter of a function or of a constructor; for a dataclass that of a field."""
    if definition.type == "decorated_definition":
        definition = definition.child_by_field_name("definition") or definition
    if parameters := definition.child_by_field_name("parameters"):
        return _typed_child(tree, parameters, name)
    body = definition.child_by_field_name("body")
    for statement in islice(body.named_children, WINDOW) if body else ():
        function = statement.child_by_field_name("definition") or statement
        called = function.child_by_field_name("name")
        if called and tree.text(called) in ("__init__", "__new__", "constructor"):
            parameters = function.child_by_field_name("parameters")
            return _typed_child(tree, parameters, name) if parameters else None
    for assignment in islice(descendants(body, "assignment"), WINDOW) if body else ():
        left = assignment.child_by_field_name("left")
        if left is not None and tree.text(left) == name:
            return assignment.child_by_field_name("type")
    return None


def _typed_child(tree: Tree, parameters: Node, name: str) -> Node | None:
    for each in parameters.named_children:
        named = _parameter_name(each)
        if named and tree.text(named).lstrip("*.") == name:
            return each.child_by_field_name("type")
    return None


def _parameter_name(parameter: Node) -> Node | None:
    """The name in `name`, `name: T`, `*name: T`, `name = 1`; of a `*` or `/` None."""
    name = parameter.child_by_field_name("name") or parameter.child_by_field_name("pattern")
    return name or next(iter(parameter.named_children), None)


# other languages


def _declaration(tree: Tree, node: Node) -> tuple[str, list[Node]]:
    """A declaration as it is written, without the bodies of its functions."""
    body = node.child_by_field_name("body") or node.child_by_field_name("members")
    if body is None or body.named_child_count <= 1:
        lines = _without_bodies(tree, node).splitlines()
        return "\n".join(line[:LONGEST] for line in lines[: MEMBERS + 2]), [node]
    head = tree.data[node.start_byte : body.start_byte].decode("utf-8", "replace").rstrip()
    members = [each for each in islice(body.named_children, MEMBERS) if "comment" not in each.type]
    lines = [f"    {_line(_without_bodies(tree, each))}" for each in members]
    if body.named_child_count > MEMBERS:
        lines.append(f"    // and {body.named_child_count - MEMBERS:,} more")
    parts = [each for each in node.named_children if each.end_byte <= body.start_byte]
    typed = [each.child_by_field_name("type") for each in members]
    return "\n".join((f"{_line(head)} {{", *lines, "}")), parts + [each for each in typed if each is not None]


def _without_bodies(tree: Tree, node: Node) -> str:
    """`area(): number { return 1 }` → `area(): number`."""
    end = node.end_byte
    body = node.child_by_field_name("body")
    if body is not None and body.type in _BODIES:
        end = body.start_byte
    return tree.data[node.start_byte : end].decode("utf-8", "replace").strip()


# aliases


@dataclass(frozen=True)
class _Module:
    tree: Tree
    declared: dict[str, Node]
    imported: dict[str, tuple[str, str]]


@lru_cache(maxsize=64)
def _module(document: Document) -> _Module | None:
    """What a module declares that a checker would not tell, and what it imports, by name."""
    tree = tree_of(document)
    if tree is None or document.language not in ("python", *SCRIPTS):
        return None
    module = _Module(tree, {}, {})
    for statement in _statements(tree.root):
        if statement.type == "import_from_statement":
            _note_import(module, statement)
        elif statement.type == "import_statement":
            _note_script_import(module, statement)
        else:
            _note_declaration(module, statement)
    return module


def _statements(root: Node) -> Iterator[Node]:
    """The statements of a module, with those below `if` and `try`."""
    for statement in root.named_children:
        if statement.type in ("if_statement", "try_statement", "block", "else_clause", "except_clause"):
            yield from _statements(statement)
        elif declaration := statement.child_by_field_name("declaration"):
            yield declaration
        else:
            yield statement


def _note_import(module: _Module, statement: Node) -> None:
    source = statement.child_by_field_name("module_name")
    for name in statement.children_by_field_name("name"):
        original = name.child_by_field_name("name") or name
        known_as = name.child_by_field_name("alias") or original
        if source is not None:
            text = module.tree.text
            module.imported[text(known_as)] = text(source), text(original)


def _note_script_import(module: _Module, statement: Node) -> None:
    source, text = statement.child_by_field_name("source"), module.tree.text
    for specifier in descendants(statement, "import_specifier"):
        original = specifier.child_by_field_name("name") or specifier
        known_as = specifier.child_by_field_name("alias") or original
        if source is not None:
            module.imported[text(known_as)] = text(source).strip("\"'"), text(original)


def _note_declaration(module: _Module, statement: Node) -> None:
    """Of Python's declarations the assignments: for classes a checker is asked, which knows what is visible."""
    if module.tree.document.language != "python":
        name = statement.child_by_field_name("name")
        if statement.type in _CLASSES and name is not None:
            module.declared.setdefault(module.tree.text(name), statement)
        return
    assigning = statement.type == "expression_statement" and statement.named_children
    assignment = statement.named_children[0] if assigning else statement
    left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
    if assignment.type in ("assignment", "type_alias_statement") and left is not None and right is not None:
        module.declared.setdefault(module.tree.text(left), assignment)


def _alias_found(tree: Tree, node: Node, name: str) -> Found:
    right = node.child_by_field_name("right")
    places = [place for place in (places_in(tree, right) if right else []) if place.name != name]
    stub = Stub(name, _line(tree.text(node)), tree.document.path, tree.start(node))
    return Found(stub, tuple(_distinct(places)))


def _imported(source: str, importer: Document, root: Path) -> Document | None:
    path = _path_of(source, importer, root)
    return read(path, importer.language) if path else None


def _path_of(source: str, importer: Document, root: Path) -> Path | None:
    """The file of the repository that an import names: `.shapes` → `shapes.py` beside the importer."""
    paths = _python_paths if importer.language == "python" else _script_paths
    return next((path for path in paths(source, importer.path, root) if path.is_file()), None)


def _python_paths(source: str, importer: Path, root: Path) -> Iterator[Path]:
    name = source.lstrip(".")
    dots = len(source) - len(name)
    folders = list(importer.parents)[dots - 1 : dots] if dots else [root, root / "src"]
    for folder in folders:
        base = folder.joinpath(*name.split(".")) if name else folder
        if name:
            yield base.with_name(f"{base.name}.py")
        yield base / "__init__.py"


def _script_paths(source: str, importer: Path, root: Path) -> Iterator[Path]:
    """`./shapes` → `shapes.ts` beside the importer."""
    if source.startswith("."):
        base = Path(os.path.normpath(importer.parent / source.removesuffix(".js")))
        yield from (base.with_name(f"{base.name}{end}") for end in (".ts", ".tsx", ".d.ts"))
        yield base / "index.ts"


def _line(text: str) -> str:
    """A text in one line, shortened where nobody would read it to the end."""
    text = _BLANKS.sub(" ", text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 2].rstrip() + " …"
