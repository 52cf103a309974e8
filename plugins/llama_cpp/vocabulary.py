"""A model's tokens as bytes, and a text as tokens, in which nothing is added or taken for a special token."""

from __future__ import annotations

import ctypes
import re
from functools import cached_property, lru_cache
from typing import Any

from assistant.formats import FORMATS

_LEAD = "\x01"
"""Stands before a text so that SentencePiece's blank goes there; no vocabulary has it in a token with others."""

_CONTROL, _USER_DEFINED = 8, 16  # LLAMA_TOKEN_ATTR_…


class Vocabulary:
    """A model's tokens: `specials` by their texts, and `ends`, those with which it ends what it writes."""

    def __init__(self, api: Any, pointer: Any) -> None:
        self._api, self._pointer = api, pointer
        self.size: int = api.llama_vocab_n_tokens(pointer)
        self.specials = self._read_specials()
        eogs = (token for token in range(self.size) if api.llama_vocab_is_eog(pointer, token))
        self.ends = frozenset(self.specials.values()).union(eogs)
        self._inside_special = re.compile(
            "|".join(f"(?<={re.escape(t[0])})(?={re.escape(t[1:])})" for t in self.specials)
        )
        puts_blank = api.llama_vocab_type(pointer) == api.LLAMA_VOCAB_TYPE_SPM
        self._lead = _LEAD if puts_blank else ""
        self._lead_tokens = len(self._raw(self._lead))
        self.tokenize = lru_cache(maxsize=128)(self._tokenize)  # most parts of a prompt are those of the last one

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """The bytes of all tokens, none for special ones."""
        return tuple(map(self._piece, range(self.size)))

    def _piece(self, token: int) -> bytes:
        if token in self.ends:
            return b""
        buffer = ctypes.create_string_buffer(256)
        count = self._api.llama_token_to_piece(self._pointer, token, buffer, len(buffer), 0, False)
        return buffer.raw[: max(count, 0)]

    def _tokenize(self, text: str) -> list[int]:
        """Tokens of a text in which nothing is special, and before which SentencePiece puts no blank."""
        tokens = self._raw(self._lead + text)[self._lead_tokens :]
        if self.ends.isdisjoint(tokens):
            return tokens
        halves = self._inside_special.split(text)  # llama.cpp finds user-defined tokens in any text: take them apart
        return [token for half in halves for token in self._raw(self._lead + half)[self._lead_tokens :]]

    def _raw(self, text: str) -> list[int]:
        encoded = text.encode("utf-8", "replace")
        buffer = (self._api.llama_token * (len(encoded) + 2))()
        count = self._api.llama_tokenize(self._pointer, encoded, len(encoded), buffer, len(buffer), False, False)
        return list(buffer[:count])

    def _read_specials(self) -> dict[str, int]:
        """Control tokens, and those of our formats that a model calls “user-defined”."""
        known = frozenset().union(*(form.specials for form in FORMATS))
        found = {}
        for token in range(self.size):
            attribute = self._api.llama_vocab_get_attr(self._pointer, token)
            if not attribute & (_CONTROL | _USER_DEFINED):
                continue
            text = self._api.llama_vocab_get_text(self._pointer, token).decode("utf-8", "replace")
            if text and (attribute & _CONTROL or text in known):
                found[text] = token
        return found
