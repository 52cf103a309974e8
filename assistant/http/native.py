"""Our own dialect: a completion as the engine makes it, with all that is known of it. Offsets are code points."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, model_validator
from starlette.responses import JSONResponse, Response

from assistant import answers
from assistant.http.bodies import Name, OwnBody, Text
from assistant.http.folders import Folders
from assistant.http.problems import Error, Problem, documented
from assistant.http.service import Asking, Serving, begun
from assistant.http.streams import SERVER_SENT, event, server_sent, streamed
from assistant.languages import language_of
from assistant.text import line_offset, split_lines
from assistant.types import Answer, CompletionRequest, File, Trigger

router = APIRouter(tags=["native"], responses=documented(Error))


class OtherFile(OwnBody):
    """A file that is open beside the one that is completed."""

    path: Name
    text: Text


class Cursor(OwnBody):
    """A place in a file: by its `offset`, which counts code points from 0, or by `line` and `column`, from 1.

    Without a `text` the file is read, and without `others` those beside it. `path` counts from `root`, a folder that is
    served or one below; without it from the folders that are served.
    """

    path: Name = Field(min_length=1, examples=["app.py"])
    text: Text | None = Field(None, examples=["import os\n\nos.path.\n"])
    offset: int | None = Field(None, ge=0, examples=[19])
    line: int | None = Field(None, ge=1, le=10_000_000)
    column: int | None = Field(None, ge=1, le=10_000_000)
    root: Name | None = None
    language: Annotated[str, Field(max_length=64, pattern=r"^[\w.+#-]*$")] | None = None
    others: list[OtherFile] | None = Field(None, max_length=32)

    @model_validator(mode="after")
    def _one_place(self) -> Cursor:
        if (self.offset is None) == (self.line is None and self.column is None):
            raise ValueError("give either offset, or line and column")
        if self.offset is None and (self.line is None or self.column is None):
            raise ValueError("line and column belong together")
        return self


class Wanted(Cursor):
    """A completion of up to so many lines. `automatic` ones are only shown if the model is sure enough."""

    candidates: int = Field(1, ge=1, le=20)
    trigger: Trigger = Field(Trigger.INVOKED, strict=False)
    explain: bool = False
    stream: bool = False


class Candidate(OwnBody):
    """Text to insert, and how many code points behind the cursor it replaces."""

    text: str
    replaces: int
    probability: float


class GuardedCandidate(Candidate):
    """With the monitors that had a say, and whether what was wrong behind it is left out."""

    guards: list[str]
    cut: bool


class Completed(Candidate):
    """The best candidate, all of them, and how they came about. `reason` says why there are none."""

    candidates: list[GuardedCandidate]
    sources: list[str]
    timings: dict[str, float]
    reason: str
    rounds: list[str]
    prompt: list[dict[str, Any]] | None = None
    left_out: list[str] | None = None
    rulings: list[dict[str, Any]] | None = None
    silences: list[dict[str, str]] | None = None
    waited: float | None = None


@router.post("/v1/complete", response_model=Completed, responses=streamed(SERVER_SENT, "One object, or events."))
async def complete(wanted: Wanted, service: Serving, client: Asking) -> Response:
    """Completes at a cursor.

    With `stream`, server-sent events: `draft` with the text so far, each in place of the one before; then `answer`.
    """
    request = await request_for(wanted, service.folders)
    if wanted.stream:
        drafts = await begun(service.drafts(client, request, wanted.explain))
        return server_sent(_events(drafts, wanted.explain), lambda problem: {"error": problem.message})
    answer = await service.complete(client, request, fresh=wanted.explain)
    return JSONResponse(answers.as_json(answer, wanted.explain))


async def request_for(cursor: Cursor, folders: Folders) -> CompletionRequest:
    """A cursor as the engine has it. What is to be read for that is read in a thread. Raises Problem."""
    if cursor.text is None or cursor.others is None:
        return await asyncio.to_thread(request_of, cursor, folders)
    return request_of(cursor, folders)


def request_of(cursor: Cursor, folders: Folders) -> CompletionRequest:
    """A cursor as the engine has it. Raises Problem."""
    path = folders.path(cursor.path, cursor.root)
    text = folders.text(path) if cursor.text is None else cursor.text
    language = cursor.language or language_of(path)
    if cursor.others is None:
        others = folders.beside(path, language)
    else:
        paths = [folders.path(other.path, cursor.root) for other in cursor.others]
        pairs = zip(paths, cursor.others, strict=True)
        others = tuple(File(path, language_of(path), other.text) for path, other in pairs)
    request = CompletionRequest(
        path, language, text, _offset(cursor, text), root=folders.repository(path), others=others
    )
    if isinstance(cursor, Wanted):
        return replace(request, candidates=cursor.candidates, trigger=cursor.trigger)
    return request


async def _events(drafts: AsyncIterator[str | Answer], explain: bool) -> AsyncIterator[str]:
    told = ""
    async for each in drafts:
        if isinstance(each, Answer):
            yield event(answers.as_json(each, explain), "answer")
        elif each != told:
            told = each
            yield event({"text": each}, "draft")


def _offset(cursor: Cursor, text: str) -> int:
    """Raises Problem for a place that is not there."""
    if cursor.offset is not None:
        if cursor.offset > len(text):
            raise Problem(
                400, f"offset {cursor.offset} is past the text's end: it has {len(text)} code points.", "offset"
            )
        return cursor.offset
    assert cursor.line is not None
    assert cursor.column is not None
    lines = split_lines(text)
    if cursor.line > len(lines):
        raise Problem(400, f"There is no line {cursor.line}: the text has {len(lines)} lines.", "line")
    if cursor.column > len(lines[cursor.line - 1]) + 1:
        length = len(lines[cursor.line - 1])
        raise Problem(
            400, f"There is no column {cursor.column} in line {cursor.line}: it has {length} characters.", "column"
        )
    return line_offset(text, cursor.line - 1) + cursor.column - 1
