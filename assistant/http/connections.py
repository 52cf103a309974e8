"""Connections that do not wait for ever: a client that sends its head byte by byte (slow loris) is let go."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""How long a connection may take until the head of its first request is there."""

MOST = 512
"""Connections at a time."""


class Connection(H11Protocol):
    """uvicorn's own, with an end to waiting. Between two requests it is uvicorn's `timeout_keep_alive` that ends it.

    Each byte ends that wait, so a later request's head is waited for anew.
    """

    seconds = HEAD_SECONDS
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        cycle = self.cycle
        if self._timer is None and (cycle is None or cycle.response_complete):
            self._wait_for_head()
        super().data_received(data)
        if self.cycle is not cycle:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(self.seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.close()
