"""What the extraction of every language reads from a syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from retrieval.api import Api, ApiKind

LONGEST_SIGNATURE = 300
LONGEST_DOC = 120
DEEPEST = 40
"""Classes in classes, and blocks around them, are followed so far."""

_SENTENCE = re.compile(r"(?<=[.!?])\s")
_FRAME = re.compile(r"^[\s/*#!-]+|[\s*/]+$", re.MULTILINE)
_TAG = re.compile(r"<[^>\n]{1,40}>")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is being read."""

    path: str
    language: str
    code: bytes

    def text(self, node: Node | None) -> str:
        return self.between(node.start_byte, node.end_byte) if node else ""

    def between(self, start: int, end: int) -> str:
        """A part of the file in one line."""
        return " ".join(self.code[start:end].decode("utf-8", "replace").split())


def signature(text: str) -> str:
    """At most `LONGEST_SIGNATURE` characters of it."""
    return text if len(text) <= LONGEST_SIGNATURE else text[: LONGEST_SIGNATURE - 1] + "…"


def first_sentence(text: str) -> str:
    """`  Adds an item.  It may ...` → `Adds an item.`"""
    paragraph = text.strip()[: 4 * LONGEST_DOC].split("\n\n", 1)[0]
    sentence = _SENTENCE.split(" ".join(paragraph.split()), maxsplit=1)[0]
    return sentence if len(sentence) <= LONGEST_DOC else sentence[: LONGEST_DOC - 1] + "…"


def comment_above(source: Source, node: Node) -> str:
    """The first sentence of the comment that ends on the line before."""
    lines: list[str] = []
    below, above = node, node.prev_sibling
    while above is not None and "comment" in above.type and below.start_point.row - above.end_point.row <= 1:
        if above.prev_sibling is not None and above.prev_sibling.end_point.row == above.start_point.row:
            break  # it belongs to the code before it
        lines.insert(0, source.code[above.start_byte : above.end_byte].decode("utf-8", "replace"))
        below, above = above, above.prev_sibling
    return first_sentence(_TAG.sub("", _FRAME.sub("", "\n".join(lines)))) if lines else ""


def last_name(dotted: str) -> str:
    """`shop.items.Item` → `Item`."""
    return re.split(r"[.:\\]", dotted)[-1]


def without_arguments(written: str) -> str:
    """`Base[int]` → `Base`, `Base<T>` → `Base`."""
    return re.split(r"[\[<(]", written, maxsplit=1)[0].strip()


def inside(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def first_of_each(found: Iterator[Api]) -> list[Api]:
    """Those whose name their class, or the module, had not before; a field that says its type wins."""
    kept: dict[tuple[str, str], Api] = {}
    for api in found:
        before = kept.setdefault((api.owner, api.name), api)
        if before.kind == api.kind == ApiKind.FIELD and api.returns and not before.returns:
            kept[api.owner, api.name] = api
    return list(kept.values())
