"""What the encoder learns from: the definitions of packages, with questions whose answer one of them is.

A question is a docstring, which is then taken out of the code, or what stands before a call, whose answer is what is
called.
"""

from __future__ import annotations

import inspect
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from tree_sitter import Node

from retrieval.definitions import places
from retrieval.parsing import parsed
from retrieval.splitting import Definition, definitions

LANGUAGES = {
    ".py": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".ts": "typescript",
    ".tsx": "typescriptreact", ".go": "go", ".rs": "rust", ".java": "java", ".c": "c", ".h": "cpp", ".hpp": "cpp",
    ".cpp": "cpp", ".cc": "cpp", ".cs": "csharp", ".rb": "ruby", ".php": "php",
}  # fmt: skip
"""By suffix, those whose definitions are taken."""

_LEFT_OUT = re.compile(
    r"(^|/)(tests?|testing|_vendor|vendor|vendored|third_?party(_files)?|_?externals?|extern|node_modules|locale|migrations)/"
    r"|(^|/)(test_[^/]*|[^/]*_test|conftest)\.\w+$|\.min\.\w+$|\.d\.ts$|_pb2\.py$"
)
_LARGEST = 300_000
"""Bytes: larger files are generated or data."""
_COMMENT = re.compile(r"\s*(?:(?:///?/?|#)(?!\[)[^\n]*\n\s*|/\*.*?\*/\s*)+", re.DOTALL)
_MARKS = re.compile(r"^[ \t]*(?:///?!?|/\*+!?|\*+/|\*|#+)[ \t]?|\*+/", re.MULTILINE)
_TAGS = re.compile(r"(?:^|\s)@\w+|\n\s*\n|:param|\n\s*(?:Args|Parameters|Returns|Raises)\b", re.IGNORECASE)
_CALL = re.compile(r"(?<![\w.])(?:[\w.]*\.)?([A-Za-z_]\w{3,})\(")
_WORDS = 3
"""A docstring has so many at least; shorter ones ask for nothing."""
_CALLS = 2
"""Questions for each definition that is called, at most."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    answer: int
    """The number of the definition in its package."""


@dataclass(frozen=True, slots=True)
class Package:
    name: str
    definitions: tuple[Definition, ...]
    """Without docstrings, and without exact duplicates."""
    docstrings: tuple[Question, ...]
    calls: tuple[Question, ...]


def read_package(folder: Path, seed: int = 0, most: int = 6_000_000) -> Package:
    """At most `most` bytes of a package's files, chosen by the seed."""
    found: list[Definition] = []
    docstrings: list[Question] = []
    seen: set[bytes] = set()
    for path in _files(folder, most, seed):
        for definition, doc in documented(path.read_text(encoding="utf-8", errors="replace"), LANGUAGES[path.suffix]):
            key = fingerprint(definition)
            if key in seen:
                continue
            seen.add(key)
            if len(doc.split()) >= _WORDS:
                docstrings.append(Question(doc, len(found)))
            found.append(definition)
    calls = tuple(_calls(found, random.Random(f"{seed} {folder.name}")))
    return Package(folder.name, tuple(found), tuple(docstrings), calls)


def fingerprint(definition: Definition) -> bytes:
    """Equal for definitions that differ in blanks only."""
    return _digest("".join("".join(definition.blocks).split()))


def _files(folder: Path, most: int, seed: int) -> Iterator[Path]:
    """In an order that the seed and their names make, whatever else is there."""
    places = {path: path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in LANGUAGES}
    for path in sorted(places, key=lambda path: _digest(f"{seed} {places[path]}")):
        if _LEFT_OUT.search(places[path]) or not path.is_file() or (size := path.stat().st_size) > _LARGEST:
            continue
        most -= size
        if most < 0:
            return
        yield path


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=12).digest()


