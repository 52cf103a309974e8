"""Typed holes for requests, for the command line and for editors: in marked text `‸` is the cursor."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command import Result, ghostwright
from editor import PATIENCE, Editor
from hole_tools import in_method, request_at, write_repository
from language_server_tools import LONG, fake

from assistant.analysis import Analysis
from assistant.holes import Holes, hole, report
from assistant.types import CompletionRequest
from language_servers.analyzer import NoAnswer
from language_servers.client import LanguageServer
from language_servers.servers import Servers


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tmp_path_factory.mktemp("project"))


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


def test_whoever_waits_longer_is_told_more(tmp_path):
    server = fake(tmp_path, "--slow", "1")
    assert server.wait_until_ready(LONG)
    try:
        request = request_at(tmp_path, "class Point: ...\ndef f(point: Point) -> Point:\n    return ‸\n")
        assert not Holes(Only(server)).at(request, LONG).is_early
    finally:
        server.close()


@dataclass
class Only:
    """One analyzer for all files."""

    server: LanguageServer

    def analyzer(self, request: CompletionRequest) -> LanguageServer:
        return self.server


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
    holes, found = Holes(analysis), dict[str, str]()
    expected = {"join(‸)": "Point", "join(place, wanted, color=‸)": "Color", "return ‸": "list[Point]"}

    def ask(statement: str) -> None:
        request = request_at(root, in_method(statement))
        while not (context := holes.at(request, LONG)).expected:  # another thread's cursor was the newer one
            assert context.is_early
        found[statement] = context.expected

    threads = [threading.Thread(target=ask, args=(statement,)) for statement in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


# the command


def told(*arguments: str) -> Result:
    """What the command says once its server was quick enough to tell of headers: it waits a few seconds, no longer."""
    deadline = time.monotonic() + 3 * LONG
    while "def origin() -> Point: ..." not in (result := ghostwright("hole", *arguments)).out:
        assert time.monotonic() < deadline, result
    return result


def test_the_command_tells_all_of_a_hole(root):
    (root / "command.py").write_text(in_method("join(‸)").replace("‸", ""))
    place = f"{root / 'command.py'}:10:14"
    result = told(place)
    assert result.code == 0
    assert result.out.startswith("expected: Point  (argument)\n")
    answer = told(place, "--json").json
    assert (answer["expected"], answer["types"][0]["name"]) == ("Point", "Point")
    assert {header["name"] for header in answer["headers"]} >= {"origin", "place"}


def test_the_command_says_who_tells_what_is_expected(root):
    (root / "told.py").write_text("one: int = \nif :\n    pass\n")
    words = [ghostwright("hole", f"{root / 'told.py'}:{place}").out.splitlines()[:1] for place in ("1:12", "2:4")]
    assert words == [["expected: int  (annotation)"], ["expected: bool  (the statement)"]]


def test_the_command_says_where_nothing_is_known(root):
    (root / "empty.py").write_text("\n")
    result = ghostwright("hole", f"{root / 'empty.py'}:1:1")
    assert (result.code, result.out) == (1, "")
    answer = ghostwright("hole", f"{root / 'empty.py'}:1:1", "--json").json
    assert (answer["expected"], answer["source"]) == ("", "")
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
