"""A thread with an event loop, on which all talk with servers happens: it can be given up at any moment.

The model's thread waits for it, and looks meanwhile whether it should. Health checks run beside.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncGenerator, Coroutine, Iterator
from threading import Event, Thread
from typing import Any, TypeVar

from assistant.errors import Cancelled

GLANCE = 0.02
"""Seconds between two looks at whether a wait has been cancelled."""

T = TypeVar("T")


class Network:
    """An event loop on a thread of its own, from the first use on until it is closed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    @property
    def is_open(self) -> bool:
        return self._loop is not None

    def open(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = Thread(target=self._loop.run_forever, name="network", daemon=True)
            self._thread.start()
        return self._loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine gives. It must have a deadline of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.open()).result()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Lets a coroutine run in the background until the network is closed."""
        asyncio.run_coroutine_threadsafe(work, self.open())

    def stream(self, items: AsyncGenerator[T], cancelled: Event) -> Iterator[T]:
        """What comes, as it comes; closing it ends the work. Raises Cancelled, and what the work raises."""
        arrived = queue.SimpleQueue[tuple[T] | BaseException | None]()
        work = asyncio.run_coroutine_threadsafe(_passed(items, arrived), self.open())
        try:
            while (item := _next(arrived, cancelled)) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item[0]
        finally:
            work.cancel()

    def close(self) -> None:
        """Gives up all work, and ends the thread."""
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(_ended(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None


async def _passed(items: AsyncGenerator[T], arrived: queue.SimpleQueue[tuple[T] | BaseException | None]) -> None:
    try:
        async for item in items:
            arrived.put((item,))
        arrived.put(None)
    except BaseException as error:
        arrived.put(error)
        raise
    finally:
        await items.aclose()


async def _ended() -> None:
    """Cancels all tasks but this one, and waits for their ends."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _next(
    arrived: queue.SimpleQueue[tuple[T] | BaseException | None], cancelled: Event
) -> tuple[T] | BaseException | None:
    while True:
        if cancelled.is_set():
            raise Cancelled("the completion was given up while a server was writing")
        try:
            return arrived.get(timeout=GLANCE)
        except queue.Empty:
            continue
