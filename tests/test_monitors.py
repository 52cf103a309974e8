"""Monitors over a real language server: which texts they let through at the cursor `‸`, and what gets written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import ByteModel, request, writer
from language_server_tools import LONG

from assistant.analysis import Analysis
from assistant.guards import AnyOf, Free, Guard, Monitor, View
from language_servers.analyzer import NoAnswer
from language_servers.servers import Servers
from plugins.arguments import Arguments
from plugins.cases import Cases, Rest, rest
from plugins.closing import Closing
from plugins.imports import Imports
from plugins.instantiation import Instantiation
from plugins.keys import Keys
from plugins.names import Names, Place, place_of
from plugins.overrides import Overrides, Parameters

SHAPES = """\
from dataclasses import dataclass


@dataclass
class Circle:
    radius: float


def area(circle: Circle) -> float:
    return circle.radius**2 * 3.14
"""

COLORS = """\
import enum


class Color(enum.Enum):
    RED = 1
    GREEN = 2
    BLUE = 3
    CRIMSON = 1

    def lighter(self) -> "Color": ...


class Mood(enum.StrEnum):
    GOOD = "good"
    BAD = "bad"


class Plain:
    RED = 1
"""

JOBS = """\
import abc


class Job(abc.ABC):
    @abc.abstractmethod
    def run(self, task, amount: int = 1, *, fast=False): ...

    def stop(self, when, /, how="now"): ...

    def pause(self, seconds): ...

    def _check(self, task): ...

    @classmethod
    def made(cls, kind, size=1): ...


class Wash(Job):
    def run(self, task, amount=2): ...

    def stop(self, at, how="now"): ...

    def _check(self, task): ...

    @classmethod
    def made(cls, kind, size=2): ...
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / "shapes.py").write_text(SHAPES)
    (root / "colors.py").write_text(COLORS)
    (root / "jobs.py").write_text(JOBS)
    (root / "lazy.py").write_text("def __getattr__(name): return 1\n")
    (root / "pack" / "deep").mkdir(parents=True)
    for name in ("__init__", "alpha", "beta", "deep/__init__", "deep/gamma"):
        (root / "pack" / f"{name}.py").write_text("ONE = 1\nTWO = 2\n")
    (root / "pack" / "quick.cpython-311-x86_64-linux-gnu.so").touch()
    environment(root / ".venv")
    return root


