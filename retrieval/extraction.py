"""What a file offers and imports, read from its syntax tree: half-written files give what can be read in them."""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

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

LANGUAGES = frozenset(_READERS)
"""The languages whose files are read."""


def extract(path: str, language: str, text: str) -> tuple[list[Api], tuple[Import, ...]]:
    """What a file offers and what it imports, each in its order; nothing for a language that is not known."""
    code = text.encode("utf-8", "replace")
    language = "cpp" if language == "c" and path.endswith(".h") and _CPP.search(code) else language
    grammar, read = parser(language), _READERS.get(language)
    if grammar is None or read is None:
        return [], ()
    root = grammar.parse(code).root_node
    return read(Source(path, language, code), root), imports_in(root, code, language)
