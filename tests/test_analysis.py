"""Monitors with language servers behind them: asked about mended texts, once; completions go on whatever happens."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fakes import ByteModel, request
from language_server_tools import SCRIPT

from assistant.analysis import Analysis
from assistant.engine import Assistant
from assistant.guards import OneOf, View
from assistant.knowledge import Knowledge
from assistant.receivers import receiver
from assistant.repair import repaired
from assistant.settings import Settings
from assistant.types import CompletionRequest
from language_servers.analyzer import Document, Member, Members, NoAnswer
from language_servers.limits import Limits
from language_servers.servers import Servers
from plugins.checker import Checker
from plugins.members import Members as MembersMonitor

CODE = """class Basket:
    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.fruits: list[str] = []


def show(basket: Basket) -> None:
    print(basket.‸)
"""
WISH = {".apples)\n": 0.6, ".fruits)\n": 0.3}


@pytest.fixture
def analyses() -> Iterator[list[Analysis]]:
    made: list[Analysis] = []
    yield made
    for analysis in made:
        analysis.close()


def guided(analysis: Analysis, writes: Any = None, checks: bool = False) -> Assistant:
    """An assistant with the members monitor, whose model would rather write something else."""
    made = [Checker(analysis)] if checks else []
    monitors = [MembersMonitor(analysis)]
    return Assistant(
        ByteModel(writes or WISH), Settings(), (), monitors, (), made, knowledge=Knowledge.of(analysis, Settings())
    )


def asked(tmp_path: Path, marked: str = CODE) -> CompletionRequest:
    cursor = marked.index("‸")
    text = marked.replace("‸", "")
    return CompletionRequest(tmp_path / "shop.py", "python", text, cursor, root=tmp_path)


def text(assistant: Assistant, request: CompletionRequest) -> str:
    return next((completion.text for completion in assistant.complete(request).completions), "")


def test_a_real_server_keeps_the_model_from_inventing_a_member(tmp_path, analyses):
    analyses.append(Analysis(Servers(), deadline=20))
    made = guided(analyses[0])
    made.open(asked(tmp_path), 20)
    answer = made.complete(asked(tmp_path))
    [completion] = answer.completions
    assert completion.text == "fruits)"
    assert completion.guards == ("members",)
    assert answer.waited > 0


def test_what_has_new_errors_loses_its_place_to_the_next_candidate(tmp_path, analyses):
    analyses.append(Analysis(Servers(), deadline=20))
    made = guided(analyses[0], {"nonsense\n": 0.6, "basket\n": 0.3}, checks=True)
    marked = CODE.replace("print(basket.‸)", "print(basket)\n    thing = ‸")
    made.open(asked(tmp_path, marked), 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plugins.checker.BUDGET", 20)
        assert text(made, asked(tmp_path, marked)) == "basket"


@pytest.mark.parametrize("failing", ["exit", "mute", "garbage", "huge", "flood", "nonsense", "closed"])
def test_whatever_a_server_does_completions_keep_coming(tmp_path, analyses, caplog, failing):
    command = [sys.executable, str(SCRIPT), "--fail", failing]
    limits = Limits(first_pause=0.05, longest_pause=0.1, weighing=0.1)
    analyses.append(Analysis(Servers({"python": command}, limits)))
    made = guided(analyses[0], checks=True)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            made._recall.__init__()
            assert text(made, asked(tmp_path)) == "apples)"
    assert len([record for record in caplog.records if "members" in record.getMessage()]) == 0


def test_without_a_server_nothing_is_constrained(tmp_path, analyses):
    analyses.append(Analysis(Servers({"python": ""})))
    made = guided(analyses[0], checks=True)
    answer = made.complete(asked(tmp_path))
    assert answer.completions[0].text == "apples)"
    assert answer.silences == (("members", "no language server for python is installed"),)


class Counting:
    """An analyzer that knows some members, and counts how often it is asked."""

    name = "counting"

    def __init__(self, *names: str) -> None:
        self.names = names or ("fruits",)
        self.texts: list[str] = []

    def members(self, document: Document, offset: int, deadline: float = 0) -> Members:
        self.texts.append(document.text[:offset] + "‸" + document.text[offset:])
        return Members(tuple(map(Member, self.names)))

    def of(self, path: Path, language: str, root: Path | None) -> Counting:
        return self

    def files_changed(self, paths: object) -> None: ...

    def close(self) -> None: ...


def test_a_receiver_is_asked_about_once_while_its_line_is_typed(analyses):
    counting = Counting()
    analyses.append(Analysis(counting))
    for line in ("print(basket.", "print(basket.fruits, basket.", "print(1, basket."):
        assert analyses[0].members(View(request(f"basket = f()\n{line}‸)\nend()\n"))).names == {"fruits"}
    assert counting.texts == ["basket = f()\nprint(basket.‸)\nend()\n"]
    analyses[0].members(View(request("basket = g()\nprint(basket.‸)\nend()\n")))
    analyses[0].members(View(request("basket = g()\nprint([basket.‸ for basket in x])\nend()\n")))
    analyses[0].files_changed([])
    analyses[0].members(View(request("basket = g()\nprint(basket.‸)\nend()\n")))
    assert len(counting.texts) == 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("return ", "return basket.kind === 1 && "),
        ("return ", "return basket.kind !== 1 || "),
        ("const a: ", "const a: basket.Fruit = "),
        ("f(", "f(basket.a, g<"),
    ],
)
def test_a_receiver_is_asked_about_anew_where_its_line_gives_it_other_members(analyses, first, second):
    counting = Counting()
    analyses.append(Analysis(counting))
    for line in (f"{first}basket.", f"{second}basket."):
        analyses[0].members(View(request(f"{line}‸;\n", "typescript", "a.ts")))
    assert len(counting.texts) == 2


def test_a_question_foreseen_is_not_asked_again(analyses):
    counting = Counting()
    analyses.append(Analysis(counting))
    monitor = MembersMonitor(analyses[0])
    written = View(request("basket.x\nprint(‸)\n")).on("basket")
    monitor.foresee(written)
    assert monitor.guard(written.on(".")) == OneOf.names({"fruits", "x"})
    assert len(counting.texts) == 1


@pytest.mark.parametrize("written", ["fruits", "[key]", "(key)"])
def test_an_optional_access_may_be_a_subscript_or_a_call(analyses, written):
    analyses.append(Analysis(Counting("fruits", "apply")))
    monitor = MembersMonitor(analyses[0])
    assert monitor.guard(View(request("basket?.‸", "typescript", "a.ts"))).after(written)
    assert bool(monitor.guard(View(request("basket.‸", "typescript", "a.ts"))).after(written)) is (written == "fruits")


@pytest.mark.parametrize(
    "marked",
    ["'basket.‸'", "# basket.‸", "1.‸", "x[1:2.‸", "import os.‸", "from os.‸", "basket..‸", '"""\nbasket.‸'],
)
def test_where_a_dot_is_no_access_nobody_is_asked(analyses, marked):
    counting = Counting()
    analyses.append(Analysis(counting))
    assert MembersMonitor(analyses[0]).guard(View(request(marked))).is_free
    assert counting.texts == []


