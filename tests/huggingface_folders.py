"""Models as Hugging Face stores them, made here: tiny ones with weights by chance, and the embedded one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import tokenizers
import torch
import transformers
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from plugins.llama_cpp import WEIGHTS

CONTEXT = 2048
WORDS = "def area(width, height):\n    return self.width * self.height\n\nclass Box(Shape):\n    pass\n" * 8
_SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


@dataclass(frozen=True)
class Family:
    """A kind of model: an architecture with its sizes, and the tokenizer that models of this kind have.

    `format` is the prompt format that its special tokens are for.
    """

    architecture: str
    format: str
    tokenizer: Callable[[], Tokenizer]
    sizes: Mapping[str, Any] = field(default_factory=lambda: _SIZES)


def byte_level(specials: Sequence[str], *, normalizer: Any = None, are_special: bool = True) -> Tokenizer:
    """A byte-level tokenizer; with `are_special=False`, its special tokens do not say that they are (Qwen2.5)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=340, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([WORDS], trainer)
    tokenizer.add_tokens([AddedToken(text, special=are_special, normalized=False) for text in specials])
    return tokenizer


def sentence_piece(specials: Sequence[str], *, metaspace: bool = False) -> Tokenizer:
    """A tokenizer as SentencePiece's become: blanks written as `▁`, one put before a text, other bytes one by one."""
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.Replace(" ", "▁")
    learner.train_from_iterator([WORDS], trainers.BpeTrainer(vocab_size=120, show_progress=False))
    learnt = json.loads(learner.to_str())["model"]
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *learnt["vocab"]]
    vocabulary = {piece: token for token, piece in enumerate(pieces)}
    merges = [tuple(pair) for pair in learnt["merges"]]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in ("<unk>", *specials)])
    return tokenizer


_QWEN = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|repo_name|>", "<|file_sep|>")
_STARCODER = ("<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<repo_name>", "<file_sep>")
_GRANITE = ("<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<reponame>", "<filename>")

FAMILIES = {
    "qwen2": Family(
        "Qwen2",
        "qwen2.5-coder",
        lambda: byte_level(_QWEN, normalizer=normalizers.NFC(), are_special=False),
        {**_SIZES, "num_key_value_heads": 2},
    ),
    "llama": Family(
        "Llama",
        "codellama",
        lambda: sentence_piece(("<s>", "</s>", "▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>")),
        {**_SIZES, "num_key_value_heads": 4},
    ),
    "starcoder2": Family(
        "Starcoder2",
        "starcoder2",
        lambda: byte_level(_STARCODER),
        {**_SIZES, "num_key_value_heads": 2, "sliding_window": 24},
    ),
    "gpt_bigcode": Family(
        "GPTBigCode",
        "granite",
        lambda: byte_level(_GRANITE),
        {"n_embd": 32, "n_inner": 48, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT},
    ),
    "gemma": Family(
        "Gemma",
        "codegemma",
        lambda: sentence_piece(
            ("<bos>", "<eos>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>"),
            metaspace=True,
        ),
        {**_SIZES, "num_key_value_heads": 1, "head_dim": 8},
    ),
    "lfm2": Family(  # half of its layers keep a sum of what they have seen, which cannot go back
        "Lfm2",
        "qwen2.5-coder",
        lambda: byte_level(_QWEN),
        {**_SIZES, "num_key_value_heads": 2, "layer_types": ["conv", "full_attention"]},
    ),
}


def tiny(folder: Path, family: str = "qwen2", dtype: str = "float32", **changes: Any) -> Path:
    """A model of a family whose weights, by chance, are large enough to tell one text from another."""
    kind = FAMILIES[family]
    tokenizer = kind.tokenizer()
    sizes = {"vocab_size": tokenizer.get_vocab_size() + 3, "max_position_embeddings": CONTEXT, **kind.sizes, **changes}
    ends = {"bos_token_id": None, "eos_token_id": tokenizer.token_to_id("<|endoftext|>"), "pad_token_id": None}
    config = getattr(transformers, f"{kind.architecture}Config")(initializer_range=0.4, **ends, **sizes)
    torch.manual_seed(1)
    model = getattr(transformers, f"{kind.architecture}ForCausalLM")(config).to(getattr(torch, dtype))
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def embedded(folder: Path) -> Path:
    """The embedded model's weights, unpacked from the GGUF file."""
    folder.mkdir(parents=True, exist_ok=True)
    reader = gguf.GGUFReader(WEIGHTS)
    fields = {name: value.contents() for name, value in reader.fields.items()}
    (folder / "config.json").write_text(json.dumps(_config(fields)))
    _tokenizer(fields).save(str(folder / "tokenizer.json"))
    tensors = {
        _tensor(tensor.name): gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        for tensor in reader.tensors
    }
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def _config(fields: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {
        "hidden_size": "embedding_length",
        "intermediate_size": "feed_forward_length",
        "num_hidden_layers": "block_count",
        "num_attention_heads": "attention.head_count",
        "num_key_value_heads": "attention.head_count_kv",
        "head_dim": "attention.key_length",
        "max_position_embeddings": "context_length",
        "rms_norm_eps": "attention.layer_norm_rms_epsilon",
        "rope_theta": "rope.freq_base",
        "vocab_size": "vocab_size",
    }
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "_name_or_path": fields["general.name"],
        "tie_word_embeddings": True,
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
        "dtype": "float32",
        **{name: fields[f"qwen3.{key}"] for name, key in numbers.items()},
    }


def _tokenizer(fields: Mapping[str, Any]) -> Tokenizer:
    texts, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    merges = [tuple(pair.split(" ")) for pair in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({text: token for token, text in enumerate(texts)}, merges))
    split = pre_tokenizers.Split(tokenizers.Regex(_QWEN2_SPLIT), "isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_only])
    tokenizer.decoder = decoders.ByteLevel()
    control = gguf.TokenType.CONTROL
    special = [text for text, kind in zip(texts, kinds, strict=True) if kind == control]
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in special])
    return tokenizer


_QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _tensor(name: str) -> str:
    """`blk.3.attn_q.weight` → `model.layers.3.self_attn.q_proj.weight`."""
    for ours, theirs in _TENSORS.items():
        name = name.replace(ours, theirs)
    return name


_TENSORS = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "blk.": "model.layers.",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_q.": "self_attn.q_proj.",
    "attn_k.": "self_attn.k_proj.",
    "attn_v.": "self_attn.v_proj.",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
