"""What a module in JavaScript or TypeScript offers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from retrieval.api import Api, ApiKind
from retrieval.extraction_nodes import (
    DEEPEST,
    Source,
    assigned_in,
    comment_above,
    first_of_each,
    inside,
    named,
    signature,
    without_arguments,
)

_BLOCKS = frozenset(
    ("ambient_declaration", "module", "internal_module", "statement_block", "if_statement", "else_clause",
     "try_statement", "ERROR")
)  # fmt: skip
_CLASSES = frozenset(
    ("class_declaration", "abstract_class_declaration", "interface_declaration", "class", "enum_declaration")
)
_FUNCTIONS = frozenset(
    ("function_declaration", "generator_function_declaration", "function_signature", "function_expression",
     "generator_function", "arrow_function")
)  # fmt: skip
_METHODS = frozenset(("method_definition", "method_signature", "abstract_method_signature"))
_FIELDS = frozenset(("field_definition", "public_field_definition", "property_signature"))
_HERITAGE = frozenset(("class_heritage", "extends_clause", "implements_clause", "extends_type_clause"))
_BASES = frozenset(("identifier", "member_expression", "type_identifier", "nested_type_identifier", "generic_type"))
_LITERALS = {
    "string": "string", "template_string": "string", "number": "number", "true": "boolean", "false": "boolean",
    "array": "Array", "regex": "RegExp",
}  # fmt: skip


def read(source: Source, root: Node) -> list[Api]:
    return first_of_each(_statements(source, root, _exported(source, root), depth=0))


def _exported(source: Source, root: Node) -> frozenset[str]:
    """The names that are exported apart from their declarations: `export {add}`, `module.exports = {add}`."""
    if b"export" not in source.code:
        return frozenset()
    return frozenset(source.text(name) for node in root.named_children for name in _exported_by(source, node))


def _exported_by(source: Source, node: Node) -> Iterator[Node]:
    if node.type == "export_statement" and node.child_by_field_name("source") is None:
        clauses = [each for each in node.named_children if each.type == "export_clause"]
        names = [each.child_by_field_name("name") for clause in clauses for each in clause.named_children]
        yield from filter(None, [*names, node.child_by_field_name("value")])
    elif node.type == "expression_statement" and node.named_children[0].type == "assignment_expression":
        assignment = node.named_children[0]
        to, value = source.text(assignment.child_by_field_name("left")), assignment.child_by_field_name("right")
        if value is not None and re.fullmatch(r"(module\.)?exports(\.[\w$]+)?", to):
            members = value.named_children if value.type == "object" else [value]
            yield from (each.child_by_field_name("value") or each for each in members)


def _statements(source: Source, block: Node, exported: frozenset[str], depth: int) -> Iterator[Api]:
    if depth > DEEPEST:
        return
    for node in block.named_children:
        if node.type == "export_statement":
            for inner in node.named_children:
                yield from _statement(source, inner, node, exported, depth, public=True)
        else:
            yield from _statement(source, node, node, exported, depth, public=False)


def _statement(
    source: Source, node: Node, outer: Node, exported: frozenset[str], depth: int, public: bool
) -> Iterator[Api]:
    kind = node.type
    if kind in _CLASSES:
        yield from _class(source, node, outer, "", exported, depth, public)
    elif kind in _FUNCTIONS:
        name = source.text(node.child_by_field_name("name"))
        if name:
            yield _function(source, node, node, outer, name, public or name in exported)
    elif kind in ("lexical_declaration", "variable_declaration"):
        for each in node.named_children:
            if each.type == "variable_declarator":
                yield from _variable(source, each, outer, exported, depth, public)
    elif kind == "type_alias_declaration":
        yield from _alias(source, node, outer, exported, depth, public)
    elif kind == "expression_statement":
        yield from _expression(source, node, exported, depth)
    elif kind == "ambient_declaration" or kind in _BLOCKS:
        yield from _statements(source, node, exported, depth + 1)


def _alias(
    source: Source, node: Node, outer: Node, exported: frozenset[str], depth: int, public: bool
) -> Iterator[Api]:
    """A type of members is a class in all but its name."""
    name, value = source.text(node.child_by_field_name("name")), node.child_by_field_name("value")
    public, doc = public or name in exported, comment_above(source, outer)
    if value is not None and value.type == "object_type":
        yield source.api(
            node, name, "", ApiKind.CLASS, f"type {name}", returns=name, doc=doc, public=public, static=True
        )
        for member in value.named_children:
            yield from _member(source, member, name, exported, depth)
    else:
        written, of = source.text(node).rstrip(";"), source.text(value)
        yield source.api(node, name, "", ApiKind.ALIAS, written, returns=of, doc=doc, public=public, static=True)


def _expression(source: Source, node: Node, exported: frozenset[str], depth: int) -> Iterator[Api]:
    """`namespace Inner {…}`, `exports.add = function (a) {…}`, `module.exports = {add(a) {…}}`"""
    for inner in node.named_children:
        if inner.type in _BLOCKS:
            yield from _statements(source, inner, exported, depth + 1)
        elif inner.type == "assignment_expression":
            yield from _assigned(source, inner, node, exported, depth)


def _assigned(source: Source, node: Node, outer: Node, exported: frozenset[str], depth: int) -> Iterator[Api]:
    to, value = source.text(node.child_by_field_name("left")), node.child_by_field_name("right")
    if value is None or not re.fullmatch(r"(?:module\.)?exports(?:\.[\w$]+)?|[\w$]+\.prototype\.[\w$]+", to):
        return
    first, _, name = to.rpartition(".")
    if name == "exports":
        for each in value.named_children if value.type == "object" else ():
            yield from _property(source, each)
    elif first.endswith(".prototype"):
        if value.type in _FUNCTIONS:
            yield _function(source, value, node, outer, name, public=True, owner=first.removesuffix(".prototype"))
    else:
        yield from _value(source, value, node, outer, name, exported, depth)


def _property(source: Source, node: Node) -> Iterator[Api]:
    """A member of an object that is exported."""
    value = node.child_by_field_name("value")
    if node.type == "method_definition":
        yield _function(source, node, node, node, source.text(node.child_by_field_name("name")), public=True)
    elif node.type == "pair" and value is not None and value.type in _FUNCTIONS:
        yield _function(source, value, node, node, source.text(node.child_by_field_name("key")), public=True)


def _variable(
    source: Source, node: Node, outer: Node, exported: frozenset[str], depth: int, public: bool
) -> Iterator[Api]:
    left, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if left is None or left.type != "identifier":
        return
    name = source.text(left)
    public = public or name in exported
    if value is not None and value.type in _FUNCTIONS | _CLASSES:
        yield from _value(source, value, node, outer, name, exported, depth, public)
    else:
        returns = _typed(source, node) or _type_of(source, value)
        end = min(node.end_byte, node.start_byte + 1200)
        written, doc = "const " + source.between(node.start_byte, end), comment_above(source, outer)
        yield source.api(node, name, "", ApiKind.CONSTANT, written, returns=returns, doc=doc, public=public)


def _value(
    source: Source, value: Node, node: Node, outer: Node, name: str, exported: frozenset[str], depth: int,
    public: bool = True,
) -> Iterator[Api]:  # fmt: skip
    if value.type in _FUNCTIONS:
        yield _function(source, value, node, outer, name, public)
    elif value.type == "class":
        yield from _class(source, value, outer, "", exported, depth, public, name)


def _function(
    source: Source, node: Node, whole: Node, outer: Node, name: str, public: bool, owner: str = "", static: bool = False
) -> Api:
    """`node` has the parameters, `whole` is the declaration, and the comment stands above `outer`."""
    body = node.child_by_field_name("body")
    written = source.between(whole.start_byte, body.start_byte if body else node.end_byte).rstrip("; ")
    if node is not whole:
        typed = _typed(source, node, "return_type")
        parameters = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        listed = f"({source.text(parameters).removeprefix('(').removesuffix(')')})"
        word = "" if owner else "function "
        written = f"{'static ' if static else ''}{word}{name}{listed}{f': {typed}' if typed else ''}"
    return source.api(
        whole, name, owner, ApiKind.METHOD if owner else ApiKind.FUNCTION, written,
        parameters=_parameters(source, node), returns=_typed(source, node, "return_type"),
        doc=comment_above(source, outer), public=public, static=static,
    )  # fmt: skip


def _parameters(source: Source, node: Node) -> Iterator[str]:
    if alone := node.child_by_field_name("parameter"):
        yield source.text(alone)
    parameters = node.child_by_field_name("parameters")
    for each in parameters.named_children if parameters else ():
        pattern = each.child_by_field_name("pattern") or each.child_by_field_name("left") or each
        if pattern.type in ("identifier", "rest_pattern") and (name := named(pattern)):
            yield source.text(name)


def _class(
    source: Source, node: Node, outer: Node, owner: str, exported: frozenset[str], depth: int, public: bool,
    name: str = "",
) -> Iterator[Api]:  # fmt: skip
    name, body = name or source.text(node.child_by_field_name("name")), node.child_by_field_name("body")
    if not name or body is None or depth > DEEPEST:
        return
    written = source.between(node.start_byte, body.start_byte).removeprefix("abstract ")
    yield source.api(
        node, name, owner, ApiKind.CLASS, written, returns=name, bases=_bases(source, node),
        doc=comment_above(source, outer), public=public or name in exported, static=True,
    )  # fmt: skip
    for member in body.named_children:
        yield from _member(source, member, inside(owner, name), exported, depth)


def _bases(source: Source, node: Node) -> Iterator[str]:
    for each in node.named_children:
        if each.type in _HERITAGE:
            yield from _bases(source, each)
        elif each.type in _BASES and node.type in _HERITAGE:
            yield without_arguments(source.text(each))


def _member(source: Source, node: Node, owner: str, exported: frozenset[str], depth: int) -> Iterator[Api]:
    kind, key = node.type, node.child_by_field_name("name") or node.child_by_field_name("property")
    name = source.text(named(node if key is None else key))
    if not name:
        return
    if kind in _METHODS:
        yield from _method(source, node, name, owner)
    elif kind in _FIELDS:
        yield from _field(source, node, name, owner)
    elif kind in ("enum_assignment", "property_identifier"):
        written = source.text(node)
        yield source.api(node, name, owner, ApiKind.FIELD, written, returns=owner.rpartition(".")[2], static=True)


def _method(source: Source, node: Node, name: str, owner: str) -> Iterator[Api]:
    body = node.child_by_field_name("body")
    words = source.between(node.start_byte, node.start_byte + 60).split("(")[0].split()[:-1]
    public, static = _is_public(name, words), "static" in words
    doc = comment_above(source, node)
    if "get" in words:
        returns = _typed(source, node, "return_type")
        written = f"{name}: {returns}" if returns else name
        yield source.api(
            node, name, owner, ApiKind.FIELD, written, returns=returns, doc=doc, public=public, static=static
        )
    elif "set" not in words:
        yield _function(source, node, node, node, name, public, owner, static)
    if name == "constructor":
        yield from _declared_by_parameters(source, node, owner)
    if body is not None and not static:
        yield from _set_by_method(source, body, owner)


def _declared_by_parameters(source: Source, node: Node, owner: str) -> Iterator[Api]:
    """`constructor(private readonly name: string)`"""
    parameters = node.child_by_field_name("parameters")
    for each in parameters.named_children if parameters else ():
        words = source.text(each).split(":")[0].split()
        if {"public", "private", "protected", "readonly"}.intersection(words[:-1]):
            name, returns = words[-1].rstrip("?"), _typed(source, each)
            public = _is_public(name, words)
            yield source.api(each, name, owner, ApiKind.FIELD, source.text(each), returns=returns, public=public)


def _set_by_method(source: Source, body: Node, owner: str) -> Iterator[Api]:
    for each in assigned_in(source, body, "this."):
        if each.annotation:
            continue
        value = re.match(r"new\s+([\w$.]+)", each.value)
        written = signature(each.written.rstrip(";"))
        yield Api(
            each.name, owner, source.path, ApiKind.FIELD, written, (), value[1] if value else "", (), "", each.line,
            _is_public(each.name, ()),
        )  # fmt: skip


def _field(source: Source, node: Node, name: str, owner: str) -> Iterator[Api]:
    value = node.child_by_field_name("value")
    before = source.between(node.start_byte, node.start_byte + 80)
    words = re.split(r"[:=;(]", before, maxsplit=1)[0].split()[:-1]
    public, static = _is_public(name, words), "static" in words
    if value is not None and value.type in _FUNCTIONS:
        yield _function(source, value, node, node, name, public, owner, static)
        return
    returns = _typed(source, node) or _type_of(source, value)
    written = source.between(node.start_byte, min(node.end_byte, node.start_byte + 1200))
    doc = comment_above(source, node)
    yield source.api(node, name, owner, ApiKind.FIELD, written, returns=returns, doc=doc, public=public, static=static)


def _typed(source: Source, node: Node, field: str = "type") -> str:
    return source.text(node.child_by_field_name(field)).lstrip(": ")


def _type_of(source: Source, value: Node | None) -> str:
    if value is not None and value.type == "new_expression":
        return source.text(value.child_by_field_name("constructor"))
    return _LITERALS.get(value.type, "") if value is not None else ""


def _is_public(name: str, words: list[str] | tuple[str, ...]) -> bool:
    return name[0] not in "_#" and "private" not in words and "protected" not in words
