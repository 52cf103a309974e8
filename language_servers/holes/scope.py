"""The values around a hole whose members may be of use there."""

from __future__ import annotations

from tree_sitter import Node

from language_servers.analyzer import Document, Member
from language_servers.holes.trees import Tree, descendants, enclosing, tree_of

_FUNCTIONS = (
    "function_definition", "function_declaration", "method_definition", "arrow_function", "function_expression",
)  # fmt: skip
_CLASSES = ("class_declaration", "class_definition", "abstract_class_declaration", "class")


def bound(document: Document, offset: int) -> list[Member]:
    """The names that a text binds itself, for a server that does not tell them all."""
    tree = tree_of(document)
    if tree is None:
        return []
    found = [*receivers(document, offset)]
    for statement in tree.root.named_children:
        names = statement.children_by_field_name("name")
        found += [tree.text(name.child_by_field_name("alias") or name) for name in names]
        definition = statement.child_by_field_name("definition")
        name = definition.child_by_field_name("name") if definition else None
        found += [tree.text(name)] if name else []
    return [Member(name) for name in dict.fromkeys(found) if name.isidentifier()]


def receivers(document: Document, offset: int) -> list[str]:
    """The object that a method belongs to, and the names that were given or assigned closest before the hole."""
    tree = tree_of(document)
    if tree is None:
        return []
    function = enclosing(tree.at(offset), *_FUNCTIONS)
    if function is None:
        return []
    found = dict[str, int]()
    for binding in descendants(function, "parameters", "formal_parameters", "assignment", "variable_declarator"):
        if tree.end(binding) <= offset:
            for name, start in _bound(tree, binding):
                found[name] = start
    values = sorted((name for name in found if name not in ("self", "cls")), key=lambda name: -found[name])
    itself: list[str] = [name for name in ("self", "cls") if name in found]
    if document.language != "python" and enclosing(function, *_CLASSES):
        itself = ["this"]
    return [*itself, *values]


def _bound(tree: Tree, binding: Node) -> list[tuple[str, int]]:
    """The names that parameters or an assignment bind, with their offsets."""
    if binding.type in ("assignment", "variable_declarator"):
        target = binding.child_by_field_name("left") or binding.child_by_field_name("name") or binding
        return [(tree.text(target), tree.start(target))] if target.type == "identifier" else []
    names = list[tuple[str, int]]()
    for parameter in binding.named_children:
        name = parameter.child_by_field_name("name") or parameter.child_by_field_name("pattern")
        name = name or (parameter.named_children[0] if parameter.named_children else parameter)
        if name.type == "identifier":
            names.append((tree.text(name), tree.start(name)))
    return names
