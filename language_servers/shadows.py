"""Texts as a server of our own sees them: overlays over files that reach no disk and no editor."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from language_servers.analyzer import Document
from language_servers.positions import Lines, difference

_SURROGATE = re.compile("[\ud800-\udfff]")
FULL, INCREMENTAL = 1, 2
"""How a server wants to be told of changes."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A document as a server has it."""

    uri: str
    version: int
    language: str
    lines: Lines


class Shadows:
    """Opens documents, and keeps them in step by one change each.

    Whoever calls holds a lock until the question about the text is on its way as well.
    """

    def __init__(self, notify: Callable[[str, object], None], encoding: str, sync: int, limit: int) -> None:
        self.encoding = encoding
        self._notify, self._sync, self._limit = notify, sync, limit
        self._open: OrderedDict[Path, Shadow] = OrderedDict()
        self._versions = 0

    def show(self, document: Document) -> tuple[Shadow, list[Path]]:
        """Has the server see a document, which costs nothing if it does already. Tells which others are too many."""
        shadow = self._open.get(document.path)
        if shadow and shadow.language != document.language:
            self.close([document.path])
            shadow = None
        if shadow is None:
            shadow = self._opened(document)
        elif shadow.lines.text != document.text:
            shadow = self._changed(shadow, document.text)
        self._open[document.path] = shadow
        self._open.move_to_end(document.path)
        return shadow, list(self._open)[: max(len(self._open) - self._limit, 0)]

    def close(self, paths: Iterable[Path]) -> None:
        """Has the server see what is on the disk again."""
        for path in paths:
            if shadow := self._open.pop(path, None):
                self._notify("textDocument/didClose", {"textDocument": {"uri": shadow.uri}})

    def shows(self, document: Document) -> bool:
        """Whether the server sees this text."""
        shadow = self._open.get(document.path)
        return shadow is not None and shadow.language == document.language and shadow.lines.text == document.text

    def has(self, path: Path) -> bool:
        """Whether a document is shown."""
        return path in self._open

    def _opened(self, document: Document) -> Shadow:
        self._versions += 1
        shadow = Shadow(document.path.as_uri(), self._versions, document.language, Lines(document.text))
        item = {"uri": shadow.uri, "languageId": shadow.language, "version": shadow.version, "text": document.text}
        self._notify("textDocument/didOpen", {"textDocument": item})
        return shadow

    def _changed(self, shadow: Shadow, text: str) -> Shadow:
        start, end, new = difference(shadow.lines.text, text)
        self._versions += 1
        lines = shadow.lines.replaced(start, end, new)
        change = {"text": text} if self._sync == FULL else {"range": self._range(shadow.lines, start, end), "text": new}
        identifier = {"uri": shadow.uri, "version": self._versions}
        self._notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})
        return Shadow(shadow.uri, self._versions, shadow.language, lines)

    def _range(self, lines: Lines, start: int, end: int) -> dict[str, dict[str, int]]:
        return {"start": self.position(lines, start), "end": self.position(lines, end)}

    def position(self, lines: Lines, offset: int) -> dict[str, int]:
        """An offset as the server counts."""
        line, character = lines.position(offset, self.encoding)
        return {"line": line, "character": character}


def path_of(uri: str) -> Path:
    """The path that a `file:` URI names, however it is escaped."""
    return Path(unquote(urlsplit(uri).path))


def sendable(text: str) -> str:
    """Without what exists in no encoding: half a surrogate pair, as an editor may hold one, or bytes of a path."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text
