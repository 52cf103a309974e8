"""What type is expected in a hole: in marked text `‸` is where an expression is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hole_tools import context, in_method, write_repository

EXPECTED = [
    ("join(‸)", "Point"),
    ("join(place, ‸)", "tuple[Point, Movie]"),
    ("join(place, wanted, color=‸)", "Color"),
    ("return ‸", "list[Point]"),
    ("return (‸)", "list[Point]"),
    ("return [‸]", "Point"),
    ("return [place, ‸]", "Point"),
    ("return [‸ for each in wanted]", "Point"),
    ("return place if ‸ else place", "bool"),
    ("one: Point = ‸", "Point"),
    ("one: 'Point' = ‸", "Point"),
    ("one: Pair = (‸, wanted[1])", "Point"),
    ("one: dict[str, Point] = {'a': ‸}", "Point"),
    ("one: dict[Color, Point] = {‸: place}", "Color"),
    ("one: Movie = {'title': '', 'color': ‸}", "Color"),
    ("self.top = ‸", "Box"),
    ("place = ‸", "Point"),
    ("if ‸: pass", "bool"),
    ("while not ‸: pass", "bool"),
    ("assert ‸", "bool"),
    ("assert place, ‸", ""),
    ("place in ‸", ""),
    ("place.x not in ‸", ""),
    ("def inner(*places: Point): places = ‸", "tuple[Point, ...]"),
    ("def inner(**places: Point): places = ‸", "dict[str, Point]"),
    ("zip(‸)", "Iterable"),
    ("for each in ‸: pass", "Iterable"),
    ("with ‸ as it: pass", "ContextManager"),
    ("raise ‸", "BaseException"),
    ("place == ‸", "Point"),
    ("place.x + ‸", "int"),
    ("def inner(one: Point = ‸): pass", "Point"),
    ("def inner() -> Iterator[Point]: yield ‸", "Point"),
    ("def inner() -> Iterator[Point]: yield from ‸", "Iterable[Point]"),
    ("async def inner() -> Point: return await ‸", "Awaitable[Point]"),
    ("async def inner() -> AsyncIterator[Box]: yield ‸", "Box"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tmp_path_factory.mktemp("project"))


@pytest.mark.parametrize(("statement", "expected"), EXPECTED)
def test_what_is_expected_is_told_by_the_surroundings(ty, statement, expected):
    assert context(ty, in_method(statement)).expected == expected


@pytest.mark.parametrize("statement", ["print(len(‸", "value = ‸", "‸", "untyped(‸)", "x, y = ‸"])
def test_nothing_that_is_wrong_is_told_where_nothing_is_known(ty, statement):
    assert context(ty, f"from shapes import untyped\n{statement}\n").expected in ("", "Sized")


def test_two_checkers_agree_on_what_is_expected(checker):
    for statement, expected in EXPECTED[:6] + EXPECTED[14:17]:
        assert context(checker, in_method(statement)).expected == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from typing import Final\nfrom shapes import Point\none: Final[Point] = ‸", "Point"),
        ("from typing import Annotated\nfrom shapes import Point\none: Annotated[Point, 1] = ‸", "Point"),
        ("from typing import Final\nONE: Final = ‸", ""),
        ("import typing as t\nOne: t.TypeAlias = ‸", ""),
    ],
)
def test_words_that_say_nothing_of_the_value_are_left_out(ty, text, expected):
    assert context(ty, text).expected == expected


def test_what_the_checker_does_not_know_is_not_told_in_its_words(checker):
    for text in ("list(‸)", "reversed(‸)", "set([‸])", "class A[T]:\n    def f(self, one: T) -> T:\n        self.f(‸)"):
        told = context(checker, f"{text}\n").expected
        assert "Unknown" not in told, text
        assert "@" not in told, text
