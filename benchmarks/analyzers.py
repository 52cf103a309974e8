"""Language servers as an editor would have them when somebody gets to a cursor: started, and having read the file."""

from __future__ import annotations

from contextlib import suppress

from cursors import Cursor

from language_servers.analyzer import Document, NoAnswer
from language_servers.client import LanguageServer
from language_servers.servers import Servers

PATIENCE = 20.0
"""Seconds that a server may take where it is not timed."""


def started(servers: Servers, cursor: Cursor) -> LanguageServer:
    """The server of a cursor's workspace. Raises SystemExit if none is installed, or it does not start."""
    server = servers.of(cursor.path, "python", cursor.root)
    if not isinstance(server, LanguageServer) or not server.wait_until_ready(PATIENCE):
        raise SystemExit("The language server is not installed, or does not start.")
    return server


def read_so_far(servers: Servers, cursor: Cursor) -> None:
    """Lets the server read a cursor's file without its line, as it has when somebody begins that line."""
    begin = cursor.text.rfind("\n", 0, cursor.offset) + 1
    document = Document(cursor.path, "python", cursor.text[:begin] + cursor.text[cursor.end :])
    with suppress(NoAnswer):
        started(servers, cursor).diagnostics(document, PATIENCE)
