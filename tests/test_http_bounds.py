"""Who may come in, and how much they may ask for: nobody can read, stop or starve what is not theirs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fakes import ByteModel, request
from http_tools import PATIENCE, Served, assistant, served, until
from starlette.responses import PlainTextResponse

from assistant.http.boundary import Admission, Boundary
from assistant.http.metrics import Metrics
from assistant.http.problems import Problem
from assistant.http.queue import Queue
from assistant.http.service import ASIDE
from assistant.http.turns import Client, Turns
from assistant.types import NEVER
from assistant.worker import Worker

LONG = "x" * 400
CODE = {"path": "a.py", "text": "x = \n", "offset": 4}
RAW = {"model": "bytes", "prompt": "<|fim_middle|>", "max_tokens": 300}

DIALECTS = {
    "/v1/complete": CODE,
    "/v1/completions": RAW,
    "/infill": {"input_prefix": "x = ", "input_suffix": "\n"},
    "/api/generate": {"model": "bytes", "prompt": "x = "},
    "/v1/batch": {"cursors": [CODE]},
}

NO_REQUESTS = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"null",
    b"3",
    b'"x"',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"n":1' + b"0" * 9_999 + b"}",
    b'{"prompt":"\\ud800","path":"\\ud800","input_prefix":"\\ud800","model":"bytes"}',
    b'{"prompt":NaN,"input_prefix":NaN,"model":"bytes"}',
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), ByteModel("f(y)\n"), token="s3cret") as server:
        yield server


def connected(server: Served) -> socket.socket:
    """A bare connection."""
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE)


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), ByteModel("f(y)\n")) as server:
        yield server


class TestAdmission:
    @pytest.mark.parametrize("path", [*DIALECTS, "/v1/events", "/v1/search", "/nothing"])
    @pytest.mark.parametrize("token", ["", "wrong", "s3cre", "s3crets", "é" * 99, "\udcff"])
    def test_who_has_not_the_token_is_not_answered(self, server, path, token):
        headers = {"Authorization": f"Bearer {token}".encode("utf-8", "surrogateescape")} if token else {}
        response = httpx.post(server.url + path, json=DIALECTS.get(path, {}), headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert "s3cret" not in response.text

    def test_whether_it_is_there_anybody_may_ask(self, server):
        assert httpx.get(f"{server.url}/health").status_code == 200
        assert httpx.get(f"{server.url}/metrics").status_code == 401

    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "0.0.0.0", "[::2]"]
    )
    def test_a_page_whose_name_leads_here_is_refused(self, open_server, host):
        assert open_server.get("/health", Host=host).status_code == 421
        assert open_server.post("/v1/complete", CODE, Host=host).status_code == 421

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "127.0.0.2", "[::1]:8765"])
    def test_local_names_lead_here(self, open_server, host):
        assert open_server.get("/health", Host=host).status_code == 200

    @pytest.mark.parametrize(
        "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
    )
    def test_pages_of_other_sites_may_not_ask_and_are_promised_nothing(self, open_server, headers):
        response = open_server.post("/v1/complete", CODE, **headers)
        assert response.status_code == 403
        assert not [name for name in response.headers if name.startswith("access-control")]
        with open_server.client(**headers) as client:
            assert client.options("/v1/complete").status_code == 403

    def test_a_proxy_in_front_may_have_another_name_where_there_is_a_token(self, server):
        headers = {"Host": "code.example.org"}
        assert server.post("/v1/complete", CODE, **headers).status_code == 200
        assert httpx.post(f"{server.url}/v1/complete", json=CODE, headers=headers).status_code == 401

    def test_the_log_has_neither_code_nor_tokens(self, server, caplog):
        caplog.set_level(logging.DEBUG)
        secret = "password_in_the_code"
        for path in DIALECTS:
            server.post(path, {"prompt": secret, "text": secret, "path": secret, "input_prefix": [secret], "offset": 1})
            server.post(path, DIALECTS[path])
        server.post("/v1/complete", secret.encode())
        assert secret not in caplog.text
        assert "s3cret" not in caplog.text


class Halting(ByteModel):
    """A model that halts in the middle of what it writes behind a raw prompt, until `resume`."""

    halted = False

    def logits(self, tokens, last=1, cancelled=NEVER):
        if tokens[0] == self.special("<|fim_middle|>") and len(tokens) == 150:
            self.halted = True
            self.pause()
        return super().logits(tokens, last, cancelled)


class Broken(ByteModel):
    """A stranger's model whose faults tell of what it has read."""

    def logits(self, tokens, last=1, cancelled=NEVER):
        raise RuntimeError(f"cannot read {self.shown(tokens)}")


