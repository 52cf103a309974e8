"""Python's type checkers, as they are installed: in marked text `‸` is the cursor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from language_server_tools import LONG, eventually, marked

from language_servers import python
from language_servers.analyzer import Document, Fault, Kind, Member, NoAnswer, Parameter, ParameterKind
from language_servers.catalog import installed, named
from language_servers.client import LanguageServer
from language_servers.servers import Servers

BUFFER = """\
from dataclasses import dataclass


@dataclass
class Buffer:
    text: str
    size: int = 0

    def append(self, text: str, *, at: int = 0) -> None: ...


def find(name: str, /, *places: int, deep: bool = False, **more: str) -> Buffer | None: ...
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text('[project]\nname = "project"\nversion = "1"\n')
    (root / "buffers.py").write_text(BUFFER)
    (root / "package").mkdir()
    (root / "package" / "__init__.py").write_text("")
    (root / "package" / "alpha.py").write_text("ONE = 1\n\ndef two() -> int:\n    return 2\n")
    (root / "package" / "beta.py").write_text("")
    return root


def ask(server: LanguageServer, what: str, text: str, name: str = "main.py") -> Any:
    document, offset = marked(server.root / name, text, "python")
    return getattr(server, what)(document, offset, LONG)


def complain(server: LanguageServer, text: str) -> set[Fault]:
    """The faults of a text that begins with the imports that it needs."""
    found = server.diagnostics(Document(server.root / "main.py", "python", text), LONG)
    return {diagnostic.fault for diagnostic in found if diagnostic.error}


# members


def test_members_of_a_value(checker: LanguageServer) -> None:
    found = ask(checker, "members", "from buffers import Buffer\n\ndef f(b: Buffer):\n    b.‸\n")
    assert {"text", "size", "append"} <= found.names
    assert not {"print", "Buffer", "b"} & found.names
    assert found.doubt == ""
    kinds = {member.name: member.kind for member in found}
    assert kinds["append"] is Kind.METHOD


def test_members_tell_their_types(ty: LanguageServer) -> None:
    found = ask(ty, "members", "from buffers import Buffer\n\ndef f(b: Buffer):\n    b.‸\n")
    details = {member.name: member.detail for member in found}
    assert details["size"] == "int"
    assert details["append"] == "bound method Buffer.append(text: str, *, at: int = 0) -> None"


def test_members_amid_code_that_goes_on(checker: LanguageServer) -> None:
    text = "from buffers import Buffer\n\ndef f(b: Buffer):\n    print(b.‸)\n    return b\n\ndef g(): ...\n"
    found = ask(checker, "members", text)
    assert "append" in found.names
    assert found.doubt == ""


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        pytest.param("def f(x):\n    x.‸\n", "the type is unknown", id="parameter without annotation"),
        pytest.param("def f(x=None):\n    x.‸\n", "the type is unknown", id="None"),
        pytest.param("nobody.‸\n", "the type is unknown", id="unknown name"),
        pytest.param("class P:\n    def __getattr__(self, n): ...\n\nP().‸\n", "the class has __getattr__", id="proxy"),
    ],
)
def test_when_members_forbid_nothing(checker: LanguageServer, text: str, doubt: str) -> None:
    assert ask(checker, "members", text).doubt == doubt


def test_a_module_is_no_proxy(checker: LanguageServer) -> None:
    found = ask(checker, "members", "import os\nos.‸\n")
    assert {"path", "getcwd"} <= found.names
    assert found.doubt == ""


def test_an_enumeration_has_its_members(ty: LanguageServer) -> None:
    found = ask(ty, "members", "import enum\nclass Color(enum.Enum):\n    RED = 1\n    BLUE = 2\n\nColor.‸\n")
    assert {"RED", "BLUE"} <= found.names
    assert found.doubt == ""


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("P = namedtuple('P', 'x y')\n", "the fields of the tuple are unknown"),
        ("P = NamedTuple('P', [('x', int), ('y', str)])\n", "the fields of the tuple are unknown"),
        ("class P(namedtuple('P', 'x y')): ...\n", "the fields of the tuple are unknown"),
        ("class P(NamedTuple('P', [('x', int)])): ...\n", "the fields of the tuple are unknown"),
        ("class P(NamedTuple):\n    x: int\n", ""),
        ("P = tuple[int, str]\n", ""),
        ("P = list[tuple[Any, ...]]\n", ""),
    ],
)
def test_a_tuple_whose_fields_a_call_names_may_have_others(ty: LanguageServer, text: str, doubt: str) -> None:
    head = "from collections import namedtuple\nfrom typing import Any, NamedTuple\n"
    assert ask(ty, "members", f"{head}{text}def f(p: P):\n    p.‸\n").doubt == doubt


