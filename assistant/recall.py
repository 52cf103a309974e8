"""Gives back the rest of a completion while the user types along it, or deletes back into it, without the model."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.decoding.decode import Draft
from assistant.prompt import visible_suffix
from assistant.types import CompletionRequest

KEPT = 32
"""Cursors that are remembered."""

WINDOW = 4_096
"""Code points before and behind the cursor that must be as they were."""


@dataclass(frozen=True, slots=True)
class _Memory:
    path: Path
    prefix: str
    start: int
    suffix: str
    candidates: int
    drafts: tuple[Draft, ...]


class Recall:
    """The last completions, by their cursors. What an editor closes by itself while the user types does not matter."""

    def __init__(self) -> None:
        self._memories: deque[_Memory] = deque(maxlen=KEPT)

    def remember(self, request: CompletionRequest, drafts: tuple[Draft, ...]) -> None:
        """Keeps drafts as the model wrote them: what is trimmed from them depends on the cursor.

        That it wrote nothing is not kept: it costs little to ask again, and something may have been late.
        """
        if not any(draft.text.strip() for draft in drafts):
            return
        prefix = request.prefix[-WINDOW:]
        memory = _Memory(
            request.path,
            prefix,
            request.offset - len(prefix),
            visible_suffix(request)[:WINDOW],
            request.candidates,
            drafts,
        )
        self._memories.appendleft(memory)

    def find(self, request: CompletionRequest) -> tuple[Draft, ...] | None:
        """What is left of remembered drafts at this cursor; None if the model has to be asked."""
        suffix = visible_suffix(request)[:WINDOW]
        for memory in tuple(self._memories):
            if memory.path != request.path or memory.suffix != suffix or memory.candidates < request.candidates:
                continue
            if (typed := _typed_since(memory, request)) is None:
                continue
            rests = tuple(
                replace(draft, text=draft.text[len(typed) :])
                for draft in memory.drafts
                if draft.text.startswith(typed) and draft.text[len(typed) :].strip()
            )
            if rests:
                return rests
        return None


def _typed_since(memory: _Memory, request: CompletionRequest) -> str | None:
    """What has been typed behind a remembered cursor; None if the text before it is another."""
    end = memory.start + len(memory.prefix)
    if request.offset < end or request.text[memory.start : end] != memory.prefix:
        return None
    return request.text[end : request.offset].replace("\r\n", "\n")
