"""Where a completion ends: with its line, or with the block that begins at the cursor, never past the enclosing one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from assistant.syntax import CLOSERS, OPENERS, Token, depth_changes, tokens, unclosed, unmatched
from assistant.text import code_start, indentation, line_start, split_lines
from assistant.types import CompletionRequest
from retrieval.grammars import LANGUAGES

WINDOW = 8_192
"""Code points on each side of the cursor that are looked at: a screen or three, and quick in any file."""

LINE_TOKENS, BLOCK_TOKENS = 64, 256
"""The longest line and block, in tokens."""

CLOSING_TAIL = re.compile(r"[ \t]*[)\]}>'\"`;:,]*[ \t]*(?=\r?\n|\r|\Z)")
"""What may stand behind a cursor at which a line still ends: brackets and quotes that editors close by themselves."""

_PYTHON_HEADS = frozenset(
    ("def", "class", "if", "elif", "else", "for", "while", "with", "try", "except", "finally", "match", "case", "async")
)
_OPENING_WORDS = frozenset(("do", "then", "begin", "else"))
_RUBY_HEADS = frozenset(
    ("def", "class", "module", "if", "elsif", "unless", "while", "until", "case", "when", "for", "rescue", "ensure")
)
_RUBY_PARAMETERS = re.compile(r"\s*(\|[^|]*\|)?")
_CLOSING_LINE = re.compile(r"(?:end|fi|done|esac|[)\]}]+)[;,)]*")
_CLOSERS_BEHIND = re.compile(r"[)\]};,]*")
_LABEL = re.compile(r"#|(?:case\b|default\b|\w+\s*:)")
"""What may stand as far left as the line that opens a block in braces: `case 1:`, `public:`, `#ifdef`."""
_DOCSTRING = re.compile(r"[rRbBuU]*(\"\"\"|'''|\"(?!\")|'(?!')).*\1", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A block that begins at the cursor: `opener` is the mark or word that opens it, `outer` the indentation outside.

    `inline` says that what stands on the opener's own line is no block: `if a: return`, `f(a, b)`.
    `closed` says that the line that closes it stands behind the cursor already.
    """

    opener: str
    outer: str
    inline: bool
    closed: bool

    def is_left_by(self, line: str) -> bool:
        """Whether a line stands outside, by its indentation."""
        blanks = len(indentation(line))
        if not line.strip() or (self.opener == "{" and _LABEL.match(line, blanks) and blanks == len(self.outer)):
            return False
        return blanks <= len(self.outer)


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a completion may go: to the end of its line, or of the `block` that begins at the cursor.

    `before` is what stands before the cursor in its line, or in the string or comment that the cursor is in.
    `debt` is how many brackets that are open at the cursor nothing behind it closes: so many the completion may close.
    `lines` is the most that it may have.
    """

    language: str
    before: str
    block: Block | None
    debt: int
    lines: int

    @property
    def tokens(self) -> int:
        """The most tokens that it may take."""
        return BLOCK_TOKENS if self.block else LINE_TOKENS

    def end(self, text: str, finished: bool = False) -> int | None:
        """Where the completion ends in what has been written so far; None if it may go on.

        `finished` says that nothing more will be written.
        """
        if not finished and "\n" not in text:
            return None
        written = self._written(text)
        first_line = text.find("\n") if "\n" in text else None
        if self.block is None or (self.block.inline and text[:first_line].strip()):
            ends = [first_line]
        else:
            ends = [_closing(self.block, text, written, finished), self._last_line(self.block, text, written, finished)]
        ends += [self._foreign_bracket(written), len(text) if finished else None]
        end = min((end for end in ends if end is not None), default=None)
        return None if end is None else len(text[:end].rstrip())

    def _written(self, text: str) -> list[Token]:
        """The tokens of what has been written, by their places in it."""
        cursor = len(self.before)
        found = tokens(self.before + text, self.language)
        return [Token(token.kind, token.start - cursor, token.end - cursor) for token in found if token.end > cursor]

    def _foreign_bracket(self, written: Sequence[Token]) -> int | None:
        """Where a bracket is closed that is not the completion's to close."""
        changes = depth_changes(token for token in written if token.start >= 0)
        return next((token.start for token, depth in changes if depth < -self.debt), None)

    def _last_line(self, block: Block, text: str, written: Sequence[Token], finished: bool) -> int | None:
        """Where the first line begins that is outside of the block or too many; or ends, if it closes the block."""
        start = count = 0
        for line in text.split("\n"):
            is_complete = finished or start + len(line) < len(text)
            count += bool(start or line.strip())
            if count > self.lines:
                return start
            if start and is_complete and block.is_left_by(line) and not _is_in_string(start, written):
                closes = _CLOSING_LINE.fullmatch(line.strip()) and not block.closed
                return start + len(line) if closes else start
            start += len(line) + 1
        return None