def test_an_enumeration_that_a_call_makes_may_have_other_members(ty: LanguageServer) -> None:
    found = ask(ty, "members", "import enum\nColor = enum.Enum('Color', 'RED BLUE')\nColor.‸\n")
    assert found.doubt == "the members of the enumeration are unknown"


# names


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("    return ‸\n", id="return"),
        pytest.param("    other = ‸\n", id="assignment"),
        pytest.param("    print(‸)\n", id="argument"),
        pytest.param("    print(sep=‸)\n", id="argument by keyword"),
        pytest.param("    if ‸:\n        pass\n", id="condition"),
        pytest.param("    ‸\n", id="statement"),
        pytest.param("    ‸\n    return 1\n", id="statement before another"),
        pytest.param("    return f'{‸}'\n", id="replacement field"),
        pytest.param("    return [item for item in ‸]\n", id="comprehension"),
    ],
)
def test_names_in_scope(ty: LanguageServer, text: str) -> None:
    found = ask(ty, "names", f"import os\n\nTOP = 1\n\ndef f(given, other):\n    local = 2\n{text}\ndef below(): ...\n")
    assert {"given", "other", "local", "TOP", "os", "f", "below", "print", "ValueError"} <= found.names
    assert not {name for name in found.names if name.endswith("=")}
    assert found.doubt == ""


def test_names_of_a_comprehension_and_a_class(ty: LanguageServer) -> None:
    assert "item" in ask(ty, "names", "[‸ for item in 'abc']\n").names
    assert {"self", "given"} <= ask(ty, "names", "class A:\n    def f(self, given):\n        return ‸\n").names


def test_a_star_import_may_bring_anything(ty: LanguageServer) -> None:
    assert ask(ty, "names", "from nobody import *\nprint(‸)\n").doubt == "a star import"


def test_names_come_from_this_file_alone(ty: LanguageServer) -> None:
    """What could be imported as well is not in scope."""
    assert not {"Buffer", "Path", "dataclass"} & ask(ty, "names", "print(‸)\n").names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("import ‸\n", {"os", "package", "buffers"}, id="import"),
        pytest.param("from ‸\n", {"os", "package", "buffers"}, id="from"),
        pytest.param("from package import ‸\n", {"alpha", "beta"}, id="from a package"),
        pytest.param("from package.alpha import ‸\n", {"ONE", "two"}, id="from a module"),
        pytest.param("from package.alpha import ONE, ‸\n", {"ONE", "two"}, id="another name"),
        pytest.param("from package.alpha import (\n    ONE,\n    ‸\n)\n", {"ONE", "two"}, id="over several lines"),
    ],
)
def test_names_in_an_import(ty: LanguageServer, text: str, expected: set[str]) -> None:
    found = ask(ty, "names", text)
    assert expected <= found.names
    assert not {"print", "ValueError"} & found.names
    assert found.doubt == ""


def test_submodules_are_members(ty: LanguageServer) -> None:
    assert ask(ty, "members", "import package.‸\n").names == {"alpha", "beta"}


def test_relative_imports_need_a_file_on_the_disk(ty: LanguageServer) -> None:
    assert ask(ty, "names", "from . import ‸\n", "package/beta.py").names >= {"alpha", "beta"}
    assert ask(ty, "names", "from . import ‸\n", "package/unsaved.py").doubt == "no names are known here"


@pytest.mark.parametrize("quote", ["'", '"'])
def test_keys_of_a_typed_dictionary(ty: LanguageServer, quote: str) -> None:
    text = "from typing import TypedDict\n\nclass Movie(TypedDict):\n    title: str\n    year: int\n\n"
    found = ask(ty, "names", f"{text}def f(movie: Movie):\n    return movie[{quote}‸{quote}]\n")
    assert found.names == {"title", "year"}