@pytest.mark.parametrize(
    ("written", "is_allowed"),
    [
        ("fruits(", True),
        ("owner = 1", True),
        ("owner: str", True),
        ("owner, self.b = 1, 2", True),
        ("owner(", False),
        ("owner.x", False),
    ],
)
def test_in_a_constructor_a_new_member_may_be_defined(analyses, written, is_allowed):
    analyses.append(Analysis(Counting()))
    guard = MembersMonitor(analyses[0]).guard(View(request("def __init__(self):\n    if x:\n        self.‸\n")))
    assert (guard.after(written) is not None) is is_allowed


def test_other_methods_use_the_members_that_there_are(analyses):
    analyses.append(Analysis(Counting()))
    marked = "def __init__(self):\n    pass\n\ndef f(self):\n    self.‸\n"
    assert MembersMonitor(analyses[0]).guard(View(request(marked))) == OneOf.names({"fruits"})


@pytest.mark.parametrize("name", ["setup_class", "setup_method", "setUpClass", "set_up"])
def test_the_set_up_of_tests_gives_new_members(analyses, name):
    analyses.append(Analysis(Counting()))
    guard = MembersMonitor(analyses[0]).guard(View(request(f"def {name}(cls):\n    cls.‸\n")))
    assert guard.after("graph = 1")


