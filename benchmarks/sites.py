"""Places in real code where a name stands that the repository itself offers, sorted by what stands before it."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cursors import SCREEN, Cursor, end_offset, is_code, line_offsets, workspace

from retrieval.apis import Apis
from retrieval.ranking import Scene


class Case(StrEnum):
    """What stands before the name."""

    MODULE = "attribute of an imported module"
    ANNOTATED = "member of an annotated variable"
    INFERRED = "member of an inferred variable"
    OWN = "member of self"
    CHAIN = "member of a longer expression"
    UNKNOWN = "member of an unannotated parameter"
    CALLEE = "callee"


BUILT_IN = frozenset(
    name
    for each in (str, bytes, int, float, complex, list, dict, set, tuple, object, type, BaseException, property)
    for name in dir(each)
)
"""What values of Python's own types have."""


@dataclass(frozen=True, slots=True)
class Site:
    """A cursor before a name that the package offers. `in_repository` says that ty finds its owner there."""

    cursor: Cursor
    case: Case
    receiver: str
    in_repository: bool = False

    @property
    def path(self) -> str:
        return self.cursor.path.relative_to(self.cursor.root).as_posix()

    @property
    def without_line(self) -> str:
        """The file without the line of the cursor."""
        begin = self.cursor.text.rfind("\n", 0, self.cursor.offset) + 1
        return self.cursor.text[:begin] + self.cursor.text[self.cursor.end + 1 :]

    def scene(self) -> Scene:
        text = self.cursor.text
        return Scene(self.path, "python", text[: self.cursor.offset], text[self.cursor.end :], self.receiver)


def index(root: Path, package: str) -> Apis:
    """What a package offers."""
    apis = Apis()
    for path in sorted((root / package).rglob("*.py")):
        with suppress(OSError, UnicodeDecodeError):
            apis.update(path.relative_to(root).as_posix(), "python", path.read_text(encoding="utf-8"))
    return apis


def sites(root: Path, package: str, apis: Apis, count: int, generator: random.Random) -> list[Site]:
    """So many of each case, of different functions."""
    found: dict[Case, dict[tuple[Path, int], list[Site]]] = {case: {} for case in Case}
    for path in sorted((root / package).rglob("*.py")):
        if not is_code(path.relative_to(root), path):
            continue
        text = path.read_text(encoding="utf-8")
        for line, site in _of_file(Cursor(package, root, path, text, 0, 0, ""), apis):
            found[site.case].setdefault((path, line), []).append(site)
    chosen: list[Site] = []
    for functions in found.values():
        keys = generator.sample(sorted(functions), min(count, len(functions)))
        chosen += [generator.choice(functions[key]) for key in keys]
    return sorted(chosen, key=lambda site: (site.path, site.cursor.offset))


def _of_file(cursor: Cursor, apis: Apis) -> Iterator[tuple[int, Site]]:
    """The sites of a file, with the lines of their functions."""
    tree = ast.parse(cursor.text)
    lines = line_offsets(cursor.text)
    modules = {alias for node in ast.walk(tree) for alias in _modules(node, cursor, apis)}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        annotated, assigned = _variables(function)
        for node in _within(function):
            name, offset, case, receiver = "", 0, None, ""
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                name, offset = node.attr, end_offset(lines, node) - len(node.attr)
                case = _case(node.value, modules, annotated, assigned, function)
                receiver = cursor.text[_offset(lines, node.value) : end_offset(lines, node.value)]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name, offset, case = node.func.id, _offset(lines, node.func), Case.CALLEE
            if case is None or "\n" in receiver or cursor.text[offset : offset + len(name)] != name:
                continue
            end = cursor.text.find("\n", offset)
            site = Site(replace(cursor, offset=offset, end=end, name=name), case, receiver)
            if end > 0 and _is_offered(site, apis, annotated | assigned):
                yield function.lineno, site


def _modules(node: ast.AST, cursor: Cursor, apis: Apis) -> Iterator[str]:
    """The names by which modules of the package are imported."""
    package = cursor.package
    if isinstance(node, ast.Import):
        yield from (each.asname or each.name for each in node.names if each.name.split(".")[0] == package)
    elif isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == package):
        here = cursor.path.relative_to(cursor.root).parent.parts
        base = list(here[: len(here) - node.level + 1]) if node.level else []
        folder = "/".join([*base, *(node.module or "").split(".")]).rstrip("/")
        for each in node.names:
            if f"{folder}/{each.name}.py" in apis.files or f"{folder}/{each.name}/__init__.py" in apis.files:
                yield each.asname or each.name


def _variables(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[set[str], set[str]]:
    """The names with an annotation, and those that get a value without one."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    annotated = {each.arg for each in every if each.annotation}
    assigned: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            annotated.add(node.target.id)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            assigned.add(node.id)
    return annotated, assigned - annotated


def _within(function: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a function's statements but those in f-strings, whose places Python 3.11 does not tell."""
    open_nodes: list[ast.AST] = list(getattr(function, "body", []))
    while open_nodes:
        node = open_nodes.pop()
        if not isinstance(node, ast.JoinedStr | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
            open_nodes += ast.iter_child_nodes(node)


def _case(
    value: ast.expr, modules: set[str], annotated: set[str], assigned: set[str], function: ast.AST
) -> Case | None:
    if isinstance(value, ast.Name):
        if value.id in ("self", "cls"):
            return Case.OWN
        if value.id in annotated:
            return Case.ANNOTATED
        if value.id in assigned:
            return Case.INFERRED
        if value.id in modules:
            return Case.MODULE
        arguments = function.args if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else None
        is_parameter = arguments is not None and value.id in {each.arg for each in arguments.args}
        return Case.UNKNOWN if is_parameter else Case.CHAIN
    return Case.MODULE if ast.unparse(value) in modules else Case.CHAIN


def _is_offered(site: Site, apis: Apis, local: set[str]) -> bool:
    """Whether the name at a site is one that the package offers for such a place."""
    name = site.cursor.name
    if site.case is Case.CALLEE:
        return name not in local and any(not api.owner for api in apis.named(name))
    if site.case is Case.MODULE:
        return any(not api.owner for api in apis.named(name))
    return name not in BUILT_IN and any(api.owner for api in apis.named(name))


def _offset(lines: Sequence[tuple[int, str]], node: ast.expr) -> int:
    start, line = lines[node.lineno - 1]
    return start + len(line.encode()[: node.col_offset].decode("utf-8", "replace"))


def api_cursors(corpus: Path, packages: Sequence[str], folder: Path, count: int, seed: int) -> list[Cursor]:
    """So many cursors in all whose answer the package offers, equally many of each package and case.

    As for `cursors`, nothing stands behind them that they could not be judged by.
    """
    found: list[Cursor] = []
    for number, package in enumerate(packages):
        wanted = (count - len(found)) // (len(packages) - number)
        root = workspace(corpus, package, folder / package)
        generator = random.Random(f"{seed} {package}")
        chosen = sites(root, package, index(root, package), wanted, generator)
        usable = [site for site in chosen if "#" not in site.cursor.truth and len(site.cursor.truth) <= SCREEN]
        found += [site.cursor for site in _in_turn(usable, generator)[:wanted]]
    return found


def _in_turn(found: Sequence[Site], generator: random.Random) -> list[Site]:
    """Sites of all cases by turns."""
    by_case = {case: [site for site in found if site.case is case] for case in Case}
    for some in by_case.values():
        generator.shuffle(some)
    order = [(place, case) for case, some in by_case.items() for place in range(len(some))]
    return [by_case[case][place] for place, case in sorted(order)]