def environment(folder: Path) -> None:
    """A virtual environment in which the package `installed` is."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    libraries = folder / "lib" / version / "site-packages"
    libraries.mkdir(parents=True)
    (libraries / "installed.py").touch()
    base = Path(sys.base_prefix) / "bin"
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(base / version)
    (folder / "pyvenv.cfg").write_text(f"home = {base}\nversion = {sys.version.split()[0]}\n")


@pytest.fixture(scope="module")
def analysis(root: Path) -> Iterator[Analysis]:
    servers = Servers()
    server = servers.of(root / "main.py", "python", root)
    assert server.wait_until_ready(LONG), server.silences
    analysis = Analysis(servers, deadline=5)
    yield analysis
    analysis.close()


class Bench:
    """A monitor in the workspace of the tests."""

    def __init__(self, monitor: Monitor, root: Path) -> None:
        self.monitor, self.root = monitor, root

    def guard(self, marked: str, path: str = "main.py") -> Guard:
        try:
            return self.monitor.guard(View(self._request(marked, path)))
        except NoAnswer as reason:
            return Free(str(reason))

    def allowed(self, marked: str, *texts: str, path: str = "main.py") -> list[str]:
        """Those of some texts that may come next, where the monitor has something to say."""
        guard = self.guard(marked, path)
        assert not guard.is_free, guard
        return [text for text in texts if guard.after(text)]

    def silence(self, marked: str, path: str = "main.py") -> str:
        """Why it has nothing to say; empty where that is as a matter of course."""
        guard = self.guard(marked, path)
        assert isinstance(guard, Free), guard
        return guard.reason

    def written(self, marked: str, writes: dict[str, float], path: str = "main.py", words: tuple[str, ...] = ()) -> str:
        model = ByteModel(writes, words=words)
        return writer(self._request(marked, path), model, [self.monitor]).write().text

    def _request(self, marked: str, path: str):
        return request(marked, path=str(self.root / path), root=self.root)


# imports


@pytest.fixture
def imports(analysis: Analysis, root: Path) -> Bench:
    return Bench(Imports(analysis), root)


@pytest.mark.parametrize("before", ["import ", "import os, ", "import os as system, ", "from "])
def test_only_modules_that_exist_are_imported(imports, before):
    found = imports.allowed(f"{before}‸\n", "os", "shapes\n", "pack.", "installed", "os as", "nowhere", "osx ", "print")
    assert found == ["os", "shapes\n", "pack.", "installed", "os as"]


def test_a_relative_import_may_follow_from(imports):
    assert imports.allowed("from ‸\n", ".", "..", ".alpha import ONE") == [".", "..", ".alpha import ONE"]
    assert imports.allowed("import ‸\n", ".") == []


def test_modules_that_the_file_names_elsewhere_may_be_imported(imports):
    assert imports.allowed("import ‸\n\ndef f():\n    import remote.thing\n", "remote", "remote.") == [
        "remote",
        "remote.",
    ]


@pytest.mark.parametrize("before", ["import pack.", "import os, pack.", "from pack."])
def test_only_submodules_follow_a_package(imports, before):
    assert imports.allowed(f"{before}‸\n", "alpha", "deep.gamma", "quick ", "ONE", "nope") == [
        "alpha",
        "deep.gamma",
        "quick ",
    ]


@pytest.mark.parametrize(
    "before",
    [
        "from pack.alpha import ",
        "from pack.alpha import ONE, ",
        "from pack.alpha import ONE as one, ",
        "from pack.alpha import (",
        "from pack.alpha import (ONE, ",
        "from pack.alpha import (\n    ",
        "from pack.alpha import (  # all of it\n    ONE,  # the first\n    ",
        "def f():\n    from pack.alpha import ",
        "try:\n    from pack.alpha import ",
    ],
)
def test_only_what_a_module_has_is_imported_from_it(imports, before):
    assert imports.allowed(f"{before}‸\n", "TWO", "TWO,", "TWO as two", "THREE", "TWOS", "print") == [
        "TWO",
        "TWO,",
        "TWO as two",
    ]


def test_a_star_import_above_changes_nothing_for_imports(imports):
    assert imports.allowed("from nowhere import *\nfrom pack.alpha import ‸\n", "ONE", "THREE") == ["ONE"]


def test_what_may_stand_instead_of_an_imported_name(imports):
    assert imports.allowed("from pack import ‸\n", "*\n", "(\n", "(ONE)", "alpha", "quick\n") == [
        "*\n",
        "(\n",
        "(ONE)",
        "alpha",
        "quick\n",
    ]
    assert imports.allowed("from pack import (\n    ONE,\n    ‸", "    ONE", ")", "# more", "\n") == [
        "    ONE",
        ")",
        "# more",
        "\n",
    ]


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("from .", "alpha import"),
        ("from .", " import ONE"),
        ("from . import ", "beta"),
        ("from .alpha import ", "ONE"),
        ("from .deep import ", "gamma"),
        ("from .deep.", "gamma import"),
        ("from . import ", "quick"),
    ],
)
def test_relative_imports(imports, before, name):
    assert imports.allowed(f"{before}‸\n", name, "nope", path="pack/beta.py") == [name]


def test_imports_from_the_package_above(imports):
    assert imports.allowed("from ..‸\n", "alpha", "gamma", path="pack/deep/gamma.py") == ["alpha"]
    assert imports.allowed("from ..alpha import ‸\n", "ONE", "nope", path="pack/deep/gamma.py") == ["ONE"]


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        pytest.param("from nowhere import ‸\n", "no names are known here", id="unknown module"),
        pytest.param("from nowhere.‸\n", "the type is unknown", id="unknown package"),
        pytest.param("from lazy import ‸\n", "the module makes up its names", id="names made up"),
        pytest.param("def f():\n    import ‸\n", "an import that may be meant to fail", id="in a block"),
        pytest.param("from . import ‸\n", "no names are known here", id="a file that is not on the disk"),
    ],
)
def test_when_imports_are_free(imports, marked, reason):
    assert imports.silence(marked, path="unsaved.py") == reason


@pytest.mark.parametrize(
    "marked",
    [
        "import os as ‸",
        "from os import path as ‸",
        "import os ‸",
        "from os ‸",
        "# import ‸",
        "'''\nimport ‸",
        "imported = ‸",
        "f(a, ‸",
        "x = (\n    ‸",
    ],
)
def test_where_nothing_is_imported_imports_have_no_say(imports, marked):
    assert imports.silence(marked) == ""


def test_without_an_environment_any_package_may_be_imported(analysis, tmp_path, monkeypatch):
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    bare = Bench(Imports(analysis), tmp_path)
    assert bare.silence("import ‸\n") == "the project has no environment of its own"


@pytest.mark.parametrize("words", [(), (" Circel", " Circle"), ("import", " Circ", "el", "le")])
def test_the_model_imports_what_there_is(imports, words):
    writes = {"import Circel\n": 0.6, "import Circle\n": 0.3}
    assert imports.written("from shapes ‸\n", writes, words=words) == "import Circle"


@pytest.mark.parametrize(
    ("marked", "line"),
    [
        ("from ‸\n", ".alpha import ONE\n"),
        ("from .alpha ‸\n", "import (ONE)\n"),
        ("from pack.alpha import ‸\n", "(ONE)\n"),
    ],
)
def test_a_mark_may_be_followed_by_a_name_token_by_token(imports, marked, line):
    assert imports.written(marked, {line: 0.9}, path="pack/main.py") == line.strip()


def test_the_model_imports_what_there_is_in_a_block(imports):
    writes = {"    Circel,\n)": 0.6, "    area,\n)": 0.3}
    assert imports.written("from shapes import (\n‸", writes) == "    area,"


# arguments


@pytest.fixture
def arguments(analysis: Analysis, root: Path) -> Bench:
    return Bench(Arguments(analysis), root)


PAIR = "def pair(a, b): ...\n\npair(‸"


@pytest.mark.parametrize(
    "text",
    [
        "\n    x, y,\n)",
        "\n    x,\n    y,\n)",
        '"""say "hi, you, too" now""", y)',
        '"\\\\", "a, b, c")',
        "'a\\'b', y)",
        '"", y)',
    ],
)
def test_arguments_that_a_call_takes(arguments, text):
    assert arguments.allowed(PAIR, text) == [text]


@pytest.mark.parametrize("text", ["x, y, z", '"""a""", "b", z', "x, c=1", "\n    x, y, z\n)", '"\\\\", "a", b'])
def test_arguments_that_a_call_does_not_take(arguments, text):
    assert arguments.allowed(PAIR, text) == []


# closing


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", 'f("""a"b""")\n'),
        ("python", "half = a // b\nx = 'it'\n"),
        ("c", "if (c == '(' || c == '\\'') f('\"');\n"),
        ("c", "f(a/b, '/'); // don't (\n"),
        ("c", 'f(1); /* :) ** " */ g(2);\n'),
        ("c", "#error don't\n"),
        ("cpp", "f(1'000);\n"),
        ("cpp", 'a = R"x(\n)")x";\n'),
        ("go", "a := `\"(\n`\nb := '\"'\n"),
        ("java", 's = """\n  a "b" (\n  """;\n'),
        ("csharp", 's = @"C:\\";\n'),
    ],
)
def test_what_is_no_bracket_and_no_string_need_not_be_closed(language, text):
    guard = Closing().guard(View(request("‸", language)))
    for character in text:
        guard = guard.after(character)
        assert guard is not None
    assert guard.may_end


