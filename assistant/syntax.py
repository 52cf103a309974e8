"""The tokens of a text, without what stands in strings and comments: by tree-sitter, roughly where it has no grammar.

A text may begin and end anywhere: grammars recover, and their tokens are right even where their trees are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from tree_sitter import Node

from assistant.text import line_start
from retrieval.grammars import LANGUAGES, parser

OPENERS = {"(": ")", "[": "]", "{": "}"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}
_BRACKETS = {"${": "{", "#{": "{", "%w(": "(", "#[": "["}

_OPAQUE = re.compile(r"comment|string(?!_interp)|char_literal|character_literal|regex|heredoc_body|rune_literal")
_TRANSPARENT = re.compile(r"template|interpolat|substitution")
_ROUGH = re.compile(
    r"(?P<opaque>//[^\n]*|\#[^\n]*|--[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:\\.|[^\"\\\n])*(?:\"|$)|'(?:\\.|[^'\\\n])*(?:'|$))"
    r"|(?P<word>\w+)|(?P<mark>[^\s\w])",
    re.DOTALL | re.MULTILINE,
)
_ESCAPE = r"\\(?>\r\n|.)"
_DOUBLE = rf'"(?:{_ESCAPE}|[^"\\\n])*["\n]'
_SINGLE = rf"'(?:{_ESCAPE}|[^'\\\n])*['\n]"
_TRIPLE = rf"""(\"\"\"|''')(?>[^\\"']+|{_ESCAPE}|(?!\1)["'])*+\1"""
_CHARACTER = r"'(?:\\[^\n]{1,10}?|[^'\\\n])'"
_CUT = r"(?P<cut>'\\?[^\n]?\Z)"
_C_COMMENT = r"//[^\n]*|/\*.*?\*/"
_SCANS = {
    "python": rf"""\#[^\n]*|{_TRIPLE}|(?P<open>\"\"\"|''')|{_DOUBLE}|{_SINGLE}|(?P<cut>["'])""",
    "ruby": rf"""\#[^\n]*|{_DOUBLE}|{_SINGLE}|(?P<open>["'])""",
    "c": rf"""{_C_COMMENT}|\"\"\".*?\"\"\"|{_DOUBLE}|{_CHARACTER}|(?P<open>/\*|")|{_CUT}""",
    "go": rf"""{_C_COMMENT}|`[^`]*`|{_DOUBLE}|{_CHARACTER}|(?P<open>/\*|`|")|{_CUT}""",
    "php": rf"""{_C_COMMENT}|\#(?!\[)[^\n]*|{_DOUBLE}|{_SINGLE}|(?P<open>/\*|["'])""",
    "javascript": rf"""{_C_COMMENT}|`(?:\\.|[^`\\])*`|{_DOUBLE}|{_SINGLE}|(?P<open>/\*|[`"'])""",
}
_LIKE = {"javascriptreact": "javascript", "typescript": "javascript", "typescriptreact": "javascript"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token: `kind` is its text for keywords and marks, `string`, `comment` or `word`; offsets are code points."""

    kind: str
    start: int
    end: int

    def shifted(self, by: int) -> Token:
        """The same token in a text that has so many code points before it."""
        return Token(self.kind, self.start + by, self.end + by)


def tokens(text: str, language: str) -> list[Token]:
    """`f("(")` in Python → word, `(`, string, `)`.

    The lines above the last one are remembered, since they stay while the user types.
    """
    start = line_start(text, len(text))
    if unclosed(text[:start], language) < start:
        return list(_tokens_to_the_end(text, language))
    last = _tokens_to_the_end(text[start:], language)
    return [*_tokens_above(text[:start], language), *(token.shifted(start) for token in last)]


def open_brackets(text: str, language: str) -> list[Token]:
    """The brackets that a text leaves open, the innermost last."""
    start = line_start(text, len(text))
    if unclosed(text[:start], language) < start:
        return unmatched(_tokens_to_the_end(text, language))[1]
    last = (token.shifted(start) for token in _tokens_to_the_end(text[start:], language))
    return unmatched((*_open_above(text[:start], language), *last))[1]


@lru_cache(maxsize=64)
def _open_above(text: str, language: str) -> tuple[Token, ...]:
    return tuple(unmatched(_tokens_above(text, language))[1])


@lru_cache(maxsize=64)
def _tokens_above(text: str, language: str) -> tuple[Token, ...]:
    """The tokens of whole lines. The last one alone is new where the user, or the model, has just written it."""
    above = line_start(text, len(text) - 1)
    if above and (text[:above], language) in _last_above and unclosed(text[:above], language) == above:
        last = _tokens_to_the_end(text[above:], language)
        found = (*_last_above[text[:above], language], *(token.shifted(above) for token in last))
    else:
        found = _tokens_to_the_end(text, language)
    _last_above[text, language] = found
    for old in list(_last_above)[:-8]:
        _last_above.pop(old, None)
    return found


_last_above: dict[tuple[str, str], tuple[Token, ...]] = {}
"""The lines that tokens were wanted of last: one more line costs no more than itself."""


@lru_cache(maxsize=64)
def _tokens_to_the_end(text: str, language: str) -> tuple[Token, ...]:
    """The tokens of a text; a string or comment that it ends in is one of them."""
    end = unclosed(text, language)
    found = _tokens(text[:end], language)
    return (*found, Token("string", end, len(text))) if end < len(text) else tuple(found)


def unclosed(text: str, language: str) -> int:
    """Where the string or comment begins that a text ends in; the end of the text if it ends in code.

    Grammars take what follows an unclosed quotation mark for code. The lines above the last one are remembered.
    """
    if language not in LANGUAGES:
        return len(text)
    if language != "python" and '"""' in text:  # whether a text block begins, only its end tells
        return _unclosed(text, language)
    begin = _unclosed(text[: line_start(text, len(text))], language)
    return begin + _unclosed(text[begin:], language)


@lru_cache(maxsize=128)
def _unclosed(text: str, language: str) -> int:
    matches = _scan(language).finditer(text)
    return next((match.start() for match in matches if match.lastgroup), len(text))


@cache
def _scan(language: str) -> re.Pattern[str]:
    """Finds the strings and comments of a language; the named groups are marks of those that nothing closes."""
    return re.compile(_SCANS.get(_LIKE.get(language, language), _SCANS["c"]), re.DOTALL)


def _tokens(text: str, language: str) -> list[Token]:
    grammar = parser(language)
    if grammar is None:
        return list(_rough(text))
    data = text.encode("utf-8", "replace")
    offsets = None if len(data) == len(text) else _code_points(text)
    found = []
    for node in _leaves(grammar.parse(data).root_node):
        start, end = node.start_byte, node.end_byte
        if offsets:
            start, end = offsets[start], offsets[end]
        if start < end:
            found.append(Token(_kind(node), start, end))
    return found


def depth_changes(found: Iterable[Token]) -> Iterator[tuple[Token, int]]:
    """Each bracket with the depth behind it, from 0 at the beginning: below 0 something earlier is closed."""
    depth = 0
    for token in found:
        if token.kind in OPENERS:
            depth += 1
        elif token.kind in CLOSERS:
            depth -= 1
        else:
            continue
        yield token, depth


def unmatched(found: Iterable[Token]) -> tuple[list[Token], list[Token]]:
    """The closers without an opener before them, and the openers without a closer: `) a ( b [` → `)` and `( [`."""
    closers: list[Token] = []
    openers: list[Token] = []
    for token in found:
        if token.kind in OPENERS:
            openers.append(token)
        elif token.kind in CLOSERS and openers:
            openers.pop()
        elif token.kind in CLOSERS:
            closers.append(token)
    return closers, openers


def _leaves(root: Node) -> Iterator[Node]:
    """The tokens of a tree from left to right; a string or comment is one, unless code stands in it."""
    stack = [root]
    while stack:
        node = stack.pop()
        if not node.child_count or (_OPAQUE.search(node.type) and not _holds_code(node)):
            yield node
        else:
            stack.extend(reversed(node.children))


def _holds_code(node: Node) -> bool:
    return any(_TRANSPARENT.search(child.type) for child in node.children) or node.type == "ERROR"


def _kind(node: Node) -> str:
    if "comment" in node.type:
        return "comment"
    if _OPAQUE.search(node.type):
        return "string"
    if not node.is_named:
        return _BRACKETS.get(node.type, node.type)
    return "word"


def _code_points(text: str) -> list[int]:
    """For each byte offset of the UTF-8 form the offset of its character."""
    offsets: list[int] = []
    for index, character in enumerate(text):
        offsets += [index] * len(character.encode("utf-8", "replace"))
    offsets.append(len(text))
    return offsets


def _rough(text: str) -> Iterator[Token]:
    for match in _ROUGH.finditer(text):
        if match.lastgroup == "opaque":
            kind = "string" if match[0][0] in "\"'" else "comment"
        else:
            kind = "word" if match.lastgroup == "word" and match[0] not in _WORDS else match[0]
        yield Token(kind, match.start(), match.end())


_WORDS = {"do", "then", "end", "begin", "else"}
