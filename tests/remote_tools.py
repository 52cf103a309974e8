"""Models that only write text: small servers that keep to what they are told, real ones as processes, and faults."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, ClassVar

import httpx
import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from assistant.patterns import _Tokens
from assistant.types import NEVER, Chunk, Model, Order
from plugins.llama_cpp import WEIGHTS
from plugins.remote.model import Address, RemoteModel
from plugins.remote.tokens import Tokens
from plugins.remote.traits import Waits

LONG = 60.0
"""Seconds after which a condition that is waited for has failed."""

QUICK = Waits(connect=2.0, first=30.0, next=30.0, again=0.2, look=0.2)
"""Waits of tests: long where a slow machine must not fail, short where they wait for something to be tried again."""


class Obedience:
    """Which tokens of a model may come next under an expression."""

    def __init__(self, model: Model, expression: str) -> None:
        self._end = min(model.ends)
        self._size = len(model.pieces)
        tokenizer = LLTokenizer(TokenizerWrapper(_Tokens(model.pieces, self._end)), slices=[])
        self._matcher = LLMatcher(tokenizer, self.compiled(expression))
        assert not self._matcher.is_error(), self._matcher.get_error()

    @staticmethod
    def compiled(expression: str) -> str:
        return str(LLMatcher.grammar_from_regex(expression))

    def masked(self, row: np.ndarray) -> np.ndarray:
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        allowed = np.unpackbits(bits, bitorder="little")[: self._size].astype(bool)
        return np.where(allowed, row, -np.inf)

    def take(self, token: int) -> None:
        self._matcher.consume_token(token)


def spoken(
    model: Model,
    prompt: Sequence[int],
    order: Order,
    told: int,
    cancelled: Event = NEVER,
    rule: type[Obedience] = Obedience,
) -> Iterator[tuple[Chunk, int]]:
    """What a model writes, character by character where its tokens are bytes, and the token; as servers do it."""
    led = rule(model, order.expression) if order.expression else None
    chance = np.random.default_rng(order.chance)
    written, held, logprob = list(prompt), b"", 0.0
    for _ in range(order.tokens):
        row = model.logits(written, 1, cancelled)[0]
        scores = led.masked(row) if led else row
        token = int((scores + (chance.gumbel(size=len(row)) if order.chance else 0)).argmax())
        if token in model.ends:
            yield Chunk("", is_end=True), token
            return
        written.append(token)
        if led:
            led.take(token)
        logprobs = row - np.log(np.exp(row - row.max()).sum()) - row.max()
        held, logprob = held + model.pieces[token], logprob + float(logprobs[token])
        try:
            text, begun = held.decode(), held != model.pieces[token]
        except UnicodeDecodeError:
            continue
        best = [int(other) for other in np.argsort(-logprobs)[: told + 1] if other != token and model.pieces[other]]
        others = tuple((_text(model, other), float(logprobs[other])) for other in best[:told])
        others = tuple(each for each in others if "\ufffd" not in each[0] and not begun)
        if order.line and "\n" in text:
            if head := text[: text.index("\n")]:
                yield Chunk(head, logprob if told else None, others), token
            yield Chunk("", is_end=True), token
            return
        yield Chunk(text, logprob if told else None, others), token
        held, logprob = b"", 0.0


def _text(model: Model, token: int) -> str:
    return model.pieces[token].decode("utf-8", "replace")


@dataclass(eq=False)
class Spoken:
    """A text model made of one that shows its logits. It counts what it is asked for."""

    model: Model
    obeys: bool = True
    told: int = 20
    is_up: bool = True
    problem: str = ""
    stand_in: str = ""
    orders: list[Order] = field(default_factory=list)
    ends: frozenset[int] = frozenset({0})

    def __post_init__(self) -> None:
        self.name = self.model.name
        self.languages = self.model.languages
        self.format = self.model.format
        self.context_length = self.model.context_length
        self._tokens = Tokens()
        self.pieces = self._tokens.pieces
        self.token = self._tokens.token
        self.tokenize = self.model.tokenize
        self.special = self.model.special
        self.detokenize = self.model.detokenize

    @property
    def tells(self) -> bool:
        return self.told > 0

    @property
    def evaluated(self) -> int:
        return self.model.evaluated

    def load(self) -> None:
        self.model.load()

    def unload(self) -> None:
        self.model.unload()

    def chunks(self, order: Order, cancelled: Event = NEVER) -> Iterator[Chunk]:
        assert self.obeys or not order.expression
        self.orders.append(order)
        prompt = [*order.prompt, *self.model.tokenize(order.written)]
        for chunk, _ in spoken(self.model, prompt, order, self.told, cancelled):
            yield chunk


def tokens_of(model: Model, text: str) -> list[int]:
    """A text's tokens as servers see them: what is called like a special token is one."""
    specials = {name: model.special(name) for name in model.format.specials}
    parts = re.split("(" + "|".join(map(re.escape, sorted(specials))) + ")", text)
    return [token for part in parts for token in ([specials[part]] if part in specials else model.tokenize(part))]