def test_keys_that_are_no_names(ty: LanguageServer) -> None:
    text = "from typing import TypedDict\n"
    text += """H = TypedDict("H", {"content-type": str, "content-length": int, 'a"b': int})\n"""
    found = ask(ty, "names", f'{text}def f(head: H):\n    head["‸"]\n')
    assert found.names == {"content-type", "content-length", 'a\\"b'}


def test_no_names_in_comments_and_numbers(ty: LanguageServer) -> None:
    for text in ("# see ‸\n", "x = 1.‸\n"):
        with_no_names = ask(ty, "names" if "#" in text else "members", text)
        assert with_no_names.items == ()
        assert with_no_names.doubt


# calls and holes


def test_the_call_around_an_argument(checker: LanguageServer) -> None:
    found = ask(checker, "call", "from buffers import find\n\nfind('a', ‸)\n")
    (signature,) = found.signatures
    name, places, deep, more = signature.parameters
    assert name == Parameter("name", ParameterKind.POSITIONAL_ONLY, "str")
    assert places == Parameter("places", ParameterKind.VAR_POSITIONAL, "int", required=False)
    assert deep == Parameter("deep", ParameterKind.KEYWORD_ONLY, "bool", required=False)
    assert more == Parameter("more", ParameterKind.VAR_KEYWORD, "str", required=False)
    assert found.active == 1


def test_overloads_are_all_told(checker: LanguageServer) -> None:
    text = (
        "from typing import overload\n@overload\ndef f(a: int) -> int: ...\n@overload\n"
        "def f(a: str, b: int) -> str: ...\ndef f(a, b=1): return a\n\nf(‸)\n"
    )
    found = ask(checker, "call", text)
    assert [[each.name for each in signature.parameters] for signature in found.signatures] == [["a"], ["a", "b"]]


def test_a_dataclass_is_called_with_its_fields(checker: LanguageServer) -> None:
    (signature,) = ask(checker, "call", "from buffers import Buffer\n\nBuffer(‸)\n").signatures
    assert [(each.name, each.required) for each in signature.parameters][-2:] == [("text", True), ("size", False)]


def test_no_call_is_no_answer(ty: LanguageServer) -> None:
    with pytest.raises(NoAnswer, match="there is no call that is known"):
        ask(ty, "call", "x = (‸)\n")


def test_a_callee_without_a_type_takes_anything(ty: LanguageServer) -> None:
    (signature,) = ask(ty, "call", "def f(g):\n    g(‸)\n").signatures
    assert [each.kind for each in signature.parameters] == [ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("f(‸)\n", "int", id="argument"),
        pytest.param("f(1, ‸)\n", "str", id="second argument"),
        pytest.param("f(1, k=‸)\n", "list[int]", id="argument by keyword"),
        pytest.param("x: dict[str, int] = ‸\n", "dict[str, int]", id="assignment"),
        pytest.param("def g() -> set[str]:\n    return ‸\n", "set[str]", id="return"),
        pytest.param("A().field = ‸\n", "int", id="attribute"),
        pytest.param("m: M = {'title': ‸}\n", "str", id="typed dictionary"),
        pytest.param("def g(a: bytes = ‸):\n    return a\n", "bytes", id="default"),
        pytest.param("f(..., ‸)\n", "str", id="beside another"),
        pytest.param("A(1).go(‸)\n", "A | None", id="method"),
        pytest.param("len(‸)\n", "Sized", id="library"),
    ],
)
def test_what_a_hole_must_hold(checker: LanguageServer, text: str, expected: str) -> None:
    head = (
        "from typing import TypedDict\n\nclass M(TypedDict):\n    title: str\n\nclass A:\n    field: int\n"
        "    def __init__(self, n: int = 0) -> None: ...\n    def go(self, other: 'A | None') -> None: ...\n\n"
        "def f(a: int, b: str = '', *, k: list[int] = []) -> None: ...\n\n"
    )
    assert ask(checker, "hole", head + text).expected == expected


@pytest.mark.parametrize("text", ["x = ‸\n", "print(‸)\n", "def f(a): ...\nf(‸)\n", "if ‸:\n    pass\n"])
def test_a_hole_that_may_hold_anything(checker: LanguageServer, text: str) -> None:
    with pytest.raises(NoAnswer, match="nothing is known of what is expected"):
        ask(checker, "hole", text)


