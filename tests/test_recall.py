"""While the user types along a completion, or deletes back into it, the model is not asked."""

from __future__ import annotations

import pytest
from fakes import request

from assistant.decoding.choosing import Step
from assistant.decoding.decode import Draft
from assistant.recall import KEPT, Recall


def draft(text: str) -> Draft:
    return Draft(text, (Step(1, -0.1, 2, -3.0, len(text)),))


def remembering(marked: str, *texts: str, **fields) -> Recall:
    recall = Recall()
    recall.remember(request(marked, **fields), tuple(map(draft, texts)))
    return recall


def rests(recall: Recall, marked: str, **fields) -> list[str] | None:
    found = recall.find(request(marked, **fields))
    return None if found is None else [each.text for each in found]


BEFORE, AFTER = "import os\nx = ", "\ny = 1\n"


@pytest.mark.parametrize(
    ("now", "rest"),
    [
        (BEFORE + "‸" + AFTER, "os.listdir(path)"),
        (BEFORE + "os.‸" + AFTER, "listdir(path)"),
        (BEFORE + "os.listdir(‸)" + AFTER, "path)"),
        (BEFORE + "os.listdir(path‸)" + AFTER, ")"),
        (BEFORE + "os.listdir(path)‸" + AFTER, None),
        (BEFORE + "os.path‸" + AFTER, None),
        (BEFORE + "OS‸" + AFTER, None),
        ("import os\nx = 1; ‸" + AFTER, None),
        ("import os\nx =‸" + AFTER, None),
        ("import re\nx = ‸" + AFTER, None),
        (BEFORE + "os.‸\ny = 2\n", None),
        (BEFORE + "os.‸ + 1" + AFTER, None),
        ("# new\n" + BEFORE + "os.‸" + AFTER, None),
    ],
)
def test_typing_along_a_completion_needs_no_model(now, rest):
    recall = remembering(BEFORE + "‸" + AFTER, "os.listdir(path)")
    assert rests(recall, now) == (None if rest is None else [rest])


def test_deleting_back_into_a_completion_brings_it_back():
    recall = remembering("x = ‸", "value + 1")
    assert rests(recall, "x = value + 1‸") is None
    assert rests(recall, "x = val‸") == ["ue + 1"]
    assert rests(recall, "x = ‸") == ["value + 1"]


def test_a_new_line_typed_into_a_block_goes_along():
    recall = remembering("def f():‸\n", "\n    a = 1\n    return a")
    assert rests(recall, "def f():\n    ‸\n") == ["a = 1\n    return a"]
    assert rests(recall, "def f():\n    a = 1\n    ‸\n") == ["return a"]
    assert rests(recall, "def f():\n        ‸\n") is None


def test_crlf_typed_is_the_model_s_newline():
    recall = remembering("def f():‸\r\nx\r\n", "\n    a = 1\n    return a")
    assert rests(recall, "def f():\r\n    a = 1\r\n    ret‸\r\nx\r\n") == ["urn a"]


def test_of_several_candidates_those_that_agree_remain():
    recall = remembering("x = ‸", "first(a)", "first(b)", "second", candidates=3)
    assert rests(recall, "x = first(‸)") == ["a)", "b)"]
    assert rests(recall, "x = s‸", candidates=3) == ["econd"]


def test_more_candidates_than_were_written_need_the_model():
    assert rests(remembering("x = ‸", "first"), "x = f‸", candidates=3) is None


def test_another_file_is_another_matter():
    recall = remembering("x = ‸", "value", path="a.py")
    assert rests(recall, "x = ‸", path="b.py") is None
    assert rests(recall, "x = ‸", path="a.py") == ["value"]


@pytest.mark.parametrize("nothing", [(), ("",), ("\n    ",)])
def test_that_there_was_nothing_to_say_is_not_remembered(nothing):
    assert rests(remembering("x = ‸", *nothing), "x = ‸") is None


def test_the_newest_answer_counts():
    recall = remembering("x = ‸", "old")
    recall.remember(request("x = ‸"), (draft("new"),))
    assert rests(recall, "x = ‸") == ["new"]


def test_older_answers_are_there_when_the_newest_does_not_fit():
    recall = remembering("x = ‸", "value")
    recall.remember(request("x = v‸"), (draft("ector"),))
    assert rests(recall, "x = va‸") == ["lue"]


def test_only_so_many_cursors_are_remembered():
    recall = remembering("first = ‸", "value")
    for number in range(KEPT):
        recall.remember(request(f"x{number} = ‸"), (draft("value"),))
    assert rests(recall, "first = ‸") is None
