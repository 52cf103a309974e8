"""What a file in Ruby offers. Modules count as classes."""

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
)

_ATTRIBUTES = frozenset(("attr_reader", "attr_writer", "attr_accessor", "attribute"))
_VISIBILITIES = frozenset(("public", "private", "protected", "private_class_method", "module_function"))
_BLOCKS = frozenset(("begin", "body_statement", "if", "unless", "then", "else", "ERROR"))
_NEW = re.compile(r"([A-Z][\w:]*)\.new\b")


def read(source: Source, root: Node) -> list[Api]:
    return first_of_each(_statements(source, root, "", static=False, depth=0))


def _statements(source: Source, block: Node, owner: str, static: bool, depth: int) -> Iterator[Api]:
    if depth > DEEPEST:
        return
    public = True
    for node in block.named_children:
        kind = node.type
        if kind in ("class", "module"):
            yield from _class(source, node, owner, depth)
        elif kind == "singleton_class" and (body := node.child_by_field_name("body")):
            yield from _statements(source, body, owner, static=True, depth=depth + 1)
        elif kind in ("method", "singleton_method"):
            yield from _method(source, node, node, owner, static or kind == "singleton_method", public)
        elif kind == "identifier" and source.text(node) in _VISIBILITIES:
            public = source.text(node) in ("public", "module_function")
        elif kind == "call":
            yield from _call(source, node, owner, static, public)
        elif kind == "assignment":
            yield from _constant(source, node, owner)
        elif kind in _BLOCKS:
            yield from _statements(source, node, owner, static, depth + 1)


def _class(source: Source, node: Node, owner: str, depth: int) -> Iterator[Api]:
    name = source.text(node.child_by_field_name("name")).replace("::", ".").lstrip(".")
    superclass, body = node.child_by_field_name("superclass"), node.child_by_field_name("body")
    if not name:
        return
    around, _, own = name.rpartition(".")
    owner = inside(owner, around) if around else owner
    base = source.text(superclass).lstrip("< ")
    included = _included(source, body) if body else []
    written = f"{node.type} {source.text(node.child_by_field_name('name'))}{f' < {base}' if base else ''}"
    yield source.api(
        node, own, owner, ApiKind.CLASS, written, returns=own, bases=filter(None, (base, *included)),
        doc=comment_above(source, node), static=True,
    )  # fmt: skip
    if body is not None:
        yield from _statements(source, body, inside(owner, own), static=False, depth=depth + 1)


def _included(source: Source, body: Node) -> list[str]:
    calls = [node for node in body.named_children if node.type == "call"]
    found = []
    for node in calls:
        if source.text(node.child_by_field_name("method")) in ("include", "extend", "prepend"):
            found += [text for text in map(source.text, _arguments(node)) if text[:1].isupper()]
    return found


def _arguments(call: Node) -> list[Node]:
    arguments = call.child_by_field_name("arguments")
    return arguments.named_children if arguments is not None else []


def _call(source: Source, node: Node, owner: str, static: bool, public: bool) -> Iterator[Api]:
    """`attr_reader :price`, `private def help`"""
    word = source.text(node.child_by_field_name("method"))
    if word in _ATTRIBUTES and owner:
        for each in _arguments(node):
            if each.type == "simple_symbol":
                name = source.text(each).lstrip(":")
                doc, written = comment_above(source, node), f"{word} :{name}"
                yield source.api(each, name, owner, ApiKind.FIELD, written, doc=doc, public=public, static=static)
    elif word in _VISIBILITIES:
        for each in _arguments(node):
            if each.type in ("method", "singleton_method"):
                yield from _method(source, each, node, owner, static, word in ("public", "module_function"))


def _method(source: Source, node: Node, outer: Node, owner: str, static: bool, public: bool) -> Iterator[Api]:
    name, parameters = source.text(node.child_by_field_name("name")), node.child_by_field_name("parameters")
    if not name:
        return
    names = [named(each) for each in parameters.named_children] if parameters else []
    end = (parameters or node.child_by_field_name("name") or node).end_byte
    yield source.api(
        node, name, owner, ApiKind.METHOD if owner else ApiKind.FUNCTION, source.between(node.start_byte, end),
        parameters=map(source.text, filter(None, names)), doc=comment_above(source, outer), public=public,
        static=static,
    )  # fmt: skip
    body = node.child_by_field_name("body")
    if owner and body is not None and not static:
        yield from _set_by_method(source, body, owner)


def _set_by_method(source: Source, body: Node, owner: str) -> Iterator[Api]:
    for each in assigned_in(source, body, "@"):
        value = _NEW.match(each.value)
        written = signature(f"@{each.written}")
        yield Api(
            each.name, owner, source.path, ApiKind.FIELD, written, (), value[1] if value else "", (), "", each.line,
            public=False,
        )  # fmt: skip


def _constant(source: Source, node: Node, owner: str) -> Iterator[Api]:
    left, right = node.child_by_field_name("left"), source.text(node.child_by_field_name("right"))
    if left is None or left.type != "constant":
        return
    value = _NEW.match(right)
    kind = ApiKind.FIELD if owner else ApiKind.CONSTANT
    written = source.between(node.start_byte, min(node.end_byte, node.start_byte + 1200))
    yield source.api(
        node, source.text(left), owner, kind, written, returns=value[1] if value else "",
        doc=comment_above(source, node), static=True,
    )  # fmt: skip
