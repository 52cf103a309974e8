"""Error rounds: what a check objects to is written anew, and what was wrong does not come back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import pytest
from fakes import ByteModel, Names, Processor, request, writer
from hypothesis import given, settings
from hypothesis import strategies as st
from language_server_tools import LONG

from assistant.analysis import Analysis
from assistant.decoding.decode import NoneOf
from assistant.engine import Assistant
from assistant.errors import Cancelled
from assistant.guards import FREE
from assistant.knowledge import Knowledge
from assistant.lsp_holes import resolve_errors
from assistant.rounds import ROUNDS, first_fault
from assistant.settings import Settings
from assistant.show import out, show_answer
from assistant.types import Answer, Check, Completion, CompletionRequest, Trigger
from language_servers.servers import Servers
from plugins.checker import Checker

FRUITS = {"x.banana(1)\n": 0.5, "x.apple(2)\n": 0.3, "x.cherry(3)\n": 0.15}
PAST = -1.0
"""A deadline that is over."""


@dataclass
class Wrong:
    """A check that objects to some words, and counts what it is asked about."""

    words: Sequence[str]
    name: str = "wrong"

    def __post_init__(self) -> None:
        self.seen: list[str] = []

    def fault(self, completion: Completion, request: CompletionRequest) -> range | None:
        self.seen.append(completion.text)
        found = re.search("|".join(self.words), completion.text)
        return range(found.start(), found.end()) if found else None

    def report(self, completion: Completion, request: CompletionRequest) -> str:
        return "\n".join(f"no {word}" for word in re.findall("|".join(self.words), completion.text))


@dataclass
class Wordless:
    """A check that does not say in words what is wrong."""

    wrong: Wrong
    name: str = "wordless"

    def fault(self, completion: Completion, request: CompletionRequest) -> range | None:
        return self.wrong.fault(completion, request)


def assistant(writes: str | Mapping[str, float], *checks: Check, processors: Sequence[Processor] = ()) -> Assistant:
    return Assistant(ByteModel(writes), Settings(min_probability=0.0), (), (), processors, checks)


def texts(answer: Answer) -> list[str]:
    return [completion.text for completion in answer.completions]


def automatic(marked: str) -> CompletionRequest:
    return replace(request(marked), trigger=Trigger.AUTOMATIC)


# what is written instead


def test_what_was_wrong_is_not_written_again():
    writing = writer(request("y = ‸"), ByteModel(FRUITS))
    first = writing.write()
    second = writing.mended(first, range(2, 8))
    third = writing.mended(second, range(2, 7))
    assert [first.text, second.text, third.text] == ["x.banana(1)", "x.apple(2)", "x.cherry(3)"]
    assert first.logprob > second.logprob > third.logprob


@settings(deadline=None, max_examples=25)
@given(
    st.dictionaries(st.text("abé", min_size=1, max_size=5), st.floats(0.05, 1), min_size=1, max_size=6),
    st.booleans(),
)
def test_however_often_it_is_mended_no_text_comes_twice(names, is_listed):
    whole = sum(names.values())
    model = ByteModel({f"x.{name}\n": chance / whole * 0.95 for name, chance in names.items()})
    writing = writer(request("y = ‸"), model, [Names(frozenset(names))] if is_listed else [])
    draft, seen = writing.write(), list[str]()
    while draft and draft.text.strip() and len(seen) < 6:
        assert draft.text not in seen
        assert not writing.has_refused(draft)
        seen.append(draft.text)
        draft = writing.mended(draft, range(len(draft.text)))
    assert seen


def test_a_fault_that_the_model_had_no_other_way_at_stays():
    writing = writer(request("y = ‸"), ByteModel(FRUITS))
    assert writing.mended(writing.write(), range(0)) is None


def test_past_the_deadline_nothing_is_written_anew():
    draft = writer(request("y = ‸"), ByteModel(FRUITS)).write()
    assert writer(request("y = ‸"), ByteModel(FRUITS), deadline=PAST).mended(draft, range(2, 8)) is None


@pytest.mark.parametrize(
    ("refused", "text", "expected"),
    [
        ({"ab"}, "a", NoneOf(frozenset({"b"}))),
        ({"ab"}, "ab", None),
        ({"ab"}, "abc", None),
        ({"ab"}, "ac", FREE),
        ({"ab", "ac"}, "a", NoneOf(frozenset({"b", "c"}))),
        ({"a", "bc"}, "b", NoneOf(frozenset({"c"}))),
    ],
)
def test_what_is_refused_is_known_by_its_beginning(refused, text, expected):
    assert NoneOf(frozenset(refused)).after(text) == expected


@pytest.mark.parametrize(
    ("marked", "before", "refused"), [("y = ‸", "", "x.banana"), ("y = x.‸", "x", "banana"), ("y = x.ba‸", "x", "nana")]
)
def test_a_request_may_refuse_texts_at_its_cursor(marked, before, refused):
    made = assistant({text.removeprefix(before): chance for text, chance in {**FRUITS, "x.basil\n": 0.04}.items()})
    first = texts(made.complete(request(marked)))
    answer = made.complete(replace(request(marked), refused=(refused,)))
    assert first[0].startswith(refused)
    assert answer.completions
    assert not answer.completions[0].text.startswith(refused)
    assert texts(made.complete(request(marked))) == first, "what was refused once is not remembered"


# rounds


def test_on_request_it_takes_two_rounds_and_says_what_for():
    answer = assistant(FRUITS, Wrong(["banana", "apple"])).complete(request("y = ‸"))
    assert texts(answer) == ["x.cherry(3)"]
    assert answer.rounds == ("no banana", "no apple")
    assert "error rounds" in answer.timings
    assert answer.completions[0].guards == ("error round",)


def test_the_first_without_a_fault_is_shown():
    check = Wrong(["banana"])
    answer = assistant(FRUITS, check).complete(request("y = ‸"))
    assert (texts(answer), answer.rounds) == (["x.apple(2)"], ("no banana",))
    assert not any("cherry" in text for text in check.seen)


def test_what_is_right_at_once_takes_no_round():
    answer = assistant(FRUITS, Wrong(["cherry"])).complete(request("y = ‸"))
    assert (texts(answer), answer.rounds) == (["x.banana(1)"], ())
    assert "error rounds" not in answer.timings


def test_while_typing_it_is_written_anew_once_where_nothing_else_is_left():
    assert texts(assistant(FRUITS, Wrong(["banana"])).complete(automatic("y = ‸"))) == ["x.apple(2)"]
    answer = assistant(FRUITS, Wrong(["banana", "apple"])).complete(automatic("y = ‸"))
    assert (texts(answer), answer.rounds) == ([], ())
    assert answer.reason == "What the model wrote was left out by wrong."
    block = {"\n    a()\n    x.banana(1)\n": 0.6, "\n    a()\n    x.apple(2)\n": 0.3}
    assert texts(assistant(block, Wrong(["banana"])).complete(automatic("def f():‸"))) == ["\n    a()"]
    assert texts(assistant(block, Wrong(["banana"])).complete(request("def f():‸"))) == ["\n    a()\n    x.apple(2)"]


def test_after_the_last_round_the_best_is_cut_before_its_fault():
    check = Wrong(["bad"])
    writes = {"\n    a()\n    bad()\n    bad()\n": 0.5, "\n    a()\n    c()\n    bad()\n": 0.3, "\n    bad()\n": 0.1}
    answer = assistant(writes, check).complete(request("def f():‸"))
    assert texts(answer) == ["\n    a()\n    c()"]
    assert answer.rounds[0] == "no bad\nno bad"
    assert len(answer.rounds) == ROUNDS


def test_every_candidate_has_its_rounds_but_not_for_what_is_known_to_be_wrong():
    writes = {"x.banana(1)\n": 0.4, "x.banana(2)\n": 0.2, "z.banana\n": 0.18, "x.apple(2)\n": 0.1, "z.plum\n": 0.08}
    answer = assistant(writes, Wrong(["banana"])).complete(request("y = ‸", candidates=2))
    assert set(texts(answer)) == {"x.apple(2)", "z.plum"}
    assert answer.rounds == ("no banana", "no banana")


def test_a_check_without_words_is_told_by_what_it_objects_to():
    answer = assistant(FRUITS, Wordless(Wrong(["banana"]))).complete(request("y = ‸"))
    assert answer.rounds == ("not right: banana",)


def test_what_post_processors_drop_is_no_way_out():
    made = assistant(FRUITS, Wrong(["banana"]), processors=[Processor(lambda text: None if "apple" in text else text)])
    answer = made.complete(request("y = ‸"))
    assert texts(answer) == ["x.cherry(3)"]
    assert answer.rounds == ("no banana", "no banana")


def test_cancelling_ends_the_rounds():
    cancelled = Event()

    class Hurried(Wrong):
        def fault(self, completion, request):
            cancelled.set()
            return super().fault(completion, request)

    with pytest.raises(Cancelled):
        assistant(FRUITS, Hurried(["banana"])).complete(request("y = ‸"), cancelled)


def test_explaining_tells_the_rounds():
    answer = assistant(FRUITS, Wrong(["banana"])).complete(request("y = ‸"))
    with out.capture() as captured:
        show_answer(request("y = ‸"), answer, explain=True)
    assert "error round 1:\n  no banana" in captured.get()


# with a real server

SHOP = """class Basket:
    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.fruits: list[str] = []

    def add(self, fruit: str, count: int) -> None: ...


