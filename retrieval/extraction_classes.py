"""What a file in Java, C# or PHP offers: languages in which nearly everything stands in a class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from retrieval.api import Api, ApiKind
from retrieval.extraction_nodes import (
    DEEPEST,
    Source,
    comment_above,
    first_of_each,
    inside,
    named,
    without_arguments,
)


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a declaration."""

    owner: str
    kind: str
    """The type of the node of the class around it; empty at module level."""
    depth: int


_OUTSIDE = Around("", "", 0)

_BLOCKS = frozenset(
    ("namespace_declaration", "namespace_definition", "declaration_list", "compound_statement", "ERROR",
     "enum_body_declarations", "if_statement", "preproc_if", "preproc_region", "global_statement")
)  # fmt: skip
_CLASSES = frozenset(
    ("class_declaration", "interface_declaration", "enum_declaration", "record_declaration", "struct_declaration",
     "record_struct_declaration", "annotation_type_declaration", "trait_declaration")
)  # fmt: skip
_OPEN = frozenset(("interface_declaration", "enum_declaration", "annotation_type_declaration"))
_METHODS = frozenset(
    ("method_declaration", "constructor_declaration", "function_definition", "compact_constructor_declaration")
)
_FIELDS = frozenset(
    (
        "field_declaration",
        "event_field_declaration",
        "property_declaration",
        "const_declaration",
        "constant_declaration",
    )
)
_MEMBERS = frozenset(("enum_constant", "enum_member_declaration", "enum_case"))
_BASES = frozenset(
    ("superclass", "super_interfaces", "extends_interfaces", "base_list", "base_clause", "class_interface_clause")
)
_MODIFIERS = frozenset(("modifiers", "modifier", "visibility_modifier", "static_modifier"))
_ANNOTATIONS = frozenset(("attribute_list", "marker_annotation", "annotation"))


def read(source: Source, root: Node) -> list[Api]:
    found = _declarations(source, root, _OUTSIDE)
    return first_of_each(found) if source.language == "php" else list(found)  # the others overload


def _declarations(source: Source, block: Node, around: Around) -> Iterator[Api]:
    if around.depth > DEEPEST:
        return
    for node in block.named_children:
        kind = node.type
        if kind in _CLASSES:
            yield from _class(source, node, around)
        elif kind in _METHODS:
            yield from _method(source, node, around)
        elif kind in _FIELDS:
            yield from _fields(source, node, around)
        elif kind in _MEMBERS:
            yield _enum_member(source, node, around)
        elif kind == "delegate_declaration":
            yield _delegate(source, node, around)
        elif kind in _BLOCKS:
            yield from _declarations(source, node, Around(around.owner, around.kind, around.depth + 1))


def _class(source: Source, node: Node, around: Around) -> Iterator[Api]:
    name, body = source.text(node.child_by_field_name("name")), node.child_by_field_name("body")
    if not name:
        return
    yield source.api(
        node, name, around.owner, ApiKind.CLASS, _head(source, node, body), returns=name, bases=_bases(source, node),
        doc=comment_above(source, node), public=_is_public(source, node, around), static=True,
    )  # fmt: skip
    inner = Around(inside(around.owner, name), node.type, around.depth + 1)
    if "record" in node.type:
        yield from _components(source, node, inner)
    if body is not None:
        yield from _declarations(source, body, inner)


def _bases(source: Source, node: Node) -> Iterator[str]:
    for each in node.named_children:
        if each.type in _BASES:
            for base in each.named_children:
                for one in base.named_children if base.type == "type_list" else (base,):
                    yield without_arguments(source.text(one)).lstrip("\\")
        elif source.language == "php" and each.type == "declaration_list":
            traits = [inner for inner in each.named_children if inner.type == "use_declaration"]
            yield from (source.text(name) for use in traits for name in use.named_children if "name" in name.type)


def _components(source: Source, node: Node, around: Around) -> Iterator[Api]:
    """What a record declares behind its name."""
    lists = [node.child_by_field_name("parameters"), *node.named_children]
    parameters = next((each for each in lists if each is not None and "parameter" in each.type), None)
    for each in parameters.named_children if parameters else ():
        name, of = source.text(each.child_by_field_name("name")), source.text(each.child_by_field_name("type"))
        if name:
            yield source.api(each, name, around.owner, ApiKind.FIELD, source.text(each), returns=of)


