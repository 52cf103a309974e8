"""Tabby's protocol: the engine's completions for segments of a file, and what became of them."""

from __future__ import annotations

import asyncio
import platform
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from assistant.http.bodies import Body, Name, Text
from assistant.http.folders import Folders
from assistant.http.problems import Problem, documented
from assistant.http.service import Service, Serving
from assistant.http.turns import Client
from assistant.threads import cores
from assistant.types import Answer, Completion, CompletionRequest, Snippet, Trigger

router = APIRouter(tags=["tabby"], responses=documented(None, "text/plain"))

GIVEN = 32
"""Snippets of each kind that are looked at."""


class Declaration(Body):
    """A definition that the editor knows of."""

    filepath: Name
    body: Text


class Relevant(Declaration):
    """A piece of another file."""

    score: float = 1.0


class Segments(Body):
    """The file around the cursor. A `filepath` counts from the folder that is served."""

    prefix: Text
    suffix: Text | None = None
    filepath: Name | None = None
    git_url: Name | None = None
    declarations: list[Declaration] | None = Field(None, max_length=256)
    relevant_snippets_from_changed_files: list[Relevant] | None = Field(None, max_length=256)
    relevant_snippets_from_recently_opened_files: list[Relevant] | None = Field(None, max_length=256)
    clipboard: Text | None = None


class DebugOptions(Body):
    raw_prompt: Text | None = None
    return_snippets: bool = False
    return_prompt: bool = False
    disable_retrieval_augmented_code_completion: bool = False


class TabbyBody(Body):
    """A cursor in Tabby's words. The most probable text is written, whatever `temperature` and `seed` say."""

    segments: Segments
    language: Name | None = None
    user: Name | None = None
    temperature: float | None = Field(None, ge=0)
    seed: int | None = None
    mode: Name | None = None
    debug_options: DebugOptions | None = None


class TabbyChoice(BaseModel):
    index: int
    text: str


class TabbyAnswer(BaseModel):
    id: str
    choices: list[TabbyChoice]
    mode: str = "standard"
    debug_data: dict[str, Any] | None = None


class Event(Body):
    """What became of a completion."""

    type: Literal["view", "select", "dismiss"]
    completion_id: Name
    choice_index: int = Field(0, ge=0)
    view_id: Name | None = None
    elapsed: int | None = Field(None, ge=0)


class TabbyHealth(BaseModel):
    model: str
    device: str
    cuda_devices: list[str]
    models: dict[str, Any]
    arch: str
    cpu_info: str
    cpu_count: int
    version: dict[str, str]


async def complete(body: TabbyBody, service: Service, client: Client) -> Response:
    """What `POST /v1/completions` answers to a body with segments. Raises Problem."""
    if body.mode not in (None, "standard"):
        raise Problem(400, f"The mode {body.mode!r} is not offered here, only “standard”.", "mode")
    if body.debug_options and body.debug_options.raw_prompt is not None:
        raise Problem(400, "A raw prompt goes into `prompt`, as OpenAI has it, on the same path.", "debug_options")
    request = await asyncio.to_thread(_request, body, service.folders)
    if body.user:
        client = Client(client.home, body.user)
    answer = await service.complete(client, request)
    texts = list(filter(None, (inserted(each, request) for each in answer.completions)))
    choices = [{"index": index, "text": text} for index, text in enumerate(texts)]
    told = {"id": f"cmpl-{uuid.uuid4().hex}", "choices": choices, "mode": "standard"}
    return JSONResponse(told | _debug_data(body, answer))


@router.post("/v1/events", response_class=Response)
async def events(event: Event, service: Serving, select_kind: str | None = None) -> Response:
    """Takes note of what became of a completion: a figure counts it, and nothing else is kept."""
    service.metrics.events.labels(event.type).inc()
    return Response()


@router.get("/v1/health")
async def health(service: Serving) -> TabbyHealth:
    """How the server is, as Tabby tells it."""
    return TabbyHealth(
        model=service.model,
        device="cpu",
        cuda_devices=[],
        models={"completion": {"local": {"model_id": service.model, "device": "cpu"}}},
        arch=platform.machine(),
        cpu_info=platform.processor(),
        cpu_count=cores(),
        version={
            "build_date": "",
            "build_timestamp": "",
            "git_sha": "",
            "git_describe": f"ghostwright {version('ghostwright')}",
        },
    )


def inserted(completion: Completion, request: CompletionRequest) -> str:
    """A completion for those who can only insert: without what stands behind the cursor anyway; empty if it can't be.

    `f(‸)` → `x)` in place of `)` → `x`
    """
    behind = request.suffix[: completion.replaces]
    return completion.text.removesuffix(behind) if completion.text.endswith(behind) else ""


def _request(body: TabbyBody, folders: Folders) -> CompletionRequest:
    segments = body.segments
    path = folders.path(segments.filepath) if segments.filepath else _unnamed(folders)
    text = segments.prefix + (segments.suffix or "")
    options = body.debug_options
    alone = bool(options and options.disable_retrieval_augmented_code_completion)
    return CompletionRequest(
        path,
        body.language or "plaintext",
        text,
        len(segments.prefix),
        Trigger.INVOKED,
        root=folders.repository(path),
        given=() if alone else tuple(_given(segments)),
    )


def _unnamed(folders: Folders) -> Path:
    """The name of no file."""
    return folders.path(f"untitled-{uuid.uuid4().hex[:8]}")


def _given(segments: Segments) -> list[Snippet]:
    """What the editor has found already; declarations are as good as any."""
    declared = [Relevant(filepath=each.filepath, body=each.body) for each in segments.declarations or ()]
    changed = segments.relevant_snippets_from_changed_files or ()
    opened = segments.relevant_snippets_from_recently_opened_files or ()
    kinds = (("declarations", declared), ("changed_files", changed), ("opened_files", opened))
    return [
        Snippet(each.body, min(max(each.score, 0.01), 1.0), source, each.filepath)
        for source, found in kinds
        for each in found[:GIVEN]
    ]


def _debug_data(body: TabbyBody, answer: Answer) -> dict[str, Any]:
    """The snippets and the prompt, where they were asked for."""
    options, prompt = body.debug_options, answer.prompt
    data: dict[str, Any] = {}
    if options and options.return_prompt and prompt:
        data["prompt"] = "".join(part.text for part in prompt.parts)
    if options and options.return_snippets and prompt:
        parts = [part for part in prompt.parts if part.source not in ("file", "prefix", "suffix")]
        data["snippets"] = [{"filepath": part.source, "body": part.text, "score": 1.0} for part in parts]
    return {"debug_data": data} if data else {}