def vllm(
    model: Model, name: str = "Qwen/Qwen2.5-Coder-7B", rule: str = "structured_outputs", told: int = 20
) -> FastAPI:
    """A server of vLLM's shape. What it is asked for is in `app.state.asked`, in `app.state.left` who went away."""
    app = FastAPI()
    app.state.asked, app.state.left = [], Event()

    @app.get("/v1/models")
    def models() -> Any:
        return {"object": "list", "data": [{"id": name, "owned_by": "vllm", "max_model_len": model.context_length}]}

    @app.post("/tokenize")
    def tokenize(body: dict[str, Any]) -> Any:
        return {"tokens": tokens_of(model, body["prompt"]), "max_model_len": model.context_length}

    @app.post("/v1/completions")
    async def completions(body: dict[str, Any], request: Request) -> Any:
        app.state.asked.append(body)
        app.state.key = request.headers.get("authorization", "")
        if body.get("logprobs", 0) > told:
            return JSONResponse({"error": {"message": f"at most {told} logprobs"}}, 400)
        said = body.get(rule, "")
        order = Order(
            (),
            "",
            model.context_length if body["max_tokens"] is None else body["max_tokens"],
            said.get("regex", "") if isinstance(said, dict) else said,
            body.get("stop") == ["\n"],
            body["seed"] if body["temperature"] else 0,
        )
        prompt = tokens_of(model, body["prompt"])
        if len(prompt) >= model.context_length:
            return JSONResponse({"error": {"message": f"{len(prompt)} tokens are too many"}}, 400)
        stream = spoken(model, prompt, order, body.get("logprobs", 0))
        counts = {"usage": {"prompt_tokens": len(prompt)}} if "stream_options" in body else {}
        return StreamingResponse(
            _events(stream, body.get("stop_token_ids", ()), counts), media_type="text/event-stream"
        )

    async def _events(stream: Iterator[tuple[Chunk, int]], stops: Sequence[int], counts: dict[str, Any]) -> Any:
        try:
            finish, count = "length", 0
            for chunk, token in stream:
                await asyncio.sleep(0)
                if chunk.is_end or token in stops:
                    finish = "stop"
                    break
                count += 1
                yield f"data: {json.dumps({'choices': [_choice(chunk, None)]})}\n\n"
            yield f"data: {json.dumps({'choices': [_choice(Chunk('', is_end=True), finish)]})}\n\n"
            if counts:
                counts["usage"]["completion_tokens"] = count
                yield f"data: {json.dumps({'choices': [], **counts})}\n\n"
            yield "data: [DONE]\n\n"
        except asyncio.CancelledError:
            app.state.left.set()
            raise

    return app


