"""How servers are asked for text, and what they answer: OpenAI's completions, llama.cpp's infill, Ollama's generate."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assistant.types import Chunk
from plugins.remote.grammars import grammar

WARM = 0.8
"""The temperature of a draw."""


NEVER = -100.0
"""A log-probability that is as good as none, and can be computed with."""


class Shape(StrEnum):
    """How a server is asked. The first two read prompts as they are; the others make them of prefix and suffix."""

    COMPLETIONS = "completions"
    GENERATE = "generate"
    SUFFIX = "completions with a suffix"
    INFILL = "infill"


class Rule(StrEnum):
    """What a server calls an expression that its text must match. llama.cpp knows grammars only."""

    NONE = ""
    STRUCTURED = "structured_outputs"
    GUIDED = "guided_regex"
    GRAMMAR = "grammar"

    def said(self, expression: str) -> dict[str, Any]:
        """The field of a request. Raises ValueError where the expression cannot be said."""
        match self:
            case Rule.STRUCTURED:
                return {self.value: {"regex": expression}}
            case Rule.GUIDED:
                return {self.value: expression}
            case Rule.GRAMMAR:
                return {self.value: grammar(expression)}
            case _:
                return {}


VLLM = (Rule.STRUCTURED, Rule.GUIDED)
"""The rules of vLLM, newer and older."""

BEGINS = ("<s>", "<bos>", "<｜begin▁of▁sentence｜>")
"""Tokens with which some formats begin."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a server is asked for. `prefix` is the whole prompt where it is one; `written` comes behind it.

    `told` is for how many tokens at each place the probabilities are wanted; `stops` are ids of tokens that end it.
    """

    model: str
    prefix: str
    suffix: str = ""
    written: str = ""
    tokens: int = 16
    expression: str = ""
    line: bool = False
    chance: int = 0
    told: int = 0
    stops: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer: text, the tokens that it is of if they are told, and why it ends if it does."""

    text: str
    tokens: tuple[Chunk, ...] = ()
    finish: str = ""


def path(shape: Shape) -> str:
    """The address of a shape, from the server's root, which `{base}` adds OpenAI's part to."""
    return {Shape.GENERATE: "/api/generate", Shape.INFILL: "/infill"}.get(shape, "{base}/completions")


def body(shape: Shape, rule: Rule, ask: Ask) -> dict[str, Any]:
    """The body of a request. Raises ValueError where the expression cannot be said."""
    said = rule.said(ask.expression) if ask.expression else {}
    stop = {"stop": ["\n"]} if ask.line else {}
    draw = {"temperature": WARM if ask.chance else 0, "seed": ask.chance}
    match shape:
        case Shape.GENERATE:
            options = draw | stop | {"num_predict": ask.tokens}
            told = {"logprobs": True, "top_logprobs": ask.told} if ask.told else {}
            kind = {"suffix": ask.suffix} if ask.suffix else {"raw": True}
            prompt = {"prompt": _prompt(rule, ask), "stream": True}
            return {"model": ask.model, **prompt, **kind, "options": options, **told}
        case Shape.INFILL:
            text = {"input_prefix": ask.prefix, "input_suffix": ask.suffix, "prompt": ask.written}
            told = {"n_probs": ask.told} if ask.told else {}
            return text | draw | stop | said | told | {"n_predict": ask.tokens, "stream": True, "cache_prompt": True}
    told = {"logprobs": ask.told} if ask.told else {}
    suffix = {"suffix": ask.suffix} if shape is Shape.SUFFIX else {}
    prompt = {"model": ask.model, "prompt": _prompt(rule, ask), "max_tokens": ask.tokens, "stream": True}
    return prompt | suffix | draw | stop | said | told | _more(rule, ask)


def _prompt(rule: Rule, ask: Ask) -> str:
    """The prompt, without the token that begins a text where a server puts it there by itself."""
    begin = next((begin for begin in BEGINS if ask.prefix.startswith(begin)), "")
    return (ask.prefix if rule in VLLM else ask.prefix.removeprefix(begin)) + ask.written


