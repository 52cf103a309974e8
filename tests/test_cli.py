"""The command line as a process: what is printed where, and how it ends."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from command import COMMAND, ghostwright
from gguf_files import chat_model

CODE = "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self."


@pytest.fixture
def point(tmp_path) -> Path:
    path = tmp_path / "point.py"
    path.write_text(CODE)
    return path


def test_complete_prints_the_completed_line_and_nothing_else(point):
    result = ghostwright("complete", f"{point}:4:14")
    assert (result.code, result.out, result.err) == (0, "        self.y = y\n", "")


@pytest.mark.parametrize("name", ["with space.py", "with:colon.py", "12:34", "é😀.py", "new\nline.py"])
def test_a_path_may_hold_anything(tmp_path, name):
    (tmp_path / name).write_text(CODE)
    result = ghostwright("complete", f"{name}:4:14", "--json", cwd=tmp_path)
    assert result.code in (0, 1)
    assert "error" not in result.json
    assert result.err == ""


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_columns_count_characters_whatever_stands_before_them(tmp_path, newline):
    path = tmp_path / "wide.py"
    path.write_bytes(CODE.replace("        self.", "        a = 'é漢😀'; self.").replace("\n", newline).encode())
    result = ghostwright("complete", f"{path}:4:{len('        a = xxxxx; self.') + 1}")
    assert result.code == 0
    assert result.out.startswith("        a = 'é漢😀'; self.y = y")


def test_complete_as_json_has_all_that_a_script_may_want(point):
    result = ghostwright("complete", f"{point}:4:14", "--json")
    answer = result.json
    assert (answer["text"], answer["replaces"], answer["reason"]) == ("y = y", 0, "")
    assert 0 < answer["probability"] <= 1
    best = {"text": "y = y", "replaces": 0, "probability": answer["probability"], "guards": [], "cut": False}
    assert answer["candidates"] == [best]
    assert answer["sources"] == ["file", "prefix"]
    assert {"load", "context", "prompt", "decode"} <= set(answer["timings"])
    assert "prompt" not in answer
    assert result.err == ""


def test_several_candidates_are_different_and_the_best_is_first(point):
    candidates = ghostwright("complete", f"{point}:4:14", "--json", "-n", "3").json["candidates"]
    assert 1 < len({candidate["text"] for candidate in candidates}) == len(candidates) <= 3
    probabilities = [candidate["probability"] for candidate in candidates]
    assert probabilities == sorted(probabilities, reverse=True)


def test_explain_shows_what_the_model_read_and_what_it_cost(point):
    result = ghostwright("complete", f"{point}:4:14", "--explain")
    for words in ("<|fim_prefix|>", "class Point:", "prefix ·", "tokens", "decode", "probability", "self.y = y"):
        assert words in result.out
    answer = ghostwright("complete", f"{point}:4:14", "--explain", "--json").json
    assert "".join(part["text"] for part in answer["prompt"] if part["source"] == "prefix") == CODE.removesuffix(".")
    assert answer["left_out"] == []


def test_files_beside_it_are_seen_and_secret_ones_are_not(point):
    (point.parent / "other.py").write_text("class Point:\n    def move(self, x, y):\n        self.x = x\n")
    (point.parent / "secrets.toml").write_text("class = 'Point'\n")
    answer = ghostwright("complete", f"{point}:4:14", "--explain", "--json").json
    assert "open_files" in answer["sources"]
    shown = "".join(part["text"] for part in answer["prompt"])
    assert "other.py" in shown
    assert "secrets.toml" not in shown


def test_nothing_to_show_is_said_on_the_error_output(point):
    env = point.with_name(".env")
    env.write_text("KEY=")
    result = ghostwright("complete", f"{env}:1:5")
    assert (result.code, result.out) == (1, "")
    assert "secrets" in result.err


@pytest.mark.parametrize("command", [(), ("complete",), ("lsp",), ("doctor",), ("plugins",)])
def test_every_help_text_has_an_example(command):
    result = ghostwright(*command, "--help")
    assert result.code == 0
    assert f"example: ghostwright {' '.join(command)}".strip() in result.out


def test_version():
    assert ghostwright("--version").out == f"ghostwright {version('ghostwright')}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("complet",),
        ("complete",),
        ("complete", "a.py:1:1", "-n", "0"),
        ("complete", "a.py:1:1", "-n", "many"),
        ("lsp", "--tcp", "0.0.0.0:8765"),
        ("lsp", "--tcp", "127.0.0.1:99999"),
        ("lsp", "--stdio", "--tcp", "127.0.0.1:8765"),
    ],
)
def test_a_wrong_call_is_told_with_the_usage(arguments):
    result = ghostwright(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("usage: ghostwright")
    assert "Traceback" not in result.err


def test_the_doctor_finds_a_working_installation(tmp_path):
    checks = ghostwright("doctor", "--json", cwd=tmp_path).json
    names = [check["name"] for check in checks]
    assert names[:5] == ["installation", "machine", "settings", "plugins", "language server ty"]
    assert names[-4:] == ["more language servers", "model", "format", "completion"]
    assert all(check["ok"] for check in checks if check["name"] != "completion")  # that may be slow on a busy machine
    assert "tokens at" in checks[-1]["finding"]
    result = ghostwright("doctor", cwd=tmp_path)
    assert "✓ model  ghostwright-python" in result.out
    assert result.err == ""


@pytest.mark.parametrize("model", ["missing.gguf", "chat.gguf", "model.bin"])
def test_the_doctor_names_a_wrong_model_and_a_remedy(tmp_path, model):
    chat_model(tmp_path / "chat.gguf")
    (tmp_path / "ghostwright.toml").write_text(f'model = "{tmp_path / model}"\n')
    result = ghostwright("doctor", "--json", cwd=tmp_path)
    assert result.code == 1
    (failed,) = [check for check in result.json if not check["ok"]]
    assert failed["name"] == "model"
    assert model in failed["finding"]
    assert failed["remedy"]
    assert "→" in ghostwright("doctor", cwd=tmp_path).out


def test_plugins_lists_what_each_offers(tmp_path):
    result = ghostwright("plugins", cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    assert "llama_cpp" in result.out
    assert "context_sources" in result.out
    (llama,) = [each for each in ghostwright("plugins", "--json").json if each["name"] == "llama_cpp"]
    assert llama["hooks"] == ["ghostwright_model"]
    assert llama["origin"] == f"ghostwright {version('ghostwright')}"


@pytest.mark.parametrize(
    "arguments", [("plugins",), ("plugins", "--json"), ("complete", "point.py:4:14", "--json"), ("--help",)]
)
def test_a_pipe_that_is_closed_is_no_reason_to_complain(point, arguments):
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=point.parent)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) in (0, 1)


def test_an_output_that_cannot_hold_a_character_gets_the_others(point):
    point.write_text(CODE + "  # →😀\n")
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    for format in ((), ("--json",)):
        result = ghostwright("complete", f"{point}:4:14", *format, env=env)
        assert "y = y" in result.out
        assert result.err == ""
