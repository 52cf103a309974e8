"""Where in a repository the module of an import may lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from posixpath import commonprefix, dirname, join, normpath

from retrieval.imports import Import


def places(imported: Import, importer: str, language: str) -> Iterator[str]:
    """Paths from the repository's root, likely ones first.

    `*/shop/Item.java` stands for any path with this end, `*/shop/` for the files of any folder with this end.
    """
    find = _PLACES.get(language)
    if find is not None and imported.module:
        yield from find(imported, importer)


def shared_folders(path: str, other: str) -> int:
    """How many folders two files share, from the repository's root on."""
    return len(commonprefix([path.split("/")[:-1], other.split("/")[:-1]]))


def _python(imported: Import, importer: str) -> Iterator[str]:
    dots = len(imported.module) - len(imported.module.lstrip("."))
    inner = [part for part in imported.module[dots:].split(".") if part]
    folders = importer.split("/")[:-1]
    if dots > len(folders) + 1:
        return
    for base in [folders[: len(folders) - dots + 1]] if dots else _roots(folders):
        module = [*base, *inner]
        taken = [[*module, imported.name]] if imported.name not in ("", "*") else []
        for tail in (*taken, module):
            joined = "/".join(tail)
            yield from (f"{joined}{end}".lstrip("/") for end in (".py", "/__init__.py", ".pyi", "/__init__.pyi"))


def _roots(folders: list[str]) -> list[list[str]]:
    """Folders that modules may be named from: the repository's, its `src`, and those around the importer."""
    around = [folders[:depth] for depth in range(len(folders), 0, -1)]
    return [[], ["src"], ["lib"], *around]


_SCRIPT_ENDS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")


def _scripts(imported: Import, importer: str) -> Iterator[str]:
    """`./items`, `./items.js` (which may be written in TypeScript), `./shop` (a folder with an `index`), `@/items`."""
    module = imported.module
    if module.startswith("."):
        bases = [normpath(join(dirname(importer), module))]
    else:
        inner = module.removeprefix("@/").removeprefix("~/")
        bases = [inner, f"src/{inner}"]
    for base in bases:
        stem = base.removesuffix(".js").removesuffix(".jsx").removesuffix(".mjs")
        yield base
        yield from (f"{stem}{end}" for end in _SCRIPT_ENDS)
        yield from (f"{base}/index{end}".removeprefix("./") for end in _SCRIPT_ENDS)


def _java(imported: Import, importer: str) -> Iterator[str]:
    """Of `com.shop.Item` the file `…/com/shop/Item.java`; of a static import that of the class before the name."""
    del importer
    folder = imported.module.replace(".", "/")
    if imported.name != "*":
        yield f"*/{folder}/{imported.name}.java"
    yield f"*/{folder}.java"


def _go(imported: Import, importer: str) -> Iterator[str]:
    """Of `github.com/me/shop/items` the folder `…/shop/items/`, or `items/` of the module's root."""
    del importer
    parts = imported.module.split("/")
    for first in range(len(parts) - 1):
        yield f"*/{'/'.join(parts[first:])}/"
    if "." in parts[0]:
        yield f"*/{parts[-1]}/"


def _rust(imported: Import, importer: str) -> Iterator[str]:
    """`crate`, `super`, `self` from the importer, other names from crates beside its own."""
    first, *inner = imported.module.split("::")
    folders, name = importer.split("/")[:-1], importer.rpartition("/")[2]
    own = folders if name in ("mod.rs", "lib.rs", "main.rs") else [*folders, name.removesuffix(".rs")]
    if first == "crate":
        base = folders[: len(folders) - folders[::-1].index("src")] if "src" in folders else folders[:1]
    elif first in ("self", "super"):
        base = own if first == "self" else own[:-1]
        while inner and inner[0] == "super":
            base, inner = base[:-1], inner[1:]
    else:
        yield from _rust_files([*own, first, *inner], imported.name)
        base = [first.replace("_", "-"), "src"]
        yield from (f"*/{place}" for place in _rust_files([*base, *inner], imported.name))
        return
    yield from _rust_files([*base, *inner], imported.name)


def _rust_files(module: list[str], name: str) -> Iterator[str]:
    for tail in ([*module, name], module) if name not in ("", "*") else (module,):
        joined = "/".join(tail)
        yield from (f"{joined}.rs".lstrip("/"), *(f"{joined}/{file}.rs".lstrip("/") for file in ("mod", "lib", "main")))


def _included(imported: Import, importer: str) -> Iterator[str]:
    yield normpath(join(dirname(importer), imported.module))
    yield from (imported.module, f"include/{imported.module}", f"src/{imported.module}")
    yield f"*/{imported.module.lstrip('./')}"


def _ruby(imported: Import, importer: str) -> Iterator[str]:
    module = imported.module.removesuffix(".rb")
    if module.startswith("."):
        yield normpath(join(dirname(importer), f"{module}.rb"))
    else:
        yield from (f"lib/{module}.rb", f"{module}.rb", f"app/{module}.rb", f"*/lib/{module}.rb")


def _php(imported: Import, importer: str) -> Iterator[str]:
    """Of `App\\Models\\Item` the file `…/Models/Item.php`: the first names stand for some folder (PSR-4)."""
    if imported.module.startswith("./"):
        yield normpath(join(dirname(importer), imported.module))
        return
    parts = [*imported.module.split("\\"), imported.name]
    for first in range(len(parts) - 1):
        yield f"*/{'/'.join(parts[first:])}.php"
    yield f"src/{imported.name}.php"


_PLACES: dict[str, Callable[[Import, str], Iterator[str]]] = {
    "python": _python, "javascript": _scripts, "javascriptreact": _scripts, "typescript": _scripts,
    "typescriptreact": _scripts, "java": _java, "go": _go, "rust": _rust, "c": _included, "cpp": _included,
    "ruby": _ruby, "php": _php,
}  # fmt: skip
