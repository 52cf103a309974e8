"""What a model writes by itself: how tokens are drawn, where a text stops, and prompts that come as they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fakes import ByteModel
from hypothesis import given
from hypothesis import strategies as st

from assistant.decoding.sampling import Finish, Sampling, Stops, Wish, generate
from assistant.decoding.vocabulary import Vocabulary
from assistant.raw import infill, tokens_of

CHANCES = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))


def drawn(count: int = 4000, **options: float) -> list[float]:
    """How often each of four tokens is drawn."""
    chance = np.random.default_rng(1)
    tokens = [Sampling(**options).choose(CHANCES, chance) for _ in range(count)]
    return [tokens.count(token) / count for token in range(4)]


def test_tokens_are_drawn_as_often_as_they_are_probable():
    assert drawn(temperature=1) == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)
    flattened = [math.sqrt(each) for each in (0.5, 0.3, 0.15, 0.05)]
    assert drawn(temperature=2) == pytest.approx([each / sum(flattened) for each in flattened], abs=0.03)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"temperature": 0.0}, {0}),
        ({"temperature": 1e-300}, {0}),
        ({"temperature": 1.0, "top_k": 2}, {0, 1}),
        ({"temperature": 1.0, "top_p": 0.55}, {0, 1}),
        ({"temperature": 1.0, "top_p": 0.45}, {0}),
        ({"temperature": 1.0, "min_p": 0.25}, {0, 1, 2}),
    ],
)
def test_what_is_improbable_can_be_left_out(options, left):
    assert {token for token, share in enumerate(drawn(**options)) if share} == left


def test_what_must_not_be_chosen_never_is():
    row = np.array([-np.inf, 0.0, -np.inf], np.float32)
    chance = np.random.default_rng(1)
    assert {Sampling(temperature=2.0).choose(row, chance) for _ in range(50)} == {1}


@given(st.text("ab\n ", max_size=30), st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3), st.data())
def test_a_text_ends_before_its_first_stop_however_it_is_cut_into_pieces(text, stops, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    watching, told = Stops(stops), ""
    for piece in pieces:
        told += watching.push(piece)
        if watching.found is not None:
            break
    ends = [text.find(stop) for stop in stops if stop in text]
    if ends:
        assert told == text[: min(ends)] or any(told + stop == text[: len(told) + len(stop)] for stop in stops)
    else:
        assert told + watching.rest() == text


def test_a_line_that_is_indented_too_little_ends_a_text():
    for pieces in (["a\n    b\n", "\n  ", " ", " c\n", "  d\n"], list("a\n    b\n\n    c\n  d\n")):
        stops = Stops((), indent=4)
        assert "".join(stops.push(piece) for piece in pieces) == "a\n    b\n\n    c"
        assert stops.found == ""


def written(model: ByteModel, **options: object) -> tuple[str, Finish | None]:
    wish = Wish(**{"prompt": (model.special("<|fim_middle|>"),), "tokens": 99} | options)
    pieces = list(generate(model, Vocabulary(model.pieces), wish, model.logits, math.inf))
    return "".join(piece.text for piece in pieces), pieces[-1].finish


def test_half_a_character_is_never_told():
    model = ByteModel("é漢😀")
    pieces = list(
        generate(model, Vocabulary(model.pieces), Wish((model.special("<|fim_middle|>"),), 99), model.logits, math.inf)
    )
    assert [piece.text for piece in pieces if piece.text] == ["é", "漢", "😀"]
    assert written(model, tokens=3) == ("é\ufffd", Finish.LENGTH)


def test_a_word_that_is_half_typed_is_written_anew_in_the_models_own_tokens():
    model = ByteModel({"name": 0.1, "other": 0.8}, words=["name"])
    assert written(model, typed="na") == ("me", Finish.END)


def test_special_tokens_are_read_in_a_prompt_and_what_only_looks_like_one_is_text():
    model = ByteModel()
    prompt = "<b>é<|fim_prefix|>[INT]<|fim_nothing|>\0<|fim_middle|>"
    tokens = tokens_of(model, prompt)
    assert model.shown(tokens) == prompt
    assert [token for token in tokens if token > 255] == [
        model.special("<|fim_prefix|>"),
        model.special("<|fim_middle|>"),
    ]


def test_a_cursor_in_a_large_text_is_shown_with_what_stands_next_to_it():
    model = ByteModel(context_length=400)
    tokens, typed = infill(model, "a = 1\n" * 1000 + "near = 2\nx", "\nbehind\n" + "b = 3\n" * 1000)
    assert typed == "x"
    assert len(tokens) <= 300
    assert "near = 2\n" in model.shown(tokens)
    assert "\nbehind\n" in model.shown(tokens)
