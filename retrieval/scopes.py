"""What a text says about a place in it: the class and the function around it, and where its variables come from.

Nothing is parsed: the text breaks off where somebody is writing. Lines, brackets and indentation are read instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from retrieval.type_texts import words

WINDOW = 60_000
"""Code points before the place that are looked at for what stands around it."""

BODY = 12_000
"""Code points before the place that are looked at for variables."""

LONG = 500
"""Code points of a line behind which nothing is read of it."""


class Origin(StrEnum):
    """What the text in a clue is, seen from the variable."""

    TYPE = "its type"
    VALUE = "what it is given"
    ELEMENT = "what it is taken from, one after another"
    CONTEXT = "what is entered"


@dataclass(frozen=True, slots=True)
class Clue:
    """Where a variable comes from. `index` is its place where several are unpacked."""

    origin: Origin
    text: str
    index: int | None = None


@dataclass(frozen=True)
class Scope:
    """What is around a place: `owner` are its classes, joined by dots, `returns` what the function gives back.

    `text` is that of the function up to the place.
    """

    owner: str = ""
    function: str = ""
    returns: str = ""
    variables: Mapping[str, Clue] = field(default_factory=dict)
    text: str = ""


INDENTED = frozenset(("python", "ruby"))
"""Languages whose blocks are found by their indentation."""

_TYPE_LAST = frozenset(("typescript", "typescriptreact", "javascript", "javascriptreact", "rust", "kotlin", "swift"))
_SELF_RECEIVER = re.compile(r"^func\s*\(\s*(\w+)\s+\*?\s*(\w+)")


@lru_cache(64)
def scope_of(before: str, language: str) -> Scope:
    """The scope at the end of a text."""
    before = before[-WINDOW:]
    if language in INDENTED:
        return _indented(before, language)
    return _braced(before, language)


# Blocks by indentation

_HEAD = re.compile(r"([ \t]*)(?:async\s+)?(def|class|module)\s+(?:self\.)?(\w+(?:::\w+)*[?!]?)")
_CLOSING = re.compile(r"[)\]}\"'#]")
_RETURNS = re.compile(r"\)\s*->\s*([^\n]+?)\s*:[ \t]*(?:#.*)?(?:\n|\Z)")


def _indented(before: str, language: str) -> Scope:
    classes: list[str] = []
    functions: list[tuple[str, int]] = []
    limit, offset = -1, len(before)
    for line in reversed(before.split("\n")):
        start = offset - len(line)
        offset = start - 1
        bare = line.lstrip()
        if not bare and limit >= 0:
            continue
        indent = len(line) - len(bare)
        if limit < 0:
            limit = indent + (0 if bare else 1 if not line else 0)
            limit = max(limit, 1) if line else limit
            continue
        if indent >= limit or _CLOSING.match(bare):
            continue
        limit = indent
        if found := _HEAD.match(line):
            if found[2] == "def":
                functions.append((found[3], start))
            else:
                classes.append(found[3].replace("::", "."))
        if not limit:
            break
    body = before[max(functions[-1][1] if functions else 0, len(before) - BODY) :]
    heads = [before[start : start + 2_000] for _, start in reversed(functions)]
    variables = dict(_python_clues(heads, body)) if language == "python" else dict(_ruby_clues(body))
    found = _RETURNS.search(heads[-1]) if heads else None
    owner = ".".join(reversed(classes))
    return Scope(owner, functions[0][0] if functions else "", found[1] if found else "", variables, body)


_PYTHON = re.compile(
    r"""
    ^[ \t]*(?P<annotated>[^\W\d]\w*)[ \t]*:[ \t]*(?P<type>[^\s=\#][^=\n\#]{0,200})(?:=|\#|$)
    | ^[ \t]*(?P<names>[^\W\d]\w*(?:[ \t]*,[ \t]*\w+)*)(?P<space>[ \t]*)=(?!=)[ \t]*(?P<value>[^\n]{1,500})
    | \b(?P<walrus>[^\W\d]\w*)[ \t]*:=[ \t]*(?P<given>[^\n]{1,500})
    | \bfor[ \t]+(?P<each>[\w, \t()]+?)[ \t]+in[ \t]+(?P<iterable>[^\n]{1,500})
    | \bwith[ \t(]+(?P<call>[\w.]+(?:\(\)[\w.]+)*\((?:[^()]|\([^()]*\)){0,600}\))\s+as\s+(?P<entering>[^\W\d]\w*)
    | (?:\bwith[ \t(]+|,[ \t]*|^[ \t]+)(?![ \t)]|(?:except|import|from|case)\b)
      (?P<context>[^\n,]{1,300}?)[ \t]+as[ \t]+(?P<entered>[^\W\d]\w*)[ \t]*(?=[:,)])
    | \bexcept\*?[ \t]*\(?(?P<error>[\w., ]+?)\)?[ \t]+as[ \t]+(?P<caught>\w+)
    | \bisinstance\([ \t]*(?P<tested>[^\W\d]\w*)[ \t]*,[ \t]*\(?(?P<classes>[\w., |]+)
    """,
    re.VERBOSE | re.MULTILINE,
)
_KEYWORDS = words("else try finally lambda return case default elif if while not yield await in is")


def _python_clues(heads: Sequence[str], body: str) -> Iterator[tuple[str, Clue]]:
    for head in heads:
        yield from _python_parameters(head)
    for found in _PYTHON.finditer(body):
        match found.lastgroup:
            case "type":
                if found["annotated"] not in _KEYWORDS:
                    yield found["annotated"], Clue(Origin.TYPE, found["type"].strip(" \t,"))
            case "value" if found.end() < len(body) and not _is_argument(found):  # else it is being written
                yield from _unpacked(found["names"], Origin.VALUE, found["value"])
            case "given":
                yield found["walrus"], Clue(Origin.VALUE, found["given"])
            case "iterable":
                yield from _unpacked(found["each"], Origin.ELEMENT, found["iterable"])
            case "entering":
                yield found["entering"], Clue(Origin.CONTEXT, found["call"])
            case "entered":
                yield found["entered"], Clue(Origin.CONTEXT, found["context"].removeprefix("with").strip())
            case "caught":
                yield found["caught"], Clue(Origin.TYPE, found["error"].replace(",", " |"))
            case "classes":
                yield found["tested"], Clue(Origin.TYPE, found["classes"].replace(",", " |"))


def _is_argument(found: re.Match[str]) -> bool:
    """Whether `name=value` stands on a line of its own within a call, and not as a statement."""
    value = found["value"].rstrip()
    if found["space"]:
        return False
    return "," in found["names"] or "," in value or value == found["names"] or value.count(")") > value.count("(")


def _python_parameters(head: str) -> Iterator[tuple[str, Clue]]:
    opener = head.find("(")
    if opener < 0:
        return
    for parameter in separated(head[opener + 1 : closing(head, opener)]):
        name, colon, rest = parameter.lstrip("* ").partition(":")
        if colon:
            annotation, _, _ = _outside(rest, "=")
            yield name.strip(), Clue(Origin.TYPE, annotation.strip())
        else:
            name, equals, default = parameter.partition("=")
            if equals:
                yield name.strip(), Clue(Origin.VALUE, default.strip())


def _unpacked(names: str, origin: Origin, text: str) -> Iterator[tuple[str, Clue]]:
    several = [name for name in re.split(r"[,\s()]+", names) if name]
    for index, name in enumerate(several):
        yield name, Clue(origin, text, index if len(several) > 1 else None)


_RUBY = re.compile(
    r"^[ \t]*(?P<name>@{0,2}[^\W\d]\w*)[ \t]*\|{0,2}=(?![=~>])[ \t]*(?P<value>[^\n]{1,300})"
    r"|(?P<iterable>[\w.@]+)\.(?:each|map|select|reject|find|detect|any\?|all\?)\w*[ \t]*(?:do|\{)[ \t]*"
    r"\|(?P<each>\w+)",
    re.MULTILINE,
)


def _ruby_clues(body: str) -> Iterator[tuple[str, Clue]]:
    for found in _RUBY.finditer(body):
        if found["name"]:
            yield found["name"], Clue(Origin.VALUE, found["value"])
        else:
            yield found["each"], Clue(Origin.ELEMENT, found["iterable"])


# Blocks by braces

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


def _braced(before: str, language: str) -> Scope:
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
    r"|(?P<names>[^\W\d]\w*(?:\s*,\s*\w+)*)\s*:=(?!\s*range\b)\s*(?P<value>[^\n]{1,300})"
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
            written, _, _ = _outside(head[found.end() : found.end() + 200], "=,)")
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


# Brackets

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
        part, mark, text = _outside(text, ",")
        if part.strip():
            found.append(part.strip())
        if not mark:
            break
    return found


def _outside(text: str, marks: str) -> tuple[str, str, str]:
    """A text up to the first of some marks that stands in no brackets, the mark, and what follows."""
    depth = 0
    for index, character in enumerate(text):
        if not depth and character in marks:
            return text[:index], character, text[index + 1 :]
        depth += _DEPTH.get(character, 0)
        if depth < 0:
            break
    return text, "", ""
