"""In which format a server's model is sent prompts: that of its family, or the server makes them itself."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.errors import ModelError, NoFillInTheMiddle
from assistant.formats import FORMATS, Format, detect
from plugins.remote.tokens import PREFIX, SUFFIX
from plugins.remote.traits import Traits

BY_SERVER = Format(
    "the server's own",
    f"{SUFFIX}{{suffix}}{PREFIX}{{files}}{{comment}} {{path}}\n{{prefix}}",
    "{comment} {path}\n{text}\n",
)
"""For servers that make the prompt themselves, from a prefix with the context before it and a suffix."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A format, and why it was chosen in a sentence."""

    format: Format
    reason: str


def choice(traits: Traits, name: str = "") -> Choice:
    """The format for a server's model: that which is named, that which its tokens show, that which its name tells."""
    if name:
        return Choice(named(name), "the setting `model` says so")
    if traits.specials is not None:
        try:
            return Choice(*detect(traits.specials, {"general.name": traits.model}, traits.model))
        except NoFillInTheMiddle:
            return Choice(BY_SERVER, "its vocabulary has no tokens of a format that is known here")
    for known in FORMATS:
        if hint := next((hint for hint in known.hints if hint in traits.model.lower()), None):
            return Choice(known, f"the model's name says “{hint}”")
    return Choice(BY_SERVER, "neither the model's name nor its tokens tell of a format that is known here")


def named(name: str) -> Format:
    """The format of a name. Raises ModelError."""
    if found := next((known for known in FORMATS if known.name == name), None):
        return found
    names = ", ".join(known.name for known in FORMATS)
    raise ModelError(f"There is no format {name!r} (`format=` in the setting `model`). The formats are {names}.")