def _closing(block: Block, text: str, written: Sequence[Token], finished: bool) -> int | None:
    """The end of a block in brackets, with what belongs to its closing: `});`."""
    if block.opener not in OPENERS:
        return None
    changes = depth_changes(token for token in written if token.start >= 0)
    closer = next((token for token, depth in changes if depth < 0), None)
    if closer is None:
        return None
    if block.closed:
        return closer.start
    match = _CLOSERS_BEHIND.match(text, closer.end)
    end = match.end() if match else closer.end
    return end if finished or end < len(text) else None


def _is_in_string(position: int, written: Sequence[Token]) -> bool:
    return any(token.kind == "string" and token.start < position < token.end for token in written)


def extent(request: CompletionRequest, lines: int) -> Extent:
    """How far a completion at this cursor may go; a block has at most so many `lines`."""
    before = _before(request)
    behind = request.text[request.offset : request.offset + WINDOW]
    tail = CLOSING_TAIL.match(behind)
    found = tokens(before, request.language)
    _, opened = unmatched(found)
    closed, _ = unmatched(tokens(behind[tail.end() :] if tail else behind, request.language))
    block = _opened_block(before, behind, found, request.language) if tail and lines > 1 else None
    start = min(line_start(before, len(before)), unclosed(before, request.language))
    return Extent(request.language, before[start:], block, max(len(opened) - len(closed), 0), lines)


def _before(request: CompletionRequest) -> str:
    """The last few thousand characters before the cursor, from a line that is not indented."""
    return request.text[code_start(request.text, request.offset, WINDOW, request.language) : request.offset]


def _opened_block(before: str, behind: str, found: list[Token], language: str) -> Block | None:
    """The block that begins at the cursor, if one does and nothing stands in it yet."""
    code = [token for token in found if token.kind != "comment"]
    end = code[-1].end if code else 0
    line = before[line_start(before, len(before)) :]
    if line.strip() and before[end:].strip():
        return None
    if language == "python" and len(code) > 1 and code[-2].kind == ":" and _is_docstring(code[-1], before):
        code = code[:-1]
    code = _opening(code, before, line, language)
    head = _head(code, before)
    if head is None:
        return None
    outer = indentation(before[line_start(before, head.start) :])
    following = _next_line(behind)
    if len(indentation(following)) > len(outer):
        return None
    opener = code[-1]
    inline = "\n" not in before[opener.end :] and (opener.kind in ("(", "[") or language == "python")
    closed = bool(_CLOSING_LINE.match(following.strip())) and indentation(following) == outer
    return Block(opener.kind, outer, inline, closed)


def _is_docstring(token: Token, before: str) -> bool:
    return token.kind == "string" and bool(_DOCSTRING.fullmatch(before, token.start, token.end))


def _next_line(behind: str) -> str:
    """The first line below the cursor's that is not blank."""
    return next((line for line in split_lines(behind)[1:] if line.strip()), "")


def _opening(code: list[Token], before: str, line: str, language: str) -> list[Token]:
    """The code up to the token that opens a block; nothing if no block is opened at its end.

    `line` is the cursor's line up to the cursor.
    """
    if not code:
        return []
    last = code[-1]
    if last.kind in OPENERS:  # on a line of its own, what stands in `(` or in Python's `{` comes line by line
        is_block = (last.kind == "{" and language != "python") or "\n" not in before[last.end :]
        return code if is_block else []
    if language == "python":
        return code if last.kind == ":" and _opens_suite(code, before) else []
    if language == "ruby":
        return _opening_ruby(code, before)
    if language not in LANGUAGES and not line.strip() and _is_indented(line, last, before):
        return code
    return code if last.kind in _OPENING_WORDS else []


def _opens_suite(code: list[Token], before: str) -> bool:
    head = _head(code, before)
    if head is None or before[head.start : head.end] not in _PYTHON_HEADS:
        return False
    closers, openers = unmatched(token for token in code if token.start > head.start)
    return not closers and not openers  # else it is a lambda's in the head of a statement


def _opening_ruby(code: list[Token], before: str) -> list[Token]:
    last_line = line_start(before, code[-1].start)
    for count, token in enumerate(reversed(code)):
        if token.start < last_line or token.kind == "end":
            break
        if token.kind in ("do", "{") and _RUBY_PARAMETERS.fullmatch(before, token.end, code[-1].end):
            return code[: len(code) - count]
    head = _head(code, before)
    is_head = head is not None and before[head.start : head.end] in _RUBY_HEADS and code[-1].kind != "end"
    return code if is_head or code[-1].kind in _OPENING_WORDS else []


def _is_indented(line: str, last: Token, before: str) -> bool:
    """Whether the cursor's line stands further right than that of the last token: all there is without a grammar."""
    return len(line) > len(indentation(before[line_start(before, last.start) :]))


def _head(code: list[Token], before: str) -> Token | None:
    """The first token of the logical line that the last one ends: of the lines within brackets, the first."""
    depth = 0
    for token, above in zip_longest(reversed(code), reversed(code[:-1])):
        if token is not code[-1]:
            depth += (token.kind in CLOSERS) - (token.kind in OPENERS)
        if depth <= 0 and (above is None or "\n" in before[above.end : token.start]):
            return token
    return None
