"""What a file imports, and which names it thereby has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from retrieval.parsing import parsed


@dataclass(frozen=True, slots=True)
class Import:
    module: str
    """As written, with the dots of a relative one: `shop.items`, `..items`, `./items`, `java.util`, `crate::items`."""
    name: str
    """What is taken out of the module; empty if it is the module itself, `*` if all."""
    alias: str
    """The name that the file has it by: `import Item as I` → `I`; `import shop.items` → `shop.items`."""


def imports_of(text: str, language: str) -> tuple[Import, ...]:
    """What is imported at the top of a file, in its order; nothing for a language that is not known."""
    tree = parsed(text, language)
    return imports_in(*tree, language) if tree else ()


def imports_in(root: Node, code: bytes, language: str) -> tuple[Import, ...]:
    """The same of a file that is parsed already."""
    read = _READERS.get(language)
    return tuple(read(root, code)) if read else ()


def _text(node: Node | None, code: bytes) -> str:
    return "".join(code[node.start_byte : node.end_byte].decode("utf-8", "replace").split()) if node else ""


_PYTHON_BLOCKS = frozenset(
    ("if_statement", "else_clause", "elif_clause", "try_statement", "except_clause", "block", "ERROR")
)


def _python(block: Node, code: bytes) -> Iterator[Import]:
    for node in block.named_children:
        if node.type == "import_statement":
            for each in node.children_by_field_name("name"):
                module, alias = _renamed(each, code)
                yield Import(module, "", alias)
        elif node.type == "import_from_statement":
            yield from _python_names(node, code)
        elif node.type in _PYTHON_BLOCKS:
            yield from _python(node, code)


def _python_names(node: Node, code: bytes) -> Iterator[Import]:
    module = _text(node.child_by_field_name("module_name"), code)
    for each in node.children_by_field_name("name"):
        yield Import(module, *_renamed(each, code))
    if any(each.type == "wildcard_import" for each in node.named_children):
        yield Import(module, "*", "")


def _renamed(node: Node, code: bytes) -> tuple[str, str]:
    """`items as i` → `items`, `i`."""
    if node.type != "aliased_import":
        return _text(node, code), _text(node, code)
    return _text(node.child_by_field_name("name"), code), _text(node.child_by_field_name("alias"), code)


def _scripts(block: Node, code: bytes) -> Iterator[Import]:
    """What is passed on (`export … from`) counts: others get it from this file."""
    for node in block.named_children:
        source = _unquoted(node.child_by_field_name("source"), code)
        if node.type == "import_statement":
            for clause in node.named_children:
                yield from _clause(clause, source, code)
        elif node.type == "export_statement" and source:
            yield from _clause(node, source, code)
            if any(each.type == "*" for each in node.children):
                yield Import(source, "*", "")
        elif node.type in ("lexical_declaration", "variable_declaration"):
            for each in node.named_children:
                yield from _required(each, code)


def _clause(node: Node, source: str, code: bytes) -> Iterator[Import]:
    """`Default, {a as b}`, `* as names`, `names = require("…")`"""
    if node.type == "import_require_clause":
        yield Import(_unquoted(node.child_by_field_name("source"), code), "", _text(node.named_children[0], code))
        return
    for each in node.named_children:
        if each.type == "identifier":
            yield Import(source, "default", _text(each, code))
        elif each.type in ("namespace_import", "namespace_export"):
            yield Import(source, "", _text(each.named_children[-1], code))
        elif each.type in ("import_specifier", "export_specifier"):
            name, alias = _text(each.child_by_field_name("name"), code), each.child_by_field_name("alias")
            yield Import(source, name, _text(alias, code) or name)
        elif each.type in ("named_imports", "export_clause"):
            yield from _clause(each, source, code)


def _required(node: Node, code: bytes) -> Iterator[Import]:
    """`const items = require("./items")`, `const {Item} = require("./items")`"""
    left, value = node.child_by_field_name("name"), _text(node.child_by_field_name("value"), code)
    match = re.fullmatch(r"require\([\"'`]([^\"'`]+)[\"'`]\)", value)
    if match is None or left is None:
        return
    if left.type == "identifier":
        yield Import(match[1], "", _text(left, code))
    for each in left.named_children if left.type == "object_pattern" else ():
        name, alias = each.child_by_field_name("key"), each.child_by_field_name("value")
        yield Import(match[1], _text(name or each, code), _text(alias or each, code))


def _unquoted(node: Node | None, code: bytes) -> str:
    return _text(node, code).strip("\"'`<>")


def _java(root: Node, code: bytes) -> Iterator[Import]:
    for node in root.named_children:
        if node.type == "import_declaration" and node.named_children:
            whole = _text(node.named_children[0], code)
            if any(each.type == "asterisk" for each in node.named_children):
                yield Import(whole, "*", "")
            else:
                module, _, name = whole.rpartition(".")
                yield Import(module, name, name)


def _go(block: Node, code: bytes) -> Iterator[Import]:
    for node in block.named_children:
        if node.type in ("import_declaration", "import_spec_list"):
            yield from _go(node, code)
        elif node.type == "import_spec":
            module, alias = _unquoted(node.child_by_field_name("path"), code), node.child_by_field_name("name")
            given = _text(alias, code)
            if given != "_":
                yield Import(module, "*" if given == "." else "", given.strip(".") if alias else _go_name(module))


def _go_name(module: str) -> str:
    """`github.com/me/shop/v2` → `shop`, `gopkg.in/yaml.v3` → `yaml`."""
    parts = [part for part in module.split("/") if not re.fullmatch(r"v\d+", part)]
    return re.sub(r"\.v\d+$", "", parts[-1]).removeprefix("go-") if parts else module


def _rust(block: Node, code: bytes) -> Iterator[Import]:
    for node in block.named_children:
        if node.type == "use_declaration" and (used := node.child_by_field_name("argument")):
            yield from _used(used, "", code)
        elif node.type == "mod_item" and node.child_by_field_name("body") is None:
            name = _text(node.child_by_field_name("name"), code)
            yield Import("self", name, name)


def _used(node: Node, before: str, code: bytes) -> Iterator[Import]:
    """`shop::{items::Item as I, self}`"""
    if node.type == "scoped_use_list":
        inner, listed = _under(before, _text(node.child_by_field_name("path"), code)), node.child_by_field_name("list")
        for each in listed.named_children if listed else ():
            yield from _used(each, inner, code)
    elif node.type == "use_list":
        for each in node.named_children:
            yield from _used(each, before, code)
    elif node.type == "use_wildcard":
        yield Import(_under(before, _text(node, code).removesuffix("::*").removesuffix("*")), "*", "")
    elif node.type == "use_as_clause":
        module, _, name = _under(before, _text(node.child_by_field_name("path"), code)).rpartition("::")
        yield Import(module, name, _text(node.child_by_field_name("alias"), code))
    elif node.type != "self" or before:
        whole = before if node.type == "self" else _under(before, _text(node, code))
        module, _, name = whole.rpartition("::")
        yield Import(module, name, name) if module else Import(name, "", name)


def _under(module: str, name: str) -> str:
    return f"{module}::{name}" if module and name else module or name


def _included(block: Node, code: bytes) -> Iterator[Import]:
    for node in block.named_children:
        if node.type == "preproc_include":
            yield Import(_unquoted(node.child_by_field_name("path"), code), "*", "")
        elif node.type in ("preproc_ifdef", "preproc_if", "preproc_else", "linkage_specification", "declaration_list"):
            yield from _included(node, code)


def _csharp(block: Node, code: bytes) -> Iterator[Import]:
    for node in block.named_children:
        if node.type == "using_directive":
            alias, names = node.child_by_field_name("name"), node.named_children
            module = _text(names[-1], code) if names else ""
            yield Import(module, "" if alias else "*", _text(alias, code))
        elif node.type in ("namespace_declaration", "declaration_list"):
            yield from _csharp(node, code)


def _ruby(block: Node, code: bytes) -> Iterator[Import]:
    for node in block.named_children:
        word, arguments = _text(node.child_by_field_name("method"), code), node.child_by_field_name("arguments")
        if node.type == "call" and word in ("require", "require_relative", "autoload") and arguments is not None:
            module = _unquoted(arguments.named_children[-1] if arguments.named_children else None, code)
            inside = word == "require_relative" and not module.startswith(".")
            yield Import(f"./{module}" if inside else module, "*", "")


def _php(block: Node, code: bytes) -> Iterator[Import]:
    for node in block.named_children:
        if node.type == "namespace_use_declaration":
            prefix = "".join(_text(each, code) for each in node.named_children if each.type == "namespace_name")
            group = node.child_by_field_name("body")
            for each in (group or node).named_children:
                if each.type == "namespace_use_clause":
                    yield _php_name(each, prefix, code)
        elif node.type == "namespace_definition" and (body := node.child_by_field_name("body")):
            yield from _php(body, code)
        elif node.type == "expression_statement":
            for path in re.findall(r"\b(?:require|include)(?:_once)?[\s(]*(?:__DIR__\s*\.)?\s*[\"']([^\"']+)",
                                   code[node.start_byte : node.end_byte][:400].decode("utf-8", "replace")):  # fmt: skip
                yield Import(f"./{path.lstrip('./')}", "*", "")


def _php_name(clause: Node, prefix: str, code: bytes) -> Import:
    alias = _text(clause.child_by_field_name("alias"), code)
    own = next(each for each in clause.named_children if each.type in ("name", "qualified_name", "namespace_name"))
    module, _, name = f"{prefix}\\{_text(own, code)}".strip("\\").rpartition("\\")
    return Import(module, name, alias or name)


_READERS: dict[str, Callable[[Node, bytes], Iterator[Import]]] = {
    "python": _python, "javascript": _scripts, "javascriptreact": _scripts, "typescript": _scripts,
    "typescriptreact": _scripts, "java": _java, "go": _go, "rust": _rust, "c": _included, "cpp": _included,
    "csharp": _csharp, "ruby": _ruby, "php": _php,
}  # fmt: skip
