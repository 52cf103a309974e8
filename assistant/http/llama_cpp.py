"""llama.cpp's `/infill`, as llama.vim and llama.vscode ask it, and `/completion`, which takes a prompt as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import JSONResponse, Response

from assistant.decoding.sampling import Finish, Stretch
from assistant.http.bodies import Body, Name, Text
from assistant.http.demands import Demand, sampling
from assistant.http.openai import MOST, Stop, TokenId
from assistant.http.problems import LlamaCppError, documented, llama_cpp_error, refuse
from assistant.http.service import Asking, Service, Serving, begun
from assistant.http.streams import SERVER_SENT, event, server_sent, streamed
from assistant.http.turns import Client
from assistant.http.writing import Piece, Writing, whole
from assistant.types import Snippet

router = APIRouter(tags=["llama.cpp"], responses=documented(LlamaCppError))

_STOP_TYPES = {Finish.END: "eos", Finish.STOP: "word"}


class Extra(Body):
    """A piece of another file."""

    text: Text
    filename: Name = "untitled"


class WritingBody(Body):
    """How to write. What llama.cpp knows beside these is passed over: the cache looks after itself."""

    n_predict: int = Field(-1, ge=-2, le=1_000_000)
    n_indent: int = Field(0, ge=0, le=1_000)
    n_cmpl: int = Field(1, ge=1, le=MOST)
    temperature: float | None = Field(None, ge=0, le=2)
    top_k: int | None = Field(None, ge=-1, le=1_000_000)
    top_p: float | None = Field(None, ge=0, le=1)
    min_p: float | None = Field(None, ge=0, le=1)
    seed: int | None = Field(None, ge=-1, le=2**32)
    stop: list[Stop] | None = Field(None, max_length=64)
    stream: bool = False
    response_fields: list[Name] | None = Field(None, max_length=64)
    model: Name | None = None
    grammar: Any = None
    json_schema: Any = None
    logit_bias: Any = None
    n_probs: Any = None


class InfillBody(WritingBody):
    """A cursor behind `input_prefix` and `prompt`, before `input_suffix`. Extra pieces further behind count more."""

    input_prefix: Text = ""
    input_suffix: Text = ""
    prompt: Text = ""
    input_extra: list[Extra] | None = Field(None, max_length=256)

    @property
    def demand(self) -> Demand:
        extra = self.input_extra or []
        snippets = [
            Snippet(each.text, (number + 1) / len(extra), "input_extra", each.filename)
            for number, each in enumerate(extra)
        ]
        return Demand(self.input_prefix + self.prompt, self.input_suffix, tuple(snippets[::-1]))


class CompletionBody(WritingBody):
    """What follows a prompt, which is passed on as it is: a text, or tokens."""

    prompt: Text | Annotated[list[TokenId], Field(max_length=100_000)]

    @property
    def demand(self) -> Demand:
        return Demand(self.prompt)


@router.post("/infill", response_model=None, responses=streamed(SERVER_SENT, "An object, several, or events."))
async def infills(body: InfillBody, service: Serving, client: Asking) -> Response:
    """Completes at a cursor as llama-server does: what follows up to the end that the model sees, or a stop."""
    return await _answer(body, body.demand, service, client)


@router.post("/completion", response_model=None, responses=streamed(SERVER_SENT, "An object, several, or events."))
async def completion(body: CompletionBody, service: Serving, client: Asking) -> Response:
    """Writes on behind a prompt, special tokens included, as llama-server does."""
    return await _answer(body, body.demand, service, client)


async def _answer(body: WritingBody, demand: Demand, service: Service, client: Client) -> Response:
    refuse(body, ("grammar", "json_schema", "logit_bias", "n_probs"))
    writing = Writing(_demands(body, demand), body.model)
    if body.stream:
        pieces = await begun(service.write(client, writing))
        return server_sent(_events(pieces, body, writing), llama_cpp_error)
    texts = await whole(service.write(client, writing))
    told = [_chosen(_whole(number, text.text, text.last, writing), body) for number, text in enumerate(texts)]
    return JSONResponse(told if body.n_cmpl > 1 else told[0])


def _demands(body: WritingBody, demand: Demand) -> list[Demand]:
    """One for each text."""
    one = replace(
        demand,
        tokens=None if body.n_predict < 0 else body.n_predict,
        sampling=sampling(body.temperature, body.n_cmpl > 1, body.top_k, body.top_p, body.min_p),
        stops=tuple(body.stop or ()),
        indent=body.n_indent,
    )
    first = None if body.seed == -1 else body.seed
    return [replace(one, seed=None if first is None else first + number) for number in range(body.n_cmpl)]


async def _events(pieces: AsyncIterator[Piece], body: WritingBody, writing: Writing) -> AsyncIterator[str]:
    async for number, stretch in pieces:
        if stretch.finish and stretch.text:
            yield event({"index": number, "content": stretch.text, "stop": False})
        if stretch.finish:
            yield event(_chosen(_whole(number, "", stretch, writing), body))
        else:
            yield event({"index": number, "content": stretch.text, "stop": False})


def _whole(number: int, text: str, last: Stretch, writing: Writing) -> dict[str, Any]:
    """All that llama-server tells of a text; what is None is left out, since another server does not tell it."""
    demand, count = writing.demands[number], writing.counts[number]
    told = {
        "index": number,
        "content": text,
        "stop": True,
        "id_slot": 0,
        "model": writing.model,
        "tokens_predicted": count.written,
        "tokens_evaluated": count.read,
        "tokens_cached": None if count.read is None else count.read + count.written,
        "truncated": False,
        "has_new_line": "\n" in text,
        "stop_type": _STOP_TYPES.get(last.finish or Finish.LENGTH, "limit"),
        "stopping_word": last.stop,
        "generation_settings": {
            "n_predict": -1 if demand.tokens is None else demand.tokens,
            "temperature": demand.sampling.temperature,
            "top_k": demand.sampling.top_k,
            "top_p": demand.sampling.top_p,
            "min_p": demand.sampling.min_p,
            "stop": list(demand.stops),
        },
        "timings": {
            **_timings("prompt", count.read, last.reading),
            **_timings("predicted", count.written, last.writing),
        },
    }
    return {name: value for name, value in told.items() if value is not None}


def _timings(kind: str, count: int | None, seconds: float) -> dict[str, float]:
    milliseconds = seconds * 1000
    if count is None:
        return {f"{kind}_ms": milliseconds}
    return {
        f"{kind}_n": count,
        f"{kind}_ms": milliseconds,
        f"{kind}_per_token_ms": milliseconds / count if count else 0.0,
        f"{kind}_per_second": count / seconds if seconds else 0.0,
    }


def _chosen(told: Mapping[str, Any], body: WritingBody) -> dict[str, Any]:
    """Those fields that are wanted: `timings/prompt_n` is one within another."""
    if not body.response_fields:
        return dict(told)
    found = {name: _within(told, name.split("/")) for name in body.response_fields}
    return {name: value for name, value in found.items() if value is not None}


def _within(told: Any, names: list[str]) -> Any:
    for name in names:
        told = told.get(name) if isinstance(told, Mapping) else None
    return told
