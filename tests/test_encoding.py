"""Encoders: one function for every candidate, whatever else is encoded, and what is said if there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assistant
from retrieval.encoding import Encoder, embedded, load
from retrieval.encoding_errors import EncoderError
from retrieval.encoding_pooling import POOLINGS, best_block
from retrieval.encoding_words import Vocabulary, WordEncoder, words_of
from retrieval.splitting import definitions

MODEL = Path(assistant.__file__).parent / "weights" / "ghostwright-python-58m.Q5_K_M.gguf"

SHOP = """
class Basket:
    def total(self):
        return sum(item.price * item.count for item in self.items)

    def send_receipt(self, address):
        message = Message(to=address, subject="Receipt", body=self.render())
        self.smtp.send(message)

def read_settings(path):
    with open(path, "rb") as file:
        return tomllib.load(file)

def retry(action, times, wait):
    for attempt in range(times):
        try:
            return action()
        except ConnectionError:
            time.sleep(wait * 2 ** attempt)
"""


@pytest.fixture(scope="module")
def gguf():
    from retrieval.encoding_llama_cpp import LlamaCppEncoder

    encoder = LlamaCppEncoder(MODEL)
    yield encoder
    encoder.close()


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, atol=1e-5))


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Load the configuration from a TOML file.", "read_settings"),
        ("Email the customer a confirmation", "Basket.send_receipt"),
        ("try again after network failures, with exponential backoff", "retry"),
        ("the sum of all prices", "Basket.total"),
    ],
)
def test_what_is_described_is_found(query: str, name: str):
    found = definitions(SHOP, "python")
    encoder = embedded()
    scores = encoder.definitions([each.passages for each in found]) @ encoder.queries([query])[0]
    assert found[int(scores.argmax())].name == name


@pytest.mark.parametrize("pooling", POOLINGS)
def test_repeating_a_block_changes_nothing(pooling: str):
    one = "total\ndef total(self): return self.price"
    two = "total\n    for item in self.items: count += 1"
    encoder = embedded(pooling)
    once, twice, both, order = encoder.definitions([[one], [one, one], [one, two, one, two], [two, one]])
    assert close(once, twice)
    assert close(once, encoder.blocks([one])[0])
    assert close(both, order)
    assert not close(once, both)


@pytest.mark.parametrize("pooling", POOLINGS)
@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.text(max_size=60) | st.sampled_from(SHOP.splitlines()), max_size=4), max_size=6))
def test_a_vector_does_not_depend_on_what_else_is_encoded(pooling: str, several: list[list[str]]):
    encoder = embedded(pooling)
    together = encoder.definitions(several)
    assert together.shape == (len(several), encoder.dimension)
    assert together.dtype == np.float32
    lengths = np.linalg.norm(together, axis=1)
    assert ((np.abs(lengths - 1) < 1e-4) | (lengths == 0)).all()
    for blocks, vector in zip(several, together, strict=True):
        assert close(encoder.definitions([blocks])[0], vector)


def test_the_name_of_a_definition_counts_most():
    encoder = embedded()
    query = encoder.queries(["parse the header"])[0]
    named, called = encoder.blocks(["parse_header\nx = read(y)", "read\nx = parse_header(y)"]) @ query
    assert named > called


def test_texts_without_words_have_no_direction():
    encoder = embedded()
    assert not encoder.queries(["", "… + ()"]).any()
    assert not encoder.definitions([[], [""], ["\n"]]).any()
    assert encoder.blocks([]).shape == (0, encoder.dimension)


def test_encoders_with_other_vectors_have_other_names():
    assert len({embedded(pooling).name for pooling in POOLINGS}) == len(POOLINGS)
    assert embedded().name == load().name


def test_another_pooling_is_refused():
    with pytest.raises(ValueError, match="one of attention2, attention1, mean, max"):
        embedded("median")


def test_identifiers_are_taken_apart():
    assert words_of("parseHTTPHeader_v2") == ["parse", "http", "header", "v", "2"]
    assert words_of("__init__") == ["init"]
    assert words_of("größeÄndern2") == ["größeändern", "2"]


def test_unknown_words_are_cut_into_pieces():
    vocabulary = Vocabulary(["a", "b", "data", "frame", "read"])
    assert [vocabulary.words[number] for number in vocabulary.numbers("readDataframe(xab)")] == [
        "read", "data", "frame", "a", "b",
    ]  # fmt: skip


def test_the_best_block_counts():
    blocks = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    assert best_block(np.array([[0, 1]], np.float32), blocks, np.array([0, 2])).tolist() == [[1.0, pytest.approx(0.8)]]


def test_a_file_that_is_no_encoder_is_named(tmp_path: Path):
    for content in (b"", b"PK\x03\x04 and no more", b"not an archive"):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(EncoderError, match=r"broken\.npz is no encoder"):
            WordEncoder(tmp_path / "broken.npz")
    with pytest.raises(EncoderError, match=r"none\.npz"):
        WordEncoder(tmp_path / "none.npz")


def test_a_gguf_file_encodes(gguf: Encoder):
    one, two = "total\ndef total(self): return self.price", "send\ndef send(self, mail): self.smtp.send(mail)"
    once, twice, other = gguf.definitions([[one], [one, one], [two]])
    assert once.shape == (gguf.dimension,)
    assert np.linalg.norm(once) == pytest.approx(1, abs=1e-4)
    assert np.allclose(once, twice, atol=1e-3)
    assert not np.allclose(once, other, atol=1e-2)
    assert np.allclose(gguf.blocks([two, one])[1], once, atol=1e-3)
    assert not gguf.queries([" "]).any()
    assert gguf.blocks(["word " * 5000]).shape == (1, gguf.dimension)


def test_a_gguf_file_has_the_name_of_its_content(gguf: Encoder, tmp_path: Path):
    from retrieval.encoding_llama_cpp import LlamaCppEncoder

    assert MODEL.name in gguf.name
    with pytest.raises(EncoderError, match="There is no encoder"):
        LlamaCppEncoder(tmp_path / "none.gguf")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF and no more")
    with pytest.raises(EncoderError, match="cannot load the encoder"):
        load(str(tmp_path / "broken.gguf"))


def test_a_sentence_transformers_model_says_what_it_needs(tmp_path: Path):
    with pytest.raises(EncoderError, match=r"pip install sentence-transformers|cannot load"):
        load(str(tmp_path))
