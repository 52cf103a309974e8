"""Real cursors in real Python packages: places where a member stands, with the rest of their line taken away.

Packages are copied to workspaces of their own, as if somebody worked on them, with all that they import installed in
the workspace's environment. A folder with packages is made with

    pip install --target FOLDER --no-compile rich jinja2 networkx
"""

from __future__ import annotations

import ast
import random
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assistant.types import CompletionRequest, File, Trigger

INSTALLED = Path(sysconfig.get_paths()["purelib"])
"""Where the packages of this environment are."""

LEFT_OUT = frozenset(("tests", "test", "testing", "_vendor", "vendor", "vendored", "third_party"))
"""Folders whose files are not the package's own, or hardly anybody's everyday code."""

LONGEST = 120_000
"""Code points: longer files are data, or generated."""

SCREEN = 160
"""Code points: a longer rest of a line is no line that somebody types."""


class Place(StrEnum):
    """Where in its line a cursor stands."""

    MEMBER = "after the dot"
    LINE = "at the line's beginning"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a package's file. The line behind `offset` is taken away up to `end`; `name` is the member there."""

    package: str
    root: Path
    path: Path
    text: str
    offset: int
    end: int
    name: str

    @property
    def truth(self) -> str:
        """What really stands there: the rest of the line."""
        return self.text[self.offset : self.end]

    def request(self, others: Sequence[File] = ()) -> CompletionRequest:
        """The request that an editor would make here. It is invoked: what is not probable is answered as well."""
        text = self.text[: self.offset] + self.text[self.end :]
        return CompletionRequest(
            self.path, "python", text, self.offset, Trigger.INVOKED, root=self.root, others=tuple(others)
        )

    def completed(self, text: str, replaces: int = 0) -> str:
        """The file with a text in place of the truth, and of some characters of what stands behind the line."""
        return self.text[: self.offset] + text + self.text[self.end + replaces :]


@dataclass(frozen=True, slots=True)
class Site:
    """Where a member is read: the offset of its name, and the line of the function around it."""

    offset: int
    name: str
    function: int


def cursors(
    corpus: Path, packages: Sequence[str], folder: Path, count: int, seed: int, place: Place = Place.MEMBER
) -> list[Cursor]:
    """So many cursors in all, equally many of each package where it has as many, package by package.

    The workspaces are made in `folder`. No function has more than one cursor. Raises SystemExit if a package is
    missing.
    """
    found: list[Cursor] = []
    for index, package in enumerate(packages):
        wanted = (count - len(found)) // (len(packages) - index)
        root = workspace(corpus, package, folder / package)
        found += _of_package(package, root, wanted, random.Random(f"{seed} {package}"), place)
    return found


def workspace(corpus: Path, package: str, root: Path) -> Path:
    """A folder with a copy of a package, and with the corpus as what is installed in its environment."""
    source = corpus / package
    if not source.is_dir():
        raise SystemExit(
            f"There is no package “{package}” in {corpus}. Get it: pip install --target {corpus} {package}"
        )
    if not root.exists():
        shutil.copytree(source, root / package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        _environment(root / ".venv", corpus)
    return root


def neighbours(cursor: Cursor, count: int) -> tuple[File, ...]:
    """Files beside a cursor's, as somebody would have them open: always the same ones."""
    files = [path for path in sorted(cursor.path.parent.glob("*.py")) if path != cursor.path]
    files = [path for path in files if is_code(path.relative_to(cursor.root), path)]
    chosen = random.Random(cursor.path.name).sample(files, min(count, len(files)))
    return tuple(File(path, "python", path.read_text(encoding="utf-8")) for path in chosen)


def sites(text: str) -> Iterator[Site]:
    """The members that are read in the functions of a file: `self.‸name`, and not those in f-strings."""
    tree = ast.parse(text)
    lines = line_offsets(text)
    seen: set[int] = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in _expressions(function.body):
            if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
                continue
            offset = end_offset(lines, node) - len(node.attr)
            if offset not in seen and text[offset - 1 : offset + len(node.attr)] == f".{node.attr}":
                seen.add(offset)
                yield Site(offset, node.attr, function.lineno)


def _environment(folder: Path, corpus: Path) -> None:
    """A virtual environment in which the corpus is what is installed."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / version).mkdir(parents=True)
    base = Path(sys.base_prefix) / "bin"
    (folder / "bin" / "python").symlink_to(base / version)
    (folder / "lib" / version / "site-packages").symlink_to(corpus.resolve())
    (folder / "pyvenv.cfg").write_text(f"home = {base}\nversion = {sys.version.split()[0]}\n", encoding="utf-8")


def _of_package(package: str, root: Path, count: int, generator: random.Random, place: Place) -> list[Cursor]:
    functions: dict[tuple[Path, int], list[Cursor]] = {}
    for path in sorted((root / package).rglob("*.py")):
        if not is_code(path.relative_to(root), path):
            continue
        text = path.read_text(encoding="utf-8")
        for site in sites(text):
            if cursor := _cursor(package, root, path, text, site, place):
                functions.setdefault((path, site.function), []).append(cursor)
    chosen = generator.sample(sorted(functions), min(count, len(functions)))
    return [generator.choice(functions[key]) for key in chosen]


def _cursor(package: str, root: Path, path: Path, text: str, site: Site, place: Place) -> Cursor | None:
    """The cursor at a site; None where what it would be judged by is a comment in part, or too long."""
    end = text.find("\n", site.offset)
    end = len(text) if end < 0 else end
    offset = site.offset
    if place is Place.LINE:
        begin = text.rfind("\n", 0, offset) + 1
        offset = begin + len(text[begin:offset]) - len(text[begin:offset].lstrip())
    rest = text[offset:end]
    if "#" in rest or not rest.strip() or len(rest) > SCREEN:
        return None
    return Cursor(package, root, path, text, offset, end, site.name)


def is_code(relative: Path, path: Path) -> bool:
    """Whether a file is the package's own, is of a usual size, and can be parsed."""
    if not LEFT_OUT.isdisjoint(relative.parts) or path.name.startswith("test_"):
        return False
    try:
        text = path.read_text(encoding="utf-8")
        ast.parse(text)
    except (OSError, UnicodeDecodeError, SyntaxError):
        return False
    return 500 < len(text) < LONGEST and "\r" not in text and "\f" not in text


def _expressions(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes below some statements except those in f-strings, whose places Python 3.11 does not tell."""
    open_nodes: list[ast.AST] = list(body)
    while open_nodes:
        node = open_nodes.pop()
        if not isinstance(node, ast.JoinedStr):
            yield node
            open_nodes += ast.iter_child_nodes(node)


def line_offsets(text: str) -> list[tuple[int, str]]:
    offset, found = 0, []
    for line in text.split("\n"):
        found.append((offset, line))
        offset += len(line) + 1
    return found


def end_offset(lines: Sequence[tuple[int, str]], node: ast.expr) -> int:
    """Where a node ends, in code points; Python counts bytes."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    start, line = lines[node.end_lineno - 1]
    return start + len(line.encode()[: node.end_col_offset].decode("utf-8", "replace"))
