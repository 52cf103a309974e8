"""Writing by a model that shows no logits: monitors bind whether it takes expressions, tells chances, or neither."""

from __future__ import annotations

import math
import re

import pytest
from fakes import ByteModel, Likely, Names, request, writer
from hypothesis import given, settings
from hypothesis import strategies as st
from remote_tools import Obedience, Spoken

from assistant.decoding.decode import Draft
from assistant.decoding.expressions import avoiding, behind, expression, one_of, typed
from assistant.decoding.segments import BEAM, MOST
from assistant.guards import FREE, NAME, AnyOf, Beginning, Guard, Matching, NoneOf, OneOf, View
from assistant.patterns import Masks, accepts

OBEYS, TELLS, NEITHER = (True, 20), (False, 20), (False, 0)
KINDS = pytest.mark.parametrize("kind", [OBEYS, TELLS, (True, 0)], ids=["obeys and tells", "tells", "obeys"])
WISH = {"x.banana(1)\n": 0.6, "x.apple(2)\n": 0.3}


def written(marked: str, writes, kind, *monitors, words=(), **options) -> Draft:
    return writer(request(marked), Spoken(ByteModel(writes, words=words), *kind), monitors, **options).write()


@pytest.mark.parametrize("kind", [OBEYS, TELLS, (True, 0), NEITHER])
def test_it_writes_what_the_model_writes(kind):
    assert written("y = ‸", "os.listdir(path)\n", kind).text == "os.listdir(path)"
    assert written("def f():‸", "\n    a()\n    b()\n\nc()\n", kind).text == "\n    a()\n    b()"
    assert written("y = ‸", "größe('漢😀')\n", kind).text == "größe('漢😀')"


@KINDS
@pytest.mark.parametrize(
    "words",
    [(), (".banana", ".apple"), (".ban", "ana(", ".app", "le("), ("x.", "banana"), ("x.b", "x.a"), (".banana(1)\n",)],
    ids=["bytes", "dot and name", "name and more", "dot at the end", "dot within", "all in one"],
)
def test_a_name_that_is_not_legal_is_not_written_whatever_the_tokens(kind, words):
    text = written("y = ‸", WISH, kind, Names({"apple", "cherry"}), words=words).text
    assert text == "x.apple(2)" if kind[1] else "banana" not in text


@KINDS
@pytest.mark.parametrize("words", [(), (".banana", ".apple"), (".", "apple")])
def test_the_dot_may_stand_before_the_cursor(kind, words):
    writes = {".banana(1)\n": 0.6, ".apple(2)\n": 0.3}
    assert written("y = x.‸", writes, kind, Names({"apple", "cherry"}), words=words).text == "apple(2)"


@KINDS
@pytest.mark.parametrize("words", [(), (".banana", ".apple", ".appendix", "ple(")])
def test_the_cursor_may_stand_within_the_name(kind, words):
    writes = {".appendix(1)\n": 0.6, ".apple(2)\n": 0.3}
    assert written("y = x.app‸", writes, kind, Names({"apple", "cherry"}), words=words).text == "le(2)"


@KINDS
def test_a_name_is_not_cut_short_or_made_longer(kind):
    monitor = Names({"apple"})
    assert written("y = x.‸", {".apple_pie\n": 0.7, ".apple + 1\n": 0.2}, kind, monitor).text == "apple + 1"
    assert written("y = x.‸", {".app(1)\n": 0.7, ".apple + 1\n": 0.2}, kind, monitor).text == "apple + 1"


def test_a_name_is_chosen_by_the_probability_of_the_whole():
    """The beginning `host` is the most probable one, its only legal end is not."""
    writes = {".host(1)\n": 0.5, ".hostName(2)\n": 0.01, ".port(3)\n": 0.3}
    words = (".host", "Name", ".port")
    assert written("y = x.‸", writes, OBEYS, Names({"hostName", "port"}), words=words).text == "port(3)"


def test_what_is_sure_from_the_start_is_asked_for_at_once():
    model = Spoken(ByteModel({".banana(1)\n": 0.6, ".apple(2)\n": 0.3}))
    assert writer(request("y = x.app‸"), model, [Names({"apple"})]).write().text == "le(2)"
    assert len(model.orders) == 1
    assert model.orders[0].expression == typed(".app", one_of(["le"]))


def test_what_no_monitor_minds_is_asked_for_once():
    model = Spoken(ByteModel("x.apple(2)\n"))
    assert writer(request("y = ‸"), model, [Names({"apple", "cherry"})]).write().text == "x.apple(2)"
    assert len(model.orders) == 1


