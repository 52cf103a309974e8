"""OpenAI's completions: a prompt is passed on as it is, or a cursor between `prompt` and `suffix` is completed.

The most probable text is written unless a temperature, or several texts, are asked for.
"""

from __future__ import annotations

import codecs
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from assistant.decoding.sampling import Finish, Token
from assistant.http.bodies import Body, Name, Text
from assistant.http.demands import Demand, sampling
from assistant.http.problems import Problem, openai_error, refuse
from assistant.http.service import Service, begun
from assistant.http.streams import event, server_sent
from assistant.http.turns import Client
from assistant.http.writing import Piece, Writing, whole

MOST = 16
"""Texts for one prompt, and prompts in one request."""

TokenId = Annotated[int, Field(ge=0)]
Stop = Annotated[str, Field(max_length=256)]


class StreamOptions(Body):
    include_usage: bool = False


class OpenAIBody(Body):
    """What is written behind a prompt: a text, tokens, or several of either. `top_k` and `min_p` are vLLM's."""

    prompt: Text | Annotated[list[TokenId], Field(max_length=100_000)] | list[Text] | list[list[TokenId]] = Field(
        examples=["def add(a, b):\n    return "]
    )
    model: Name | None = None
    suffix: Text | None = None
    max_tokens: int | None = Field(16, ge=0, le=1_000_000)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=-1, le=1_000_000)
    min_p: float | None = Field(None, ge=0, le=1)
    n: int | None = Field(1, ge=1, le=MOST)
    best_of: int | None = Field(None, ge=1, le=MOST)
    stop: Stop | Annotated[list[Stop], Field(max_length=64)] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    logprobs: int | None = Field(None, ge=0, le=20)
    echo: bool | None = False
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    logit_bias: dict[str, float] | None = None
    user: Name | None = None

    @property
    def prompts(self) -> Sequence[str | list[int]]:
        """Each prompt, as a text or as tokens."""
        if isinstance(self.prompt, str) or (self.prompt and isinstance(self.prompt[0], int)):
            return [self.prompt]
        return self.prompt  # type: ignore[return-value]


class Logprobs(BaseModel):
    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class Choice(BaseModel):
    index: int
    text: str
    logprobs: Logprobs | None
    finish_reason: Literal["stop", "length"] | None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class OpenAIAnswer(BaseModel):
    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None


async def complete(body: OpenAIBody, service: Service, client: Client) -> Response:
    """What `POST /v1/completions` answers to a body of OpenAI's. Raises Problem."""
    _refuse(body)
    if body.user:
        client = Client(client.home, body.user)
    writing = Writing(_demands(body), body.model)
    if body.stream:
        pieces = await begun(service.write(client, writing))
        return server_sent(_events(pieces, body, writing), openai_error)
    texts = await whole(service.write(client, writing))
    choices = [
        _choice(number, text.text, _Places().told(text.tokens) if body.logprobs is not None else None, text.finish)
        for number, text in enumerate(texts)
    ]
    return JSONResponse(_Answer(writing.model).of(choices) | {"usage": _usage(body, writing)})


@dataclass(frozen=True, slots=True)
class _Answer:
    """What all parts of one answer have in common."""

    model: str
    id: str = field(default_factory=lambda: f"cmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def of(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }


def _refuse(body: OpenAIBody) -> None:
    """Raises Problem for what is not offered, or does not go together."""
    refuse(body, ("frequency_penalty", "presence_penalty", "logit_bias"))
    if body.best_of is not None and body.best_of != (body.n or 1):
        raise Problem(400, "best_of is not offered here unless it equals n: leave it out.", "best_of")
    if body.suffix is not None and (body.echo or not all(isinstance(prompt, str) for prompt in body.prompts)):
        raise Problem(400, "With a suffix the prompt must be a text, and echo is not possible.", "suffix")
    if not 1 <= len(body.prompts) <= MOST:
        raise Problem(400, f"From 1 to {MOST} prompts can be sent at once, not {len(body.prompts)}.", "prompt")


def _demands(body: OpenAIBody) -> list[Demand]:
    """One for each choice."""
    count = body.n or 1
    one = Demand(
        "",
        body.suffix,
        tokens=16 if body.max_tokens is None else body.max_tokens,
        sampling=sampling(body.temperature, count > 1, body.top_k, body.top_p, body.min_p),
        stops=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        echo=bool(body.echo),
        alternatives=body.logprobs,
    )
    seeds = [None if body.seed is None else (body.seed + number) % 2**63 for number in range(count)]
    return [replace(one, prompt=prompt, seed=seed) for prompt in body.prompts for seed in seeds]


async def _events(pieces: AsyncIterator[Piece], body: OpenAIBody, writing: Writing) -> AsyncIterator[str]:
    answer, places = _Answer(writing.model), defaultdict[int, _Places](_Places)
    async for number, stretch in pieces:
        told = places[number].told(stretch.tokens) if body.logprobs is not None else None
        yield event(answer.of([_choice(number, stretch.text, told, stretch.finish)]))
    if body.stream_options and body.stream_options.include_usage:
        yield event(answer.of([]) | {"usage": _usage(body, writing)})
    yield event("[DONE]")


def _choice(index: int, text: str, logprobs: dict[str, Any] | None, finish: Finish | None) -> dict[str, Any]:
    reason = {None: None, Finish.END: "stop", Finish.STOP: "stop"}.get(finish, "length")
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}


class _Places:
    """Where the tokens of one text begin in it."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._offset = 0

    def told(self, tokens: Sequence[Token]) -> dict[str, Any]:
        """The next tokens with their log-probabilities. A part of a character is told in bytes."""
        return {
            "tokens": [_written(token.piece) for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [_top(token) for token in tokens],
            "text_offset": [self._passed(token) for token in tokens],
        }

    def _passed(self, token: Token) -> int:
        """Where a token begins, which is passed with that."""
        begin = self._offset
        self._offset += len(self._decoder.decode(token.piece))
        return begin


def _top(token: Token) -> dict[str, float] | None:
    """The most probable tokens, and the one that was taken."""
    if token.logprob is None:
        return None
    return {_written(piece): logprob for piece, logprob in (*token.others, (token.piece, token.logprob))}


def _written(piece: bytes) -> str:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)


def _usage(body: OpenAIBody, writing: Writing) -> dict[str, int] | None:
    """Each prompt counts once. Echoed tokens are no completion. None where a server does not tell how much it read."""
    reads = [count.read for count in writing.counts[:: body.n or 1]]
    read, written = sum(filter(None, reads)), sum(count.written for count in writing.counts)
    if None in reads:
        return None
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
