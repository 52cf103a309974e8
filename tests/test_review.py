"""What is left of a line in which a check finds a fault, and what of it may be shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from fakes import ByteModel, Processor, request

from assistant.ask import Search
from assistant.calls import Call
from assistant.engine import Assistant
from assistant.settings import Settings
from assistant.types import Answer, Completion, CompletionRequest, PostProcessor, Trigger
from plugins.tidy import Tidy


@dataclass(frozen=True)
class Objecting:
    """A check that objects to what a pattern finds."""

    pattern: str
    name: str = "objecting"

    def fault(self, completion: Completion, request: CompletionRequest) -> range | None:
        found = re.search(self.pattern, completion.text)
        return range(found.start(), found.end()) if found else None


def answered(
    asked: CompletionRequest,
    writes: str | Mapping[str, float],
    pattern: str = "wrong",
    processors: Sequence[PostProcessor] = (),
) -> Answer:
    made = Assistant(ByteModel(writes), Settings(min_probability=0.0), (), (), processors, [Objecting(pattern)])
    return made.complete(asked)


def shown(answer: Answer) -> list[tuple[str, int, bool]]:
    return [(each.text, each.replaces, each.is_cut) for each in answer.completions]


def test_on_request_a_line_is_kept_up_to_its_fault():
    assert shown(answered(request("total = ‸"), "basket.fruits.wrong()\n")) == [("basket.fruits", 0, True)]


def test_while_typing_such_a_line_is_left_out():
    asked = replace(request("total = ‸"), trigger=Trigger.AUTOMATIC)
    answer = answered(asked, "basket.fruits.wrong()\n")
    assert answer.completions == ()
    assert answer.reason == "What the model wrote was left out by objecting."


def test_where_nothing_whole_stands_before_the_fault_nothing_is_shown():
    answer = answered(request("total = ‸"), "wrong(1)\n")
    assert answer.completions == ()
    assert answer.reason == "What the model wrote was left out by objecting."


def test_of_a_block_whole_lines_are_kept():
    answer = answered(request("def f():‸"), "\n    a()\n    b = c.wrong()\n")
    assert shown(answer) == [("\n    a()", 0, False)]
    assert shown(answered(request("def f():‸"), "\n    b = c.wrong()\n")) == [("\n    b = c", 0, True)]


def test_what_is_left_is_checked_anew():
    assert shown(answered(request("total = ‸"), "basket.fruits.wrong()\n", "wrong|fruits$")) == [("basket", 0, True)]
    assert answered(request("total = ‸"), "basket.fruits.wrong()\n", "wrong|fruits$|basket$").completions == ()


@pytest.mark.parametrize("pattern", ["wrong", r".\Z"])
def test_a_fault_that_no_cut_takes_away_leaves_nothing(pattern):
    processors = [Processor(lambda text: f"{text}.wrong")]
    assert answered(request("total = ‸"), "basket.fruits\n", pattern, processors).completions == ()


@pytest.mark.parametrize(
    ("marked", "writes", "expected"),
    [
        ("print(‸)", "basket.fruits).add(b.wrong)", ("basket.fruits).add", 1)),
        ("print(‸)", "basket.fruits.wrong())", ("basket.fruits", 0)),
        ("print(‸)", "basket.fruits).wrong()", ("basket.fruits", 0)),
    ],
)
def test_brackets_that_the_user_has_closed_stay_closed(marked, writes, expected):
    asked = request(marked)
    [(text, replaces, _)] = shown(answered(asked, f"{writes}\n", processors=[Tidy()]))
    assert (text, replaces) == expected
    completed = asked.prefix + text + asked.suffix[replaces:]
    assert completed.count("(") == completed.count(")")


def test_what_is_whole_comes_before_what_is_cut():
    answer = answered(request("y = ‸", candidates=3), {"x.wrong\n": 0.8, "z.fine\n": 0.1, "z.good\n": 0.05})
    texts = [(each.text, each.is_cut) for each in answer.completions]
    assert texts == sorted(texts, key=lambda each: each[1])
    assert ("z.fine", False) in texts


def test_what_is_refused_is_not_shown_in_part():
    answer = answered(replace(request("y = ‸"), refused=("basket.fruits",)), "basket.fruits.count()\n", "never")
    assert not any(each.text.startswith("basket") for each in answer.completions)


def test_a_call_is_not_completed_by_a_part_of_its_arguments():
    search = Search((), Call("count(", "count(a, b)"), ())
    part, whole = Completion("a", is_cut=True), Completion("a, c)")
    outlined = search.asked(Answer((part,)))
    assert (outlined.code, "had a fault" in outlined.reason) == ("count(a, b)", True)
    completed = search.asked(Answer((whole, part)))
    assert (completed.code, completed.reason) == ("count(a, c)", "")
