"""Where brackets are closed, and what stands outside of them; nothing is parsed."""

from __future__ import annotations

_DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def closing(text: str, opener: int) -> int:
    """Where the bracket at an offset is closed; the text's end if it is not."""
    depth, index, quote = 0, opener, ""
    while index < len(text):
        character = text[index]
        if quote:
            if character == "\\":
                index += 1
            elif character == quote or character == "\n":
                quote = ""
        elif character in "\"'":
            quote = character
        elif change := _DEPTH.get(character, 0):
            depth += change
            if not depth:
                return index
        index += 1
    return len(text)


def separated(text: str) -> list[str]:
    """A text at those commas that stand in no brackets."""
    found = []
    while text:
        part, mark, text = outside(text, ",")
        if part.strip():
            found.append(part.strip())
        if not mark:
            break
    return found


def outside(text: str, marks: str) -> tuple[str, str, str]:
    """A text up to the first of some marks that stands in no brackets, the mark, and what follows."""
    depth = 0
    for index, character in enumerate(text):
        if not depth and character in marks:
            return text[:index], character, text[index + 1 :]
        depth += _DEPTH.get(character, 0)
        if depth < 0:
            break
    return text, "", ""
