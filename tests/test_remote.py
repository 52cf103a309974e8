"""Models that servers run: what they are found to be, what they are sent, and what happens when they fail."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from command import ghostwright
from fakes import ByteModel, Names, request
from fastapi import FastAPI
from fastapi.responses import JSONResponse, RedirectResponse
from remote_tools import LONG, QUICK, Proxy, free_port, llama_cpp_server, remote, served, until, vllm

from assistant.app import assemble
from assistant.cancellation import Cancellation
from assistant.doctor import Check, examine
from assistant.engine import Assistant
from assistant.errors import Cancelled, ModelError, ServerError, SettingsError
from assistant.guards import FREE, Guard, View
from assistant.session import Session
from assistant.settings import Settings, load
from assistant.status import Kind
from assistant.types import CompletionRequest, Trigger
from plugins.llama_cpp import WEIGHTS, LlamaCpp
from plugins.remote.model import Address, RemoteModel
from plugins.remote.prompts import BY_SERVER
from plugins.remote.reasons import reason

QWEN = "Qwen/Qwen2.5-Coder-7B"
FRUITS = {"x.banana(1)\n": 0.6, "x.apple(2)\n": 0.3}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bytes_model(writes="x.apple(2)\n", **options) -> ByteModel:
    return ByteModel(writes, format="qwen2.5-coder", **options)


def opened(stack: ExitStack, *urls: str, **options) -> RemoteModel:
    model = remote(*urls, **options)
    stack.callback(model.unload)
    return model


def examine_with(settings: Path) -> list[Check]:
    """What the doctor finds with a user's settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GHOSTWRIGHT_CONFIG", str(settings))
        return examine(settings.parent)


def completed(model, marked="y = ‸", monitors=(), stand_in=None, **settings) -> list[str]:
    answer = Assistant(model, Settings(**settings), (), monitors, stand_in=stand_in).complete(request(marked))
    return [completion.text for completion in answer.completions]


# a real server: llama-cpp-python's, with the embedded model


@pytest.fixture(scope="module")
def llama_cpp() -> Iterator[str]:
    with llama_cpp_server("--logits_all", "true") as url:
        yield url


@pytest.fixture(scope="module")
def remote_58m(llama_cpp) -> Iterator[RemoteModel]:
    model = remote(llama_cpp)
    yield model
    model.unload()


@pytest.fixture(scope="module")
def local_58m() -> LlamaCpp:
    return LlamaCpp(WEIGHTS)


def test_a_server_is_found_to_be_what_it_is(remote_58m):
    assert remote_58m.format.name == "ghostwright"
    assert remote_58m.obeys
    assert remote_58m.tells
    assert remote_58m.name.startswith("ghostwright-python-58m.Q5_K_M.gguf at 127.0.0.1:")


@dataclass
class Members(Names):
    """Lets only some names follow a dot, in code."""

    def guard(self, view: View) -> Guard:
        return super().guard(view) if view.in_code else FREE


EXAMPLES = [
    ("import os\n\ndef f(path):\n    names = os.li‸\n", {"listdir", "getcwd"}),
    ("import os\n\ndef f(path):\n    return os.‸\n", {"listdir", "getcwd"}),
    ("import os\n\ndef f(path):\n    return os‸\n", {"getcwd"}),
    ("class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.‸", {"x", "y"}),
    ("def area(width, height):\n    return ‸\n", {}),
    ("def total(items):\n    total = 0\n    for item in items:\n        ‸\n", {}),
    (
        "class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n        self.‸",
        {"items"},
    ),
    ("import json\n\ndef read(path):\n    with open(path) as file:\n        return json‸\n", {"load", "loads"}),
]


def test_the_same_weights_write_nearly_the_same_here_and_there(local_58m, remote_58m):
    def written(model, marked, names) -> tuple[str, float]:
        [best] = (
            Assistant(model, Settings(), (), [Members(names)] if names else ()).complete(request(marked)).completions
        )
        return best.text, best.probability

    here = [written(local_58m, *example) for example in EXAMPLES]
    there = [written(remote_58m, *example) for example in EXAMPLES]
    same = [one for one, other in zip(here, there, strict=True) if one[0] == other[0]]
    assert len(same) >= len(EXAMPLES) - 1, (here, there)
    assert all(abs(one[1] - other[1]) < 0.2 for one, other in zip(here, there, strict=True) if one[0] == other[0])


