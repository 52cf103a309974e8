"""Writing under the eyes of monitors: what is masked, whatever tokens the model has; whole names; other ways."""

from __future__ import annotations

import math

import pytest
from fakes import BrokenMonitor, BrokenPrior, ByteModel, Likely, Names, request, writer

from assistant.decoding.decode import Draft
from assistant.guards import FREE, NAME, Beginning, Free, Guard, Matching, OneOf, Typed, View


def written(marked: str, writes, *monitors, words=(), **options) -> Draft:
    model = ByteModel(writes, words=words)
    return writer(request(marked), model, monitors, **options).write()


WISH = {"x.banana(1)\n": 0.6, "x.apple(2)\n": 0.3}


@pytest.mark.parametrize(
    "words",
    [(), (".banana", ".apple"), (".ban", "ana(", ".app", "le("), ("x.", "banana"), ("x.b", "x.a"), (".banana(1)\n",)],
    ids=["bytes", "dot and name", "name and more", "dot at the end", "dot within", "all in one"],
)
def test_a_name_that_is_not_legal_is_not_written_whatever_the_tokens(words):
    assert written("y = ‸", WISH, Names({"apple", "cherry"}), words=words).text == "x.apple(2)"


@pytest.mark.parametrize("words", [(), (".banana", ".apple"), (".", "apple")])
def test_the_dot_may_stand_before_the_cursor(words):
    writes = {".banana(1)\n": 0.6, ".apple(2)\n": 0.3}
    assert written("y = x.‸", writes, Names({"apple", "cherry"}), words=words).text == "apple(2)"


@pytest.mark.parametrize("words", [(), (".banana", ".apple", ".appendix", "ple(")])
def test_the_cursor_may_stand_within_the_name(words):
    writes = {".appendix(1)\n": 0.6, ".apple(2)\n": 0.3}
    assert written("y = x.app‸", writes, Names({"apple", "cherry"}), words=words).text == "le(2)"


@pytest.mark.parametrize("marked", ["y = x.ban‸", "y = x.banana(1) + x.ban‸"])
def test_what_the_user_has_typed_may_break_the_rules(marked):
    """Then nothing is known of what follows."""
    assert written(marked, ".banana(1)\n", Names({"apple"})).text == "ana(1)"


def test_a_name_is_not_cut_short_or_made_longer():
    monitor = Names({"apple"})
    assert written("y = ‸", {"x.apple_pie\n": 0.7, "x.apple + 1\n": 0.2}, monitor).text == "x.apple + 1"
    assert written("y = ‸", {"x.app(1)\n": 0.7, "x.apple + 1\n": 0.2}, monitor).text == "x.apple + 1"


def test_the_model_may_end_behind_a_name_only():
    assert written("y = ‸", {"x.app": 0.7, "x.apple": 0.2}, Names({"apple"})).text == "x.apple"


def test_names_may_hold_characters_of_several_bytes():
    assert written("y = ‸", {"x.größer\n": 0.5, "x.größe\n": 0.3}, Names({"größe"})).text == "x.größe"


def test_a_name_is_chosen_by_the_probability_of_the_whole():
    """The beginning `host` is the most probable one, its only legal end is not."""
    writes = {"x.host(1)\n": 0.5, "x.hostName(2)\n": 0.01, "x.port(3)\n": 0.3}
    assert written("y = ‸", writes, Names({"hostName", "port"}), words=("host", "Name", "port")).text == "x.port(3)"


def test_of_two_names_the_shorter_one_may_end():
    writes = {"x.get(1)\n": 0.64, "x.get_all(2)\n": 0.35}
    assert written("y = ‸", writes, Names({"get", "get_all"})).text == "x.get(1)"
    writes = {"x.get(1)\n": 0.35, "x.get_all(2)\n": 0.64}
    assert written("y = ‸", writes, Names({"get", "get_all"})).text == "x.get_all(2)"


LIKELY = {"x.add(1)\n": 0.5, "x.all(2)\n": 0.3}
EITHER = Names({"add", "all"})


@pytest.mark.parametrize("words", [(), (".add", ".all"), (".a", "dd", "ll"), ("x.", "add")])
def test_a_prior_weighs_the_names_that_are_legal(words):
    """0.5 · e^-2 is less than 0.3."""
    assert written("y = ‸", LIKELY, EITHER, words=words).text == "x.add(1)"
    assert written("y = ‸", LIKELY, EITHER, words=words, priors=[Likely({"add": -2.0})]).text == "x.all(2)"
    assert written("y = ‸", LIKELY, EITHER, words=words, priors=[Likely({"add": -0.1})]).text == "x.add(1)"