@pytest.mark.parametrize("path", DIALECTS)
def test_a_fault_is_told_without_what_it_was_about(tmp_path, path, caplog):
    with served(tmp_path, Broken()) as server:
        response = server.post(path, DIALECTS[path])
        assert "RuntimeError" in response.text
        assert "cannot read" not in response.text + caplog.text
        assert response.status_code == (200 if path == "/v1/batch" else 500)
        assert server.post(path, DIALECTS[path]).status_code == response.status_code


async def test_a_client_that_does_not_read_its_answer_is_let_go(monkeypatch):
    monkeypatch.setattr("assistant.http.boundary.READING_SECONDS", 0.05)
    boundary = Boundary(PlainTextResponse("an answer"), Admission(), Metrics())
    never = asyncio.Event()
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        return messages.pop() if messages else await never.wait()

    async def send(message):
        await never.wait()

    scope = {"type": "http", "path": "/", "method": "GET", "headers": [(b"host", b"localhost")]}
    async with asyncio.timeout(PATIENCE):
        await boundary(scope, receive, send)


class TestSizes:
    @pytest.mark.parametrize("path", DIALECTS)
    def test_a_body_that_is_too_large_is_refused(self, server, path):
        declared = server.post(path, b"{" + b" " * 17_000_000)
        assert declared.status_code == 413
        with server.client() as client, contextlib.suppress(httpx.WriteError, httpx.RemoteProtocolError):
            streamed = client.post(path, content=(b" " * 100_000 for _ in range(200)))
            assert streamed.status_code == 413

    @pytest.mark.parametrize("path", DIALECTS)
    @pytest.mark.parametrize("body", NO_REQUESTS)
    def test_what_is_no_request_is_told_in_a_sentence(self, server, path, body):
        if path == "/infill" and body in (b"", b"null"):
            pytest.skip("an empty request is one")
        response = server.post(path, body)
        assert response.status_code == 400
        assert "Traceback" not in response.text
        assert len(response.text) > 20

    @pytest.mark.parametrize("path", DIALECTS)
    def test_nul_bytes_are_characters_like_others(self, server, path):
        body = {**DIALECTS[path]}
        for name in ("text", "prompt", "input_prefix"):
            if name in body:
                body[name] = f"\0{body[name]}\0"
        assert server.post(path, body).status_code == 200

    def test_the_server_goes_on_after_all_of_that(self, server):
        assert server.post("/v1/complete", CODE).json()["text"] == "f(y)"