# types, symbols, diagnostics


def test_the_type_of_a_name_and_where_it_is_defined(checker: LanguageServer) -> None:
    text = "from buffers import Buffer\n\ndef f(given: list[Buffer]):\n    b‸uf = given[0]\n"
    assert "Buffer" in ask(checker, "type_at", text)
    place = ask(checker, "type_definition", text)
    assert place.path == checker.root / "buffers.py"
    assert BUFFER[place.offset :].startswith("Buffer:")


def test_a_definition_in_the_text_that_is_asked_about(ty: LanguageServer) -> None:
    text = "# é😀\r\nclass Here: ...\r\n\r\nva‸lue = Here()\r\n"
    place = ask(ty, "type_definition", text)
    assert (place.path, place.offset) == (ty.root / "main.py", text.index("Here"))


def test_a_type_that_is_unknown_is_no_answer(ty: LanguageServer) -> None:
    with pytest.raises(NoAnswer, match="the type is unknown"):
        ask(ty, "type_at", "def f(gi‸ven): ...\n")


def test_symbols_know_their_owners(checker: LanguageServer) -> None:
    text = "class A:\n    x: int = 1\n    def m(self): ...\n\ndef f(): ...\n"
    found = [
        symbol
        for symbol in checker.symbols(Document(checker.root / "main.py", "python", text), LONG)
        if symbol.name != "self"
    ]
    assert [(symbol.name, symbol.owner) for symbol in found] == [("A", ""), ("x", "A"), ("m", "A"), ("f", "")]
    assert text[found[2].start : found[2].end] == "def m(self): ..."
    assert [found[0].kind, found[2].kind, found[3].kind] == [Kind.CLASS, Kind.METHOD, Kind.FUNCTION]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("nobody\n", Fault.NAME, id="name"),
        pytest.param("Buffer('').nothing\n", Fault.MEMBER, id="member"),
        pytest.param("import os\nos.nothing\n", Fault.MEMBER, id="member of a module"),
        pytest.param("import nowhere\n", Fault.IMPORT, id="import"),
        pytest.param("from os import nothing\n", Fault.IMPORT, id="import of a name"),
        pytest.param("Buffer()\n", Fault.ARGUMENTS, id="missing argument"),
        pytest.param("Buffer('', 1, 2)\n", Fault.ARGUMENTS, id="too many arguments"),
        pytest.param("Buffer('', sise=1)\n", Fault.ARGUMENTS, id="wrong keyword"),
        pytest.param("Buffer('', text='')\n", Fault.ARGUMENTS, id="argument given twice"),
        pytest.param("print(1, sepp='')\n", Fault.TYPE, id="no overload"),
        pytest.param("Base()\n", Fault.ABSTRACT, id="abstract class"),
        pytest.param("Buffer(1)\n", Fault.TYPE, id="type of an argument"),
        pytest.param("x: int = ''\n", Fault.TYPE, id="assignment"),
        pytest.param("def f() -> int:\n    return ''\n", Fault.TYPE, id="return"),
        pytest.param("1 + ''\n", Fault.TYPE, id="operator"),
        pytest.param("if\n", Fault.SYNTAX, id="syntax"),
        pytest.param("def f(b: Buffer | None):\n    b.text\n", Fault.TYPE, id="None has no member"),
    ],
)
def test_what_is_wrong(checker: LanguageServer, text: str, fault: Fault) -> None:
    head = "import abc\nfrom buffers import Buffer\n\n"
    head += "class Base(abc.ABC):\n    @abc.abstractmethod\n    def go(self): ...\n\n"
    assert complain(checker, head + text) == {fault}


def test_nothing_is_wrong(checker: LanguageServer) -> None:
    assert complain(checker, "def f(given, *more):\n    given.nothing()\n    return more\n\nf(1)\n") == set()


def test_where_it_is_wrong(ty: LanguageServer) -> None:
    text = "# 😀\r\nx = nobody\r\n"
    (found,) = ty.diagnostics(Document(ty.root / "main.py", "python", text), LONG)
    assert text[found.start : found.end] == "nobody"