def show(basket: Basket) -> None:
    ‸
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def analysis(root: Path) -> Iterator[Analysis]:
    """Asks a real server, which knows the shop, for as long as it takes."""
    made = Analysis(Servers(), deadline=LONG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plugins.checker.BUDGET", LONG)
        made.open(at(root, SHOP), LONG)
        yield made
    made.close()


def at(root: Path, marked: str) -> CompletionRequest:
    return CompletionRequest(root / "shop.py", "python", marked.replace("‸", ""), marked.index("‸"), root=root)


def checked(analysis: Analysis, writes: str | Mapping[str, float]) -> Assistant:
    return Assistant(
        ByteModel(writes), Settings(), (), (), (), [Checker(analysis)], knowledge=Knowledge.of(analysis, Settings())
    )


def resolving(analysis: Analysis, root: Path, writes: str | Mapping[str, float], snippet: str) -> dict[str, object]:
    made = checked(analysis, writes)

    async def complete(asked: CompletionRequest) -> Answer:
        return await asyncio.to_thread(made.complete, asked)

    return asyncio.run(resolve_errors(analysis, complete, at(root, SHOP), snippet))


def test_an_unknown_member_becomes_a_known_one(analysis, root):
    writes = {"print(basket.apples)\n": 0.5, "print(basket.pears)\n": 0.3, "print(basket.fruits)\n": 0.1}
    answer = checked(analysis, writes).complete(at(root, SHOP))
    assert texts(answer) == ["print(basket.fruits)"]
    assert [errors.split(":")[0] for errors in answer.rounds] == ["line 10", "line 10"]
    assert "apples" in answer.rounds[0]
    assert "pears" in answer.rounds[1]


def test_missing_arguments_are_given_in_a_round(analysis, root):
    writes = {'basket.add("kiwi")\n': 0.6, 'basket.add("kiwi", 2)\n': 0.3}
    answer = checked(analysis, writes).complete(at(root, SHOP))
    assert texts(answer) == ['basket.add("kiwi", 2)']
    assert "count" in answer.rounds[0]


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        ("print(basket.apples)", range(13, 19)),
        ('basket.add("kiwi", "two")', range(19, 24)),
        ('basket.add("kiwi")', range(11, 18)),
        ('basket.add("(")', range(11, 15)),
        ("Basket()", range(7, 8)),
        ("print(basket.owner)", None),
        ("print(basket.owner)\n    print(basket.apples)", range(37, 43)),
    ],
)
def test_the_first_fault_of_a_snippet_is_found(analysis, root, snippet, expected):
    assert first_fault(analysis, at(root, SHOP), snippet, 0, LONG) == expected


