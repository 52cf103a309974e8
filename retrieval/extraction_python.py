"""What a Python module offers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from retrieval.api import Api, ApiKind
from retrieval.extraction_nodes import (
    DEEPEST,
    Source,
    assigned_in,
    first_of_each,
    first_sentence,
    inside,
    last_name,
    signature,
    without_arguments,
)

_BLOCKS = frozenset(
    ("if_statement", "elif_clause", "else_clause", "try_statement", "except_clause", "finally_clause", "with_statement",
     "block", "ERROR")
)  # fmt: skip
_PROPERTIES = frozenset(("property", "cached_property", "abstractproperty", "classproperty", "hybrid_property"))
_ACCESSORS = frozenset(("setter", "deleter", "getter"))
_STATIC = frozenset(("staticmethod", "classmethod"))
_ENUMS = frozenset(("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "TextChoices", "IntegerChoices"))
_LITERALS = {
    "string": "str", "concatenated_string": "str", "integer": "int", "float": "float", "true": "bool", "false": "bool",
    "list": "list", "list_comprehension": "list", "dictionary": "dict", "dictionary_comprehension": "dict",
    "set": "set", "set_comprehension": "set", "tuple": "tuple", "generator_expression": "Iterator",
}  # fmt: skip
_LITERAL_STARTS = (
    (re.compile(r"[rbuf]{0,2}[\"']", re.IGNORECASE), "str"),
    (re.compile(r"-?\d+\b(?!\.)"), "int"),
    (re.compile(r"-?\d*\.\d"), "float"),
    (re.compile(r"(True|False)\b"), "bool"),
    (re.compile(r"\["), "list"),
    (re.compile(r"\{\s*\}|\{[^:\n]*:"), "dict"),
    (re.compile(r"\{"), "set"),
)
_CALL = re.compile(r"(?:await\s+)?((?:[\w]+\.)*[^\W\d]\w*)\s*\(")


def read(source: Source, root: Node) -> list[Api]:
    return first_of_each(_statements(source, root, "", enum=False, depth=0))


def _statements(source: Source, block: Node, owner: str, enum: bool, depth: int) -> Iterator[Api]:
    if depth > DEEPEST:
        return
    for node in block.named_children:
        kind = node.type
        if kind == "expression_statement":
            yield from _assigned(source, node, owner, enum)
        elif kind == "function_definition":
            yield from _function(source, node, owner, frozenset(), depth)
        elif kind == "class_definition":
            yield from _class(source, node, owner, depth)
        elif kind == "decorated_definition":
            yield from _decorated(source, node, owner, depth)
        elif kind == "type_alias_statement":
            yield from _alias(source, node, owner)
        elif kind in _BLOCKS:
            yield from _statements(source, node, owner, enum, depth + 1)


def _decorated(source: Source, node: Node, owner: str, depth: int) -> Iterator[Api]:
    definition = node.child_by_field_name("definition")
    if definition is None:
        return
    if definition.type == "class_definition":
        yield from _class(source, definition, owner, depth)
        return
    written = (source.text(each).lstrip("@") for each in node.named_children if each.type == "decorator")
    decorators = frozenset(last_name(without_arguments(each)) for each in written)
    if not (decorators & _ACCESSORS and owner):
        yield from _function(source, definition, owner, decorators, depth)


def _class(source: Source, node: Node, owner: str, depth: int) -> Iterator[Api]:
    name, body = source.text(node.child_by_field_name("name")), node.child_by_field_name("body")
    if not name or body is None:
        return
    bases = tuple(_bases(source, node.child_by_field_name("superclasses")))
    yield Api(
        name, owner, source.path, ApiKind.CLASS, _head(source, node, body), (), name, bases, _doc(source, body),
        node.start_point.row + 1, _is_public(name), static=bool(owner),
    )  # fmt: skip
    enum = any(last_name(base) in _ENUMS for base in bases)
    yield from _statements(source, body, inside(owner, name), enum, depth + 1)


def _bases(source: Source, arguments: Node | None) -> Iterator[str]:
    for node in arguments.named_children if arguments else ():
        if node.type in ("identifier", "attribute", "subscript"):
            yield without_arguments(source.text(node))


def _function(source: Source, node: Node, owner: str, decorators: frozenset[str], depth: int) -> Iterator[Api]:
    name, body = source.text(node.child_by_field_name("name")), node.child_by_field_name("body")
    if not name or body is None:
        return
    returns, line = signature(source.text(node.child_by_field_name("return_type"))), node.start_point.row + 1
    doc, public = _doc(source, body), _is_public(name)
    if owner and decorators & _PROPERTIES:
        field = f"{name}: {returns}" if returns else name
        yield Api(name, owner, source.path, ApiKind.FIELD, signature(field), (), returns, (), doc, line, public)
        return
    static = bool(decorators & _STATIC)
    named = dict(_parameters(source, node.child_by_field_name("parameters")))
    receiver = next(iter(named), "") if owner and "staticmethod" not in decorators else ""
    types = {each: of for each, of in named.items() if each != receiver}
    kind = ApiKind.METHOD if owner else ApiKind.FUNCTION
    head = _head(source, node, body)
    yield Api(name, owner, source.path, kind, head, tuple(types), returns, (), doc, line, public, static)
    if receiver and not static:
        yield from _set_by_method(source, body, owner, receiver, types)


def _head(source: Source, node: Node, body: Node) -> str:
    """What stands before the body, without its colon and the comments before it."""
    before = body.prev_sibling
    while before is not None and before.type != ":":
        before = before.prev_sibling
    return signature(source.between(node.start_byte, before.start_byte if before else body.start_byte).rstrip(": "))


def _parameters(source: Source, node: Node | None) -> Iterator[tuple[str, str]]:
    for each in node.named_children if node else ():
        named = each.child_by_field_name("name") or _identifier(each)
        if named is not None:
            yield source.text(named), source.text(each.child_by_field_name("type"))


def _identifier(node: Node) -> Node | None:
    """`*args: int` → `args`; None of a lone `*`."""
    while node.type != "identifier":
        if node.type == "comment" or not node.named_children:
            return None
        node = node.named_children[0]
    return node


def _assigned(source: Source, statement: Node, owner: str, enum: bool) -> Iterator[Api]:
    for node in statement.named_children:
        if node.type == "assignment":
            yield from _assignment(source, node, owner, enum)


def _assignment(source: Source, node: Node, owner: str, enum: bool) -> Iterator[Api]:
    left, of, value = (node.child_by_field_name(field) for field in ("left", "type", "right"))
    if left is None:
        return
    if left.type == "pattern_list" or left.type == "tuple_pattern":
        for each in left.named_children:
            if each.type == "identifier":
                yield _variable(source, each, None, None, owner, enum)
    elif left.type == "identifier" and source.code[left.start_byte : left.end_byte] not in (b"__slots__", b"__all__"):
        yield _variable(source, left, of, value, owner, enum)
        if value is not None and value.type == "assignment":
            yield from _assignment(source, value, owner, enum)


def _variable(source: Source, left: Node, of: Node | None, value: Node | None, owner: str, enum: bool) -> Api:
    name, annotation = source.text(left), source.text(of)
    returns = signature(annotation) or _type_of(source, value)
    if owner:
        kind = ApiKind.FIELD
        returns = last_name(owner) if enum and not annotation else returns
    else:
        kind = ApiKind.ALIAS if _is_alias(name, annotation, value) else ApiKind.CONSTANT
    start, end = left.start_byte, min((value or of or left).end_byte, left.start_byte + 1200)
    line, written = left.start_point.row + 1, signature(source.between(start, end))
    static = bool(owner) and (value is not None or enum)
    return Api(name, owner, source.path, kind, written, (), returns, (), "", line, _is_public(name), static)


def _type_of(source: Source, value: Node | None) -> str:
    if value is None:
        return ""
    if value.type != "call":
        return _LITERALS.get(value.type, "")
    called = source.text(value.child_by_field_name("function"))
    return called if _names_class(called) else ""


def _names_class(called: str) -> bool:
    """`shop.Item` does, `shop.items` doesn't."""
    return bool(re.fullmatch(r"[\w.]+", called)) and last_name(called).lstrip("_")[:1].isupper()


