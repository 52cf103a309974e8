"""Snippets of all sources, best first; sources that fail or are late are named."""

from __future__ import annotations

from fakes import BrokenSource, Source, request

from assistant import context
from assistant.context import gather
from assistant.types import Snippet

ASKED = request("x = ‸")


def snippet(text: str, score: float = 0.5, path: str = "a.py") -> Snippet:
    return Snippet(text, score, "source", path)


def texts(*sources) -> list[str]:
    return [found.text for found in gather(sources, ASKED)[0]]


def test_the_best_come_first_whoever_found_them():
    assert texts(Source([snippet("fair", 0.1), snippet("best", 0.9)]), Source([snippet("good", 0.5)])) == [
        "best",
        "good",
        "fair",
    ]


def test_ties_stand_in_the_order_of_their_paths():
    one, other = snippet("one", path="b.py"), snippet("other", path="a.py")
    assert texts(Source([one, other])) == texts(Source([other, one])) == ["other", "one"]


def test_a_text_is_shown_once_where_it_was_scored_best():
    found, _ = gather([Source([snippet("same\n", 0.2, "a.py"), snippet("same", 0.8, "b.py")])], ASKED)
    assert [(each.text, each.path) for each in found] == [("same", "b.py")]


def test_the_current_file_and_blank_text_are_no_context():
    assert texts(Source([snippet("mine", path="app.py"), snippet(" \n")])) == []


def test_a_source_that_raises_does_not_cost_the_others():
    found, left_out = gather([BrokenSource(), Source([snippet("kept")])], ASKED)
    assert [each.text for each in found] == ["kept"]
    assert left_out == ["broken_source: it failed, see the log"]


def test_a_source_that_comes_too_late_is_named(monkeypatch):
    monkeypatch.setattr(context, "SECONDS", -1.0)
    found, left_out = gather([Source([snippet("late")], name="slow")], ASKED)
    assert found == []
    assert left_out[0].startswith("slow: ")