def _method(source: Source, node: Node, around: Around) -> Iterator[Api]:
    name, body = source.text(node.child_by_field_name("name")), node.child_by_field_name("body")
    if not name:
        return
    returns = [node.child_by_field_name(field) for field in ("return_type", "returns", "type")]
    of = source.text(next(filter(None, returns), None))
    constructs = "constructor" in node.type
    yield source.api(
        node, name, around.owner, ApiKind.METHOD if around.owner else ApiKind.FUNCTION, _head(source, node, body),
        parameters=_parameters(source, node), returns=name if constructs else of, doc=comment_above(source, node),
        public=_is_public(source, node, around), static=constructs or "static" in _modifiers(source, node),
    )  # fmt: skip
    if name == "__construct":
        yield from _promoted(source, node, around)


def _promoted(source: Source, node: Node, around: Around) -> Iterator[Api]:
    """`public function __construct(private string $name)`"""
    parameters = node.child_by_field_name("parameters")
    for each in parameters.named_children if parameters else ():
        if each.type == "property_promotion_parameter" and (name := named(each)):
            of, public = source.text(each.child_by_field_name("type")), _is_public(source, each, around)
            yield source.api(
                each, source.text(name), around.owner, ApiKind.FIELD, source.text(each), returns=of, public=public
            )


def _parameters(source: Source, node: Node) -> Iterator[str]:
    parameters = node.child_by_field_name("parameters")
    for each in parameters.named_children if parameters else ():
        if "parameter" in each.type and each.type != "receiver_parameter" and (name := named(each)):
            yield source.text(name)


def _fields(source: Source, node: Node, around: Around) -> Iterator[Api]:
    kind = ApiKind.FIELD if around.owner else ApiKind.CONSTANT
    doc, public = comment_above(source, node), _is_public(source, node, around)
    modifiers = _modifiers(source, node)
    static = bool({"static", "const"} & modifiers) or around.kind in _OPEN or node.type == "const_declaration"
    declaring = next((each for each in node.named_children if each.type == "variable_declaration"), node)
    of = source.text(declaring.child_by_field_name("type"))
    declarators = [each for each in declaring.named_children if each.type.endswith(("_declarator", "_element"))]
    for each in declarators or [node]:
        name = source.text(named(each.child_by_field_name("name") or each.named_children[0]))
        if not name or (each is node and node.type != "property_declaration"):
            continue
        before = source.between(_start(node), declarators[0].start_byte) if declarators else ""
        written = f"{before} {source.text(each)}" if declarators else _head(source, node, None)
        yield source.api(
            each, name, around.owner, kind, written.strip(), returns=of, doc=doc, public=public, static=static
        )


def _enum_member(source: Source, node: Node, around: Around) -> Api:
    name, of = source.text(node.child_by_field_name("name")), around.owner.rpartition(".")[2]
    doc = comment_above(source, node)
    return source.api(
        node, name, around.owner, ApiKind.FIELD, _head(source, node, None), returns=of, doc=doc, static=True
    )


def _delegate(source: Source, node: Node, around: Around) -> Api:
    name, written = source.text(node.child_by_field_name("name")), _head(source, node, None)
    public = _is_public(source, node, around)
    return source.api(node, name, around.owner, ApiKind.ALIAS, written, public=public, static=True)


def _head(source: Source, node: Node, body: Node | None) -> str:
    """What stands before the body, without annotations."""
    if body is None:
        fields = [node.child_by_field_name(field) for field in ("accessors", "body")]
        body = next(filter(None, fields), None)
    end = body.start_byte if body else min(node.end_byte, node.start_byte + 1200)
    return source.between(_start(node), end).rstrip(";{ ")


def _start(node: Node) -> int:
    """Where the first word is that is no annotation."""
    for each in node.children:
        if each.type == "modifiers":
            for word in each.children:
                if word.type not in _ANNOTATIONS and "comment" not in word.type:
                    return word.start_byte
        elif each.type not in _ANNOTATIONS:
            return each.start_byte
    return node.start_byte


def _modifiers(source: Source, node: Node) -> set[str]:
    return {word for each in node.children if each.type in _MODIFIERS for word in source.text(each).lower().split()}


def _is_public(source: Source, node: Node, around: Around) -> bool:
    modifiers = _modifiers(source, node)
    if source.language == "csharp" and around.owner and around.kind not in _OPEN:
        return bool({"public", "internal"} & modifiers)
    return not {"private", "protected"} & modifiers
