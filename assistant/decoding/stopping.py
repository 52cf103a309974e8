"""Where a completion ends: with its line, or with the block that begins at the cursor, never past the enclosing one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.syntax import CLOSERS, OPENERS, Token, depth_changes, tokens, unmatched
from assistant.text import indentation, line_end, line_start, split_lines
from assistant.types import CompletionRequest

WINDOW = 16_384
"""Code points on each side of the cursor that are looked at: a few screens, and quick in any file."""

LINE_TOKENS, BLOCK_TOKENS = 64, 256
"""The longest line and block, in tokens."""

CLOSING_TAIL = re.compile(r"[ \t]*[)\]}>'\"`;:,]*[ \t]*(?=\r?\n|\r|\Z)")
"""What may stand behind a cursor at which a line still ends: brackets and quotes that editors close by themselves."""

_PYTHON_HEADS = frozenset(
    ("def", "class", "if", "elif", "else", "for", "while", "with", "try", "except", "finally", "match", "case", "async")
)
_OPENING_WORDS = frozenset(("do", "then", "begin", "else"))
_RUBY_HEADS = frozenset(("def", "class", "module", "if", "unless", "while", "until", "case", "for", "begin"))
_CLOSING_LINE = re.compile(r"(?:end|[)\]}]+)[;,)]*")


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a completion may go.

    `outer` is the indentation of the line that opens the block at the cursor, or None for the rest of the line.
    `debt` is how many brackets that are open at the cursor nothing behind it closes: so many the completion may close.
    `lines` is the most that it may have.
    """

    request: CompletionRequest
    outer: str | None
    debt: int
    lines: int

    @property
    def is_block(self) -> bool:
        return self.outer is not None

    @property
    def tokens(self) -> int:
        """The most tokens that it may take."""
        return BLOCK_TOKENS if self.is_block else LINE_TOKENS

    def end(self, text: str, finished: bool = False) -> int | None:
        """Where the completion ends in what has been written so far; None if it may go on.

        `finished` says that nothing more will be written.
        """
        if not finished and "\n" not in text:
            return None
        ends = [self._past_brackets(text), self._block_end(text, finished) if self.is_block else self._line_end(text)]
        known = [end for end in ends if end is not None]
        if known:
            return min(known)
        return len(text) if finished else None

    def _line_end(self, text: str) -> int | None:
        """The first newline, unless what an open bracket holds begins on the next line: `f(‸` + `⏎    a,⏎)`."""
        newline = text.find("\n")
        if newline < 0:
            return None
        if text[:newline].strip() or not self.request.prefix.rstrip(" \t").endswith(tuple(OPENERS)):
            return newline
        return None if text.count("\n") <= self.lines else text.rfind("\n")

    def _block_end(self, text: str, finished: bool) -> int | None:
        position = 0
        for number, line in enumerate(text.split("\n")):
            complete = finished or position + len(line) < len(text)
            if number and complete and self._leaves_block(line):
                closes = _CLOSING_LINE.fullmatch(line.strip()) and not self._is_closed_behind()
                return position + len(line) if closes else position - 1
            if number > self.lines:
                return position - 1
            position += len(line) + 1
        return None

    def _leaves_block(self, line: str) -> bool:
        assert self.outer is not None
        return bool(line.strip()) and len(indentation(line)) <= len(self.outer)

    def _is_closed_behind(self) -> bool:
        """Whether the line that closes the block stands behind the cursor already."""
        following = _next_line(self.request.suffix)
        return bool(_CLOSING_LINE.match(following.strip())) and indentation(following) == self.outer

    def _past_brackets(self, text: str) -> int | None:
        """Where a bracket is closed that is not the completion's to close, or behind the one that closes its block."""
        line = self.request.prefix[line_start(self.request.prefix, self.request.offset) :]
        written = [token for token in tokens(line + text, self.request.language) if token.start >= len(line)]
        for token, depth in depth_changes(written):
            if depth < -self.debt:
                return len((line + text)[: token.start].rstrip()) - len(line) if token.start > len(line) else 0
            if self.is_block and depth < 0 and token.kind == "}":
                return line_end(text, token.end - len(line))
        return None


def extent(request: CompletionRequest, lines: int) -> Extent:
    """How far a completion at this cursor may go; a block has at most so many `lines`."""
    before = _before(request)
    behind = request.text[request.offset : request.offset + WINDOW]
    tail = CLOSING_TAIL.match(behind)
    found = tokens(before, request.language)
    _, opened = unmatched(found)
    closed, _ = unmatched(tokens(behind[tail.end() :] if tail else behind, request.language))
    outer = _opened_block(before, behind, found, request.language) if tail else None
    return Extent(request, outer, max(len(opened) - len(closed), 0), lines)


def _before(request: CompletionRequest) -> str:
    """The last few thousand characters before the cursor, from a line that is not indented."""
    start = max(0, request.offset - WINDOW)
    before = request.text[start : request.offset]
    top = re.search(r"^\w", before, re.MULTILINE) if start else None
    return before[top.start() :] if top else before


def _opened_block(before: str, behind: str, found: list[Token], language: str) -> str | None:
    """The indentation of the line that opens a block at the cursor; None if no block begins there."""
    opener = _opener(found, before, language)
    if opener is None:
        return None
    line = before[line_start(before, len(before)) :]
    if line.strip() and before[opener.end :].strip():
        return None
    outer = indentation(before[line_start(before, opener.start) :])
    following = _next_line(behind)
    return None if len(indentation(following)) > len(outer) else outer


def _next_line(behind: str) -> str:
    """The first line below the cursor's that is not blank."""
    return next((line for line in split_lines(behind[:WINDOW])[1:] if line.strip()), "")


def _opener(found: list[Token], before: str, language: str) -> Token | None:
    """The token that opens a block, if only comments and a docstring stand between it and the cursor."""
    code = [token for token in found if token.kind != "comment"]
    if language == "python" and len(code) > 1 and code[-1].kind == "string" and code[-2].kind == ":":
        code = code[:-1]
    if not code:
        return None
    last = code[-1]
    if language == "python":
        return last if last.kind == ":" and _head(code, before) in _PYTHON_HEADS else None
    if last.kind == "{" or last.kind in _OPENING_WORDS:
        return last
    return last if language == "ruby" and _head(code, before) in _RUBY_HEADS else None


def _head(code: list[Token], before: str) -> str:
    """The first word of the logical line that the last token ends; lines within brackets belong to one."""
    depth = 0
    for token in reversed(code):
        depth += (token.kind in CLOSERS) - (token.kind in OPENERS)
        if depth == 0 and not before[line_start(before, token.start) : token.start].strip():
            return before[token.start : token.end]
    return ""
