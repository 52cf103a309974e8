"""Lays out what the model reads, within its budget, so that typing only appends to it.

The model's cache holds the longest common beginning of two prompts. So what changes slowly comes first where the
format allows it, the prefix begins at a place that stays while the user types, and the brackets that an editor
closes by itself are left out of the suffix.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.decoding.stopping import CLOSING_TAIL
from assistant.formats import Format, pieces
from assistant.languages import comment_mark
from assistant.text import line_start, window_start
from assistant.types import CompletionRequest, Prompt, PromptPart, Reader, Snippet

ANCHOR = 1024
"""Code points by which the prefix's beginning jumps, at most, when the prefix outgrows its budget."""

LONG_LINE = 128
"""Code points after which a line is cut rather than left out."""

LEAST = 16
"""Tokens below which a prefix is not worth showing."""

NAME = 200
"""The most code points of a path that the model sees; its end says more."""


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
    model: Reader,
    budget: Budget,
) -> Prompt:
    """The prompt for a cursor. `snippets` come best first; the best stands nearest to the current file."""
    suffix = _head(visible_suffix(request), budget.suffix, model)
    files, dropped = _fitting(request, snippets, model, budget.context)
    texts = _joined(_layout(model.format, request, [*reversed(files)], suffix))
    used = sum(len(text.tokens(model)) for text in texts)
    start = _prefix_start(request.prefix, max(budget.total - used, 0), model)
    texts = [replace(text, text=_lf(request.prefix[start:])) if text.source == "prefix" else text for text in texts]
    left_out = [f"{snippet.path} ({snippet.source}): no room in {budget.context} tokens" for snippet in dropped]
    if start:
        left_out.append(f"the first {start} characters of {request.name}")
    written = [(text, text.tokens(model)) for text in texts]
    return Prompt(
        tuple(token for _, tokens in written for token in tokens),
        tuple(PromptPart(text.source, text.text, len(tokens)) for text, tokens in written),
        tuple(left_out),
    )


@dataclass(frozen=True, slots=True)
class _Text:
    """A stretch of a prompt: text of a source, or one special token."""

    source: str
    text: str
    is_special: bool = False

    def tokens(self, model: Reader) -> list[int]:
        return [model.special(self.text)] if self.is_special else model.tokenize(self.text)


def _layout(format: Format, request: CompletionRequest, files: Sequence[Snippet], suffix: str) -> Iterator[_Text]:
    """The prompt from the first to the last token; the prefix, which takes the room that is left, is still empty."""
    comment = comment_mark(request.language)
    repository = request.root.name if request.root else "repository"
    values = {
        "repository": repository,
        "path": request.name[-NAME:],
        "comment": comment,
        "suffix": suffix,
        "prefix": "",
    }
    for piece in pieces(format.prompt):
        if piece.value == "files":
            for snippet in files:
                yield from _file(format, snippet, comment)
        elif piece.kind == "field":
            yield _Text(piece.value if piece.value in ("prefix", "suffix") else "file", values[piece.value])
        else:
            yield _Text("file", piece.value, piece.kind == "special")


def _file(format: Format, snippet: Snippet, comment: str) -> Iterator[_Text]:
    """A snippet as the model reads it."""
    values = {"path": snippet.path, "text": _lf(snippet.text), "comment": comment}
    for piece in pieces(format.file):
        text = values[piece.value] if piece.kind == "field" else piece.value
        yield _Text(snippet.source, text, piece.kind == "special")


def _joined(texts: Iterable[_Text]) -> list[_Text]:
    """Neighbours of one source made one text: a tokenizer makes other tokens of `a.py` and `\\n` than of `a.py\\n`."""
    joined: list[_Text] = []
    for text in texts:
        last = joined[-1] if joined else None
        if last and last.source == text.source and not last.is_special and not text.is_special:
            joined[-1] = replace(last, text=last.text + text.text)
        else:
            joined.append(text)
    return joined


def _lf(text: str) -> str:
    """A text with the newlines that models know."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def visible_suffix(request: CompletionRequest) -> str:
    """The suffix that the model sees: closing brackets that end the cursor's line are left for it to write.

    An editor puts `)` there while `(` is typed: the suffix, and all that was computed for it, would change.

        print(‸)⏎rest → ⏎rest
    """
    suffix = request.suffix
    closers = CLOSING_TAIL.match(suffix)
    return suffix[closers.end() :] if closers else suffix


def _fitting(
    request: CompletionRequest, snippets: Sequence[Snippet], model: Reader, budget: int
) -> tuple[list[Snippet], list[Snippet]]:
    """The snippets that the budget is spent on, those first that are worth most by token; and the others.

    Both in the order in which they came.
    """
    lengths = {id(snippet): _length(model, request, snippet) for snippet in snippets}
    chosen = set[int]()
    for snippet in sorted(snippets, key=lambda snippet: -snippet.score / lengths[id(snippet)]):
        if lengths[id(snippet)] <= budget:
            chosen.add(id(snippet))
            budget -= lengths[id(snippet)]
    fitting = [snippet for snippet in snippets if id(snippet) in chosen]
    return fitting, [snippet for snippet in snippets if id(snippet) not in chosen]


def _length(model: Reader, request: CompletionRequest, snippet: Snippet) -> int:
    texts = _joined(_file(model.format, snippet, comment_mark(request.language)))
    return sum(len(text.tokens(model)) for text in texts)


def _head(text: str, budget: int, model: Reader) -> str:
    """The beginning of a text, up to the end of a line, in at most `budget` tokens."""
    text = _lf(text[: budget * 8])
    while text and len(model.tokenize(text)) > budget:
        shorter = text[: len(text) * 7 // 8]
        cut = shorter.rfind("\n")
        text = shorter[: cut + 1] if cut > 0 else shorter
    return text


def _prefix_start(text: str, budget: int, model: Reader) -> int:
    """Where the end of a text begins that takes at most `budget` tokens: a place that seldom moves while it grows.

    That is the beginning of a line near a multiple of a quarter of the budget or so; a longer line is cut.
    """
    if budget < LEAST:
        return len(text)
    step = min(ANCHOR, 1 << budget.bit_length() - 1)
    first = window_start(len(text), budget * 8, step)
    starts = [_line_start_near(text, anchor) for anchor in range(first, len(text) + 1, step)]
    fitting = bisect_left(starts, True, key=lambda start: _length_from(text, start, model) <= budget)
    return starts[fitting] if fitting < len(starts) else len(text) - budget // 4  # where a character takes four tokens


def _length_from(text: str, start: int, model: Reader) -> int:
    """At most so many tokens has a text from a place on: the lines above the last, which models remember, and that."""
    last = max(line_start(text, len(text)), start)
    return len(model.tokenize(_lf(text[start:last]))) + len(model.tokenize(text[last:])) + 1


def _line_start_near(text: str, position: int) -> int:
    """The first beginning of a line from a position on; the position itself if the line is long."""
    if position == 0:
        return 0
    newline = text.find("\n", position - 1, min(position + LONG_LINE, len(text) - 1))
    return position if newline < 0 else newline + 1
