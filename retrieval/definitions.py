"""Where the definitions of a file stand: its functions and methods, and its classes with what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from retrieval.extraction_nodes import DEEPEST, inside, named

_FUNCTIONS = frozenset(
    ("function_definition", "function_declaration", "generator_function_declaration", "method_definition",
     "method_declaration", "constructor_declaration", "compact_constructor_declaration", "destructor_declaration",
     "operator_declaration", "function_item", "macro_definition", "method", "singleton_method")
)  # fmt: skip
_CLASSES = frozenset(
    ("class_definition", "class_declaration", "abstract_class_declaration", "interface_declaration", "enum_declaration",
     "record_declaration", "record_struct_declaration", "struct_declaration", "annotation_type_declaration",
     "trait_declaration", "struct_item", "enum_item", "trait_item", "union_item", "class", "module",
     "class_specifier", "struct_specifier", "union_specifier", "enum_specifier", "type_spec")
)  # fmt: skip
_VALUES = frozenset(("arrow_function", "function_expression", "generator_function"))
"""Functions that have the name of what they are assigned to."""

_ASSIGNED = frozenset(
    ("variable_declarator", "assignment_expression", "pair", "public_field_definition", "field_definition")
)
_WRAPPERS = frozenset(
    ("decorated_definition", "export_statement", "template_declaration", "lexical_declaration", "variable_declaration",
     "expression_statement", "ambient_declaration", "type_declaration", "type_definition", "declaration",
     "field_declaration", "call", "argument_list", "global_statement")
)  # fmt: skip
_ALONE = frozenset(("lexical_declaration", "variable_declaration", "type_declaration"))
"""They may hold several definitions, and belong to one that they hold alone."""

_BLOCKS = frozenset(
    ("block", "if_statement", "elif_clause", "else_clause", "try_statement", "except_clause", "finally_clause",
     "with_statement", "ERROR", "internal_module", "statement_block", "class_body", "interface_body", "enum_body",
     "enum_body_declarations", "namespace_declaration", "file_scoped_namespace_declaration", "namespace_definition",
     "declaration_list", "enum_declaration_list", "compound_statement", "preproc_ifdef", "preproc_if", "preproc_else",
     "preproc_elif", "preproc_region", "linkage_specification", "field_declaration_list", "body_statement", "begin",
     "if", "unless", "then", "else", "singleton_class", "mod_item", "foreign_mod_item", "impl_item")
)  # fmt: skip
_EXPRESSIONS = frozenset(
    ("call_expression", "parenthesized_expression", "arguments", "unary_expression", "object", "return_statement",
     "else_clause", *_VALUES, *_ASSIGNED)
)  # fmt: skip
"""What may be around definitions in JavaScript, as in `(function () {…})()` and `module.exports = {…}`."""

_DECLARED = frozenset(
    ("struct_specifier", "class_specifier", "union_specifier", "enum_specifier", "method_declaration",
     "constructor_declaration")
)  # fmt: skip
"""What may be named or declared in one place and defined in another."""

_SCRIPTS = frozenset(("javascript", "javascriptreact", "typescript", "typescriptreact"))
_ABOVE = frozenset(("comment", "line_comment", "block_comment", "attribute_item", "decorator", "attribute_list"))
"""What stands above a definition and belongs to it."""

_NAME = re.compile(r"[^\W\d][\w$]*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a definition stands in a parsed file, in bytes, with the comments above it."""

    name: str
    """With the classes around it: `Item.total`."""
    kind: str
    """`function`, `method` or `class`."""
    start: int
    end: int
    row: int
    """Of its name, counted from 0."""
    node: Node


def places(root: Node, code: bytes, language: str) -> list[Place]:
    """The definitions of a file in the order in which they begin; those inside of functions belong to these."""
    return list(_Walk(code, language in _SCRIPTS).below(root, "", 0))


