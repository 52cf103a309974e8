"""Servers of other languages, where they are installed: in marked text `‸` is the cursor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from language_server_tools import LONG, eventually, marked

from language_servers.analyzer import Document, Fault, Kind, NoAnswer, Parameter, ParameterKind
from language_servers.catalog import installed, named
from language_servers.client import LanguageServer

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ghostwright" / "servers"
"""Where `.ci/servers` puts them."""

SHAPES = """\
export class Shape { area(scale: number, unit?: string): number { return scale } name = "" }
export abstract class Base { abstract go(): void }
export enum Color { Red, Blue }
export const hidden = 1;
"""
IMPORT = 'import { Shape, Base, Color } from "./shapes";\n'

HEADER = """\
#pragma once
struct Shape { int area(double scale, const char *unit = nullptr); int name; };
struct Base { virtual void go() = 0; };
enum class Color { Red, Blue };
#define LARGE 1000
"""
INCLUDE = '#include "shapes.h"\n'


def started(name: str, folder: str, root: Path) -> Iterator[LanguageServer]:
    entry = named(name)
    assert entry
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(CACHE / folder / "node_modules" / ".bin"), prepend=os.pathsep)
        program = installed(entry)
        if program is None:
            pytest.skip(f"{name} is not installed; .ci/servers puts it there")
        server = LanguageServer(entry, program, root)
        try:
            assert server.wait_until_ready(3 * LONG), server.silences
            yield server
        finally:
            server.close()


@pytest.fixture(scope="module", params=[("typescript", "typescript"), ("typescript-language-server", "tsserver")])
def typescript(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    root = tmp_path_factory.mktemp("typescript")
    (root / "tsconfig.json").write_text('{"compilerOptions": {"strict": true, "target": "es2022"}}')
    (root / "shapes.ts").write_text(SHAPES)
    yield from started(*request.param, root)


@pytest.fixture(scope="module")
def clangd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    root = tmp_path_factory.mktemp("cpp")
    (root / "shapes.h").write_text(HEADER)
    yield from started("clangd", "", root)


def ask(server: LanguageServer, what: str, text: str, name: str, language: str) -> Any:
    document, offset = marked(server.root / name, text, language)
    return eventually(lambda: getattr(server, what)(document, offset, LONG))


def ts(server: LanguageServer, what: str, text: str) -> Any:
    return ask(server, what, IMPORT + text, "main.ts", "typescript")


def cpp(server: LanguageServer, what: str, text: str) -> Any:
    return ask(server, what, INCLUDE + text, "main.cpp", "cpp")


@pytest.mark.parametrize("text", ["new Shape().‸;\n", "const s = new Shape();\ns.‸\ngo();\n", "new Shape()?.‸;\n"])
def test_typescript_members(typescript: LanguageServer, text: str) -> None:
    found = ts(typescript, "members", text)
    assert {(member.name, member.kind) for member in found} == {("area", Kind.METHOD), ("name", Kind.FIELD)}
    assert found.doubt == ""


def test_typescript_enumerations(typescript: LanguageServer) -> None:
    found = ts(typescript, "members", "Color.‸;\n")
    assert {(member.name, member.kind) for member in found} == {("Red", Kind.ENUM_MEMBER), ("Blue", Kind.ENUM_MEMBER)}


def test_typescript_of_unknown_type(typescript: LanguageServer) -> None:
    assert ts(typescript, "members", "function f(x: any) { x.‸ }\n").doubt == "the type is unknown"


def test_javascript_members_forbid_nothing(typescript: LanguageServer) -> None:
    text = "const point = { x: 1, y: 2 };\npoint.‸;\n"
    found = ask(typescript, "members", text, "main.js", "javascript")
    assert found.names >= {"x", "y"}
    assert found.doubt == "JavaScript has no types"


def test_typescript_names(typescript: LanguageServer) -> None:
    found = ts(typescript, "names", "function f(given: number) { const local = 1; return ‸ }\n")
    assert {"given", "local", "Shape", "f", "parseInt"} <= found.names
    assert "hidden" not in found.names
    assert "hidden" in ask(typescript, "names", 'import { ‸ } from "./shapes";\n', "main.ts", "typescript").names


def test_typescript_calls(typescript: LanguageServer) -> None:
    found = ts(typescript, "call", "new Shape().area(1, ‸);\n")
    (signature,) = found.signatures
    assert signature.parameters == (
        Parameter("scale", annotation="number"),
        Parameter("unit", annotation="string", required=False),
    )
    assert found.active == 1
    assert ts(typescript, "hole", "new Shape().area(‸);\n").expected == "number"
    (variadic,) = ts(typescript, "call", "Math.max(‸);\n").signatures[0].parameters
    assert variadic == Parameter("values", ParameterKind.VAR_POSITIONAL, "number[]", required=False)


def test_typescript_types(typescript: LanguageServer) -> None:
    text = "const sh‸ape = new Shape();\n"
    assert ts(typescript, "type_at", text) == "const shape: Shape"
    place = ts(typescript, "type_definition", text)
    assert (place.path, place.offset) == (typescript.root / "shapes.ts", SHAPES.index("Shape"))


def test_typescript_symbols(typescript: LanguageServer) -> None:
    text = "class A { x = 1; m() {} }\nfunction f() {}\n"
    found = typescript.symbols(Document(typescript.root / "main.ts", "typescript", text), LONG)
    assert [(symbol.name, symbol.owner) for symbol in found] == [("A", ""), ("x", "A"), ("m", "A"), ("f", "")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nobody;\n", Fault.NAME),
        ("new Shape().nothing;\n", Fault.MEMBER),
        ('import { x } from "./nowhere";\n', Fault.IMPORT),
        ('import { nothing } from "./shapes";\n', Fault.IMPORT),
        ("new Shape().area();\n", Fault.ARGUMENTS),
        ("new Base();\n", Fault.ABSTRACT),
        ("const x: number = '';\n", Fault.TYPE),
        ("const x = ;\n", Fault.SYNTAX),
    ],
)
def test_typescript_faults(typescript: LanguageServer, text: str, fault: Fault) -> None:
    document = Document(typescript.root / "main.ts", "typescript", IMPORT + text)
    if typescript.name == "typescript-language-server":
        with pytest.raises(NoAnswer, match="its diagnostics do not tell which text they are about"):
            typescript.diagnostics(document, LONG)
        return
    assert {each.fault for each in typescript.diagnostics(document, LONG) if each.error} == {fault}


@pytest.mark.parametrize("text", ["void f(Shape s) { s.‸; }\n", "void f(Shape *s) { s->‸; }\n"])
def test_cpp_members(clangd: LanguageServer, text: str) -> None:
    found = cpp(clangd, "members", text)
    assert {(member.name, member.kind) for member in found} == {("area", Kind.METHOD), ("name", Kind.FIELD)}
    assert found.doubt == ""


def test_cpp_enumerations(clangd: LanguageServer) -> None:
    found = cpp(clangd, "members", "void f() { Color::‸; }\n")
    assert {(member.name, member.kind) for member in found} == {("Red", Kind.ENUM_MEMBER), ("Blue", Kind.ENUM_MEMBER)}


def test_cpp_of_unknown_type(clangd: LanguageServer) -> None:
    assert cpp(clangd, "members", "template<class T> void f(T t) { t.‸; }\n").doubt == "the type is unknown"


def test_cpp_names_know_macros(clangd: LanguageServer) -> None:
    found = cpp(clangd, "names", "int f(int given) { int local = 1; return ‸; }\n")
    assert {"given", "local", "f", "LARGE", "Shape"} <= found.names
    assert found.doubt == ""


def test_cpp_calls(clangd: LanguageServer) -> None:
    found = cpp(clangd, "call", "void f(Shape s) { s.area(1, ‸); }\n")
    (signature,) = found.signatures
    assert signature.parameters == (
        Parameter("scale", annotation="double"),
        Parameter("unit", annotation="const char *", required=False),
    )
    assert found.active == 1
    assert cpp(clangd, "hole", "void f(Shape s) { s.area(‸); }\n").expected == "double"


def test_cpp_types(clangd: LanguageServer) -> None:
    text = "void f(Shape sh‸ape) {}\n"
    assert cpp(clangd, "type_at", text) == "Shape"
    place = cpp(clangd, "type_definition", text)
    assert (place.path, place.offset) == (clangd.root / "shapes.h", HEADER.index("Shape"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("int f() { return nobody; }\n", Fault.NAME),
        ("Nothing x;\n", Fault.NAME),
        ("int f(Shape s) { return s.nothing; }\n", Fault.MEMBER),
        ('#include "nowhere.h"\n', Fault.IMPORT),
        ("int f(Shape s) { return s.area(); }\n", Fault.ARGUMENTS),
        ("void f() { new Base(); }\n", Fault.ABSTRACT),
        ('int x = "";\n', Fault.TYPE),
        ("int f() { return 1 }\n", Fault.SYNTAX),
    ],
)
def test_cpp_faults(clangd: LanguageServer, text: str, fault: Fault) -> None:
    found = clangd.diagnostics(Document(clangd.root / "main.cpp", "cpp", INCLUDE + text), LONG)
    assert {each.fault for each in found if each.error} == {fault}