def _more(rule: Rule, ask: Ask) -> dict[str, Any]:
    """What some servers must be told besides: llama-cpp-python's punishes repetition if it is not."""
    if rule in VLLM:
        return {"add_special_tokens": False, "stop_token_ids": list(ask.stops)}
    return {"repeat_penalty": 1.0} if rule is Rule.GRAMMAR else {}


def part(line: str) -> Part | None:
    """A part of an answer from a line of it; None if the line holds none. Raises ValueError for what is no answer."""
    data = line.removeprefix("data:").strip()
    if not data or data == "[DONE]" or line.startswith((":", "event:", "id:", "retry:")):
        return None
    try:
        answer = json.loads(data)
        if answer.get("error"):
            raise ValueError(f"it says: {_sentence(answer['error'])}")
        return _part(answer)
    except (AttributeError, KeyError, IndexError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"it sent what is no completion ({type(error).__name__}): {data[:80]!r}") from None


class Chunks:
    """Makes chunks of parts, a token each where tokens are told: their texts may come a little later than they do."""

    def __init__(self) -> None:
        self._text = ""
        self._waiting = deque[Chunk]()

    def on(self, part: Part) -> Iterator[Chunk]:
        """The chunks that are complete with a part."""
        self._text += part.text
        self._waiting += part.tokens
        while self._text and self._waiting and self._text.startswith(self._waiting[0].text):
            chunk = self._waiting.popleft()
            self._text = self._text[len(chunk.text) :]
            if chunk.text:
                yield chunk
        if self._text and (part.finish or not (self._waiting and self._waiting[0].text.startswith(self._text))):
            yield self._together()

    def _together(self) -> Chunk:
        """A text that is not that of the tokens told: of a character that two write, or cut where it was to stop."""
        logprobs = [chunk.logprob for chunk in self._waiting if chunk.logprob is not None]
        chunk = Chunk(self._text, sum(logprobs) if logprobs else None)
        self._waiting.clear()
        self._text = ""
        return chunk


def _part(answer: Mapping[str, Any]) -> Part:
    if "choices" in answer:
        choice = answer["choices"][0] if answer["choices"] else {"text": ""}  # vLLM's count of tokens comes so
        finish = choice.get("finish_reason") or ""
        return Part(_text(choice["text"]), tuple(_tokens(choice.get("logprobs"))), finish)
    if "response" in answer:
        finish = (answer.get("done_reason") or "stop") if answer.get("done") else ""
        return Part(_text(answer["response"]), tuple(_tokens(answer.get("logprobs"))), finish)
    stop = {"limit": "length"}.get(answer.get("stop_type", ""), "stop") if answer.get("stop") else ""
    return Part(_text(answer["content"]), tuple(_tokens(answer.get("completion_probabilities"))), stop)


def _text(text: Any) -> str:
    """A text without halves of surrogate pairs, which JSON can hold and files cannot."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no text")
    return text.encode("utf-8", "replace").decode()


def _tokens(told: Any) -> Iterator[Chunk]:
    """Tokens with their probabilities: as OpenAI's completions tell them, or as its chat and llama.cpp do."""
    if isinstance(told, Mapping) and "content" in told:
        told = told["content"]
    if isinstance(told, Mapping) and "tokens" in told:
        tops = told.get("top_logprobs") or [{}] * len(told["tokens"])
        for text, logprob, top in zip(told["tokens"], told["token_logprobs"], tops, strict=True):
            yield _token(text, logprob, (top or {}).items())
    elif isinstance(told, list):
        for each in told:
            top = [(other["token"], other["logprob"]) for other in each.get("top_logprobs") or ()]
            yield _token(each["token"], each["logprob"], top)


def _token(text: Any, logprob: Any, told: Iterable[tuple[Any, Any]]) -> Chunk:
    """A token, and those others that are text: neither special ones nor halves of characters. The likeliest first."""
    others = [(_text(other), max(chance, NEVER)) for other, chance in told if other and other != text]
    others = [(other, chance) for other, chance in others if "\ufffd" not in other]
    own = None if logprob is None else max(logprob, NEVER)
    return Chunk(_text(text), own, tuple(sorted(others, key=lambda each: -each[1])))


def _sentence(error: Any) -> str:
    return str(error.get("message", error) if isinstance(error, Mapping) else error)[:200]
