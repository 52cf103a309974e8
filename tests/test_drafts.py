"""On request the model writes a second time where a source finds other context for its first draft."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from threading import Event
from types import SimpleNamespace

import pytest
from fakes import ByteModel, Source, request

from assistant.engine import Assistant
from assistant.errors import Cancelled
from assistant.settings import Settings
from assistant.types import NEVER, Answer, CompletionRequest, ContextSource, Snippet, Trigger

HELP = "def count_fruits(basket): ...\n"


class Reader(ByteModel):
    """A model that writes something else, `helped`, where its prompt shows the help."""

    def __init__(self, writes: str, helped: str) -> None:
        super().__init__(writes)
        self._without, self._helped = self._texts, {helped: 0.9}

    def logits(self, tokens, last=1, cancelled=NEVER):
        self._texts = self._helped if HELP.strip() in self.shown(tokens) else self._without
        return super().logits(tokens, last, cancelled)


@dataclass
class Like:
    """A source that has help for some drafts, and remembers which it was asked with."""

    draft: str
    wants_draft: bool = True
    name: str = "like"
    drafts: list[str] = field(default_factory=list)
    when_asked: Callable[[str], None] = lambda draft: None

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]:
        self.drafts.append(request.draft)
        self.when_asked(request.draft)
        return [Snippet(HELP, 0.9, self.name, "count.py")] if request.draft == self.draft else []


def assistant(source: ContextSource, model: ByteModel | None = None) -> Assistant:
    return Assistant(model or Reader("len(basket)\n", "count_fruits(basket)\n"), Settings(), [source])


def texts(answer: Answer) -> list[str]:
    return [completion.text for completion in answer.completions]


def test_what_is_found_for_a_draft_leads_to_another_completion():
    source, told = Like("len(basket)"), list[str]()
    answer = assistant(source).complete(request("n = ‸"), tell=told.append)
    assert texts(answer) == ["count_fruits(basket)"]
    assert source.drafts == ["", "len(basket)"]
    assert "like" in answer.sources
    assert "decode again" in answer.timings
    assert "len(basket)" in told


def test_a_draft_begins_at_the_cursor():
    source = Like("n(basket)")
    assert texts(assistant(source).complete(request("n = le‸"))) != []
    assert source.drafts == ["", "n(basket)"]


def test_where_nothing_else_is_found_it_is_written_once():
    source = Like("something else")
    made = assistant(source)
    answer = made.complete(request("n = ‸"))
    assert texts(answer) == ["len(basket)"]
    assert source.drafts == ["", "len(basket)"]
    assert answer.evaluated == assistant(Source()).complete(request("n = ‸")).evaluated


def test_while_typing_there_is_no_second_time():
    source = Like("len(basket)")
    answer = assistant(source).complete(replace(request("n = ‸"), trigger=Trigger.AUTOMATIC))
    assert (texts(answer), source.drafts) == (["len(basket)"], [""])


def test_sources_that_want_no_draft_are_asked_once():
    source = Like("len(basket)", wants_draft=False)
    assert texts(assistant(source).complete(request("n = ‸"))) == ["len(basket)"]
    assert source.drafts == [""]


@pytest.mark.parametrize("writes", ["", "\n"])
def test_nothing_is_looked_for_where_nothing_was_written(writes):
    source = Like(writes)
    assert assistant(source, Reader(writes, "count_fruits(basket)\n")).complete(request("n = 1‸")).completions == ()
    assert source.drafts == [""]


def test_a_draft_stays_where_the_second_time_brings_nothing():
    made = assistant(Like("len(basket)"), Reader("len(basket)\n", "\n"))
    assert texts(made.complete(request("n = ‸"))) == ["len(basket)"]


def test_there_is_a_second_time_but_no_third():
    source = Like("len(basket)")
    assistant(source).complete(request("n = ‸"))
    assert len(source.drafts) == 2


def test_cancelling_ends_the_second_time():
    cancelled = Event()
    source = Like("len(basket)", when_asked=lambda draft: cancelled.set() if draft else None)
    with pytest.raises(Cancelled):
        assistant(source).complete(request("n = ‸"), cancelled)


def test_past_the_deadline_the_draft_stays(monkeypatch):
    passed = Event()
    clock = SimpleNamespace(monotonic=lambda: math.inf if passed.is_set() else 0.0)
    monkeypatch.setattr("assistant.decoding.decode.time", clock)
    source = Like("len(basket)", when_asked=lambda draft: passed.set() if draft else None)
    assert texts(assistant(source).complete(request("n = ‸"))) == ["len(basket)"]
    assert passed.is_set()


def test_a_second_time_that_is_not_over_in_time_leaves_the_draft_as_it_is(monkeypatch):
    passed = Event()
    clock = SimpleNamespace(monotonic=lambda: math.inf if passed.is_set() else 0.0)
    monkeypatch.setattr("assistant.decoding.decode.time", clock)
    first, second = "\n    a = 1\n    return a", "\n    c = 3\n    return c"
    made = assistant(Like(first), Reader(f"{first}\n\n", f"{second}\n\n"))
    answer = made.complete(request("def f():‸"), tell=lambda text: passed.set() if "c = 3\n" in text else None)
    assert passed.is_set()
    assert texts(answer) == [first]
