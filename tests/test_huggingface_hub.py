"""Models come from the hub when `ghostwright download` is called, and never else: tested with a hub of our own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import COMMAND, Result, ghostwright
from distributions import unpack, wheel, with_plugins
from huggingface_folders import tiny
from huggingface_hub_fake import Hub, files_of, serving

from plugins.huggingface.place import is_name

MODEL = "huggingface:org/tiny"
WAIT = 100
"""Seconds that a machine may be busy with other things."""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, bytes]:
    folder = tiny(tmp_path_factory.mktemp("hub") / "tiny", intermediate_size=40_000)  # more than is fetched at once
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling_mine.py").write_text("raise SystemExit")
    return files_of(folder)


@pytest.fixture
def hub(files) -> Iterator[Hub]:
    with serving(Hub(dict(files))) as hub:
        yield hub


@pytest.fixture
def environment(hub, tmp_path) -> dict[str, str]:
    """A machine with an empty cache and a way to the hub, on which the plugin is installed."""
    site = tmp_path / "site"
    unpack(wheel(tmp_path, "hub_models", "from plugins.huggingface import ghostwright_model\n"), site)
    own = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1,localhost"}
    ours = {name: value for name, value in with_plugins(site).items() if name != "HF_HUB_OFFLINE"}  # set by other tests
    return {**ours, **own}


@pytest.fixture
def run(environment, tmp_path) -> Callable[..., Result]:
    return lambda *arguments: ghostwright(*arguments, cwd=tmp_path, env=environment)


@pytest.fixture
def python(environment) -> Callable[[str], str]:
    """What a Python prints that runs a line with the `model`."""

    def python(line: str) -> str:
        code = f"from plugins.huggingface import HuggingFace, located; model = HuggingFace('org/tiny'); {line}"
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=WAIT).stdout

    return python


@pytest.fixture
def is_here(python) -> Callable[[], bool]:
    """Whether the model is on this machine, as a completion sees it."""
    return lambda: bool(python("print(located('org/tiny'))"))


def test_without_a_download_nothing_is_fetched_and_the_command_is_named(run, hub, tmp_path):
    (tmp_path / "app.py").write_text("value = 1\n")
    done = run("complete", "app.py:2:1", "--model", MODEL)
    assert done.code == 1
    assert f"ghostwright download {MODEL}" in done.err
    assert not hub.asked


def test_a_downloaded_model_is_run_without_the_hub(run, hub, python):
    done = run("download", MODEL)
    assert done.code == 0, done.err
    assert "org/tiny is in" in done.out
    assert hub.fetched == {"config.json", "generation_config.json", "tokenizer.json", "model.safetensors"}
    asked = len(hub.asked)
    assert python("print(model.logits([1, 2]).shape)").startswith("(1, ")
    assert run("download", MODEL).code == 0
    assert len(hub.asked) == asked  # nothing of it is fetched again


def test_a_token_is_shown_to_the_hub_only(run, hub, environment):
    environment["HF_TOKEN"] = "hf_secret"
    assert run("download", MODEL).code == 0
    assert "model.safetensors" in hub.fetched
    assert hub.tokens == {("hub", "Bearer hf_secret")}


def test_the_model_of_the_settings_is_downloaded_if_none_is_named(run, hub, tmp_path):
    (tmp_path / "ghostwright.toml").write_text(f'model = "{MODEL}"\n')
    assert run("download").code == 0
    assert "model.safetensors" in hub.fetched


def test_a_download_that_was_cut_off_goes_on_where_it_was(environment, run, hub, is_here, tmp_path):
    hub.stalled.add("model.safetensors")
    process = subprocess.Popen([*COMMAND, "download", MODEL], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    assert hub.stalling.wait(WAIT)
    while not any(path.stat().st_size for path in (tmp_path / "cache").rglob("*.partial")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait(WAIT)
    assert not is_here()

    hub.stalled.clear()
    hub.asked.clear()
    assert run("download", MODEL).code == 0
    assert [begin > 0 for name, begin in hub.asked if name == "model.safetensors"] == [True]
    assert is_here()


def test_a_file_that_comes_damaged_is_removed_and_fetched_again(run, hub, is_here):
    hub.damaged.add("model.safetensors")
    done = run("download", MODEL)
    assert done.code == 1
    assert "model.safetensors of org/tiny came here damaged" in done.err
    assert not is_here()
    hub.damaged.clear()
    assert run("download", MODEL).code == 0
    assert is_here()


@pytest.mark.parametrize("changes", [{"auto_map": {}}, {"quantization_config": {}}])
def test_a_model_that_needs_programs_is_refused_before_its_weights_come(run, hub, changes):
    config = {**json.loads(hub.files["config.json"]), **changes}
    hub.files = {**hub.files, "config.json": json.dumps(config).encode()}
    assert run("download", MODEL).code == 1
    assert hub.fetched == {"config.json"}


def test_a_model_that_comes_as_a_pickle_is_refused_before_anything_comes(run, hub):
    hub.files = {name: content for name, content in hub.files.items() if name != "model.safetensors"}
    done = run("download", MODEL)
    assert (done.code, hub.fetched) == (1, set())
    assert "has no safetensors" in done.err


def test_what_cannot_be_downloaded_says_why(run, environment, tmp_path):
    assert "The hub has no model org/other" in run("download", "huggingface:org/other").err
    assert "is on this machine already" in run("download", f"huggingface:{tmp_path}").err
    assert "nothing to download" in run("download").err
    environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    assert "could not be fetched" in run("download", MODEL).err


def test_a_name_of_the_hub_is_told_from_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_name("Qwen/Qwen2.5-Coder-0.5B")
    for path in (
        "/org/name",
        "./org/name",
        "~/name",
        "org",
        "org/name/more",
        "../name",
        "org/",
        str(Path("org\\name")),
    ):
        assert not is_name(path)
    Path("org/name").mkdir(parents=True)
    assert not is_name("org/name")
