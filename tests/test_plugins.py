"""Plugins of strangers: installed as a distribution, seen, used, and left out if they are broken."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import ghostwright
from distributions import unpack, wheel, with_plugins

GLOSSARY = """
from assistant import Snippet
from assistant.hookspecs import hookimpl

class Glossary:
    name = "glossary"

    def snippets(self, request):
        file = request.root and request.root / "GLOSSARY.md"
        if file and file.is_file():
            yield Snippet(file.read_text(), score=0.5, source=self.name, path="GLOSSARY.md")

@hookimpl
def ghostwright_context_sources(settings):
    return [Glossary()]
"""

README = (Path(__file__).parents[1] / "README.md").read_text()
ENVIRONMENT = next(code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "OneOf" in code)

SHOUTER = """
from dataclasses import replace
from assistant.hookspecs import hookimpl

class Shouter:
    name = "shouter"

    def process(self, completion, request):
        return None if "quiet" in request.text else replace(completion, text=completion.text + "  # LOUD")

@hookimpl{options}
def ghostwright_post_processors():
    return [Shouter()]
"""


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository with a file to complete at `:4:14`, and a glossary."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "point.py").write_text("class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.")
    (root / "GLOSSARY.md").write_text("A point is a place in the plane.\n")
    return root


@pytest.fixture
def install(tmp_path):
    """Installs a plugin; returns the environment in which it is seen."""

    def install(name: str, source: str) -> dict[str, str]:
        unpack(wheel(tmp_path, name, source), tmp_path / "site")
        return with_plugins(tmp_path / "site")

    return install


def plugins(env: dict[str, str], cwd: Path) -> dict[str, dict[str, object]]:
    result = ghostwright("plugins", "--json", env=env, cwd=cwd)
    assert result.code == 0
    return {plugin["name"]: plugin for plugin in result.json}


def test_a_strangers_plugin_is_seen_and_its_snippet_is_in_the_prompt(tmp_path, repository):
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(site), str(wheel(tmp_path, "glossary", GLOSSARY))], check=True)
    env = with_plugins(site)
    found = plugins(env, repository)
    assert found["glossary"] == {
        "name": "glossary",
        "origin": "glossary 1.0",
        "hooks": ["ghostwright_context_sources"],
        "problem": "",
    }
    assert {"llama_cpp", "open_files", "tidy"} <= set(found)
    answer = ghostwright("complete", "point.py:4:14", "--explain", "--json", cwd=repository, env=env).json
    assert "glossary" in answer["sources"]
    shown = [part["text"] for part in answer["prompt"] if part["source"] == "glossary"]
    assert "A point is a place in the plane.\n" in "".join(shown)
    assert answer["text"] == "y = y"


def test_the_monitor_in_the_readme_guides_the_model(install, repository):
    assert len(ENVIRONMENT.splitlines()) < 30
    (repository / ".env.example").write_text("SHOP_DATABASE=\nSHOP_PORT=8000\n")
    (repository / "settings.py").write_text('import os\n\nPORT = os.environ["')
    env = install("ghostwright_environment", ENVIRONMENT)
    answer = ghostwright("complete", "settings.py:3:20", "--explain", "--json", env=env, cwd=repository).json
    [completion] = answer["candidates"]
    assert re.match(r'SHOP_(DATABASE|PORT)"\]', completion["text"])
    assert "environment" in completion["guards"]
    alone = ghostwright("complete", "settings.py:3:20", "--json", cwd=repository).json
    assert not any("SHOP_" in completion["text"] for completion in alone["candidates"])


def test_a_plugin_can_be_switched_off(install, repository):
    env = install("glossary", GLOSSARY)
    (repository / "ghostwright.toml").write_text('disabled_plugins = ["glossary"]\n')
    assert plugins(env, repository)["glossary"]["problem"] == "disabled in the settings"
    answer = ghostwright("complete", "point.py:4:14", "--json", cwd=repository, env=env).json
    assert "glossary" not in answer["sources"]


@pytest.mark.parametrize("options", ["", "(tryfirst=True)", "(trylast=True)"])
def test_a_post_processor_may_change_or_drop_a_completion(install, repository, options):
    env = install("shouter", SHOUTER.format(options=options))
    assert ghostwright("complete", "point.py:4:14", "--json", cwd=repository, env=env).json["text"] == "y = y  # LOUD"
    point = repository / "point.py"
    point.write_text("# quiet\n" + point.read_text())
    dropped = ghostwright("complete", "point.py:5:14", "--json", cwd=repository, env=env)
    assert (dropped.code, dropped.json["text"]) == (1, "")
    assert dropped.json["reason"]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import a_module_that_is_missing", "ModuleNotFoundError: No module named 'a_module_that_is_missing'"),
        ("raise SystemError('too old')", "SystemError: too old"),
        ("def f(:", "SyntaxError"),
        (
            GLOSSARY + "@hookimpl\ndef ghostwright_post_processors(settings, colour): return [Glossary()]\n",
            "PluginValidationError",
        ),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named_and_left_out(install, repository, source, problem):
    env = install("broken", source)
    found = plugins(env, repository)["broken"]
    assert problem in found["problem"]
    assert found["hooks"] == []
    result = ghostwright("complete", "point.py:4:14", "--json", cwd=repository, env=env)
    assert result.json["text"] == "y = y"
    assert result.json["sources"] == ["file", "prefix"]
    assert "“broken” of broken 1.0" in result.err
    assert "Traceback" not in result.err
    doctor = ghostwright("doctor", "--json", cwd=repository, env=env)
    assert doctor.code == 1
    failed = {check["name"] for check in doctor.json if not check["ok"]}
    assert failed - {"completion"} == {"plugin broken"}  # a completion may be slow on a busy machine


def test_a_plugin_whose_entry_point_leads_nowhere_is_named_and_left_out(install, tmp_path, repository):
    env = install("empty", "")
    (tmp_path / "site" / "empty.py").unlink()
    assert "ModuleNotFoundError" in plugins(env, repository)["empty"]["problem"]


def test_a_hook_of_a_newer_version_is_told_and_the_others_are_used(install, repository):
    env = install("newer", GLOSSARY + "@hookimpl\ndef ghostwright_dreams(settings): return []\n")
    result = ghostwright("complete", "point.py:4:14", "--json", cwd=repository, env=env)
    assert "glossary" in result.json["sources"]
    assert "ghostwright_dreams" in result.err
    assert plugins(env, repository)["newer"]["hooks"] == ["ghostwright_context_sources"]


def test_a_source_that_raises_is_named_and_what_it_left_out_is_told(install, repository):
    failing = GLOSSARY.replace("        file =", "        raise RuntimeError('no glossary today')\n        file =")
    env = install("glossary", failing)
    result = ghostwright("complete", "point.py:4:14", "--explain", "--json", cwd=repository, env=env)
    assert result.json["text"] == "y = y"
    assert "no glossary today" in result.err
    assert any(sentence.startswith("glossary: it failed") for sentence in result.json["left_out"])


WRONG = """
import sys
from assistant import Matching, OneOf, Snippet
from assistant.hookspecs import hookimpl

