"""What becomes of a raw prompt where its server writes unusual lines, or breaks off at unusual places."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from remote_tools import QUICK, remote, served

from assistant.passing import Errand, Passing, passed_on
from assistant.types import NEVER
from plugins.remote.server import Server

Events = Callable[[dict[str, Any]], Iterator[dict[str, Any]]]
"""What a server tells of what it is asked for."""

PROMPT = "x = "
DONE = {"text": "", "finish_reason": "stop"}


class BreakOffError(Exception):
    """Ends the connection in the middle of an answer."""


@contextmanager
def asked(events: Events) -> Iterator[tuple[Passing, list[dict[str, Any]]]]:
    """A model on a server, and what that is asked for about the prompt. To all others it says that it is over."""
    app, bodies = FastAPI(), list[dict[str, Any]]()

    @app.get("/v1/models")
    def models() -> Any:
        return {"data": [{"id": "model"}]}

    @app.post("/v1/completions")
    def completions(body: dict[str, Any]) -> Any:
        is_ours = body["prompt"].startswith(PROMPT)
        bodies.extend([body] if is_ours else [])
        return StreamingResponse(map(_line, events(body) if is_ours else [DONE]), media_type="text/event-stream")

    with served(app) as url:
        model = remote(url, waits=QUICK)
        try:
            yield model, bodies
        finally:
            model.unload()


def _line(event: dict[str, Any]) -> bytes:
    return f"data: {json.dumps({'choices': [event]}, ensure_ascii=False)}\r\n\r\n".encode()


def written(model: Passing, tokens: int) -> tuple[str, bool]:
    """A text, and whether the model ended it."""
    chunks = list(passed_on(model, Errand(PROMPT, tokens=tokens), NEVER))
    return "".join(chunk.text for chunk in chunks), chunks[-1].is_end


def test_characters_that_end_lines_elsewhere_may_stand_in_a_text():
    text = "a\u2028b\u2029c\x85d"
    with asked(lambda body: iter([{"text": text}, DONE])) as (model, _):
        assert written(model, 9) == (text, True)
        assert model.is_up


def test_a_text_that_is_over_is_not_gone_on_with_where_its_counts_are_missing():
    def events(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from ({"text": "ab"}, DONE)
        raise BreakOffError

    with asked(events) as (model, bodies):
        assert written(model, 9) == ("ab", True)
        assert (len(bodies), model.is_up) == (1, True)


def test_no_more_tokens_come_than_are_wanted_where_a_server_breaks_off_behind_the_last_one():
    def events(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for _ in range(body["max_tokens"]):
            yield {"text": "a"}
        raise BreakOffError

    with asked(events) as (model, bodies):
        assert written(model, 4) == ("aaaa", False)
        assert (len(bodies), model.is_up) == (1, True)


def test_no_connection_is_used_again_that_was_idle_for_too_long(monkeypatch):
    monkeypatch.setattr("plugins.remote.connections.IDLE", 0.0)
    app, ports = FastAPI(), list[int]()

    @app.get("/v1/models")
    def models(request: Request) -> Any:
        ports.append(request.client.port if request.client else 0)
        return {"data": [{"id": "model"}]}

    async def asked_twice(server: Server) -> None:
        await server.listed()
        await server.listed()
        await server.close()

    with served(app) as url:
        asyncio.run(asked_twice(Server(url, waits=QUICK)))
    assert len(set(ports)) == 2


async def test_a_connection_that_the_server_closes_when_it_is_used_again_is_no_fault_of_the_server():
    body = json.dumps({"data": [{"id": "model"}]})
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    async def answered_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answered_once, "127.0.0.1", 0) as listening:
        server = Server(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", waits=QUICK)
        assert await server.listed() == await server.listed() == [{"id": "model"}]
        await server.close()
