"""The language server as a process, driven by a client: what an editor sees."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities, make_test_lsp_client

from pytest_lsp import fixture as lsp_fixture

SERVER = [sys.executable, "-m", "assistant", "lsp"]
HEAD = '"""Sums."""\n\n\ndef add(first, second):\n    return first + second\n\n\n'


def make_client() -> LanguageClient:
    client = make_test_lsp_client()
    client.statuses = []

    @client.feature("didChangeStatus")
    def _(params):
        client.statuses.append(params)

    return client


CONFIG = ClientServerConfig(server_command=SERVER, client_factory=make_client)


async def start(client: LanguageClient, root: Path, encodings=None, **options) -> lsp.InitializeResult:
    capabilities = client_capabilities("neovim")
    capabilities.general = lsp.GeneralClientCapabilities(position_encodings=encodings or ["utf-16"])
    capabilities.text_document.inline_completion = lsp.InlineCompletionClientCapabilities()
    result = await client.initialize_session(
        lsp.InitializeParams(
            capabilities=capabilities,
            initialization_options={"min_probability": 0.0, "debounce": 0, **options},
            workspace_folders=[lsp.WorkspaceFolder(root.as_uri(), "root")],
        )
    )
    await ready(client)
    return result


async def ready(client: LanguageClient) -> None:
    async with asyncio.timeout(60):
        while not any(status.message.startswith("Ready") for status in client.statuses):
            await asyncio.sleep(0.02)


@lsp_fixture(config=CONFIG)
async def client(lsp_client: LanguageClient, tmp_path: Path):
    lsp_client.root = tmp_path
    yield
    await lsp_client.shutdown_session()


def open_document(client: LanguageClient, text: str, name: str = "sums.py", language: str = "python") -> str:
    uri = (client.root / name).as_uri()
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, language, 1, text)))
    return uri


async def ask(client, uri, line, character, invoked=False, selected=None) -> list[lsp.InlineCompletionItem]:
    kind = lsp.InlineCompletionTriggerKind.Invoked if invoked else lsp.InlineCompletionTriggerKind.Automatic
    params = lsp.InlineCompletionParams(
        lsp.InlineCompletionContext(kind, selected), lsp.TextDocumentIdentifier(uri), lsp.Position(line, character)
    )
    answer = await client.text_document_inline_completion_async(params)
    return answer.items


async def test_ghost_text(client):
    result = await start(client, client.root)
    assert result.capabilities.inline_completion_provider is not None
    uri = open_document(client, HEAD + "def total(numbers):\n    return su")
    items = await ask(client, uri, 8, 13)
    assert items[0].insert_text.startswith("m(")
    assert items[0].range == lsp.Range(lsp.Position(8, 13), lsp.Position(8, 13))
    assert items[0].command.command == "ghostwright.accepted"
