"""Regular expressions over what is still being written, by llguidance: the one place that knows it.

Its automata run over bytes, and give the tokens that may come next in a fraction of a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache, partial

import numpy as np
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from numpy.typing import NDArray

FOLLOWING = r"([^\w](.|\n)*)?"
"""What may come behind a match: nothing, or anything that does not go on with a name."""

LONGEST = 32
"""Bytes of the longest token that is looked for."""


def accepts(pattern: str, text: str) -> bool:
    """Whether a text matches as it is."""
    matcher = _matcher(pattern)
    return _consume(matcher, text) and bool(matcher.is_accepting())


def allows(pattern: str, text: str) -> bool:
    """Whether a text begins a match, or is one with something behind it."""
    return _consume(_matcher(f"({pattern}){FOLLOWING}"), text)


def is_over(pattern: str, text: str) -> bool:
    """Whether a text that is allowed holds a match and more."""
    return not _consume(_matcher(pattern), text)


class Masks:
    """Which tokens of a model may come next. `pieces` are the bytes of its tokens by id; `end` is one that ends."""

    def __init__(self, pieces: Sequence[bytes], end: int) -> None:
        self._size = len(pieces)
        self._tokenizer = LLTokenizer(TokenizerWrapper(_Tokens(pieces, end)), slices=[])
        self._matcher = lru_cache(maxsize=64)(partial(_new, self._tokenizer))

    def allowed(self, pattern: str, begun: str) -> NDArray[np.intp]:
        """intp[n]: the tokens that may follow `begun`, which is allowed."""
        matcher = self._matcher(f"({pattern}){FOLLOWING}").deep_copy()
        matcher.consume_tokens(self._tokenizer.greedy_tokenize(begun))
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        return np.flatnonzero(np.unpackbits(bits, bitorder="little")[: self._size])


class _Tokens:
    """Tokens as llguidance wants to be told of them."""

    def __init__(self, pieces: Sequence[bytes], end: int) -> None:
        self.eos_token_id = end
        self.bos_token_id = None
        self.tokens = [piece or b"\xff[%d]" % token for token, piece in enumerate(pieces)]
        self.special_token_ids = [token for token, piece in enumerate(pieces) if not piece]

    def __call__(self, text: bytes) -> list[int]:
        """A text that must come, in the longest tokens there are for it."""
        found = list[int]()
        while text:
            length = next(length for length in range(min(len(text), LONGEST), 0, -1) if text[:length] in self._ids)
            found.append(self._ids[text[:length]])
            text = text[length:]
        return found

    @cached_property
    def _ids(self) -> dict[bytes, int]:
        return {piece: token for token, piece in enumerate(self.tokens)}


@lru_cache(maxsize=1)
def _bytes() -> LLTokenizer:
    """A tokenizer whose tokens are bytes."""
    return LLTokenizer(TokenizerWrapper(_Tokens([*(bytes([byte]) for byte in range(256)), b""], 256)), slices=[])


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> LLMatcher:
    return _new(_bytes(), pattern)


def _new(tokenizer: LLTokenizer, pattern: str) -> LLMatcher:
    matcher = LLMatcher(tokenizer, LLMatcher.grammar_from_regex(pattern), log_level=0)
    if matcher.is_error():
        raise ValueError(f"{pattern!r} is no regular expression that llguidance knows: {matcher.get_error()}")
    return matcher


def _matcher(pattern: str) -> LLMatcher:
    return _compiled(pattern).deep_copy()


def _consume(matcher: LLMatcher, text: str) -> bool:
    data = list(text.encode())
    return matcher.try_consume_tokens(data) == len(data)
