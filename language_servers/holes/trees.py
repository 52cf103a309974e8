"""Syntax trees in code points, for what a language server does not tell: where a hole stands, how a type is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tree_sitter import Node

from language_servers.analyzer import Document
from retrieval.grammars import parser

_UNREAD = frozenset(("csharp", "php", "ruby"))
"""Languages with a grammar whose nodes nothing here knows."""

CLASSES = (
    "class_definition", "class_declaration", "abstract_class_declaration", "interface_declaration",
    "type_alias_declaration", "enum_declaration", "record_declaration", "struct_item", "enum_item", "trait_item",
    "type_item", "type_spec", "struct_specifier", "class_specifier", "enum_specifier", "type_definition", "class",
)  # fmt: skip
"""What declares a type, in any language."""


@dataclass(frozen=True, eq=False)
class Tree:
    """A parsed text."""

    document: Document
    data: bytes
    root: Node

    def text(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def byte(self, offset: int) -> int:
        """A code point's place in the text's bytes."""
        return offset if self._is_plain else len(self.document.text[:offset].encode("utf-8", "replace"))

    def start(self, node: Node) -> int:
        return self._offset(node.start_byte)

    def end(self, node: Node) -> int:
        return self._offset(node.end_byte)

    def at(self, start: int, end: int | None = None) -> Node:
        """The innermost node that holds a stretch of the text."""
        first, last = self.byte(start), self.byte(start if end is None else end)
        return self.root.descendant_for_byte_range(first, last) or self.root

    @property
    def _is_plain(self) -> bool:
        return len(self.data) == len(self.document.text)

    def _offset(self, byte: int) -> int:
        return byte if self._is_plain else len(self.data[:byte].decode("utf-8", "replace"))


@lru_cache(maxsize=16)
def tree_of(document: Document) -> Tree | None:
    """The tree of a document; None where its language has no grammar."""
    grammar = None if document.language in _UNREAD else parser(document.language)
    if grammar is None:
        return None
    data = document.text.encode("utf-8", "replace")
    return Tree(document, data, grammar.parse(data).root_node)


def ancestors(node: Node) -> Iterator[Node]:
    """What a node stands in, innermost first."""
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def enclosing(node: Node, *kinds: str) -> Node | None:
    """The innermost node of some kinds that a node stands in, or is."""
    return next((each for each in (node, *ancestors(node)) if each.type in kinds), None)


def descendants(node: Node, *kinds: str) -> Iterator[Node]:
    """The nodes of some kinds in a node, or itself, in their order."""
    stack = [node]
    while stack:
        each = stack.pop()
        if each.type in kinds:
            yield each
        stack.extend(reversed(each.children))