def test_what_holds_mostly_by_itself_is_asked_for_only_where_it_does_not():
    class Listed:
        """Lets names that come behind `(` be one of some."""

        name, triggers = "listed", "("

        def guard(self, view: View) -> Guard:
            return Beginning(NAME, AnyOf(frozenset({"apple"}))) if view.before.endswith("(") else FREE

    for word, orders in (("apple", 1), ("pear", 2)):
        model = Spoken(ByteModel({f"f({word})\n": 0.6, "f(apple, 1)\n": 0.2}), told=0)
        assert "apple" in writer(request("f‸"), model, [Listed()]).write().text
        assert [bool(order.expression) for order in model.orders[1:]] == [True] * (orders - 1)


def test_a_model_that_keeps_writing_what_is_wrong_is_not_asked_for_ever():
    class Suspicious:
        """Minds most of what is written."""

        name, triggers = "suspicious", "."

        def guard(self, view: View) -> Guard:
            return NoneOf(frozenset("abcdef")) if view.before.endswith(".") else FREE

    model = Spoken(ByteModel({"." + "ag.bg.cg.dg.eg.fg." * 9: 0.6, "." + "g." * 80: 0.3}), obeys=False)
    writing = writer(request("y = x‸"), model, [Suspicious()])
    writing.write()
    assert len(model.orders) <= MOST + BEAM


def test_a_line_ends_by_itself_and_a_block_when_it_is_over():
    model = Spoken(ByteModel("a()\nb()\n"))
    writer(request("y = ‸"), model).write()
    assert model.orders[0].line
    writer(request("def f():‸"), model).write()
    assert not model.orders[-1].line


def test_draws_serve_where_nothing_else_does():
    writes = {"x.banana\n": 0.5, "x.apple\n": 0.45}
    texts = [written("y = x.‸", {text[1:]: p for text, p in writes.items()}, NEITHER, Names({"apple"})).text]
    assert texts in (["apple"], [""])
    assert "banana" not in written("y = ‸", writes, NEITHER, Names({"apple"})).text


def test_where_nothing_legal_is_probable_the_model_goes_back_to_its_other_way():
    draft = written("y = ‸", {"x.banana(1)\n": 0.5, "call(2)\n": 0.4}, OBEYS, Names({"cherry"}))
    assert (draft.text, draft.abandoned) == ("call(2)", "")


def test_other_candidates_are_guarded_too():
    model = Spoken(ByteModel({"x.apple\n": 0.4, "x.banana\n": 0.3, "x.cherry\n": 0.2}))
    writing = writer(request("y = ‸"), model, [Names({"apple", "cherry"})])
    assert [draft.text for draft in writing.others(writing.write(), 1)] == ["x.cherry"]


@pytest.mark.parametrize("kind", [OBEYS, TELLS])
def test_what_was_wrong_is_not_written_again(kind):
    model = Spoken(ByteModel({"x.banana(1)\n": 0.5, "x.apple(2)\n": 0.3, "x.cherry(3)\n": 0.15}), *kind)
    writing = writer(request("y = ‸"), model)
    first = writing.write()
    second = writing.mended(first, range(2, 8))
    third = writing.mended(second, range(2, 7))
    assert [first.text, second.text, third.text] == ["x.banana(1)", "x.apple(2)", "x.cherry(3)"]


LIKELY = {"x.add(1)\n": 0.5, "x.all(2)\n": 0.3}
EITHER = Names({"add", "all"})


@pytest.mark.parametrize("marked", ["y = ‸", "y = x.‸", "y = x.a‸"])
@pytest.mark.parametrize("words", [(".add", ".all"), (".a", "dd", "ll")])
def test_a_prior_weighs_the_names_that_are_legal(marked, words):
    """0.5 · e^-2 is less than 0.3."""

    def text(*priors: Likely) -> str:
        head = 0 if marked == "y = ‸" else 1
        writes = {text[head:]: chance for text, chance in LIKELY.items()}
        return marked.rstrip("‸") + written(marked, writes, OBEYS, EITHER, words=words, priors=priors).text

    assert text() == "y = x.add(1)"
    assert text(Likely({"add": -0.1})) == "y = x.add(1)"
    assert text(Likely({"add": -2.0})) == "y = x.all(2)"


def test_a_ruling_tells_what_was_refused():
    draft = written("y = ‸", WISH, OBEYS, Names({"apple", "cherry"}), words=(".banana", ".apple"))
    [ruling] = [ruling for ruling in draft.rulings if ruling.refused]
    assert (ruling.monitors, ruling.place, ruling.refused) == (("names",), "y = x", (".banana",))
    assert ruling.mass == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("marked", ["y = ‸", "y = x.‸", "y = x.a‸"])
def test_the_probability_is_that_of_the_same_model_with_logits(marked):
    writes = {"x.banana(1)\n": 0.2, "x.apple(2)\n": 0.7}
    writes = writes if marked == "y = ‸" else {text[1:]: chance for text, chance in writes.items()}
    local = writer(request(marked), ByteModel(writes), [Names({"apple"})]).write()
    told = written(marked, writes, OBEYS, Names({"apple"}))
    assert told.text == local.text
    assert math.exp(told.logprob) == pytest.approx(math.exp(local.logprob), abs=0.05)


