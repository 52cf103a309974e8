"""What a file in Rust offers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from tree_sitter import Node

from retrieval.api import Api, ApiKind
from retrieval.extraction_nodes import DEEPEST, Source, comment_above, last_name, named, without_arguments

_CLASSES = frozenset(("struct_item", "enum_item", "trait_item", "union_item"))
_FUNCTIONS = frozenset(("function_item", "function_signature_item"))
_BLOCKS = frozenset(("mod_item", "declaration_list", "foreign_mod_item", "ERROR"))


def read(source: Source, root: Node) -> list[Api]:
    """A type's traits count as its bases, where they are implemented in the same file."""
    found = list(_items(source, root, "", depth=0, open_=False))
    traits: dict[str, list[str]] = defaultdict(list)
    for type_, trait in _implementations(source, root, depth=0):
        traits[type_].append(trait)
    return [
        replace(api, bases=(*api.bases, *traits[api.name])) if api.kind is ApiKind.CLASS and api.name in traits else api
        for api in found
    ]


def _implementations(source: Source, block: Node, depth: int) -> Iterator[tuple[str, str]]:
    for node in block.named_children:
        if node.type == "impl_item" and (trait := node.child_by_field_name("trait")):
            type_ = source.text(node.child_by_field_name("type"))
            yield _type_name(type_), without_arguments(source.text(trait))
        elif node.type in _BLOCKS and depth < DEEPEST:
            yield from _implementations(source, node, depth + 1)


def _type_name(written: str) -> str:
    """`&'a mut shop::Item<T>` → `Item`."""
    return last_name(without_arguments(re.sub(r"^(?:&\s*)?(?:'\w+\s+)?(?:mut\s+|dyn\s+)?", "", written)))


def _items(source: Source, block: Node, owner: str, depth: int, open_: bool) -> Iterator[Api]:
    """`open_`: whether all are as public as what they stand in, as in a trait."""
    if depth > DEEPEST:
        return
    for node in block.named_children:
        kind = node.type
        if kind in _CLASSES:
            yield from _class(source, node, depth)
        elif kind in _FUNCTIONS:
            yield _function(source, node, owner, open_)
        elif kind in ("const_item", "static_item"):
            yield _constant(source, node, owner, open_)
        elif kind in ("type_item", "associated_type"):
            yield _alias(source, node, owner, open_)
        elif kind == "macro_definition":
            name = source.text(node.child_by_field_name("name"))
            yield source.api(node, f"{name}!", "", ApiKind.FUNCTION, f"macro {name}!", doc=_doc(source, node))
        elif kind == "impl_item" and (body := node.child_by_field_name("body")):
            type_, trait = source.text(node.child_by_field_name("type")), node.child_by_field_name("trait")
            yield from _items(source, body, _type_name(type_), depth + 1, trait is not None)
        elif kind in _BLOCKS:
            yield from _items(source, node, owner, depth + 1, open_)


def _class(source: Source, node: Node, depth: int) -> Iterator[Api]:
    name, body = source.text(node.child_by_field_name("name")), node.child_by_field_name("body")
    if not name:
        return
    bounds = node.child_by_field_name("bounds")
    bases = [without_arguments(source.text(each)) for each in bounds.named_children] if bounds else []
    public = _is_public(source, node)
    yield source.api(
        node, name, "", ApiKind.CLASS, _head(source, node, body), returns=name, bases=filter(None, bases),
        doc=_doc(source, node), public=public, static=True,
    )  # fmt: skip
    if node.type == "trait_item" and body is not None:
        yield from _items(source, body, name, depth + 1, open_=True)
    elif body is not None:
        yield from _members(source, body, name)


def _members(source: Source, body: Node, owner: str) -> Iterator[Api]:
    for node in body.named_children:
        name, of = source.text(node.child_by_field_name("name")), source.text(node.child_by_field_name("type"))
        if node.type == "field_declaration":
            written, public, doc = source.text(node), _is_public(source, node), _doc(source, node)
            yield source.api(node, name, owner, ApiKind.FIELD, written, returns=of, doc=doc, public=public)
        elif node.type == "enum_variant":
            written, doc = source.text(node), _doc(source, node)
            yield source.api(node, name, owner, ApiKind.FIELD, written, returns=owner, doc=doc, static=True)


def _function(source: Source, node: Node, owner: str, open_: bool) -> Api:
    name, parameters = source.text(node.child_by_field_name("name")), node.child_by_field_name("parameters")
    each = parameters.named_children if parameters else []
    patterns = [named(one.child_by_field_name("pattern")) for one in each if one.type == "parameter"]
    returns = source.text(node.child_by_field_name("return_type"))
    static = bool(owner) and not any(one.type == "self_parameter" for one in each)
    return source.api(
        node, name, owner, ApiKind.METHOD if owner else ApiKind.FUNCTION,
        _head(source, node, node.child_by_field_name("body")), parameters=map(source.text, filter(None, patterns)),
        returns=re.sub(r"\bSelf\b", owner or "Self", returns), doc=_doc(source, node),
        public=open_ or _is_public(source, node), static=static,
    )  # fmt: skip


def _constant(source: Source, node: Node, owner: str, open_: bool) -> Api:
    name, of = source.text(node.child_by_field_name("name")), source.text(node.child_by_field_name("type"))
    kind = ApiKind.FIELD if owner else ApiKind.CONSTANT
    written, doc, public = _head(source, node, None), _doc(source, node), open_ or _is_public(source, node)
    return source.api(node, name, owner, kind, written, returns=of, doc=doc, public=public, static=True)


def _alias(source: Source, node: Node, owner: str, open_: bool) -> Api:
    name, of = source.text(node.child_by_field_name("name")), source.text(node.child_by_field_name("type"))
    written, doc, public = _head(source, node, None), _doc(source, node), open_ or _is_public(source, node)
    return source.api(node, name, owner, ApiKind.ALIAS, written, returns=of, doc=doc, public=public, static=True)


def _head(source: Source, node: Node, body: Node | None) -> str:
    end = body.start_byte if body else min(node.end_byte, node.start_byte + 1200)
    return source.between(node.start_byte, end).rstrip("; ")


def _doc(source: Source, node: Node) -> str:
    """The comment above it, or above its attributes."""
    while node.prev_sibling is not None and node.prev_sibling.type == "attribute_item":
        node = node.prev_sibling
    return comment_above(source, node)


def _is_public(source: Source, node: Node) -> bool:
    return any(each.type == "visibility_modifier" for each in node.children)
