"""Takes an expression apart, in whatever language: `await self.order[0].total(1)` is a name and what follows it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retrieval.brackets import closing


@dataclass(frozen=True, slots=True)
class Step:
    """`name`, `literal` and `group` begin an expression; `.`, `(` and `[` go on with it."""

    kind: str
    text: str = ""


_PREFIX = re.compile(r"(?:(?P<await>await)\b|(?:new|not|yield|return|throw|mut|typeof)\b|[&*!])\s*")
_FIRST = re.compile(r"\$?@{0,2}[^\W\d]\w*")
_ACCESS = re.compile(r"\s*(?:\?\.|!\.|\.|->|::)\s*(?:await\b)?(<[^<>]*>|\$?[^\W\d]\w*)?")
_GENERIC = re.compile(r"(?:<[\w\s,.<>\[\]?:&']*>|!|\?)(?=\s*[(.\[?!])")
OPERATOR = re.compile(r"\s*(?:[-+*/%^<>]|==|!=|in\b|is\b|and\b|instanceof\b|&&|=>)")


def steps(text: str) -> tuple[bool, list[Step], str]:
    """Whether it is waited for, the steps of the expression that a text begins with, and what follows it."""
    waits, index = False, 0
    while match := _PREFIX.match(text, index):
        waits = waits or match["await"] is not None
        index = match.end()
    if index >= len(text):
        return waits, [], ""
    found, index = _first_step(text, index)
    while found and index < len(text):
        if (match := _GENERIC.match(text, index)) or (match := _ACCESS.match(text, index)):
            index = match.end()
            if name := match[1] if match.re is _ACCESS else "":
                if name[0] != "<":
                    found.append(Step(".", name))
            elif match.re is _ACCESS and not match[0].endswith("await"):
                break
        elif text[index] in "([" or (text[index] == "{" and _is_type(found[-1])):
            end = closing(text, index)
            found.append(Step("[" if text[index] == "[" else "(", text[index + 1 : end]))
            index = end + 1
        else:
            break
    return waits, found, text[index:]


def _first_step(text: str, index: int) -> tuple[list[Step], int]:
    if found := _FIRST.match(text, index):
        if text[found.end() : found.end() + 1] in ("'", '"') and len(found[0]) < 3:
            return [Step("literal", '"')], _closing_quote(text, found.end())
        name = found[0]
        if name.startswith("@"):
            return [Step("name", "self"), Step(".", name.lstrip("@"))], found.end()
        return [Step("name", name)], found.end()
    character = text[index]
    if character == "(":
        end = closing(text, index)
        return [Step("group", text[index + 1 : end])], end + 1
    if character in "[{":
        end = closing(text, index)
        return [Step("literal", text[index : end + 1])], end + 1
    if character in "\"'`":
        return [Step("literal", character)], _closing_quote(text, index)
    if character.isdigit():
        return [Step("literal", character)], len(text)
    return [], index


def _closing_quote(text: str, opener: int) -> int:
    """The offset behind a string that begins at an offset."""
    end = text.find(text[opener], opener + 1)
    return len(text) if end < 0 else end + 1


def _is_type(step: Step) -> bool:
    """Whether braces behind a name are a value's: `Item{…}`."""
    return step.kind in ("name", ".") and step.text[:1].isupper()
