"""What the index of a repository's APIs costs: lines a second, an update, memory, questions, and a large repository.

The baseline is the standard library's `ast`, walked for the same symbols: it reads Python only, and only what has no
syntax errors.
"""

from __future__ import annotations

import ast
import gc
import os
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.languages import language_of
from retrieval.apis import Apis
from retrieval.extraction import LANGUAGES
from retrieval.survey import Limits, Survey, code_files

SYMBOLS = 20_000
WITHOUT_LIMITS = Limits(1_000_000, 600.0)


@dataclass(frozen=True, slots=True)
class Code:
    """A file that is read."""

    path: str
    language: str
    text: str

    @property
    def lines(self) -> int:
        return self.text.count("\n") + 1


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the files of a language are read."""

    language: str
    files: int
    lines: int
    symbols: int
    lines_a_second: int
    update_p50: float
    """Milliseconds, as the next."""
    update_p99: float
    slowest: float
    baseline_lines_a_second: int | None
    """Of `ast`, where it can read the files."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Symbols that `ast` finds too, and the other way round."""

    shared: int
    only_ours: int
    only_baseline: int


@dataclass(frozen=True, slots=True)
class Memory:
    symbols: int
    bytes_each: float
    text_each: float
    """Of signatures, names, documentation, and of the words that are counted, in UTF-8."""
    beyond_text: float


@dataclass(frozen=True, slots=True)
class Questions:
    """Milliseconds that an answer takes."""

    question: str
    p50: float
    p99: float
    slowest: float


@dataclass(frozen=True, slots=True)
class Walk:
    files: int
    code: int
    seconds: float
    baseline: float
    """Seconds in which `os.walk` alone sees all."""


