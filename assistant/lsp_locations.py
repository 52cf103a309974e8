"""Where a name stands, as an editor is told: in a document as it is there, or on the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant.documents import Document
from assistant.text import line_offset

Documents = Callable[[str], Document | None]
"""A document by its URI, as it is in the editor or on the disk."""


def location(path: Path, line: int, name: str, documents: Documents) -> dict[str, Any]:
    """Where a name stands, in or behind a line that counts from 1; the file's beginning if it is there no more."""
    uri = path.as_uri()
    document = documents(uri) or Document(uri, "")
    start = line_offset(document.source, line - 1)
    at = max(document.source.find(name, start), 0)
    ends = (document.position_at(offset) for offset in (at, at + len(name) if at else 0))
    first, last = ({"line": end.line, "character": end.character} for end in ends)
    return {"uri": uri, "range": {"start": first, "end": last}}
