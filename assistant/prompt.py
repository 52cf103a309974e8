"""Lays out what the model reads, within its budget, so that typing only appends to it.

The model's cache holds the longest common beginning of two prompts. So what changes slowly comes first where the
format allows it, the prefix begins at a place that stays while the user types, and the brackets that an editor
closes by itself are left out of the suffix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from assistant.decoding.stopping import CLOSING_TAIL
from assistant.formats import pieces
from assistant.languages import comment_mark
from assistant.text import line_end
from assistant.types import CompletionRequest, Model, Prompt, PromptPart, Snippet

ANCHOR = 1024
"""Code points by which the prefix's beginning jumps when the prefix outgrows its budget."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens for each part of a prompt. What the context and the suffix do not use goes to the prefix."""

    total: int
    context: int
    suffix: int

    @classmethod
    def of(cls, total: int) -> Budget:
        """Shares in the proportions in which the embedded model was trained."""
        return cls(total, context=total * 3 // 8, suffix=total // 5)


def build(
    request: CompletionRequest,
    snippets: Sequence[Snippet],
    model: Model,
    budget: Budget,
) -> Prompt:
    """The prompt for a cursor. `snippets` come best first; the best stands nearest to the current file."""
    writer = _Writer(model)
    left_out: list[str] = []
    suffix = _head(visible_suffix(request), budget.suffix, model)
    files, dropped = _fitting(request, snippets, model, budget.context)
    left_out += [f"{snippet.path} ({snippet.source}): no room in {budget.context} tokens" for snippet in dropped]
    used = len(model.tokenize(suffix)) + sum(_length(model, request, snippet) for snippet in files)
    prefix = _tail(request.prefix, max(budget.total - used - _OVERHEAD, budget.total // 8), model)
    if len(prefix) < request.offset:
        left_out.append(f"the first {request.offset - len(prefix)} characters of {request.name}")

    fields: dict[str, Callable[[], None]] = {
        "files": lambda: _write_files(writer, request, model, reversed(files)),
        "repository": lambda: writer.text("file", request.root.name if request.root else "repository"),
        "path": lambda: writer.text("file", request.name),
        "suffix": lambda: writer.text("suffix", suffix),
        "prefix": lambda: writer.text("prefix", prefix),
    }
    for piece in pieces(model.format.prompt):
        if piece.kind == "field":
            fields[piece.value]()
        elif piece.kind == "special":
            writer.special(piece.value)
        else:
            writer.text("file", piece.value)
    return Prompt(tuple(writer.tokens), tuple(writer.parts), tuple(left_out))


_OVERHEAD = 48
"""Tokens for the path, the repository's name and the special tokens."""


def visible_suffix(request: CompletionRequest) -> str:
    """The suffix that the model sees: closing brackets that end the cursor's line are left for it to write.

    An editor puts `)` there while `(` is typed: the suffix, and all that was computed for it, would change.

        print(‸)⏎rest → ⏎rest
    """
    suffix = request.suffix
    closers = CLOSING_TAIL.match(suffix)
    return suffix[closers.end() :] if closers else suffix


def _fitting(
    request: CompletionRequest, snippets: Iterable[Snippet], model: Model, budget: int
) -> tuple[list[Snippet], list[Snippet]]:
    fitting, dropped = [], []
    for snippet in snippets:
        length = _length(model, request, snippet)
        if length <= budget:
            fitting.append(snippet)
            budget -= length
        else:
            dropped.append(snippet)
    return fitting, dropped


def _length(model: Model, request: CompletionRequest, snippet: Snippet) -> int:
    return len(model.tokenize(snippet.text)) + len(model.tokenize(snippet.path)) + 3


def _write_files(writer: _Writer, request: CompletionRequest, model: Model, files: Iterable[Snippet]) -> None:
    for snippet in files:
        values = {"path": snippet.path, "text": snippet.text, "comment": comment_mark(request.language)}
        for piece in pieces(model.format.file):
            if piece.kind == "special":
                writer.special(piece.value, snippet.source)
            else:
                writer.text(snippet.source, values[piece.value] if piece.kind == "field" else piece.value)


def _head(text: str, budget: int, model: Model) -> str:
    """The beginning of a text, up to the end of a line, in at most `budget` tokens."""
    text = text[: budget * 8]
    while text and len(model.tokenize(text)) > budget:
        shorter = text[: len(text) * 7 // 8]
        cut = shorter.rfind("\n")
        text = shorter[: cut + 1] if cut > 0 else shorter
    return text


def _tail(text: str, budget: int, model: Model) -> str:
    """The end of a text from the beginning of a line, in at most `budget` tokens, from a place that seldom moves."""
    start = max(0, len(text) - budget * 8) // ANCHOR * ANCHOR
    while True:
        tail = text[_line_start_after(text, start) :] if start else text
        if len(model.tokenize(tail)) <= budget:
            return tail
        start += ANCHOR if len(text) - start > 2 * ANCHOR else max(1, (len(text) - start) // 2)


def _line_start_after(text: str, position: int) -> int:
    """Where the first line at or after a position begins; the position itself if it is in the last, long line."""
    if text[position - 1] == "\n":
        return position
    end = line_end(text, position)
    return end + 1 if end + 1 < len(text) else position


class _Writer:
    """Collects tokens and remembers which source they came from."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.tokens: list[int] = []
        self.parts: list[PromptPart] = []

    def special(self, token: str, source: str = "file") -> None:
        self._add(source, token, [self.model.special(token)])

    def text(self, source: str, text: str) -> None:
        self._add(source, text, self.model.tokenize(text))

    def _add(self, source: str, text: str, tokens: list[int]) -> None:
        self.tokens += tokens
        self.parts.append(PromptPart(source, text, len(tokens)))