@pytest.mark.parametrize(
    ("language", "text"),
    [("c", "f(')'"), ("c", "f(a / b"), ("cpp", "f(1'000]"), ("go", "f(`a"), ("java", '"""a\n"'), ("c", "/* a")],
)
def test_what_is_open_must_be_closed(language, text):
    guard = Closing().guard(View(request("‸", language))).after(text)
    assert guard is None or not guard.may_end


def test_brackets_of_a_directive_are_not_followed():
    marked = 'extern "C" {\n#define TWICE(a) \\\n    f(g(‸\n}\n'
    for text in (marked, marked.replace("\\\n", "")):
        assert Closing().guard(View(request(text, "c"))).is_free


# keys

MOVIES = """\
from typing import Literal, TypedDict


class Movie(TypedDict):
    title: str
    year: int


class Book(TypedDict):
    pages: int


Head = TypedDict("Head", {"content-type": str, "it's": int})
PLAIN = {"title": 1}


def paint(color: int, how: Literal["fast", "slow"], note: Literal["x"] | str = "") -> None: ...


def f(movie: Movie, movies: list[Movie], head: Head, maybe: Movie | None, both: Movie | Book, some: Movie | dict):
"""


@pytest.fixture
def keys(analysis: Analysis, root: Path) -> Bench:
    return Bench(Keys(analysis), root)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ('movie["‸', ['title"]', 'year"]']),
        ("movie['‸", ["title']", "year']"]),
        ('movie["‸"]', ['title"]', 'year"]', "title", "year"]),
        ('movies[0]["‸"] = 1', ['title"]', 'year"]', "title", "year"]),
        ('print(movie["‸', ['title"]', 'year"]']),
        ('print(\n        movie["‸,\n        1,\n    )', ['title"]', 'year"]']),
        ('maybe["‸', ['title"]', 'year"]']),
        ('both["‸', ['title"]', 'year"]', 'pages"]']),
        ('new: Movie = {"‸', ['title"]', 'year"]']),
        ('new: Movie = {"title": "", "‸', ['title"]', 'year"]']),
        ('new: Movie = {\n        "title": "",\n        "‸\n    }', ['title"]', 'year"]']),
        ('paint(1, "‸', ['fast")']),
        ('paint(1, how="‸', ['fast")']),
        ('speed: Literal["fast", "slow"] = "‸', ['fast")']),
    ],
)
def test_only_strings_that_are_known(keys, marked, expected):
    quote = '"' if '"‸' in marked else "'"
    texts = [f"{name}{quote}]" for name in ("title", "year", "pages", "titles", "nope")]
    texts += ["title", "year", "nope", 'fast")', 'fas")', 'fastest")']
    allowed = keys.allowed(f"{MOVIES}    {marked}\n    return 1\n", *texts)
    partial = {"title", "year"} - set(expected)  # what goes on to be a key may always be begun
    assert [text for text in allowed if text not in partial] == expected


