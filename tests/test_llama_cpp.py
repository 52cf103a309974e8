"""The llama.cpp plugin with the embedded model, and with files that it cannot run."""

from __future__ import annotations

import pytest
from gguf_files import chat_model, embedding_model, sentencepiece_model
from model_contract import EmbeddedContract

from assistant.errors import ModelError, NoFillInTheMiddle
from assistant.settings import Settings
from plugins.llama_cpp import WEIGHTS, LlamaCpp, ghostwright_model


def llama_cpp() -> LlamaCpp:
    return LlamaCpp(WEIGHTS, threads=1)


class TestLlamaCpp(EmbeddedContract):
    tolerance = 0.2  # scores are apart by 0.1 on average in batches of other sizes, by 0.4 for other texts

    @pytest.fixture(scope="class")
    @classmethod
    def make(cls):
        return llama_cpp

    @pytest.fixture(scope="class")
    @classmethod
    def fresh(cls):
        model = llama_cpp()

        def logits(tokens, last=1):
            model.unload()
            return model.logits(tokens, last)

        yield logits
        model.unload()


def test_models_that_cannot_complete_say_why(tmp_path):
    with pytest.raises(NoFillInTheMiddle, match="Name a base model"):
        LlamaCpp(chat_model(tmp_path / "chat.gguf")).load()
    with pytest.raises(ModelError, match="embedding model"):
        LlamaCpp(embedding_model(tmp_path / "embedding.gguf")).load()


@pytest.mark.parametrize("text", ["ab", " ab", "\n", "\nab", "\n\n\nab\n\n", "\n\n\n\n\n", "  \n  ab é"])
def test_sentencepiece_keeps_the_blanks_and_newlines_that_a_text_begins_with(tmp_path, text):
    model = LlamaCpp(sentencepiece_model(tmp_path / "sentences.gguf"))
    assert model.detokenize(model.tokenize(text)) == text.encode()
    assert len(model.tokenize("\n\n\n\n")) == 1


def test_the_setting_model_decides(tmp_path):
    assert ghostwright_model(Settings()).languages == {"python"}
    named = ghostwright_model(Settings(model=str(tmp_path / "any.gguf")))
    assert (named.path, named.languages) == (tmp_path / "any.gguf", None)
    assert ghostwright_model(Settings(model="a/model.safetensors")) is None