def test_a_class_may_be_called_as_its_base(tmp_path, analyses):
    (tmp_path / "shapes.py").write_text("class Circle: ...\nclass Square: ...\n")
    analyses.append(Analysis(Servers(), deadline=5))
    analyses[0].open(asked(tmp_path), patience=60)
    guard = MembersMonitor(analyses[0]).guard(View(asked(tmp_path, "import shapes\n\nclass Circle(shapes.‸\n")))
    assert [text for text in ("Circle):", "Square):", "Triangle):") if guard.after(text)] == ["Circle):", "Square):"]


@pytest.mark.parametrize(
    ("marked", "language", "expected"),
    [
        ("x = f(a.‸b, c)\ny = 1\n", "python", "x = f(a.)\ny = 1\n"),
        ("if x.‸\n    y\n", "python", "if x.:\n    y\n"),
        ("if x.‸\nz = 1\n", "python", "if x.: pass\nz = 1\n"),
        ("if a: b.‸\n", "python", "if a: b.\n"),
        ("f(\n    a.‸\n    b,\n)\nz = 1\n", "python", "f(\n    a.)\nz = 1\n"),
        ("x = {k: [v.‸}\n", "python", "x = {k: [v.]}\n"),
        ("f(lambda v: v.‸\n", "python", "f(lambda v: v.)\n"),
        ("if f(lambda: a.‸\n    b\n", "python", "if f(lambda: a.):\n    b\n"),
        ("x = 'a(' + b.‸\n", "python", "x = 'a(' + b.\n"),
        ("function f() {\n  foo(a.‸);\n  return 1;\n}\n", "typescript", "function f() {\n  foo(a.)\n  return 1;\n}\n"),
        ("int main() {\n  f(a[b.‸\n}\n", "cpp", "int main() {\n  f(a[b.])\n}\n"),
    ],
)
def test_a_broken_off_statement_is_mended(marked, language, expected):
    before, behind = marked.split("‸")
    assert repaired(before, behind, language) == expected


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("x = a.‸", "a"),
        ("f(a.b[0].‸", "a.b[0]"),
        ("x = f(1, g(2)).‸", "f(1, g(2))"),
        ("x + self.items.‸", "self.items"),
        ("x = (a + b).‸", "(a + b)"),
        ("'text'.‸", "'text'"),
        ("f(\n    a\n    .b.‸", "a\n    .b"),
        ("return not a.‸", "a"),
        ("x = y", ""),
    ],
)
def test_the_receiver_is_found(marked, expected):
    assert receiver(View(request(marked if "‸" in marked else marked + "‸"))) == expected


def test_an_answer_that_is_late_is_there_the_next_time(analyses):
    class Slow(Counting):
        def members(self, document: Document, offset: int, deadline: float = 0) -> Members:
            going_on.wait(20)
            return super().members(document, offset, deadline)

    going_on = Event()
    slow = Slow()
    analyses.append(Analysis(slow, deadline=0.01))
    view = View(request("print(basket.‸)\n"))
    with pytest.raises(NoAnswer, match="10 ms"):
        analyses[0].members(view)
    going_on.set()
    for _ in range(2000):
        with suppress(NoAnswer):
            assert analyses[0].members(view).names == {"fruits"}
            break
    assert len(slow.texts) == 1


@pytest.mark.parametrize("length", range(400, 2_000, 200))
def test_where_reading_begins_is_never_within_a_string(length):
    docstring = '    """It\'s long (and\nso on\n\n' + "    it's a word, and another\n" * 600 + '    """\n'
    text = "class Shop:\n" + docstring + "\n    # rest\n" * length + "\n    def f(self):\n        g(self."
    assert repaired(text, "\n", "python") == text + ")\n"
    assert View(CompletionRequest(Path("shop.py"), "python", text, len(text))).in_code


def test_a_server_that_hangs_is_waited_for_once(analyses):
    class Hanging(Counting):
        def members(self, document: Document, offset: int, deadline: float = 0) -> Members:
            going_on.wait(20)
            raise NoAnswer("given up")

    going_on = Event()
    analyses.append(Analysis(Hanging(), deadline=0.2))
    for number, waited in ((1, "200 ms"), (2, "20 ms"), (3, "20 ms")):
        with pytest.raises(NoAnswer, match=waited):
            analyses[0].members(View(request(f"print(basket{number}.‸)\n")))
    going_on.set()
