"""JSON-RPC over a child's pipes. Nobody who asks ever waits for a pipe: one thread writes, one reads.

Whatever goes wrong ends the connection with a reason, and with it everything that was asked.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, BinaryIO, TypeAlias

import msgspec

log = logging.getLogger(__name__)

LARGEST = 64 << 20
"""Bytes of a message, and bytes that may wait to be written."""

NULL = msgspec.Raw(b"null")

Reply: TypeAlias = "Future[msgspec.Raw]"


class ConnectionLost(Exception):  # noqa: N818 - says what happened
    """The connection has ended, for the reason given: “it ended”, “it wrote what is no message”."""


class RequestFailed(Exception):  # noqa: N818 - says what happened
    """The other side answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Message(msgspec.Struct):
    id: int | str | None = None
    method: str | None = None
    params: msgspec.Raw = NULL
    result: msgspec.Raw = NULL
    error: _Error | None = None


_decoder = msgspec.json.Decoder(_Message)


class Connection:
    """Requests out and replies in, notifications both ways.

    `notified` gets the method and parameters of each notification, `answer` those of each request from the other side
    and returns the result; both are called on the reading thread. `lost` is told once why the connection ended. Each
    pipe is closed by the thread that uses it, when the connection has ended.
    """

    def __init__(
        self,
        reader: BinaryIO,
        writer: BinaryIO,
        notified: Callable[[str, msgspec.Raw], None],
        answer: Callable[[str, msgspec.Raw], object],
        lost: Callable[[str], None],
    ) -> None:
        self.heard = time.monotonic()
        self._reader, self._writer = reader, writer
        self._notified, self._answer, self._lost = notified, answer, lost
        self._ids = itertools.count(1)
        self._waiting: dict[int, tuple[Reply, float]] = {}
        self._lock = Lock()
        self._end = ""
        self._outgoing: SimpleQueue[bytes | None] = SimpleQueue()
        self._backlog = 0

    def start(self) -> None:
        """Begins to read and to write."""
        Thread(target=self._read, name="language server reader", daemon=True).start()
        Thread(target=self._write, name="language server writer", daemon=True).start()

    def request(self, method: str, params: object) -> tuple[int, Reply]:
        """Asks. The reply raises ConnectionLost or RequestFailed; the number is for `cancel`."""
        reply: Reply = Future()
        with self._lock:
            if self._end:
                raise ConnectionLost(self._end)
            number = next(self._ids)
            self._waiting[number] = reply, time.monotonic()
        self._send({"id": number, "method": method, "params": params})
        return number, reply

    def notify(self, method: str, params: object) -> None:
        """Tells. On a connection that has ended nothing happens."""
        self._send({"method": method, "params": params})

    def cancel(self, number: int) -> None:
        """Says that a reply is no longer wanted. It may still come."""
        with self._lock:
            waiting = number in self._waiting
        if waiting:
            self.notify("$/cancelRequest", {"id": number})

    def waiting(self) -> float:
        """For how many seconds the oldest reply that has not come is waited for; 0 if none is."""
        with self._lock:
            oldest = min((asked for _, asked in self._waiting.values()), default=None)
        return 0 if oldest is None else time.monotonic() - oldest

    def silence(self) -> float:
        """For how many seconds nothing at all has come although a reply is waited for."""
        return min(self.waiting(), time.monotonic() - self.heard)

    def close(self, reason: str) -> None:
        """Ends the connection: all who wait are told the reason."""
        with self._lock:
            if self._end:
                return
            self._end = reason
            waiting, self._waiting = self._waiting, {}
        self._outgoing.put(None)
        for reply, _ in waiting.values():
            reply.set_exception(ConnectionLost(reason))
        self._lost(reason)

    def _send(self, message: dict[str, object]) -> None:
        body = msgspec.json.encode({"jsonrpc": "2.0", **message})
        data = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        with self._lock:
            self._backlog += len(data)
            full = self._backlog > LARGEST
        if full:
            self.close("it no longer reads what it is sent")
        else:
            self._outgoing.put(data)

    def _write(self) -> None:
        with suppress(OSError), self._writer as writer:
            while (data := self._outgoing.get()) is not None:
                writer.write(data)
                writer.flush()
                with self._lock:
                    self._backlog -= len(data)
        self.close("it ended")

    def _read(self) -> None:
        with suppress(OSError), self._reader:
            try:
                while (message := self._next()) is not None:
                    self._handle(message)
            except (ValueError, msgspec.MsgspecError) as error:
                self.close(f"it wrote what is no message: {error}")
        self.close("it ended")

    def _next(self) -> _Message | None:
        """The next message, None at the end. Raises ValueError for what is none."""
        size = None
        while line := self._reader.readline(4096):
            self.heard = time.monotonic()
            if line == b"\r\n":
                break
            name, colon, value = line.partition(b":")
            if not colon or not line.endswith(b"\n"):
                raise ValueError(repr(line[:80]))
            if name.strip().lower() == b"content-length":
                size = int(value)
        else:
            return None
        if size is None or not 0 <= size <= LARGEST:
            raise ValueError(f"a message of {size} bytes")
        body = self._reader.read(size)
        self.heard = time.monotonic()
        return _decoder.decode(body) if len(body) == size else None

    def _handle(self, message: _Message) -> None:
        if message.method is None:
            self._resolve(message)
        elif message.id is None:
            self._call(self._notified, message)
        else:
            self._send({"id": message.id, "result": self._call(self._answer, message)})

    def _resolve(self, message: _Message) -> None:
        with self._lock:
            waiting = self._waiting.pop(message.id, None) if isinstance(message.id, int) else None
        if waiting is None:
            return
        reply, _ = waiting
        if message.error is not None:
            reply.set_exception(RequestFailed(message.error.code, message.error.message))
        else:
            reply.set_result(message.result)

    def _call(self, function: Callable[[str, msgspec.Raw], Any], message: _Message) -> object:
        """What a message has us do. Its parameters may be anything, so a mistake in them costs that message alone."""
        try:
            return function(message.method or "", message.params)
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            log.debug("A %s that nobody understands: %s", message.method, error)
            return None
