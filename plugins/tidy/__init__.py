"""Makes a completion fit its place: no bracket closed twice, no line repeated, the file's own indentation and newlines.

foo(‸) + "a, b)" → foo(a, b‸)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.types import Completion, CompletionRequest, PostProcessor
from plugins.tidy.indentation import indented, without_blank_again
from plugins.tidy.place import Place, place_of
from plugins.tidy.repeats import once, repeats_above, without_lines_below
from plugins.tidy.rest import met

ROUNDS = 6
"""How often a completion is gone through: what one round takes away may bare something for the next."""


@hookimpl
def ghostwright_post_processors(settings: Settings) -> Sequence[PostProcessor]:
    return [Tidy()]


class Tidy:
    """Fits completions to the text around the cursor; drops those that only repeat it."""

    name = "tidy"

    def process(self, completion: Completion, request: CompletionRequest) -> Completion | None:
        if completion.replaces:
            return completion
        place = place_of(request)
        text, replaces = completion.text, 0
        for _ in range(ROUNDS):
            before = text
            text, replaces = _tidied(text, place)
            if replaces or text == before:
                break
        if not text.strip():
            return None
        return replace(completion, text=text.replace("\n", place.newline), replaces=replaces)


def _tidied(text: str, place: Place) -> tuple[str, int]:
    """One round: the text that is left, and how many code points it replaces."""
    for step in _STEPS:
        text = step(text, place)
    text, replaces = met(text, place)
    if not text.strip() or repeats_above(text, replaces, place):
        return "", 0
    return text, replaces


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffd\ud800-\udfff]")


def _printable(text: str, place: Place) -> str:
    """`a⏎\\x00b` → `a⏎`: what no editor shows, or half a character, ends a completion."""
    return _CONTROL.split(text.replace("\r\n", "\n").replace("\r", "\n"), maxsplit=1)[0]


_STEPS: tuple[Callable[[str, Place], str], ...] = (
    _printable,
    without_blank_again,
    indented,
    once,
    without_lines_below,
)