# the project


def test_a_new_file_is_found(ty: LanguageServer) -> None:
    text = "from late import ‸\n"
    assert "arrived" not in ask(ty, "names", text).names
    (ty.root / "late.py").write_text("arrived = 1\n")
    ty.files_changed([ty.root / "late.py"])
    assert "arrived" in ask(ty, "names", text).names
    (ty.root / "late.py").write_text("changed = 1\n")
    ty.files_changed([ty.root / "late.py"])
    assert "changed" in ask(ty, "names", text).names
    (ty.root / "late.py").unlink()
    ty.files_changed([ty.root / "late.py"])
    assert "changed" not in ask(ty, "names", text).names


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with modules that are compiled and have no stubs."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    packages = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    (packages / "mixed").mkdir(parents=True)
    (packages / "mixed" / "__init__.py").write_text("")
    (packages / "mixed" / "_core.abi3.so").write_text("")
    (packages / "fast.cpython-311-x86_64-linux-gnu.so").write_text("")
    (tmp_path / ".venv" / "bin").mkdir()
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "module.py").write_text("")
    (tmp_path / "package" / "native.pyd").write_text("")
    return tmp_path


def test_compiled_modules_can_be_imported(checker: LanguageServer, compiled: Path) -> None:
    server = LanguageServer(checker.entry, checker.program, compiled)
    try:
        assert server.wait_until_ready(LONG)
        assert "fast" in ask(server, "names", "import ‸\n").names
        assert "fast" in ask(server, "names", "import os, ‸\n").names
        assert "fast" in ask(server, "names", "from ‸\n").names
        assert "_core" in ask(server, "members", "import mixed.‸\n").names
        assert "_core" in ask(server, "names", "from mixed import ‸\n").names
        assert "native" in ask(server, "names", "from package import (\n    module,\n    ‸\n)\n").names
        assert "native" in ask(server, "names", "from . import ‸\n", "package/module.py").names
        assert "native" not in ask(server, "names", "from ................ import ‸\n", "package/module.py").names
        assert not {"fast", "native"} & ask(server, "names", "print(‸)\n").names
        assert complain(server, "import fast\nfrom mixed import _core\nimport package.native\n") == set()
        assert complain(server, "import slow\n") == {Fault.IMPORT}
    finally:
        server.close()


def test_ten_thousand_files(tmp_path: Path) -> None:
    for number in range(100):
        folder = tmp_path / f"part{number}"
        folder.mkdir()
        for other in range(100):
            (folder / f"file{other}.py").write_text(f"class Thing{other}:\n    field{other}: int = 1\n")
    servers = Servers()
    try:
        server = servers.of(tmp_path / "main.py", "python", tmp_path)
        assert server
        text = "from part7.file9 import Thing9\nThing9().‸\n"
        found = eventually(lambda: server.members(*marked(tmp_path / "main.py", text, "python")))
        assert Member("field9", Kind.VARIABLE, "int") in found.items
    finally:
        servers.close()


def test_the_interpreter_of_a_project(tmp_path: Path) -> None:
    assert python.environment(tmp_path, {}) is None
    for name in ("venv", ".venv", "active"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").write_text("")
    assert python.environment(tmp_path, {}) == tmp_path / ".venv"
    assert python.interpreter(tmp_path, {}) == tmp_path / ".venv" / "bin" / "python"
    assert python.environment(tmp_path, {"VIRTUAL_ENV": str(tmp_path / "active")}) == tmp_path / "active"
    assert python.environment(tmp_path, {"VIRTUAL_ENV": str(tmp_path / "gone")}) == tmp_path / ".venv"


def test_packages_of_the_projects_environment_are_known(tmp_path: Path) -> None:
    packages = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    (packages / "installed").mkdir(parents=True)
    (packages / "installed" / "__init__.py").write_text("here: int = 1\n")
    (tmp_path / ".venv" / "bin").mkdir()
    (tmp_path / ".venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.2\n")
    entry = named("ty")
    assert entry
    program = installed(entry)
    assert program
    server = LanguageServer(entry, program, tmp_path)
    try:
        assert server.wait_until_ready(LONG)
        assert "here" in ask(server, "members", "import installed\ninstalled.‸\n").names
    finally:
        server.close()
