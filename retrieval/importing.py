"""How a Python file imports what another file of its repository offers."""

from __future__ import annotations

from collections.abc import Iterator

from retrieval.api import Api
from retrieval.apis import Apis
from retrieval.imports import Import
from retrieval.parsing import parsed

_BEFORE_IMPORTS = frozenset(("comment", "future_import_statement"))


def outermost(api: Api) -> str:
    """What has to be imported: of a member the class around it."""
    return api.within.partition(".")[0]


def is_at_hand(apis: Apis, api: Api, path: str) -> bool:
    """Whether a file declares or imports it, under whatever name."""
    wanted = f"{api.path}:{outermost(api)}"
    return api.path == path or any(
        found.qualified == wanted for each in apis.imports(path) for found in apis.definitions(each, path)
    )


def import_of(apis: Apis, api: Api, path: str) -> str:
    """`from shop.items import Item`, as a file of the index may write it; empty where no import would find it there."""
    for module in _modules(api.path, apis):
        name = outermost(api)
        if apis.resolve(Import(module, name, name), path) == (api.path,):
            return f"from {module} import {name}"
    return ""


def place_of_imports(text: str) -> int:
    """The line, counted from 0, before which a module's imports may stand: behind its docstring and `__future__`."""
    tree = parsed(text, "python")
    for node in tree[0].named_children if tree else ():
        is_docstring = node.type == "expression_statement" and node.named_children[0].type == "string"
        if node.type not in _BEFORE_IMPORTS and not is_docstring:
            return node.start_point.row
    return text.count("\n")


def _modules(path: str, apis: Apis) -> Iterator[str]:
    """The names that a file may have as a module: from the folder around its package, from the root, from others."""
    parts = path.rpartition(".")[0].removesuffix("/__init__").split("/")
    package = next(
        (start for start in range(len(parts)) if _is_package(parts[: start + 1], apis) or start == len(parts) - 1), 0
    )
    for start in dict.fromkeys((package, *range(len(parts)))):
        yield ".".join(parts[start:])


def _is_package(folders: list[str], apis: Apis) -> bool:
    return f"{'/'.join(folders)}/__init__.py" in apis.files
