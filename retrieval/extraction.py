"""What a file offers and imports, read from its syntax tree: half-written files give what can be read in them."""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node, Parser

from retrieval import (
    extraction_c,
    extraction_classes,
    extraction_go,
    extraction_javascript,
    extraction_python,
    extraction_ruby,
    extraction_rust,
)
from retrieval.api import Api
from retrieval.extraction_nodes import Source
from retrieval.extraction_repair import without_broken_bodies
from retrieval.grammars import parser
from retrieval.imports import Import, imports_in

_READERS: dict[str, Callable[[Source, Node], list[Api]]] = {
    "python": extraction_python.read,
    "javascript": extraction_javascript.read,
    "javascriptreact": extraction_javascript.read,
    "typescript": extraction_javascript.read,
    "typescriptreact": extraction_javascript.read,
    "java": extraction_classes.read,
    "csharp": extraction_classes.read,
    "php": extraction_classes.read,
    "go": extraction_go.read,
    "rust": extraction_rust.read,
    "c": extraction_c.read,
    "cpp": extraction_c.read,
    "ruby": extraction_ruby.read,
}

_CPP = re.compile(rb"^[ \t]*(?:namespace|class|template)\b", re.MULTILINE)
"""Headers whose names don't say which of the two languages they are in."""

LONG = 50_000
"""Bytes that a parser may hold all threads for: about ten milliseconds."""
_PIECE = 8192

LANGUAGES = frozenset(_READERS)
"""The languages whose files are read."""


def extract(path: str, language: str, text: str) -> tuple[list[Api], tuple[Import, ...]]:
    """What a file offers and what it imports, each in its order; nothing for a language that is not known."""
    code = text.encode("utf-8", "replace")
    language = "cpp" if language == "c" and path.endswith(".h") and _CPP.search(code) else language
    grammar, read = parser(language), _READERS.get(language)
    if grammar is None or read is None:
        return [], ()
    root = _parsed(grammar, code)
    found, imports = read(Source(path, language, code), root), imports_in(root, code, language)
    if language == "python" and root.has_error:
        found = _mended(path, text, found)
    return found, imports


def _parsed(grammar: Parser, code: bytes) -> Node:
    """A long file is given piece by piece, so that other threads run in between; by a parser that none of them has."""
    if len(code) < LONG:
        return grammar.parse(code).root_node
    tree = Parser(grammar.language).parse(lambda start, _: code[start : start + _PIECE])
    return tree.root_node


def _mended(path: str, text: str, found: list[Api]) -> list[Api]:
    """What is found where broken parts are left out, and what only was found with them."""
    grammar = parser("python")
    if grammar is None:
        return found
    parse = grammar.parse
    code = without_broken_bodies(text, lambda part: parse(part.encode("utf-8", "replace")).root_node.has_error)
    whole = code.encode("utf-8", "replace")
    mended = extraction_python.read(Source(path, "python", whole), parse(whole).root_node)
    names, places = {api.name for api in mended}, {api.within for api in mended}
    lost = [api for api in found if api.name not in names or (api.owner in places and api.within not in places)]
    return sorted([*mended, *lost], key=lambda api: api.line)
