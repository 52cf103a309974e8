"""The Hugging Face plugin with tiny models of several architectures, and with the embedded model's weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from huggingface_folders import FAMILIES, embedded, tiny

from plugins.huggingface import HuggingFace
from plugins.llama_cpp import WEIGHTS

pytest.register_assert_rewrite("model_contract")
from model_contract import TEXT, CroppableContract, EmbeddedContract, ModelContract  # noqa: E402

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

CROPPABLE = sorted(set(FAMILIES) - {"lfm2"})


def plain(folder: Path):
    """Scores by transformers alone: the whole text at once, nothing kept."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def logits(tokens, last=1):
        with torch.inference_mode():
            return model(torch.tensor([list(tokens)]), use_cache=False).logits[0, -last:].numpy()

    return logits


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