NAMES = st.text("abé_", min_size=1, max_size=5)


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(NAMES, st.floats(0.05, 1), min_size=1, max_size=6), st.frozensets(NAMES, min_size=1), st.data())
def test_no_name_is_written_that_is_not_legal(names, legal, data):
    whole, marked = sum(names.values()), data.draw(st.sampled_from(["y = ‸", "y = x.‸"]))
    kind = data.draw(st.sampled_from([OBEYS, TELLS, (True, 0), NEITHER]))
    words = data.draw(st.lists(NAMES.map(lambda name: f".{name}"), max_size=3, unique=True))
    head = "x." if marked == "y = ‸" else "."
    writes = {f"{head}{name}(1)\n": chance / whole * 0.9 for name, chance in names.items()}
    draft = written(marked, writes, kind, Names(legal), words=words)
    line = marked.rstrip("‸") + draft.text
    assert all(name in legal for name in re.findall(r"\.(\w+)", line))


# guards as expressions


def matches(pattern: str, text: str) -> bool:
    assert bool(re.fullmatch(pattern, text)) == accepts(pattern, text)
    return accepts(pattern, text)


TEXTS = st.text("ab_é(]\"' .\n", max_size=6)


@settings(deadline=None, max_examples=200)
@given(st.frozensets(st.text('ab_]".', min_size=1, max_size=4), min_size=1, max_size=5), TEXTS)
def test_expressions_of_texts_say_what_guards_do(texts, text):
    """But for letters that are not ASCII behind a name, which an expression takes for its end."""
    guard: Guard | None = OneOf(texts).after(text)
    over = guard is not None and (guard.is_free or guard.may_end)
    found = matches(one_of(texts), text)
    assert found == over or (found and "é" in text)
    refused = NoneOf(frozenset(texts)).after(text) is None
    assert matches(avoiding(texts), text) != refused


@pytest.mark.parametrize(
    ("guards", "right", "wrong"),
    [
        ([OneOf.names({"append", "apply", "get"})], ["append", "apply(1)", "get\n"], ["app", "gets", "", "("]),
        ([OneOf.names({"a", "b"}), OneOf.names({"b", "c"})], ["b", "b("], ["a", "c"]),
        ([AnyOf(frozenset({"apple"}), "ap")], ["ple", "ple("], ["apple", "p"]),
        ([Matching("[0-9]{2}")], ["12", "12)"], ["1", "123", "x"]),
        ([Beginning(NAME, OneOf.names({"apple"}))], ["apple", "(", "1", '"x"', ""], ["pear", "app"]),
        ([Beginning(r"[\"'\d]", OneOf(frozenset({'"a"'})))], ['"a"', "name", ""], ['"b"', "1"]),
        ([NoneOf(frozenset({"ab", "c("}))], ["a", "ac", "c", "c)"], ["ab", "abc", "c(x"]),
        ([FREE, OneOf.names({"a.b*"})], ["a.b*", "a.b*c"], ["axb", "a.b"]),
    ],
)
def test_guards_become_expressions(guards, right, wrong):
    pattern = expression(guards)
    assert [text for text in (*right, *wrong) if matches(pattern, text)] == right


def test_what_cannot_be_said_or_is_too_much_is_not_sent():
    class Own:
        may_end, is_free = True, False

        def after(self, text):
            return self

    assert expression([Own()]) == ""
    assert expression([OneOf.names({f"name{number}" for number in range(5000)})]) == ""
    assert expression([Matching("[0-9]{2}", "1")]) == ""


def test_behind_a_head_a_guard_holds_and_elsewhere_nothing_does():
    pattern = behind(".", one_of(["apple"]))
    assert [text for text in (".apple", ".apple(", " + 1", "", ".pear", ".") if matches(pattern, text)] == [
        ".apple",
        ".apple(",
        " + 1",
        "",
    ]


def test_a_pattern_may_begin_with_what_must_come():
    pieces = [*(bytes([byte]) for byte in range(256)), b"", b"ab", b"abb"]
    assert Masks(pieces, 256).allowed("ab+", "").tolist() == [ord("a"), 257, 258]


def test_the_fakes_obey():
    rule = Obedience(ByteModel(), "ab")
    row = rule.masked(ByteModel("zz").logits([256])[0])
    assert row.argmax() == ord("a")


def test_a_guard_of_a_strangers_own_binds_too():
    class NoBackslash:
        name, triggers, may_end, is_free = "no_backslash", "(", True, False

        def guard(self, view: View) -> Guard:
            return self

        def after(self, text: str) -> Guard | None:
            return None if "\\" in text else self

    assert written("y = ‸", {"f(\\a)\n": 0.6, "f(a)\n": 0.3}, OBEYS, NoBackslash()).text == "f(a)"
