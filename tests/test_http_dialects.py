"""The dialects of other servers, each with the client that speaks it."""

from __future__ import annotations

import json
import math

import ollama
import openai
import pytest
from fakes import ByteModel
from http_tools import served

PROMPT = "<|fim_prefix|>x = <|fim_suffix|>\n<|fim_middle|>"
WRITES = {"f(y)\nreturn é": 0.6, "g(z)": 0.3}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), ByteModel(WRITES)) as server:
        yield server


@pytest.fixture(scope="module")
def openai_client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def ollama_client(server):
    return ollama.Client(host=server.url)


VIM = {
    "id_slot": 0,
    "input_prefix": "a = 1\n",
    "prompt": "x = ",
    "input_suffix": "\n",
    "input_extra": [{"filename": "b.py", "text": "def b(): pass\n", "time": 3}],
    "n_predict": 128,
    "stop": [],
    "n_indent": 0,
    "top_k": 40,
    "top_p": 0.90,
    "samplers": ["top_k", "top_p", "infill"],
    "stream": False,
    "cache_prompt": True,
    "t_max_prompt_ms": 500,
    "t_max_predict_ms": 1000,
    "response_fields": ["content", "timings/prompt_n", "timings/predicted_ms", "truncated", "tokens_cached"],
}
"""As llama.vim asks: the cursor's line up to the cursor in `prompt`, and the fields that it reads."""


