"""Many cursors at once, answered as they are done: those of one file after each other, on all workers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from assistant import answers
from assistant.errors import GhostwrightError
from assistant.http.bodies import OwnBody
from assistant.http.native import Completed, Wanted, request_for
from assistant.http.problems import Error, documented, problem_of
from assistant.http.service import Asking, Service, Serving
from assistant.http.streams import LINES, line, lines, streamed
from assistant.http.turns import Client

MOST = 1_000
"""Cursors in a batch."""

RUN = 8
"""Neighbouring cursors that one worker answers: it has their file and their context at hand."""

router = APIRouter(tags=["native"], responses=documented(Error))

log = logging.getLogger(__name__)


class Batch(OwnBody):
    """Cursors, as `/v1/complete` takes them. Nothing is streamed of a single one."""

    cursors: list[Wanted] = Field(min_length=1, max_length=MOST)


class BatchLine(Completed):
    """One answer, and the number of its cursor in the batch, from 0. A cursor that is wrong has an `error` instead."""

    index: int


_LINES = {
    "content": {"application/x-ndjson": {}},
    "description": "An object a line, in the order in which they are done",
}


@router.post("/v1/batch", response_model=BatchLine, responses=streamed(LINES, "An object a line, as they are done."))
async def batch(body: Batch, service: Serving, client: Asking) -> Response:
    """Completes at many cursors. The answers come as JSON lines, each as soon as it is there."""
    return lines(_answered(body.cursors, service, client), lambda problem: {"error": problem.message})


async def _answered(cursors: Sequence[Wanted], service: Service, client: Client) -> AsyncIterator[str]:
    done, runs = asyncio.Queue[dict[str, Any]](), deque(_runs(cursors))

    async def work() -> None:
        while runs:
            for number in runs.popleft():
                done.put_nowait({"index": number} | await _answer(cursors[number], service, client))

    working = [asyncio.create_task(work()) for _ in service.queue.workers]
    try:
        for _ in cursors:
            yield line(await done.get())
    finally:
        for task in working:
            task.cancel()


def _runs(cursors: Sequence[Wanted]) -> list[list[int]]:
    """The numbers of the cursors, those of one file together and from its beginning on, in runs for one worker."""

    def place(number: int) -> tuple[str, str, int, int]:
        cursor = cursors[number]
        return cursor.root or "", cursor.path, cursor.line or 0, cursor.offset or 0

    order = sorted(range(len(cursors)), key=place)
    return [order[start : start + RUN] for start in range(0, len(order), RUN)]


async def _answer(cursor: Wanted, service: Service, client: Client) -> dict[str, Any]:
    """What one cursor leads to; a mistake in one is no reason to leave the others alone."""
    try:
        request = await request_for(cursor, service.folders)
        answer = await service.complete(client, request, fresh=cursor.explain)
        return answers.as_json(answer, cursor.explain)
    except GhostwrightError as error:
        problem = problem_of(error)
        return {"error": problem.message, "status": problem.status}
    except Exception as error:  # a plugin's, or a fault of ours
        log.error("A cursor of a batch failed: %s", type(error).__name__)
        log.debug("A cursor of a batch", exc_info=error)
        return {"error": f"Something failed here: {type(error).__name__}.", "status": 500}