def code_in(folders: Sequence[Path]) -> list[Code]:
    """All code of some folders that can be read."""
    found = []
    for folder in folders:
        for path in code_files(folder, language_of):
            try:
                text = (folder / path).read_bytes().decode("utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            found.append(Code(path, language_of(Path(path)), text))
    return found


def paces(code: Sequence[Code]) -> Iterator[Pace]:
    for language in sorted(LANGUAGES):
        files = [each for each in code if each.language == language]
        if files:
            yield _pace(language, files)


def _pace(language: str, files: Sequence[Code]) -> Pace:
    apis = Apis()
    apis.update("", language, "")  # loads the grammar
    taken = [_seconds(lambda each=each: apis.update(each.path, language, each.text)) for each in files]
    lines, p50, p99 = sum(each.lines for each in files), *np.percentile(taken, (50, 99))
    baseline = None
    if language == "python":
        able = [each for each in files if _parses(each.text)]
        baseline = round(sum(each.lines for each in able) / sum(_seconds(lambda e=e: symbols(e.text)) for e in able))
    return Pace(
        language, len(files), lines, len(apis), round(lines / sum(taken)), _ms(p50), _ms(p99), _ms(max(taken)), baseline
    )


def _seconds(call: object) -> float:
    assert callable(call)
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _ms(seconds: float) -> float:
    return round(float(seconds) * 1000, 3)


def agreement(code: Sequence[Code]) -> Agreement:
    shared = ours = theirs = 0
    for each in code:
        if each.language == "python" and _parses(each.text):
            apis = Apis()
            apis.update(each.path, "python", each.text)
            one, other = {api.within for api in apis}, symbols(each.text)
            shared, ours, theirs = shared + len(one & other), ours + len(one - other), theirs + len(other - one)
    return Agreement(shared, ours, theirs)


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def symbols(text: str) -> set[str]:
    """The baseline: functions, classes, methods, and what is assigned at module or class level or to `self`."""
    return {name for name in _symbols(ast.parse(text).body, "") if not name.endswith(("__all__", "__slots__"))}


def _symbols(body: Sequence[ast.stmt], owner: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield owner + node.name
            yield from _symbols(node.body, f"{owner}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield owner + node.name
            if owner and node.args.args:
                yield from (owner + name for name in _set_in(node, node.args.args[0].arg))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                yield from (owner + name.id for name in names if isinstance(name, ast.Name))
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for part in ("body", "orelse", "finalbody"):
                yield from _symbols(getattr(node, part, []), owner)
            for handler in getattr(node, "handlers", []):
                yield from _symbols(handler.body, owner)


def _set_in(method: ast.AST, receiver: str) -> Iterator[str]:
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            value = node.value
            if isinstance(value, ast.Name) and value.id == receiver:
                yield node.attr


def memory(code: Sequence[Code]) -> Memory:
    """The first files that offer so many symbols; each language's rules and grammars are loaded before."""
    Apis().update("a.py", "python", "")
    tracemalloc.start()
    apis = Apis()
    for each in code:
        apis.update(each.path, each.language, each.text)
        if len(apis) > SYMBOLS:
            break
    gc.collect()
    size, text = tracemalloc.get_traced_memory()[0], apis.text_bytes
    tracemalloc.stop()
    count = len(apis)
    return Memory(count, round(size / count, 1), round(text / count, 1), round((size - text) / count, 1))


def questions(code: Sequence[Code]) -> list[Questions]:
    """What is asked at a cursor, each of all names, classes and files once, in a repository of so many symbols."""
    apis = Apis()
    for each in code:
        apis.update(each.path, each.language, each.text)
        if len(apis) > SYMBOLS:
            break
    names, classes = sorted({api.name for api in apis}), [api for api in apis if api.kind == "class"]
    imports = [(each, path) for path in apis.files for each in apis.imports(path)]
    asked = {
        "named": [_seconds(lambda name=name: apis.named(name)) for name in names],
        "of_file": [_seconds(lambda path=path: apis.of_file(path)) for path in apis.files],
        "members": [_seconds(lambda cls=cls: apis.members(cls)) for cls in classes],
        "lineage": [_seconds(lambda cls=cls: apis.lineage(cls)) for cls in classes],
        "uses": [_seconds(lambda name=name: apis.uses(name)) for name in names],
        "definitions": [_seconds(lambda each=each: apis.definitions(*each)) for each in imports],
    }
    return [
        Questions(name, *map(_ms, np.percentile(taken, (50, 99))), _ms(max(taken))) for name, taken in asked.items()
    ]


def while_surveyed(folder: Path) -> tuple[float, Questions]:
    """Seconds until a survey has read a folder, and how long a question takes meanwhile, every millisecond one."""
    name, taken, begin = "__init__", list[float](), time.perf_counter()
    survey = Survey(folder, language_of, WITHOUT_LIMITS)
    done = threading.Event()
    threading.Thread(target=lambda: (survey.wait(), done.set()), daemon=True).start()
    while not done.wait(0.001):
        taken.append(_seconds(lambda: survey.apis.uses(name)))
    seconds = time.perf_counter() - begin
    survey.close()
    p50, p99 = np.percentile(taken or [0.0], (50, 99))
    return round(seconds, 2), Questions("uses, while a survey reads", _ms(p50), _ms(p99), _ms(max(taken, default=0)))


def walk(files: int) -> Walk:
    """A made-up tree: in each folder 100 files, a quarter of them code, and an ignored folder with as many again."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / ".gitignore").write_text("out/\n*.log\n/build/\n__pycache__/\n*.py[cod]\n!keep.log\n")
        for number in range(files // 200):
            for folder in (root / f"part{number // 50}" / f"inner{number}", root / f"part{number // 50}" / "out"):
                (folder / str(number)).mkdir(parents=True, exist_ok=True)
                for each in range(100):
                    suffix = ("py", "log", "txt", "json")[each % 4]
                    (folder / str(number) / f"file{each}.{suffix}").touch()
        begin = time.perf_counter()
        seen = sum(len(inner) for _, _, inner in os.walk(root))
        baseline = time.perf_counter() - begin
        begin = time.perf_counter()
        code = sum(1 for _ in code_files(root, language_of))
        return Walk(seen, code, round(time.perf_counter() - begin, 2), round(baseline, 2))


def measure(corpus: Path, others: Sequence[Path], files: int, console: Console) -> dict[str, object]:
    python = [each for each in code_in([corpus]) if each.language == "python"]
    code = [*python, *code_in([folder for folder in others if folder.is_dir()])]
    found = list(paces(code))
    agreed, kept, asked = agreement(python), memory(python), questions(python)
    seconds, waiting = while_surveyed(corpus)
    walked = walk(files) if files else None
    figures: dict[str, object] = {
        "paces": [asdict(each) for each in found],
        "agreement": asdict(agreed),
        "memory": asdict(kept),
        "questions": [asdict(each) for each in (*asked, waiting)],
        "survey": {"seconds": seconds, "files": len(python)},
        "walk": asdict(walked) if walked else None,
    }
    show(console, found, [*asked, waiting])
    console.print(
        f"memory: {kept.bytes_each} bytes a symbol of {kept.symbols:,}, {kept.text_each} of them text,"
        f" {kept.beyond_text} beyond; symbols shared with ast: {agreed.shared:,}, only ours {agreed.only_ours:,},"
        f" only of ast {agreed.only_baseline:,}; the survey of the corpus took {seconds} s"
    )
    if walked:
        console.print(
            f"walk: {walked.code:,} files of code among {walked.files:,} in {walked.seconds} s;"
            f" os.walk alone {walked.baseline} s"
        )
    return figures


def show(console: Console, found: Sequence[Pace], asked: Sequence[Questions]) -> None:
    table = Table(
        "language", "files", "lines", "symbols", "lines/s", "ast, lines/s", "update p50, ms", "p99", "slowest",
        title="Reading files",
    )  # fmt: skip
    for each in found:
        baseline = "" if each.baseline_lines_a_second is None else f"{each.baseline_lines_a_second:,}"
        table.add_row(
            each.language, f"{each.files:,}", f"{each.lines:,}", f"{each.symbols:,}", f"{each.lines_a_second:,}",
            baseline, f"{each.update_p50:.2f}", f"{each.update_p99:.1f}", f"{each.slowest:.0f}",
        )  # fmt: skip
    console.print(table)
    table = Table("question", "p50, ms", "p99", "slowest", title=f"Questions about {SYMBOLS:,} symbols")
    for each in asked:
        table.add_row(each.question, f"{each.p50:.3f}", f"{each.p99:.3f}", f"{each.slowest:.2f}")
    console.print(table)