def test_keys_that_are_no_names(keys):
    assert keys.allowed(f'{MOVIES}    head["‸', 'content-type"]', "it's\"", 'content"', 'it"') == [
        'content-type"]',
        "it's\"",
    ]
    assert keys.allowed(f"{MOVIES}    head['‸", "it\\'s'", "it's'") == ["it\\'s'"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param('PLAIN["‸"]', "other strings may stand here", id="dictionary"),
        pytest.param('some["‸"]', "other strings may stand here", id="perhaps a dictionary"),
        pytest.param('movie.get("‸")', "other strings may stand here", id="get"),
        pytest.param('open("f", "‸")', "other strings may stand here", id="overloads"),
        pytest.param('paint(1, "fast", "‸")', "any string may stand here", id="literal or string"),
        pytest.param('print("‸")', "any string may stand here", id="text"),
        pytest.param('nobody["‸"]', "any string may stand here", id="unknown"),
        pytest.param('"movie["‸', "", id="in a string"),
        pytest.param('# movie["‸', "", id="in a comment"),
        pytest.param('movie["title"‸', "", id="behind a string"),
        pytest.param('x = 1 + "‸', "", id="part of a sum"),
    ],
)
def test_when_strings_are_free(keys, line, reason):
    assert keys.silence(f"{MOVIES}    {line}\n") == reason


@pytest.mark.parametrize("words", [(), ('["', "titles", "title"), ('["ye', 'ar"]')])
def test_the_model_writes_keys_that_there_are(keys, words):
    writes = {'movie["titles"]\n': 0.6, 'movie["year"]\n': 0.3}
    assert keys.written(f"{MOVIES}    return ‸\n", writes, words=words) == 'movie["year"]'


def test_the_model_ends_a_key_before_the_mark_that_stands_there(keys):
    assert keys.written(f'{MOVIES}    return movie["‸"]\n', {"tit": 0.5, "title": 0.4}) == "title"


# cases

VALUES = """\
import colors
from typing import Literal

from colors import Color, Mood, Plain

ALONE = "a"


def draw() -> Color: ...


class Pen:
    color: Color
    mode: Literal["on", "off"]


def f(color: Color, maybe: Color | None, how: Literal["fast", "slow"], number: Literal[1, 2], flag: bool, pen: Pen,
      mood: Mood, text: str, some: Color | int, plain: Plain, unknown, two: Color | Mood, perhaps: Literal["a"] | None):
"""


