"""A line is cut before what is wrong in it, where a reader would pause."""

from __future__ import annotations

import pytest
from fakes import request
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.cutting import whole_part
from assistant.syntax import tokens, unmatched


def part(marked: str, text: str, language: str = "python") -> str:
    """What is kept of a text at a cursor before `wrong`."""
    return whole_part(text, text.index("wrong"), request(marked, language))


@pytest.mark.parametrize(
    ("marked", "text", "expected"),
    [
        ("‸", "total = basket.fruits.wrong()", "total = basket.fruits"),
        ("‸", "return a + b.wrong()", "return a + b"),
        ("‸", "total = count(a, b.wrong())", "total = count"),
        ("‸", "total = count(a).wrong()", "total = count(a)"),
        ("‸", "for fruit in basket.wrong():", "for fruit in basket"),
        ("‸", "if a == wrong:", "if a"),
        ("‸", 'x = "a b".wrong()', 'x = "a b"'),
        ("‸", "x = 1.5 or not wrong", "x = 1.5"),
        ("‸", "x = lambda a: a.wrong", "x = lambda a: a"),
        ("‸", "x = a if b.wrong else c", "x = a"),
        ("‸", "x = a if b else c.wrong", "x = a if b else c"),
        ("‸", "x = [a for a in b if a].wrong", "x = [a for a in b if a]"),
        ("def f():‸", "\n    x = a\n    if b.wrong:", "\n    x = a\n    if b"),
        ("def f():‸", "\n    total = basket.wrong()", "\n    total = basket"),
        ("total = basket.fru‸", "its.wrong()", "its"),
        ("count(‸", "a, b.wrong())", "a, b"),
        ("count(‸)", "a).add(b.wrong)", "a).add"),
        ('d["‸', 'key"].wrong()', 'key"]'),
    ],
)
def test_what_is_whole_before_the_fault_is_kept(marked, text, expected):
    assert part(marked, text) == expected


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("‸", "wrong"),
        ("total = basket.‸", "wrong()"),
        ("‸", "total = wrong()"),
        ("‸", "total += wrong"),
        ("‸", "total: Sum = wrong"),
        ("‸", "for x in wrong:"),
        ("‸", "from a.b import wrong"),
        ("‸", "x = [a for a in b.wrong()]"),
        ("‸", 'x = f"{a.wrong}"'),
        ("‸", "return wrong"),
        ("match fruit:\n    ‸", "case wrong:"),
        ("count(‸", "key=wrong)"),
        ("x = {‸}", "'a': wrong"),
    ],
)
def test_nothing_is_kept_that_waits_for_what_was_wrong(marked, text):
    assert part(marked, text) == ""


@pytest.mark.parametrize(
    ("language", "marked", "text", "expected"),
    [
        ("typescript", "‸", "const a = b.c.wrong();", "const a = b.c"),
        ("typescript", "‸", "const a = `${b.wrong}`;", ""),
        ("typescript", "f(‸)", "x => x.wrong())", "x => x"),
        ("rust", "‸", "let a = b?.wrong();", "let a = b"),
        ("go", "‸", "a := b.wrong()", "a := b"),
        ("c", "‸", "int a = p->wrong;", "int a = p"),
        ("java", "‸", "List<String> a = b.wrong();", "List<String> a = b"),
        ("zig", "‸", "const a = b.wrong();", "const a = b"),
    ],
)
def test_other_languages_are_cut_as_well(language, marked, text, expected):
    assert part(marked, text, language) == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from([*"ab().[]{}=,:+'\"# ", "wrong", " in ", " not "]), max_size=14), st.integers(0, 30))
def test_whatever_was_written_no_bracket_stays_open_and_no_word_is_halved(pieces, end):
    text = "".join(pieces)
    end = min(end, len(text))
    kept = whole_part(text, end, request("x = (‸"))
    assert text.startswith(kept)
    assert len(kept) <= end
    assert not unmatched(tokens(kept, "python"))[1]
    assert not (kept and kept < text and (kept[-1] + text[len(kept)]).isidentifier())
