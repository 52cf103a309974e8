"""What in scope gives what a hole takes, and how it is told: in marked text `‸` is where an expression is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hole_tools import context, in_method, write_repository

from language_servers.holes import Header

ODD = f"""\
from collections.abc import Callable
from typing import TypeVar, overload
from shapes import Point, origin as begin

V = TypeVar("V")

class Desk:
    def pick(self, kind: V) -> Point: ...

@overload
def either(one: int) -> Point: ...
@overload
def either(one: str) -> Point: ...
def either(one): ...
def long({", ".join(f"parameter_{n}: int = {n}" for n in range(30))}) -> Point: ...
def loose(one, two) -> Point: ...
def use(place: Point) -> None: ...

def inside(given: Callable[[int], Point], desk: Desk):
    use(‸)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tmp_path_factory.mktemp("project"))


def headers(server, text: str) -> dict[str, Header]:
    return {header.name: header for header in context(server, text, "headers.py").headers}


def test_functions_are_told_as_they_stand_in_a_stub(checker):
    found = {name: header.text for name, header in headers(checker, ODD).items()}
    assert found["either"] == "def either(one: int) -> Point: ..."
    assert found["begin"] == "def begin() -> Point: ..."
    assert found["loose"] == "def loose(one, two) -> Point: ..."
    assert found["long"].startswith("def long(parameter_0: int = 0, parameter_1: int = 1, ")
    assert found["long"].endswith(", …) -> Point: ...")
    assert found["desk.pick"] == "class Desk:\n    def pick[V](self, kind: V) -> Point: ..."


def test_a_value_that_can_be_called_is_no_definition(ty):
    assert headers(ty, ODD)["given"].text == "given: Callable[[int], Point]"


def test_a_class_is_told_by_what_makes_an_object_of_it(checker):
    found = headers(checker, in_method("one: tuple[Box, Point] = ‸"))
    assert found["Box"].text == (
        "class Box(Drawn):\n"
        '    def __init__(self, corner: Point, color: Color = Color.RED, *, name: str = "") -> None: ...'
    )
    assert found["Point"].text == "class Point:\n    x: int\n    y: int"


def test_of_what_gives_a_base_type_only_that_counts_which_is_about_the_repository(checker):
    text = (
        "from shapes import Box, origin\n"
        "def plain(count: int) -> str: ...\n"
        "def titled(box: Box) -> str: ...\n"
        "def inside(near: str, loose):\n"
        "    one: str | None = ‸\n"
    )
    assert set(headers(checker, text)) == {"titled"}
    assert headers(checker, text.replace("Box", "int")) == {}


def test_an_int_is_given_where_a_float_is_taken(checker):
    text = "from shapes import Box\ndef grams(box: Box) -> int: ...\ndef title(box: Box) -> str: ...\none: float = ‸\n"
    assert set(headers(checker, text)) == {"grams"}


def test_values_of_types_that_are_not_imported_count(checker):
    text = "import shapes\ndef inside(box: shapes.Square, count: int):\n    one: shapes.Box = ‸\n"
    assert headers(checker, text)["box"].depth == 0


def test_what_may_be_none_fits_where_none_is_taken(checker):
    text = "from shapes import Point\ndef inside(place: Point | None):\n    one: Point | None = ‸\n"
    assert headers(checker, text)["place"].score == 1.0


def test_functions_are_tried_as_they_are_where_one_is_wanted(checker):
    text = (
        "from collections.abc import Callable\nfrom shapes import Point, join, origin\none: Callable[[], Point] = ‸\n"
    )
    found = headers(checker, text)
    assert found["origin"].depth == 0
    assert found["origin"].text == "def origin() -> Point: ..."
    assert "join" not in found