class TestTime:
    def test_a_client_that_goes_away_stops_the_model(self, tmp_path):
        for stream in (False, True):
            with served(tmp_path, ByteModel(LONG)) as server:
                self._go_away(server, stream)
                server.model.resume()
                begin = server.model.evaluated
                assert server.post("/v1/complete", CODE).status_code == 200
                assert server.model.evaluated - begin < 250, "the model did not write the rest for nobody"

    def _go_away(self, server: Served, stream: bool) -> None:
        with server.client() as client, client.stream("POST", "/v1/completions", json=RAW | {"stream": True}) as answer:
            next(answer.iter_lines())
            server.model.pause()
        if not stream:
            server.model.reading.clear()
            with server.client() as client, pytest.raises(httpx.ReadTimeout):
                client.post("/v1/completions", json=RAW, timeout=0.5)
        until(lambda: server.queue.running == 0, "the worker to be free")

    def test_a_client_that_goes_away_while_it_asks_in_words_stops_the_model(self, tmp_path):
        (tmp_path / ".git").mkdir()
        (tmp_path / "shop.py").write_text("def find_item(name: str) -> str:\n    return name\n")
        with served(tmp_path, ByteModel(LONG), knowledge=True) as server:
            server.model.pause()
            body = json.dumps({"request": "find an item"}).encode()
            head = f"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            with connected(server) as connection:
                connection.sendall(head.encode() + body)
                until(server.model.reading.is_set, "the model to write the call")
            until(lambda: server.queue.running == 0, "the worker to be free")

    def test_who_goes_away_while_waiting_is_forgotten(self, tmp_path):
        with served(tmp_path, ByteModel(LONG)) as server, ThreadPoolExecutor() as pool:
            server.model.pause()
            running = pool.submit(server.post, "/v1/completions", RAW | {"max_tokens": 5})
            until(server.model.reading.is_set, "the model to begin")
            with server.client() as client, pytest.raises(httpx.ReadTimeout):
                client.post("/v1/completions", json=RAW, timeout=0.5)
            until(lambda: server.queue.waiting == 0, "the other to be forgotten")
            server.model.resume()
            assert running.result(PATIENCE).json()["choices"][0]["text"] == "xxxxx"

    @pytest.mark.parametrize("path", ["/v1/complete", "/v1/completions", "/infill", "/api/generate"])
    def test_what_takes_too_long_is_ended_and_the_next_is_answered(self, tmp_path, path):
        with served(tmp_path, ByteModel("f(y)\n"), seconds=0.3) as server:
            server.model.pause()
            response = server.post(path, {**DIALECTS[path], "stream": False})
            assert response.status_code == 504
            server.model.resume()
            until(lambda: server.post("/v1/complete", CODE).status_code == 200, "an answer")

    def test_a_head_that_never_ends_is_cut_off(self, tmp_path):
        with served(tmp_path, head_seconds=1.0) as server:
            for beginning in (b"", b"POST /v1/complete HTTP/1.1\r\nHost: localhost\r\n"):
                with connected(server) as connection:
                    connection.sendall(beginning)
                    assert connection.recv(1) == b""
            assert server.get("/health").status_code == 200

    def test_a_later_head_on_a_connection_that_never_ends_is_cut_off_too(self, tmp_path):
        with served(tmp_path, head_seconds=1.0) as server, connected(server) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = connection.recv(65_536)
            assert b"200" in received
            connection.sendall(b"GET /health HTTP/1.1\r\nHost:")
            while received:
                received = connection.recv(65_536)

    def test_a_body_that_never_ends_is_cut_off(self, tmp_path):
        with served(tmp_path, body_seconds=0.3) as server:
            with connected(server) as connection:
                connection.sendall(b"POST /infill HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{")
                assert b"408" in connection.recv(65_536)
            assert server.get("/health").status_code == 200