@dataclass(frozen=True, slots=True)
class _Walk:
    code: bytes
    is_script: bool

    def below(self, block: Node, owner: str, depth: int) -> Iterator[Place]:
        if depth > DEEPEST:
            return
        start, before = -1, None
        for node in block.named_children:
            if node.type in _ABOVE:
                start = start if start >= 0 and before is not None and _touch(before, node) else node.start_byte
                if before is not None and before.end_point.row == node.start_point.row and before.type not in _ABOVE:
                    start = -1  # it belongs to the code before it
                before = node
                continue
            if start < 0 or before is None or not _touch(before, node):
                start = node.start_byte
            yield from self._in(node, start, owner, depth)
            start, before = -1, node

    def _in(self, node: Node, start: int, owner: str, depth: int) -> Iterator[Place]:
        found = self._definition(node)
        if found is not None and (name := self._name(found)):
            yield from self._placed(found, node, start, owner, name, depth)
        elif node.type in _BLOCKS or (node.type == "module" and found is None):
            yield from self.below(node, self._scope(node, owner), depth + 1)
        elif node.type in _WRAPPERS or (self.is_script and node.type in _EXPRESSIONS):
            yield from self.below(node, owner, depth + 1)

    def _definition(self, node: Node) -> Node | None:
        """The definition that a node is, or is all around: `@cached def total(self): …`, `const total = () => …`."""
        for _ in range(DEEPEST):
            kind = node.type
            if kind in _FUNCTIONS or kind in _CLASSES:
                return node if _has_body(node) else None
            if kind in _ASSIGNED:
                value = node.child_by_field_name("value") or node.child_by_field_name("right")
                return node if value is not None and (value.type in _VALUES or value.type == "class") else None
            if kind not in _WRAPPERS or (kind in _ALONE and node.named_child_count != 1):
                return None
            inner = [each for each in node.named_children if each.type in _WRAPPERS | _FUNCTIONS | _CLASSES | _ASSIGNED]
            if not inner:
                return None
            node = inner[-1]
        return None

    def _placed(self, node: Node, outer: Node, start: int, owner: str, name: str, depth: int) -> Iterator[Place]:
        owner = self._scope(node, owner)
        value = node.child_by_field_name("value") or node.child_by_field_name("right")
        is_class = node.type in _CLASSES or (node.type in _ASSIGNED and value is not None and value.type == "class")
        name = inside(owner, name)
        kind = "class" if is_class else "method" if "." in name else "function"
        row = (node.child_by_field_name("name") or node.child_by_field_name("left") or node).start_point.row
        yield Place(name, kind, start, outer.end_byte, row, outer)
        if is_class:
            body = value if node.type in _ASSIGNED and value is not None else node
            yield from self.below(body.child_by_field_name("body") or body, name, depth + 1)

    def _name(self, node: Node) -> str:
        field = next(filter(None, map(node.child_by_field_name, ("name", "property", "left", "key"))), None)
        if field is None and (declarator := node.child_by_field_name("declarator")) is not None:
            field = _declared(declarator)
        if field is None and node.parent is not None and node.parent.type == "type_definition":
            field = named(node.parent.child_by_field_name("declarator"))  # `typedef struct {…} Item;`
        written = self._text(field).replace("::", ".").replace(".prototype.", ".").removeprefix("exports.")
        return re.sub(r"<.*>|\s", "", written).removeprefix("module.exports.").strip(".\"'`")[:200]

    def _scope(self, node: Node, owner: str) -> str:
        """The type that methods outside of its definition belong to."""
        if node.type == "impl_item":
            return self._type(node.child_by_field_name("type")) or owner
        if node.type == "method_declaration" and (receiver := node.child_by_field_name("receiver")) is not None:
            return self._type(receiver) or owner
        return owner

    def _type(self, node: Node | None) -> str:
        """`(i *Item[T])` → `Item`, `&'a mut shop::Item<T>` → `Item`."""
        names = _NAME.findall(re.split(r"[\[<]", self._text(node), maxsplit=1)[0])
        return names[-1] if names else ""

    def _text(self, node: Node | None) -> str:
        return self.code[node.start_byte : node.end_byte].decode("utf-8", "replace") if node is not None else ""


def _touch(above: Node, below: Node) -> bool:
    """Whether no line is between two nodes; a comment's last line may end with it."""
    end = above.end_point
    return below.start_point.row - end.row + (end.column == 0) <= 1


def _has_body(node: Node) -> bool:
    """Whether it is defined here: `struct item *next` only names a type, an interface only declares its methods."""
    if node.type == "type_spec":
        of = node.child_by_field_name("type")
        return of is not None and of.type in ("struct_type", "interface_type")
    return node.type not in _DECLARED or node.child_by_field_name("body") is not None


def _declared(declarator: Node) -> Node | None:
    """`*Item::total(int tax)` → `Item::total`."""
    for _ in range(DEEPEST):
        inner = declarator.child_by_field_name("declarator")
        if declarator.type == "reference_declarator" and declarator.named_child_count:
            inner = declarator.named_children[-1]
        if inner is None:
            return declarator
        declarator = inner
    return None
