"""The tree-sitter grammars, by LSP language identifier. Each comes in a wheel of its own and needs no download."""

from __future__ import annotations

import importlib
from functools import cache

from tree_sitter import Language, Parser

_GRAMMARS = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "javascriptreact": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "typescriptreact": ("tree_sitter_typescript", "language_tsx"),
    "java": ("tree_sitter_java", "language"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "php": ("tree_sitter_php", "language_php_only"),  # the other one takes a part without `<?php` for HTML
}

LANGUAGES = frozenset(_GRAMMARS)
"""The languages with a grammar."""


@cache
def parser(language: str) -> Parser | None:
    """A parser for a language, or None where there is no grammar."""
    if language not in _GRAMMARS:
        return None
    module, function = _GRAMMARS[language]
    return Parser(Language(getattr(importlib.import_module(module), function)()))
