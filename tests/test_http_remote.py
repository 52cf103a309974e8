"""Raw prompts of other servers' clients, passed on to a model on a server: a real one, and small ones that fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import httpx
import ollama as ollama_package
import openai
import pytest
from fakes import ByteModel
from fastapi.responses import JSONResponse
from http_tools import Served, until
from http_tools import served as serving
from remote_shapes import llama_server, ollama
from remote_tools import QUICK, Proxy, Spoken, free_port, llama_cpp_server, remote, served, vllm

from assistant.engine import Assistant
from assistant.http.server import serve
from assistant.plugins import Plugins
from assistant.settings import Settings

QWEN = "Qwen/Qwen2.5-Coder-7B"
PROMPT = "<|fim_prefix|>x = <|fim_suffix|>\n<|fim_middle|>"
START = "<|file_sep|>a.py\n<|fim_suffix|>\n<|fim_prefix|><|fim_middle|>"
"""Behind which it may write anything."""

HEAD = "def add(a, b):\n    return"
ADD = f"<|file_sep|>a.py\n<|fim_suffix|>\n<|fim_prefix|>{HEAD}<|fim_middle|>"
"""Behind which the embedded model surely writes ` a + b`."""


def client_of(server: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


# a real server: llama-cpp-python's, with the embedded model


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Iterator[Served]:
    with llama_cpp_server("--logits_all", "true") as url:
        model = remote(url)
        with serving(tmp_path_factory.mktemp("shop"), model) as server:
            yield server
        model.unload()


class TestRealServer:
    def test_a_prompt_is_passed_on_unchanged(self, real):
        client = client_of(real)
        answer = client.completions.create(model="ghostwright", prompt=ADD, max_tokens=9, stop="\n")
        assert answer.choices[0].text == " a + b"
        assert answer.model.endswith("ghostwright-python-58m.Q5_K_M.gguf")

    def test_a_cursor_is_completed(self, real):
        answer = client_of(real).completions.create(model="", prompt=HEAD, suffix="\n", max_tokens=9, stop=["\n"])
        assert answer.choices[0].text == " a + b"
        assert answer.choices[0].finish_reason == "stop"

    def test_it_streams_and_ends_after_so_many_tokens(self, real):
        ask = {"model": "", "prompt": "def fibonacci(n):\n", "max_tokens": 4}
        pieces = list(client_of(real).completions.create(**ask, stream=True))
        assert len([piece for piece in pieces if piece.choices[0].text]) == 4
        assert pieces[-1].choices[0].finish_reason == "length"
        whole = client_of(real).completions.create(**ask).choices[0].text
        assert "".join(piece.choices[0].text for piece in pieces) == whole

    def test_several_texts_are_drawn_and_a_seed_repeats_them(self, real):
        def texts(**more):
            ask = {"model": "", "prompt": START, "max_tokens": 6, "temperature": 2, **more}
            return [choice.text for choice in client_of(real).completions.create(**ask).choices]

        assert len(set(texts(n=8))) > 1
        assert texts(n=2, seed=3) == texts(n=2, seed=3)
        assert len(set(texts(n=4, seed=3, extra_body={"top_k": 1}))) == 1

    def test_probabilities_are_told(self, real):
        ask = {"model": "", "prompt": ADD, "max_tokens": 2, "logprobs": 3}
        told = client_of(real).completions.create(**ask).choices[0].logprobs
        assert (told.tokens, told.text_offset) == ([" a", " +"], [0, 2])
        assert told.token_logprobs[0] == max(told.top_logprobs[0].values())
        assert len(told.top_logprobs[0]) == 3

    def test_a_prompt_is_scored_for_evaluations(self, real):
        ask = {"model": "", "prompt": f"{HEAD} a + b", "max_tokens": 0, "echo": True, "logprobs": 1}
        answer = client_of(real).completions.create(**ask)
        told = answer.choices[0].logprobs
        assert answer.choices[0].text == "".join(told.tokens) == f"{HEAD} a + b"
        assert told.token_logprobs[0] is None
        assert all(-40 < chance < 0 for chance in told.token_logprobs[1:])
        assert told.text_offset[-1] == len(f"{HEAD} a +")
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(told.tokens), 0)

    def test_what_is_not_in_ascii_is_scored_as_well(self, real):
        prompt = "fruit = '🍎' or 'naïve'\nn"
        answer = client_of(real).completions.create(model="", prompt=prompt, max_tokens=0, echo=True, logprobs=1)
        assert "".join(answer.choices[0].logprobs.tokens) == prompt
        assert {"🍎", "ï"} <= set(answer.choices[0].logprobs.tokens)

    def test_an_echo_is_the_prompt(self, real):
        ask = {"model": "", "prompt": ADD, "max_tokens": 1, "echo": True}
        assert client_of(real).completions.create(**ask).choices[0].text == f"{ADD} a"

    def test_ollamas_client_is_answered(self, real):
        client, options = ollama_package.Client(host=real.url), {"num_predict": 1, "temperature": 0}
        answer = client.generate("ghostwright", prompt=ADD, raw=True, options=options)
        assert (answer.response, answer.done_reason, answer.eval_count) == (" a", "length", 1)
        assert answer.model.endswith("ghostwright-python-58m.Q5_K_M.gguf")
        parts = list(client.generate("ghostwright", prompt=HEAD, suffix="\n", options={"stop": ["\n"]}, stream=True))
        assert "".join(part.response for part in parts) == " a + b"

    def test_llama_vims_request_is_answered(self, real):
        answer = real.post("/infill", {"input_prefix": "", "prompt": HEAD, "input_suffix": "\n", "stop": ["\n"]}).json()
        assert answer["content"] == " a + b"
        assert "ghostwright-python" in answer["model"]

    def test_llama_cpps_completion_is_answered(self, real):
        answer = real.post("/completion", {"prompt": ADD, "stop": ["\n"]}).json()
        assert (answer["content"], answer["stop"]) == (" a + b", True)

    def test_tabby_without_a_path_is_answered_by_the_engine(self, real):
        before = real.model.evaluated
        answer = real.post(
            "/v1/completions", {"language": "python", "segments": {"prefix": f"{HEAD} ", "suffix": "\n"}}
        )
        assert answer.status_code == 200
        assert real.model.evaluated > before  # what it writes depends on the name that the file gets

    def test_what_the_server_minds_is_told_and_does_it_no_harm(self, real):
        with pytest.raises(openai.BadRequestError, match="maximum context length"):
            client_of(real).completions.create(model="", prompt="x = 1\n" * 2000)
        assert real.model.is_up

    def test_models_are_listed_and_found_by_their_names(self, real):
        client_of(real).completions.create(model="", prompt=ADD, max_tokens=1)  # it is known from now on
        [listed] = client_of(real).models.list()
        for name in (listed.id, "ghostwright-python-58m.Q5_K_M.gguf", "ghostwright:latest"):
            client_of(real).completions.create(model=name, prompt=ADD, max_tokens=1)
        with pytest.raises(openai.NotFoundError):
            client_of(real).completions.create(model="gpt-9", prompt=ADD, max_tokens=1)


# servers of other shapes


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def before(stack: ExitStack, tmp_path, *urls: str, waits=QUICK, **options) -> Served:
    """Our server before others."""
    model = remote(*urls, waits=waits)
    stack.callback(model.unload)
    return stack.enter_context(serving(tmp_path, model, **options))


def bytes_model(writes="f(y)\nreturn é", **options) -> ByteModel:
    return ByteModel(writes, format="qwen2.5-coder", **options)


def proxied(stack: ExitStack, writes: str = "there()") -> tuple[Proxy, str]:
    proxy = Proxy(stack.enter_context(served(vllm(bytes_model(writes)))))
    return proxy, stack.enter_context(served(proxy.app))


def test_vllm_gets_what_it_was_asked_for(stack, tmp_path):
    app = vllm(bytes_model())
    server = before(stack, tmp_path, stack.enter_context(served(app)))
    more = {"top_k": 5, "min_p": 0.1}
    answer = client_of(server).completions.create(
        model=QWEN, prompt=PROMPT, max_tokens=99, n=2, seed=7, temperature=0.5, top_p=0.9, stop=["zz"], extra_body=more
    )
    assert (len(answer.choices), answer.model) == (2, QWEN)
    asked = app.state.asked[-2:]
    assert [body["seed"] for body in asked] == [7, 8]
    for body in asked:
        expected = {"prompt": PROMPT, "max_tokens": 99, "temperature": 0.5, "top_p": 0.9, "stop": ["zz"], **more}
        assert expected == {name: body.get(name) for name in expected}
    assert answer.usage.prompt_tokens == len("x = \n") + 3


@pytest.mark.parametrize("coldest", [{"top_p": 0.0, "temperature": 1.0}, {"temperature": 1e-9, "top_k": 3}])
def test_what_leaves_one_token_is_no_chance(stack, tmp_path, coldest):
    app = vllm(bytes_model(), rule="none")
    server = before(stack, tmp_path, stack.enter_context(served(app)))
    assert server.post("/completion", {"prompt": PROMPT, "seed": 3, **coldest}).json()["content"] == "f(y)\nreturn é"
    assert app.state.asked[-1]["temperature"] == 0.0
    assert not {"top_p", "top_k"} & set(app.state.asked[-1])


def test_the_servers_counts_are_told_at_the_end_of_a_stream(stack, tmp_path):
    server = before(stack, tmp_path, stack.enter_context(served(vllm(bytes_model()))))
    ask = {"model": "", "prompt": PROMPT, "max_tokens": 99, "stream": True, "stream_options": {"include_usage": True}}
    pieces = list(client_of(server).completions.create(**ask))
    assert "".join(choice.text for piece in pieces for choice in piece.choices) == "f(y)\nreturn é"
    usage = pieces[-1].usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (len("x = \n") + 3, len("f(y)\nreturn é"))


def test_a_cursor_is_written_in_the_models_own_format(stack, tmp_path):
    app = vllm(bytes_model())
    server = before(stack, tmp_path, stack.enter_context(served(app)))
    answer = client_of(server).completions.create(model="", prompt="x = fo", suffix="\n<|fim_middle|>", max_tokens=99)
    assert answer.choices[0].text == "f(y)\nreturn é"
    prompt = app.state.asked[-1]["prompt"]
    assert prompt.endswith("<|fim_prefix|>x = fo<|fim_suffix|>\n< |fim_middle|><|fim_middle|>")


def test_a_stop_is_met_here_where_the_server_does_not_know_it(stack, tmp_path):
    server = before(stack, tmp_path, stack.enter_context(served(vllm(bytes_model()))))
    [choice] = (
        client_of(server).completions.create(model="", prompt=PROMPT, stop="\nret", max_tokens=99, logprobs=1).choices
    )
    assert (choice.text, choice.finish_reason) == ("f(y)", "stop")
    assert "".join(choice.logprobs.tokens) == "f(y)"


def test_ollama_reads_a_prompt_as_it_is(stack, tmp_path):
    app = ollama(bytes_model())
    server = before(stack, tmp_path, stack.enter_context(served(app)))
    client = ollama_package.Client(host=server.url)
    assert client.generate("qwen2.5-coder:1.5b-base", prompt=PROMPT, raw=True).response == "f(y)\nreturn é"
    asked = app.state.asked[-1]
    assert (asked["prompt"], asked["raw"], asked["options"]["num_predict"]) == (PROMPT, True, -1)


def test_a_server_that_makes_prompts_gets_both_halves_as_they_are(stack, tmp_path):
    app = llama_server(bytes_model(), name="mystery.gguf", knows=False)
    server = before(stack, tmp_path, stack.enter_context(served(app)))
    body = {"input_prefix": "a = 1\n", "prompt": "x = ", "input_suffix": "\n", "n_predict": 99}
    assert server.post("/infill", body).json()["content"] == "f(y)\nreturn é"
    asked = app.state.asked[-1]
    assert (asked["input_prefix"], asked["input_suffix"]) == ("a = 1\nx = ", "\n")
    client_of(server).completions.create(model="", prompt=PROMPT, max_tokens=1)
    assert app.state.asked[-1]["prompt"] == PROMPT


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"prompt": [1, 2]}, "prompt"),
        ({"logprobs": 0}, "logprobs"),
        ({"temperature": 1, "extra_body": {"top_k": 3}}, "top_k"),
        ({"temperature": 1, "extra_body": {"min_p": 0.5}}, "min_p"),
    ],
)
def test_what_the_server_cannot_do_is_named(stack, tmp_path, wrong, param):
    server = before(stack, tmp_path, stack.enter_context(served(vllm(bytes_model(), rule="none", told=0))))
    with pytest.raises(openai.APIStatusError) as caught:
        client_of(server).completions.create(**{"model": "", "prompt": PROMPT} | wrong)
    assert (caught.value.status_code, caught.value.body["param"]) == (501, param)
    plain = client_of(server).completions.create(model="", prompt=PROMPT, max_tokens=4, extra_body={"top_k": 3})
    assert plain.choices[0].text == "f(y)"  # nothing is drawn, so that no limit has an effect


def test_how_many_probabilities_the_server_tells_is_named(stack, tmp_path):
    server = before(stack, tmp_path, stack.enter_context(served(vllm(bytes_model(), told=5))))
    with pytest.raises(openai.APIStatusError, match="of 5 tokens at a place at most, not of 7: ask for fewer"):
        client_of(server).completions.create(model="", prompt=PROMPT, logprobs=7)


def test_what_one_of_several_servers_cannot_do_is_asked_of_none(stack):
    """Whichever of them is asked in the end."""
    apps = vllm(bytes_model(), told=20), vllm(bytes_model(), rule="none", told=5)
    model = remote(*(stack.enter_context(served(app)) for app in apps))
    stack.callback(model.unload)
    model.load()
    for _ in range(2):
        assert (model.told, model.draws) == (5, {"top_p"})
        model._pool.servers.reverse()


def test_prompts_that_are_not_scored_are_refused(stack, tmp_path):
    server = before(stack, tmp_path, stack.enter_context(served(llama_server(bytes_model()))))
    with pytest.raises(openai.APIStatusError, match="how probable a prompt is") as caught:
        client_of(server).completions.create(model="", prompt=PROMPT, echo=True, logprobs=1, max_tokens=0)
    assert caught.value.status_code == 501


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_is_too_long_is_the_clients_affair(stack, tmp_path, stream):
    url = stack.enter_context(served(vllm(bytes_model(context_length=600))))
    server = before(stack, tmp_path, url, stand_in=ByteModel("here()"))
    with pytest.raises(openai.BadRequestError, match="tokens are too many"):
        client_of(server).completions.create(model="", prompt="y" * 700, stream=stream)
    assert client_of(server).completions.create(model=QWEN, prompt=PROMPT, max_tokens=4).choices[0].text == "f(y)"


def test_leaving_ends_the_writing_of_the_server(stack, tmp_path):
    app = vllm(bytes_model("x" * 3000))
    server = before(stack, tmp_path, stack.enter_context(served(app)))
    body = {"prompt": PROMPT, "max_tokens": 3000, "stream": True}
    with httpx.stream("POST", f"{server.url}/v1/completions", json=body, timeout=60) as answer:
        assert next(answer.iter_lines()).startswith("data: ")
    until(app.state.left.is_set, "the server to notice")


def test_leaving_ends_it_also_while_others_have_their_turn(stack, tmp_path, monkeypatch):
    monkeypatch.setattr("assistant.http.service.SLICE", 0.0)
    app = vllm(bytes_model("x" * 3000))
    server = before(stack, tmp_path, stack.enter_context(served(app)))
    body = {"prompt": PROMPT, "max_tokens": 3000, "stream": True}
    with ExitStack() as clients:
        lines = []
        for number in range(3):
            headers = {"X-Client-Id": str(number)}
            asked = httpx.stream("POST", f"{server.url}/v1/completions", json=body, timeout=60, headers=headers)
            lines.append(clients.enter_context(asked).iter_lines())
        assert all(next(each).startswith("data: ") for each in lines)
    until(lambda: not server.queue.running and not server.queue.waiting, "all to be over")
    until(app.state.left.is_set, "the server to notice")
    answer = client_of(server).completions.create(model="", prompt=PROMPT, max_tokens=4)
    assert answer.choices[0].text == "xxxx"


# faults


def test_another_server_goes_on_where_one_fails(stack, tmp_path):
    (first, one), (second, other) = proxied(stack, "there(1, 2)"), proxied(stack, "there(1, 2)")
    server = before(stack, tmp_path, one, other)
    client_of(server).completions.create(model="", prompt=PROMPT, max_tokens=1)
    for proxy in (first, second):
        proxy.fault = "cut"
        answer = client_of(server).completions.create(model=QWEN, prompt=PROMPT, max_tokens=99)
        assert answer.choices[0].text == "there(1, 2)"
        proxy.fault = ""
        until(lambda: all(each.is_up for each in server.model._pool.servers), "both servers to be well")


def test_the_local_model_stands_in_under_its_own_name(stack, tmp_path):
    proxy, url = proxied(stack)
    server = before(stack, tmp_path, url, stand_in=ByteModel("here()"))
    client = client_of(server)
    assert client.completions.create(model="", prompt=PROMPT, max_tokens=99).choices[0].text == "there()"
    proxy.fault = "error"
    answer = client.completions.create(model="ghostwright", prompt=PROMPT, max_tokens=99)
    assert (answer.choices[0].text, answer.model) == ("here()", "bytes")
    proxy.fault = ""

    def text() -> str:
        return client.completions.create(model="ghostwright", prompt=PROMPT, max_tokens=99).choices[0].text

    until(lambda: text() == "there()", "the server to be asked again")


def test_who_names_the_model_on_the_server_gets_no_other(stack, tmp_path):
    proxy, url = proxied(stack)
    server = before(stack, tmp_path, url, waits=replace(QUICK, again=60.0), stand_in=ByteModel("here()"))
    client_of(server).completions.create(model=QWEN, prompt=PROMPT, max_tokens=1)
    proxy.fault = "error"
    for _ in range(2):
        with pytest.raises(openai.InternalServerError, match="answers 500") as caught:
            client_of(server).completions.create(model=QWEN, prompt=PROMPT, max_tokens=99)
        assert caught.value.status_code == 503


def test_a_stream_that_has_begun_ends_with_the_fault(stack, tmp_path):
    proxy, url = proxied(stack)
    server = before(stack, tmp_path, url, stand_in=ByteModel("here()"))
    client_of(server).completions.create(model="", prompt=PROMPT, max_tokens=1)
    proxy.fault = "cut"
    response = server.post("/v1/completions", {"prompt": PROMPT, "max_tokens": 99, "stream": True})
    data = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert json.loads(data[0])["choices"][0]["text"]
    assert "broke off" in json.loads(data[-1])["error"]["message"]


def test_without_a_server_and_a_local_model_it_is_an_error_in_words(stack, tmp_path):
    server = before(stack, tmp_path, f"http://127.0.0.1:{free_port()}")
    for path, body in (
        ("/v1/completions", {"prompt": "x"}),
        ("/infill", {"input_prefix": "x"}),
        ("/api/generate", {"model": "ghostwright", "prompt": "x"}),
    ):
        response = server.post(path, body)
        assert response.status_code == 503
        assert "does not answer" in response.text


def test_a_server_that_loses_the_answer_is_named(stack, tmp_path):
    app = vllm(bytes_model())
    server = before(stack, tmp_path, stack.enter_context(served(app)))
    client_of(server).completions.create(model="", prompt=PROMPT, max_tokens=1)
    app.router.routes = [route for route in app.router.routes if route.path != "/v1/completions"]
    app.add_api_route("/v1/completions", lambda: JSONResponse({"error": "no memory"}, 500), methods=["POST"])
    with pytest.raises(openai.InternalServerError, match="no memory"):
        client_of(server).completions.create(model="", prompt=PROMPT)


class EndedError(Exception):
    """Ends a server as soon as it can be reached."""


def test_of_several_workers_one_asks_the_server_before_it_is_needed(tmp_path, monkeypatch):
    models, loaded = list[Spoken](), list[bool]()

    def assemble(settings: Settings, plugins: Plugins) -> Assistant:
        models.append(Spoken(ByteModel()))
        return Assistant(models[-1], settings)

    def told(*_: object) -> None:
        loaded.extend(model.model.loaded for model in models)
        raise EndedError

    monkeypatch.setattr("assistant.http.server.assembly.assemble", assemble)
    with pytest.raises(EndedError):
        serve("127.0.0.1", 0, [tmp_path], "", Settings(), 3, told)
    assert loaded == [True, False, False]
