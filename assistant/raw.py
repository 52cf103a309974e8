"""Prompts that come from elsewhere as they are, and prompts for cursors of which nothing but the text is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from assistant.decoding.decode import typed_before
from assistant.engine import PROMPT_TOKENS
from assistant.errors import ModelError
from assistant.languages import language_of
from assistant.prompt import Budget, build
from assistant.types import CompletionRequest, Model, Reader, Snippet, TextModel, writes_text

_SPECIAL = re.compile(r"▁?<[^<>\n]{1,64}>|\[[A-Z_]{1,32}\]")
"""What special tokens look like; whether one is, the model says."""


def tokens_of(model: Reader, prompt: str) -> tuple[int, ...]:
    """A prompt's tokens, in which special tokens are what they are called: `<|fim_prefix|>a<|fim_suffix|>`.

    Nothing is added to it, not even a token that a model expects at the beginning.
    """
    return tuple(token for part in _parts(model, prompt) for token in part)


def infill(
    model: Model | TextModel, prefix: str, suffix: str, snippets: Sequence[Snippet] = (), tokens: int = PROMPT_TOKENS
) -> tuple[tuple[int, ...], str]:
    """The prompt for a cursor between two texts, and what before the cursor is to be written anew.

    It has at most so many tokens; what stands far from the cursor is left out. A model on a server writes nothing anew.
    """
    name = "/main.py" if model.languages == frozenset({"python"}) else "/main"
    path = Path(name)  # a model is lost in a file of no language that it knows
    request = CompletionRequest(path, language_of(path), prefix + suffix, len(prefix))
    typed = "" if writes_text(model) else typed_before(request)
    total = min(getattr(model, "prompt_tokens", tokens), model.context_length * 3 // 4)
    return build(request.cut(len(typed)), snippets, model, Budget.of(total)).tokens, typed


def _parts(model: Reader, prompt: str) -> Iterator[Sequence[int]]:
    start = 0
    for match in _SPECIAL.finditer(prompt):
        if (token := _special(model, match[0])) is not None:
            yield from (model.tokenize(prompt[start : match.start()]), [token])
            start = match.end()
    yield model.tokenize(prompt[start:])


def _special(model: Reader, text: str) -> int | None:
    try:
        return model.special(text)
    except ModelError:
        return None
