"""Ollama's `/api/generate`. Answers come line by line unless it is told otherwise."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from assistant.decoding.sampling import Finish, Stretch
from assistant.http.bodies import Body, Name, Text
from assistant.http.demands import Demand, sampling
from assistant.http.naming import NAME, check
from assistant.http.openai import Stop
from assistant.http.problems import Error, Problem, documented, refuse
from assistant.http.service import Asking, Serving, begun
from assistant.http.streams import LINES, line, lines, streamed
from assistant.http.writing import Piece, Writing, whole

router = APIRouter(tags=["ollama"], responses=documented(Error))

LOADED = "1970-01-01T00:00:00Z"
"""When the model was made: nobody knows, and clients want a time."""


class Options(Body):
    """How to write. What Ollama knows beside these is passed over."""

    num_predict: int = Field(-1, ge=-2, le=1_000_000)
    temperature: float | None = Field(None, ge=0, le=2)
    top_k: int | None = Field(None, ge=-1, le=1_000_000)
    top_p: float | None = Field(None, ge=0, le=1)
    min_p: float | None = Field(None, ge=0, le=1)
    seed: int | None = Field(None, ge=0, lt=2**63)
    stop: list[Stop] | None = Field(None, max_length=64)


class GenerateBody(Body):
    """What follows a prompt, which is passed on as it is; with a `suffix`, what stands between the two."""

    model: Name
    prompt: Text = ""
    suffix: Text | None = None
    stream: bool | None = True
    raw: bool | None = False
    options: Options | None = None
    images: list[Name] | None = Field(None, max_length=0, description="Not offered here.")
    system: Text | None = None
    template: Text | None = None
    format: Any = None
    logprobs: bool | None = Field(None, description="Not offered here.")


class Generated(BaseModel):
    model: str
    created_at: str
    response: str
    done: bool
    done_reason: str | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None


class Tags(BaseModel):
    models: list[dict[str, Any]]


class Version(BaseModel):
    version: str


@router.post("/api/generate", response_model=Generated, responses=streamed(LINES, "An object a line, or just one."))
async def generate(body: GenerateBody, service: Serving, client: Asking) -> Response:
    """Writes on behind a prompt, or between that and a `suffix`."""
    _refuse(body)
    begin = time.monotonic()
    if not body.prompt and not body.suffix:
        check(service.queue.first, body.model)
        return JSONResponse(_told(service.model, "", done=True) | {"done_reason": "load"})
    writing = Writing([_demand(body)], body.model)
    if body.stream is not False:
        pieces = await begun(service.write(client, writing))
        return lines(_lines(pieces, writing, begin), lambda problem: {"error": problem.message})
    (text,) = await whole(service.write(client, writing))
    return JSONResponse(_told(writing.model, text.text, done=True) | _figures(text.last, writing, begin))


@router.get("/api/tags")
async def tags(service: Serving) -> Tags:
    """The one model there is."""
    details = {"format": "gguf", "family": NAME, "families": [NAME], "parameter_size": "", "quantization_level": ""}
    known = {"name": service.model, "model": service.model, "modified_at": LOADED, "size": 0, "digest": ""}
    return Tags(models=[known | {"details": details}])


@router.get("/api/version")
async def versions() -> Version:
    """Ghostwright's version, not Ollama's."""
    return Version(version=version("ghostwright"))


def _refuse(body: GenerateBody) -> None:
    """Raises Problem for what is not offered."""
    refuse(body, ("system", "template", "format"), "the prompt is passed on as it is")
    if body.logprobs:
        raise Problem(
            400, "logprobs are not offered here: ask for them at /v1/completions, or leave them out.", "logprobs"
        )


def _demand(body: GenerateBody) -> Demand:
    options = body.options or Options.model_validate({})
    return Demand(
        body.prompt,
        body.suffix or None,
        tokens=None if options.num_predict < 0 else options.num_predict,
        sampling=sampling(options.temperature, False, options.top_k, options.top_p, options.min_p),
        seed=options.seed,
        stops=tuple(options.stop or ()),
    )


async def _lines(pieces: AsyncIterator[Piece], writing: Writing, begin: float) -> AsyncIterator[str]:
    async for _, stretch in pieces:
        if stretch.text:
            yield line(_told(writing.model, stretch.text, done=False))
        if stretch.finish:
            yield line(_told(writing.model, "", done=True) | _figures(stretch, writing, begin))


def _told(model: str, text: str, done: bool) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {"model": model, "created_at": now, "response": text, "done": done}


def _figures(last: Stretch, writing: Writing, begin: float) -> dict[str, Any]:
    """Durations are nanoseconds. How much was read is left out where a server does not tell it."""
    total, reading, written = (round(each * 1e9) for each in (time.monotonic() - begin, last.reading, last.writing))
    (count,) = writing.counts
    return {
        "done_reason": "stop" if last.finish in (Finish.END, Finish.STOP) else "length",
        "total_duration": total,
        "load_duration": max(total - reading - written, 0),
        **({} if count.read is None else {"prompt_eval_count": count.read}),
        "prompt_eval_duration": reading,
        "eval_count": count.written,
        "eval_duration": written,
    }
