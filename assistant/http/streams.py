"""Answers that come piece by piece: server-sent events, or a JSON object a line. Who stops reading ends the work."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import StreamingResponse

from assistant.errors import GhostwrightError
from assistant.http.problems import Problem, problem_of

Described = Callable[[Problem], Any]
"""What a dialect's clients are told, in a stream that has begun, of what went wrong."""


SERVER_SENT, LINES = "text/event-stream", "application/x-ndjson"


def streamed(media: str, description: str) -> dict[int | str, dict[str, Any]]:
    """What a description says of an answer that may come in pieces."""
    return {200: {"content": {media: {}}, "description": description}}


def event(data: Any, name: str = "") -> str:
    """A server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "") + f"data: {text}\n\n"


def line(data: Any) -> str:
    return json.dumps(data) + "\n"


def server_sent(pieces: AsyncIterator[str], describe: Described) -> StreamingResponse:
    """Pieces made by `event`."""
    failing = _failing(pieces, lambda problem: event(describe(problem), "error"))
    return StreamingResponse(failing, media_type=SERVER_SENT, headers={"Cache-Control": "no-store"})


def lines(pieces: AsyncIterator[str], describe: Described) -> StreamingResponse:
    """Pieces made by `line`."""
    failing = _failing(pieces, lambda problem: line(describe(problem)))
    return StreamingResponse(failing, media_type=LINES)


async def _failing(pieces: AsyncIterator[str], tell: Callable[[Problem], str]) -> AsyncIterator[str]:
    """The pieces; where one cannot be made, what is told of that instead. The status is long gone then."""
    try:
        async for piece in pieces:
            yield piece
    except GhostwrightError as error:
        yield tell(problem_of(error))
