"""How servers are asked for text: OpenAI's completions, llama.cpp's infill, Ollama's generate."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from assistant.decoding.sampling import Sampling
from plugins.remote.grammars import grammar


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

    There are at most so many `tokens`, None for as many as it likes; `stops` end it, and tokens with the ids `ends`.
    `told` is for how many tokens at each place the probabilities are wanted, None for as many as it tells. It may be
    `for_client`, who is told what the server minds and wants its tokens counted; it is `verbatim` where the prompt came
    from there, so that nothing is added to it here or left out.
    """

    model: str
    prefix: str
    suffix: str = ""
    written: str = ""
    tokens: int | None = 16
    expression: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    stops: tuple[str, ...] = ()
    ends: tuple[int, ...] = ()
    told: int | None = None
    for_client: bool = False
    verbatim: bool = False


def path(shape: Shape) -> str:
    """The address of a shape, from the server's root, which `{base}` adds OpenAI's part to."""
    return {Shape.GENERATE: "/api/generate", Shape.INFILL: "/infill"}.get(shape, "{base}/completions")


def body(shape: Shape, rule: Rule, ask: Ask) -> dict[str, Any]:
    """The body of a request. Raises ValueError where the expression cannot be said."""
    said = rule.said(ask.expression) if ask.expression else {}
    stop = {"stop": list(ask.stops)} if ask.stops else {}
    match shape:
        case Shape.GENERATE:
            options = _draw(ask) | stop | {"num_predict": _tokens(ask), "repeat_penalty": 1.0}
            told = {"logprobs": True, "top_logprobs": ask.told} if ask.told else {}
            kind = {"suffix": ask.suffix} if ask.suffix else {"raw": True}
            prompt = {"prompt": _prompt(rule, ask), "stream": True}
            return {"model": ask.model, **prompt, **kind, "options": options, **told}
        case Shape.INFILL:
            text = {"input_prefix": ask.prefix, "input_suffix": ask.suffix, "prompt": ask.written}
            told = {"n_probs": ask.told} if ask.told else {}
            more = {"n_predict": _tokens(ask), "stream": True, "cache_prompt": True}
            return text | _draw(ask) | stop | said | told | more
    told = {"logprobs": ask.told} if ask.told else {}
    suffix = {"suffix": ask.suffix} if shape is Shape.SUFFIX and not ask.verbatim else {}
    prompt = {"model": ask.model, "prompt": _prompt(rule, ask), "max_tokens": ask.tokens, "stream": True}
    counts = {"stream_options": {"include_usage": True}} if ask.for_client else {}
    return prompt | suffix | _draw(ask) | stop | said | told | counts | _more(rule, ask)


def scoring(rule: Rule, ask: Ask) -> dict[str, Any]:
    """The body of a request for the tokens of a prompt: they are told before one that is written."""
    asked = body(Shape.COMPLETIONS, rule, ask)
    return {**asked, "echo": True, "max_tokens": 1, "stream": False, "stream_options": None}


def _draw(ask: Ask) -> dict[str, Any]:
    """How tokens are chosen: what is left out is up to the server."""
    sampling, usual = ask.sampling, Sampling()
    limits = ("top_k", "top_p", "min_p") if sampling.temperature else ()
    chosen = {name: getattr(sampling, name) for name in limits if getattr(sampling, name) != getattr(usual, name)}
    return {"temperature": sampling.temperature, "seed": ask.seed, **chosen}


def _tokens(ask: Ask) -> int:
    return -1 if ask.tokens is None else ask.tokens


def _prompt(rule: Rule, ask: Ask) -> str:
    """The prompt, without the token that begins a text where a server puts it there by itself."""
    begin = next((begin for begin in BEGINS if ask.prefix.startswith(begin)), "")
    is_whole = rule in VLLM or ask.verbatim
    return (ask.prefix if is_whole else ask.prefix.removeprefix(begin)) + ask.written


def _more(rule: Rule, ask: Ask) -> dict[str, Any]:
    """What some servers must be told besides: llama-cpp-python's punishes repetition if it is not."""
    if rule in VLLM:
        return {"add_special_tokens": ask.verbatim, "stop_token_ids": list(ask.ends)}
    return {"repeat_penalty": 1.0} if rule is Rule.GRAMMAR else {}
