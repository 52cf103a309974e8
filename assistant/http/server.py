"""`ghostwright serve`: listens, says where, and ends when it is asked to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import msgspec
import uvicorn
from starlette.types import ASGIApp

from assistant import app as assembly
from assistant.engine import Assistant
from assistant.errors import ModelError, RequestError
from assistant.http.app import create
from assistant.http.boundary import Admission, is_loopback
from assistant.http.changes import Changes
from assistant.http.connections import MOST, Connection
from assistant.http.folders import Folders
from assistant.http.metrics import Metrics
from assistant.http.queue import Queue
from assistant.http.service import Service
from assistant.plugins import Plugins
from assistant.settings import Settings
from assistant.threads import usable_cores
from assistant.types import writes_text
from assistant.worker import Worker
from retrieval.repository import repository_root

TOKEN = "GHOSTWRIGHT_TOKEN"
"""The environment variable that holds the token: other users of a machine see what stands in command lines."""

CLOSING = 5
"""Seconds that running answers have to end when the server does."""


def serve(
    host: str,
    port: int,
    roots: Sequence[Path],
    token: str,
    settings: Settings,
    parallel: int,
    tell: Callable[[str, str, Sequence[Path], bool], None],
) -> None:
    """Serves until it is interrupted. `tell` hears the address once clients can connect. Raises RequestError."""
    token = token.strip()  # a file's last line feed is none of it, and no client could send it
    if not (token.isascii() and token.isprintable()):
        raise RequestError(f"The token ({TOKEN}, or --token) has characters that no header can hold: take ASCII only.")
    if not is_loopback(host) and not token:
        raise RequestError(
            f"{host} can be reached by others, so a token is needed: set {TOKEN} to a long random text, e.g. to what "
            "`openssl rand -hex 32` prints, and send it as “Authorization: Bearer TOKEN”."
        )
    listener = listening(host, port)
    queue, folders = Queue(lambda: _worker(settings, parallel), parallel), Folders(roots)
    changes = Changes(folders.roots, queue.files_changed)
    try:
        _get_named(queue.first)
        service = Service(queue, folders, Metrics())
        server = _Server(_config(create(service, Admission(token))), queue.end)
        tell(f"http://{_written(host)}:{listener.getsockname()[1]}", queue.first.model.name, folders.roots, bool(token))
        server.run([listener])
    finally:
        changes.close()
        queue.close()
        listener.close()


class _Server(uvicorn.Server):
    """Ends when it is interrupted, and then lets its caller go on, who has more to end. A second time it is at once."""

    def __init__(self, config: uvicorn.Config, ends: Callable[[], None]) -> None:
        super().__init__(config)
        self._ends = ends

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets running answers end for a while, and then says that the loop `ends`."""
        await super().shutdown(sockets)
        self._ends()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def _config(application: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        limit_concurrency=MOST,
        timeout_graceful_shutdown=CLOSING,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )


def default_roots() -> list[Path]:
    """The repository around the working directory, or the directory itself."""
    folder = Path.cwd()
    return [repository_root(folder / "any") or folder]


def _worker(settings: Settings, parallel: int) -> Worker:
    """One of several that share the machine."""
    threads = max((settings.threads or usable_cores()) // parallel, 1) if parallel > 1 else settings.threads
    shared = msgspec.structs.replace(settings, threads=threads)
    return Worker(assembly.assemble(shared, Plugins(settings.disabled_plugins)), settings.idle_minutes * 60)


def _get_named(assistant: Assistant) -> None:
    """Asks for what a model on a server is called. What is wrong with that is told to whoever asks for something."""
    if writes_text(assistant.model):
        with suppress(ModelError):
            assistant.load()


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections. Raises RequestError where that is not possible."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # or asyncio leaves Nagle's delays on
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(MOST)
    except (OSError, OverflowError) as error:
        raise RequestError(
            f"Nothing can listen on {host}:{port}: {error}. Name another --port, or 0 for any."
        ) from None
    return listener


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host
