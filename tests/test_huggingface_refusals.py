"""What the Hugging Face plugin does not load, and says so: programs, pickles, and models that cannot complete."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from huggingface_folders import byte_level, tiny
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertConfig, BertModel

from assistant.errors import ModelError, NoFillInTheMiddle
from assistant.settings import Settings
from plugins.huggingface import HuggingFace, ghostwright_model


class Program:
    """What a pickle may hold: something that is called when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tiny(tmp_path / "model")


@pytest.fixture
def trace(tmp_path) -> Path:
    """A file that is there if a program of the model's has been run."""
    return tmp_path / "it-was-run"


def refusal(folder: Path, kind: type[ModelError] = ModelError) -> str:
    model = HuggingFace(str(folder))
    with pytest.raises(kind) as caught:
        model.load()
    assert not model.loaded
    return str(caught.value)


def changed(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_pickle_is_never_loaded(folder, trace):
    pickle.loads(pickle.dumps(Program(trace)))
    assert trace.exists()  # so it would be seen
    trace.unlink()

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Program(trace)))
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    assert "pytorch_model.bin is a pickle" in refusal(folder)

    (folder / "model.safetensors").write_bytes(pickle.dumps(Program(trace)))
    assert "cannot be loaded" in refusal(folder)

    (folder / "model.safetensors").write_bytes(weights)
    HuggingFace(str(folder)).load()
    assert not trace.exists()


@pytest.mark.parametrize("shard", ["pytorch_model.bin", "../elsewhere.safetensors", "/tmp/elsewhere.safetensors"])
def test_an_index_names_safetensors_of_its_own_folder_only(folder, trace, shard):
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Program(trace)))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"model.norm.weight": shard}}))
    assert shard in refusal(folder)
    assert not trace.exists()


def test_no_program_that_comes_with_a_model_is_run(folder, trace):
    program = f"from pathlib import Path\nPath({str(trace)!r}).touch()\n"
    (folder / "modeling_mine.py").write_text(program)
    (folder / "tokenization_mine.py").write_text(program)
    tokenizer = {"auto_map": {"AutoTokenizer": ["tokenization_mine.Mine", None]}, "tokenizer_class": "Mine"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    HuggingFace(str(folder)).load()  # only its tokenizer.json is read
    changed(folder / "config.json", auto_map={"AutoModelForCausalLM": "modeling_mine.Mine"})
    assert "never run" in refusal(folder)
    assert not trace.exists()
    with suppress(AttributeError):  # it has no class of that name
        AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    assert trace.exists()  # so it would be seen


def test_what_needs_programs_from_elsewhere_is_refused(folder):
    changed(folder / "config.json", quantization_config={"quant_method": "mxfp4"})
    assert "quantised" in refusal(folder)


def test_an_adapter_is_not_a_model(folder):
    (folder / "adapter_config.json").write_text("{}")
    assert "adapter" in refusal(folder)


def test_a_model_without_tokens_for_the_middle_says_so_before_its_weights_are_read(folder):
    byte_level(["<|endoftext|>"]).save(str(folder / "tokenizer.json"))
    (folder / "model.safetensors").write_bytes(b"")
    assert "Name a base model" in refusal(folder, NoFillInTheMiddle)


@pytest.mark.parametrize("changes", [{"architectures": 3}, {"vocab_size": "many"}, {"num_hidden_layers": -1}])
def test_a_strange_configuration_is_an_error(folder, changes):
    changed(folder / "config.json", **changes)
    assert str(folder) in refusal(folder)


def test_a_model_that_does_not_write_says_so(tmp_path, folder):
    BertModel(BertConfig(vocab_size=32, hidden_size=32, num_hidden_layers=1, num_attention_heads=2)).save_pretrained(
        tmp_path / "bert"
    )
    assert "BertModel" in refusal(tmp_path / "bert")
    (folder / "modules.json").write_text("[]")  # an encoder of sentence-transformers
    assert "not a model that writes" in refusal(folder)


@pytest.mark.parametrize("file", ["tokenizer.json", "model.safetensors", "config.json"])
def test_a_file_that_is_missing_is_named(folder, file):
    (folder / file).unlink()
    assert file in refusal(folder)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", "{"),
        ("config.json", "[]"),
        ("tokenizer.json", "{"),
        ("tokenizer.json", "{}"),
        ("config.json", "\0"),
    ],
)
def test_a_damaged_file_is_named(folder, file, content):
    (folder / file).write_text(content)
    assert file.removesuffix(".json") in refusal(folder)


