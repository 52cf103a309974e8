"""Open documents as the editor sees them: LSP positions to offsets in code points and back, and changes as they arrive.

pygls cuts lines with `str.splitlines`, also at form feeds and U+2028, which end no line in LSP: in such a file its
positions shift and its incremental changes corrupt the text. It errs at the empty last line, beyond the end of a line
and in an empty file as well. A server made with `protocol_cls=Protocol` has documents whose lines and positions hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol.types import Position, PositionEncodingKind, TextDocumentContentChangePartial, TextDocumentSyncKind
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol
from pygls.workspace import PositionCodec, ServerTextPosition, TextDocument, Workspace

from language_servers.positions import Lines, column, units


class Codec(PositionCodec):
    """Columns of a line in the client's units to code points and back, within the line: LSP has none in its newline."""

    @property
    def _unit(self) -> str:
        return self.encoding or PositionEncodingKind.Utf16

    def client_num_units(self, string: str) -> int:
        """How long a text is for the client: `"😀"` → 4 in UTF-8, 2 in UTF-16, 1 in UTF-32. Half a pair counts too."""
        return units(string, self._unit)

    def position_from_client_units(self, lines: Sequence[str], position: Position) -> ServerTextPosition:
        """In code points. A line beyond the last means the end, a character beyond the line its end."""
        if not lines:
            return ServerTextPosition(0, 0)
        if position.line >= len(lines):
            return ServerTextPosition(len(lines) - 1, len(lines[-1]))
        line = lines[position.line].rstrip("\r\n")
        return ServerTextPosition(position.line, column(line, position.character, self._unit))

    def position_to_client_units(self, lines: Sequence[str], position: ServerTextPosition | Position) -> Position:
        """In the client's units, with the same limits: between `\\r` and `\\n` is the end of the line."""
        if not lines:
            return Position(0, 0)
        row, column = position.line, position.character
        if row >= len(lines):
            row, column = len(lines) - 1, len(lines[-1])
        return Position(row, self.client_num_units(lines[row].rstrip("\r\n")[:column]))


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
    """pygls names its workspace class amid `lsp_initialize`. What it makes there is taken as the plan for ours.

    A request that it does not understand would go without an answer, and its client would wait.
    """

    def structure_message(self, data: dict[str, Any]) -> Any:
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "method" in data and "id" in data:
                self._send_response(data["id"], error=error.to_response_error())
            raise

    @property
    def _workspace(self) -> Workspace | None:
        return self._documents

    @_workspace.setter
    def _workspace(self, plain: Workspace | None) -> None:
        self._documents = plain and DocumentWorkspace(
            plain.root_uri, plain._sync_kind, list(plain.folders.values()), plain.position_encoding
        )