@pytest.mark.parametrize("marked", ["y = x.‸", "y = x.a‸"])
def test_a_prior_weighs_what_the_user_has_begun(marked):
    prior = Likely({"add": -2.0})
    writes = {text[1:]: chance for text, chance in LIKELY.items()}
    begun = marked.rpartition(".")[2].rstrip("‸")
    assert written(marked, writes, EITHER, priors=[prior]).text == "all(2)"[len(begun) :]
    assert prior.asked == ["y = x."]


def test_a_prior_says_nothing_where_no_monitor_does():
    prior = Likely({"add": -9.0})
    assert written("y = ‸", LIKELY, priors=[prior]).text == "x.add(1)"
    assert prior.asked == []


def test_a_prior_that_raises_is_left_out():
    assert written("y = ‸", LIKELY, EITHER, priors=[BrokenPrior()]).text == "x.add(1)"


def test_several_monitors_intersect():
    writes = {"x.a1\n": 0.4, "x.b1\n": 0.3, "x.c1\n": 0.2}
    assert written("y = ‸", writes, Names({"a1", "c1"}), Names({"b1", "c1"}, name="others")).text == "x.c1"


def test_every_dot_is_looked_at():
    writes = {"x.apple.stone\n": 0.5, "x.apple.apple\n": 0.3}
    assert written("y = ‸", writes, Names({"apple"}), words=(".apple", ".apple.stone")).text == "x.apple.apple"


def test_where_nothing_legal_is_probable_the_model_goes_back_to_its_other_way():
    writes = {"x.banana(1)\n": 0.5, "call(2)\n": 0.4}
    draft = written("y = ‸", writes, Names({"cherry"}))
    assert (draft.text, draft.abandoned) == ("call(2)", "")


def test_without_another_way_nothing_is_written():
    draft = written("y = ‸", {"x.banana(1)\n": 0.99999}, Names({"cherry"}))
    assert draft.text == ""
    assert "probable" in draft.abandoned


def test_what_the_user_has_begun_is_completed_however_improbable():
    assert written("y = x.‸", {".banana\n": 0.99999, ".cherry\n": 0.000001}, Names({"cherry"})).text == "cherry"


def test_lines_before_the_one_that_is_given_up_are_kept():
    writes = {"\n    a = 1\n    b = x.banana\n": 0.99999}
    draft = written("def f():‸", writes, Names({"cherry"}))
    assert draft.text == "\n    a = 1"


def test_other_candidates_are_guarded_too():
    writes = {"x.apple\n": 0.4, "x.banana\n": 0.3, "x.cherry\n": 0.2}
    writing = writer(request("y = ‸"), ByteModel(writes), [Names({"apple", "cherry"})])
    assert [draft.text for draft in writing.others(writing.write(), 1)] == ["x.cherry"]


def test_a_ruling_tells_what_was_refused():
    draft = written("y = ‸", WISH, Names({"apple", "cherry"}), words=(".banana", ".apple"))
    [ruling] = [ruling for ruling in draft.rulings if ruling.refused]
    assert (ruling.monitors, ruling.place, ruling.refused) == (("names",), "y = x", (".banana",))
    assert ruling.mass == pytest.approx(0.3, abs=0.1)


def test_what_is_certain_among_the_legal_names_is_written_with_certainty():
    draft = written("y = x.‸", {".banana\n": 0.6, ".apple\n": 0.3}, Names({"apple"}))
    assert math.exp(draft.logprob) > 0.9


def test_a_monitor_that_raises_is_left_out():
    assert written("y = ‸", WISH, BrokenMonitor()).text == "x.banana(1)"


class Digits:
    """Lets a number with two digits follow `=`."""

    name, triggers = "digits", "="

    def guard(self, view: View) -> Guard:
        return Matching("[0-9]{2}") if view.before.endswith("=") else FREE


@pytest.mark.parametrize("words", [(), ("=1", "=22", "22)")])
def test_a_guard_may_be_a_regular_expression(words):
    writes = {"f(a=1)\n": 0.6, "f(a=22)\n": 0.3}
    assert written("y = ‸", writes, Digits(), words=words).text == "f(a=22)"


class Listed:
    """Lets a name that comes behind `(` be one of some, and anything else pass."""

    name, triggers = "listed", "("

    def guard(self, view: View) -> Guard:
        return Beginning(NAME, OneOf.names({"apple"})) if view.before.endswith("(") else FREE