def _is_alias(name: str, annotation: str, value: Node | None) -> bool:
    if annotation:
        return last_name(annotation) == "TypeAlias"
    if value is None or name.isupper() or not name.lstrip("_")[:1].isupper():
        return False
    return value.type in ("subscript", "binary_operator", "identifier", "attribute")


def _alias(source: Source, node: Node, owner: str) -> Iterator[Api]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    name = without_arguments(source.text(left))
    if name:
        written, line = signature(source.text(node)), node.start_point.row + 1
        yield Api(
            name, owner, source.path, ApiKind.ALIAS, written, (), signature(source.text(right)), (), "", line,
            _is_public(name), static=bool(owner),
        )  # fmt: skip


def _set_by_method(source: Source, body: Node, owner: str, receiver: str, types: dict[str, str]) -> Iterator[Api]:
    for each in assigned_in(source, body, f"{receiver}."):
        returns = signature(each.annotation) or types.get(each.value) or _type_of_text(each.value)
        yield Api(
            each.name, owner, source.path, ApiKind.FIELD, signature(each.written), (), returns, (), "", each.line,
            _is_public(each.name),
        )  # fmt: skip


def _type_of_text(value: str) -> str:
    if called := _CALL.match(value):
        return called[1] if _names_class(called[1]) else ""
    return next((name for start, name in _LITERAL_STARTS if start.match(value)), "")


def _doc(source: Source, body: Node) -> str:
    first = body.named_children[0] if body.named_child_count else None
    if first is None or first.type != "expression_statement" or not first.named_children:
        return ""
    written = first.named_children[0]
    if written.type != "string":
        return ""
    start, end = written.start_byte, min(written.end_byte, written.start_byte + 1000)
    text = source.code[start:end].decode("utf-8", "replace").lstrip("rRbBuU")
    quotes = text[:3] if text[:3] in ('"""', "'''") else text[:1]
    return first_sentence(text[len(quotes) :].removesuffix(quotes))


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))
