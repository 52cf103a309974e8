"""Tokenizers of every kind that models come with: the tokens of a text are its bytes, whatever they were made to do."""

from __future__ import annotations

import json

import pytest
from huggingface_folders import byte_level, sentence_piece
from model_contract import TEXT, TEXTS
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from assistant.errors import ModelError
from plugins.huggingface.tokens import Vocabulary

SIZE = 1000


def written(tokenizer: Tokenizer, text: str) -> bytes:
    """The bytes of the tokens of a text."""
    vocabulary = Vocabulary(tokenizer.to_str(), SIZE, ())
    tokens = vocabulary.tokenize(text)
    assert vocabulary.ends.isdisjoint(tokens)
    return b"".join(map(vocabulary.pieces.__getitem__, tokens))


def with_blank(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return tokenizer


def with_limits(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=8)
    return tokenizer


def with_words(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    return tokenizer


def of_old(tokenizer: Tokenizer) -> Tokenizer:
    """As descriptions of some years ago say that a blank is put before a text."""
    state = json.loads(tokenizer.to_str())
    state["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}
    return Tokenizer.from_str(json.dumps(state))


TOKENIZERS = {
    "composed": byte_level(["<|endoftext|>"], normalizer=normalizers.NFKC()),
    "lower case": byte_level([], normalizer=normalizers.Sequence([normalizers.Lowercase(), normalizers.Strip()])),
    "blank before": with_blank(byte_level([])),
    "cut off": with_limits(byte_level(["<|endoftext|>"])),
    "SentencePiece": sentence_piece(["<s>"]),
    "Metaspace": sentence_piece(["<s>"], metaspace=True),
    "words": with_words(sentence_piece(["<s>"])),
    "old": of_old(sentence_piece(["<s>"], metaspace=True)),
}


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("text", [*TEXTS, TEXT, "<s>", "<|endoftext|>", "  İ Ǆ ﬁ "])
def test_the_tokens_of_a_text_are_its_bytes(kind, text):
    assert written(TOKENIZERS[kind], text) == text.encode()


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("special", [True, False])
def test_tokens_for_filling_in_are_special_whatever_the_tokenizer_says_of_them(special, normalized):
    tokenizer = sentence_piece([])
    tokenizer.add_tokens([AddedToken("<fim_middle>", special=special, normalized=normalized)])
    vocabulary = Vocabulary(tokenizer.to_str(), SIZE, ())
    assert "<fim_middle>" in vocabulary.specials
    assert written(tokenizer, "a <fim_middle> b") == b"a <fim_middle> b"


def test_an_added_token_that_is_text_keeps_its_neighbours():
    tokenizer = byte_level([])
    tokenizer.add_tokens([AddedToken("<tool_call>", special=False, normalized=False, lstrip=True, rstrip=True)])
    assert tokenizer.token_to_id("<tool_call>") in Vocabulary(tokenizer.to_str(), SIZE, ()).tokenize(
        "a  <tool_call>  b"
    )
    assert written(tokenizer, "a  <tool_call>  b") == b"a  <tool_call>  b"


def test_a_token_that_ends_a_text_is_not_found_in_it():
    state = json.loads(sentence_piece([]).to_str())
    state["model"] |= {"ignore_merges": True, "vocab": {**state["model"]["vocab"], "<eos>": 999}}
    assert Tokenizer.from_str(json.dumps({**state, "normalizer": None})).encode("<eos>").ids == [999]
    vocabulary = Vocabulary(json.dumps(state), SIZE, {999})
    tokens = vocabulary.tokenize("<eos>")
    assert 999 not in tokens
    assert b"".join(map(vocabulary.pieces.__getitem__, tokens)) == b"<eos>"


def test_numbers_without_a_token_are_never_written():
    state = json.loads(sentence_piece([]).to_str())
    state["model"]["vocab"]["far"] = 900
    vocabulary = Vocabulary(json.dumps(state), SIZE, ())
    assert len(vocabulary.pieces) == 901
    assert 899 in vocabulary.ends
    assert vocabulary.pieces[899:] == (b"", b"far")
    assert len(Vocabulary(json.dumps(state), 400, ()).pieces) < 400  # nor those that the model has no scores for


def test_a_tokenizer_that_loses_text_is_refused():
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}))
    with pytest.raises(ModelError, match="lose parts of a text"):
        Vocabulary(tokenizer.to_str(), 2, ())
