"""The token loop: what is written, how sure the model was, and other candidates."""

from __future__ import annotations

import math
from threading import Event

import pytest
from fakes import ByteModel, request, writer

from assistant.decoding.choosing import Step
from assistant.decoding.decode import Draft
from assistant.decoding.stopping import BLOCK_TOKENS, LINE_TOKENS
from assistant.errors import Cancelled
from assistant.prompt import Budget, build

PAST = -1.0
"""A deadline that is over."""


def steps(text: str, probability: float = 1.0, after: int = 0) -> tuple[Step, ...]:
    """A text as a `ByteModel` writes it, each byte with the same probability."""
    return tuple(Step(byte, math.log(probability), 0, -9.0, after + end) for end, byte in enumerate(text.encode(), 1))


def written(marked: str, model: ByteModel, language: str = "python", **options) -> Draft:
    begun = options.pop("begun", ())
    return writer(request(marked, language), model, **options).write(begun)


def others(marked: str, model: ByteModel, count: int = 3) -> list[str]:
    writing = writer(request(marked), model)
    return [draft.text for draft in writing.others(writing.write(), count)]


@pytest.mark.parametrize(
    ("marked", "writes", "expected"),
    [
        ("x = ‸", "f(y)\nz = 1\n", "f(y)"),
        ("x = ‸", "f(y)", "f(y)"),
        ("x = ‸", "", ""),
        ("x = ‸", "'é😀'\n", "'é😀'"),
        ("def f():‸", "\n    return 1\n\n\ny = 2\n", "\n    return 1"),
        ("def f():\n    ‸", "x = 1\n    return x", "x = 1\n    return x"),
    ],
)
def test_it_writes_a_line_or_a_block(marked, writes, expected):
    assert written(marked, ByteModel(writes)).text == expected


def test_it_knows_how_sure_the_model_was():
    assert math.exp(written("x = ‸", ByteModel("f(y)", probability=0.75)).logprob) == pytest.approx(0.75, abs=0.01)


def test_nothing_written_past_the_end_is_paid_for():
    model = ByteModel("f(y)\n" + "z = 1\n" * 50)
    written("x = ‸", model)
    before = model.evaluated
    written("x = f‸", model)
    assert model.evaluated - before < 12


@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_line_that_never_ends_is_not_shown_by_half(letter):
    model = ByteModel(letter * 1000)
    draft = written("x = ‸", model)
    assert (draft.text, len(draft.tokens)) == ("", LINE_TOKENS)


def test_a_block_that_never_ends_keeps_its_whole_lines():
    draft = written("def f():‸", ByteModel("\n    call()" * 5 + "\n    x = " + "a" * 1000))
    assert draft.text == "\n    call()" * 5
    assert len(draft.tokens) == BLOCK_TOKENS


def test_where_the_context_ends_whole_lines_are_kept():
    asked = request("def f():‸")
    model = ByteModel("\n    call()" * 5)
    prompt = build(asked, [], model, Budget.of(512)).tokens
    model.context_length = len(prompt) + 15
    assert writer(asked, model).write().text == "\n    call()"


def test_at_the_deadline_it_keeps_whole_lines():
    begun = steps("\n    a()\n    b")
    assert written("def f():‸", ByteModel("\n    a()\n    b()"), deadline=PAST, begun=begun).text == "\n    a()"
    assert written("x = ‸", ByteModel("f(y)"), deadline=PAST).text == ""


def test_what_is_complete_at_the_deadline_is_kept():
    begun = steps("f(y)\n")
    assert written("x =‸", ByteModel("f(y)\n"), deadline=PAST, begun=begun).text == "f(y)"


def test_cancelling_ends_it():
    cancelled = Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        written("x = ‸", ByteModel("f(y)"), cancelled=cancelled)


def test_other_candidates_leave_where_the_second_choice_was_close():
    model = ByteModel({"first(a)\n": 0.5, "first(b)\n": 0.3, "second\n": 0.15})
    assert others("x = ‸", model, 2) == ["first(b)", "second"]


def test_a_candidate_may_end_early():
    assert "f" in others("x = ‸", ByteModel({"f(a)\n": 0.6, "f": 0.3}), 1)


def test_to_write_nothing_is_no_candidate():
    assert others("x = ‸", ByteModel({"f(a)\n": 0.6, "": 0.3}), 1) == []


def test_a_candidate_remembers_what_its_tokens_cost():
    model = ByteModel({"aa\n": 0.6, "ab\n": 0.3})
    writing = writer(request("x =‸"), model)
    first = writing.write()
    other = writing.others(first, 1)[0]
    assert (first.text, other.text) == ("aa", "ab")
    assert [step.end for step in other.steps] == [1, 2, 3]
    assert math.exp(other.steps[1].logprob - first.steps[1].logprob) == pytest.approx(0.5, abs=0.02)


def test_a_block_loses_the_lines_that_the_model_was_unsure_of():
    sure = "\n    self.name = name"
    draft = Draft(sure + "\n    self.zip = []", (*steps(sure + "\n"), *steps("    self.zip = []", 0.4, len(sure) + 1)))
    kept = draft.confident()
    assert (kept.text, kept.logprob) == (sure, 0.0)


def test_its_first_line_stays_whatever_the_probability():
    draft = Draft("f(x)", steps("f(x)", 0.1))
    assert draft.confident() == draft


def test_lines_that_it_was_sure_of_stay():
    text = "a = 1\n    b = 2\n\n    c = 3"
    assert Draft(text, steps(text, 0.9)).confident().text == text
