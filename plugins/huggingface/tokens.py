"""A tokenizer's tokens as bytes, and a text as tokens, nothing added, changed or taken for a special token.

What comes in a `tokenizer.json` would put a blank before a text, compose its accents, or find special tokens in it; the
description is rewritten so that it does none of this, and the bytes of the tokens of a text are the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from tokenizers import Tokenizer

from assistant.errors import ModelError
from assistant.formats import FORMATS

BLANK = "▁"
"""What SentencePiece writes for a blank."""

_FORMATS_SPECIALS = frozenset().union(*(form.specials for form in FORMATS))


class Vocabulary:
    """The tokens that a model with `size` scores knows.

    `description` is the content of a tokenizer.json. `specials` are tokens by their texts, and `ends` those with which
    it ends what it writes: all special ones, and numbers without a token.
    """

    def __init__(self, description: str, size: int, ends: Iterable[int | None]) -> None:
        state = _plain(json.loads(description))
        self._tokenizer = Tokenizer.from_str(json.dumps(state))
        self._tokenizer.encode_special_tokens = True
        texts = {token: text for text, token in self._tokenizer.get_vocab().items() if token < size}
        self.size = max(texts, default=-1) + 1
        self.specials: dict[str, int] = {
            each["content"]: each["id"] for each in state["added_tokens"] if each["special"] and each["id"] in texts
        }
        gaps = set(range(self.size)) - texts.keys()
        self.ends = frozenset(self.specials.values()) | gaps | {end for end in ends if end is not None}
        self._texts = texts
        self._added: dict[int, str] = {each["id"]: each["content"] for each in state["added_tokens"]}
        self._is_byte_level = _is_byte_level(state)
        self._blanks = [] if self._is_byte_level else self._spelled(BLANK)
        self.tokenize = lru_cache(maxsize=128)(self._tokenize)  # most parts of a prompt are those of the last one

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """The bytes of all tokens, none for special ones."""
        return tuple(map(self._piece, range(self.size)))

    def _piece(self, token: int) -> bytes:
        if token in self.ends:
            return b""
        if token in self._added:
            return self._added[token].encode()
        text = self._texts[token]
        if self._is_byte_level:
            return b"".join(_BYTES.get(character, character.encode()) for character in text)
        if len(text) == 6 and text.startswith("<0x"):
            return bytes.fromhex(text[3:5])
        return text.replace(BLANK, " ").encode()

    def _tokenize(self, text: str) -> list[int]:
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair becomes a question mark
        if BLANK in text and self._blanks:
            first, *rest = text.split(BLANK)
            return [*self._raw(first), *(token for part in rest for token in (*self._blanks, *self._raw(part)))]
        return self._raw(text)

    def _raw(self, text: str) -> list[int]:
        tokens = self._encoded(text)
        if self.ends.isdisjoint(tokens):
            return tokens
        return [token for character in text for token in self._encoded(character)]

    def _encoded(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return tokens

    def _spelled(self, text: str) -> list[int]:
        """A text byte by byte; nothing where there are no tokens for bytes."""
        known, names = self._tokenizer.get_vocab(), [f"<0x{byte:02X}>" for byte in text.encode()]
        return [known[name] for name in names] if known.keys() >= set(names) else []


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    """A tokenizer's description without anything that changes a text. Raises ModelError for a kind that loses bytes."""
    if not _is_byte_level(state) and not _is_sentence_piece(state):
        raise ModelError("The tokenizer is neither byte-level nor SentencePiece's: it would lose parts of a text.")
    added = [
        {**token, "special": _is_special(token), "lstrip": False, "rstrip": False} for token in state["added_tokens"]
    ]
    blanks = [part for part in _parts(state.get("normalizer")) if part["type"] == "Replace"]
    splits = [_without_prefix(part) for part in _parts(state.get("pre_tokenizer"))]
    return {
        **state,
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": blanks},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": splits} if splits else None,
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }


def _is_special(token: Mapping[str, Any]) -> bool:
    """Whether it is no text: Qwen's tokenizers do not say so of the tokens for filling in."""
    return token["special"] or token["content"] in _FORMATS_SPECIALS


def _without_prefix(part: Mapping[str, Any]) -> dict[str, Any]:
    """A pre-tokenizer that puts no blank before a text."""
    if part["type"] == "Metaspace":
        kept = {key: value for key, value in part.items() if key != "add_prefix_space"}
        return {**kept, "prepend_scheme": "never"}
    return {**part, "add_prefix_space": False} if "add_prefix_space" in part else dict(part)


def _parts(component: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """A normalizer, pre-tokenizer or decoder, or those that it is made of."""
    if component is None:
        return
    if component["type"] != "Sequence":
        yield component
    for key in ("normalizers", "pretokenizers", "decoders"):
        for part in component.get(key, ()):
            yield from _parts(part)


def _is_byte_level(state: Mapping[str, Any]) -> bool:
    parts = (*_parts(state.get("pre_tokenizer")), *_parts(state.get("decoder")))
    return any(part["type"] == "ByteLevel" for part in parts)


def _is_sentence_piece(state: Mapping[str, Any]) -> bool:
    parts = (*_parts(state.get("normalizer")), *_parts(state.get("pre_tokenizer")))
    return any(part["type"] == "Metaspace" or part.get("content") == BLANK for part in parts)


def _byte_characters() -> Iterator[tuple[str, bytes]]:
    """How a byte-level vocabulary writes bytes: printable ones as they are, the others from U+0100 on (GPT-2)."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = (byte for byte in range(256) if byte not in printable)
    yield from ((chr(byte), bytes([byte])) for byte in printable)
    yield from ((chr(256 + index), bytes([byte])) for index, byte in enumerate(others))


_BYTES = dict(_byte_characters())
