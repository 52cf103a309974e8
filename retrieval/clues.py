"""What is told of a place in a text: what is around it, and where its variables come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

BODY = 12_000
"""Code points before the place that are looked at for variables."""


class Origin(StrEnum):
    """What the text in a clue is, seen from the variable."""

    TYPE = "its type"
    VALUE = "what it is given"
    ELEMENT = "what it is taken from, one after another"
    CONTEXT = "what is entered"


@dataclass(frozen=True, slots=True)
class Clue:
    """Where a variable comes from. `index` is its place where several are unpacked."""

    origin: Origin
    text: str
    index: int | None = None


@dataclass(frozen=True)
class Scope:
    """What is around a place: `owner` are its classes, joined by dots, `returns` what the function gives back.

    `text` is that of the function up to the place.
    """

    owner: str = ""
    function: str = ""
    returns: str = ""
    variables: Mapping[str, Clue] = field(default_factory=dict)
    text: str = ""
