"""Our own dialect: completions with all that is known of them, in files that are served and no others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest
from command import COMMAND
from fakes import ByteModel
from http_tools import PATIENCE, Served, process, served

CODE = "import os\n\nx = \n"
AT = len("import os\n\nx = ")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("shop")
    (root / ".git").mkdir()
    (root / ".gitignore").write_text("private.py\n")
    (root / "app.py").write_text(CODE)
    (root / "é 漢.py").write_text(CODE)
    (root / "private.py").write_text(CODE)
    (root / ".env").write_text("KEY=1\n")
    (root / "binary.py").write_bytes(b"\0\1")
    (root / "latin.py").write_bytes(b"x = '\xe9'\n")
    (root / "large.py").write_text("x\n" * 1_100_000)
    (root / "out.py").symlink_to(root.parent / "outside.py")
    (root / "folder.py").symlink_to(root.parent)
    os.mkfifo(root / "pipe.py")
    (root.parent / "outside.py").write_text("SECRET = 1\n")
    return root


@pytest.fixture(scope="module")
def server(root):
    with served(root, ByteModel({"f(y)\n": 0.7, "g(z)\n": 0.2})) as server:
        yield server


def completed(server: Served, **body: object) -> httpx.Response:
    return server.post("/v1/complete", {"path": "app.py", **body})


def test_a_file_that_is_served_is_read_and_completed(server):
    answer = completed(server, offset=AT).json()
    assert (answer["text"], answer["replaces"], answer["reason"]) == ("f(y)", 0, "")
    assert answer["candidates"][0]["text"] == "f(y)"
    assert 0 < answer["probability"] <= 1


@pytest.mark.parametrize("path", ["new.py", "sub/new.py", "é 漢.py", "./app.py"])
def test_a_text_that_is_sent_needs_no_file(server, path):
    assert server.post("/v1/complete", {"path": path, "text": "é漢😀 = \n", "offset": 6}).json()["text"] == "f(y)"


def test_a_place_may_be_a_line_and_a_column_from_1(server):
    by_line = completed(server, line=3, column=5, explain=True).json()
    by_offset = completed(server, offset=AT, explain=True).json()
    assert by_line["prompt"] == by_offset["prompt"]


def test_explain_shows_what_the_model_read_even_where_the_answer_is_remembered(server):
    completed(server, offset=AT)
    prompt = completed(server, offset=AT, explain=True).json()["prompt"]
    assert "import os\n\nx =" in "".join(part["text"] for part in prompt)


def test_candidates_are_different_and_the_best_comes_first(server):
    candidates = completed(server, offset=AT, candidates=2).json()["candidates"]
    assert [candidate["text"] for candidate in candidates] == ["f(y)", "g(z)"]


def test_other_files_may_be_sent_with_it(server):
    others = [{"path": "other.py", "text": "x = unusual_name(x)\n"}]
    answer = completed(server, offset=AT, others=others, explain=True)
    assert answer.status_code == 200


def test_a_stream_shows_drafts_and_ends_with_the_answer(server):
    with server.client() as client:
        body = {"path": "app.py", "offset": AT, "stream": True, "explain": True}
        with client.stream("POST", "/v1/complete", json=body) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            events = [
                (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
                for name, data in zip(*[filter(None, response.iter_lines())] * 2, strict=True)
            ]
    drafts = [data["text"] for name, data in events if name == "draft"]
    assert [name for name, _ in events] == ["draft"] * len(drafts) + ["answer"]
    assert drafts[0] == "f"
    assert drafts[-1].startswith("f(y)")
    assert events[-1][1]["text"] == "f(y)"


@pytest.mark.parametrize(
    "path", ["../outside.py", "/etc/passwd", "out.py", "folder.py/outside.py", "a/../../outside.py", "folder.py"]
)
def test_nothing_outside_of_the_folders_is_reached_not_even_by_links(server, path):
    for body in ({"path": path, "offset": 0}, {"path": path, "text": "x = ", "offset": 4}):
        response = server.post("/v1/complete", body)
        assert response.status_code == 403
        assert "outside of the folders" in response.json()["error"]
        assert "SECRET" not in response.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (".env", 403),
        ("private.py", 403),
        ("missing.py", 404),
        ("pipe.py", 404),
        ("binary.py", 400),
        ("latin.py", 400),
        ("large.py", 413),
        ("nul\0.py", 400),
        ("x" * 5000, 400),
    ],
)
def test_what_may_not_or_cannot_be_read_is_said(server, path, status):
    response = server.post("/v1/complete", {"path": path, "offset": 0})
    assert response.status_code == status
    assert response.json()["error"]


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"offset": 10_000},
        {"offset": -1},
        {"line": 1},
        {"line": 99, "column": 1},
        {"line": 1, "column": 99},
        {"offset": 1, "line": 1, "column": 1},
        {"offset": 10**30},
        {"offset": "1"},
        {"offset": 1.5},
    ],
)
def test_a_place_that_is_not_there_is_said(server, place):
    response = completed(server, **place)
    assert response.status_code == 400
    assert response.json()["error"]


def test_an_unknown_field_is_a_mistake(server):
    response = completed(server, offset=1, candidate=2)
    assert response.status_code == 400
    assert "candidate" in response.json()["error"]


def test_a_root_may_be_named_below_those_that_are_served(server, root):
    (root / "sub").mkdir(exist_ok=True)
    (root / "sub" / "deep.py").write_text(CODE)
    assert completed(server, path="deep.py", offset=AT, root="sub").json()["text"] == "f(y)"
    assert completed(server, path="deep.py", offset=AT, root=str(root / "sub")).json()["text"] == "f(y)"
    assert completed(server, path="app.py", offset=AT, root=str(root.parent)).status_code == 403
    assert completed(server, path="app.py", offset=AT, root="nothing").status_code == 404


def test_a_batch_answers_every_cursor_and_a_mistake_in_one_harms_no_other(server):
    cursors = [{"path": "new.py", "text": f"x{number} = \n", "offset": len(f"x{number} = ")} for number in range(20)]
    cursors[7] = {"path": "../outside.py", "offset": 0}
    response = server.post("/v1/batch", {"cursors": cursors})
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert sorted(line["index"] for line in lines) == list(range(20))
    assert {line["text"] for line in lines if line["index"] != 7} == {"f(y)"}
    wrong = next(line for line in lines if line["index"] == 7)
    assert (wrong["status"], "outside" in wrong["error"]) == (403, True)


@pytest.mark.parametrize("cursors", [[], [{"path": "app.py", "offset": 0}] * 1001, {}, [{"path": "app.py"}]])
def test_a_batch_that_is_wrong_as_a_whole_is_refused(server, cursors):
    assert server.post("/v1/batch", {"cursors": cursors}).status_code == 400


def test_health_and_models_and_figures_and_the_page(server):
    assert server.get("/health").json()["status"] == "ok"
    assert [model["id"] for model in server.get("/v1/models").json()["data"]] == ["bytes"]
    completed(server, offset=AT)
    figures = server.get("/metrics").text
    assert 'ghostwright_requests_total{path="/v1/complete",status="200"}' in figures
    assert "ghostwright_tokens" in figures
    page = server.get("/docs").text
    assert all(path in page for path in ("/v1/complete", "/infill", "/api/generate", "/v1/completions", "/v1/batch"))
    assert "http://" not in page.replace(server.url, "")
    assert "https://" not in page


def test_a_path_that_is_not_there_is_said(server):
    for response in (server.get("/nothing"), server.get("/v1/complete"), server.post("/health", {})):
        assert response.status_code in (404, 405)
        assert response.json()["error"]


def test_the_command_says_where_it_listens_and_answers_with_the_embedded_model(root):
    with process(cwd=root) as (server, url):
        answer = httpx.post(f"{url}/v1/complete", json={"path": "app.py", "offset": AT}, timeout=PATIENCE).json()
        assert answer["text"]
        assert httpx.get(f"{url}/health").json()["model"].startswith("ghostwright")
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE) == 0
        assert server.stdout
        assert "Traceback" not in server.stdout.read()


def test_the_command_needs_a_token_where_others_can_reach_it(root):
    command = [*COMMAND, "serve", "--host", "0.0.0.0", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if name != "GHOSTWRIGHT_TOKEN"}
    done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", timeout=PATIENCE, env=environment)
    assert done.returncode == 1
    assert "token is needed" in done.stderr
    with process("--host", "0.0.0.0", cwd=root, env={"GHOSTWRIGHT_TOKEN": "s3cret\n"}) as (_, url):
        local = url.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{local}/v1/models").status_code == 401
        assert httpx.get(f"{local}/v1/models", headers={"Authorization": "Bearer s3cret"}).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--port", "99999"), "not a port"),
        (("--root", "nowhere"), "no folder"),
        (("--host", "nowhere.invalid"), "Nothing can"),
        (("--host", "0.0.0.0", "--token", " \n"), "token is needed"),
        (("--token", "pässword"), "ASCII only"),
    ],
)
def test_wrong_options_are_said(root, arguments, told):
    token = {"GHOSTWRIGHT_TOKEN": "s3cret"}
    done = subprocess.run(
        [*COMMAND, "serve", *arguments],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        env={**os.environ, **token},
    )
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
