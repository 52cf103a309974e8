"""What all dialects share: who is asked, which files may be read, and how a request of ours is made."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from threading import Event, Lock
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from assistant.engine import Assistant
from assistant.http.folders import Folders
from assistant.http.metrics import Metrics
from assistant.http.naming import called
from assistant.http.problems import Problem
from assistant.http.queue import Queue, in_time
from assistant.http.turns import Client
from assistant.http.writing import SLICE, Piece, Writing
from assistant.types import Answer, CompletionRequest, Trigger

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that the first completion on request in a folder waits for the language server; automatic ones never do."""

OPENED = 4_096
"""Files and folders that are remembered as open."""

ASIDE, ASKING = 4, 8
"""Questions without the model that one client may have under way, and that are answered at a time."""


class Service:
    """One for a server. It is handed to the dialects by `Serving`."""

    def __init__(self, queue: Queue, folders: Folders, metrics: Metrics) -> None:
        self.queue = queue
        self.folders = folders
        self.metrics = metrics
        self._asides = Counter[Client]()
        self._asking = ThreadPoolExecutor(ASKING, "questions")  # which may take long: files are read in other threads
        self._opened: dict[Hashable, None] = {}
        self._opening = Lock()
        metrics.watch("ghostwright_waiting", "Requests that wait for a worker", lambda: queue.waiting)
        metrics.watch("ghostwright_running", "Workers at work", lambda: queue.running)
        metrics.watch("ghostwright_tokens", "Tokens that the model has computed", self._evaluated)

    @property
    def model(self) -> str:
        """The model's name."""
        return called(self.queue.first.model)

    async def complete(self, client: Client, request: CompletionRequest, fresh: bool = False) -> Answer:
        """The engine's answer, when it is the client's turn. Raises Problem, ModelError."""
        return await self.queue.run(client, lambda assistant, stop: self._completed(assistant, request, stop, fresh))

    def drafts(self, client: Client, request: CompletionRequest, fresh: bool) -> AsyncGenerator[str | Answer]:
        """What is being written, again and again, and in the end the answer."""

        def work(assistant: Assistant, stop: Event, tell: Callable[[str | Answer], None]) -> bool:
            tell(self._completed(assistant, request, stop, fresh, tell))
            return True

        return self.queue.stream(client, work)

    async def write(self, client: Client, writing: Writing) -> AsyncGenerator[Piece]:
        """What the model writes by itself, piece by piece. After a while others have their turn in between."""

        def work(assistant: Assistant, stop: Event, tell: Callable[[Piece], None]) -> bool:
            end = time.monotonic() + SLICE
            for piece in writing.go_on(assistant, stop):
                tell(piece)
                if self.queue.waiting and time.monotonic() > end:
                    writing.pause()
                    return False
            return True

        try:
            async with aclosing(self.queue.stream(client, work)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            writing.close()

    async def aside(self, client: Client, work: Callable[[Event], T]) -> T:
        """What a question without the model leads to, in a thread of its own. Raises Problem, RequestError."""
        if self._asides[client] >= ASIDE:
            raise Problem(429, f"You have {ASIDE} questions under way. Wait for an answer first.", retry=1)
        self._asides[client] += 1
        stop = Event()
        try:
            async with in_time(self.queue.seconds):
                return await asyncio.get_running_loop().run_in_executor(self._asking, work, stop)
        finally:
            stop.set()
            self._asides -= Counter((client,))

    def _completed(
        self,
        assistant: Assistant,
        request: CompletionRequest,
        stop: Event,
        fresh: bool,
        tell: Callable[[str], None] = lambda text: None,
    ) -> Answer:
        """The engine's answer, with the seconds that opening the file took."""
        begin = time.perf_counter()
        self._open(assistant, request)
        opened = time.perf_counter() - begin
        answer = assistant.complete(request, stop, tell, fresh)
        return replace(answer, timings={"open": opened, **answer.timings})

    def _open(self, assistant: Assistant, request: CompletionRequest) -> None:
        """Shows a file to the assistant, as an editor does once; waits where its language server has yet to start."""
        file = assistant, request.path
        if file in self._opened:
            return
        folder = assistant, request.root or request.path.parent, request.language
        is_first = folder not in self._opened and request.trigger is Trigger.INVOKED
        assistant.open(request, PATIENCE if is_first else 0.0)
        with self._opening:
            self._opened |= {file: None, folder: None}
            while len(self._opened) > OPENED:
                del self._opened[next(iter(self._opened))]

    def _evaluated(self) -> float:
        return sum(model.evaluated for worker in self.queue.workers for model in worker.assistant.models)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _client(request: Request) -> Client:
    client: Client = request.state.client
    return client


Serving = Annotated[Service, Depends(_service)]
Asking = Annotated[Client, Depends(_client)]


async def begun(told: AsyncGenerator[T]) -> AsyncIterator[T]:
    """The same, once its first piece is there: what is wrong from the beginning is raised while it can be told."""
    first = await anext(told)

    async def going_on() -> AsyncIterator[T]:
        async with aclosing(told):
            yield first
            async for each in told:
                yield each

    return going_on()
