"""A completion from request to answer, with a model of bytes and strangers that fail."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from fakes import BrokenProcessor, BrokenSource, ByteModel, Processor, Source, file, request

from assistant import engine
from assistant.engine import Assistant
from assistant.errors import Cancelled
from assistant.settings import Settings
from assistant.types import ContextSource, Snippet, Trigger
from plugins.open_files import OpenFiles
from retrieval.repository import excluded


def assistant(model: ByteModel | str, sources=(), processors=(), **settings) -> Assistant:
    model = ByteModel(model) if isinstance(model, str) else model
    return Assistant(model, Settings(**settings), sources, (), processors, (), excluded)


def texts(answer) -> list[str]:
    return [completion.text for completion in answer.completions]


def automatic(marked: str, **fields):
    return request(marked, trigger=Trigger.AUTOMATIC, **fields)


def shown(made: Assistant, asked) -> str:
    prompt = made.complete(asked).prompt
    assert prompt is not None
    return made.model.shown(prompt.tokens)


def test_it_completes_a_line():
    answer = assistant("os.listdir(path)\ny = 1\n").complete(request("x = ‸\n"))
    assert texts(answer) == ["os.listdir(path)"]
    assert answer.completions[0].probability == pytest.approx(0.9, abs=0.01)
    assert (answer.reason, answer.inactive, answer.recalled) == ("", False, False)
    assert answer.prompt is not None
    assert answer.evaluated >= len(answer.prompt.tokens)
    assert list(answer.timings) == ["load", "context", "prompt", "decode", "post-process"]


def test_it_completes_a_block_of_so_many_lines():
    made = assistant("\n    a()\n    b()\n    c()\n\nd()\n", max_lines=2)
    assert texts(made.complete(request("def f():‸"))) == ["\n    a()\n    b()"]
    assert texts(assistant("a()\n    b()\n", max_lines=1).complete(request("def f():\n    ‸"))) == ["a()"]


@pytest.mark.parametrize(
    ("asked", "settings", "reason"),
    [
        (request("x = ‸", path=".env"), {}, "secrets"),
        (request("x = ‸", path="server.pem"), {}, "secrets"),
        (automatic("x = ‸", path=".env"), {}, "secrets"),
        (automatic("x = ‸", language="markdown"), {"disabled_languages": ["markdown"]}, "disabled_languages"),
        (automatic("x = ‸", language="rust"), {}, "knows Python only.*rust.*`model`"),
    ],
)
def test_it_stays_out_of_some_files_and_says_why(asked, settings, reason):
    model = ByteModel("value", languages=frozenset({"python", "markdown"} if settings else {"python"}))
    answer = assistant(model, **settings).complete(asked)
    assert answer.inactive
    assert answer.completions == ()
    assert re.search(reason, answer.reason)
    assert (model.evaluated, model.loaded) == (0, False)


def test_it_stays_out_of_data():
    made = assistant("value")
    assert made.complete(request("x" * (engine.MAX_CHARACTERS + 1) + "‸")).inactive
    assert "too large" in made.inactive(request("x" * (engine.MAX_CHARACTERS + 1) + "‸"))
    assert not made.inactive(request("x" * engine.MAX_CHARACTERS + "‸"))


@pytest.mark.parametrize("language", ["rust", "markdown"])
def test_on_request_it_tries_any_language(language):
    made = assistant(ByteModel("value", languages=frozenset({"python"})), disabled_languages=["markdown"])
    assert texts(made.complete(request("x = ‸", language))) == ["value"]


@pytest.mark.parametrize("writes", ["", "\n", "   \n\n"])
def test_nothing_to_add_is_said(writes):
    answer = assistant(writes).complete(request("x = 1‸\ny = 2\n"))
    assert texts(answer) == []
    assert answer.reason == "The model has nothing to add here."
    assert not answer.inactive


def test_a_guess_is_not_shown_while_typing_but_on_request():
    made = assistant(ByteModel("value", probability=0.4), min_probability=0.5)
    answer = made.complete(automatic("x = ‸"))
    assert texts(answer) == []
    assert "less sure than 50%" in answer.reason
    assert texts(made.complete(request("x = ‸"))) == ["value"]


def test_what_post_processors_drop_is_said():
    answer = assistant("value", (), [Processor(lambda text: None)]).complete(request("x = ‸"))
    assert texts(answer) == []
    assert answer.reason == "What the model wrote was left out by processor."


def test_post_processors_work_one_after_the_other():
    processors = [Processor(lambda text: text + "1"), Processor(lambda text: text + "2")]
    assert texts(assistant("value", (), processors).complete(request("x = ‸"))) == ["value12"]


def test_a_post_processor_that_raises_costs_its_own_work_only(caplog):
    processors = [Processor(lambda text: text + "1"), BrokenProcessor(), Processor(lambda text: text + "2")]
    with caplog.at_level(logging.ERROR):
        assert texts(assistant("value", (), processors).complete(request("x = ‸"))) == ["value12"]
    assert "broken_processor" in caplog.text


def test_a_source_that_raises_is_named_and_left_out():
    sources: Sequence[ContextSource] = [BrokenSource(), Source([Snippet("A = 1\n", 0.5, "source", "a.py")])]
    answer = assistant("value", sources).complete(request("x = ‸"))
    assert texts(answer) == ["value"]
    assert "source" in answer.sources
    assert any("broken_source" in reason for reason in answer.prompt.left_out)


def test_candidates_come_best_first_and_each_once():
    model = ByteModel({"first(a)\n": 0.5, "first(b)\n": 0.3, "second\n": 0.15})
    answer = assistant(model).complete(request("x = ‸", candidates=3))
    assert texts(answer) == ["first(a)", "first(b)", "second"]
    assert [one.logprob for one in answer.completions] == sorted(
        (one.logprob for one in answer.completions), reverse=True
    )


def test_of_equal_candidates_the_more_probable_one_is_kept():
    model = ByteModel({"first(a)\n": 0.6, "first(b)\n": 0.3})
    made = assistant(model, (), [Processor(lambda text: text[:5])])
    answer = made.complete(request("x = ‸", candidates=2))
    assert texts(answer) == ["first"]
    assert answer.completions[0].probability > 0.7


def test_typing_along_costs_nothing():
    made = assistant("os.listdir(path)\n")
    made.complete(request("x = ‸\ny = 1\n"))
    before = made.model.evaluated
    answer = made.complete(request("x = os.listdir(‸)\ny = 1\n"))
    assert texts(answer) == ["path)"]
    assert answer.recalled
    assert made.model.evaluated == before
    assert texts(made.recalled(request("x = os.‸\ny = 1\n"))) == ["listdir(path)"]


def test_typing_something_else_asks_the_model_which_reads_only_what_is_new():
    made = assistant(ByteModel({"os.listdir(path)\n": 0.5, "re.compile(text)\n": 0.4}))
    first = made.complete(request("x = ‸\ny = 1\n"))
    assert made.recalled(request("x = re‸\ny = 1\n")) is None
    answer = made.complete(request("x = re‸\ny = 1\n"))
    assert not answer.recalled
    assert texts(answer) == [".compile(text)"]
    assert answer.evaluated < len(first.prompt.tokens) / 2 + len("re.compile(text)\n")


def test_nothing_is_recalled_in_a_file_that_it_stays_out_of():
    made = assistant(ByteModel("value", languages=frozenset({"python"})))
    made.complete(request("x = ‸", "rust"))
    assert made.recalled(replace(request("x = ‸", "rust"), trigger=Trigger.AUTOMATIC)) is None


def test_cancelling_ends_a_completion_while_the_model_reads():
    made, cancelled = assistant("value"), Event()
    made.model.pause()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(made.complete, request("x = ‸"), cancelled)
        assert made.model.reading.wait(10)
        cancelled.set()
        with pytest.raises(Cancelled):
            future.result(10)
    made.model.resume()
    assert texts(made.complete(request("x = ‸"))) == ["value"]


def test_open_files_reach_the_prompt_unless_they_hold_secrets():
    opened = tuple(
        file(path, f"def read_prices(path):\n    return '{path}'\n") for path in ("prices.py", ".env", "key.pem")
    )
    asked = request("def read_prices(path):\n    pass\nread_prices = ‸\n", others=opened)
    prompt = shown(assistant("value", [OpenFiles()]), asked)
    assert "return 'prices.py'" in prompt
    assert ".env" not in prompt
    assert "key.pem" not in prompt


def test_open_files_can_be_kept_out():
    opened = (file("prices.py", "def read_prices(path):\n    return 1\n"),)
    asked = request("def read_prices(path):\n    pass\nread_prices = ‸\n", others=opened)
    assert "prices.py" not in shown(assistant("value", [OpenFiles()], open_files=False), asked)


def test_files_that_git_ignores_are_kept_out(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("private*\n")
    asked = replace(request("x = ‸"), path=tmp_path / "private.py", root=tmp_path)
    answer = assistant("value").complete(asked)
    assert answer.inactive
    assert "private.py is ignored by git" in answer.reason


def test_a_small_context_is_enough_for_a_completion():
    made = assistant(ByteModel("value\n", context_length=512))
    answer = made.complete(request("a = 1\n" * 1000 + "x = ‸\n" + "b = 2\n" * 1000))
    assert texts(answer) == ["value"]
    assert len(answer.prompt.tokens) <= 512 * 3 // 4