class TestTurns:
    def test_everybody_has_their_turn_whatever_one_of_them_asks_for(self):
        turns = Turns[str]()
        for number in range(5):
            turns.add(Client("greedy", "one"), f"greedy {number}")
            turns.add(Client("greedy", "another name"), f"more {number}")
        turns.add(Client("modest"), "modest 0")
        turns.add(Client("modest"), "modest 1")
        order = [turns.take() for _ in range(len(turns))]
        assert order[:4] == ["greedy 0", "modest 0", "more 0", "modest 1"]
        assert sorted(order[4:]) == sorted(f"{name} {number}" for name in ("greedy", "more") for number in range(1, 5))
        assert len(turns) == 0

    def test_what_is_taken_back_does_not_come(self):
        turns = Turns[str]()
        for thing in ("a", "b"):
            turns.add(Client("x"), thing)
        turns.remove(Client("x"), "a")
        turns.remove(Client("y"), "a")
        assert (len(turns), turns.take(), len(turns)) == (1, "b", 0)

    def test_a_modest_client_waits_for_one_answer_of_a_greedy_one_not_for_all(self, tmp_path):
        with served(tmp_path, ByteModel("f(y)\n")) as server, ThreadPoolExecutor(40) as pool:
            server.model.pause()
            order, lock = [], threading.Lock()

            def ask(name: str, number: int) -> None:
                body = {"path": f"{name}.py", "text": f"x{number} = \n", "offset": len(f"x{number} = ")}
                assert server.post("/v1/complete", body, **{"X-Client-Id": name}).status_code == 200
                with lock:
                    order.append(name)

            asking = [pool.submit(ask, "greedy", number) for number in range(20)]
            until(lambda: server.queue.waiting == 19, "the greedy one to wait")
            asking += [pool.submit(ask, "modest", number) for number in range(3)]
            until(lambda: server.queue.waiting == 22, "the modest one to wait")
            server.model.resume()
            for each in asking:
                each.result(PATIENCE)
            assert len(order) == 23
            assert max(index for index, name in enumerate(order) if name == "modest") < 12

    def test_who_has_too_much_waiting_is_told_when_to_come_again_and_others_are_let_in(self, tmp_path):
        with served(tmp_path, ByteModel("f(y)\n")) as server, ThreadPoolExecutor(80) as pool:
            server.model.pause()

            def ask(name: str) -> httpx.Response:
                return server.post("/v1/complete", CODE, **{"X-Client-Id": name})

            asking = [pool.submit(ask, "greedy") for _ in range(70)]
            until(lambda: sum(each.done() for each in asking) == 5, "five refusals")
            refused = next(each for each in asking if each.done()).result()
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) >= 1
            modest = pool.submit(ask, "modest")
            until(lambda: server.queue.waiting == 65, "the modest one to wait")
            server.model.resume()
            statuses = [each.result(PATIENCE).status_code for each in asking]
            assert modest.result(PATIENCE).status_code == 200
            assert sorted(set(statuses)) == [200, 429]
            assert statuses.count(200) == 65

    def test_a_long_text_makes_room_for_others_and_goes_on(self, tmp_path, monkeypatch):
        monkeypatch.setattr("assistant.http.service.SLICE", 0.0)
        with served(tmp_path, Halting(LONG)) as server, ThreadPoolExecutor() as pool:
            server.model.pause()
            long = pool.submit(server.post, "/v1/completions", RAW | {"stream": True})
            until(server.model.reading.is_set, "the long text to begin")
            other = pool.submit(server.post, "/v1/complete", CODE, **{"X-Client-Id": "other"})
            until(lambda: server.queue.waiting == 1, "the other one to wait")
            server.model.resume()
            assert other.result(PATIENCE).status_code == 200
            until(lambda: server.model.halted, "the long text to go on")
            assert not long.done()
            server.model.resume()
            lines = long.result(PATIENCE).text.split("\n\n")
            assert lines[-2] == "data: [DONE]"
            assert len([line for line in lines if '"x"' in line]) == 300

    def test_a_long_text_is_not_refused_in_its_middle(self, tmp_path, monkeypatch):
        monkeypatch.setattr("assistant.http.service.SLICE", 0.0)
        monkeypatch.setattr("assistant.http.queue.WAITING_EACH", 1)
        with served(tmp_path, ByteModel(LONG)) as server, ThreadPoolExecutor() as pool:
            server.model.pause()
            mine = {"X-Client-Id": "mine"}
            long = pool.submit(server.post, "/v1/completions", RAW | {"stream": True}, **mine)
            until(server.model.reading.is_set, "the long text to begin")
            others = [pool.submit(server.post, "/v1/complete", CODE, **{"X-Client-Id": "other"})]
            until(lambda: server.queue.waiting == 1, "the other one to wait")
            others.append(pool.submit(server.post, "/v1/complete", CODE, **mine))
            until(lambda: server.queue.waiting == 2, "as many of one client to wait as may")
            server.model.resume()
            assert long.result(PATIENCE).text.endswith("data: [DONE]\n\n")
            assert [other.result(PATIENCE).status_code for other in others] == [200, 200]

    async def test_questions_that_take_long_hold_up_neither_completions_nor_other_clients(self, tmp_path):
        with served(tmp_path, ByteModel("f(y)\n")) as server:
            end = threading.Event()
            asking = [
                asyncio.create_task(server.service.aside(Client("greedy"), lambda stop: end.wait(PATIENCE)))
                for _ in range(ASIDE)
            ]
            await asyncio.sleep(0)
            with pytest.raises(Problem, match="under way"):
                await server.service.aside(Client("greedy"), lambda stop: None)
            assert await server.service.aside(Client("modest"), lambda stop: 3) == 3
            answer = await asyncio.to_thread(server.post, "/v1/complete", CODE)
            assert answer.json()["text"] == "f(y)"
            end.set()
            assert await asyncio.gather(*asking) == [True] * ASIDE
            assert await server.service.aside(Client("greedy"), lambda stop: 4) == 4

    async def test_a_worker_that_does_not_stop_is_replaced(self, monkeypatch):
        monkeypatch.setattr("assistant.http.queue.GRACE", 0.05)
        end = threading.Event()
        queue = Queue(lambda: Worker(assistant(ByteModel("f(y)\n")), 60), seconds=0.1)
        with pytest.raises(Problem):
            await queue.run(Client("x"), lambda assistant, stop: end.wait(PATIENCE))
        queue.seconds = PATIENCE
        answer = await queue.run(Client("x"), lambda assistant, stop: assistant.complete(request("x = ‸")))
        assert answer.completions[0].text == "f(y)"
        end.set()
        queue.close()


