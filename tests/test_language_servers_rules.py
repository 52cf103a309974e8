"""How answers are read and judged, which server is taken, and how many run: without asking one about code."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from language_server_tools import LONG, QUICK, SCRIPT, marked

from language_servers import answers, survey
from language_servers.analyzer import Diagnostic, Fault, Kind, NoAnswer, Parameter, ParameterKind
from language_servers.answers import View
from language_servers.catalog import CATALOG, Entry, chosen, family, fill, installed, named
from language_servers.client import LanguageServer
from language_servers.faults import classified
from language_servers.positions import Lines
from language_servers.python import expected as expected_at
from language_servers.python import in_import, with_sentinel
from language_servers.servers import MOST, Servers
from language_servers.signatures import other_parameter, python_signature

PLAIN = Entry("plain", ("python",), ("plain",))


def view(text: str = "value.", language: str = "python", entry: Entry = PLAIN) -> View:
    return View(entry, "utf-16", Path("/nowhere/a"), language, Lines(text), len(text))


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def members(*items: dict[str, Any], incomplete: bool = False, **of: Any) -> answers.Members:
    return answers.members(raw({"items": items, "isIncomplete": incomplete}), view(**of))


# reading


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"label": "plain"}, "plain"),
        ({"label": "call(…)", "insertText": "call"}, "call"),
        ({"label": "call(a, b)"}, "call"),
        ({"label": " spaced : int"}, "spaced"),
        ({"label": "•included", "filterText": "included"}, "included"),
        ({"label": "shown", "textEdit": {"newText": "?.taken", "range": None}}, "shown"),
        ({"label": "shown", "textEdit": {"newText": "taken($0)", "insert": {}, "replace": {}}}, "taken"),
        ({"label": "$scope"}, "$scope"),
        ({"label": "#private"}, "#private"),
        ({"label": "größe"}, "größe"),
        ({"label": "r#type"}, "r#type"),
    ],
)
def test_the_name_of_an_item(item: dict[str, Any], name: str) -> None:
    assert members(item).names == {name}


def test_a_name_is_told_once_and_snippets_are_none() -> None:
    found = members({"label": "a", "kind": 2}, {"label": "a", "kind": 6}, {"label": "for", "kind": 15})
    assert [(member.name, member.kind) for member in found] == [("a", Kind.METHOD)]


@pytest.mark.parametrize("answer", [None, [], {"items": []}])
def test_no_items_are_no_knowledge(answer: Any) -> None:
    assert answers.members(raw(answer), view()).doubt == "the type is unknown"


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("process.env.", "the environment has other names"),
        ("import.meta.env?.", "the environment has other names"),
        ("env.", ""),
    ],
)
def test_the_environment_has_other_names_than_those_that_are_declared(text: str, doubt: str) -> None:
    assert answers.members(raw([{"label": "TZ"}]), view(text, "typescript")).doubt == doubt


@pytest.mark.parametrize("answer", [3, "text", {"items": [3]}, [{"label": None}], {"items": None}])
def test_what_cannot_be_read_is_no_answer(answer: Any) -> None:
    with pytest.raises(NoAnswer, match="the answer cannot be read"):
        answers.members(raw(answer), view())


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        ({"kind": "plaintext", "value": "int\n\nA number."}, "int"),
        ({"kind": "markdown", "value": "```ts\nconst x: string\n```\nSome words."}, "const x: string\n\nSome words."),
        ({"language": "ts", "value": "const x: string"}, "const x: string"),
        ([{"language": "ts", "value": "const x: string"}, "Some words."], "const x: string"),
        ("param s\n\nType: Shape\nOffset: 3", "Shape"),
    ],
)
def test_the_type_in_a_hover(contents: Any, text: str) -> None:
    assert answers.type_at(raw({"contents": contents}), view()) == text.split("\n\n")[0]


def test_symbols_in_both_shapes() -> None:
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
    nested = [{"name": "A", "kind": 5, "range": place, "children": [{"name": "m", "kind": 6, "range": place}]}]
    flat = [
        {"name": "A", "kind": 5, "location": {"uri": "file:///a", "range": place}},
        {"name": "m", "kind": 6, "location": {"uri": "file:///a", "range": place}, "containerName": "A"},
    ]
    assert answers.symbols(raw(nested), view()) == answers.symbols(raw(flat), view())
    assert [(symbol.name, symbol.owner) for symbol in answers.symbols(raw(flat), view())] == [("A", ""), ("m", "A")]


def test_hints_are_no_complaint() -> None:
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 5}}
    items = [{"range": place, "message": f"severity {each}", "severity": each} for each in (1, 2, 3, 4)]
    found = answers.diagnostics(raw({"kind": "full", "items": items}), view())
    assert [(each.message, each.error) for each in found] == [
        ("severity 1", True),
        ("severity 2", False),
        ("severity 3", False),
    ]


# trust


@pytest.mark.parametrize(
    ("items", "of", "doubt"),
    [
        pytest.param([{"label": "a"}], {}, "", id="sound"),
        pytest.param([{"label": "__init__"}, {"label": "__eq__"}], {}, "the type is unknown", id="object"),
        pytest.param([{"label": "a", "kind": 1}], {}, "names of the scope, not of the value", id="words"),
        pytest.param(
            [{"label": "a"}, {"label": "while", "kind": 14}], {}, "names of the scope, not of the value", id="keywords"
        ),
        pytest.param([{"label": "a"}, {"label": "sep="}], {}, "names of the scope, not of the value", id="arguments"),
        pytest.param([{"label": "a"}, {"label": "await", "kind": 14}], {"language": "rust"}, "", id="await"),
        pytest.param([{"label": "await", "kind": 14}], {"language": "rust"}, "the type is unknown", id="lone await"),
        pytest.param([{"label": "a"}, {"label": "__getattr__"}], {}, "the class has __getattr__", id="proxy"),
        pytest.param([{"label": "a"}, {"label": "__getattr__"}, {"label": "__file__"}], {}, "", id="module"),
        pytest.param([{"label": "a"}], {"language": "javascript"}, "JavaScript has no types", id="JavaScript"),
        pytest.param([{"label": "a"}], {"incomplete": True}, "", id="incomplete"),
        pytest.param(
            [{"label": "a"}], {"incomplete": True, "entry": named("gopls")}, "the list is cut off", id="cut off"
        ),
        pytest.param(
            [{"label": "a"}], {"text": "super().", "entry": named("zuban")}, "zuban errs at super()", id="super"
        ),
    ],
)
def test_doubts(items: list[dict[str, Any]], of: dict[str, Any], doubt: str) -> None:
    assert members(*items, **of).doubt == doubt


# signatures

POSITIONAL, BOTH = ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD
KEYWORD = ParameterKind.KEYWORD_ONLY


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("() -> int", []),
        ("(a, b=1)", [("a", BOTH, "", True), ("b", BOTH, "", False)]),
        ("(obj: Sized, /) -> int", [("obj", POSITIONAL, "Sized", True)]),
        ("(a: int, /, b: str) -> None", [("a", POSITIONAL, "int", True), ("b", BOTH, "str", True)]),
        ("(*, key: int) -> None", [("key", KEYWORD, "int", True)]),
        (
            "(*args: int, key, **more: str)",
            [
                ("args", ParameterKind.VAR_POSITIONAL, "int", False),
                ("key", KEYWORD, "", True),
                ("more", ParameterKind.VAR_KEYWORD, "str", False),
            ],
        ),
        ('(sep: str | None = ", ", end="(") -> None', [("sep", BOTH, "str | None", False), ("end", BOTH, "", False)]),
        (
            "(f: (int, /) -> str, d: dict[str, tuple[int, ...]] = ...) -> None",
            [("f", BOTH, "(int, /) -> str", True), ("d", BOTH, "dict[str, tuple[int, ...]]", False)],
        ),
        ("[T](item: list[T]) -> T", [("item", BOTH, "list[T]", True)]),
        ("def find(name: str) -> Buffer | None: ...", [("name", BOTH, "str", True)]),
        ("(x: Literal['a=b', \"c\"]) -> None", [("x", BOTH, "Literal['a=b', \"c\"]", True)]),
    ],
)
def test_python_signatures(label: str, expected: list[tuple[str, ParameterKind, str, bool]]) -> None:
    assert python_signature(label).parameters == tuple(Parameter(*each) for each in expected)


@pytest.mark.parametrize("label", ["(...) -> Unknown", "[K, V](...) -> dict[K, V]", "no parentheses", "(unclosed"])
def test_a_signature_that_takes_anything(label: str) -> None:
    kinds = [parameter.kind for parameter in python_signature(label).parameters]
    assert kinds == [ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD]


@pytest.mark.parametrize(
    ("label", "language", "expected"),
    [
        ("scale: number", "typescript", Parameter("scale", BOTH, "number")),
        ("unit?: string", "typescript", Parameter("unit", BOTH, "string", False)),
        ("done: (x: number) => void", "typescript", Parameter("done", BOTH, "(x: number) => void")),
        ("...rest: T[]", "typescript", Parameter("rest", ParameterKind.VAR_POSITIONAL, "T[]", False)),
        ("const char *unit = nullptr", "cpp", Parameter("unit", BOTH, "const char *", False)),
        ("std::map<int, int> &table", "cpp", Parameter("table", BOTH, "std::map<int, int> &")),
        ("...", "c", Parameter("", ParameterKind.VAR_POSITIONAL, "...", False)),
        ("String... names", "java", Parameter("names", ParameterKind.VAR_POSITIONAL, "String...", False)),
        ("List<String> names", "java", Parameter("names", BOTH, "List<String>")),
        ("format string", "go", Parameter("format", BOTH, "string")),
        ("a ...any", "go", Parameter("a", ParameterKind.VAR_POSITIONAL, "...any", False)),
        ("value: &mut Vec<u8>", "rust", Parameter("value", BOTH, "&mut Vec<u8>")),
        ("&self", "rust", Parameter("self", BOTH, "&")),
    ],
)
def test_other_parameters(label: str, language: str, expected: Parameter) -> None:
    assert other_parameter(label, language) == expected


def test_parameters_given_as_stretches_count_in_utf16() -> None:
    label = "f(𝒳: string, b?: number): void"
    found = answers.call(
        raw({"signatures": [{"label": label, "parameters": [{"label": [2, 12]}, {"label": [14, 24]}]}]}),
        view(language="typescript"),
    )
    assert [(each.name, each.annotation) for each in found.signatures[0].parameters] == [
        ("𝒳", "string"),
        ("b", "number"),
    ]


# faults


@pytest.mark.parametrize(
    ("code", "message", "fault"),
    [
        ("unresolved-reference", "", Fault.NAME),
        ("reportAttributeAccessIssue", "", Fault.MEMBER),
        ("2339", "", Fault.MEMBER),
        ("1005", "", Fault.SYNTAX),
        ("E0599", "", Fault.MEMBER),
        ("WrongArgCount", "", Fault.ARGUMENTS),
        ("", "SyntaxError: invalid syntax", Fault.SYNTAX),
        ("", "Expected expression", Fault.SYNTAX),
        ("reportAttributeAccessIssue", '"x" is unknown import symbol', Fault.IMPORT),
        ("", "cannot find symbol: x is not defined", Fault.NAME),
        ("", "The method go(int) is undefined for the type A", Fault.NAME),
        ("", "Cannot instantiate the abstract type A", Fault.ABSTRACT),
        ("", "Type mismatch: cannot convert from String to int", Fault.TYPE),
        ("", "not enough arguments in call to f", Fault.ARGUMENTS),
        ("", "This line is too long.", Fault.OTHER),
    ],
)
def test_faults(code: str, message: str, fault: Fault) -> None:
    assert classified(code, message) is fault


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Argument to function `f` is incorrect: Expected `int | None`, found `EllipsisType`", "int | None"),
        ("Return type does not match returned value: expected `int`, found `EllipsisType`", "int"),
        ("Object of type `EllipsisType` is not assignable to `list[int]`", "list[int]"),
        ("Object of type `EllipsisType` is not assignable to attribute `x` of type `int`", "int"),
        ("Argument `EllipsisType` is not assignable to parameter `a` with type `int` in function `f`", "int"),
        ("Returned type `EllipsisType` is not assignable to declared return type `dict[str, int]`", "dict[str, int]"),
        ("`EllipsisType` is not assignable to TypedDict key `title` with type `str`", "str"),
        ('Argument of type "EllipsisType" cannot be assigned to parameter "a" of type "int" in function "f"', "int"),
        ('Type "EllipsisType" is not assignable to declared type "list[int]"', "list[int]"),
        ('Type "EllipsisType" is not assignable to return type "set[str]"', "set[str]"),
        ('Argument 1 to "f" has incompatible type "EllipsisType"; expected "int"', "int"),
        ('Incompatible types in assignment (expression has type "EllipsisType", variable has type "int")', "int"),
        ('Incompatible return value type (got "EllipsisType", expected "set[str]")', "set[str]"),
        ("`EllipsisType` is not assignable to upper bound `Sized` of type variable `T`", ""),
        ("Operator `+` is not supported between objects of type `int` and `EllipsisType`", ""),
    ],
)
def test_what_type_checkers_say_of_the_sentinel(message: str, expected: str) -> None:
    text = with_sentinel("x = f()\n", 6)
    assert expected_at([Diagnostic(Fault.TYPE, message, 6, 9)], text, 6) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import ", True),
        ("from a import (b,\n  c, ", True),
        ("    from a import b, ", True),
        ("from a import (b)\nx = ", False),
        ("imported = ", False),
        ("from_ = ", False),
        ("import a; x = ", False),
        ("from a import (\n  b  # (\n", True),
        ("from a import (b)\nf(", False),
    ],
)
def test_where_an_import_is_written(text: str, expected: bool) -> None:
    assert in_import(text) is expected


# which server


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def entry(name: str) -> Entry:
    found = named(name)
    assert found
    return found


def test_a_program_beside_this_python_goes_first(programs: Path) -> None:
    program(programs / "ty")
    assert installed(entry("ty")) == Path(sys.executable).parent / "ty"
    assert installed(entry("gopls")) is None
    assert installed(entry("gopls"), program(programs / "gopls").parent.parent / "elsewhere") == programs / "gopls"


def test_no_program_in_the_workspace_is_run(programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(programs / "gopls")
    assert installed(entry("gopls"), tmp_path) is None
    monkeypatch.chdir(programs)
    for path in (".", "", "programs"):
        monkeypatch.setenv("PATH", path)
        assert installed(entry("gopls")) is None


@pytest.mark.parametrize(("version", "serves"), [("7.0.2", True), ("10.1.0", True), ("5.9.3", False), ("x", False)])
def test_typescript_serves_from_version_7(programs: Path, version: str, serves: bool) -> None:
    real = program(programs / "node_modules" / "typescript" / "bin" / "tsc")
    (real.parents[1] / "package.json").write_text(json.dumps({"version": version}))
    (programs / "tsc").symlink_to(real)
    assert (installed(entry("typescript")) is not None) is serves


def test_a_language_has_its_first_server_that_is_installed(programs: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    servers = Servers()
    server = servers.of(root / "a.py", "python", root)
    assert server is not None
    assert server.name == "ty"
    assert servers.of(root / "b.py", "python", root) is server
    assert servers.of(tmp_path / "other" / "b.py", "python", tmp_path / "other") is not server
    assert servers.of(root / "a.go", "go", root) is None
    assert servers.of(root / "a.txt", "plaintext", root) is None


def test_languages_of_a_family_share_a_server(programs: Path, tmp_path: Path) -> None:
    program(programs / "vtsls")
    root, servers = tmp_path / "root", Servers()
    server = servers.of(root / "a.ts", "typescript", root)
    assert server is not None
    assert all(servers.of(root / "a", each, root) is server for each in family("javascriptreact"))
    assert servers.of(root / "a.c", "c", root) is servers.of(root / "a.cpp", "cpp", root)


def test_the_users_choice_goes_first(programs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "root"
    own = program(tmp_path / "own" / "clangd")
    servers = Servers({"python": "pyrefly", "cpp": [str(own), "--background-index"], "go": "gopls", "rust": ""})
    (python, cpp) = servers.of(root / "a.py", "python", root), servers.of(root / "a.c", "c", root)
    assert isinstance(python, LanguageServer)
    assert isinstance(cpp, LanguageServer)
    assert python.name == "pyrefly"
    assert (cpp.program, cpp.entry.command[1:]) == (own, ("--background-index",))
    assert cpp.entry.truncates == entry("clangd").truncates
    assert servers.of(root / "a.rs", "rust", root) is None
    assert caplog.records == []
    assert servers.of(root / "a.go", "go", root) is None
    (warning,) = caplog.records
    assert warning.getMessage() == "The language server gopls, chosen for go, is not installed."


def test_an_unknown_choice_is_refused() -> None:
    message = "There is no language server “pirefly” for python; there are ty, pyrefly, basedpyright"
    with pytest.raises(ValueError, match=message):
        Servers({"python": "pirefly"})


def test_options_name_the_projects_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    assert fill(entry("ty").environment, tmp_path) == {}
    program(tmp_path / ".venv" / "bin" / "python")
    assert fill(entry("ty").environment, tmp_path) == {"VIRTUAL_ENV": str(tmp_path / ".venv")}
    assert fill(entry("pyright").settings, tmp_path)["python"]["pythonPath"] == str(tmp_path / ".venv/bin/python")


def test_every_entry_can_be_named_once() -> None:
    assert len({each.name for each in CATALOG}) == len(CATALOG)
    assert [entry(each.name) for each in CATALOG] == list(CATALOG)
    assert chosen(["/opt/mine", "--lsp"], "cobol") == Entry("mine", ("cobol",), ("/opt/mine", "--lsp"))


# how many


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Servers]:
    servers = Servers({"fake": [sys.executable, str(SCRIPT)]}, QUICK)
    yield servers
    servers.close()


def test_few_servers_run_at_a_time(many: Servers, tmp_path: Path) -> None:
    def ask(number: int) -> None:
        root = tmp_path / str(number)
        server = many.of(root / "a.fake", "fake", root)
        assert isinstance(server, LanguageServer)
        assert server.wait_until_ready(LONG)
        server.members(*marked(root / "a.fake", "one = 1\n‸"), LONG)

    for number in range(MOST + 2):
        ask(number)
    running = {server.root.name for server in many.running()}
    assert running == {str(number) for number in range(2, MOST + 2)}
    ask(0)
    assert len(many.running()) == MOST


def test_closing_ends_them_all(many: Servers, tmp_path: Path) -> None:
    server = many.of(tmp_path / "a.fake", "fake", tmp_path)
    assert isinstance(server, LanguageServer)
    assert server.wait_until_ready(LONG)
    pid = server.pid
    assert pid
    many.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert many.running() == ()


# what is installed


def test_the_survey_times_what_is_installed() -> None:
    found = {each.entry.name: each for each in survey.found()}
    assert found["ty"].version == "ty 0.0.105"
    assert 0 < survey.timed_members(found["ty"]) < LONG
    assert {*found, *survey.missing()} == {each.name for each in CATALOG}


def test_the_survey_says_why_there_is_no_answer(programs: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = program(programs / "gopls")
    (found,) = [each for each in survey.found() if each.entry.name == "gopls"]
    assert (found.program, found.version) == (broken, "")
    with caplog.at_level(logging.WARNING), pytest.raises(NoAnswer, match="gopls was given up: it ended with code 0"):
        survey.timed_members(found)
    assert caplog.records == []
