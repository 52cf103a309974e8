"""A text with a placeholder in the hole, so that it can be parsed and asked about."""

from __future__ import annotations

from dataclasses import replace

from language_servers import python
from language_servers.analyzer import Document

TYPESCRIPT = ("typescript", "typescriptreact")
SCRIPTS = (*TYPESCRIPT, "javascript", "javascriptreact")

SCRIPT_HOLE = "_gw_hole()"
"""A function that gives whatever is wanted: TypeScript infers what that is."""

_DECLARATION = "\ndeclare function _gw_hole<T>(): T;\n"


def probe_of(document: Document, offset: int) -> Document:
    """The text with a placeholder at an offset: `_gw_hole()` in TypeScript, `...` elsewhere."""
    text = document.text
    if document.language in TYPESCRIPT:
        return replace(document, text=text[:offset] + SCRIPT_HOLE + text[offset:] + _DECLARATION)
    return replace(document, text=python.with_sentinel(text, offset))