class TestOpenAI:
    def test_a_cursor_between_prompt_and_suffix_is_completed(self, openai_client):
        answer = openai_client.completions.create(model="ghostwright", prompt="x = ", suffix="\n", max_tokens=100)
        assert answer.choices[0].text == "f(y)\nreturn é"
        assert (answer.choices[0].finish_reason, answer.object) == ("stop", "text_completion")
        assert answer.usage.completion_tokens == len("f(y)\nreturn é".encode())

    def test_an_empty_suffix_is_the_end_of_a_file(self, openai_client):
        with_end = openai_client.completions.create(model="", prompt="x = ", suffix="", max_tokens=4)
        assert with_end.choices[0].text == "f(y)"
        assert with_end.usage.prompt_tokens > len("x = ")

    def test_a_word_that_the_cursor_stands_in_is_not_told_again(self, openai_client):
        answer = openai_client.completions.create(model="", prompt="x = f", suffix="\n", max_tokens=3)
        assert answer.choices[0].text == "(y)"

    def test_a_raw_prompt_is_passed_on_unchanged(self, server, openai_client):
        answer = openai_client.completions.create(model="bytes", prompt=PROMPT, echo=True, max_tokens=100)
        assert answer.choices[0].text == f"{PROMPT}f(y)\nreturn é"
        tokens = openai_client.completions.create(model="bytes", prompt=PROMPT, max_tokens=1).usage.prompt_tokens
        assert tokens == len("x = \n") + 3

    def test_a_prompt_may_be_tokens_or_several(self, server, openai_client):
        tokens = [server.model.special("<|fim_middle|>")]
        for prompt, count in ((tokens, 1), ([tokens, tokens], 2), (["<|fim_middle|>"] * 3, 3)):
            answer = openai_client.completions.create(model="bytes", prompt=prompt, max_tokens=4)
            assert [choice.text for choice in answer.choices] == ["f(y)"] * count
            assert [choice.index for choice in answer.choices] == list(range(count))

    def test_it_stops_before_a_stop_and_after_so_many_tokens(self, openai_client):
        def text(**options):
            return openai_client.completions.create(model="bytes", prompt=PROMPT, **options).choices[0]

        assert (text(max_tokens=99, stop="\nreturn").text, text(max_tokens=99, stop="\nreturn").finish_reason) == (
            "f(y)",
            "stop",
        )
        assert text(max_tokens=99, stop=["z", ")\nr", "x"] * 7).text == "f(y"
        assert (text(max_tokens=3).text, text(max_tokens=3).finish_reason) == ("f(y", "length")
        assert text(max_tokens=0).text == ""
        assert text().text == "f(y)\nreturn é"[:15]

    def test_a_stop_may_be_spread_over_pieces_of_a_stream(self, openai_client):
        pieces = openai_client.completions.create(
            model="bytes", prompt=PROMPT, stop="\nret", max_tokens=99, stream=True
        )
        assert "".join(piece.choices[0].text for piece in pieces) == "f(y)"

    def test_a_stream_has_what_is_told_without_one(self, openai_client):
        options = {
            "model": "bytes",
            "prompt": PROMPT,
            "max_tokens": 99,
            "logprobs": 1,
            "n": 2,
            "seed": 1,
            "temperature": 1,
        }
        whole = openai_client.completions.create(**options)
        pieces = list(openai_client.completions.create(**options, stream=True, stream_options={"include_usage": True}))
        for choice in whole.choices:
            mine = [each for piece in pieces for each in piece.choices if each.index == choice.index]
            assert "".join(each.text for each in mine) == choice.text
            assert [token for each in mine for token in each.logprobs.tokens] == choice.logprobs.tokens
            assert [at for each in mine for at in each.logprobs.text_offset] == choice.logprobs.text_offset
            assert mine[-1].finish_reason == choice.finish_reason
        assert pieces[-1].usage == whole.usage

    def test_logprobs_are_those_of_the_model(self, openai_client):
        choice = openai_client.completions.create(model="bytes", prompt=PROMPT, max_tokens=15, logprobs=2).choices[0]
        told = choice.logprobs
        assert told.tokens[:4] == ["f", "(", "y", ")"]
        assert told.tokens[-2:] == ["bytes:\\xc3", "bytes:\\xa9"]
        assert math.exp(told.token_logprobs[0]) == pytest.approx(0.6, abs=0.02)
        assert math.exp(told.top_logprobs[0]["g"]) == pytest.approx(0.3, abs=0.02)
        assert told.text_offset[:4] == [0, 1, 2, 3]

    def test_echoed_prompts_have_logprobs_too_for_evaluations(self, openai_client):
        prompt = "<|fim_middle|>g(z)"
        choice = openai_client.completions.create(
            model="bytes", prompt=prompt, max_tokens=0, echo=True, logprobs=0
        ).choices[0]
        assert choice.text == prompt
        assert choice.logprobs.token_logprobs[0] is None
        chances = [math.exp(each) for each in choice.logprobs.token_logprobs[1:]]
        assert chances[0] == pytest.approx(0.3, abs=0.02)
        assert min(chances[1:]) > 0.8

    def test_a_temperature_draws_and_a_seed_repeats_the_draw(self, openai_client):
        def texts(**options):
            choices = openai_client.completions.create(
                model="bytes", prompt=PROMPT, n=16, max_tokens=1, **options
            ).choices
            return [choice.text for choice in choices]

        assert set(texts(temperature=0)) == {"f"}
        assert texts(seed=5) == texts(seed=5)
        assert {"f", "g"} <= set(texts(temperature=1, seed=5))
        assert set(texts(temperature=2, seed=5, top_p=0.05)) == {"f"}
        assert set(texts(temperature=2, seed=5, extra_body={"top_k": 1})) == {"f"}
        assert set(texts(temperature=2, seed=5, extra_body={"min_p": 0.9})) == {"f"}

    @pytest.mark.parametrize(
        ("wrong", "status", "param"),
        [
            ({"model": "gpt-9"}, 404, "model"),
            ({"prompt": ""}, 400, "prompt"),
            ({"prompt": "y" * 5000}, 400, "prompt"),
            ({"prompt": [10**6]}, 400, "prompt"),
            ({"prompt": []}, 400, "prompt"),
            ({"n": 0}, 400, "n"),
            ({"n": 10**9}, 400, "n"),
            ({"max_tokens": -1}, 400, "max_tokens"),
            ({"temperature": -1}, 400, "temperature"),
            ({"temperature": "hot"}, 400, "temperature"),
            ({"best_of": 3}, 400, "best_of"),
            ({"presence_penalty": 1}, 400, "presence_penalty"),
            ({"suffix": "x", "echo": True}, 400, "suffix"),
            ({"stop": ["x"] * 1000}, 400, "stop"),
        ],
    )
    def test_mistakes_are_told_in_its_shape(self, openai_client, wrong, status, param):
        with pytest.raises(openai.APIStatusError) as caught:
            openai_client.completions.create(**{"model": "bytes", "prompt": PROMPT} | wrong)
        assert caught.value.status_code == status
        assert caught.value.body["message"]
        assert caught.value.body["param"].startswith(param)

    def test_models_are_listed(self, openai_client):
        assert [model.id for model in openai_client.models.list()] == ["bytes"]