def _choice(chunk: Chunk, finish: str | None) -> dict[str, Any]:
    logprobs = None
    if chunk.logprob is not None:
        top = dict(((chunk.text, chunk.logprob), *chunk.others))
        logprobs = {"tokens": [chunk.text], "token_logprobs": [chunk.logprob], "top_logprobs": [top]}
    return {"index": 0, "text": chunk.text, "logprobs": logprobs, "finish_reason": finish}


@contextmanager
def served(app: FastAPI, port: int = 0) -> Iterator[str]:
    """An application on a port of this machine, at the address that is given."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join(LONG)


@contextmanager
def llama_cpp_server(*options: str) -> Iterator[str]:
    """The server of llama-cpp-python as a process, with the embedded model."""
    port = free_port()
    run = [sys.executable, "-m", "llama_cpp.server", "--model", str(WEIGHTS), "--port", str(port), "--n_ctx", "2048"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*run, "--n_threads", "1", "--interrupt_requests", "false", *options], **quiet)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        until(lambda: answers(url) or process.poll() is not None)
        assert process.poll() is None
        yield url
    finally:
        process.kill()
        process.wait(LONG)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/models", trust_env=False, timeout=LONG).is_success
    except httpx.HTTPError:
        return False


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(condition: Callable[[], Any], seconds: float = LONG) -> None:
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.01)


def remote(*urls: str, waits: Waits = QUICK, **options: str) -> RemoteModel:
    """A model that servers run."""
    return RemoteModel(Address.parse("remote:" + " ".join([*urls, *(f"{k}={v}" for k, v in options.items())])), waits)


class Proxy:
    """Stands before a server and spoils what it says: `fault` is a name below, or empty.

    `hang`: no answer. `mute`: the models are listed, and nothing else is answered. `error`: status 500. `busy`: 429.
    `key`: 401. `garbage`: no JSON. `cut`: ends after the first chunk. `stall`: says nothing after the first chunk.
    `other`: another model's name. `interrupt`: ends after the first chunk as llama-cpp-python's server does where
    another request comes, but only `interrupts` times. Only completions are spoiled, but for `hang`, `mute`, `key` and
    `other`.
    """

    STATUS: ClassVar[dict[str, tuple[int, str]]] = {"error": (500, "boom"), "busy": (429, "later"), "key": (401, "no")}

    def __init__(self, target: str) -> None:
        self.fault = ""
        self.asked = 0
        self.interrupts = 0
        self._target = target.removesuffix("/v1")
        self.app = FastAPI()
        self.app.add_api_route("/{path:path}", self._passed, methods=["GET", "POST"])
        self._client = httpx.AsyncClient(trust_env=False, timeout=LONG)

    async def _passed(self, path: str, request: Request) -> Any:
        fault = self.fault
        is_completion = path.endswith("completions")
        self.asked += is_completion
        if fault == "hang" or (fault == "mute" and not path.endswith("models")):
            await asyncio.sleep(LONG)
        if fault in self.STATUS and (is_completion or fault == "key"):
            return JSONResponse({"detail": self.STATUS[fault][1]}, self.STATUS[fault][0], {"Retry-After": "0"})
        if fault == "garbage" and is_completion:
            return StreamingResponse(iter(["data: {not json\n\n"]), media_type="text/event-stream")
        body, headers = await request.body(), {"content-type": "application/json"}
        sent = self._client.build_request(request.method, f"{self._target}/{path}", content=body, headers=headers)
        answer = await self._client.send(sent, stream=True)
        if path.endswith("models") and fault == "other":
            await answer.aclose()
            return {"data": [{"id": "another-model"}]}
        return StreamingResponse(self._told(answer, fault if is_completion else ""), answer.status_code)

    async def _told(self, answer: httpx.Response, fault: str) -> Any:
        try:
            async for data in answer.aiter_bytes():
                yield data
                if fault == "cut":
                    return
                if fault == "interrupt" and self.interrupts:
                    self.interrupts -= 1
                    yield b"data: [DONE]\n\n"
                    return
                if fault == "stall":
                    await asyncio.sleep(LONG)
        finally:
            await answer.aclose()
