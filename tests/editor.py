"""An editor as tests need one: it starts the real server as a process, types into buffers and asks for completions.

In the text of a buffer `‸` is the cursor. Positions are counted the slow way, as an editor does it.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pytest_lsp import LanguageClient, make_test_lsp_client

from assistant.text import split_lines

SERVER = (sys.executable, "-m", "assistant", "lsp")

PATIENCE = 60.0
"""Seconds after which a test gives up waiting: long, since they fail a test that would only be slow."""

SURE = {"min_probability": 0.0, "debounce": 0}
"""Settings with which the model always shows what it has."""

UNCHECKED = {**SURE, "language_servers": {"python": ""}}
"""Settings without a type checker: what is written while one starts is not remembered."""


async def eventually(condition: Callable[[], object], what: str) -> Any:
    """What a condition gives once it is true."""
    with describing(what):
        async with asyncio.timeout(PATIENCE):
            while not (result := condition()):
                await asyncio.sleep(0.02)
            return result


@contextlib.contextmanager
def describing(what: str) -> Iterator[None]:
    """Says what was waited for when the wait is over."""
    try:
        yield
    except TimeoutError:
        raise AssertionError(f"waited {PATIENCE:g} seconds for {what}") from None


def capabilities(
    encoding: str = "utf-16", ghost_text: bool = True, pull: bool = False, watch: bool | None = None
) -> lsp.ClientCapabilities:
    """What an editor announces; `watch` is whether files to be watched can be registered, None if it watches none."""
    return lsp.ClientCapabilities(
        general=lsp.GeneralClientCapabilities(position_encodings=[encoding]),
        text_document=lsp.TextDocumentClientCapabilities(
            inline_completion=lsp.InlineCompletionClientCapabilities() if ghost_text else None
        ),
        workspace=lsp.WorkspaceClientCapabilities(
            configuration=pull,
            did_change_configuration=lsp.DidChangeConfigurationClientCapabilities(dynamic_registration=pull),
            did_change_watched_files=None if watch is None else lsp.DidChangeWatchedFilesClientCapabilities(watch),
        ),
    )


class Editor:
    """One client and its server. Start it with `start`, end it with `close`."""

    def __init__(self, root: Path, encoding: str = "utf-16") -> None:
        self.root = root
        self.encoding = encoding
        self.client = _client(self)
        self.statuses: list[dict[str, Any]] = []
        self.registered: list[lsp.Registration] = []
        self.capabilities = lsp.ServerCapabilities()

    async def start(
        self,
        options: Any = SURE,
        name: str = "an editor",
        announced: lsp.ClientCapabilities | None = None,
        configuration: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        address: tuple[str, int] | None = None,
    ) -> None:
        """Starts a server, or connects to the one at an address, and waits until it is ready."""
        if configuration is not None:
            self.client.set_configuration(dict(configuration), section="ghostwright")
        if address:
            await self.client.start_tcp(*address)
        else:
            await self.client.start_io(*SERVER, env={**os.environ, **(env or {})}, cwd=self.root)
        parameters = lsp.InitializeParams(
            capabilities=announced or capabilities(self.encoding, pull=configuration is not None),
            client_info=lsp.ClientInfo(name),
            initialization_options=options,
            workspace_folders=[lsp.WorkspaceFolder(self.root.as_uri(), "root")],
        )
        with describing("an answer to initialize"):
            async with asyncio.timeout(PATIENCE):
                self.capabilities = (await self.client.initialize_session(parameters)).capabilities
        await eventually(lambda: self.statuses and self.status["message"] != "Starting", "the first status")

    async def close(self) -> None:
        """Says goodbye as an editor does, and makes sure that the server is gone."""
        async with asyncio.timeout(PATIENCE):
            if not self.client.stopped:
                await self.client.shutdown_session()
            await self.client.stop()

    @property
    def process(self) -> asyncio.subprocess.Process:
        process = self.client._server
        assert process is not None
        return process

    @property
    def status(self) -> dict[str, Any]:
        """The last status that was announced."""
        return self.statuses[-1] if self.statuses else {"kind": "", "message": "", "busy": False}

    @property
    def messages(self) -> list[str]:
        """What was shown to the user in a message box."""
        return [message.message for message in self.client.messages]

    async def until_status(self, kind: str, part: str = "") -> dict[str, Any]:
        """Waits until the last status is of a kind and has a part in its message."""
        return await eventually(
            lambda: self.status["kind"] == kind and part in self.status["message"] and self.status,
            f"the status {kind} with {part!r}; there were {self.statuses}",
        )

    async def state(self) -> dict[str, Any]:
        """What the status command answers."""
        return await self.execute("ghostwright.status")

    async def execute(self, command: str, *arguments: Any) -> Any:
        async with asyncio.timeout(PATIENCE):
            answer = await self.client.workspace_execute_command_async(
                lsp.ExecuteCommandParams(command, list(arguments))
            )
        return _plain(answer)

    def configure(self, **settings: Any) -> None:
        """Pushes settings to the server."""
        self.client.workspace_did_change_configuration(
            lsp.DidChangeConfigurationParams({"ghostwright": {**SURE, **settings}})
        )

    def notice(self, changed: Mapping[str, lsp.FileChangeType]) -> None:
        """Tells the server what has become of files, by paths below the root or URIs, if it wants to know of them."""
        uris = {name if ":" in name else (self.root / name).as_uri(): kind for name, kind in changed.items()}
        changes = [lsp.FileEvent(uri, kind) for uri, kind in uris.items() if self.watches(uri)]
        self.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams(changes))

    def watches(self, uri: str) -> bool:
        """Whether the server wants to know of a file; of globs those are understood that are like `**/{*.a,b}`."""
        return any(fnmatchcase(uri, f"*/{name}") for glob in self.globs for name in glob[4:-1].split(","))

    @property
    def globs(self) -> list[str]:
        """The files that the server wants to be told of."""
        wishes = [each for each in self.registered if each.method == lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES]
        return [watcher["globPattern"] for wish in wishes for watcher in _plain(wish.register_options)["watchers"]]

    def open(self, text: str, name: str = "sums.py", language: str = "python") -> Buffer:
        """Opens a document; `name` is a path below the root, or a URI."""
        uri = name if ":" in name else (self.root / name).as_uri()
        buffer = Buffer(self, uri, text)
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, language, 1, buffer.text))
        )
        return buffer


class Buffer:
    """An open document with a cursor, `offset` code points from its beginning."""

    def __init__(self, editor: Editor, uri: str, text: str) -> None:
        self.editor = editor
        self.uri = uri
        self.version = 1
        self.offset = text.index("‸") if "‸" in text else len(text)
        self.text = text.replace("‸", "")

    @property
    def cursor(self) -> lsp.Position:
        return self.position(self.offset)

    @property
    def line(self) -> str:
        """The cursor's line up to the cursor."""
        return split_lines(self.text[: self.offset])[-1]

    def position(self, offset: int) -> lsp.Position:
        *above, line = split_lines(self.text[:offset])
        return lsp.Position(len(above), units(line, self.editor.encoding))

    def range(self, start: int, end: int) -> lsp.Range:
        return lsp.Range(self.position(start), self.position(end))

    def replace(self, start: int, end: int, new: str) -> None:
        """Changes the text as an editor tells it, and puts the cursor behind the change."""
        change = lsp.TextDocumentContentChangePartial(self.range(start, end), new)
        self.version += 1
        self.editor.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(lsp.VersionedTextDocumentIdentifier(self.version, self.uri), [change])
        )
        self.text = self.text[:start] + new + self.text[end:]
        self.offset = start + len(new)

    def type(self, text: str, auto_closed: str = "") -> None:
        """Types at the cursor; an editor may put closing brackets behind it."""
        self.replace(self.offset, self.offset, text + auto_closed)
        self.offset -= len(auto_closed)

    def delete(self, count: int) -> None:
        """Deletes so many code points before the cursor."""
        self.replace(self.offset - count, self.offset, "")

    def close(self) -> None:
        self.editor.client.text_document_did_close(lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(self.uri)))

    def request(self, invoked: bool = False, selected: lsp.SelectedCompletionInfo | None = None) -> Any:
        """The parameters with which an editor asks for ghost text."""
        kind = lsp.InlineCompletionTriggerKind.Invoked if invoked else lsp.InlineCompletionTriggerKind.Automatic
        context = lsp.InlineCompletionContext(kind, selected)
        return lsp.InlineCompletionParams(context, lsp.TextDocumentIdentifier(self.uri), self.cursor)

    async def ghost(
        self, invoked: bool = False, selected: lsp.SelectedCompletionInfo | None = None
    ) -> list[lsp.InlineCompletionItem]:
        """The ghost texts at the cursor."""
        async with asyncio.timeout(PATIENCE):
            answer = await self.editor.client.text_document_inline_completion_async(self.request(invoked, selected))
        return [] if answer is None else list(answer.items)

    async def ghost_text(self, invoked: bool = False) -> str:
        """The text of the first ghost text; empty if there is none."""
        items = await self.ghost(invoked)
        return str(items[0].insert_text) if items else ""

    async def popup(self, kind: lsp.CompletionTriggerKind = lsp.CompletionTriggerKind.Invoked) -> Any:
        """The entries of the popup at the cursor."""
        character = "." if kind is lsp.CompletionTriggerKind.TriggerCharacter else None
        params = lsp.CompletionParams(
            lsp.TextDocumentIdentifier(self.uri), self.cursor, lsp.CompletionContext(kind, character)
        )
        async with asyncio.timeout(PATIENCE):
            return list((await self.editor.client.text_document_completion_async(params)).items)

    def applied(self, range: lsp.Range, text: str) -> str:
        """The text once an item has replaced its range."""
        start, end = (self._offset(position) for position in (range.start, range.end))
        return self.text[:start] + text + self.text[end:]

    def _offset(self, position: lsp.Position) -> int:
        return next(offset for offset in builtins.range(len(self.text) + 1) if self.position(offset) == position)


def units(text: str, encoding: str) -> int:
    """How long a text is in the units of an encoding."""
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 if encoding == "utf-16" else len(text)


def _client(editor: Editor) -> LanguageClient:
    client = make_test_lsp_client()

    @client.feature("didChangeStatus")
    def _(params: Any) -> None:
        editor.statuses.append(_plain(params))

    @client.feature(lsp.CLIENT_REGISTER_CAPABILITY)
    def _(params: lsp.RegistrationParams) -> None:
        editor.registered.extend(params.registrations)

    return client


def _plain(value: Any) -> Any:
    """pygls turns unknown objects into named tuples."""
    if hasattr(value, "_asdict"):
        return {key: _plain(each) for key, each in value._asdict().items()}
    return value