def test_monitors_bind_a_real_server(remote_58m):
    [text] = completed(remote_58m, "import os\n\ndef f(path):\n    return os.‸\n", [Names({"getpid", "umask"})])
    assert text.startswith(("getpid", "umask"))


def test_the_whole_assistant_works_on_a_real_server(llama_cpp):
    """With language servers and all plugins it completes as it does with the same weights here."""
    place = "orders.py:17:39"
    here = ghostwright("complete", f"examples/{place}", "--json").json
    there = ghostwright("complete", f"examples/{place}", "--json", "--model", f"remote:{llama_cpp}").json
    assert (there["text"], there["sources"]) == (here["text"], here["sources"])
    assert there["probability"] == pytest.approx(here["probability"], abs=0.2)
    assert there["candidates"][0]["guards"] == here["candidates"][0]["guards"] == ["members"]


def test_a_prompt_is_given_up_when_it_is_not_wanted_any_more(remote_58m):
    cancelled = Cancellation()
    cancelled.set()
    with pytest.raises(Cancelled):
        Assistant(remote_58m, Settings()).complete(request("y = ‸"), cancelled)
    assert completed(remote_58m, "import os\nx = os.path.jo‸\n")[0].startswith("in(")


# servers of vLLM's shape


@pytest.mark.parametrize(("rule", "told"), [("structured_outputs", 20), ("guided_regex", 5), ("nothing", 20)])
def test_monitors_bind_whatever_the_server_can_do(stack, rule, told):
    app = vllm(bytes_model(FRUITS), rule=rule, told=told)
    model = opened(stack, stack.enter_context(served(app)))
    assert completed(model, "y = ‸", [Names({"apple", "cherry"})]) == ["x.apple(2)"]
    assert model.obeys == (rule != "nothing")
    expressions = [body[rule] for body in app.state.asked if rule in body]
    assert bool(expressions) == model.obeys


def test_the_prompt_is_made_here(stack):
    app = vllm(bytes_model("value\n"))
    model = opened(stack, stack.enter_context(served(app)))
    assert model.format.name == "qwen2.5-coder"
    completed(model, "a = 1\nx = ‸\nz = 3\n")
    prompt = app.state.asked[-1]["prompt"]
    assert prompt.startswith("<|repo_name|>shop\n<|file_sep|>app.py\n<|fim_prefix|>a = 1\nx =<|fim_suffix|>")
    assert prompt.endswith("z = 3\n<|fim_middle|>")
    assert app.state.asked[-1]["model"] == QWEN


def test_special_tokens_in_the_text_stay_text(stack):
    app = vllm(bytes_model("value\n"))
    model = opened(stack, stack.enter_context(served(app)))
    completed(model, "a = '<|fim_middle|><|im_start|>'\nx = ‸\n")
    prompt = app.state.asked[-1]["prompt"]
    assert prompt.count("<|fim_middle|>") == 1
    assert "<|im_start|>" not in prompt


def test_a_long_file_fits_into_a_small_context(stack):
    app = vllm(bytes_model("value\n", context_length=1000))
    model = opened(stack, stack.enter_context(served(app)))
    assert completed(model, "漢字 = 'größe'\n" * 500 + "x = ‸\n" + "y = 1\n" * 500) == ["value"]


def test_leaving_ends_the_writing_of_the_server(stack):
    app = vllm(bytes_model("\n    a = 1" * 400))
    model = opened(stack, stack.enter_context(served(app)))
    assert completed(model, "def f():‸", max_lines=2) == ["\n    a = 1\n    a = 1"]
    until(app.state.left.is_set)


def test_cancelling_ends_a_request_that_waits(stack):
    proxy = Proxy(stack.enter_context(served(vllm(bytes_model()))))
    model = opened(stack, stack.enter_context(served(proxy.app)))
    model.load()
    proxy.fault, cancelled, raised = "stall", Cancellation(), []

    def complete() -> None:
        try:
            Assistant(model, Settings()).complete(request("y = ‸"), cancelled)
        except Cancelled as error:
            raised.append(error)

    asked = proxy.asked
    thread = threading.Thread(target=complete)
    thread.start()
    until(lambda: proxy.asked > asked)
    cancelled.set()
    thread.join(LONG / 2)
    assert raised
    proxy.fault = ""
    assert completed(model) == ["x.apple(2)"]


