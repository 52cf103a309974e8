"""What the extraction of every language reads from a syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from tree_sitter import Node

from retrieval.api import Api, ApiKind

LONGEST_SIGNATURE = 300
LONGEST_DOC = 120
DEEPEST = 40
"""Classes in classes, and blocks around them, are followed so far."""

_SENTENCE = re.compile(r"(?<=[.!?])\s")
_FRAME = re.compile(r"^[\s/*#!-]+|[\s*/]+$", re.MULTILINE)
_TAG = re.compile(r"<[^>\n]{1,40}>")
_BRACKETS = re.compile(r"[\[({\"'`]")

_IDENTIFIERS = frozenset(
    ("identifier", "field_identifier", "type_identifier", "property_identifier", "private_property_identifier", "name",
     "constant", "setter", "operator_name", "destructor_name")
)  # fmt: skip


class Assigned(NamedTuple):
    """What a method sets on its object."""

    name: str
    annotation: str
    value: str
    written: str
    line: int


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

    def api(
        self, node: Node, name: str, owner: str, kind: ApiKind, written: str, *, parameters: Iterable[str] = (),
        returns: str = "", bases: Iterable[str] = (), doc: str = "", public: bool = True, static: bool = False,
    ) -> Api:  # fmt: skip
        """What a node declares; long signatures and types are cut."""
        line = (node.child_by_field_name("name") or node).start_point.row + 1  # annotations stand before it
        return Api(
            name, owner, self.path, kind, signature(written), tuple(parameters), signature(returns), tuple(bases), doc,
            line, public, static and bool(owner),
        )  # fmt: skip


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


def first_name(dotted: str) -> str:
    """`shop.items.Item` → `shop`."""
    return re.split(r"[.:\\]", dotted, maxsplit=1)[0]


def without_arguments(written: str) -> str:
    """`Base[int]` → `Base`, `Base<T>` → `Base`."""
    return re.split(r"[\[<(]", written, maxsplit=1)[0].strip()


def inside(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def first_of_each(found: Iterable[Api]) -> list[Api]:
    """Those whose name their class, or the module, had not before; a later field may still say the type."""
    kept: dict[tuple[str, str], Api] = {}
    for api in found:
        before = kept.setdefault((api.owner, api.name), api)
        if before.kind == api.kind == ApiKind.FIELD and api.returns and not before.returns:
            kept[api.owner, api.name] = replace(before, returns=api.returns)
    return list(kept.values())


def named(node: Node | None) -> Node | None:
    """The identifier in a declarator or pattern: `*b[3]`, `...rest`, `mut x` → `b`, `rest`, `x`."""
    for _ in range(DEEPEST):
        if node is None or node.type in _IDENTIFIERS:
            return node
        inner = (node.child_by_field_name(field) for field in ("name", "pattern", "declarator", "left"))
        node = next(filter(None, inner), None) or (node.named_children[-1] if node.named_child_count else None)
    return None


def assigned_in(source: Source, body: Node, receiver: str) -> Iterator[Assigned]:
    """`self.price: float = 0`, `this.total = new Total()`, `self.x, self.y = x, y`, each at the beginning of a line.

    They are found as text, for methods are long and these lines are few.
    """
    if source.code.find(receiver.encode(), body.start_byte, body.end_byte) < 0:
        return
    line = body.start_point.row + 1
    text = source.code[body.start_byte : body.end_byte].decode("utf-8", "replace")
    at = 0
    for match in _assignments(receiver).finditer(text):
        annotation, value = " ".join((match[2] or "").split()), (match[3] or "").strip()
        if annotation or value:
            line, at = line + text.count("\n", at, match.start()), match.start()
            written = " ".join(match[0].strip()[len(receiver) :].split())
            if "," not in match[1]:
                yield Assigned(match[1], annotation, value, written, line)
            else:
                yield from _unpacked(match[1].split(","), value, receiver, line)


def _unpacked(targets: list[str], value: str, receiver: str, line: int) -> Iterator[Assigned]:
    """Each target with its own value, if the values are as many and none has commas of its own."""
    values = value.split(",")
    if len(values) != len(targets) or _BRACKETS.search(value):
        values = [""] * len(targets)
    for target, each in zip(targets, values, strict=True):
        name = target.strip().removeprefix(receiver)
        yield Assigned(name, "", each.strip(), f"{name} = {each.strip()}" if each else name, line)


@lru_cache(64)
def _assignments(receiver: str) -> re.Pattern[str]:
    name = r"[#$]?[^\W\d][\w$]*"
    own = re.escape(receiver)
    return re.compile(
        rf"^[ \t]*{own}({name}(?:[ \t]*,[ \t]*{own}{name})*)[ \t]*"
        r"(?::[ \t]*([^=\n]+?)[ \t]*)?(?:=(?![=>~])[ \t]*(.*))?$",
        re.MULTILINE,
    )
