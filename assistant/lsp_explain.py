"""What the last completion was made of, for an editor to show: the command `ghostwright.explain`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.answers import as_json
from assistant.types import Answer, CompletionRequest, Trigger, name_in

EXPLAIN = "ghostwright.explain"

HEAD = 400
"""Code points at the beginning of a snippet among which its path stands."""

_WORD = re.compile(r"[^\s:“”\"'`]{1,200}")


@dataclass(frozen=True, slots=True)
class _Shown:
    uri: str
    line: int
    request: CompletionRequest
    answer: Answer


class Explanations:
    """Remembers the last completion that the model was asked for, and tells what it was made of."""

    def __init__(self) -> None:
        self._last: _Shown | None = None

    def remember(self, uri: str, line: int, request: CompletionRequest, answer: Answer) -> None:
        """Takes over an answer with something to show, or one that the user has asked for; not its remembered rest."""
        if answer.prompt and (answer.completions or request.trigger is Trigger.INVOKED):
            self._last = _Shown(uri, line, request, answer)

    def as_json(self) -> dict[str, Any] | None:
        """What `ghostwright complete --explain --json` prints, with the place and the files; None before the first.

        `line` counts from 0; parts of the prompt that were taken from a file have its `uri`.
        """
        if self._last is None:
            return None
        request, answer = self._last.request, self._last.answer
        values = as_json(answer, explain=True)
        for part in values["prompt"]:
            if path := _file(part["source"], part["text"], request):
                part["uri"] = path.as_uri()
        return {"uri": self._last.uri, "line": self._last.line, "evaluated": answer.evaluated, **values}


def _file(source: str, text: str, request: CompletionRequest) -> Path | None:
    """The file that a part of the prompt was taken from: its name stands at its beginning."""
    if source in ("file", "prefix", "suffix"):
        return None
    others = {name_in(request.root, other.path): other.path for other in request.others}
    for word in _WORD.findall(text[:HEAD]):
        if word in others:
            return others[word]
        if request.root and "." in word and (path := Path(request.root, word)).is_file():
            return path
    return None