class TestOllama:
    def test_a_cursor_between_prompt_and_suffix_is_completed(self, ollama_client):
        answer = ollama_client.generate("ghostwright", prompt="x = ", suffix="\n")
        assert answer.response == "f(y)\nreturn é"
        assert (answer.done, answer.done_reason, answer.eval_count) == (True, "stop", 14)
        assert answer.total_duration >= answer.prompt_eval_duration + answer.eval_duration

    def test_a_raw_prompt_is_passed_on_unchanged(self, ollama_client):
        options = {"num_predict": 3, "stop": ["y"], "temperature": 0}
        assert ollama_client.generate("ghostwright:latest", prompt=PROMPT, raw=True, options=options).response == "f("

    def test_it_streams_line_by_line(self, ollama_client):
        parts = list(ollama_client.generate("bytes", prompt="x = ", suffix="\n", stream=True))
        assert "".join(part.response for part in parts) == "f(y)\nreturn é"
        assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
        assert parts[-1].done_reason == "stop"

    def test_curl_without_a_content_type_is_understood(self, server):
        body = json.dumps({"model": "bytes", "prompt": "x = ", "suffix": "\n", "stream": False}).encode()
        response = server.post("/api/generate", body, **{"Content-Type": "application/x-www-form-urlencoded"})
        assert response.json()["response"] == "f(y)\nreturn é"

    def test_an_empty_prompt_loads_the_model(self, ollama_client):
        assert ollama_client.generate("bytes").done_reason == "load"

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            ({"model": "nope"}, 404),
            ({"prompt": "y" * 5000}, 400),
            ({"options": {"temperature": -1}}, 400),
            ({"options": {"num_predict": 10**30}}, 400),
            ({"system": "You are"}, 400),
            ({"logprobs": True}, 400),
        ],
    )
    def test_mistakes_are_told_in_its_shape(self, ollama_client, wrong, status):
        for stream in (False, True):
            with pytest.raises(ollama.ResponseError) as caught:
                list(ollama_client.generate(**{"model": "bytes", "prompt": "x"} | wrong, stream=stream))
            assert caught.value.status_code == status
            assert not caught.value.error.startswith("{")

    def test_models_are_listed(self, server, ollama_client):
        assert [model.model for model in ollama_client.list().models] == ["bytes"]
        assert server.get("/api/version").json()["version"]


