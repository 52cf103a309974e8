"""What a module declares and imports, as far as types need it: aliases, which a checker only knows the meaning of."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tree_sitter import Node

from language_servers.analyzer import Document
from language_servers.holes.files import read
from language_servers.holes.places import Place, distinct, places_at
from language_servers.holes.probe import SCRIPTS
from language_servers.holes.stubs import Found, Stub, in_one_line, stub_of
from language_servers.holes.trees import CLASSES, Tree, descendants, tree_of

STEPS = 4
"""Imports that are followed to a declaration."""

_VARIABLE = re.compile(r"=\s*(?:\w+\.)?(?:TypeVar|ParamSpec|TypeVarTuple)\(")
_NESTING = ("if_statement", "try_statement", "block", "else_clause", "except_clause")


@dataclass(frozen=True)
class _Module:
    """Aliases, in scripts all types, by name; and what names are imported from where, with their names there."""

    tree: Tree
    declared: dict[str, Node]
    imported: dict[str, tuple[str, str]]


def declared(place: Place, root: Path) -> Found | None:
    """What a name stands for, where imports of the repository lead to it: an alias `Pair = tuple[A, B]` in Python."""
    document: Document | None = place.document
    name = place.name
    for _ in range(STEPS):
        module = _module(document) if document else None
        if module is None or document is None:
            return None
        if node := module.declared.get(name):
            return _declaration(module.tree, node, name)
        if name not in module.imported:
            return None
        source, name = module.imported[name]
        path = _path_of(source, document, root)
        document = read(path, document.language) if path else None
    return None


def _declaration(tree: Tree, node: Node, name: str) -> Found | None:
    if tree.document.language != "python":
        return stub_of(tree, node, own=True)
    if _VARIABLE.search(tree.text(node)):
        return None
    right = node.child_by_field_name("right")
    places = [place for place in (places_at(tree, right) if right else []) if place.name != name]
    stub = Stub(name, in_one_line(tree.text(node)), tree.document.path, tree.start(node))
    return Found(stub, tuple(distinct(places)))


def own_names(document: Document, root: Path) -> frozenset[str]:
    """The names that a text declares as types, or imports from the repository."""
    module = _module(document)
    if module is None:
        return frozenset()
    definitions = (each.child_by_field_name("definition") or each for each in _statements(module.tree.root))
    names = (each.child_by_field_name("name") for each in definitions if each.type in CLASSES)
    declared_here = {module.tree.text(name) for name in names if name}
    return frozenset(declared_here).union(
        name for name, (source, _) in module.imported.items() if _path_of(source, document, root)
    )


def means_another(name: str, document: Document, path: Path, root: Path) -> bool:
    """Whether a text means another type by a name than the one that is declared in a file."""
    module = _module(document)
    if module is None or name not in module.imported:
        return _declares(document.text, name)
    source, original = module.imported[name]
    imported = _path_of(source, document, root)
    origin = read(imported, document.language) if imported and imported != path else None
    return origin is not None and _declares(origin.text, original)


def _declares(text: str, name: str) -> bool:
    return re.search(rf"^class {re.escape(name)}\b", text, re.MULTILINE) is not None


def module_name(path: Path, root: Path) -> str:
    """The name by which a file is imported: the folders above it, as long as they are packages."""
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while folder != root and (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


@lru_cache(maxsize=64)
def _module(document: Document) -> _Module | None:
    tree = tree_of(document)
    if tree is None or document.language not in ("python", *SCRIPTS):
        return None
    module = _Module(tree, {}, {})
    for statement in _statements(tree.root):
        if statement.type in ("import_from_statement", "import_statement"):
            _note_imports(module, statement)
        elif document.language == "python":
            _note_alias(module, statement)
        else:
            _note_type(module, statement)
    return module


def _statements(root: Node) -> Iterator[Node]:
    """The statements of a module, with those below `if` and `try`."""
    for statement in root.named_children:
        if statement.type in _NESTING:
            yield from _statements(statement)
        else:
            yield statement.child_by_field_name("declaration") or statement


def _note_imports(module: _Module, statement: Node) -> None:
    """`from a import b as c`, `import { b as c } from "a"`"""
    text, source = module.tree.text, statement.child_by_field_name("module_name")
    names: list[Node] = statement.children_by_field_name("name")
    if source is None:
        source, names = statement.child_by_field_name("source"), list(descendants(statement, "import_specifier"))
    if source is None:
        return
    for name in names:
        original = name.child_by_field_name("name") or name
        known_as = name.child_by_field_name("alias") or original
        module.imported[text(known_as)] = text(source).strip("\"'"), text(original)


def _note_type(module: _Module, statement: Node) -> None:
    name = statement.child_by_field_name("name")
    if statement.type in CLASSES and name is not None:
        module.declared.setdefault(module.tree.text(name), statement)


def _note_alias(module: _Module, statement: Node) -> None:
    """An assignment. For Python's classes a checker is asked, which knows what is visible."""
    assigning = statement.type == "expression_statement" and statement.named_children
    assignment = statement.named_children[0] if assigning else statement
    left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
    if assignment.type in ("assignment", "type_alias_statement") and left is not None and right is not None:
        module.declared.setdefault(module.tree.text(left), assignment)


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
