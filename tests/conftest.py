"""What all tests share: neither settings of the person who runs them nor a busy machine matter; editors and servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from editor import Editor
from language_server_tools import LONG

from language_servers.catalog import installed, named
from language_servers.client import LanguageServer

pytest.register_assert_rewrite("model_contract")


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_the_user(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GHOSTWRIGHT_CONFIG", str(tmp_path_factory.mktemp("settings") / "none.toml"))
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_hurry():
    """A machine that is busy for seconds cuts no completion off and leaves no source out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assistant.engine.DEADLINE", LONG)
        patch.setattr("assistant.context.SECONDS", LONG)
        yield


@pytest_asyncio.fixture(loop_scope="module")
async def start_editor(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Editor]]]:
    """Starts editors below a folder of the test; what is still running in the end is closed."""
    editors: list[Editor] = []

    async def start(root: Path = tmp_path, encoding: str = "utf-16", **options: Any) -> Editor:
        editor = Editor(root, encoding)
        editors.append(editor)
        await editor.start(**options)
        return editor

    yield start
    for editor in editors:
        await editor.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    """An editor with ghost text, for all tests of a module that need no special one; each opens files of its own."""
    editor = Editor(tmp_path_factory.mktemp("workspace"))
    await editor.start()
    yield editor
    await editor.close()


@pytest.fixture(scope="module")
def server_of(root: Path) -> Iterator[Callable[[str], LanguageServer]]:
    """Real servers by name, in the folder that a test module's own fixture `root` makes."""
    servers: dict[str, LanguageServer] = {}

    def server_of(name: str) -> LanguageServer:
        if name not in servers:
            entry = named(name)
            assert entry
            program = installed(entry)
            assert program, f"{name} is not installed"
            servers[name] = LanguageServer(entry, program, root)
            assert servers[name].wait_until_ready(LONG), servers[name].silences
        return servers[name]

    yield server_of
    for server in servers.values():
        server.close()


@pytest.fixture
def ty(server_of: Callable[[str], LanguageServer]) -> LanguageServer:
    return server_of("ty")


@pytest.fixture(params=["ty", "pyrefly"])
def checker(request: pytest.FixtureRequest, server_of: Callable[[str], LanguageServer]) -> LanguageServer:
    return server_of(request.param)