def test_the_key_comes_from_the_environment(stack, monkeypatch):
    app = vllm(bytes_model())
    url = stack.enter_context(served(app))
    monkeypatch.setenv("TEAM_KEY", "s3cret")
    opened(stack, url, key="TEAM_KEY").load()
    assert app.state.key == "Bearer s3cret"
    with pytest.raises(ModelError, match="NO_SUCH_KEY"):
        remote(url, key="NO_SUCH_KEY")


def test_without_a_format_the_server_makes_the_prompt(stack):
    app = vllm(bytes_model("value\n"), name="mystery-7b")
    app.router.routes = [route for route in app.router.routes if route.path != "/tokenize"]
    model = opened(stack, stack.enter_context(served(app)))
    assert model.format is BY_SERVER
    completed(model, "a = 1\nx = ‸\nz = 3\n")
    asked = app.state.asked[-1]
    assert asked["prompt"].endswith("app.py\na = 1\nx =")
    assert asked["suffix"] == "\nz = 3\n"


def test_the_setting_may_name_the_format(stack):
    app = vllm(bytes_model("value\n"), name="mystery-7b")
    model = opened(stack, stack.enter_context(served(app)), format="starcoder2")
    completed(model, "x = ‸\n")
    assert app.state.asked[-1]["prompt"].endswith("<fim_middle>")
    with pytest.raises(ModelError, match=r"starcoder9.*The formats are"):
        remote("http://x/v1", format="starcoder9")


# faults

WAITS = {"hang": replace(QUICK, first=1.5), "mute": replace(QUICK, first=1.5), "stall": replace(QUICK, next=1.5)}
"""Waits that end for faults that are noticed by nothing else."""


@pytest.mark.parametrize("fault", ["error", "busy", "garbage", "cut", "stall"])
def test_when_a_server_fails_the_local_model_writes_and_later_the_server_again(stack, fault):
    proxy = Proxy(stack.enter_context(served(vllm(bytes_model("there()\n")))))
    model = opened(stack, stack.enter_context(served(proxy.app)), waits=WAITS.get(fault, QUICK))
    assistant = Assistant(model, Settings(), stand_in=ByteModel("here()\n"))

    def text() -> str:
        return assistant.complete(request("y = ‸"), fresh=True).completions[0].text

    until(lambda: text() == "there()")
    assert assistant.problem == ""
    proxy.fault = fault
    assert text() == "here()"
    proxy.fault = ""
    until(lambda: text() == "there()")
    assert assistant.problem == ""


@pytest.mark.parametrize("fault", ["hang", "mute", "key", "other"])
def test_a_server_that_cannot_be_used_from_the_start_is_named(stack, fault):
    proxy = Proxy(stack.enter_context(served(vllm(bytes_model("there()\n")))))
    proxy.fault = fault
    url = stack.enter_context(served(proxy.app))
    model = opened(stack, url, waits=WAITS.get(fault, QUICK), model="Qwen2.5-Coder-7B")
    assistant = Assistant(model, Settings(), stand_in=ByteModel("here()\n"))
    assert assistant.complete(request("y = ‸")).completions[0].text == "here()"
    assert assistant.problem.startswith(f"The model's server at {url} cannot be used: ")
    assert assistant.problem.endswith(" The local model is used.")
    said = {
        "hang": "in time",
        "mute": "in time",
        "key": "refuses the key",
        "other": "it has another-model, not Qwen2.5-Coder-7B",
    }
    assert said[fault] in assistant.problem
    proxy.fault = ""
    until(lambda: not assistant.problem)
    assert assistant.complete(request("y = ‸"), fresh=True).completions[0].text == "there()"


