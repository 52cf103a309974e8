"""What a file in Go offers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from retrieval.api import Api, ApiKind
from retrieval.extraction_nodes import Source, comment_above

_KINDS = {"const": ApiKind.CONSTANT, "var": ApiKind.CONSTANT}


def read(source: Source, root: Node) -> list[Api]:
    return list(_declarations(source, root))


def _declarations(source: Source, root: Node) -> Iterator[Api]:
    for node in root.named_children:
        if node.type == "function_declaration":
            yield from _function(source, node, "")
        elif node.type == "method_declaration":
            receiver = source.text(node.child_by_field_name("receiver"))
            yield from _function(source, node, _type_name(receiver.strip("() ")))
        elif node.type == "type_declaration":
            for each in node.named_children:
                yield from _type(source, each, node)
        elif node.type in ("const_declaration", "var_declaration"):
            yield from _values(source, node, node)


def _type_name(written: str) -> str:
    """`i *shop.Item[T]` → `Item`."""
    words = re.findall(r"[^\W\d]\w*", written.partition("[")[0])
    return words[-1] if words else ""


def _function(source: Source, node: Node, owner: str) -> Iterator[Api]:
    name, body = source.text(node.child_by_field_name("name")), node.child_by_field_name("body")
    if name:
        yield source.api(
            node, name, owner, ApiKind.METHOD if owner else ApiKind.FUNCTION,
            source.between(node.start_byte, body.start_byte if body else node.end_byte),
            parameters=_parameters(source, node), returns=source.text(node.child_by_field_name("result")),
            doc=comment_above(source, node), public=_is_public(name),
        )  # fmt: skip


def _parameters(source: Source, node: Node) -> Iterator[str]:
    parameters = node.child_by_field_name("parameters")
    for each in parameters.named_children if parameters else ():
        yield from map(source.text, each.children_by_field_name("name"))


def _type(source: Source, node: Node, outer: Node) -> Iterator[Api]:
    name, of = source.text(node.child_by_field_name("name")), node.child_by_field_name("type")
    if not name or of is None:
        return
    doc, public = comment_above(source, node) or comment_above(source, outer), _is_public(name)
    if of.type not in ("struct_type", "interface_type"):
        written = "type " + source.text(node)
        of_text = source.text(of)
        yield source.api(node, name, "", ApiKind.ALIAS, written, returns=of_text, doc=doc, public=public, static=True)
        return
    word = of.type.removesuffix("_type")
    inner = of.named_children[0] if of.type == "struct_type" and of.named_child_count else of
    written = f"type {source.between(node.start_byte, of.start_byte)} {word}"
    bases = _embedded(source, inner)
    yield source.api(
        node, name, "", ApiKind.CLASS, written, returns=name, bases=bases, doc=doc, public=public, static=True
    )
    yield from _members(source, inner, name)


def _embedded(source: Source, block: Node) -> Iterator[str]:
    for each in block.named_children:
        if each.type == "type_elem" or (each.type == "field_declaration" and not each.child_by_field_name("name")):
            written = source.text(each).partition("`")[0].lstrip("*").partition("[")[0].strip()
            if re.fullmatch(r"[\w.]+", written):
                yield written


def _members(source: Source, block: Node, owner: str) -> Iterator[Api]:
    for node in block.named_children:
        if node.type == "method_elem":
            yield from _function(source, node, owner)
        elif node.type == "field_declaration":
            of, doc = source.text(node.child_by_field_name("type")), comment_above(source, node)
            for name in map(source.text, node.children_by_field_name("name")):
                public = _is_public(name)
                yield source.api(node, name, owner, ApiKind.FIELD, f"{name} {of}", returns=of, doc=doc, public=public)


def _values(source: Source, block: Node, outer: Node) -> Iterator[Api]:
    word = "const" if outer.type == "const_declaration" else "var"
    for node in block.named_children:
        if node.type == "var_spec_list":
            yield from _values(source, node, outer)
        elif node.type in ("const_spec", "var_spec"):
            of = source.text(node.child_by_field_name("type")) or _type_of(source, node)
            written = f"{word} {source.between(node.start_byte, min(node.end_byte, node.start_byte + 1200))}"
            for name in map(source.text, node.children_by_field_name("name")):
                if name not in ("_", ","):
                    doc, public = comment_above(source, node), _is_public(name)
                    yield source.api(node, name, "", _KINDS[word], written, returns=of, doc=doc, public=public)


def _type_of(source: Source, node: Node) -> str:
    """`&Item{...}` → `*Item`, `Item{...}` → `Item`."""
    value = re.match(r"(&?)([\w.]+)\{", source.text(node.child_by_field_name("value"))[:80])
    return ("*" if value[1] else "") + value[2] if value else ""


def _is_public(name: str) -> bool:
    return name[:1].isupper()
