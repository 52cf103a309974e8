"""What is known of holes, asked of real servers: in marked text `‸` is where an expression is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hole_tools import context, in_method, write_repository
from language_server_tools import LONG, fake, marked

from language_servers.analyzer import Document
from language_servers.holes import (
    Candidate,
    HoleContext,
    expected_type,
    hole_context,
    relevant_headers,
    relevant_types,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tmp_path_factory.mktemp("project"))


def test_a_missing_body_is_told_of_by_what_the_function_takes_and_returns(ty):
    found = context(ty, in_method("‸"))
    assert found.expected == "list[Point]"
    assert {stub.name for stub in found.types} == {"Point", "Movie", "Color", "Pair"}


def test_types_are_stubs_with_what_they_are_made_of_first(checker):
    found = context(checker, in_method("self.top = ‸")).types
    names = [stub.name for stub in found]
    assert names.index("Point") < names.index("Box")
    assert names.index("Color") < names.index("Box")
    assert found[names.index("Box")].text == (
        "class Box(Drawn):\n"
        "    corner: Point\n"
        "    other: Point | None\n"
        '    def __init__(self, corner: Point, color: Color = Color.RED, *, name: str = "") -> None: ...\n'
        "    area: float\n"
        "    def draw(self, scale: float) -> None: ..."
    )
    assert found[names.index("Color")].text == "class Color(Enum):\n    RED = 1\n    BLUE = 2"
    assert found[names.index("Drawn")].text == "class Drawn(Protocol):\n    def draw(self, scale: float) -> None: ..."


def test_an_alias_is_told_as_it_is_written(ty):
    stubs = {stub.name: stub.text for stub in context(ty, in_method("join(place, ‸)")).types}
    assert stubs["Pair"] == "Pair = tuple[Point, Movie]"
    assert stubs["Movie"] == "class Movie(TypedDict):\n    title: str\n    color: Color"


def test_own_types_may_be_called_as_the_language_has_called_some(ty):
    found = context(ty, "class Text:\n    plain: str\none: Text = ‸\n")
    assert [stub.text for stub in found.types] == ["class Text:\n    plain: str"]
    found = context(ty, "class Counter: ...\ndef counted() -> Counter: ...\none: Counter = ‸\n")
    assert "counted" in {header.name for header in found.headers}


def test_types_of_the_language_are_no_news(ty):
    assert context(ty, "from pathlib import Path\nhere: Path = ‸\n").types == ()


def test_headers_are_what_gives_the_type(checker):
    found = {header.name: header for header in context(checker, in_method("join(‸)")).headers}
    assert {"origin", "Point", "place", "many", "maybe"} <= set(found)
    assert not {"join", "nothing", "untyped", "Square", "Box"} & set(found)
    assert found["origin"].text == "def origin() -> Point: ..."
    assert found["place"].depth == 0
    assert found["place"].text.startswith("place: ")
    assert found["origin"].score > found["maybe"].score
    assert found["origin"].score > found["many"].score


def test_a_subclass_and_a_protocols_implementation_fit(ty):
    assert "Square" in {header.name for header in context(ty, in_method("self.top = ‸")).headers}
    drawn = context(ty, in_method("one: Drawn = ‸")).headers
    assert {"Square", "Box", "join"} <= {header.name for header in drawn}


def test_members_of_what_stands_close_by_are_tried(ty):
    found = {header.name: header.text for header in context(ty, in_method("return ‸")).headers}
    assert found["self.near"].startswith("class Desk:\n    def near(self, place: Point")
    assert "place.moved" in {header.name for header in context(ty, in_method("join(‸)")).headers}


def test_what_has_no_type_is_told_only_where_nothing_has(ty):
    one = context(ty, "from shapes import Color, untyped, nothing\nname: Color = ‸\n").headers
    assert "untyped" not in {header.name for header in one}
    other = context(ty, "from shapes import Point, untyped\none: tuple[Point, Point] = ‸\nPoint\n").headers
    assert all(header.score > 0 for header in other) or {header.score for header in other} == {0.0}


def test_an_expected_type_that_is_not_imported_is_understood(ty):
    text = "from shapes import join, many, origin\njoin(‸)\n"
    assert "origin" in {header.name for header in context(ty, text, "far.py").headers}


def test_candidates_of_the_caller_are_tried(ty):
    more = (Candidate("Point(1, 2).moved", "def moved(by: Point) -> Point"), Candidate("len", "def len(it) -> int"))
    names = {header.name for header in context(ty, in_method("join(‸)"), more=more).headers}
    assert "Point(1, 2).moved" in names
    assert "len" not in names


def test_a_hole_is_asked_about_wherever_it_stands_in_its_statement(ty):
    for statement in (
        "if join(‸).area: pass\n        else: pass",
        "a = [join(‸) for each in wanted]",
        "a = lambda: join(‸)",
    ):
        names = {header.name for header in context(ty, in_method(statement)).headers}
        assert "origin" in names, statement


def test_each_part_can_be_asked_for_alone(ty):
    document, offset = marked(ty.root / "main.py", in_method("join(‸)"), "python")
    expected = expected_type(ty, document, offset, ty.root, LONG)
    assert expected.type == "Point"
    types = relevant_types(ty, expected, document, ty.root, LONG)
    assert [stub.name for stub in types] == ["Point"]
    headers = relevant_headers(ty, document, offset, expected.type, types, (), ty.root, LONG)
    assert "origin" in {header.name for header in headers}


def test_types_of_one_name_in_two_modules_are_told_apart(ty):
    found = context(ty, "from left import Node\nfrom right import take\ntake(‸)\n")
    assert {stub.path.name for stub in found.types} == {"left.py", "right.py"}
    assert found.types[-1].path.name == "right.py"
    assert "Node" not in {header.name for header in found.headers}


def test_types_that_hold_each_other_end(ty):
    found = context(ty, "from ring import R0\none: R0 = ‸\n")
    assert found.types[-1].name == "R0"
    assert len(found.types) <= 12


def test_of_a_very_large_class_only_the_beginning_is_told(ty):
    (stub,) = context(ty, "from large import Large\none: Large = ‸\n").types
    assert len(stub.text.splitlines()) < 50
    assert stub.text.endswith("# and 4,960 more")


def test_names_in_any_script_and_far_characters_are_understood(ty):
    text = 'from größen import Größe, maß\nnote = "😀漢é"; eins: Größe = ‸\n'
    found = context(ty, text)
    assert found.expected == "Größe"
    assert [stub.text for stub in found.types] == ["class Größe:\n    länge: int"]
    assert "maß" in {header.name for header in found.headers}


@pytest.mark.parametrize(
    "text", ["‸", "(((‸", "def f(\n    return ‸", "class A(‸", "x = = ‸", "f'{‸}'", "\x00‸", "if x\n  else ‸ :", "‸)"]
)
def test_texts_that_are_no_python_do_no_harm(ty, text):
    assert isinstance(context(ty, text), HoleContext)


def test_an_offset_beyond_the_text_does_no_harm(ty):
    assert isinstance(hole_context(ty, Document(ty.root / "main.py", "python", "x = 1\n"), 99, ty.root), HoleContext)


# servers that fail


def test_a_server_that_is_slow_leaves_what_is_known_without_it(tmp_path):
    server = fake(tmp_path, "--slow", "1")
    assert server.wait_until_ready(LONG)
    try:
        text = "a = 1\nclass Point: ...\ndef f() -> Point:\n    return ‸\n"
        document, offset = marked(tmp_path / "a.py", text, "python")
        found = hole_context(server, document, offset, tmp_path, (), 0.5)
        assert found.expected == "Point"
        assert found.headers == ()
        assert any("took more than" in silence for silence in found.silences)
    finally:
        server.close()


def test_what_is_known_without_a_server_is_told(tmp_path):
    server = fake(tmp_path, "--fail", "exit")
    try:
        text = "Pair = tuple[int, str]\ndef f() -> Pair:\n    return ‸\n"
        document, offset = marked(tmp_path / "a.py", text, "python")
        found = hole_context(server, document, offset, tmp_path, (), 0.3)
        assert (found.expected, [stub.text for stub in found.types]) == ("Pair", ["Pair = tuple[int, str]"])
        assert found.silences
    finally:
        server.close()


def test_what_was_too_early_is_asked_again(tmp_path):
    server = fake(tmp_path, "--slow", "1")
    assert server.wait_until_ready(LONG)
    try:
        document, offset = marked(tmp_path / "a.py", "class Point: ...\ndef f() -> Point:\n    return ‸\n", "python")
        assert hole_context(server, document, offset, tmp_path, (Candidate("Point()", "Point"),), 0.3).is_early
    finally:
        server.close()