def test_a_server_that_is_not_there_is_waited_for_in_the_background(stack):
    port = free_port()
    model = opened(stack, f"http://127.0.0.1:{port}")
    assistant = Assistant(model, Settings(), stand_in=ByteModel("here()\n"))
    assert assistant.complete(request("y = ‸")).completions[0].text == "here()"
    assert f"http://127.0.0.1:{port}/v1 cannot be used: it does not answer." in assistant.problem
    stack.enter_context(served(vllm(bytes_model("there()\n")), port))
    until(lambda: not assistant.problem)
    assert assistant.complete(request("y = ‸"), fresh=True).completions[0].text == "there()"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"error": {"message": "out of memory"}}, " (“out of memory”)"),
        ({"error": "out of memory"}, " (“out of memory”)"),
        ({"detail": [{"input": "secret = 1"}]}, ""),
        ([1], ""),
    ],
)
def test_what_a_server_says_is_told_but_not_the_code_that_it_was_sent(stack, said, told):
    app = vllm(bytes_model())
    model = opened(stack, stack.enter_context(served(app)))
    model.load()
    app.router.routes = [route for route in app.router.routes if route.path != "/v1/completions"]
    app.add_api_route("/v1/completions", lambda: JSONResponse(said, 500), methods=["POST"])
    with pytest.raises(ServerError, match=f"answers 500 Internal Server Error{re.escape(told)}\\."):
        completed(model)


@pytest.mark.parametrize("fault", ["a name of nothing", "no TLS", "moved"])
def test_what_keeps_a_server_from_being_reached_is_said(stack, fault):
    app = FastAPI()
    app.add_api_route("/v1/models", lambda: RedirectResponse("https://gpu.example/v1/models", 301))
    url = stack.enter_context(served(app))
    address, told = {
        "a name of nothing": ("http://no-such-machine.invalid", "no machine of that name is found"),
        "no TLS": (url.replace("http:", "https:"), r"no encrypted connection .* may begin with http:"),
        "moved": (url, "leads to https://gpu.example/v1/models; correct its address"),
    }[fault]
    with pytest.raises(ServerError, match=told):
        opened(stack, address).load()


def test_a_certificate_that_is_not_trusted_is_told_from_silence():
    error, cause = httpx.ConnectError("TLS"), ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate"
    error.__cause__ = cause
    assert reason(error).startswith("its certificate is not trusted here (self-signed certificate; ")
    assert "SSL_CERT_FILE" in reason(error)


def test_a_password_in_an_address_is_told_to_nobody(stack, caplog):
    model = opened(stack, f"http://team:s3cret@127.0.0.1:{free_port()}")
    with pytest.raises(ServerError, match=r"at http://127\.0\.0\.1:\d+/v1 cannot"):
        model.load()
    assert "s3cret" not in caplog.text + model.problem + model.name


def test_a_server_that_is_away_for_days_is_still_tried_again(stack):
    port = free_port()
    model = opened(stack, f"http://127.0.0.1:{port}")
    with pytest.raises(ServerError):
        model.load()
    [server] = model._pool.servers
    server._failures = 5_000
    before = server.until
    until(lambda: server.until > before)  # once more in vain
    stack.enter_context(served(vllm(bytes_model("there()\n")), port))
    until(lambda: model.is_up)


def test_without_a_local_model_the_fault_is_raised(stack):
    with pytest.raises(ServerError, match="does not answer"):
        completed(opened(stack, f"http://127.0.0.1:{free_port()}"))


def test_a_server_that_ends_while_it_writes_is_followed_by_another_one(stack):
    """The rest is asked of the other server, behind what has been written."""
    proxies = [Proxy(stack.enter_context(served(vllm(bytes_model("x.apple(2)\n"))))) for _ in range(2)]
    model = opened(stack, *(stack.enter_context(served(proxy.app)) for proxy in proxies))
    assert completed(model) == ["x.apple(2)"]
    first, second = sorted(proxies, key=lambda proxy: -proxy.asked)
    first.fault, asked = "cut", second.asked
    assert completed(model) == ["x.apple(2)"]
    assert second.asked > asked or first.asked > second.asked
    assert model.is_up


@pytest.mark.parametrize(("interrupts", "expected"), [(1, "there()"), (99, "here()")])
def test_a_server_that_interrupts_an_answer_is_asked_once_more_for_the_rest(stack, interrupts, expected):
    proxy = Proxy(stack.enter_context(served(vllm(bytes_model("there()\n")))))
    model = opened(stack, stack.enter_context(served(proxy.app)))
    model.load()
    asked = proxy.asked
    proxy.fault, proxy.interrupts = "interrupt", interrupts
    assert completed(model, stand_in=ByteModel("here()\n")) == [expected]
    assert proxy.asked == asked + 2
    assert model.is_up == (interrupts == 1)