@pytest.mark.parametrize("index", [{"weight_map": {"model.norm.weight": 3}}, {"weight_map": []}])
def test_a_strange_index_is_an_error(folder, index):
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert str(folder) in refusal(folder)


def test_weights_that_are_cut_off_or_missing_are_an_error(folder):
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert "cannot be loaded" in refusal(folder)
    file.write_bytes(whole)
    tensors = load_file(file)
    save_file({name: each for name, each in tensors.items() if "q_proj" not in name}, file, {"format": "pt"})
    assert "q_proj" in refusal(folder)  # transformers would make them up by chance
    save_file({name: each[:8] for name, each in tensors.items()}, file, {"format": "pt"})
    assert "cannot be loaded" in refusal(folder)


def test_an_architecture_that_transformers_does_not_know_is_named(folder):
    changed(folder / "config.json", model_type="unheard_of")
    assert "unheard_of" in refusal(folder)


def test_a_place_that_is_not_there_says_what_it_may_be(tmp_path):
    assert "hub" in refusal(tmp_path / "nowhere")
    (tmp_path / "weights.gguf").write_bytes(b"no GGUF file")
    assert "weights.gguf" in refusal(tmp_path / "weights.gguf")


def test_the_setting_model_decides(folder, monkeypatch):
    assert ghostwright_model(Settings(model=str(folder))).place == str(folder)
    named = ghostwright_model(Settings(model="huggingface:org/name"))
    assert (named.name, named.languages, named.loaded) == ("org/name", None, False)
    assert ghostwright_model(Settings(model="huggingface:/models/coder.gguf")).name == "coder.gguf"
    monkeypatch.chdir(folder)
    for other in ("", "org/name", "/models/coder.gguf", str(folder.parent)):
        assert ghostwright_model(Settings(model=other)) is None


def python(*lines: str) -> str:
    """What a Python that runs some lines prints."""
    code = "\n".join(lines)
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8").stdout


def test_without_the_extra_a_model_says_what_to_install(folder):
    printed = python(
        "import sys",
        "sys.modules['torch'] = None",
        "from assistant.errors import ModelError",
        "from plugins.huggingface import HuggingFace",
        f"try: HuggingFace({str(folder)!r}).load()",
        "except ModelError as error: print(error)",
    )
    assert 'pip install "ghostwright[huggingface]"' in printed
    assert "torch" in printed


def test_nothing_heavy_is_imported_before_a_model_is_loaded():
    heavy = "{'torch', 'transformers', 'tokenizers', 'safetensors', 'huggingface_hub'}"
    printed = python(
        "import sys",
        "from plugins.huggingface import ghostwright_model",
        "from assistant.settings import Settings",
        "ghostwright_model(Settings(model='huggingface:org/name'))",
        f"print(sorted({heavy} & sys.modules.keys()))",
    )
    assert printed == "[]\n"


def test_the_network_is_not_asked_when_a_model_is_loaded(folder):
    printed = python(
        "import sys",
        "asked = []",
        "names = ('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname')",
        "sys.addaudithook(lambda name, details: asked.append(details) if name in names else None)",
        "from plugins.huggingface import HuggingFace",
        f"model = HuggingFace({str(folder)!r})",
        "model.logits(model.tokenize('x'))",
        "import socket",
        "print(asked)",
        "try: socket.create_connection(('127.0.0.1', 9), 0.1)",
        "except OSError: print(bool(asked))",
    )
    assert printed == "[]\nTrue\n"
