"""The Hugging Face plugin with tiny models of several architectures, and with the embedded model's weights."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
import transformers
from fakes import request
from huggingface_folders import FAMILIES, embedded, tiny
from model_contract import TEXT, CroppableContract, EmbeddedContract, ModelContract
from safetensors.torch import load_file, save_file

from assistant.engine import Assistant
from assistant.errors import Cancelled
from assistant.settings import Settings
from plugins.huggingface import HuggingFace
from plugins.llama_cpp import WEIGHTS, LlamaCpp

WEIGHTS_FILE = "model.safetensors"
EXAMPLES = Path(__file__).parents[1] / "examples"
CROPPABLE = sorted(set(FAMILIES) - {"lfm2"})


def plain(folder: Path):
    """Scores by transformers alone: the whole text at once, nothing kept."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def logits(tokens, last=1):
        with torch.inference_mode():
            return model(torch.tensor([list(tokens)]), use_cache=False).logits[0, -last:].numpy()

    return logits


class SetLater(Event):
    """It is set when it has been looked at so often."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


class Tiny(ModelContract):
    tolerance = 1e-3

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, family, tmp_path_factory):
        return tiny(tmp_path_factory.mktemp(family), family)

    @pytest.fixture(scope="class")
    @classmethod
    def make(cls, folder):
        return lambda: HuggingFace(str(folder), threads=1)

    @pytest.fixture(scope="class")
    @classmethod
    def fresh(cls, folder, make):
        logits, size = plain(folder), len(make().pieces)
        return lambda tokens, last=1: logits(tokens, last)[:, :size]

    @pytest.mark.parametrize("layer", [1, 2])
    def test_a_cancel_is_noticed_between_two_layers(self, model, fresh, layer):
        tokens = model.tokenize(TEXT)[:50]
        model.logits(tokens[:20])
        before = model.evaluated
        with pytest.raises(Cancelled):
            model.logits(tokens, cancelled=SetLater(layer))
        assert model.evaluated == before
        assert self.is_close(model.logits(tokens), fresh(tokens))

    def test_the_format_is_that_of_its_family(self, model, family):
        assert model.format.name == FAMILIES[family].format


@pytest.mark.parametrize("family", CROPPABLE, scope="class")
class TestTiny(Tiny, CroppableContract):
    pass


@pytest.mark.parametrize("family", ["lfm2"], scope="class")
class TestRecurrent(Tiny):
    def test_it_goes_on_but_starts_anew_to_go_back(self, model):
        tokens = model.tokenize(TEXT)
        model.logits(tokens)
        before = model.evaluated
        model.logits([*tokens, tokens[0]])
        assert model.evaluated == before + 1
        model.logits(tokens[:-5])
        assert model.evaluated == before + 1 + len(tokens) - 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = embedded(tmp_path_factory.mktemp("models") / "embedded")
    yield folder
    shutil.rmtree(folder)  # 232 MB


@pytest.fixture(scope="module")
def fresh(folder):
    return plain(folder)


class TestEmbedded(EmbeddedContract):
    tolerance = 1e-3

    @pytest.fixture(scope="class")
    @classmethod
    def make(cls, folder):
        return lambda: HuggingFace(str(folder), threads=1)


def test_both_backends_write_the_same_for_most_cursors(folder):
    texts = [path.read_text() for path in sorted(EXAMPLES.glob("*.py"))]
    places = [(text, at.end()) for text in texts for at in re.finditer(r"return |= |\(", text)]
    marked = [f"{text[:place]}‸{text[place:]}" for text, place in places[::3]]
    written = [greedy(model, marked) for model in (HuggingFace(str(folder), threads=1), LlamaCpp(WEIGHTS, threads=1))]
    same = sum(one == other for one, other in zip(*written, strict=True))
    assert len(marked) > 10
    assert len(set(written[0])) > len(marked) / 2
    assert same > 0.8 * len(marked)


def greedy(model, marked):
    assistant = Assistant(model, Settings(min_probability=0, max_lines=1))
    completions = [assistant.complete(request(each)).completions for each in marked]
    model.unload()
    return [found[0].text if found else "" for found in completions]


def test_weights_of_16_bits_give_nearly_the_same(folder, fresh, tmp_path):
    half = shutil.copytree(folder, tmp_path / "half")
    save_file({name: each.bfloat16() for name, each in load_file(folder / WEIGHTS_FILE).items()}, half / WEIGHTS_FILE)
    config = json.loads((half / "config.json").read_text())
    (half / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    model = HuggingFace(str(half), threads=1)  # some processors compute with 16 bits, others do not
    tokens = model.tokenize(TEXT)
    model.logits(tokens)
    edited = [*tokens[:60], *tokens[70:]]
    ours, theirs = model.logits(edited, 20), fresh(edited, 20)
    assert np.abs(ours - theirs).mean() < 0.2
    assert (ours.argmax(1) == theirs.argmax(1)).mean() > 0.8
    model.unload()


def test_a_gguf_file_gives_the_same_through_transformers(folder, fresh):
    pytest.importorskip("accelerate", reason="transformers unpacks GGUF files with accelerate")
    model, unpacked = HuggingFace(str(WEIGHTS), threads=1), HuggingFace(str(folder), threads=1)
    assert model.format == unpacked.format
    assert (model.pieces, model.ends, model.context_length) == (unpacked.pieces, unpacked.ends, unpacked.context_length)
    tokens = model.tokenize(TEXT)
    assert tokens == unpacked.tokenize(TEXT)
    assert np.abs(model.logits(tokens, 20) - fresh(tokens, 20)).max() < 1e-3
    model.unload()
    unpacked.unload()