def test_a_server_that_ends_in_the_middle_of_work_leaves_no_task_behind():
    begun, end = threading.Event(), threading.Event()
    queue = Queue(lambda: Worker(assistant(ByteModel("f(y)\n")), 60))

    def work(assistant, stop):
        begun.set()
        end.wait(PATIENCE)  # however much it should stop

    async def serve() -> None:
        asking = asyncio.create_task(queue.run(Client("x"), work))
        await asyncio.to_thread(begun.wait, PATIENCE)
        queue.end()
        assert not asking.done()  # the loop's end cancels it

    asyncio.run(serve())
    end.set()
    queue.close()
    assert not queue._releasing


async def test_a_client_whose_answer_is_not_there_is_told_that_the_server_ends():
    async def app(scope, receive, send):
        await asyncio.Event().wait()

    never, told = asyncio.Event(), list[dict]()
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        return messages.pop() if messages else await never.wait()

    async def send(message):
        told.append(message)

    scope = {"type": "http", "path": "/", "method": "GET", "headers": [(b"host", b"localhost")]}
    asking = asyncio.create_task(Boundary(app, Admission(), Metrics())(scope, receive, send))
    while messages:
        await asyncio.sleep(0)
    asking.cancel()
    await asking
    assert told[0]["status"] == 503


async def test_two_workers_answer_at_the_same_time(tmp_path):
    models = [ByteModel("f(y)\n"), ByteModel("f(y)\n")]
    with served(tmp_path, *models) as server:
        for model in models:
            model.pause()
        async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as client:
            asking = [asyncio.create_task(client.post("/v1/complete", json=CODE)) for _ in range(2)]
            end = time.monotonic() + PATIENCE
            while not all(model.reading.is_set() for model in models):
                assert time.monotonic() < end
                await asyncio.sleep(0.01)
            for model in models:
                model.resume()
            assert [(await each).json()["text"] for each in asking] == ["f(y)"] * 2
