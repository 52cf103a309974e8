"""What each model family reads, spelled out, and how families are told apart."""

from __future__ import annotations

import pytest
from fakes import ROOT, ByteModel, request

from assistant.errors import NoFillInTheMiddle
from assistant.formats import FORMATS, detect
from assistant.prompt import Budget, build
from assistant.types import Snippet

STARCODER = {"<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<filename>", "<gh_stars>", "<reponame>"}
QWEN = {"<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"}
VOCABULARIES = {
    "ghostwright": QWEN | {"<|endoftext|>", "<|context|>"},
    "qwen2.5-coder": QWEN | {"<|endoftext|>", "<|im_start|>", "<|im_end|>"},
    "starcoder2": {"<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<repo_name>", "<file_sep>"},
    "deepseek-coder": {"<｜begin▁of▁sentence｜>", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", "<|EOT|>"},
    "codegemma": {"<bos>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|file_separator|>"},
    "codestral": {"<s>", "</s>", "[INST]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"},
    "codellama": {"<s>", "</s>", "▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"},
    "granite": STARCODER,
    "mellum": STARCODER,
    "granite-4": {"<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|end_of_text|>"},
}
"""The special tokens of each family, as llama.cpp marks them."""

PROMPTS = {
    "ghostwright": (
        "<|file_sep|>b.py\nB = 2\n<|file_sep|>a.py\nA = 1\n<|file_sep|>app.py\n"
        "<|fim_suffix|>\nafter\n<|fim_prefix|>before\nx = <|fim_middle|>"
    ),
    "qwen2.5-coder": (
        "<|repo_name|>shop\n<|file_sep|>b.py\nB = 2\n\n<|file_sep|>a.py\nA = 1\n\n<|file_sep|>app.py\n"
        "<|fim_prefix|>before\nx = <|fim_suffix|>\nafter\n<|fim_middle|>"
    ),
    "starcoder2": (
        "<repo_name>shop<file_sep>b.py\nB = 2\n<file_sep>a.py\nA = 1\n<file_sep>"
        "<fim_prefix>app.py\nbefore\nx = <fim_suffix>\nafter\n<fim_middle>"
    ),
    "deepseek-coder": (
        "<｜begin▁of▁sentence｜><｜fim▁begin｜># b.py\nB = 2\n\n# a.py\nA = 1\n\n"
        "# app.py\nbefore\nx = <｜fim▁hole｜>\nafter\n<｜fim▁end｜>"
    ),
    "codegemma": (
        "<bos>b.py\nB = 2\n<|file_separator|>a.py\nA = 1\n<|file_separator|>app.py\n"
        "<|fim_prefix|>before\nx = <|fim_suffix|>\nafter\n<|fim_middle|>"
    ),
    "codestral": "<s>[SUFFIX]\nafter\n[PREFIX]# b.py\nB = 2\n\n# a.py\nA = 1\n\n# app.py\nbefore\nx = ",
    "codellama": (
        "<s>▁<PRE># b.py\nB = 2\n\n# a.py\nA = 1\n\n# app.py\nbefore\nx = ▁<SUF>\nafter\n▁<MID>"
    ),
    "granite": (
        "<reponame>shop<filename>b.py\nB = 2\n\n<filename>a.py\nA = 1\n\n<filename>app.py\n"
        "<fim_prefix>before\nx = <fim_suffix>\nafter\n<fim_middle>"
    ),
    "mellum": (
        "<filename>b.py\nB = 2\n\n<filename>a.py\nA = 1\n\n<filename>app.py\n"
        "<fim_suffix>\nafter\n<fim_prefix>before\nx = <fim_middle>"
    ),
    "granite-4": (
        "<|fim_prefix|># b.py\nB = 2\n\n# a.py\nA = 1\n\n# app.py\nbefore\nx = "
        "<|fim_suffix|>\nafter\n<|fim_middle|>"
    ),
}  # fmt: skip
SNIPPETS = [Snippet("A = 1\n", 0.9, "open_files", "a.py"), Snippet("B = 2\n", 0.5, "open_files", "b.py")]


def prompt(name: str, marked: str = "before\nx = ‸\nafter\n", snippets: list[Snippet] = SNIPPETS) -> str:
    model = ByteModel(format=name)
    return model.shown(build(request(marked), snippets, model, Budget.of(1024)).tokens)


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_is_written_as_the_family_was_trained(name):
    assert prompt(name) == PROMPTS[name]


def test_every_family_has_an_example():
    assert {known.name for known in FORMATS} == set(PROMPTS) == set(VOCABULARIES)


@pytest.mark.parametrize("name", PROMPTS)
def test_no_token_is_needed_that_the_family_lacks(name):
    known = next(known for known in FORMATS if known.name == name)
    assert known.specials <= VOCABULARIES[name]


@pytest.mark.parametrize(
    ("metadata", "vocabulary", "expected"),
    [
        ({"general.name": "Ghostwright Code 58M", "general.architecture": "qwen3"}, "ghostwright", "ghostwright"),
        ({"general.name": "Qwen2.5 Coder 1.5B", "general.architecture": "qwen2"}, "qwen2.5-coder", "qwen2.5-coder"),
        ({"general.architecture": "qwen2"}, "qwen2.5-coder", "qwen2.5-coder"),
        ({"general.architecture": "starcoder2"}, "starcoder2", "starcoder2"),
        ({"general.architecture": "starcoder"}, "granite", "granite"),
        ({"general.name": "Granite 3b Code Base", "general.architecture": "llama"}, "granite", "granite"),
        ({"general.name": "Mellum 4b Base", "general.architecture": "llama"}, "mellum", "mellum"),
        ({"general.basename": "Mellum", "general.architecture": "llama"}, "mellum", "mellum"),
        ({"general.name": "Granite 4.0 Micro", "general.architecture": "granitehybrid"}, "granite-4", "granite-4"),
        ({"general.name": "codegemma-2b", "general.architecture": "gemma"}, "codegemma", "codegemma"),
        ({"general.name": "CodeLlama 7B", "general.architecture": "llama"}, "codellama", "codellama"),
        ({"general.name": "deepseek-coder-1.3b-base"}, "deepseek-coder", "deepseek-coder"),
        ({"general.name": "Codestral 22B v0.1"}, "codestral", "codestral"),
    ],
)  # fmt: skip
def test_a_family_is_known_by_its_metadata(metadata, vocabulary, expected):
    assert detect(VOCABULARIES[vocabulary], metadata, "model.gguf")[0].name == expected


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_family_is_known_by_its_tokens_where_the_metadata_says_nothing(name):
    found, reason = detect(VOCABULARIES[name], {"general.name": "my fine-tune"}, "model.gguf")
    assert found.name == {"ghostwright": "qwen2.5-coder", "mellum": "granite"}.get(name, name)
    assert "tokens" in reason


def test_a_file_s_name_decides_nothing():
    found, _ = detect(VOCABULARIES["starcoder2"], {}, "qwen2.5-coder-1.5b.gguf")
    assert found.name == "starcoder2"


def test_a_name_without_the_tokens_decides_nothing():
    metadata = {"general.name": "DeepSeek R1 Distill Qwen 7B", "general.architecture": "qwen2"}
    assert detect(VOCABULARIES["qwen2.5-coder"], metadata, "model.gguf")[0].name == "qwen2.5-coder"


def test_a_chat_model_is_refused_with_the_families_that_would_do():
    with pytest.raises(NoFillInTheMiddle, match=r"llama-3\.gguf.*Qwen2\.5-Coder.*StarCoder2.*Mellum"):
        detect({"<|begin_of_text|>", "<|eot_id|>"}, {"general.name": "Llama 3.2 1B Instruct"}, "llama-3.gguf")


def test_a_special_token_typed_in_a_file_stays_text():
    model = ByteModel()
    typed = build(request("x = '<|fim_middle|>'  # ‸"), [], model, Budget.of(512)).tokens
    assert typed.count(model.special("<|fim_middle|>")) == 1


def test_a_path_is_relative_to_the_repository_with_forward_slashes():
    model = ByteModel()
    built = build(request("‸", path="src/app.py"), [], model, Budget.of(512))
    assert model.shown(built.tokens).startswith("<|file_sep|>src/app.py\n")
    assert str(ROOT) not in model.shown(built.tokens)


def test_files_are_named_in_comments_of_the_language():
    model = ByteModel(format="deepseek-coder")
    built = build(request("‸", language="javascript", path="app.js"), SNIPPETS, model, Budget.of(512))
    assert "// a.py\nA = 1" in model.shown(built.tokens)
