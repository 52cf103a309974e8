"""What is around a place in languages whose blocks stand in braces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from retrieval.brackets import closing, outside, separated
from retrieval.clues import BODY, Clue, Origin, Scope
from retrieval.type_texts import words

_TYPE_LAST = frozenset(("typescript", "typescriptreact", "javascript", "javascriptreact", "rust", "kotlin", "swift"))
_SELF_RECEIVER = re.compile(r"^func\s*\(\s*(\w+)\s+\*?\s*(\w+)")
_QUIET = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n]){1,2}'|'(?:\\.|[^'\\\n])*'(?=[\s,;)\]:}+.])"
    r"|`(?:\\.|[^`\\])*`",
    re.DOTALL,
)
_BRACE = re.compile(r"[{}]")
_CLASS = re.compile(r"\b(?:class|interface|struct|enum|trait|record|object|namespace|module|protocol)\s+([^\W\d]\w*)")
_IMPL = re.compile(r"\bimpl\b(?:\s*<[^{]*?>)?\s+(?:[\w:<>, ']+?\s+for\s+)?&?([^\W\d]\w*)")
_NAMESPACE = re.compile(r"\b(?:namespace|module)\s+\w+\s*\Z")
_FUNCTION = re.compile(r"([^\W\d]\w*)\s*(?:<[^<>()]*>)?\s*\(")
_ARROW = re.compile(r"([^\W\d]\w*)\s*(?::[^=]+)?=\s*(?:async\s*)?(?:\(|function\b|\w+\s*=>)")
_GOES_ON = re.compile(r"\s*(?:\Z|throws\b|where\b|extends\b|implements\b|noexcept\b|:|->)")
_WORD = re.compile(r"\w+")
_OWNED = re.compile(r"([^\W\d]\w*)::~?\w+\s*\(")
_CONTROL = words("if for while switch catch foreach using lock fixed synchronized match return else function")
_RESULT = re.compile(r"\)\s*(?::|->)\s*([^={]+?)\s*(?:=>)?\s*\Z")


def braced(before: str, language: str) -> Scope:
    text = _QUIET.sub(_blank, before)
    classes: list[str] = []
    function, returns, begin = "", "", len(text)
    heads: list[str] = []
    for start, end in _open_blocks(text):
        head = text[start:end].strip()
        if language == "rust" and (found := _IMPL.search(head)):
            classes.append(found[1])
        elif (found := _CLASS.search(head)) and "(" not in head[: found.start()]:
            if not _NAMESPACE.search(head):
                classes.append(found[1])
        elif name := _function_name(head):
            function, begin = name, min(begin, start)
            heads.append(head)
            result = _RESULT.search(head)
            returns = result[1] if result else ""
            if (found := _SELF_RECEIVER.match(head)) and language == "go":
                classes = [found[2]]
            elif (owned := _OWNED.search(head)) and language == "cpp":
                classes = [owned[1]]
    body = text[max(begin if function else 0, len(text) - BODY) :]
    return Scope(".".join(classes), function, returns, dict(_braced_clues(heads, body, language)), body)


def _blank(found: re.Match[str]) -> str:
    """Strings and comments without what is in them, at their length."""
    text = found[0]
    if text[0] == "/":
        return re.sub(r"[^\n]", " ", text)
    return text[0] + re.sub(r"[^\n]", " ", text[1:-1]) + text[-1]


def _open_blocks(text: str) -> list[tuple[int, int]]:
    """The heads of the blocks that are open at the end, outermost first, as spans."""
    openers: list[int] = []
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            openers.append(found.start())
        elif openers:
            openers.pop()
    return [(_head_start(text, opener), opener) for opener in openers]


def _head_start(text: str, opener: int) -> int:
    """Where the head of a block begins: lines are added above it until its brackets are whole and it says something."""
    first = max(text.rfind(mark, 0, opener) for mark in (";", "{", "}")) + 1
    first = max(first, opener - 2_000)
    start = opener
    while start > first:
        start = max(text.rfind("\n", 0, start - 1) + 1, first)
        head = text[start:opener]
        if head.count(")") <= head.count("(") and not _GOES_ON.match(head):
            break
    return start


def _function_name(head: str) -> str:
    first = _WORD.match(head)
    if first and first[0] in _CONTROL and first[0] != "function":
        return ""
    arrow = _ARROW.search(head)
    if arrow:
        return arrow[1]
    for found in _FUNCTION.finditer(head):
        if found[1] not in _CONTROL:
            if found[1] == "func":  # Go's receiver comes first
                continue
            return found[1]
        if found[1] != "function":
            return ""
    return ""


_TYPED_FIRST = re.compile(
    r"(?:^|[(,;{}<]|\bfinal\s|\bconst\s|\b(?:for|foreach)\s*\()[ \t\n]*"
    r"(?P<type>(?:[^\W\d][\w.:\\]*)(?:\s*<[^;(){}=]{1,200}?>)?(?:\[\])*(?:\s*[*&?]+\s*|\s+))"
    r"(?P<name>\$?[^\W\d]\w*)[ \t]*(?:=(?!=)[ \t]*(?P<value>[^\n]{1,300})|(?P<loop>:|\bin\b)[ \t]*"
    r"(?P<iterable>[^\n]{1,300}?)\)?[ \t]*\{?$"
    r"|(?=[;,)({]|$))",
    re.MULTILINE,
)
_NO_TYPES = words(
    "return new else throw delete case goto package import using typedef await yield in instanceof func type"
)
_UNTYPED = frozenset(("var", "auto", "let", "const", "val"))
_TYPED_LAST = re.compile(
    r"\b(?:const|let|var|val)\s+(?:mut\s+)?(?P<name>[^\W\d]\w*)[ \t]*(?::[ \t]*(?P<type>[^=;\n]{1,200}?)[ \t]*)?"
    r"(?:=[ \t]*(?P<value>[^\n]{1,300})|(?P<loop>\bof\b)[ \t]*(?P<iterable>[^\n]{1,300})|[;\n])"
    r"|\bfor\s+(?P<each>[^\W\d]\w*)\s+in\s+(?P<taken>[^\n{]{1,300})"
)
_PARAMETER = re.compile(r"(?:[(,]|\b(?:public|private|protected|readonly)\s)\s*(?:mut\s+)?([^\W\d]\w*)\??\s*:\s*")
_GO = re.compile(
    r"\brange\s+(?P<iterable>[^\n{]{1,300})"
    r"|\b(?P<names>[^\W\d]\w*(?:\s*,\s*\w+){0,9})\s*:=(?!\s*range\b)\s*(?P<value>[^\n]{1,300})"
    r"|\bvar\s+(?P<name>[^\W\d]\w*)\s+(?P<type>[^=\n]{1,200})"
)
_GO_RANGE = re.compile(r"(?P<names>\w+(?:\s*,\s*\w+)?)\s*:?=\s*\Z")
_PHP = re.compile(
    r"(?P<name>\$[^\W\d]\w*)\s*=(?!=|>)\s*(?P<value>[^\n;]{1,300})"
    r"|\bforeach\s*\((?P<iterable>[^\n]{1,300}?)\s+as\s+(?:\$\w+\s*=>\s*)?(?P<each>\$\w+)"
)


def _braced_clues(heads: Sequence[str], body: str, language: str) -> Iterator[tuple[str, Clue]]:
    if language == "go":
        yield from _go_clues(heads, body)
        return
    if language in _TYPE_LAST:
        yield from _typed_last_clues(heads, body)
        return
    for found in _TYPED_FIRST.finditer(body):
        written, name = found["type"].strip(), found["name"]
        if found["iterable"] and written in _UNTYPED:
            yield name, Clue(Origin.ELEMENT, found["iterable"])
        elif found["value"] and written in _UNTYPED and found.end() < len(body):
            yield name, Clue(Origin.VALUE, found["value"])
        elif written not in _NO_TYPES and written not in _UNTYPED:
            yield name, Clue(Origin.TYPE, written)
    if language == "php":
        for found in _PHP.finditer(body):
            if found["name"]:
                yield found["name"], Clue(Origin.VALUE, found["value"])
            else:
                yield found["each"], Clue(Origin.ELEMENT, found["iterable"])


def _typed_last_clues(heads: Sequence[str], body: str) -> Iterator[tuple[str, Clue]]:
    for head in heads:
        for found in _PARAMETER.finditer(head):
            written, _, _ = outside(head[found.end() : found.end() + 200], "=,)")
            yield found[1], Clue(Origin.TYPE, written.strip())
    for found in _TYPED_LAST.finditer(body):
        if found["each"]:
            yield found["each"], Clue(Origin.ELEMENT, found["taken"])
        elif found["type"]:
            yield found["name"], Clue(Origin.TYPE, found["type"])
        elif found["iterable"]:
            yield found["name"], Clue(Origin.ELEMENT, found["iterable"])
        elif found["value"] and found.end() < len(body):
            yield found["name"], Clue(Origin.VALUE, found["value"])


def _go_clues(heads: Sequence[str], body: str) -> Iterator[tuple[str, Clue]]:
    for head in heads:
        opener = head.find("(")
        while opener >= 0:
            waiting: list[str] = []
            for parameter in separated(head[opener + 1 : closing(head, opener)]):
                name, _, written = parameter.strip().partition(" ")
                waiting.append(name)
                if written:
                    for each in waiting:
                        yield each, Clue(Origin.TYPE, written.strip())
                    waiting = []
            opener = head.find("(", closing(head, opener))
    for found in _GO.finditer(body):
        if found["iterable"]:
            names = _GO_RANGE.search(body, max(0, found.start() - 100), found.start())
            if names:
                yield names["names"].split(",")[-1].strip(), Clue(Origin.ELEMENT, found["iterable"])
        elif found["value"] and found.end() == len(body):
            continue
        elif found["value"]:
            yield found["names"].split(",")[0].strip(), Clue(Origin.VALUE, found["value"])
        else:
            yield found["name"], Clue(Origin.TYPE, found["type"].strip())
