"""A repository with types, asked about holes: in marked text `‸` is where an expression is missing."""

from __future__ import annotations

from pathlib import Path

from language_server_tools import LONG, marked

from assistant.types import CompletionRequest
from language_servers.client import LanguageServer
from language_servers.holes import Candidate, HoleContext, hole_context

SHAPES = '''\
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypedDict


class Color(Enum):
    RED = 1
    BLUE = 2


class Movie(TypedDict):
    title: str
    color: Color


class Drawn(Protocol):
    def draw(self, scale: float) -> None: ...


@dataclass
class Point:
    x: int
    y: int

    def moved(self, by: Point) -> Point:
        return self


class Box(Drawn):
    """Two corners."""

    sides = 4

    def __init__(self, corner: Point, color: Color = Color.RED, *, name: str = "") -> None:
        self.corner = corner
        self.other: Point | None = None
        self._hidden = name

    @property
    def area(self) -> float:
        return 0.0

    def draw(self, scale: float) -> None:
        print(scale)

    def _secret(self) -> None: ...


class Square(Box): ...


Pair = tuple[Point, Movie]


def join(first: Point, pair: Pair, *, color: Color = Color.RED) -> Box: ...
def origin() -> Point: ...
def maybe() -> Point | None: ...
def many(count: int) -> list[Point]: ...
def nothing() -> None: ...
def untyped(value): return value
'''

HEAD = """\
from collections.abc import AsyncIterator, Iterator
from typing import Literal
from shapes import Box, Color, Drawn, Movie, Pair, Point, Square, join, many, maybe, nothing, origin, untyped


class Desk:
    top: Box

    def near(self, place: Point, wanted: Pair) -> list[Point]:
"""


RING = "".join(f"class R{n}:\n    after: R{(n + 1) % 40}\n    itself: R{n}\n" for n in range(40))
FILES = {
    "pyproject.toml": '[project]\nname = "project"\nversion = "1"\n',
    "shapes.py": SHAPES,
    "left.py": "class Node:\n    left: int\n",
    "right.py": "import left\n\nclass Node:\n    inner: left.Node\n\ndef take(node: Node): ...\n",
    "ring.py": f"from __future__ import annotations\n{RING}",
    "large.py": "class Large:\n" + "".join(f"    member_{n}: int\n" for n in range(5_000)),
    "größen.py": "class Größe:\n    länge: int\n\ndef maß() -> Größe: ...\n",
    "changing.py": "class New:\n    old: int\n",
}
"""A repository as the servers find it."""


def write_repository(root: Path) -> Path:
    for name, text in FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    return root


def context(server: LanguageServer, text: str, name: str = "main.py", more: tuple[Candidate, ...] = ()) -> HoleContext:
    document, offset = marked(server.root / name, text, "python")
    return hole_context(server, document, offset, server.root, more, LONG)


def in_method(statement: str) -> str:
    return f"{HEAD}        {statement}\n"


def request_at(root: Path, text: str, name: str = "main.py") -> CompletionRequest:
    return CompletionRequest(root / name, "python", text.replace("‸", ""), text.index("‸"), root=root)
