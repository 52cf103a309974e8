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
from retrieval.extraction_bodies import without_bodies
from retrieval.extraction_nodes import Source
from retrieval.extraction_repair import without_broken_bodies
from retrieval.imports import Import, imports_in
from retrieval.parsing import parsed

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

_CPP = re.compile(r"^[ \t]*(?:namespace|class|template)\b", re.MULTILINE)
"""Headers whose names don't say which of the two languages they are in."""

LANGUAGES = frozenset(_READERS)
"""The languages whose files are read."""


def extract(path: str, language: str, text: str) -> tuple[list[Api], tuple[Import, ...]]:
    """What a file offers and what it imports, each in its order; nothing for a language that is not known."""
    language = "cpp" if language == "c" and path.endswith(".h") and _CPP.search(text) else language
    read = _READERS.get(language)
    text = without_bodies(text) if read is extraction_c.read else text
    tree = parsed(text, language) if read else None
    if read is None or tree is None:
        return [], ()
    root, code = tree
    found, imports = read(Source(path, language, code), root), imports_in(root, code, language)
    if language == "python" and root.has_error:
        found = _mended(path, code, found)
    return found, imports


def _mended(path: str, code: bytes, found: list[Api]) -> list[Api]:
    """What is found where broken parts are left out, and what only was found with them."""
    tree = parsed(without_broken_bodies(code.decode("utf-8", "replace"), _is_broken), "python")
    if tree is None:
        return found
    root, code = tree
    mended = extraction_python.read(Source(path, "python", code), root)
    names, places = {api.name for api in mended}, {api.within for api in mended}
    lost = [api for api in found if api.name not in names or (api.owner in places and api.within not in places)]
    return sorted([*mended, *lost], key=lambda api: api.line)


def _is_broken(part: str) -> bool:
    tree = parsed(part, "python")
    return tree is None or tree[0].has_error
