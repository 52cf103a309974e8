"""What a file imports, and which names it thereby has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from retrieval.grammars import parser


@dataclass(frozen=True, slots=True)
class Import:
    module: str
    """As written, with the dots of a relative one: `shop.items`, `..items`, `./items`, `java.util`, `crate::items`."""
    name: str
    """What is taken out of the module; empty if it is the module itself, `*` if all."""
    alias: str
    """The name that the file has it by: `import Item as I` → `I`; `import shop.items` → `shop.items`."""


def imports_of(text: str, language: str) -> tuple[Import, ...]:
    """What is imported at the top of a file, in its order; nothing for a language that is not known."""
    grammar = parser(language)
    if grammar is None:
        return ()
    code = text.encode("utf-8", "replace")
    return imports_in(grammar.parse(code).root_node, code, language)


def imports_in(root: Node, code: bytes, language: str) -> tuple[Import, ...]:
    """The same of a file that is parsed already."""
    read = _READERS.get(language)
    return tuple(read(root, code)) if read else ()


def _text(node: Node | None, code: bytes) -> str:
    return "".join(code[node.start_byte : node.end_byte].decode("utf-8", "replace").split()) if node else ""


_PYTHON_BLOCKS = frozenset(
    ("if_statement", "else_clause", "elif_clause", "try_statement", "except_clause", "block", "ERROR")
)


def _python(block: Node, code: bytes) -> Iterator[Import]:
    for node in block.named_children:
        if node.type == "import_statement":
            for each in node.children_by_field_name("name"):
                module, alias = _renamed(each, code)
                yield Import(module, "", alias)
        elif node.type == "import_from_statement":
            yield from _python_names(node, code)
        elif node.type in _PYTHON_BLOCKS:
            yield from _python(node, code)


def _python_names(node: Node, code: bytes) -> Iterator[Import]:
    module = _text(node.child_by_field_name("module_name"), code)
    for each in node.children_by_field_name("name"):
        yield Import(module, *_renamed(each, code))
    if any(each.type == "wildcard_import" for each in node.named_children):
        yield Import(module, "*", "")


def _renamed(node: Node, code: bytes) -> tuple[str, str]:
    """`items as i` → `items`, `i`."""
    if node.type != "aliased_import":
        return _text(node, code), _text(node, code)
    return _text(node.child_by_field_name("name"), code), _text(node.child_by_field_name("alias"), code)


_READERS: dict[str, Callable[[Node, bytes], Iterator[Import]]] = {
    "python": _python,
}


def places(imported: Import, importer: str, language: str) -> Iterator[str]:
    """Where in a repository the module of an import may lie, likely places first.

    `*/shop/Item.java` stands for any path with this end, `*/shop/` for the files of any folder with this end.
    """
    find = _PLACES.get(language)
    if find is not None and imported.module:
        yield from find(imported, importer)


def _python_places(imported: Import, importer: str) -> Iterator[str]:
    dots = len(imported.module) - len(imported.module.lstrip("."))
    inner = [part for part in imported.module[dots:].split(".") if part]
    folders = importer.split("/")[:-1]
    if dots > len(folders) + 1:
        return
    bases = [folders[: len(folders) - dots + 1]] if dots else _roots(folders)
    for base in bases:
        module = [*base, *inner]
        tails = ([[*module, imported.name]] if imported.name not in ("", "*") else []) + ([module] if module else [])
        for tail in tails:
            joined = "/".join(tail)
            yield from (f"{joined}.py", f"{joined}/__init__.py", f"{joined}.pyi", f"{joined}/__init__.pyi")


def _roots(folders: list[str]) -> list[list[str]]:
    """Folders that modules may be named from: the repository's, its `src`, and those around the importer."""
    around = [folders[:depth] for depth in range(len(folders), 0, -1)]
    return [[], ["src"], ["lib"], *around]


_PLACES: dict[str, Callable[[Import, str], Iterator[str]]] = {
    "python": _python_places,
}