@pytest.mark.parametrize("words", [(), ("(ban", "ana", "app", '("')])
def test_a_guard_may_be_about_names_only(words):
    assert written("y = ‸", {"f(banana)\n": 0.6, "f(apple)\n": 0.3}, Listed(), words=words).text == "f(apple)"
    assert written("y = ‸", {"f(banana)\n": 0.6, 'f("a")\n': 0.3}, Listed(), words=words).text == 'f("a")'


class NoBackslash:
    """A stranger's own guard."""

    name, triggers, may_end, is_free = "no_backslash", "(", True, False

    def guard(self, view: View) -> Guard:
        return self

    def after(self, text: str) -> Guard | None:
        return None if "\\" in text else self


def test_a_guard_may_be_a_strangers_own():
    assert written("y = ‸", {"f(\\a)\n": 0.6, "f(a)\n": 0.3}, NoBackslash()).text == "f(a)"


def test_a_monitor_that_knows_nothing_says_why():
    class Silent:
        name, triggers = "silent", "."

        def guard(self, view: View) -> Guard:
            return Free("the type is unknown")

    writing = writer(request("y = ‸"), ByteModel("x.y\n"), [Silent()])
    assert writing.write().text == "x.y"
    assert list(writing.watch.silences) == [("silent", "the type is unknown")]


@pytest.mark.parametrize(
    ("guard", "text", "expected"),
    [
        (OneOf.names({"ab", "ac"}), "a", OneOf.names({"b", "c"})),
        (OneOf.names({"ab", "ac"}), "ab", OneOf.names({""})),
        (OneOf.names({"ab", "ac"}), "ab(", FREE),
        (OneOf.names({"ab", "ac"}), "abc", None),
        (OneOf.names({"ab", "ac"}), "(", None),
        (OneOf.names({"ab", "abc"}), "ab", OneOf.names({"", "c"})),
        (OneOf.names({'key"'}), 'key"]', FREE),
        (OneOf.names({'key"'}), 'key"x', FREE),
        (OneOf.names({'key"'}), 'key"', FREE),
        (OneOf.names({".", "os"}), ".", FREE),
        (OneOf.names({"r", "r+"}), "r", OneOf.names({"", "+"})),
        (OneOf.names({"é"}), "é", OneOf.names({""})),
        (Beginning("[a-z]", OneOf.names({"ab"})), "", Beginning("[a-z]", OneOf.names({"ab"}))),
        (Beginning("[a-z]", OneOf.names({"ab"})), "a", OneOf.names({"b"})),
        (Beginning("[a-z]", OneOf.names({"ab"})), "c", None),
        (Beginning("[a-z]", OneOf.names({"ab"})), "(c", FREE),
        (Typed("ab"), "a", Typed("b")),
        (Typed("ab"), "abc", FREE),
        (Typed("ab"), "b", None),
        (Matching("a+b"), "aa", Matching("a+b", "aa")),
        (Matching("a+b"), "ab(", FREE),
        (Matching("a+b"), "abc", None),
        (FREE, "anything", FREE),
    ],
)
def test_a_guard_becomes_another_one_as_text_is_written(guard, text, expected):
    assert guard.after(text) == expected


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("x = y.‸", True),
        ("x = 1  # see y.‸", False),
        ("# see\ny.‸", True),
        ("x = 'y.‸", False),
        ("'''\ny.‸", False),
        ("x = '#' + y.‸", True),
    ],
)
def test_a_view_tells_code_from_strings_and_comments(marked, expected):
    assert View(request(marked)).in_code is expected


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("def f():\n    if x:\n        y = ‸", ["if x:", "def f():"]),
        ("class A(\n    B,\n):\n    def f(self):\n\n# note\n        ‸", ["def f(self):", "class A("]),
        ("if x:\n    pass\nelse:\n    for y in z:\n        pass\n    ‸", ["else:"]),
        ("x = ‸", []),
    ],
)
def test_a_view_knows_the_blocks_that_it_stands_in(marked, expected):
    assert list(View(request(marked)).heads) == expected


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ('f(d["‸"], b)\nx = 1\n', 'f(d["‸"])\nx = 1\n'),
        ('f(d["‸\nx = 1\n', 'f(d["‸"])\nx = 1\n'),
        ("f(d['ab‸c'], b)\n", "f(d['ab‸'])\n"),
        ("if x == '‸'\n    y = 1\n", "if x == '‸':\n    y = 1\n"),
        ("f('''a ‸\nb''')\n", "f('''a ‸)\nb''')\n"),
        ("f('a', ‸b)\n", "f('a', ‸)\n"),
    ],
)
def test_a_string_that_the_cursor_stands_in_is_closed(marked, expected):
    view = View(request(marked))
    assert view.document[: len(view.before)] + "‸" + view.document[len(view.before) :] == expected
