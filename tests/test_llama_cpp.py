"""The llama.cpp plugin with the embedded model: its cache, its cancelling, its tokens."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
from gguf_files import chat_model, embedding_model
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.cancellation import Cancellation
from assistant.errors import Cancelled, ModelError, NoFillInTheMiddle
from assistant.settings import Settings
from plugins.llama_cpp import WEIGHTS, LlamaCpp, ghostwright_model

TEXT = '''def area(width, height):
    """The area of a rectangle."""
    return width * height


class Box:
    def __init__(self, width, height, depth):
        self.width = width
        self.height = height
        self.depth = depth

    def volume(self):
        return area(self.width, self.height) * self.depth
'''


@pytest.fixture(scope="module")
def model():
    model = LlamaCpp(WEIGHTS, threads=1)
    yield model
    model.unload()


@pytest.fixture(scope="module")
def fresh():
    """Logits by a model that has seen nothing before."""
    model = LlamaCpp(WEIGHTS, threads=1)

    def logits(tokens, last=1):
        model.unload()
        return model.logits(tokens, last)

    yield logits
    model.unload()


def is_close(ours, theirs) -> bool:
    """Whether scores are those of the same text: apart by 0.1 on average in batches of other sizes, by 0.4 if not."""
    return bool(np.abs(ours - theirs).mean() < 0.2)


def test_what_is_kept_of_the_last_run_changes_nothing(model, fresh):
    chance = random.Random(1)
    text = model.tokenize(TEXT)
    for _ in range(20):
        start = chance.randrange(1, len(text))
        written = [chance.choice(text) for _ in range(chance.randrange(5))]
        edited = [*text[:start], *written, *text[start + chance.randrange(4) :]]
        tokens = edited[: chance.choice([len(edited), start + 2])]
        assert is_close(model.logits(tokens), fresh(tokens))


def test_another_text_has_other_scores(model, fresh):
    text = model.tokenize(TEXT)
    assert not is_close(model.logits(text), fresh([*text[:-4], text[0], *text[-3:]]))


def test_only_what_is_new_is_evaluated(model):
    tokens = model.tokenize(TEXT)
    model.logits(tokens)
    before = model.evaluated
    model.logits([*tokens, tokens[0]])
    assert model.evaluated == before + 1
    model.logits(tokens[:-5])
    assert model.evaluated == before + 2  # the last one, for its scores


def test_the_last_positions_together_are_as_each_alone(model, fresh):
    tokens = model.tokenize(TEXT)[:60]
    for last in (1, 2, 7, 60):
        rows = model.logits(tokens, last)
        assert rows.shape == (last, rows.shape[1])
        for row in range(0, last, 5):
            assert is_close(rows[row], fresh(tokens[: len(tokens) - last + row + 1])[0])


@pytest.mark.parametrize("event", [threading.Event, Cancellation])
def test_a_cancel_is_noticed_and_the_next_run_is_right(model, fresh, event):
    tokens = model.tokenize(TEXT * 12)[:1200]
    model.logits(tokens[:1])
    already = event()
    already.set()
    before = model.evaluated
    with pytest.raises(Cancelled):
        model.logits(tokens, cancelled=already)
    assert model.evaluated == before

    later = event()
    threading.Timer(0.05, later.set).start()
    with pytest.raises(Cancelled):
        run_for_ever(model, tokens, later)
    assert is_close(model.logits(tokens[:300]), fresh(tokens[:300]))


def run_for_ever(model, tokens, cancelled):
    while True:  # however fast the machine is
        model.logits(tokens, cancelled=cancelled)
        model.logits(tokens[:1], cancelled=cancelled)


def test_text_that_looks_like_a_special_token_stays_text(model):
    for special in ("<|fim_middle|>", "<|endoftext|>", "<|file_sep|>"):
        tokens = model.tokenize(f"x = '{special}'")
        assert model.special(special) not in tokens
        assert not model.ends & set(tokens)
        assert model.detokenize(tokens) == f"x = '{special}'".encode()
        assert model.detokenize([model.special(special)]) == b""


@settings(max_examples=200, deadline=None)
@given(text=st.text())
def test_tokens_give_their_text_back(model, text):
    assert model.detokenize(model.tokenize(text)) == text.encode()


@pytest.mark.parametrize("text", ["", " ", "\0", "é漢😀", "\r\n\x0c\u2028", "    \t", "a" * 5000])
def test_tokens_give_unusual_texts_back(model, text):
    assert model.detokenize(model.tokenize(text)) == text.encode()


def test_half_a_surrogate_pair_becomes_a_question_mark(model):
    assert model.detokenize(model.tokenize("a\ud83db")) == b"a?b"


def test_it_loads_again_after_it_was_unloaded():
    model = LlamaCpp(WEIGHTS, threads=1)
    assert not model.loaded
    tokens = model.tokenize(TEXT)
    first = model.logits(tokens)
    for _ in range(3):
        model.unload()
        model.unload()
        assert not model.loaded
        assert np.array_equal(model.logits(tokens), first)
    model.unload()


def test_two_models_do_not_disturb_each_other(model, fresh):
    other = LlamaCpp(WEIGHTS, threads=1)
    tokens = model.tokenize(TEXT)
    for length in (20, 40, 60):
        assert is_close(other.logits(tokens[length:]), fresh(tokens[length:]))
        assert is_close(model.logits(tokens[:length]), fresh(tokens[:length]))
    other.unload()


def test_the_format_is_found_with_a_reason(model):
    assert model.format.name == "ghostwright"
    assert "metadata" in model.format_reason
    assert model.context_length >= 2048


def test_more_tokens_than_it_reads_are_refused(model):
    tokens = model.tokenize("x") * (model.context_length + 1)
    with pytest.raises(ModelError, match="more than the"):
        model.logits(tokens)
    assert model.logits(tokens[:3]).shape[0] == 1


def test_a_special_token_that_it_has_not_is_named(model):
    with pytest.raises(ModelError, match="<unheard_of>"):
        model.special("<unheard_of>")


def test_models_that_cannot_complete_say_why(tmp_path):
    with pytest.raises(NoFillInTheMiddle, match="Name a base model"):
        LlamaCpp(chat_model(tmp_path / "chat.gguf")).load()
    with pytest.raises(ModelError, match="embedding model"):
        LlamaCpp(embedding_model(tmp_path / "embedding.gguf")).load()


def test_the_setting_model_decides(tmp_path):
    assert ghostwright_model(Settings()).languages == {"python"}
    named = ghostwright_model(Settings(model=str(tmp_path / "any.gguf")))
    assert (named.path, named.languages) == (tmp_path / "any.gguf", None)
    assert ghostwright_model(Settings(model="a/model.safetensors")) is None
