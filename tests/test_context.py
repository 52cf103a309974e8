"""Snippets of all sources, best first; sources that fail or are late are named."""

from __future__ import annotations

import pytest
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


def test_blank_text_is_no_context():
    assert texts(Source([snippet(" \n"), snippet("...\n")])) == []


STUB = "class Item:\n    price: float\n    def total(self, tax: float = 0.0) -> float: ...\n"


def test_of_snippets_that_say_nearly_the_same_the_best_stays():
    code = STUB.replace(" ...", "\n        return self.price * tax")
    found, _ = gather([Source([snippet(code, 0.2), snippet(STUB, 0.8), snippet("class Order: ...", 0.1)])], ASKED)
    assert [each.text for each in found] == [STUB, "class Order: ..."]


@pytest.mark.parametrize("marked", [f"{STUB}\nx = ‸", f"x = ‸\n{STUB}"])
def test_what_stands_around_the_cursor_is_no_context(marked):
    assert gather([Source([snippet(STUB, path="app.py")])], request(marked))[0] == []


def test_what_stands_far_from_the_cursor_in_the_current_file_is_context():
    found, _ = gather([Source([snippet(STUB, path="app.py")])], request(STUB + "y = 1\n" * 2_000 + "x = ‸"))
    assert [each.text for each in found] == [STUB]


def test_a_source_that_raises_does_not_cost_the_others():
    found, left_out = gather([BrokenSource(), Source([snippet("kept")])], ASKED)
    assert [each.text for each in found] == ["kept"]
    assert left_out == ["broken_source: it failed, see the log"]


def test_a_source_that_comes_too_late_is_named(monkeypatch):
    monkeypatch.setattr(context, "SECONDS", -1.0)
    found, left_out = gather([Source([snippet("late")], name="slow")], ASKED)
    assert found == []
    assert left_out[0].startswith("slow: ")
