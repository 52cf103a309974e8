"""The HTTP server as its clients see it: in a thread with a model of bytes, or as a process with the real one."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fakes import ByteModel

from assistant.app import knowledge
from assistant.engine import Assistant
from assistant.http.app import create
from assistant.http.boundary import Admission
from assistant.http.connections import Connection
from assistant.http.folders import Folders
from assistant.http.metrics import Metrics
from assistant.http.queue import Queue
from assistant.http.server import listening
from assistant.http.service import Service
from assistant.settings import Settings
from assistant.worker import Worker
from retrieval.repository import excluded

PATIENCE = 60.0
"""Seconds after which a test gives up waiting."""


def until(condition: Callable[[], object], what: str) -> Any:
    """What a condition gives once it is true."""
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE:g} seconds for {what}"
        time.sleep(0.01)
    return result


@dataclass
class Served:
    """A server in a thread of the test, with models that the test can look into."""

    root: Path
    models: list[Any] = field(default_factory=lambda: [ByteModel("f(y)\n")])
    stand_in: Any = None
    token: str = ""
    seconds: float = 60.0
    body_seconds: float = 20.0
    head_seconds: float = 10.0
    knowledge: bool = False

    def __post_init__(self) -> None:
        models = iter(self.models)
        self.queue = Queue(
            lambda: Worker(assistant(next(models), self.knowledge, self.stand_in), idle=600),
            len(self.models),
            self.seconds,
        )
        self.service = Service(self.queue, Folders([self.root]), Metrics())
        self.app = create(self.service, Admission(self.token), self.body_seconds)

    @property
    def model(self) -> Any:
        return self.models[0]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers | headers, timeout=PATIENCE)

    def post(self, path: str, body: Mapping[str, Any] | bytes, **headers: str) -> httpx.Response:
        """An answer on a connection of its own."""
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        with self.client(**headers) as client:
            return client.post(path, **content)

    def get(self, path: str, **headers: str) -> httpx.Response:
        with self.client(**headers) as client:
            return client.get(path)

    def start(self) -> None:
        listener = listening("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        connection = type("Short", (Connection,), {"seconds": self.head_seconds})
        config = uvicorn.Config(self.app, http=connection, ws="none", log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        until(lambda: self._server.started, "the server to listen")

    def stop(self) -> None:
        for model in self.models:
            if isinstance(model, ByteModel):
                model.resume()
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self.queue.close()


def assistant(model: Any, with_knowledge: bool = False, stand_in: Any = None) -> Assistant:
    """One with nothing but a model; and with what can be known of a repository without a language server."""
    settings = Settings(min_probability=0.0, language_servers={"python": ""})
    known = knowledge(settings) if with_knowledge else None
    return Assistant(model, settings, excluded=excluded, knowledge=known, stand_in=stand_in)


@contextlib.contextmanager
def served(root: Path, *models: Any, **options: Any) -> Iterator[Served]:
    """A server that ends with the block."""
    server = Served(root, list(models) or [ByteModel("f(y)\n")], **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def process(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Iterator[tuple[subprocess.Popen, str]]:
    """`ghostwright serve` on a free port, and the address that it names."""
    command = [sys.executable, "-m", "assistant", "serve", "--port", "0", *arguments]
    environment = {**os.environ, **(env or {})}
    server = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    try:
        assert server.stdout
        line = server.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + server.stdout.read()
        yield server, found[0]
    finally:
        server.terminate()
        server.wait(PATIENCE)
