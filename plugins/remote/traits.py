"""What a server is found to be, and how long it is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plugins.remote.dialects import Rule, Shape

CONTEXT = 2048
"""Tokens that a server is believed to read if it does not say."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: until a server takes a connection, the first token comes, the next one comes; until it is tried again
    when it has failed, at most; and between two looks at whether it is well.
    """

    connect: float = 2.0
    first: float = 5.0
    next: float = 3.0
    again: float = 30.0
    look: float = 15.0


@dataclass(frozen=True, slots=True)
class Traits:
    """What a server has been found to be.

    `makes` is how it is asked to make a prompt itself. `context` is in its tokens, of which ours are `ratio` times as
    many. `specials` are tokens of known formats by their texts, if it tells them.
    """

    model: str
    shape: Shape = Shape.COMPLETIONS
    makes: Shape = Shape.SUFFIX
    rule: Rule = Rule.NONE
    told: int = 0
    context: int = CONTEXT
    ratio: float = 1.0
    specials: Mapping[str, int] | None = None

    @property
    def reads(self) -> Shape:
        """How it is asked to read a prompt as it is."""
        return Shape.GENERATE if self.makes is Shape.GENERATE else Shape.COMPLETIONS
