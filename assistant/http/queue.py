"""Lets many clients share a few workers: in turn, in bounded numbers, for a bounded time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import TypeVar

from assistant.engine import Assistant
from assistant.http.problems import Problem
from assistant.http.turns import Client, Turns
from assistant.worker import Worker

T = TypeVar("T")

Work = Callable[[Assistant, Event], T]
Telling = Callable[[Assistant, Event, Callable[[T], None]], bool]
"""Work that tells of what it has as it goes. False if it wants to go on when its turn comes again."""

WAITING = 256
"""Requests that wait at most; beyond that those are still let in who have none waiting."""

WAITING_EACH = 64
"""Requests that wait at most of one client."""

SECONDS = 60.0
"""How long a request may take, waiting included."""

GRACE = 20.0
"""Seconds that work which was given up may go on before its thread is left to itself."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """Raises Problem where something takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Problem(504, f"It took more than {seconds:g} seconds. Ask for less at once.") from None


class Queue:
    """Workers, and those who wait for one. `make` makes a worker, and another one for one that hangs."""

    def __init__(self, make: Callable[[], Worker], workers: int = 1, seconds: float = SECONDS) -> None:
        self._make = make
        self._workers = [make() for _ in range(workers)]
        self._free = list(self._workers)
        self._turns = Turns[asyncio.Future[Worker]]()
        self.seconds = seconds
        self._usual = 0.5
        self._releasing = set[asyncio.Task[None]]()
        self._is_ending = False

    @property
    def workers(self) -> Sequence[Worker]:
        return self._workers

    @property
    def first(self) -> Assistant:
        """For questions that need no model."""
        return self._workers[0].assistant

    @property
    def waiting(self) -> int:
        return len(self._turns)

    @property
    def running(self) -> int:
        return len(self._workers) - len(self._free)

    async def run(self, client: Client, work: Work[T]) -> T:
        """What the work gives, when it is the client's turn. Raises Problem where it is too much or takes too long."""
        async with in_time(self.seconds):
            return await self._run(client, work)

    async def stream(self, client: Client, work: Telling[T]) -> AsyncGenerator[T]:
        """What the work tells of, as it does. Who stops listening ends the work."""
        loop, told = asyncio.get_running_loop(), asyncio.Queue[T | None]()

        def tell(thing: T | None) -> None:
            loop.call_soon_threadsafe(told.put_nowait, thing)

        async def run() -> None:
            has_begun = False
            async with in_time(self.seconds):
                while not await self._run(client, lambda assistant, stop: work(assistant, stop, tell), has_begun):
                    has_begun = True

        running = asyncio.create_task(run())
        running.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (thing := await told.get()) is not None:
                yield thing
            await running
        finally:
            running.cancel()

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk."""
        for worker in self._workers:
            worker.assistant.files_changed(paths)

    def end(self) -> None:
        """Says that the loop is about to end: what is given up from now on is waited for by `close`."""
        self._is_ending = True

    def close(self) -> None:
        """Ends what is running. Waits for it."""
        for worker in self._workers:
            worker.close()

    async def _run(self, client: Client, work: Work[T], has_begun: bool = False) -> T:
        async with self._worker(client, has_begun) as worker:
            return await worker.run(lambda cancelled: work(worker.assistant, cancelled))

    @asynccontextmanager
    async def _worker(self, client: Client, has_begun: bool) -> AsyncIterator[Worker]:
        worker = await self._turn(client, has_begun)
        begin = time.monotonic()
        try:
            yield worker
        except asyncio.CancelledError:
            self._release_later(worker)
            raise
        except BaseException:
            self._release(worker)
            raise
        else:
            self._usual += (time.monotonic() - begin - self._usual) / 8
            self._release(worker)

    async def _turn(self, client: Client, has_begun: bool) -> Worker:
        """The next worker for a client. Raises Problem if too many wait, but not for what has begun already."""
        if self._free:
            return self._free.pop(0)
        waiting = self._turns.of(client)
        if not has_begun and (waiting >= WAITING_EACH or (waiting and len(self._turns) >= WAITING)):
            raise Problem(429, "Too many requests are waiting. Come again later.", retry=max(self._usual * waiting, 1))
        turn: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._turns.add(client, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            self._turns.remove(client, turn)
            if turn.done() and not turn.cancelled():  # its turn had just come
                self._release(turn.result())
            raise

    def _release(self, worker: Worker) -> None:
        while self._turns:
            turn = self._turns.take()
            if not turn.done():
                turn.set_result(worker)
                return
        self._free.append(worker)
        self._free.sort(key=self._workers.index)  # the first one remembers most

    def _release_later(self, worker: Worker) -> None:
        """Once the thread has noticed that its work was given up. One that does not is left to itself."""
        if self._is_ending:
            return
        task = asyncio.create_task(self._settled(worker))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)

    async def _settled(self, worker: Worker) -> None:
        try:
            await asyncio.wait_for(worker.settle(), GRACE)
        except TimeoutError:
            log.error("A worker did not stop within %g seconds and is replaced", GRACE)
            worker.abandon()
            another = await asyncio.to_thread(self._make)
            self._workers[self._workers.index(worker)] = another
            worker = another
        self._release(worker)