def documented(text: str, language: str) -> Iterator[tuple[Definition, str]]:
    """The definitions of a file without what is said about them, each with that: its first paragraph."""
    docs: dict[int, str] = {}
    if language == "python":
        text, docs = without_docstrings(text)
    for each in definitions(text, language):
        if each.kind in ("function", "method", "class"):
            if language == "python":
                yield each, docs.get(each.line, "")
            else:
                yield from _commented(each)


def without_docstrings(text: str) -> tuple[str, dict[int, str]]:
    """A Python file whose docstrings are blank, and those of functions and classes by their lines."""
    tree = parsed(text, "python")
    if tree is None:
        return text, {}
    root, code = tree
    blanked, docs = bytearray(code), {}
    for place in places(root, code, "python"):
        node = place.node.child_by_field_name("definition") or place.node
        body = node.child_by_field_name("body")
        written = _string(body) if body is not None else None
        if body is None or written is None:
            continue
        docs[place.row + 1] = _paragraph(
            _content(code[written.start_byte : written.end_byte].decode("utf-8", "replace"))
        )
        blank = re.sub(rb"[^\n]", b" ", code[written.start_byte : written.end_byte])
        instead = b"..." if body.named_child_count == 1 else b""
        blanked[written.start_byte : written.end_byte] = instead + blank[len(instead) :]
    return blanked.decode("utf-8", "replace"), docs


def _string(body: Node) -> Node | None:
    """The docstring of a body."""
    first = body.named_children[0] if body.named_child_count else None
    if first is None or first.type != "expression_statement" or not first.named_child_count:
        return None
    return first.named_children[0] if first.named_children[0].type == "string" else None


def _content(written: str) -> str:
    return inspect.cleandoc(written.lstrip("rRuUbB").strip("\"'"))


def _commented(definition: Definition) -> Iterator[tuple[Definition, str]]:
    """The definition without the comment above it, and that."""
    above = _COMMENT.match(definition.blocks[0])
    if above is None or above.end() >= len(definition.blocks[0]):
        yield definition, ""
        return
    blocks = (definition.blocks[0][above.end() :], *definition.blocks[1:])
    doc = _paragraph(_MARKS.sub("", above[0]).strip())
    yield Definition(definition.name, definition.kind, definition.start, definition.end, definition.line, blocks), doc


def _paragraph(doc: str) -> str:
    """The first paragraph in one line, without what is said about parameters."""
    return " ".join(_TAGS.split(doc.strip(), maxsplit=1)[0].split())[:400]


def _calls(found: list[Definition], chance: random.Random) -> Iterator[Question]:
    """What stands before calls of what no other definition has the name of."""
    numbers = {each.name.rpartition(".")[2]: number for number, each in enumerate(found)}
    names = Counter(each.name.rpartition(".")[2] for each in found)
    asked: Counter[int] = Counter()
    order = list(range(len(found)))
    chance.shuffle(order)
    for number in order:
        text = "".join(found[number].blocks)
        for match in _CALL.finditer(text):
            answer = numbers.get(match[1], number)
            if answer == number or names[match[1]] > 1 or asked[answer] >= _CALLS:
                continue
            lines = text[: match.start()].split("\n")[-10:]
            if sum(map(len, lines)) > 80:
                asked[answer] += 1
                yield Question("\n".join(lines), answer)


def without(packages: Iterable[Package], seen: set[bytes]) -> Iterator[Package]:
    """Packages without the definitions whose fingerprints are in `seen`, to which theirs are added."""
    for package in packages:
        kept: dict[int, int] = {}
        for number, each in enumerate(package.definitions):
            key = fingerprint(each)
            if key not in seen:
                seen.add(key)
                kept[number] = len(kept)
        yield Package(
            package.name,
            tuple(package.definitions[number] for number in kept),
            *(
                tuple(Question(each.text, kept[each.answer]) for each in questions if each.answer in kept)
                for questions in (package.docstrings, package.calls)
            ),
        )
