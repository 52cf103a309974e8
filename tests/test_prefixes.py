"""The tokens that texts begin with, found by hashes, are those that are found by comparing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.decoding.prefixes import LONGEST, Prefixes

TEXTS = st.lists(st.binary(max_size=6) | st.text("ab", max_size=9).map(str.encode), max_size=30)


@given(pieces=TEXTS, texts=TEXTS.map(set), least=st.integers(1, 4))
def test_the_tokens_are_those_that_begin_a_text(pieces: list[bytes], texts: set[bytes], least: int) -> None:
    expected = {
        token
        for token, piece in enumerate(pieces)
        if piece and len(piece) >= least and any(text.startswith(piece) for text in texts)
    }
    assert set(Prefixes(pieces).of(texts, least).tolist()) == expected


def test_tokens_longer_than_the_hashes_are_found() -> None:
    pieces = [b"-" * LONGEST, b"-" * (LONGEST + 9), b"=" * (LONGEST + 9)]
    assert set(Prefixes(pieces).of([b"-" * (LONGEST + 20)]).tolist()) == {0, 1}


def test_bytes_of_zero_do_not_pass_for_the_padding() -> None:
    assert set(Prefixes([b"a", b"a\0", b"\0"]).of([b"a", b"bcd"]).tolist()) == {0}
