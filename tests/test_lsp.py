"""The language server as a process, driven by a client: what an editor sees."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import socket
from pathlib import Path

import psutil
import pytest
from editor import PATIENCE, SERVER, SURE, UNCHECKED, Editor
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams, JsonRpcRequestCancelled

pytestmark = pytest.mark.asyncio(loop_scope="module")

POINT = "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.‸"
LONG = "def fib(n):\n    ‸\n\n\n" + "".join(f"def times_{n}(number):\n    return {n} * number\n\n\n" for n in range(40))
BOOKS = """def quarterly_revenue(company, year):
    return company.books[year].revenue


print(quarterly_revenue(apple, 2021))
print(quarterly_revenue(apple, 2022))
"""
BASKET = """class Basket:
    def __init__(self) -> None:
        self.zx_fruits = 3
        self.zx_owner = "Ann"


def count(basket: Basket) -> int:
    return basket.‸
"""
SHOW = "def show(company, year):\n    print(quarterly_‸"


async def test_the_server_says_what_it_offers(editor):
    offered = editor.capabilities
    assert offered.inline_completion_provider is not None
    assert offered.completion_provider is not None
    assert offered.text_document_sync.change == lsp.TextDocumentSyncKind.Incremental
    assert set(offered.execute_command_provider.commands) >= {"ghostwright.accepted", "ghostwright.snooze"}


async def test_ghost_text_continues_at_the_cursor(editor):
    buffer = editor.open(POINT, "ghost.py")
    (item,) = await buffer.ghost()
    assert item.insert_text == "y = y"
    assert item.range == lsp.Range(buffer.cursor, buffer.cursor)


async def test_accepting_ghost_text_is_counted(editor):
    (item,) = await editor.open(POINT, "accepted.py").ghost()
    before = (await editor.state())["counts"].get("accepted", 0)
    await editor.execute(item.command.command, *item.command.arguments)
    assert (await editor.state())["counts"]["accepted"] == before + 1


async def test_on_request_there_are_several_different_candidates(editor):
    items = await editor.open(POINT, "several.py").ghost(invoked=True)
    assert len(items) > 1
    assert len({item.insert_text for item in items}) == len(items)
    assert len({item.command.arguments[0] for item in items}) == len(items)


async def test_typing_along_shows_the_rest_without_the_model(start_editor):
    editor = await start_editor(options=UNCHECKED)
    buffer = editor.open(POINT, "along.py")
    whole = await buffer.ghost_text()
    evaluated = (await editor.state())["evaluated"]
    for character in whole[:-1]:
        buffer.type(character)
        rest = await buffer.ghost_text()
        assert buffer.text + rest == POINT.replace("‸", "") + whole
    buffer.delete(2)
    assert buffer.text + await buffer.ghost_text() == POINT.replace("‸", "") + whole
    assert (await editor.state())["evaluated"] == evaluated


async def test_typing_something_else_asks_the_model(editor):
    buffer = editor.open(POINT, "else.py")
    await buffer.ghost_text()
    evaluated = (await editor.state())["evaluated"]
    buffer.type("na")
    await buffer.ghost_text()
    assert (await editor.state())["evaluated"] > evaluated


async def test_deleting_alone_does_not_ask_the_model(editor):
    buffer = editor.open("import os\nimport syss‸\n", "deleting.py")
    evaluated = (await editor.state())["evaluated"]
    buffer.delete(1)
    assert await buffer.ghost() == []
    assert (await editor.state())["evaluated"] == evaluated
    await buffer.ghost(invoked=True)
    assert (await editor.state())["evaluated"] > evaluated


async def test_a_bracket_that_the_editor_closed_by_itself_is_not_doubled(editor):
    buffer = editor.open("def greet(name, greeting):\n    print(greeting, name)\n\n\ngreet‸\n", "bracket.py")
    buffer.type("(", auto_closed=")")
    (item,) = await buffer.ghost()
    ast.parse(buffer.applied(item.range, item.insert_text))
    assert item.range.start == buffer.cursor


async def test_ghost_text_extends_the_selected_entry_of_the_popup(editor):
    buffer = editor.open(POINT.replace("self.‸", "se‸"), "selected.py")
    place = buffer.range(buffer.offset - 2, buffer.offset)
    items = await buffer.ghost(selected=lsp.SelectedCompletionInfo(place, "self.y"))
    assert [item.insert_text for item in items] == ["self.y = y"]
    assert all(item.range == place for item in items)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_positions_hold_behind_characters_of_any_width(start_editor, encoding):
    editor = await start_editor(encoding=encoding)
    assert editor.capabilities.position_encoding == encoding
    buffer = editor.open(POINT.replace("self.‸", "a = 'é漢😀'; self.‸  # 😀\n"), "wide.py")
    (item,) = await buffer.ghost()
    assert item.range == lsp.Range(buffer.cursor, buffer.cursor)
    assert buffer.applied(item.range, item.insert_text).startswith(buffer.text[: buffer.offset] + "y = y")
    assert buffer.applied(item.range, item.insert_text).endswith("  # 😀\n")
    place = buffer.range(buffer.offset - 5, buffer.offset)
    (extended,) = await buffer.ghost(selected=lsp.SelectedCompletionInfo(place, "self.y"))
    assert buffer.applied(extended.range, extended.insert_text).startswith(buffer.text[: buffer.offset] + "y = y")


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\r\nb = 2\r\n\x0c\r\nc = '😀'\r\n‸\r\nd = 4\r\n",
        "a = '\x0b\x85\u2028'\n\x0c\nb = 'é'\rc = 3\n\n‸\n",
        "‸",
    ],
)
async def test_the_server_keeps_up_with_every_change(start_editor, text, request):
    editor = await start_editor(options=UNCHECKED)
    name = f"changes{abs(hash(request.node.name))}.py"
    buffer = editor.open(text, name)
    buffer.type(POINT.replace("‸", ""))
    buffer.replace(0, 1, "z😀" if buffer.text[0] == "a" else "c")
    buffer.replace(len(buffer.text), len(buffer.text), "\n\x0c\n# 😀")
    buffer.offset = buffer.text.index("        self.x = x\n        self.") + len("        self.x = x\n        self.")
    first = await buffer.ghost()
    evaluated = (await editor.state())["evaluated"]
    buffer.close()
    again = editor.open(buffer.text[: buffer.offset] + "‸" + buffer.text[buffer.offset :], name)
    assert [item.insert_text for item in await again.ghost()] == [item.insert_text for item in first]
    assert (await editor.state())["evaluated"] == evaluated  # from memory, hence the text was the same


async def test_an_answer_is_about_the_text_that_was_asked_about(editor):
    buffer = editor.open(LONG, "changing.py")
    asked = asyncio.ensure_future(buffer.ghost())
    await editor.until_status("Normal", "Writing")
    cursor = buffer.cursor
    buffer.replace(0, 0, "# é\n# 😀\n")
    assert [item.range.start for item in await asked] == [cursor]


async def test_a_change_that_comes_at_once_with_a_request_is_behind_it(editor):
    buffer = editor.open(POINT, "at_once.py")
    protocol = editor.client.protocol
    writer, together = protocol.writer, io.BytesIO()
    cursor = buffer.cursor
    protocol.set_writer(together)
    asked = protocol.send_request(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, buffer.request())
    buffer.replace(0, 0, "# é\n# 😀\n")
    protocol.set_writer(writer)
    writer.write(together.getvalue())
    async with asyncio.timeout(PATIENCE):
        (item,) = (await asyncio.wrap_future(asked)).items
    assert (item.insert_text, item.range.start) == ("y = y", cursor)


async def test_a_request_that_is_not_understood_is_answered(editor):
    request = editor.open(POINT, "nonsense.py").request()
    object.__setattr__(request.position, "line", -1)
    with pytest.raises(JsonRpcInvalidParams):
        async with asyncio.timeout(PATIENCE):
            await editor.client.text_document_inline_completion_async(request)


async def test_cancelling_stops_the_model(editor):
    buffer = editor.open(LONG, "cancelled.py")
    identifier = "to be cancelled"
    asked = editor.client.protocol.send_request_async(
        lsp.TEXT_DOCUMENT_INLINE_COMPLETION, buffer.request(invoked=True), msg_id=identifier
    )
    asked = asyncio.ensure_future(asked)
    await editor.until_status("Normal", "Writing")
    editor.client.cancel_request(lsp.CancelParams(identifier))
    with pytest.raises(JsonRpcRequestCancelled):
        await asked
    await editor.until_status("Normal", "Ready")
    while (state := await editor.state())["evaluated"] != (await _a_moment_later(editor)):
        pass
    evaluated = state["evaluated"]
    await buffer.ghost(invoked=True)
    assert (await editor.state())["evaluated"] - evaluated > 100  # it was given up in the beginning


async def _a_moment_later(editor: Editor) -> int:
    await asyncio.sleep(0.3)
    return (await editor.state())["evaluated"]


@pytest.mark.parametrize("name", ["an editor", "Neovim"])
async def test_of_several_requests_the_newest_is_answered(start_editor, name):
    editor = await start_editor(name=name)
    buffer = editor.open(LONG, "long.py")
    last = editor.open(POINT, "last.py")
    client = editor.client
    requests = [
        client.text_document_inline_completion_async(buffer.request(invoked)) for invoked in (True, False, True)
    ]
    older = [asyncio.ensure_future(request) for request in requests]
    await asyncio.sleep(0)  # now they are sent
    assert await last.ghost_text() == "y = y"
    assert all(request.done() for request in older), "an older request was answered after the newest"
    answers = [request.result() for request in older]
    assert all(answer is None if name == "Neovim" else not answer.items for answer in answers)
    await editor.until_status("Normal", "Ready")


async def test_a_status_tells_when_the_model_is_at_work(editor):
    buffer = editor.open(POINT, "status.py")
    before = len(editor.statuses)
    await buffer.ghost()
    await editor.until_status("Normal", "Ready")
    assert [status["busy"] for status in editor.statuses[before:]] == [True, False]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".env", "secret"),
        ("keys/server.pem", "secret"),
        (".ssh/config", "secret"),
        ("generated/names.py", "ignored by git"),
    ],
)
async def test_files_that_must_stay_private_are_left_alone(editor, name, reason):
    (editor.root / ".git").mkdir(exist_ok=True)
    (editor.root / ".gitignore").write_text("generated/\n")
    evaluated = (await editor.state())["evaluated"]
    buffer = editor.open(POINT, name)
    assert await buffer.ghost() == []
    await editor.until_status("Inactive", reason)
    assert await buffer.ghost(invoked=True) == []
    assert await buffer.popup() == []
    assert (await editor.state())["evaluated"] == evaluated
    assert await editor.open(POINT, f"{Path(name).name}-after.py").ghost_text() == "y = y"
    await editor.until_status("Normal", "Ready")


async def test_a_language_that_the_embedded_model_does_not_know_is_completed_on_request_only(editor):
    buffer = editor.open("class Point {\n  constructor(x, y) {\n    this.x = x;\n    this.‸", "add.js", "javascript")
    assert await buffer.ghost() == []
    status = await editor.until_status("Inactive", "javascript")
    assert "`model`" in status["message"]
    assert await buffer.ghost_text(invoked=True)


async def test_a_document_that_was_never_saved_is_completed(editor):
    untitled = editor.open(POINT, "untitled:Untitled-1")
    assert await untitled.ghost_text() == "y = y"
    assert await editor.open(POINT, "beside_untitled.py").ghost_text() == "y = y"


@pytest.mark.parametrize("name", ["C#/sums.py", "why?.py", "100%.py", "100%25.py", "a;b.py", "é 😀.py"])
async def test_a_path_may_hold_anything(editor, name):
    assert await editor.open(POINT, name).ghost_text() == "y = y"


@pytest.mark.parametrize("arguments", [[], [None], ["an id"], ["an id", {"more": 1}]])
async def test_the_accept_command_takes_what_editors_send(editor, arguments):
    before = (await editor.state())["counts"].get("accepted", 0)
    await editor.execute("ghostwright.accepted", *arguments)
    assert (await editor.state())["counts"]["accepted"] == before + 1


async def test_what_copilots_clients_tell_is_counted(editor):
    uri = editor.open(POINT, "copilot.py").uri
    item = {"insertText": "y = y", "command": {"command": "ghostwright.accepted", "arguments": ["an id"]}}
    bare = {"command": {"arguments": ["an id"]}}  # as copilot.el
    notify = editor.client.protocol.notify
    before = (await editor.state())["counts"]
    for shape in (item, bare):
        notify("textDocument/didShowCompletion", {"item": shape})
        notify("textDocument/didPartiallyAcceptCompletion", {"item": shape, "acceptedLength": 3})
    for focus in ({"textDocument": {"uri": uri}}, {"textDocument": {"uri": "file:///not/open.py"}}, {}, None):
        notify("textDocument/didFocus", focus)
    counts = (await editor.state())["counts"]
    assert counts["shown"] == before.get("shown", 0) + 2
    assert counts["partially accepted"] == before.get("partially accepted", 0) + 2
    assert editor.messages == []


async def test_the_status_follows_the_user_from_file_to_file(editor):
    secrets, code = (editor.open(text, name).uri for text, name in (("KEY=1\n", "focus/.env"), (POINT, "focus.py")))
    for uri, status in ((secrets, ("Inactive", "secrets")), (code, ("Normal", "Ready"))):
        editor.client.protocol.notify("textDocument/didFocus", {"textDocument": {"uri": uri}})
        await editor.until_status(*status)


async def test_a_snooze_keeps_it_silent_until_it_is_ended(editor):
    buffer = editor.open(POINT, "snooze.py")
    await editor.execute("ghostwright.snooze")
    await editor.until_status("Inactive", "5 minutes")
    assert await buffer.ghost() == []
    assert await buffer.ghost_text(invoked=True)
    await editor.until_status("Inactive", "5 minutes")
    buffer.type("y")
    buffer.delete(1)
    assert await buffer.ghost() == []
    await editor.execute("ghostwright.snooze", 0)
    await editor.until_status("Normal", "Ready")
    assert await buffer.ghost_text() == "y = y"


async def test_a_language_server_keeps_the_model_to_members_that_there_are(editor):
    """Once it runs: until then completions come without."""
    buffer = editor.open(BASKET, "basket.py")
    for _ in range(100):
        text = await buffer.ghost_text(invoked=True)
        if text.startswith("zx_"):
            break
        await asyncio.sleep(0.1)
    assert text.startswith("zx_")


async def test_names_of_another_open_file_are_known_until_it_is_closed(editor):
    books = editor.open(BOOKS, "books.py")
    assert (await editor.open(SHOW, "show.py").ghost_text()).startswith("revenue(company, year")
    books.close()
    assert "revenue" not in await editor.open(SHOW, "show_again.py").ghost_text()


@pytest.mark.parametrize("name", ["secrets.toml", "ignored/books.py"])
async def test_names_of_a_private_open_file_stay_unknown(start_editor, tmp_path, name):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("ignored\n")
    editor = await start_editor()
    editor.open(BOOKS, name)
    assert "revenue" not in await editor.open(SHOW, "show.py").ghost_text()


async def test_the_setting_open_files_keeps_other_files_out(start_editor):
    editor = await start_editor(options={**SURE, "open_files": False})
    editor.open(BOOKS, "books.py")
    assert "revenue" not in await editor.open(SHOW, "show.py").ghost_text()


async def test_an_editor_without_ghost_text_gets_a_popup_on_request(start_editor):
    editor = await start_editor(announced=lsp.ClientCapabilities(), options=UNCHECKED)
    buffer = editor.open(POINT.replace("self.‸", "se‸"), "popup.py")
    entries = await buffer.popup()
    entry = entries[0]
    assert entry.text_edit.new_text.startswith("self.y = y")
    assert buffer.applied(entry.text_edit.range, entry.text_edit.new_text).endswith("        self.y = y")
    assert entry.filter_text.startswith("se")
    assert entry.label == "self.y = y"
    assert "\n" not in entry.label
    assert entry.command.command == "ghostwright.accepted"
    evaluated = (await editor.state())["evaluated"]
    buffer.type("lf")
    for kind in (
        lsp.CompletionTriggerKind.TriggerForIncompleteCompletions,
        lsp.CompletionTriggerKind.TriggerCharacter,
    ):
        assert [each.text_edit.new_text for each in await buffer.popup(kind)] == ["self.y = y"]
    buffer.type("ish_")
    assert await buffer.popup(lsp.CompletionTriggerKind.TriggerForIncompleteCompletions) == []
    assert (await editor.state())["evaluated"] == evaluated


async def test_an_editor_that_shows_ghost_text_does_not_get_the_same_in_its_popup(start_editor):
    editor = await start_editor()  # it announces ghost text, as Neovim does even if its user has not switched it on
    assert await editor.open(POINT, "popup.py").popup() != []
    assert await editor.open(POINT, "ghost.py").ghost() != []
    assert await editor.open(POINT, "both.py").popup() == []


async def test_long_lines_have_short_labels(start_editor):
    editor = await start_editor(announced=lsp.ClientCapabilities())
    buffer = editor.open("names = ['" + "', '".join(f"name_{number}" for number in range(30)) + "'‸\n", "long.py")
    for entry in await buffer.popup():
        assert len(entry.label) <= 48


async def test_settings_come_with_the_start_in_copilots_shape_too(start_editor):
    about = {"name": "x", "version": "1"}
    options = {"editorInfo": about, "editorPluginInfo": about, **SURE, "automatic": False}
    editor = await start_editor(options=options)
    buffer = editor.open(POINT)
    assert await buffer.ghost() == []
    assert await buffer.ghost_text(invoked=True) == "y = y"
    assert await buffer.ghost() == []
    assert editor.messages == []


async def test_settings_are_pulled_pushed_and_taken_back(start_editor):
    editor = await start_editor(options={"ghostwright": SURE}, configuration={"automatic": False, "model": None})
    await editor.until_status("Normal", "Ready")
    assert [each.method for each in editor.registered] == [lsp.WORKSPACE_DID_CHANGE_CONFIGURATION]
    buffer = editor.open(POINT)
    assert await buffer.ghost() == []

    editor.configure(disabled_languages=["python"])
    assert await buffer.ghost() == []
    await editor.until_status("Inactive", "disabled_languages")
    editor.configure()
    assert await buffer.ghost_text() == "y = y"

    editor.client.set_configuration({"automatic": False}, section="ghostwright")
    editor.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(None))
    buffer.type("y")
    async with asyncio.timeout(PATIENCE):
        while await buffer.ghost():
            await asyncio.sleep(0.05)


async def test_a_wrong_setting_is_told_and_the_old_ones_stay_in_force(start_editor):
    editor = await start_editor(options={**SURE, "automatic": False})
    buffer = editor.open(POINT)
    editor.configure(automatc=True)
    status = await editor.until_status("Error", "automatc")
    assert "Did you mean “automatic”?" in status["message"]
    assert await buffer.ghost() == []
    assert await buffer.ghost_text(invoked=True)
    await editor.until_status("Error", "automatc")
    assert [message for message in editor.messages if "automatc" in message] == [f"Ghostwright: {status['message']}"]

    editor.configure(max_lines="many")
    status = await editor.until_status("Error", "max_lines")
    assert "'many'" in status["message"]
    assert "int" in status["message"]

    editor.configure(automatic=True)
    await editor.until_status("Normal", "Ready")
    assert await buffer.ghost_text() == "y = y"


async def test_the_projects_file_counts_and_is_read_again_when_it_is_saved(start_editor, tmp_path):
    file = tmp_path / "ghostwright.toml"
    file.write_text("automatic = false\n")
    editor = await start_editor()
    buffer = editor.open(POINT)
    assert await buffer.ghost() == []
    saved = lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(file.as_uri()))
    for text, complaint in (("automatic = perhaps\n", "TOML"), ("automatik = true\n", "automatik")):
        file.write_text(text)
        editor.client.text_document_did_save(saved)
        assert str(file) in (await editor.until_status("Error", complaint))["message"]
    file.write_text("automatic = true\n")
    editor.client.text_document_did_save(saved)
    await editor.until_status("Normal", "Ready")
    assert await buffer.ghost_text() == "y = y"


async def test_a_server_on_a_loopback_address_ends_with_its_client(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = await asyncio.create_subprocess_exec(*SERVER, "--tcp", f"127.0.0.1:{port}", cwd=tmp_path)
    editor = Editor(tmp_path)
    try:
        async with asyncio.timeout(PATIENCE):
            while not _listens(port):
                await asyncio.sleep(0.05)
            await editor.start(address=("127.0.0.1", port))
            assert await editor.open(POINT).ghost_text() == "y = y"
            await editor.close()
            await server.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
    assert server.returncode == 0


async def test_a_server_on_a_loopback_address_ends_with_a_client_that_dies_amid_a_message(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = await asyncio.create_subprocess_exec(*SERVER, "--tcp", f"127.0.0.1:{port}", cwd=tmp_path)
    try:
        async with asyncio.timeout(PATIENCE):
            while not _listens(port):
                await asyncio.sleep(0.05)
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"Content-Length: 100\r\n\r\n{")
            await server.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()


def _listens(port: int) -> bool:
    return any(each.laddr.port == port and each.status == psutil.CONN_LISTEN for each in psutil.net_connections("tcp4"))


@pytest.mark.parametrize("goodbye", [("shutdown", "exit"), ("exit",), ()])
async def test_the_process_ends_when_the_editor_leaves(start_editor, goodbye):
    editor = await start_editor()
    process = editor.process
    buffer = editor.open(LONG)
    asked = asyncio.ensure_future(buffer.ghost(invoked=True))
    await editor.until_status("Normal", "Writing")
    async with asyncio.timeout(PATIENCE):
        if "shutdown" in goodbye:
            await editor.client.shutdown_async(None)
        if "exit" in goodbye:
            editor.client.exit(None)
        else:
            process.stdin.close()
        await process.wait()
    assert process.returncode in (0, 1)
    await asyncio.gather(asked, return_exceptions=True)
