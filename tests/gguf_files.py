"""Tiny GGUF files: real ones for llama.cpp, with weights that are all zero."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

WIDTH, LAYERS, CONTEXT = 32, 1, 64
_UINT32, _INT32, _FLOAT32, _STRING, _ARRAY = 4, 5, 6, 8, 9  # GGUF's types of values
_ALIGNMENT = 32


def embedding_model(path: Path) -> Path:
    """A BERT, which has no next token."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"▁{letter}" for letter in "abcdefgh")]
    metadata = {
        **_sizes("bert"),
        "bert.attention.layer_norm_epsilon": 1e-5,
        "bert.pooling_type": 1,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * 5 + [1] * 8,
        "tokenizer.ggml.token_type_count": 2,
        **{f"tokenizer.ggml.{name}_token_id": token for name, token in _BERTS_SPECIALS.items()},
    }
    shapes = {
        "token_embd.weight": (WIDTH, len(tokens)),
        "token_types.weight": (WIDTH, 2),
        "position_embd.weight": (WIDTH, CONTEXT),
        **_with_bias("token_embd_norm", WIDTH),
    }
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"):
        shapes |= _with_bias(f"blk.0.{name}", WIDTH, WIDTH)
    for name in ("attn_output_norm", "layer_output_norm"):
        shapes |= _with_bias(f"blk.0.{name}", WIDTH)
    return _write(path, metadata, shapes)


_BERTS_SPECIALS = {"padding": 0, "unknown": 1, "bos": 2, "seperator": 3, "mask": 4}


def chat_model(path: Path) -> Path:
    """A Llama whose vocabulary has no token for filling in the middle."""
    tokens = [*map(_byte, range(256)), "ab", "<|endoftext|>"]
    metadata = {
        **_sizes("llama"),
        "general.name": "tiny chat",
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // 2,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * 257 + [3],
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.eos_token_id": 257,
    }
    return _write(path, metadata, _llama(len(tokens)))


def sentencepiece_model(path: Path) -> Path:
    """A Llama with SentencePiece's vocabulary, tokens of Code Llama, and runs of newlines as CodeGemma has them."""
    controls, specials = ["<unk>", "<s>", "</s>"], ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"]
    runs = ["\n" * count for count in range(1, 5)]
    words = [*runs, "▁", "▁▁", *"abcdefgh", "ab", "▁ab"]
    tokens = [*controls, *(f"<0x{value:02X}>" for value in range(256)), *words, *specials]
    metadata = {
        **_sizes("llama"),
        "general.name": "tiny sentences",
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // 2,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * 259 + [float(len(word)) for word in words] + [0.0] * len(specials),
        "tokenizer.ggml.token_type": [2, 3, 3] + [6] * 256 + [1] * len(words) + [3] * len(specials),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    return _write(path, metadata, _llama(len(tokens)))


def _llama(tokens: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (WIDTH, tokens), "output_norm.weight": (WIDTH,)}
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        shapes[f"blk.0.{name}.weight"] = (WIDTH, WIDTH)
    for name in ("attn_norm", "ffn_norm"):
        shapes[f"blk.0.{name}.weight"] = (WIDTH,)
    return shapes


def _sizes(architecture: str) -> dict[str, Any]:
    sizes = {
        "context_length": CONTEXT,
        "embedding_length": WIDTH,
        "block_count": LAYERS,
        "feed_forward_length": WIDTH,
        "attention.head_count": 2,
    }
    return {"general.architecture": architecture} | {f"{architecture}.{key}": size for key, size in sizes.items()}


def _with_bias(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[-1:]}


def _byte(value: int) -> str:
    """A byte as GPT-2's vocabulary writes it: printable ones as they are, the others from U+0100 on."""
    return chr(value) if _is_printable(value) else chr(256 + sum(not _is_printable(each) for each in range(value)))


def _is_printable(value: int) -> bool:
    return 33 <= value <= 126 or 161 <= value <= 172 or 174 <= value <= 255


def _write(path: Path, metadata: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> Path:
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(shapes), len(metadata))
    head += b"".join(_string(key) + _typed(value) for key, value in metadata.items())
    *offsets, size = _offsets(shapes)
    for (name, shape), offset in zip(shapes.items(), offsets, strict=True):
        head += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
    path.write_bytes(head + bytes(-len(head) % _ALIGNMENT) + bytes(size))
    return path


def _offsets(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[int]:
    """Where each tensor of 32-bit numbers begins, and where the last one ends."""
    offset = 0
    for shape in shapes.values():
        yield offset
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        offset += 4 * count + -4 * count % _ALIGNMENT
    yield offset


def _typed(value: Any) -> bytes:
    if isinstance(value, list):
        kind, write = _ARRAYS[type(value[0])]
        return struct.pack("<IIQ", _ARRAY, kind, len(value)) + b"".join(map(write, value))
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    return struct.pack("<If", _FLOAT32, value) if isinstance(value, float) else struct.pack("<II", _UINT32, value)


def _string(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _int32(value: int) -> bytes:
    return struct.pack("<i", value)


def _float32(value: float) -> bytes:
    return struct.pack("<f", value)


_ARRAYS = {str: (_STRING, _string), int: (_INT32, _int32), float: (_FLOAT32, _float32)}
