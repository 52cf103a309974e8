"""What is around a place in languages whose blocks are indented: Python, Ruby."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from retrieval.brackets import closing, outside, separated
from retrieval.clues import BODY, Clue, Origin, Scope
from retrieval.type_texts import words

_HEAD = re.compile(r"([ \t]*)(?:async\s+)?(def|class|module)\s+(?:self\.)?(\w+(?:::\w+)*[?!]?)")
_CLOSING = re.compile(r"[)\]}\"'#]")
_RETURNS = re.compile(r"\)\s*->\s*([^\n]+?)\s*:[ \t]*(?:#.*)?(?:\n|\Z)")


def indented(before: str, language: str) -> Scope:
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
    | \bfor[ \t]++(?P<each>[\w, \t()]{1,200}?)[ \t]++in[ \t]+(?P<iterable>[^\n]{1,500})
    | \bwith[ \t(]+(?P<call>[\w.]+(?:\(\)[\w.]+)*\((?:[^()]|\([^()]*\)){0,600}\))\s+as\s+(?P<entering>[^\W\d]\w*)
    | (?:\bwith[ \t(]+|,[ \t]*|^[ \t]+)(?![ \t)]|(?:except|import|from|case)\b)
      (?P<context>[^\n,]{1,300}?)[ \t]+as[ \t]+(?P<entered>[^\W\d]\w*)[ \t]*(?=[:,)])
    | \bexcept\*?[ \t]*\(?(?P<error>[\w., ]{1,200}?)\)?[ \t]++as[ \t]+(?P<caught>\w+)
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
            annotation, _, _ = outside(rest, "=")
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
    r"|(?<![\w.@])(?P<iterable>[\w.@]+)\.(?:each|map|select|reject|find|detect|any\?|all\?)\w*[ \t]*(?:do|\{)[ \t]*"
    r"\|(?P<each>\w+)",
    re.MULTILINE,
)


def _ruby_clues(body: str) -> Iterator[tuple[str, Clue]]:
    for found in _RUBY.finditer(body):
        if found["name"]:
            yield found["name"], Clue(Origin.VALUE, found["value"])
        else:
            yield found["each"], Clue(Origin.ELEMENT, found["iterable"])
