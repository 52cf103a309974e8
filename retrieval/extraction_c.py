"""What a file in C or C++ offers. A method defined outside its class is found where the class declares it."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from retrieval.api import Api, ApiKind
from retrieval.extraction_nodes import DEEPEST, Source, comment_above, inside, named, without_arguments

_BLOCKS = frozenset(
    ("preproc_ifdef", "preproc_if", "preproc_else", "preproc_elif", "linkage_specification", "declaration_list",
     "namespace_definition", "ERROR")
)  # fmt: skip
_CLASSES = frozenset(("class_specifier", "struct_specifier", "union_specifier", "enum_specifier"))
_DECLARATIONS = frozenset(("declaration", "field_declaration", "function_definition", "type_definition"))


def read(source: Source, root: Node) -> list[Api]:
    return list(_declarations(source, root, "", public=True, depth=0))


def _declarations(source: Source, block: Node, owner: str, public: bool, depth: int) -> Iterator[Api]:
    if depth > DEEPEST:
        return
    for node in block.named_children:
        kind = node.type
        if kind == "access_specifier":
            public = source.text(node) == "public"
        elif kind == "template_declaration":
            for inner in node.named_children:
                yield from _declaration(source, inner, node, owner, public, depth)
        elif kind in _BLOCKS:
            yield from _declarations(source, node, owner, public, depth + 1)
        else:
            yield from _declaration(source, node, node, owner, public, depth)


def _declaration(source: Source, node: Node, outer: Node, owner: str, public: bool, depth: int) -> Iterator[Api]:
    kind = node.type
    if kind in _CLASSES:
        yield from _class(source, node, outer, owner, public, depth)
    elif kind in _DECLARATIONS:
        yield from _declared(source, node, outer, owner, public, depth)
    elif kind == "alias_declaration":
        yield from _alias(source, node, outer, owner, public, node.child_by_field_name("name"))
    elif kind in ("preproc_def", "preproc_function_def"):
        yield from _macro(source, node)


def _class(
    source: Source, node: Node, outer: Node, owner: str, public: bool, depth: int, name: str = ""
) -> Iterator[Api]:
    name, body = name or source.text(node.child_by_field_name("name")), node.child_by_field_name("body")
    if not name or body is None or depth > DEEPEST or "::" in name:
        return
    head = source.between(node.start_byte, body.start_byte)
    written = head if without_arguments(name) in head.split() else f"{head} {name}"
    name = without_arguments(name)
    yield source.api(
        node, name, owner, ApiKind.CLASS, written, returns=name, bases=_bases(source, node),
        doc=comment_above(source, outer), public=public, static=True,
    )  # fmt: skip
    if node.type == "enum_specifier":
        yield from _enumerators(source, body, name, owner)
    else:
        yield from _declarations(source, body, inside(owner, name), node.type != "class_specifier", depth + 1)


def _bases(source: Source, node: Node) -> Iterator[str]:
    for clause in node.named_children:
        if clause.type == "base_class_clause":
            for each in clause.named_children:
                if "identifier" in each.type or each.type == "template_type":
                    yield without_arguments(source.text(each))


def _enumerators(source: Source, body: Node, name: str, owner: str) -> Iterator[Api]:
    for each in body.named_children:
        if each.type == "enumerator":
            member = source.text(each.child_by_field_name("name"))
            within, written = inside(owner, name), source.text(each)
            yield source.api(each, member, within, ApiKind.FIELD, written, returns=name, static=True)


def _declared(source: Source, node: Node, outer: Node, owner: str, public: bool, depth: int) -> Iterator[Api]:
    of, declarators = node.child_by_field_name("type"), node.children_by_field_name("declarator")
    if of is not None and of.type in _CLASSES:
        named_by = named(declarators[0]) if node.type == "type_definition" and declarators else None
        yield from _class(source, of, outer, owner, public, depth, source.text(named_by))
        if named_by is not None and of.child_by_field_name("body") is not None:
            declarators = declarators[1:]
    for each in declarators:
        name = named(each)
        if node.type == "type_definition":
            yield from _alias(source, node, outer, owner, public, name)
        elif name is not None and not _is_qualified(each):
            yield _function_or_variable(source, node, outer, each, name, owner, public)


def _is_qualified(declarator: Node | None) -> bool:
    """Whether it belongs to a class that is declared elsewhere: `Item::total`."""
    while declarator is not None and declarator.type != "qualified_identifier":
        declarator = _inner(declarator)
    return declarator is not None


def _inner(declarator: Node) -> Node | None:
    """`&total(int tax)` → `total(int tax)` → `total`."""
    if declarator.type == "reference_declarator":
        return declarator.named_children[-1] if declarator.named_child_count else None
    return declarator.child_by_field_name("declarator")


def _function_or_variable(
    source: Source, node: Node, outer: Node, declarator: Node, name: Node, owner: str, public: bool
) -> Api:
    words = {source.text(each) for each in node.children if each.type == "storage_class_specifier"}
    function, static = _function_in(declarator), "static" in words
    of, doc = source.text(node.child_by_field_name("type")), comment_above(source, outer)
    constructs = bool(owner) and not of and source.text(name) == owner.rpartition(".")[2]
    returns = source.text(name) if constructs else of + _pointers(declarator)
    public = public and not (static and not owner)
    if function is not None:
        body = node.child_by_field_name("body")
        written = source.between(node.start_byte, body.start_byte if body else node.end_byte)
        kind = ApiKind.METHOD if owner else ApiKind.FUNCTION
        return source.api(
            node, source.text(name), owner, kind, written.rstrip("; "), parameters=_parameters(source, function),
            returns=returns, doc=doc, public=public, static=static or constructs,
        )  # fmt: skip
    kind = ApiKind.FIELD if owner else ApiKind.CONSTANT
    value = declarator.child_by_field_name("value") if declarator.type == "init_declarator" else None
    end = min(declarator.end_byte, (value.start_byte if value else declarator.start_byte) + 1200)
    first = node.children_by_field_name("declarator")[0]
    written = f"{source.between(node.start_byte, first.start_byte)} {source.between(declarator.start_byte, end)}"
    return source.api(
        node, source.text(name), owner, kind, written, returns=returns, doc=doc, public=public, static=static
    )


def _function_in(declarator: Node | None) -> Node | None:
    """The declarator that has the parameters; None of variables, and of pointers to functions."""
    while declarator is not None and declarator.type != "function_declarator":
        declarator = _inner(declarator)
    inner = declarator.child_by_field_name("declarator") if declarator is not None else None
    return None if inner is None or inner.type == "parenthesized_declarator" else declarator


def _pointers(declarator: Node | None) -> str:
    marks = ""
    while declarator is not None and declarator.type in ("pointer_declarator", "reference_declarator"):
        marks += "*" if declarator.type == "pointer_declarator" else "&"
        declarator = _inner(declarator)
    return marks


def _parameters(source: Source, function: Node) -> Iterator[str]:
    parameters = function.child_by_field_name("parameters")
    for each in parameters.named_children if parameters else ():
        declarator = each.child_by_field_name("declarator")
        name = named(declarator) if declarator is not None else None
        if name is not None and name.type == "identifier":
            yield source.text(name)


def _alias(source: Source, node: Node, outer: Node, owner: str, public: bool, name: Node | None) -> Iterator[Api]:
    of = source.text(node.child_by_field_name("type"))
    if name is not None:
        written, doc = source.text(node).rstrip(";"), comment_above(source, outer)
        yield source.api(
            node, source.text(name), owner, ApiKind.ALIAS, written, returns=of, doc=doc, public=public, static=True
        )


def _macro(source: Source, node: Node) -> Iterator[Api]:
    """Constants and functions of the preprocessor; a name that is only defined guards a header."""
    name, value = source.text(node.child_by_field_name("name")), node.child_by_field_name("value")
    if node.type == "preproc_function_def":
        parameters = node.child_by_field_name("parameters")
        names = [source.text(each) for each in parameters.named_children] if parameters else []
        written = f"#define {name}{source.text(parameters)}"
        yield source.api(node, name, "", ApiKind.FUNCTION, written, parameters=names, doc=comment_above(source, node))
    elif value is not None:
        written = source.between(node.start_byte, min(node.end_byte, node.start_byte + 1200))
        yield source.api(node, name, "", ApiKind.CONSTANT, written, doc=comment_above(source, node))
