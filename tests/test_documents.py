"""LSP positions and changes in documents: in marked text `‸` is the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.workspace import PositionCodec, ServerTextPosition, ServerTextRange

from assistant.documents import Codec, Document, DocumentWorkspace, Protocol
from assistant.text import split_lines
from language_servers.positions import Lines

URI = "file:///unsaved/a.py"
ENCODINGS = ("utf-8", "utf-16", "utf-32")
PIECES = ("a", "é", "😀", "\n", "\r\n", "\r", "\x0c", "\u2028")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)


def document(text: str, encoding: str = "utf-16") -> Document:
    return Document(URI, text, encoding=encoding)


def marked(text: str) -> tuple[str, int]:
    assert text.count("‸") == 1
    return text.replace("‸", ""), text.index("‸")


def replacement(start: lsp.Position, end: lsp.Position, text: str) -> lsp.TextDocumentContentChangePartial:
    return lsp.TextDocumentContentChangePartial(lsp.Range(start, end), text)


def units(text: str, encoding: str) -> int:
    return len(text.encode(f"{encoding}-le" if encoding != "utf-8" else encoding)) * 8 // int(encoding[4:])


def editors_position(text: str, offset: int, encoding: str) -> lsp.Position:
    """What an editor sends, found the slow way."""
    *above, line = split_lines(text[:offset])
    return lsp.Position(len(above), units(line, encoding))


def offsets(text: str) -> list[int]:
    """Every place where a cursor can be: not inside `\\r\\n`."""
    return [offset for offset in range(len(text) + 1) if text[offset - 1 : offset + 1] != "\r\n"]


def test_only_lsp_newlines_end_a_line() -> None:
    text = "a\nb\r\nc\rd\x0ce\x0bf\x85g\u2028h\u2029i\x1cj\n"
    assert list(document(text).lines) == ["a\n", "b\r\n", "c\r", "d\x0ce\x0bf\x85g\u2028h\u2029i\x1cj\n", ""]
    assert list(document("").lines) == [""]


def test_lines_are_a_sequence() -> None:
    lines = document("a\nb\nc").lines
    assert (lines[-1], lines[:2], len(lines)) == ("c", ("a\n", "b\n"), 3)
    with pytest.raises(IndexError):
        lines[3]


@pytest.mark.parametrize(
    ("text", "line", "utf8", "utf16", "utf32"),
    [
        pytest.param("‸", 0, 0, 0, 0, id="empty document"),
        pytest.param("ab‸c", 0, 2, 2, 2, id="ASCII"),
        pytest.param("x\néé‸é", 1, 4, 2, 2, id="two bytes"),
        pytest.param("x\n日本‸語", 1, 6, 2, 2, id="CJK"),
        pytest.param("x\n😀😀‸", 1, 8, 4, 2, id="beyond the basic plane"),
        pytest.param("e\u0301‸e\u0301", 0, 3, 2, 2, id="after a combining character"),
        pytest.param("e‸\u0301", 0, 1, 1, 1, id="before a combining character"),
        pytest.param("👩\u200d🚀‸", 0, 11, 5, 3, id="joined emoji"),
        pytest.param("😀\r\né‸a\r\nb", 1, 2, 1, 1, id="CRLF"),
        pytest.param("a\r\nb‸\r\n", 1, 1, 1, 1, id="before CRLF"),
        pytest.param("a\rb\ré‸", 2, 2, 1, 1, id="lone CR"),
        pytest.param("a\r\r\n‸", 2, 0, 0, 0, id="CR before CRLF"),
        pytest.param("a\n\r‸", 2, 0, 0, 0, id="LF before CR"),
        pytest.param("a\x0cb‸\nc", 0, 3, 3, 3, id="form feed"),
        pytest.param("\x0c\n\x0cb‸", 1, 2, 2, 2, id="form feed above"),
        pytest.param("a\x0bb‸", 0, 3, 3, 3, id="vertical tab"),
        pytest.param("a\x85b‸", 0, 4, 3, 3, id="U+0085"),
        pytest.param("a\u2028b‸", 0, 5, 3, 3, id="U+2028"),
        pytest.param("a\n‸", 1, 0, 0, 0, id="end, final newline"),
        pytest.param("a\nb‸", 1, 1, 1, 1, id="end, no final newline"),
        pytest.param("é\n\n‸\n", 2, 0, 0, 0, id="empty line"),
    ],
)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_cursor_and_position_are_the_same_place(
    text: str, line: int, utf8: int, utf16: int, utf32: int, encoding: str
) -> None:
    text, offset = marked(text)
    position = lsp.Position(line, dict(zip(ENCODINGS, (utf8, utf16, utf32), strict=True))[encoding])
    assert document(text, encoding).position_at(offset) == position
    assert document(text, encoding).offset_at(position) == offset


@pytest.mark.parametrize(
    ("text", "line", "character"),
    [
        pytest.param("ab‸", 0, 3, id="beyond the only line"),
        pytest.param("aé‸\nb", 0, 99, id="beyond a line"),
        pytest.param("a‸\r\nb", 0, 2, id="between CR and LF"),
        pytest.param("a‸\r\nb", 0, 3, id="beyond CRLF"),
        pytest.param("a‸\rb", 0, 2, id="beyond CR"),
        pytest.param("a\n‸", 1, 7, id="beyond the empty last line"),
        pytest.param("a\n‸", 2, 0, id="one line beyond, final newline"),
        pytest.param("a\nbé‸", 2, 1, id="one line beyond, no final newline"),
        pytest.param("a\n😀‸", 99, 99, id="far beyond"),
        pytest.param("‸", 3, 3, id="beyond an empty document"),
    ],
)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_position_outside_the_text_is_the_nearest_inside(text: str, line: int, character: int, encoding: str) -> None:
    text, offset = marked(text)
    position = lsp.Position(line, character)
    assert document(text, encoding).offset_at(position) == offset
    assert position == lsp.Position(line, character), "the caller's position stays as it was"


@pytest.mark.parametrize(
    ("text", "encoding", "character"),
    [
        ("a‸😀b", "utf-16", 2),
        ("😀‸😀", "utf-16", 3),
        ("a‸éb", "utf-8", 2),
        ("‸日", "utf-8", 1),
        ("‸日", "utf-8", 2),
        ("é‸😀", "utf-8", 3),
        ("é‸😀", "utf-8", 4),
        ("é‸😀", "utf-8", 5),
    ],
)
def test_position_inside_a_character_is_its_start(text: str, encoding: str, character: int) -> None:
    text, offset = marked(text)
    assert document(text, encoding).offset_at(lsp.Position(0, character)) == offset


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_half_a_surrogate_pair_in_the_text_does_no_harm(encoding: str) -> None:
    text = document("\ud83d\ude00a", encoding)
    assert [text.offset_at(text.position_at(offset)) for offset in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_offset_beyond_the_end_is_the_end(encoding: str) -> None:
    text = document("a\né", encoding)
    assert text.position_at(9) == text.position_at(3)


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        pytest.param("", ((0, 0), (0, 0), "a"), "a", id="into an empty document"),
        pytest.param("a\n", ((1, 0), (1, 0), "b"), "a\nb", id="on the empty last line"),
        pytest.param("a\x0cb\nc\n", ((1, 0), (1, 1), "d"), "a\x0cb\nd\n", id="below a form feed"),
        pytest.param("a\u2028b\nc\n", ((0, 3), (1, 0), ""), "a\u2028bc\n", id="lines joined behind U+2028"),
        pytest.param("a\r\nb", ((0, 1), (0, 1), "😀"), "a😀\r\nb", id="before CRLF"),
        pytest.param("a\rb", ((1, 0), (1, 0), "\n"), "a\r\nb", id="LF behind CR"),
        pytest.param("a\nb", ((0, 1), (0, 1), "\r"), "a\r\nb", id="CR before LF"),
        pytest.param("a\rx\nb", ((1, 0), (1, 1), ""), "a\r\nb", id="CR and LF meet"),
        pytest.param("a\nb", ((0, 0), (9, 0), "c"), "c", id="everything"),
        pytest.param("a\nb", ((0, 99), (0, 99), "c"), "ac\nb", id="beyond the line"),
        pytest.param("abc", ((0, 2), (0, 1), "x"), "axc", id="end before start"),
        pytest.param("a😀b", ((0, 3), (0, 4), "c"), "a😀c", id="behind a surrogate pair"),
    ],
)
def test_change(before: str, change: tuple[tuple[int, int], tuple[int, int], str], after: str) -> None:
    (start, end, new), text = change, document(before)
    text.apply_change(replacement(lsp.Position(*start), lsp.Position(*end), new))
    assert text.source == after
    assert list(text.lines) == list(document(after).lines)


def test_whole_text_replaced_between_changes() -> None:
    text, home = document("a\nb"), lsp.Position(1, 0)
    text.apply_change(replacement(home, home, "x"))
    text.apply_change(lsp.TextDocumentContentChangeWholeDocument("c\nd\ne"))
    text.apply_change(replacement(home, home, "y"))
    assert text.source == "c\nyd\ne"
    assert list(text.lines) == ["c\n", "yd\n", "e"]


@settings(deadline=None)
@given(TEXTS, st.sampled_from(ENCODINGS))
def test_every_offset_comes_back(text: str, encoding: str) -> None:
    opened = document(text, encoding)
    for offset in offsets(text):
        position = opened.position_at(offset)
        assert position == editors_position(text, offset, encoding)
        assert opened.offset_at(position) == offset


@settings(deadline=None)
@given(TEXTS, st.lists(st.tuples(TEXTS, st.integers(0), st.integers(0)), max_size=8), st.sampled_from(ENCODINGS))
def test_the_text_stays_the_editors(text: str, edits: list[tuple[str, int, int]], encoding: str) -> None:
    opened = document(text, encoding)
    for new, *places in edits:
        cursors = offsets(text)
        start, end = sorted(cursors[place % len(cursors)] for place in places)
        first, last = editors_position(text, start, encoding), editors_position(text, end, encoding)
        opened.apply_change(replacement(first, last, new))
        text = text[:start] + new + text[end:]
        assert opened.source == text
        assert list(opened.lines) == list(Lines(text))
        assert [line.rstrip("\r\n") for line in opened.lines] == split_lines(text)


def test_the_rest_of_pygls_agrees() -> None:
    text = document("x\x0c\nfoo(😀bar)\n")
    inside = lsp.Position(1, 7)
    bar = ServerTextRange(ServerTextPosition(1, 5), ServerTextPosition(1, 8))
    assert text.word_at_position(inside) == "bar"
    assert text.word_at_position(lsp.Position(9, 0)) == ""
    assert text.range_to_client_units(bar) == lsp.Range(lsp.Position(1, 6), lsp.Position(1, 9))
    assert text.range_from_client_units(text.range_to_client_units(bar)) == bar
    assert text.text_in_client_range(text.range_to_client_units(bar)) == "bar"
    assert text.text_in_server_range(bar) == "bar"
    assert text.position_from_client_units(inside) == ServerTextPosition(1, 6)
    assert text.position_codec.client_num_units("😀") == 2


def test_codec_takes_anybodys_lines() -> None:
    codec = Codec("utf-8")
    assert codec.position_from_client_units([], lsp.Position(1, 1)) == ServerTextPosition(0, 0)
    assert codec.position_to_client_units([], ServerTextPosition(1, 1)) == lsp.Position(0, 0)
    assert codec.position_to_client_units(["é"], ServerTextPosition(4, 0)) == lsp.Position(0, 2)
    assert Codec(None).client_num_units("😀") == PositionCodec(None).client_num_units("😀")


def test_a_document_that_is_not_open_is_the_file_on_disk(tmp_path: Any) -> None:
    path = tmp_path / "a.py"
    path.write_text("a\x0cb\nc")
    unopened = DocumentWorkspace(None).get_text_document(path.as_uri())
    assert unopened.offset_at_position(lsp.Position(1, 1)) == 5
    path.write_text("longer\nc")
    assert unopened.offset_at_position(lsp.Position(1, 1)) == 8


def finish(steps: Iterable[Any]) -> None:
    """Runs what pygls runs for a message, with the server's own handlers in between."""
    for handler, args, _ in steps:
        handler(*args)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_server_with_our_protocol_has_our_documents(encoding: str) -> None:
    server, seen = LanguageServer("test", "1", protocol_cls=Protocol), []
    server.feature(lsp.INITIALIZE)(lambda _: seen.append(server.workspace))
    folder = lsp.WorkspaceFolder("file:///unsaved", "unsaved")
    general = lsp.GeneralClientCapabilities(position_encodings=[lsp.PositionEncodingKind(encoding)])
    capabilities = lsp.ClientCapabilities(general=general)
    finish(server.protocol.lsp_initialize(lsp.InitializeParams(capabilities, workspace_folders=[folder])))
    assert seen == [server.workspace]
    assert list(server.workspace.folders) == [folder.uri]
    assert server.workspace.position_codec.client_num_units("😀") == units("😀", encoding)

    item = lsp.TextDocumentItem(URI, "python", 1, "a\x0c😀\nb\n")
    finish(server.protocol.lsp_text_document__did_open(lsp.DidOpenTextDocumentParams(item)))
    edit = replacement(lsp.Position(1, 0), lsp.Position(1, 1), "c")
    change = lsp.DidChangeTextDocumentParams(lsp.VersionedTextDocumentIdentifier(2, URI), [edit])
    finish(server.protocol.lsp_text_document__did_change(change))
    opened = server.workspace.get_text_document(URI)
    assert isinstance(opened, Document)
    assert (opened.source, opened.version, opened.language_id) == ("a\x0c😀\nc\n", 2, "python")


def test_a_server_that_was_not_initialized_says_so() -> None:
    with pytest.raises(RuntimeError, match="initialized"):
        _ = LanguageServer("test", "1", protocol_cls=Protocol).workspace