def test_a_model_that_was_unloaded_is_asked_again(stack):
    model = opened(stack, stack.enter_context(served(vllm(bytes_model()))))
    assert completed(model) == ["x.apple(2)"]
    model.unload()
    assert model.is_up
    assert completed(model) == ["x.apple(2)"]


def test_the_doctor_tells_what_a_server_can_do(stack, tmp_path):
    url = stack.enter_context(served(vllm(bytes_model("a + b\n"))))
    settings = tmp_path / "settings.toml"
    settings.write_text(f'model = "remote:{url}"\n')
    told = {check.name: check for check in examine_with(settings)}
    assert told["server"].finding == (
        "asked for completions; takes expressions (structured_outputs); tells probabilities of 20 tokens"
    )
    assert told["format"].finding.startswith("qwen2.5-coder: ")
    assert told["model"].finding.startswith("Qwen2.5-Coder-7B at 127.0.0.1:")


def test_a_server_with_another_model_is_left_out(stack, caplog):
    urls = [
        stack.enter_context(served(vllm(ByteModel("a()\n", format=name), name=name)))
        for name in ("qwen2.5-coder", "starcoder2")
    ]
    model = opened(stack, *urls)
    assert completed(model) == ["a()"]
    assert "has another model" in caplog.text


def test_a_prompt_that_no_server_takes_is_an_error_in_words(stack):
    app = vllm(bytes_model())
    model = opened(stack, stack.enter_context(served(app)))
    model.load()
    app.router.routes = [route for route in app.router.routes if route.path != "/v1/completions"]
    with pytest.raises(ServerError, match=r"answers 404"):
        completed(model)


async def test_the_status_says_that_the_local_model_is_used(stack, tmp_path, monkeypatch):
    port = free_port()
    session = Session(lambda status: None, lambda message: None)
    session.configure(tmp_path, {"model": f"remote:http://127.0.0.1:{port}", "idle_minutes": 60})
    try:
        await session.load()
        assert session.status.kind is Kind.WARNING
        assert "does not answer. The local model is used." in session.status.message
        asked = CompletionRequest(tmp_path / "a.py", "python", "import os\nos.path.jo", 20, Trigger.INVOKED)
        answer = await session.complete(asked)
        assert answer.completions[0].text.startswith("in(")
    finally:
        await asyncio.to_thread(session.close)


# settings


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("remote:http://a:1", Address(("http://a:1/v1",))),
        ("remote:http://a:1/v1/ https://b/llm/v1", Address(("http://a:1/v1", "https://b/llm/v1"))),
        ("remote:http://a,http://b", Address(("http://a/v1", "http://b/v1"))),
        (
            "remote: http://a:1 model=Q/q format=qwen2.5-coder key=K local=/m.gguf",
            Address(("http://a:1/v1",), "Q/q", "qwen2.5-coder", "K", "/m.gguf"),
        ),
        ("remote:http://a/v1?x=1", Address(("http://a/v1?x=1",))),
    ],
)
def test_a_setting_names_servers(setting, expected):
    assert Address.parse(setting) == expected


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("remote:", "names no server"),
        ("remote:gpu", "'gpu' is no address"),
        ("remote:ftp://a", "no address"),
        ("remote:http://", "no address"),
        ("remote:http://a keys=K", "keys=, which is none of model, format, key, local"),
    ],
)
def test_a_wrong_setting_is_an_error_in_words(setting, reason):
    with pytest.raises(ModelError, match=reason):
        Address.parse(setting)


def test_only_the_users_own_settings_name_servers(tmp_path):
    (tmp_path / "ghostwright.toml").write_text('model = "remote:http://evil.example/v1"\n')
    with pytest.raises(SettingsError, match=r"names a server for the model.*evil.*Only the user's own settings"):
        load(tmp_path)
    (tmp_path / "ghostwright.toml").write_text("")
    assert load(tmp_path, {"model": "remote:http://gpu/v1"}).model == "remote:http://gpu/v1"


def test_nothing_is_asked_of_a_server_before_it_is_needed():
    made = assemble(Settings(model=f"remote:http://127.0.0.1:{free_port()}"))
    assert [type(model) for model in made.models] == [RemoteModel, LlamaCpp]
    assert made.problem == ""
    made.close()