def test_a_snippet_is_kept_up_to_its_fault(analysis, root):
    found = resolving(analysis, root, {".apples)\n": 0.6, ".owner)\n": 0.3}, "print(basket.apples)")
    assert found["snippet"] == "print(basket.owner)"
    context = found["context"]
    assert context["errors"] == ""
    assert context["rounds"] == [context["resolved"]]
    assert "apples" in context["resolved"]


def test_a_wrong_type_is_refused_though_no_check_objects_to_it(analysis, root):
    writes = {' "two")\n': 0.6, " 2)\n": 0.3}
    found = resolving(analysis, root, writes, 'basket.add("kiwi", "two")')
    assert found["snippet"] == 'basket.add("kiwi", 2)'
    assert "expected int" in found["context"]["resolved"]


def test_a_snippet_that_cannot_be_mended_is_completed_anew(analysis, root):
    found = resolving(analysis, root, {".pears\n": 0.9, "print(basket.owner)\n": 0.8}, "basket.apples")
    assert found["snippet"] == "print(basket.owner)"
    assert len(found["context"]["rounds"]) == 1


def test_what_nothing_better_is_found_for_comes_back_with_its_errors(analysis, root):
    found = resolving(analysis, root, "basket.apples\n", "basket.apples")
    assert found["snippet"] == "basket.apples"
    assert "apples" in found["context"]["errors"]


def test_a_right_snippet_takes_no_round(analysis, root):
    found = resolving(analysis, root, "nothing\n", "print(basket.owner)")
    context = {"replaces": 0, "errors": "", "resolved": "", "rounds": []}
    assert found == {"snippet": "print(basket.owner)", "context": context}