@pytest.fixture
def cases(analysis: Analysis, root: Path) -> Bench:
    return Bench(Cases(analysis), root)


MEMBERS = (
    "Color.RED:",
    "Color.GREEN:",
    "Color.BLUE | ",
    "Color.CRIMSON:",
    "Color.PINK:",
    "RED:",
    "None:",
    "'red':",
    "1:",
)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param("match color:\n        case ‸", ["RED", "GREEN", "BLUE", "CRIMSON"], id="first"),
        pytest.param("match color:\n        case Color.RED: ...\n        case ‸", ["GREEN", "BLUE"], id="one is gone"),
        pytest.param("match color:\n        case Color.RED | Color.GREEN: ...\n        case ‸", ["BLUE"], id="two"),
        pytest.param(
            "match color:\n        case Color.RED if text: ...\n        case ‸",
            ["RED", "GREEN", "BLUE", "CRIMSON"],
            id="with a condition nothing is gone",
        ),
        pytest.param("match maybe:\n        case ‸", ["RED", "GREEN", "BLUE", "CRIMSON", "None"], id="or None"),
        pytest.param("match maybe:\n        case Color.RED: ...\n        case ‸", ["GREEN", "BLUE", "None"], id="left"),
        pytest.param("match draw():\n        case Color.RED: ...\n        case ‸", ["GREEN", "BLUE"], id="call"),
        pytest.param(
            "match pen.color:\n        case Color.RED: ...\n        case ‸", ["GREEN", "BLUE"], id="attribute"
        ),
        pytest.param(
            "if text:\n        match color:  # which?\n            case Color.RED:\n                pass\n"
            "            case ‸:\n                pass\n        return 1",
            ["GREEN", "BLUE"],
            id="amid code",
        ),
    ],
)
def test_only_members_that_are_left(cases, lines, expected):
    allowed = cases.allowed(f"{VALUES}    {lines}\n", *MEMBERS)
    assert [text.removeprefix("Color.").rstrip(": |") for text in allowed] == expected


@pytest.mark.parametrize(
    "text", ["_:", "other:", "colors.Color.RED:", "colors.Color.PINK:", "(Color.RED | Color.BLUE):"]
)
def test_what_catches_all_or_goes_on_may_stand_in_a_case(cases, text):
    assert cases.allowed(f"{VALUES}    match color:\n        case ‸\n", text) == [text]


def test_an_enumeration_by_another_name(cases):
    text = "from colors import Color as C\n\nShade = C\n\ndef f(color: C):\n    match color:\n        case ‸\n"
    assert cases.allowed(text, "C.RED:", "C.PINK:", "Color.RED:", "D.RED:") == ["C.RED:", "Color.RED:"]


def test_members_that_are_texts_are_matched_by_texts_as_well(cases):
    allowed = cases.allowed(f"{VALUES}    match mood:\n        case ‸\n", "Mood.GOOD:", "Mood.SO:", "'good':", "1:")
    assert allowed == ["Mood.GOOD:", "'good':"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("match how:\n        case ‸", ['"fast":', '"slow":', "'slow':", "_:", "Plain.RED:"]),
        ("match how:\n        case 'fast': ...\n        case ‸", ['"slow":', "'slow':", "_:", "Plain.RED:"]),
        ("match number:\n        case ‸", ["1:", "2:", "_:", "Plain.RED:"]),
        ("match flag:\n        case ‸", ["True:", "_:", "Plain.RED:"]),
    ],
)
def test_only_literals_that_are_left(cases, lines, expected):
    texts = ('"fast":', '"slow":', "'slow':", '"fastest":', "'no':", "1:", "2:", "12:", "True:", "_:", "Plain.RED:")
    allowed = cases.allowed(f"{VALUES}    {lines}\n", *texts)
    assert [text for text in allowed if text != "True:" or "True:" in expected] == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('return how == "‸', ['fast"', 'slow"']),
        ('return how != "‸"', ['fast"', 'slow"', "fast"]),
        ('return pen.mode == "‸', ['on"', 'off"']),
    ],
)
def test_a_literal_is_compared_with_what_it_can_be(cases, line, expected):
    texts = ('fast"', 'slow"', 'on"', 'off"', 'no"', "fast", "no'")
    allowed = cases.allowed(f"{VALUES}    {line}\n", *texts)
    assert [text for text in allowed if text != "fast" or "fast" in expected] == expected


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param("match text:\n        case ‸", "there is no list of what the value can be", id="any text"),
        pytest.param("match some:\n        case ‸", "there is no list of what the value can be", id="or a number"),
        pytest.param("match plain:\n        case ‸", "there is no list of what the value can be", id="a plain class"),
        pytest.param("match two:\n        case ‸", "there is no list of what the value can be", id="two enumerations"),
        pytest.param("match unknown:\n        case ‸", "the type is unknown", id="unknown"),
        pytest.param("match ALONE:\n        case ‸", "there is no list of what the value can be", id="a constant"),
        pytest.param("return ALONE == '‸'", "there is no list of what the value can be", id="compared constant"),
        pytest.param(
            "if how == 'fast':\n        pass\n    elif how == '‸':",
            "there is no list of what the value can be",
            id="nothing else is left",
        ),
        pytest.param("return text == '‸'", "there is no list of what the value can be", id="compared text"),
        pytest.param("return color == '‸'", "there is no list of what the value can be", id="compared member"),
        pytest.param("pen.mode = 'on'\n    return pen.mode == '‸'", "", id="an attribute that is set"),
        pytest.param("pen.color = draw()\n    match pen.color:\n        case ‸", "", id="a matched one that is set"),
        pytest.param("if color:\n        case ‸", "", id="no match"),
        pytest.param("x = 'how == \"‸", "", id="in a string"),
        pytest.param("match color:\n        # case ‸", "", id="in a comment"),
    ],
)
def test_when_cases_are_free(cases, lines, reason):
    assert cases.silence(f"{VALUES}    {lines}\n") == reason


