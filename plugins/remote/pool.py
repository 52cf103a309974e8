"""Several servers of one model: which is asked, what happens when one fails, and when it is asked again."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from threading import Event

from assistant.errors import GhostwrightError, RequestError, ServerError
from assistant.formats import Format
from assistant.types import Chunk
from plugins.remote.dialects import Ask
from plugins.remote.examining import examined
from plugins.remote.network import Network
from plugins.remote.prompts import BY_SERVER, choice
from plugins.remote.server import Interrupted, Server, Trouble
from plugins.remote.traits import Traits

log = logging.getLogger(__name__)

TICK = 0.25
"""Seconds between two looks at the clock for what is to be tried again."""

PATIENCE = 2
"""How many times as long as for a first token it may take to find out what a server can do."""


class Pool:
    """The servers of one model, each user's in another order: prompts go where their beginnings are remembered."""

    def __init__(self, servers: Sequence[Server], format_name: str = "") -> None:
        self.servers = random.sample(servers, len(servers))
        self._format_name = format_name
        self._network = Network()
        self._looked = 0.0
        self.format: Format = BY_SERVER
        self.reason = ""

    @property
    def is_up(self) -> bool:
        """Whether a server may be asked now; before the first time, one may."""
        return not self._network.is_open or any(server.is_up for server in self.servers)

    @property
    def problem(self) -> str:
        """Why none is asked, in sentences; empty if one may be."""
        return "" if self.is_up else " ".join(dict.fromkeys(server.problem for server in self.servers))

    @property
    def traits(self) -> Traits:
        """What the server that is asked next is. Raises ServerError."""
        traits = self._next().traits
        assert traits is not None
        return traits

    @property
    def shared(self) -> list[Traits]:
        """What the servers are that may be asked next: who is asked in the end is known when it is."""
        return [server.traits for server in self.servers if server.is_up and server.traits] or [self.traits]

    def open(self) -> None:
        """Examines all servers, once, and looks after them from then on. Raises ServerError if none can be used."""
        if not self._network.is_open:
            self._network.run(self._examined(self.servers))
            self._network.start(self._looked_after())
        self._next()

    def chunks(self, ask: Ask, cancelled: Event) -> Iterator[Chunk]:
        """What a server writes that has little to do. Raises Cancelled, ServerError: then another may be asked.

        What it minds of a client's request is a RequestError.
        """
        yield from self._network.stream(self._written(self._next(), ask), cancelled)

    def scored(self, ask: Ask, cancelled: Event) -> list[Chunk]:
        """The tokens of a prompt with their probabilities, if they are told. Raises as `chunks` does."""
        return next(self._network.stream(self._scored(self._next(), ask), cancelled), [])

    def close(self) -> None:
        """Ends all talk with the servers."""
        if self._network.is_open:
            self._network.run(_closed(self.servers))
            self._network.close()

    def _next(self) -> Server:
        up = [server for server in self.servers if server.is_up]
        if not up:
            raise ServerError(self.problem or "There is no server.")
        return min(up, key=lambda server: server.busy)

    async def _written(self, server: Server, ask: Ask, again: bool = True) -> AsyncGenerator[Chunk]:
        """What a server writes; one that fails is left alone. Raises Trouble, RequestError.

        It is asked again without an expression that it refuses, and once more for the rest where it is interrupted.
        """
        told = list[str]()
        try:
            async with aclosing(server.write(ask)) as written:
                async for chunk in written:
                    told.append(chunk.text)
                    yield chunk
            return
        except Trouble as error:
            trouble = error
        if (rest := _rest(trouble, ask, told, again)) is None:
            raise _blamed(server, trouble, ask)
        known = "".join(told).removeprefix(rest.written[len(ask.written) :])  # what it is to write again
        async for chunk in self._written(server, rest, again=False):
            if not known:
                yield chunk
            elif not known.startswith(chunk.text):
                raise _blamed(server, trouble, ask)
            known = known.removeprefix(chunk.text)

    async def _scored(self, server: Server, ask: Ask) -> AsyncGenerator[list[Chunk]]:
        """The tokens of a prompt with their probabilities, at once. Raises Trouble, RequestError."""
        try:
            yield await server.scored(ask)
        except Trouble as error:
            raise _blamed(server, error, ask) from None

    async def _looked_after(self) -> None:
        """Tries again what has failed, and looks now and then whether the others are well."""
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            await self._examined([server for server in self.servers if server.problem and now >= server.until])
            if now >= self._looked + self.servers[0].waits.look:
                self._looked = now
                await asyncio.gather(*(_looked_at(server) for server in self.servers if server.is_up))

    async def _examined(self, servers: Sequence[Server]) -> None:
        for server, error in zip(servers, await asyncio.gather(*map(_tried, servers)), strict=True):
            if not error:
                error = self._fits(server)
            if error:
                server.failed(error)
            else:
                server.mended()

    def _fits(self, server: Server) -> str:
        """Why a server's model is another one than that of the others; empty if it is not. The first one decides."""
        assert server.traits is not None
        found = choice(server.traits, self._format_name)
        if not self.reason:
            self.format, self.reason = found.format, found.reason
        if found.format is not self.format:
            return f"The model's server at {server.shown} has another model, {server.traits.model}, and is left out."
        if found.format is BY_SERVER:
            server.traits = replace(server.traits, shape=server.traits.makes)
        return ""


def _rest(error: Trouble, ask: Ask, told: Sequence[str], again: bool) -> Ask | None:
    """What to ask the same server for once more after it was interrupted, or refused an expression; None if nothing.

    Nobody goes on in the middle of an expression: such a text is written again from its beginning.
    """
    if not told and error.is_ours and ask.expression:
        return replace(ask, expression="")
    if not (again and isinstance(error, Interrupted)):
        return None
    if ask.expression:
        return ask
    left = None if ask.tokens is None else max(ask.tokens - len(told), 1)
    return replace(ask, tokens=left, written=ask.written + "".join(told))


def _blamed(server: Server, error: Trouble, ask: Ask) -> GhostwrightError:
    """What to raise for a trouble: a server is left alone for a while that is to blame for it."""
    if error.is_ours and ask.for_client:
        return RequestError(f"The model's server refuses the request: {error.reason}.")
    server.failed(str(error), error.after)
    return error


async def _tried(server: Server) -> str:
    """What is wrong with a server; empty if nothing is."""
    try:
        async with asyncio.timeout(PATIENCE * server.waits.first):
            server.traits = await examined(server)
    except ServerError as error:
        return str(error)
    except TimeoutError:
        return f"The model's server at {server.shown} cannot be used: it does not answer in time."
    except Exception as error:  # what servers say may be anything
        log.debug("%s", server.shown, exc_info=error)
        return f"The model's server at {server.shown} cannot be used: {error!r}."
    return ""


async def _looked_at(server: Server) -> None:
    try:
        await server.look()
    except ServerError as error:
        server.failed(str(error))


async def _closed(servers: Sequence[Server]) -> None:
    for server in servers:
        await server.close()
