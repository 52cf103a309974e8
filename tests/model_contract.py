"""What every model keeps to, whoever runs it: its cache, its cancelling, its tokens, and how it writes under guards.

A test file inherits from `ModelContract` and gives two fixtures: `make`, a function that makes the model, not yet
loaded, and `fresh`, a function for its scores by a run that has seen nothing before.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
from fakes import Names, request, writer
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.cancellation import Cancellation
from assistant.engine import Assistant
from assistant.errors import Cancelled, ModelError
from assistant.settings import Settings

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

TEXTS = [
    "",
    " ",
    "  x",
    "\0",
    "é漢😀",
    "e\u0301",
    "\r\n\x0c\u2028",
    "\n\n\n",
    "    \t",
    "a▁b",
    "▁",
    "<0x41>",
    "a" * 5000,
]
"""Texts that tokenizers like to change."""


class ModelContract:
    """`tolerance` is the mean difference of scores up to which they are those of the same text."""

    tolerance: ClassVar[float]

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, make):
        model = make()
        yield model
        model.unload()

    def is_close(self, ours, theirs) -> bool:
        return bool(np.abs(ours - theirs).mean() < self.tolerance)

    def test_what_is_kept_of_the_last_run_changes_nothing(self, model, fresh):
        chance = random.Random(1)
        text = model.tokenize(TEXT)
        for _ in range(20):
            start = chance.randrange(1, len(text))
            written = [chance.choice(text) for _ in range(chance.randrange(5))]
            edited = [*text[:start], *written, *text[start + chance.randrange(4) :]]
            tokens = edited[: chance.choice([len(edited), start + 2])]
            assert self.is_close(model.logits(tokens), fresh(tokens))

    def test_another_text_has_other_scores(self, model, fresh):
        text = model.tokenize(TEXT)
        assert not self.is_close(model.logits(text), fresh([*text[:-4], text[0], *text[-3:]]))

    def test_the_last_positions_together_are_as_each_alone(self, model, fresh):
        tokens = model.tokenize(TEXT)[:60]
        for last in (1, 2, 7, 60):
            rows = model.logits(tokens, last)
            assert rows.dtype == np.float32
            assert rows.shape == (last, len(model.pieces))
            for row in range(0, last, 5):
                assert self.is_close(rows[row], fresh(tokens[: len(tokens) - last + row + 1])[0])

    @pytest.mark.parametrize("last", [0, 4])
    def test_as_many_positions_as_there_are_can_be_asked_for(self, model, last):
        with pytest.raises(ValueError, match="positions"):
            model.logits(model.tokenize("a b")[:1] * 3, last)

    @pytest.mark.parametrize("event", [threading.Event, Cancellation])
    def test_a_cancel_is_noticed_and_the_next_run_is_right(self, model, fresh, event):
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
        assert self.is_close(model.logits(tokens[:300]), fresh(tokens[:300]))

    def test_text_that_looks_like_a_special_token_stays_text(self, model):
        for special in model.format.specials:
            tokens = model.tokenize(f"x = '{special}'")
            assert model.special(special) not in tokens
            assert not model.ends & set(tokens)
            assert model.detokenize(tokens) == f"x = '{special}'".encode()
            assert model.detokenize([model.special(special)]) == b""
            assert model.special(special) in model.ends

    @settings(max_examples=200, deadline=None)
    @given(text=st.text())
    def test_tokens_give_their_text_back(self, model, text):
        assert model.detokenize(model.tokenize(text)) == text.encode()

    @pytest.mark.parametrize("text", TEXTS)
    def test_tokens_give_unusual_texts_back(self, model, text):
        assert model.detokenize(model.tokenize(text)) == text.encode()

    def test_half_a_surrogate_pair_becomes_a_question_mark(self, model):
        assert model.detokenize(model.tokenize("a\ud83db")) == b"a?b"

    def test_the_bytes_of_every_token_are_known(self, model):
        assert len(model.pieces) == len(model.logits(model.tokenize("x"))[0])
        assert all(model.detokenize([token]) == piece for token, piece in enumerate(model.pieces))
        assert all(not model.pieces[token] for token in model.ends)
        assert set(map(bytes, zip(range(256), strict=True))) <= set(model.pieces)

    def test_it_loads_again_after_it_was_unloaded(self, make):
        model = make()
        assert not model.loaded
        tokens = model.tokenize(TEXT)
        first = model.logits(tokens)
        model.unload()
        model.unload()
        assert not model.loaded
        assert np.array_equal(model.logits(tokens), first)
        model.unload()

    def test_two_models_do_not_disturb_each_other(self, make, model, fresh):
        other = make()
        tokens = model.tokenize(TEXT)
        for length in (20, 40, 60):
            assert self.is_close(other.logits(tokens[length:]), fresh(tokens[length:]))
            assert self.is_close(model.logits(tokens[:length]), fresh(tokens[:length]))
        other.unload()

    def test_more_tokens_than_it_reads_are_refused(self, model):
        tokens = model.tokenize("x")[:1] * (model.context_length + 1)
        with pytest.raises(ModelError, match="more than the"):
            model.logits(tokens)
        assert model.logits(tokens[:3]).shape[0] == 1

    def test_a_special_token_that_it_has_not_is_named(self, model):
        with pytest.raises(ModelError, match="<unheard_of>"):
            model.special("<unheard_of>")

    def test_its_format_is_found_with_a_reason(self, model):
        assert model.format.specials
        assert "special tokens are in the vocabulary" in model.format_reason

    def test_guards_bind_it(self, model):
        asked = request("class Box:\n    def volume(self):\n        return self.‸")
        draft = writer(asked, model, [Names(["width", "height"])]).write()
        assert draft.rulings
        assert draft.text == "" or draft.text.startswith(("width", "height"))
        chosen = [each for each in ("width", "height") if draft.text.startswith(each)]
        assert all(not draft.text[len(each) :][:1].isidentifier() for each in chosen)

    def test_a_completion_ends_within_its_bounds(self, model):
        assistant = Assistant(model, Settings(max_lines=3, min_probability=0))
        answer = assistant.complete(request(TEXT + "\n\ndef double(value):\n    ‸"))
        assert answer.evaluated
        assert all(len(completion.text.splitlines()) <= 3 for completion in answer.completions)

    def test_a_completion_can_be_cancelled(self, model):
        cancelled = Cancellation()
        cancelled.set()
        with pytest.raises(Cancelled):
            Assistant(model, Settings()).complete(request(TEXT + "\n\nclass Cube(‸"), cancelled)


class CroppableContract:
    """What models keep to, beyond that, that can forget the end of a sequence: all but recurrent ones."""

    def test_only_what_is_new_is_evaluated(self, model):
        tokens = model.tokenize(TEXT)
        model.logits(tokens)
        before = model.evaluated
        model.logits([*tokens, tokens[0]])
        assert model.evaluated == before + 1
        model.logits(tokens[:-5])
        assert model.evaluated == before + 2  # the last one, for its scores


class EmbeddedContract(ModelContract, CroppableContract):
    """What is true of the embedded weights, whoever runs them."""

    @pytest.fixture
    def complete(self, model) -> Callable[[str], str]:
        assistant = Assistant(model, Settings(min_probability=0))

        def complete(marked: str) -> str:
            completions = assistant.complete(request(marked)).completions
            return completions[0].text if completions else ""

        return complete

    def test_it_is_known_by_what_it_says_of_itself(self, model):
        assert model.format.name == "ghostwright"  # its special tokens are Qwen's, too
        assert "metadata" in model.format_reason
        assert model.context_length == 2048

    def test_it_writes_what_the_text_suggests_and_stops(self, complete):
        assert complete(TEXT + "\n    def surface(self):\n        return 2 * self.‸\n") == "depth"
        opened = complete("import os\n\n\ndef read(path):\n    with open(‸\n")
        assert opened.startswith("os.path.join(path")
        assert opened.endswith(":")

    def test_guards_choose_among_what_may_be_written(self, model):
        asked = request(TEXT + "\n\ndef height_of(box: Box):\n    return box.‸\n")
        draft = writer(asked, model, [Names(["wheel", "height", "weather"])]).write()
        assert draft.text.startswith("height")


def run_for_ever(model, tokens, cancelled):
    while True:  # however fast the machine is
        model.logits(tokens, cancelled=cancelled)
        model.logits(tokens[:1], cancelled=cancelled)