def test_a_case_that_is_gone_is_written_no_more(cases):
    writes = {"case Color.RED:\n": 0.5, "case Color.PINK:\n": 0.2, "case Color.BLUE:\n": 0.2}
    text = f"{VALUES}    match color:\n        case Color.RED:\n            return 1\n        ‸\n"
    assert cases.written(text, writes, words=(" Color", ".RED", ".PINK", ".BLUE")) == "case Color.BLUE:"


@pytest.mark.parametrize(
    ("worded", "expected"),
    [
        ("Color", Rest((), "Color", None)),
        ("Literal[Color.RED, Color.BLUE] | None", Rest((None,), "Color", frozenset({"Color.RED", "Color.BLUE"}))),
        ('Literal["a", "b|c"]', Rest(("a", "b|c"), "", frozenset())),
        ("bool | None", Rest((True, False, None), "", frozenset())),
        ("Literal[-1, 2]", Rest((-1, 2), "", frozenset())),
        ("Color | str", None),
        ("Color | Mood", None),
        ('Color | Literal["a"]', None),
        ("list[Color]", None),
        ("def f() -> int", None),
        ("str & ~AlwaysFalsy", None),
    ],
)
def test_what_a_type_leaves(worded, expected):
    assert rest(worded) == expected


# names


@pytest.fixture
def names(analysis: Analysis, root: Path) -> Bench:
    return Bench(Names(analysis), root)


@pytest.mark.parametrize(
    ("place", "statements"),
    [
        (
            Place.VALUE,
            [
                *(
                    "return ",
                    "x = ",
                    "x += ",
                    "x: int = ",
                    "a = b = ",
                    "a * ",
                    "a ** ",
                    "if a.b == ",
                    "return -",
                    "x not in ",
                ),
                *(
                    "return not ",
                    "raise A from ",
                    "yield from ",
                    "await ",
                    "except ",
                    "except (A, ",
                    "while ",
                    "@",
                    "del ",
                ),
                *(
                    "f(a=",
                    "f(a, b=",
                    "f(a, b + ",
                    "f(*",
                    "f(**",
                    "f(a, *",
                    "d[",
                    "d[a + ",
                    "x[a, ",
                    "x = (a, ",
                    "x = [a, ",
                ),
                *("[x for x in ", "[x for x in y if x == ", "f(a, lambda b: b + ", "x = a if b else ", "for x in "),
                *("def f(a: ", "def f(a, b=", "def f(a) -> ", "async def f(a=", "x: ", "self.x: ", "class A("),
            ],
        ),
        (Place.ARGUMENT, ["f(", "f(a, ", "f(a)(b, ", "f(\n    a,  # one\n    ", "print(f'{x}', ", "x = f(g(1), "]),
        (
            Place.ELSE,
            [
                *(
                    "for ",
                    "for a, ",
                    "for (a, ",
                    "[x for a, ",
                    "lambda a, ",
                    "f(a, lambda b, ",
                    "lambda *",
                    "def f(",
                    "def f(a, *",
                ),
                *(
                    "def f(a, ",
                    "class A(B, ",
                    "import a, ",
                    "from a import b, ",
                    "with f() as (a, ",
                    "global a, ",
                    "(a, ",
                ),
                *(
                    "a, ",
                    "a, *",
                    "[",
                    "(",
                    "[a + ",
                    "sum(",
                    "f(a + ",
                    "(a and ",
                    "x = {a: ",
                    "{",
                    "case A | ",
                    "case x: ",
                ),
                *("else: ", "try: ", "else ", "x ", "f(a) "),
            ],
        ),
    ],
)
def test_where_a_name_is_used_and_not_introduced(place, statements):
    assert {text: place_of(text) for text in statements} == dict.fromkeys(statements, place)