class TestLlamaCpp:
    def test_llama_vims_request_is_answered_with_its_fields(self, server):
        answer = server.post("/infill", VIM).json()
        assert answer["content"] == "f(y)\nreturn é"
        assert set(answer) == set(VIM["response_fields"])
        assert answer["timings/prompt_n"] > 10

    def test_pieces_of_other_files_stand_in_the_prompt(self, server):
        without = server.post("/infill", VIM | {"input_extra": []}).json()["timings/prompt_n"]
        assert server.post("/infill", VIM).json()["timings/prompt_n"] >= without + len("b.pydef b(): pass\n")

    def test_warming_up_writes_nothing(self, server):
        assert server.post("/infill", VIM | {"n_predict": 0}).json()["content"] == ""

    def test_why_it_stopped_is_told(self, server):
        body = {"input_prefix": "x = ", "input_suffix": "\n"}
        eos, word, limit = (
            server.post("/infill", body | more).json() for more in ({}, {"stop": ["y"]}, {"n_predict": 2})
        )
        assert [each["stop_type"] for each in (eos, word, limit)] == ["eos", "word", "limit"]
        assert (word["stopping_word"], limit["tokens_predicted"], eos["has_new_line"]) == ("y", 2, True)

    def test_a_raw_prompt_is_passed_on_unchanged(self, server):
        answer = server.post("/completion", {"prompt": PROMPT, "n_predict": 4}).json()
        assert (answer["content"], answer["stop_type"]) == ("f(y)", "limit")
        assert answer["tokens_evaluated"] == len("x = \n") + 3
        tokens = [server.model.special("<|fim_middle|>")]
        assert server.post("/completion", {"prompt": tokens, "stop": [")"]}).json()["stopping_word"] == ")"
        assert server.post("/completion", {"prompt": ""}).json()["error"]["code"] == 400

    def test_a_line_that_is_indented_too_little_ends_it(self, server):
        assert server.post("/infill", VIM | {"n_indent": 4}).json()["content"] == "f(y)"

    def test_several_texts_come_as_a_list(self, server):
        answers = server.post("/infill", VIM | {"n_cmpl": 3, "seed": 1}).json()
        assert len(answers) == 3

    def test_a_stream_ends_with_all_that_is_known(self, server):
        response = server.post("/infill", {"input_prefix": "x = ", "input_suffix": "\n", "stream": True})
        events = [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if line]
        assert "".join(event["content"] for event in events) == "f(y)\nreturn é"
        assert [event["stop"] for event in events] == [False] * (len(events) - 1) + [True]
        assert events[-1]["stop_type"] == "eos"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"n_predict": "many"},
            {"input_prefix": 3},
            {"n_cmpl": 10**9},
            {"model": "no"},
            {"grammar": 'root ::= "a"'},
            {"n_probs": 3},
        ],
    )
    def test_mistakes_are_told_in_its_shape(self, server, wrong):
        response = server.post("/infill", VIM | wrong)
        error = response.json()["error"]
        assert error["code"] == response.status_code in (400, 404)
        assert error["message"]


class TestTabby:
    def test_segments_are_answered_by_the_engine(self, server):
        body = {"language": "python", "segments": {"prefix": "x = ", "suffix": "\n", "filepath": "src/a.py"}}
        answer = server.post("/v1/completions", body).json()
        assert [choice["text"] for choice in answer["choices"]] == ["f(y)"]
        assert answer["id"].startswith("cmpl-")

    def test_what_the_editor_has_found_stands_in_the_prompt(self, server):
        found = {"declarations": [{"filepath": "b.py", "body": "def unusual(): ..."}]}
        options = {"return_prompt": True, "return_snippets": True}
        body = {"segments": {"prefix": "y = ", **found}, "debug_options": options, "language": "python"}
        data = server.post("/v1/completions", body).json()["debug_data"]
        assert "def unusual(): ..." in data["prompt"]
        assert [snippet["body"] for snippet in data["snippets"] if "unusual" in snippet["body"]]
        body["debug_options"] = options | {"disable_retrieval_augmented_code_completion": True}
        body["segments"]["prefix"] = "z = "
        assert "unusual" not in server.post("/v1/completions", body).json()["debug_data"]["prompt"]

    def test_what_became_of_it_is_counted(self, server):
        event = {"type": "select", "completion_id": "cmpl-1", "choice_index": 0, "elapsed": 3}
        assert server.post("/v1/events?select_kind=line", event).status_code == 200
        assert 'ghostwright_events_total{kind="select"} 1.0' in server.get("/metrics").text
        assert server.post("/v1/events", event | {"type": "ignore"}).status_code == 400

    def test_health_has_its_fields(self, server):
        health = server.get("/v1/health").json()
        assert {"model", "device", "arch", "cpu_info", "cpu_count", "cuda_devices", "version"} <= set(health)

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            ({"segments": 3}, 400),
            ({"segments": {"prefix": None}}, 400),
            ({"segments": {"prefix": "x", "filepath": "../../etc/passwd"}}, 403),
            ({"segments": {"prefix": "x"}, "mode": "next_edit_suggestion"}, 400),
        ],
    )
    def test_mistakes_are_told_as_text(self, server, wrong, status):
        response = server.post("/v1/completions", wrong)
        assert response.status_code == status
        assert response.headers["content-type"].startswith("text/plain")
        assert response.text
