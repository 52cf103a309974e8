"""Finds out what a server is and can do: by what it says, and by trying."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.formats import FORMATS
from plugins.remote.dialects import Ask, Rule, Shape
from plugins.remote.server import Server, Trouble
from plugins.remote.tokens import Tokens
from plugins.remote.traits import Traits

log = logging.getLogger(__name__)

TOLD = (20, 5)
"""For how many tokens at each place probabilities are asked: the most that vLLM gives by itself, or else OpenAI."""

OLLAMA_CONTEXT = 4096
"""Ollama's own measure, unless its owner has set another one."""

SAMPLE = Path(__file__).read_text(encoding="utf-8")[:6000]
"""Code whose tokens are counted."""

TEST = "zq"
"""What no model writes unless it is made to."""

_TOKENIZERS = (("/tokenize", "prompt"), ("/tokenize", "content"), ("/extras/tokenize", "input"))
"""Addresses at which texts are counted, and how the text is called there: vLLM, llama-server, llama-cpp-python."""


async def examined(server: Server) -> Traits:
    """What a server is found to be. Raises Trouble."""
    listed = await server.listed()
    model = server.chosen([str(each["id"]) for each in listed])
    entry = next(each for each in listed if each["id"] == model)
    traits = await _counted(server, await _placed(server, Traits(model), entry))
    traits = replace(traits, told=await _told(server, traits))
    return replace(traits, rule=await _rule(server, traits))


async def _placed(server: Server, traits: Traits, entry: Mapping[str, Any]) -> Traits:
    """Traits with what sort of server it is, and how much it reads where it says so.

    vLLM says it in its list of models, llama-server among its properties.
    """
    said = await server.json("GET", f"{server.root}/api/version")
    if isinstance(said, dict) and "version" in said:  # LM Studio answers to everything
        return replace(traits, shape=Shape.GENERATE, makes=Shape.GENERATE, context=OLLAMA_CONTEXT)
    if isinstance(length := entry.get("max_model_len"), int):
        return replace(traits, context=length)
    said = await server.json("GET", f"{server.root}/props")
    settings = said.get("default_generation_settings") if isinstance(said, dict) else None
    if isinstance(settings, dict) and isinstance(length := settings.get("n_ctx"), int):
        return replace(traits, makes=Shape.INFILL, context=length)
    return traits


async def _counted(server: Server, traits: Traits) -> Traits:
    """Traits with what it says of its tokens: of formats that are known here, those which it reads as one."""
    texts = sorted(frozenset().union(*(known.specials for known in FORMATS)))
    for address, name in _TOKENIZERS:
        if sample := await _tokens(server, address, name, traits.model, SAMPLE):
            counted = await asyncio.gather(*(_tokens(server, address, name, traits.model, text) for text in texts))
            pairs = zip(texts, counted, strict=True)
            specials = {text: tokens[0] for text, tokens in pairs if tokens and len(tokens) == 1}
            return replace(traits, specials=specials, ratio=len(Tokens().of(SAMPLE)) / len(sample))
    return traits


async def _tokens(server: Server, address: str, name: str, model: str, text: str) -> list[int] | None:
    asked = {"model": model, name: text, "add_special_tokens": False}
    answer = await server.json("POST", server.root + address, json=asked)
    tokens = answer.get("tokens") if isinstance(answer, dict) else None
    return tokens if isinstance(tokens, list) and all(isinstance(token, int) for token in tokens) else None


async def _told(server: Server, traits: Traits) -> int:
    """For how many tokens it tells probabilities. Raises Trouble if it writes nothing even without them."""
    ask = Ask(traits.model, "def ", tokens=2)
    async for _ in server.written(traits, ask):
        pass
    for count in TOLD:
        try:
            told = [chunk.others async for chunk in server.written(traits, replace(ask, told=count))]
        except Trouble as error:
            log.debug("%s", error)
            continue
        if any(told):
            return count
    return 0


async def _rule(server: Server, traits: Traits) -> Rule:
    """How it is told what its text must match: tried, since many servers ignore what they do not know."""
    for rule in (Rule.STRUCTURED, Rule.GRAMMAR, Rule.GUIDED) if traits.shape is not Shape.GENERATE else ():
        ask = Ask(traits.model, "def ", tokens=8, expression=TEST)
        try:
            texts = [chunk.text async for chunk in server.written(replace(traits, rule=rule), ask)]
        except Trouble as error:
            log.debug("%s", error)
            continue
        if "".join(texts) == TEST:
            return rule
    return Rule.NONE