class Wrong:
    def __init__(self, name, **answers):
        self.name = name
        self.triggers = "."
        for method, answer in answers.items():
            setattr(self, method, lambda *arguments, answer=answer: answer)

class Leaves:
    name = "leaves"
    def snippets(self, request): sys.exit("no reason")

class Endless:
    name = "endless"
    def snippets(self, request):
        while True:
            yield Snippet("a = 1", 0.1, self.name, "a.py")

class Guard:
    is_free = may_end = False
    def after(self, text):
        if text: raise RuntimeError("no end")
        return self

@hookimpl
def ghostwright_context_sources(settings):
    path = Wrong("path", snippets=[Snippet("a = 1", 0.5, "path", settings)])
    return [path, Wrong("score", snippets=[Snippet("a = 1", "high", "score", "a.py")]), Leaves(), Endless()]
@hookimpl
def ghostwright_monitors(settings):
    wrong = {"none": None, "list": OneOf(["x"]), "pattern": Matching("((("), "own": Guard()}
    return [Wrong(name, guard=guard) for name, guard in wrong.items()]
@hookimpl
def ghostwright_post_processors(settings): return [Wrong("text", process="y = y"), Wrong("methodless")]
@hookimpl
def ghostwright_checks(settings): return [Wrong("true", fault=True)]
@hookimpl
def ghostwright_priors(settings): return [Wrong("weight", weights={"x": "heavy"})]
"""


def test_a_plugin_whose_answers_are_none_is_named_and_left_out(install, repository):
    install("leaving", "raise SystemExit('not here')")
    (repository / "point.py").write_text(f"{(repository / 'point.py').read_text()}y = y\n\n\np = Point(1, 2)\np.")
    result = ghostwright("complete", f"{repository / 'point.py'}:8:3", "--json", env=install("wrong", WRONG))
    assert result.json["text"]
    named = set(re.findall(r"plugin “(\w+)”", result.err))
    expected = {"path", "score", "leaves", "none", "list", "pattern", "own", "text", "methodless", "true", "weight"}
    assert named == {"leaving", *expected}


def test_a_monitor_without_triggers_is_named_and_left_out(install, repository):
    monitor = "class Mute:\n    name = 'mute'\n    def guard(self, view): return None"
    source = (
        f"from assistant.hookspecs import hookimpl\n{monitor}\n@hookimpl\ndef ghostwright_monitors(): return [Mute()]"
    )
    result = ghostwright("complete", f"{repository / 'point.py'}:4:14", "--json", env=install("mute", source))
    assert result.json["text"] == "y = y"
    assert "“mute” failed" in result.err