SCOPE = """\
import os.path
from pack import alpha as first


class Shop:
    opened = True

    def sell(self, goods, *, price=1):
        basket = [goods]
        goods.weigh(1)
"""


def call_of(statement: str) -> str:
    return f"{SCOPE}        {statement}\n\n\ndef later(): ...\n"


@pytest.mark.parametrize("before", ["return ", "total = ", "if basket == ", "x = basket[", "basket.append(1 + 1, "])
def test_only_names_that_there_are(names, before):
    texts = (
        "self.",
        "goods)",
        "basket\n",
        "os.path",
        "first",
        "Shop(",
        "later(",
        "print(",
        "not ",
        "weigh",
        "numpy.",
        "goodsx",
    )
    assert names.allowed(call_of(f"{before}‸"), *texts) == list(texts[:-2])


@pytest.mark.parametrize("text", ["1", "(", "[", '"any', "f'{", 'rb"', "-1", "*", " ", "\n"])
def test_what_is_no_name_may_always_come(names, text):
    assert names.allowed(call_of("return ‸"), text) == [text]


def test_arguments_may_be_named(names):
    assert names.allowed(call_of("self.sell(1, ‸"), "price=2", "prize=2", "goods=1", "basket") == [
        "price=2",
        "goods=1",
        "basket",
    ]


def test_names_of_a_comprehension(names):
    assert names.allowed(call_of("return [item for item in basket if ‸"), "item", "items") == ["item"]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("return dict(a=1, ‸", "the call may take any keyword"),
        ("return nobody(1, ‸", "the call may take any keyword"),
        ("return [‸", ""),
        ("for ‸", ""),
        ("# return ‸", ""),
        ("x = 'a = ‸", ""),
        ("return basket.‸", ""),
    ],
)
def test_when_names_are_free(names, statement, reason):
    assert names.silence(call_of(statement)) == reason


def test_a_star_import_frees_names(names):
    assert names.silence("from nowhere import *\nx = ‸\n") == "a star import"


@pytest.mark.parametrize("words", [(), (" baskets", " basket"), ("return", " bas", "kets", "ket"), ("return baskets",)])
def test_the_model_uses_names_that_there_are(names, words):
    writes = {"return baskets\n": 0.6, "return basket\n": 0.3}
    assert names.written(call_of("‸"), writes, words=words) == "return basket"


def test_one_of_many_names():
    guard = AnyOf(frozenset({"ab", "abc"}))
    assert guard.after("a") == AnyOf(frozenset({"ab", "abc"}), "a")
    assert guard.after("b") is None
    assert guard.after("ab").may_end
    assert guard.after("ab(").is_free
    assert guard.after("a(") is None
    assert not guard.after("a").may_end


# overrides


@pytest.fixture
def overrides(analysis: Analysis, root: Path) -> Bench:
    return Bench(Overrides(analysis), root)


def method_of(line: str, head: str = "class Dry(Job):") -> str:
    return f"from threading import Thread\nfrom jobs import Job\n\n\n{head}\n    {line}\n        return 1\n"


