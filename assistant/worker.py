"""The model's own thread, seen from the event loop. The newest request wins; older ones end within a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from assistant.cancellation import Cancellation
from assistant.engine import Assistant
from assistant.errors import Cancelled
from assistant.types import Answer, CompletionRequest

T = TypeVar("T")


class Worker:
    """Runs an assistant beside the event loop, and lets its model go when nothing was asked for `idle` seconds."""

    def __init__(self, assistant: Assistant, idle: float) -> None:
        self.assistant = assistant
        self._idle = idle
        self._executor = ThreadPoolExecutor(1, "model")
        self._cancelled = Cancellation()
        self._timer: asyncio.TimerHandle | None = None

    async def complete(self, request: CompletionRequest) -> Answer:
        """The answer to a request. Raises assistant.errors.Cancelled when a newer one has come."""
        return await self.run(lambda cancelled: self.assistant.complete(request, cancelled))

    async def load(self) -> None:
        """Gets the model ready, so that the first request need not wait for it."""
        await self.run(lambda cancelled: self.assistant.load())

    async def run(self, work: Callable[[Event], T]) -> T:
        """Runs something on the model's thread; what was running or waiting there is cancelled."""
        self.cancel()
        cancelled = self._cancelled = Cancellation()
        self._restart_timer()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, _unless_cancelled, work, cancelled)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def settle(self) -> None:
        """Waits until nothing is running: what is cancelled may take a while to notice."""
        await asyncio.get_running_loop().run_in_executor(self._executor, lambda: None)

    def cancel(self) -> None:
        """Ends what is running."""
        self._cancelled.set()

    def close(self, unload: bool = True) -> None:
        """Ends what is running, and gives the model's memory back unless another worker goes on with it."""
        self.abandon()
        if unload:
            self._executor.submit(self.assistant.unload)
        self._executor.submit(self.assistant.close)
        self._executor.shutdown(wait=True)

    def abandon(self) -> None:
        """Ends what is running without waiting for its end."""
        self.cancel()
        if self._timer:
            self._timer.cancel()

    def _restart_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._idle, self._executor.submit, self.assistant.unload)


def _unless_cancelled(work: Callable[[Event], T], cancelled: Event) -> T:
    """What was superseded while it waited for the thread costs nothing."""
    if cancelled.is_set():
        raise Cancelled("a newer request has come")
    return work(cancelled)
