"""Typed holes, asked of real servers: in marked text `‸` is where an expression is missing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import ghostwright
from editor import PATIENCE, Editor
from language_server_tools import LONG, fake, marked
from test_language_servers_others import started

from assistant.analysis import Analysis
from assistant.holes import Holes, hole, report
from assistant.types import CompletionRequest
from language_servers.analyzer import Diagnostic, Document, Fault, NoAnswer
from language_servers.client import LanguageServer
from language_servers.holes import (
    HoleContext,
    error_report,
    expectation,
    expected_type,
    hole_context,
    new_errors,
    relevant_headers,
    relevant_types,
)
from language_servers.holes_headers import Candidate
from language_servers.servers import Servers

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


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    return root


def context(server: LanguageServer, text: str, name: str = "main.py", more: tuple[Candidate, ...] = ()) -> HoleContext:
    document, offset = marked(server.root / name, text, "python")
    return hole_context(server, document, offset, server.root, more, LONG)


def in_method(statement: str) -> str:
    return f"{HEAD}        {statement}\n"


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


@pytest.mark.parametrize(("statement", "expected"), EXPECTED)
def test_what_is_expected_is_told_by_the_surroundings(ty, statement, expected):
    assert context(ty, in_method(statement)).expected == expected


@pytest.mark.parametrize("statement", ["print(len(‸", "value = ‸", "‸", "untyped(‸)", "x, y = ‸"])
def test_nothing_that_is_wrong_is_told_where_nothing_is_known(ty, statement):
    assert context(ty, f"from shapes import untyped\n{statement}\n").expected in ("", "Sized")


def test_two_checkers_agree_on_what_is_expected(checker):
    for statement, expected in EXPECTED[:6] + EXPECTED[14:17]:
        assert context(checker, in_method(statement)).expected == expected


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


# errors


def test_only_new_errors_are_reported_with_what_was_expected(ty):
    before = in_method("wrong_before\n        return []").replace("‸", "")
    after = in_method("wrong_before\n        return [3]").replace("‸", "")
    path = ty.root / "main.py"
    said = error_report(ty, Document(path, "python", after), Document(path, "python", before), LONG)
    assert said.startswith("line 11: expected list[Point], but got list[")
    assert "wrong_before" not in said


def test_unmatched_brackets_are_reported_first(ty):
    path = ty.root / "main.py"
    before, after = in_method("return []"), in_method("join([place, nonsense)\n        return []")
    said = error_report(ty, Document(path, "python", after), Document(path, "python", before), LONG).splitlines()
    assert said[0] == "line 10: “(” has no counterpart"
    assert any("nonsense" in line for line in said[1:])


def test_a_text_without_new_errors_has_no_report(checker):
    path = checker.root / "main.py"
    document = Document(path, "python", in_method("return [origin()]"))
    assert error_report(checker, document, Document(path, "python", in_method("return []")), LONG) == ""


def test_errors_are_counted_not_only_known():
    one = Diagnostic(Fault.NAME, "no x", 1, 2, "name")
    twice = (one, Diagnostic(Fault.NAME, "no x", 5, 6, "name"))
    assert new_errors(twice, (one,)) == [twice[1]]
    assert new_errors((one,), twice) == []


@pytest.mark.parametrize(
    ("message", "types"),
    [
        ("Argument is incorrect: Expected `Point`, found `str`", ("Point", "str")),
        ("Returned type `list[int]` is not assignable to declared return type `list[str]`", ("list[str]", "list[int]")),
        ("`str` is not assignable to attribute `x` with type `int`", ("int", "str")),
        ('Type "str" is not assignable to declared type "int"', ("int", "str")),
        ("Type 'string' is not assignable to type 'Point'.", ("Point", "string")),
        ("Name `x` used when not defined", ("", "")),
    ],
)
def test_what_was_expected_is_read_from_every_checker(message, types):
    assert expectation(message) == types


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


# TypeScript

SCRIPT_SHAPES = """\
export interface Point { x: number; y: number; moved(by: Point): Point }
export interface Movie { title: string; year?: number }
export type Pair = [Point, Movie];
export enum Color { Red, Blue }
export class Shape {
    corner: Point;
    constructor(corner: Point, private color: Color) { this.corner = corner; }
    area(scale: number): number { return scale }
}
export class Square extends Shape { side = 1 }
export function draw(point: Point, pair: Pair, color: Color): void {}
export function origin(): Point { throw 0 }
export function many(count: number): Point[] { return [] }
"""
SCRIPT = """\
import { Point, Pair, Movie, Color, Shape, Square, draw, origin, many } from "./shapes";
class Box {
    here: Point = origin();
    near(place: Point, wanted: Pair): Point[] {
        @
    }
}
"""


@pytest.fixture(scope="module", params=[("typescript", "typescript"), ("typescript-language-server", "tsserver")])
def typescript(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    root = tmp_path_factory.mktemp("typescript")
    (root / "tsconfig.json").write_text('{"compilerOptions": {"strict": true, "target": "es2022"}}')
    (root / "shapes.ts").write_text(SCRIPT_SHAPES)
    yield from started(*request.param, root)


def script_context(server: LanguageServer, statement: str) -> HoleContext:
    document, offset = marked(server.root / "main.ts", SCRIPT.replace("@", statement), "typescript")
    return hole_context(server, document, offset, server.root, (), LONG)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("draw(‸)", "Point"),
        ("draw(place, ‸)", "Pair"),
        ("draw(place, wanted, ‸)", "Color"),
        ("return ‸;", "Point[]"),
        ("return [‸];", "Point"),
        ("const one: Shape = ‸;", "Shape"),
        ("this.here = ‸;", "Point"),
        ("const one: Movie = { title: ‸ };", "string"),
        ("if (‸) {}", "boolean"),
        ("new Shape(‸)", "Point"),
    ],
)
def test_typescript_says_what_a_hole_takes(typescript, statement, expected):
    assert script_context(typescript, statement).expected == expected


def test_typescript_types_are_told_without_bodies(typescript):
    stubs = {stub.name: stub.text for stub in script_context(typescript, "const one: Shape = ‸;").types}
    assert stubs["Shape"] == (
        "class Shape {\n"
        "    corner: Point\n"
        "    constructor(corner: Point, private color: Color)\n"
        "    area(scale: number): number\n"
        "}"
    )
    assert stubs["Point"].startswith("interface Point {\n    x: number")


def test_typescript_headers_give_the_type(typescript):
    found = {header.name: header.text for header in script_context(typescript, "draw(‸)").headers}
    assert found["origin"] == "function origin(): Point"
    assert found["place"] == "place: Point"
    assert found["this.here"] == "this.here: Point"
    assert not {"draw", "Square"} & set(found)
    returned = {header.name for header in script_context(typescript, "return ‸;").headers}
    assert {"many", "this.near"} <= returned


def test_typescript_errors_are_reported_where_the_server_tells_them(typescript):
    path = typescript.root / "main.ts"
    after = Document(path, "typescript", SCRIPT.replace("@", 'draw("a", wanted, Color.Red); return [];'))
    before = Document(path, "typescript", SCRIPT.replace("@", "return [];"))
    said = error_report(typescript, after, before, LONG)
    assert said == ("" if typescript.name != "typescript" else 'line 5: expected Point, but got string: "a"')


# requests


def request_at(root: Path, text: str, name: str = "main.py") -> CompletionRequest:
    return CompletionRequest(root / name, "python", text.replace("‸", ""), text.index("‸"), root=root)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("join(‸", "join(¦)\n"),
        ("join(pla‸", "join(¦)\n"),
        ("join(self.top.cor‸", "join(¦)\n"),
        ("join(place, ‸wanted) + 3", "join(place, ¦)\n"),
        ("return‸", "return¦\n"),
        ("return ‸", "return ¦\n"),
    ],
)
def test_the_expression_under_way_is_the_hole(tmp_path, typed, expected):
    document, offset = hole(request_at(tmp_path, f"{typed}\n"))
    assert f"{document.text[:offset]}¦{document.text[offset:]}" == expected


@pytest.mark.parametrize("text", ["# a ‸", "x = 'a ‸'", '"""\na ‸\n"""'])
def test_strings_and_comments_hold_no_hole(tmp_path, text):
    with pytest.raises(NoAnswer):
        hole(request_at(tmp_path, text))


@pytest.fixture
def analysis(root: Path) -> Iterator[Analysis]:
    analysis = Analysis(Servers({"python": "ty"}))
    yield analysis
    analysis.close()


def test_typing_along_a_hole_asks_nothing_again(analysis, root):
    analysis.open(request_at(root, in_method("‸")), LONG)
    holes = Holes(analysis)
    first = holes.at(request_at(root, in_method("join(‸")), LONG)
    assert first.expected == "Point"
    assert holes.at(request_at(root, in_method("join(pla‸")), 0.0) is first
    assert holes.at(request_at(root, in_method("join(place.m‸")), 0.0) is first


def test_what_is_never_known_is_asked_once(root):
    analysis = Analysis(Servers({"python": "ty"}))
    request = request_at(root, "from shapes import untyped\nuntyped(‸)\n")
    analysis.open(request, LONG)
    holes = Holes(analysis)
    first = holes.at(request, LONG)
    assert (first.expected, first.is_early) == ("", False)
    assert holes.at(request, LONG) is first
    analysis.close()


def test_what_was_too_early_is_asked_again(tmp_path):
    server = fake(tmp_path, "--slow", "1")
    assert server.wait_until_ready(LONG)
    try:
        document, offset = marked(tmp_path / "a.py", "class Point: ...\ndef f() -> Point:\n    return ‸\n", "python")
        assert hole_context(server, document, offset, tmp_path, (Candidate("Point()", "Point"),), 0.3).is_early
    finally:
        server.close()


def test_what_is_foreseen_is_there_at_once(analysis, root):
    analysis.open(request_at(root, in_method("‸")), LONG)
    holes = Holes(analysis)
    request = request_at(root, in_method("return ‸"))
    holes.foresee(request)
    assert holes.at(request, LONG).headers


def test_a_changed_file_is_looked_at_again(analysis, root):
    request = request_at(root, "from changing import New\none: New = ‸\n", "changed.py")
    analysis.open(request, LONG)
    holes = Holes(analysis)
    assert "old" in holes.at(request, LONG).types[0].text
    (root / "changing.py").write_text("class New:\n    brand_new: int\n")
    analysis.files_changed([root / "changing.py"])
    holes.files_changed([root / "changing.py"])
    assert "brand_new" in holes.at(request, LONG).types[0].text


def test_holes_without_a_server_say_so(tmp_path):
    analysis = Analysis(Servers({"python": ""}))
    found = Holes(analysis).at(request_at(tmp_path, "f(‸"), 1.0)
    assert found.silences == ("no language server for python is installed",)
    assert report(analysis, request_at(tmp_path, "f(‸"), "x") == ""


def test_holes_may_be_asked_from_many_threads(analysis, root):
    analysis.open(request_at(root, in_method("‸")), LONG)
    holes, found = Holes(analysis), list[str]()
    requests = [request_at(root, in_method(statement)) for statement, _ in EXPECTED[:4]]
    threads = [
        threading.Thread(target=lambda each=each: found.append(holes.at(each, LONG).expected)) for each in requests
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) <= {expected for _, expected in EXPECTED[:4]} | {""}
    assert [holes.at(each, LONG).expected for each in requests] == [expected for _, expected in EXPECTED[:4]]


# the command


def test_the_command_tells_all_of_a_hole(root):
    (root / "command.py").write_text(in_method("join(‸)").replace("‸", ""))
    place = f"{root / 'command.py'}:10:14"
    result = ghostwright("hole", place)
    assert result.code == 0
    assert result.out.startswith("expected: Point  (argument)\n")
    assert "def origin() -> Point: ..." in result.out
    answer = ghostwright("hole", place, "--json").json
    assert (answer["expected"], answer["types"][0]["name"]) == ("Point", "Point")
    assert {header["name"] for header in answer["headers"]} >= {"origin", "place"}


def test_the_command_says_where_nothing_is_known(root):
    (root / "empty.py").write_text("\n")
    result = ghostwright("hole", f"{root / 'empty.py'}:1:1")
    assert (result.code, result.out) == (1, "")
    assert "Nothing is known of what is expected here." in result.err
    assert ghostwright("hole", f"{root / 'empty.py'}:9:1", "--json").json["error"].endswith("there is no line 9.")


# the requests of ChatLSP


async def ask(editor: Editor, method: str, buffer: Any, **more: Any) -> Any:
    cursor = buffer.cursor
    params = {
        "textDocument": {"uri": buffer.uri},
        "position": {"line": cursor.line, "character": cursor.character},
        **more,
    }
    async with asyncio.timeout(PATIENCE):
        return plain(await editor.client.protocol.send_request_async(f"textDocument/{method}", params))


def plain(value: Any) -> Any:
    """pygls turns unknown objects into named tuples."""
    if hasattr(value, "_asdict"):
        return {key: plain(each) for key, each in value._asdict().items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.mark.asyncio(loop_scope="module")
async def test_an_editor_asks_about_the_text_as_it_is(start_editor, root):
    editor = await start_editor(root)
    assert editor.capabilities.experimental["expectedTypeProvider"]
    buffer = editor.open(in_method("note = '😀'; join(‸"), "unsaved.py")

    async def until_known() -> Any:
        while not (found := await ask(editor, "expectedType", buffer))["content"]["value"]:
            await asyncio.sleep(0.1)
        return found

    async with asyncio.timeout(PATIENCE):
        expected = await until_known()
    assert expected["content"]["value"] == "```python\nPoint\n```"
    assert expected["location"]["uri"] == (root / "shapes.py").as_uri()
    assert expected["location"]["range"]["start"] == {"line": 22, "character": 6}
    types = await ask(editor, "relevantTypes", buffer)
    assert types["contents"][-1]["value"].startswith("```python\nclass Point:\n    x: int")
    assert len(types["contents"]) == len(types["locations"])
    headers = await ask(editor, "relevantHeaders", buffer)
    assert any("def origin() -> Point: ..." in each["value"] for each in headers["contents"])
    assert {each["uri"] for each in headers["locations"]} == {buffer.uri}
    corner = editor.open(
        "class Corner:\n    def __init__(self, x, y):\n        self.x = x\n        self.‸", "corner.py"
    )
    written = await ask(editor, "llmCompletion", corner)
    assert written["snippet"] == "y = y"
    assert written["context"]["expected"] == ""
    mended = await ask(editor, "llmCompletionResolveErrors", buffer, snippet="'wrong', wanted)")
    assert "expected Point, but got" in mended["context"]["resolved"]
    fine = await ask(editor, "llmCompletionResolveErrors", buffer, snippet="place, wanted)\n        return []")
    assert (fine["snippet"], fine["context"]["errors"]) == ("place, wanted)\n        return []", "")
    await editor.close()
