"""Servers of the shapes of Ollama and of llama.cpp's own, over models of bytes; they keep to their grammars."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from llguidance import LLMatcher
from llguidance.gbnf_to_lark import gbnf_to_lark
from remote_tools import Obedience, spoken, tokens_of

from assistant.types import Chunk, Model, Order


class Grammar(Obedience):
    """Which tokens may come next under a grammar of llama.cpp's."""

    @staticmethod
    def compiled(text: str) -> str:
        return str(LLMatcher.grammar_from_lark(gbnf_to_lark(text)))


def ollama(model: Model, name: str = "qwen2.5-coder:1.5b-base", tells: bool = True) -> FastAPI:
    """`tells`: newer ones tell of probabilities, older ones ignore that they are asked for."""
    app = FastAPI()
    app.state.asked = []

    @app.get("/v1/models")
    def models() -> Any:
        return {"data": [{"id": name, "owned_by": "library"}]}

    @app.get("/api/version")
    def version() -> Any:
        return {"version": "0.13.0"}

    @app.post("/api/generate")
    def generate(body: dict[str, Any]) -> Any:
        app.state.asked.append(body)
        options = body["options"]
        seed = options["seed"] if options["temperature"] else 0
        tokens = model.context_length if options["num_predict"] < 0 else options["num_predict"]
        order = Order((), "", tokens, "", options.get("stop") == ["\n"], seed)
        prompt = body["prompt"] if body.get("raw") else f"<|fim_prefix|>{body['prompt']}<|fim_suffix|><|fim_middle|>"
        told = body.get("top_logprobs", 0) if tells else 0
        return StreamingResponse(_lines(spoken(model, tokens_of(model, prompt), order, told)))

    def _lines(stream: Iterator[tuple[Chunk, int]]) -> Iterator[str]:
        reason = "length"
        for chunk, _ in stream:
            if chunk.is_end:
                reason = "stop"
                break
            told = {"logprobs": [_token(chunk)]} if chunk.logprob is not None else {}
            yield json.dumps({"model": name, "response": chunk.text, "done": False, **told}) + "\n"
        yield json.dumps({"model": name, "response": "", "done": True, "done_reason": reason}) + "\n"

    return app


def llama_server(model: Model, name: str = "qwen2.5-coder-1.5b.gguf", knows: bool = True) -> FastAPI:
    """One that does not know its tokens by their names makes the prompts itself, at `/infill`."""
    app = FastAPI()
    app.state.asked = []

    @app.get("/v1/models")
    def models() -> Any:
        return {"data": [{"id": name, "owned_by": "llamacpp"}]}

    @app.get("/props")
    def props() -> Any:
        return {"default_generation_settings": {"n_ctx": model.context_length}}

    @app.post("/tokenize")
    def tokenize(body: dict[str, Any]) -> Any:
        text = body.get("content", "")
        return {"tokens": tokens_of(model, text) if knows else model.tokenize(text)}

    @app.post("/v1/completions")
    def completions(body: dict[str, Any]) -> Any:
        app.state.asked.append(body)
        stream = _stream(body["prompt"], body, body["max_tokens"], body.get("logprobs", 0))
        return StreamingResponse(_events(stream, _choice), media_type="text/event-stream")

    @app.post("/infill")
    def infill(body: dict[str, Any]) -> Any:
        app.state.asked.append(body)
        halves = f"<|fim_prefix|>{body['input_prefix']}<|fim_suffix|>{body['input_suffix']}<|fim_middle|>"
        stream = _stream(halves + body["prompt"], body, body["n_predict"], body.get("n_probs", 0))
        return StreamingResponse(_events(stream, _piece), media_type="text/event-stream")

    def _stream(prompt: str, body: dict[str, Any], tokens: int, told: int) -> Iterator[tuple[Chunk, int]]:
        seed = body["seed"] if body["temperature"] else 0
        order = Order((), "", tokens, body.get("grammar", ""), body.get("stop") == ["\n"], seed)
        return spoken(model, tokens_of(model, prompt), order, told, rule=Grammar)

    def _events(stream: Iterator[tuple[Chunk, int]], shape: Any) -> Iterator[str]:
        finish = "length"
        for chunk, _ in stream:
            if chunk.is_end:
                finish = "stop"
                break
            yield f"data: {json.dumps(shape(chunk, ''))}\n\n"
        yield f"data: {json.dumps(shape(Chunk(''), finish))}\n\n"

    return app


def _choice(chunk: Chunk, finish: str) -> dict[str, Any]:
    """llama-server tells probabilities in its completions as in its chat."""
    told = None if chunk.logprob is None else {"content": [_token(chunk)]}
    return {"choices": [{"text": chunk.text, "index": 0, "logprobs": told, "finish_reason": finish or None}]}


def _piece(chunk: Chunk, finish: str) -> dict[str, Any]:
    told = {} if chunk.logprob is None else {"completion_probabilities": [_token(chunk)]}
    ended = {"stop": True, "stop_type": "limit" if finish == "length" else "eos"} if finish else {"stop": False}
    return {"content": chunk.text, **told, **ended}


def _token(chunk: Chunk) -> dict[str, Any]:
    top = [{"token": text, "logprob": logprob} for text, logprob in ((chunk.text, chunk.logprob), *chunk.others)]
    return {"token": chunk.text, "logprob": chunk.logprob, "top_logprobs": top}
