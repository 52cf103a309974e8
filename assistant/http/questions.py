"""What is known of a repository, for programs: code by its description, APIs for a request, what a hole expects."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from assistant import ask
from assistant.engine import Assistant
from assistant.holes import as_json
from assistant.http.bodies import Name, OwnBody
from assistant.http.folders import Folders
from assistant.http.native import Cursor, request_for, request_of
from assistant.http.problems import Error, Problem, documented
from assistant.http.service import PATIENCE, Asking, Serving
from assistant.knowledge import Knowledge
from assistant.types import CompletionRequest

router = APIRouter(tags=["native"], responses=documented(Error))

READING = 10.0
"""Seconds that a question waits for the repository to be read or indexed. What is there by then is looked at."""


class Query(OwnBody):
    """What the code does, in words. `root` is a folder of the repository; without it the first that is served."""

    query: Name = Field(min_length=1, examples=["where is the price of an order computed"])
    count: int = Field(default=5, ge=1, le=50)
    root: Name | None = None


class Found(BaseModel):
    hits: list[dict[str, Any]]
    left_out: list[str]
    reason: str


class Question(OwnBody):
    """What somebody wants to do, in words; with a `cursor` as it fits there."""

    request: Name = Field(min_length=1, examples=["add an item to an order"])
    cursor: Cursor | None = None
    root: Name | None = None


class Asked(BaseModel):
    apis: list[dict[str, Any]]
    code: str
    replaces: int
    imports: str
    left_out: list[str]
    reason: str


class Hole(BaseModel):
    expected: str
    source: str
    types: list[dict[str, Any]]
    headers: list[dict[str, Any]]
    silences: list[str]


@router.post("/v1/search", response_model=Found)
async def search(query: Query, service: Serving, client: Asking) -> Response:
    """Code by a description of what it does, by meaning and by words. `reason` says what is not looked at yet."""
    from assistant import searching  # FAISS and the encoder

    root = await asyncio.to_thread(_repository, query.root, service.folders)
    indexes = _knowledge(service.queue.first).indexes

    def work(stop: Event) -> searching.Searched:
        return searching.search(indexes, root, query.query, query.count, READING, stop)

    return JSONResponse(searching.as_json(await service.aside(client, work), root))


@router.post("/v1/ask", response_model=Asked)
async def asked(question: Question, service: Serving, client: Asking) -> Response:
    """What the repository offers for a request, and the call of the best of it."""
    request = await asyncio.to_thread(_cursor, question, service.folders)

    def work(assistant: Assistant, stop: Event) -> ask.Asked:
        _knowledge(assistant)
        return ask.ask(assistant, request, question.request, READING, stop)

    found = await service.queue.run(client, work)
    return JSONResponse(ask.as_json(found, request.root or request.path.parent))


@router.post("/v1/hole", response_model=Hole)
async def hole(cursor: Cursor, service: Serving, client: Asking) -> Response:
    """What type is expected at a cursor, which types that is made of, and what in scope gives it."""
    request = await request_for(cursor, service.folders)
    knowledge = _knowledge(service.queue.first)

    def work(stop: Event) -> dict[str, object]:
        knowledge.open(request, PATIENCE)
        return as_json(knowledge.holes.at(request, PATIENCE))

    return JSONResponse(await service.aside(client, work))


def _knowledge(assistant: Assistant) -> Knowledge:
    if assistant.knowledge is None:
        raise Problem(501, "Nothing is known here beside the model.")
    return assistant.knowledge


def _repository(root: str | None, folders: Folders) -> Path:
    folder = folders.roots[0] if root is None else folders.folder(root)
    found = folders.repository(folder / "any")
    if found is None:
        raise Problem(400, f"{folder} belongs to no repository that is served as a whole.", "root")
    return found


def _cursor(question: Question, folders: Folders) -> CompletionRequest:
    if question.cursor:
        return request_of(question.cursor, folders)
    return ask.scratch(_repository(question.root, folders))
