"""Open documents as the editor sees them: LSP positions to offsets in code points and back, and changes as they arrive.

pygls cuts lines with `str.splitlines`, also at form feeds and U+2028, which end no line in LSP: in such a file its
positions shift and its incremental changes corrupt the text. It errs at the empty last line, beyond the end of a line
and in an empty file as well. A server made with `protocol_cls=Protocol` has documents whose lines and positions hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
from lsprotocol.types import Position, PositionEncodingKind, TextDocumentContentChangePartial, TextDocumentSyncKind
from numpy.typing import NDArray
from pygls.protocol import LanguageServerProtocol
from pygls.workspace import PositionCodec, ServerTextPosition, TextDocument, Workspace

_LF, _CR = b"\n\r"


def _line_starts(text: str) -> NDArray[np.intp]:
    """Where each line begins: `"a\\r\\nb"` → `[0, 3]`. In Latin-1 what is not a newline may well become a `?`."""
    codes = np.frombuffer(text.encode("latin-1", "replace"), np.uint8)
    ends = codes == _CR
    ends[:-1] &= codes[1:] != _LF
    ends |= codes == _LF
    return np.concatenate((np.zeros(1, np.intp), np.flatnonzero(ends) + 1))


class Lines(Sequence[str]):
    """A text's lines with their newlines, cut out when asked for: `"a\\nb\\n"` → `"a\\n"`, `"b\\n"`, `""`."""

    def __init__(self, text: str, starts: NDArray[np.intp] | None = None) -> None:
        self.text = text
        self._starts = _line_starts(text) if starts is None else starts

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[str, ...]: ...
    def __getitem__(self, row: int | slice) -> str | tuple[str, ...]:
        if isinstance(row, slice):
            return tuple(self[each] for each in range(len(self))[row])
        row = range(len(self))[row]  # counts from the end if negative, and raises IndexError
        return self.text[self.start(row) : self.start(row + 1)]

    def start(self, row: int) -> int:
        """The offset at which a line begins; the end of the text for a line beyond it."""
        return int(self._starts[row]) if row < len(self) else len(self.text)

    def row(self, offset: int) -> int:
        """The line that holds an offset."""
        return int(np.searchsorted(self._starts, offset, side="right")) - 1

    def replaced(self, start: int, end: int, new: str) -> Lines:
        """The lines once `new` stands between two offsets: `Lines("a\\nb").replaced(1, 2, "")` → `"ab"`.

        Only the lines around the change are looked at, since a key press in 20 MB should not read them all. They begin
        one above it, where a `\\r` may meet a new `\\n`.
        """
        text = "".join((self.text[:start], new, self.text[end:]))
        first = max(self.row(start) - 1, 0)
        below = self._starts[self.row(end) + 1 :] + (len(new) - (end - start))
        top, bottom = self.start(first), int(below[0]) if below.size else len(text)
        around = _line_starts(text[top:bottom]) + top
        return Lines(text, np.concatenate((self._starts[:first], around, below[1:])))


class Codec(PositionCodec):
    """Columns of a line in the client's units to code points and back, within the line: LSP has none in its newline."""

    def client_num_units(self, string: str) -> int:
        """How long a text is for the client: `"😀"` → 4 in UTF-8, 2 in UTF-16, 1 in UTF-32. Half a pair counts too."""
        if self.encoding == PositionEncodingKind.Utf32 or string.isascii():
            return len(string)
        if self.encoding == PositionEncodingKind.Utf8:
            return len(string.encode("utf-8", "surrogatepass"))
        return len(string.encode("utf-16-le", "surrogatepass")) // 2

    def position_from_client_units(self, lines: Sequence[str], position: Position) -> ServerTextPosition:
        """In code points. A line beyond the last means the end, a character beyond the line its end."""
        if not lines:
            return ServerTextPosition(0, 0)
        if position.line >= len(lines):
            return ServerTextPosition(len(lines) - 1, len(lines[-1]))
        return ServerTextPosition(position.line, self._column(lines[position.line].rstrip("\r\n"), position.character))

    def position_to_client_units(self, lines: Sequence[str], position: ServerTextPosition | Position) -> Position:
        """In the client's units, with the same limits: between `\\r` and `\\n` is the end of the line."""
        if not lines:
            return Position(0, 0)
        row, column = position.line, position.character
        if row >= len(lines):
            row, column = len(lines) - 1, len(lines[-1])
        return Position(row, self.client_num_units(lines[row].rstrip("\r\n")[:column]))

    def _column(self, line: str, units: int) -> int:
        """The most code points that fit in so many units: `("a😀", 2)` → 1 in UTF-16, before the split character.

        Halves what is left in each step, so that a line is encoded once altogether, and only as far as `units` reach.
        """
        low, high = 0, min(len(line), units)
        while low < high:
            middle = (low + high + 1) // 2
            taken = self.client_num_units(line[low:middle])
            if taken <= units:
                low, units = middle, units - taken
            else:
                high = middle - 1
        return low


class Document(TextDocument):
    """A pygls document whose lines are LSP's. Its lines are indexed once per text, and a change updates the index."""

    def __init__(
        self,
        uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
        sync_kind: TextDocumentSyncKind = TextDocumentSyncKind.Incremental,
        encoding: PositionEncodingKind | str | None = PositionEncodingKind.Utf16,
    ) -> None:
        super().__init__(uri, source, version, language_id, sync_kind=sync_kind, position_codec=Codec(encoding))
        self._lines = Lines("")

    @property
    def lines(self) -> Lines:
        """The lines of the text as it is now, which is read from disk each time if the document is not open."""
        source = self.source
        if source is not self._lines.text:
            self._lines = Lines(source)
        return self._lines

    def offset_at(self, position: Position) -> int:
        """Code points before an LSP position: line 1, character 2 of `"a\\n😀b"` → 3 in UTF-16."""
        return self.offset_at_position(position)

    def position_at(self, offset: int) -> Position:
        """The LSP position before which so many code points stand: offset 3 of `"a\\n😀b"` → line 1, character 2."""
        return self.client_position_at_offset(offset)

    def offset_at_server_position(self, server_position: ServerTextPosition) -> int:
        lines, row = self.lines, server_position.line
        return min(lines.start(row) + server_position.character, lines.start(row + 1))

    def server_position_at_offset(self, offset: int) -> ServerTextPosition:
        lines = self.lines
        row = lines.row(offset)
        return ServerTextPosition(row, offset - lines.start(row))

    def _apply_incremental_change(self, change: TextDocumentContentChangePartial) -> None:
        start, end = sorted((self.offset_at(change.range.start), self.offset_at(change.range.end)))
        self._lines = self.lines.replaced(start, end, change.text)
        self._source = self._lines.text


class DocumentWorkspace(Workspace):
    """A pygls workspace that holds our documents."""

    @property
    def position_codec(self) -> Codec:
        return Codec(self.position_encoding)

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> Document:
        return Document(doc_uri, source, version, language_id, self._sync_kind, self.position_encoding)


class Protocol(LanguageServerProtocol):
    """pygls names its workspace class amid `lsp_initialize`. What it makes there is taken as the plan for ours."""

    @property
    def _workspace(self) -> Workspace | None:
        return self._documents

    @_workspace.setter
    def _workspace(self, plain: Workspace | None) -> None:
        self._documents = plain and DocumentWorkspace(
            plain.root_uri, plain._sync_kind, list(plain.folders.values()), plain.position_encoding
        )
