"""Leaves out bodies of functions in C and C++: they offer nothing, and take most of the parser's time."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"^[^\W\d][^;{}#]{0,600}+\{[ \t\r]*$", re.MULTILINE)
"""What begins at the beginning of a line, up to a brace at the end of one."""
_FUNCTION = re.compile(
    r"(?!(?:typedef|class|namespace)\b)"
    r"(?!(?:struct|union|enum)\b(?!\s+\w+[\s*&]+(?!__|alignas\b|[A-Z\d_]+\s*\()\w+\s*\())"  # one with attributes
    r"[\s\S]*\)\s*(?:(?:const|noexcept|override|final)\s*)*\{\s*"
)
_END = "\n}"


def without_bodies(text: str) -> str:
    """The text with as many lines, in which bodies are empty where it is plain where they end.

    That is a brace at the beginning of a line, with all braces before it in pairs.
    """
    parts: list[str] = []
    at = end = 0
    for block in _BLOCK.finditer(text):
        begin = block.end()
        if begin <= end or not _FUNCTION.fullmatch(block[0]):
            continue
        end = text.find(_END, begin)
        if end < 0:
            break
        if text.count("{", begin, end) == text.count("}", begin, end):
            parts += (text[at:begin], "\n" * text.count("\n", begin, end))
            at = end
    return "".join((*parts, text[at:]))
