"""How each model family writes fill-in-the-middle and repository context.

A format is a template. What stands in `<...>` or `[...]` is a special token, `{...}` a field, the rest is text:

    {files}<|file_sep|>{path}\\n<|fim_suffix|>{suffix}<|fim_prefix|>{prefix}<|fim_middle|>

Families are told apart by what a model says of itself (GGUF metadata) and by the special tokens of its vocabulary,
never by the name of a file: files are renamed, and two families share names of tokens.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from assistant.errors import NoFillInTheMiddle

_PIECE = re.compile(r"(?P<special>▁?<[^<>{}\n]+>|\[[A-Z]+\])|\{(?P<field>\w+)\}|(?P<text>[^<\[{]+)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a template: `kind` is `special`, `field` or `text`."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Format:
    """How one family writes a prompt: `file` is one file of context, `prompt` the whole.

    `hints` are words that the family's models have in the names in their metadata.
    """

    name: str
    prompt: str
    file: str
    hints: tuple[str, ...] = ()

    @property
    def specials(self) -> frozenset[str]:
        """The special tokens without which this format cannot be written."""
        return frozenset(
            piece.value
            for template in (self.prompt, self.file)
            for piece in pieces(template)
            if piece.kind == "special"
        )


def pieces(template: str) -> Iterator[Piece]:
    """`"<|x|>{path}\\n"` → special `<|x|>`, field `path`, text `\\n`."""
    for match in _PIECE.finditer(template):
        kind = match.lastgroup or "text"
        yield Piece(kind, match[kind])


FORMATS = (
    Format(
        # shared/model: context first, then the suffix, so that typing only appends.
        "ghostwright",
        "{files}<|file_sep|>{path}\n<|fim_suffix|>{suffix}<|fim_prefix|>{prefix}<|fim_middle|>",
        "<|file_sep|>{path}\n{text}",
        ("ghostwright",),
    ),
    Format(
        # Qwen2.5-Coder technical report, section 3.2, and the examples of its repository.
        "qwen2.5-coder",
        "<|repo_name|>{repository}\n{files}<|file_sep|>{path}\n"
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        "<|file_sep|>{path}\n{text}\n",
        ("qwen",),
    ),
    Format(
        # StarCoder 2 and The Stack v2 (arXiv 2402.19173), section 5.1: the path stands behind the prefix token, and the
        # only newline that is added is the one behind a path.
        "starcoder2",
        "<repo_name>{repository}{files}<file_sep><fim_prefix>{path}\n{prefix}<fim_suffix>{suffix}<fim_middle>",
        "<file_sep>{path}\n{text}",
        ("starcoder2",),
    ),
    Format(
        # DeepSeek-Coder (arXiv 2401.14196), section 3.1.2: prefix, hole, suffix. It has no token for files: each
        # begins with a comment that names it, the current one too (section 2.2 and the README's repository example).
        "deepseek-coder",
        "<｜begin▁of▁sentence｜><｜fim▁begin｜>{files}{comment} {path}\n{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>",
        "{comment} {path}\n{text}\n",
        ("deepseek",),
    ),
    Format(
        # CodeGemma (arXiv 2406.11409), figure 2: the path stands before the prefix token, a separator between files.
        "codegemma",
        "<bos>{files}{path}\n<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        "{path}\n{text}<|file_separator|>",
        ("codegemma", "gemma"),
    ),
    Format(
        # Mistral's tokenizer v3 (mistral-common, encode_fim): the suffix comes first, and nothing marks the middle.
        "codestral",
        "<s>[SUFFIX]{suffix}[PREFIX]{files}{comment} {path}\n{prefix}",
        "{comment} {path}\n{text}\n",
        ("codestral", "mistral"),
    ),
    Format(
        # Code Llama (arXiv 2308.12950), section 2.3, prefix-suffix-middle.
        "codellama",
        "<s>▁<PRE>{files}{comment} {path}\n{prefix}▁<SUF>{suffix}▁<MID>",
        "{comment} {path}\n{text}\n",
        ("codellama", "code llama"),
    ),
    Format(
        # Granite Code (arXiv 2405.04324) and StarCoder, whose tokens it kept. Mellum has them too: where no name tells,
        # the one with a token for the repository is this one.
        "granite",
        "<reponame>{repository}{files}<filename>{path}\n<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>",
        "<filename>{path}\n{text}\n",
        ("granite", "starcoder"),
    ),
    Format(
        # Mellum's model card, “fill in the middle with additional files as context”: the suffix comes first.
        "mellum",
        "{files}<filename>{path}\n<fim_suffix>{suffix}<fim_prefix>{prefix}<fim_middle>",
        "<filename>{path}\n{text}\n",
        ("mellum",),
    ),
    Format(
        # Granite 4: the same with bars; its prompt guide has no files, so comments name them.
        "granite-4",
        "<|fim_prefix|>{files}{comment} {path}\n{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        "{comment} {path}\n{text}\n",
        ("granite",),
    ),
)

_NAMES = ("general.name", "general.basename", "general.architecture")
_MODELS = "Qwen2.5-Coder, StarCoder2, DeepSeek-Coder, CodeGemma, Codestral, Code Llama, Granite Code or Mellum"


def detect(specials: Collection[str], metadata: Mapping[str, str], model: str) -> tuple[Format, str]:
    """The format of a model, and in a sentence why, from its special tokens and what its metadata calls it.

    Raises NoFillInTheMiddle, naming `model`.
    """
    possible = [known for known in FORMATS if known.specials <= set(specials)]
    names = " ".join(metadata.get(key, "") for key in _NAMES).lower()
    for known in possible:
        if hint := next((hint for hint in known.hints if hint in names), None):
            return known, f"the metadata says “{hint}”, and its special tokens are in the vocabulary"
    for known in possible:
        if known.name != "ghostwright":  # Qwen has the same tokens; only the metadata tells them apart
            return known, "its special tokens are in the vocabulary"
    raise NoFillInTheMiddle(
        f"{model} has no fill-in-the-middle tokens that are known here, so it cannot complete in the middle of a file. "
        f"Name a base model of a family that has them: {_MODELS}. Instruct and chat models often lack them."
    )
