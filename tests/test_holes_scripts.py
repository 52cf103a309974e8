"""Typed holes in TypeScript: in marked text `‸` is where an expression is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from language_server_tools import LONG, marked
from test_language_servers_others import started

from language_servers.analyzer import Document
from language_servers.client import LanguageServer
from language_servers.holes import HoleContext, error_report, hole_context

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


def test_typescript_functions_that_are_wanted_have_an_open_result(typescript):
    expected = "(value: Point, index: number, array: Point[]) => unknown"
    assert script_context(typescript, "[place].map(‸);").expected == expected


def test_typescript_values_of_no_type_are_no_headers_and_functions_in_constants_are(typescript):
    found = script_context(typescript, "const none = null!; const made = (n: number): Point => place; draw(‸);")
    names = {header.name for header in found.headers}
    assert "place" in names
    assert "none" not in names
    assert ("made" in names) == (typescript.name == "typescript")  # the other one tells no diagnostics


def test_typescript_errors_are_reported_where_the_server_tells_them(typescript):
    path = typescript.root / "main.ts"
    after = Document(path, "typescript", SCRIPT.replace("@", 'draw("a", wanted, Color.Red); return [];'))
    before = Document(path, "typescript", SCRIPT.replace("@", "return [];"))
    said = error_report(typescript, after, before, LONG)
    assert said == ("" if typescript.name != "typescript" else 'line 5: expected Point, but got string: "a"')