@pytest.mark.parametrize(
    ("line", "texts", "forbidden"),
    [
        (
            "def run(‸",
            [
                "self, task, amount=3):",
                "self, task: str, amount",
                "self, *args",
                "self, task, **more",
                "self, task)",
                "self)",
            ],
            ["self, job", "self, task, number", "self, tas,", "self, tasks", "self, amount, task"],
        ),
        (
            "def run(self, ‸",
            ["task", "task: dict[str, int], amount", "*, fast", "\n        task,"],
            ["job", "ta:", "a"],
        ),
        ("def run(self, task: list[int] = [1, 2], ‸", ["amount"], ["other"]),
        ("async def run(self, ‸):", ["task, amount=1, more=2", "task='a, b'", "task,  # x, y\n"], ["task, more"]),
        ("@classmethod\n    def made(‸", ["cls, kind"], ["cls, sort"]),
    ],
)
def test_parameters_are_those_of_the_base(overrides, line, texts, forbidden):
    assert overrides.allowed(method_of(line), *texts, *forbidden) == texts


def test_a_parameter_that_has_no_name_may_have_any(overrides):
    assert overrides.allowed(method_of("def stop(self, ‸"), "then, how", "when, how", "then, why") == [
        "then, how",
        "when, how",
    ]


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        (method_of("def go(‸"), "the method that is overridden is unknown"),
        (method_of("def run(‸", "class Dry(Nobody):"), "the method that is overridden is unknown"),
        (method_of("def run(‸", "class Dry(Thread):"), "the method that is overridden is unknown"),
        (method_of("def join(‸", "class Dry(Thread):"), "the method that is overridden is not the project's own"),
        (method_of("def pause(‸"), "nobody has overridden it by the same names yet"),
        (
            method_of("def run(‸") + "\nclass Other(Job):\n    def run(self, x): ...\n",
            "nobody has overridden it by the same names yet",
        ),
        (method_of("def _check(‸"), ""),
        (method_of("def __init__(‸"), ""),
        (method_of("def run(‸", "class Dry:"), ""),
        (method_of("def run(self, task=max(‸"), ""),
        ("def run(‸", ""),
        (method_of("# def run(‸"), ""),
    ],
)
def test_when_parameters_are_free(overrides, marked, reason):
    assert overrides.silence(marked) == reason


def test_the_model_overrides_by_the_names_of_the_base(overrides):
    writes = {"run(self, job):\n": 0.6, "run(self, task):\n": 0.3}
    assert overrides.written(method_of("def ‸"), writes, words=("self", " job", " task")) == "run(self, task):"


def test_a_definition_may_end_where_a_name_is_whole():
    guard = Parameters(("task",)).after("self, ta")
    assert not guard.may_end
    assert guard.after("sk").may_end
    assert guard.after("sk=')'").may_end


# instantiation


@pytest.fixture
def instantiation(analysis: Analysis, root: Path) -> Bench:
    return Bench(Instantiation(analysis), root)


CALLS = """\
import typing

import jobs
from jobs import Job, Wash


class Washable(typing.Protocol):
    def wash(self) -> None: ...


def f(kind: type[Job]):
"""


@pytest.mark.parametrize(
    "before", ["", "x = ", "return ", "print(", "print(1, ", "x = [", "if True: ", "x = 1 if kind else "]
)
def test_an_abstract_class_is_not_called(instantiation, before):
    texts = ("Wash(", "Job.made(", "Job)", "Job ", "jobs.Wash(", "kind(", "Nobody(", "print(", "(", "1", "'Job('")
    allowed = instantiation.allowed(
        f"{CALLS}    {before}‸\n\n\ndef g(): ...\n", *texts, "Job(", "jobs.Job(", "Washable()"
    )
    assert allowed == list(texts)


def test_a_class_that_is_called_elsewhere_may_be_called(instantiation):
    assert instantiation.allowed(f"{CALLS}    return ‸\n\n\nknown = Job()\n", "Job(") == ["Job("]


@pytest.mark.parametrize(
    "line", ["from jobs import ‸", "class New(‸", "# return ‸", "x = 'a ‸", "def new(job=‸", "x.‸"]
)
def test_where_nothing_is_called(instantiation, line):
    assert instantiation.silence(f"{CALLS}    {line}\n") == ""


@pytest.mark.parametrize("words", [(), (" Job", " Wash"), (" Job(", " Wash("), ("return Job(",)])
def test_the_model_calls_what_can_be_called(instantiation, words):
    writes = {"return Job()\n": 0.64, "return Wash()\n": 0.355}
    assert instantiation.written(f"{CALLS}    ‸\n", writes, words=words) == "return Wash()"
