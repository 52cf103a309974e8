"""Writes what is asked for at one cursor, once from each prompt that is made for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from assistant.decoding.decode import Draft, Writer, typed_before
from assistant.decoding.stopping import extent
from assistant.decoding.watch import Watch
from assistant.types import CompletionRequest, Model, Prompt, TextModel


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a prompt has led to: drafts, the most probable one first, and their writer, which can go on."""

    prompt: Prompt
    writer: Writer
    drafts: tuple[Draft, ...]

    @property
    def says_something(self) -> bool:
        """Whether a draft has anything in it, and came to its end: others may lack their last lines."""
        return any(draft.text.strip() and not draft.abandoned for draft in self.drafts)


@dataclass(frozen=True, slots=True)
class Drafting:
    """What all drafts for a request have in common. `deadline` is a time of the monotonic clock."""

    request: CompletionRequest
    model: Model | TextModel
    watch: Watch
    max_lines: int
    deadline: float
    cancelled: Event
    tell: Callable[[str], None]

    def write(self, prompt: Prompt) -> Drafted:
        """The best draft, and as many others as candidates are wanted, if more than one is. Raises Cancelled."""
        typed = typed_before(self.request)
        cut, limit = self.request.cut(len(typed)), extent(self.request, self.max_lines)
        writer = Writer(
            self.model, prompt.tokens, cut, typed, limit, self.watch, self.cancelled, self.deadline, self.tell
        )
        first = writer.write().confident()
        count = self.request.candidates if self.request.candidates > 1 else 0
        others = (draft.confident() for draft in writer.others(first, count))
        return Drafted(prompt, writer, (first, *others))
