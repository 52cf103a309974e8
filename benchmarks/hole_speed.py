"""How long it takes until a typed hole's context is known, at real cursors, beside one hover of the same server.

    python -m benchmarks.hole_speed --corpus FOLDER --json FILE

The server is warm and has seen the file as it stands; then the cursor moves into an expression, which is taken away.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from assistant.holes import hole
from assistant.types import CompletionRequest
from benchmarks.cursors import INSTALLED, workspace
from language_servers.analyzer import Analyzer, Document, NoAnswer
from language_servers.holes import HoleContext, stages
from language_servers.servers import Servers

PACKAGES = ("rich", "jinja2", "networkx", "attr")
PATIENCE = 10.0


@dataclass(frozen=True)
class Times:
    """Milliseconds of all cursors: half of them were faster than `p50`, 99 in 100 than `p99`."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        return cls(*(round(float(each) * 1000, 1) for each in np.percentile(seconds, [50, 95, 99])))


@dataclass(frozen=True)
class Speed:
    """Times from the moment the cursor moves until each part is known, and at how many cursors anything is."""

    cursors: int
    hover: Times
    expected: Times
    types: Times
    headers: Times
    with_expected: int
    with_types: int
    with_headers: int


def measured(corpus: Path, packages: Sequence[str], count: int, seed: int, server: str = "ty") -> Speed:
    """The speed at so many cursors of some packages. Raises SystemExit if a package is missing."""
    hovers, parts, contexts = list[float](), list[list[float]](), list[HoleContext]()
    servers = Servers({"python": server})
    with tempfile.TemporaryDirectory() as folder:
        for package in packages:
            root = workspace(corpus, package, Path(folder) / package)
            for request in holes(root, package, count // len(packages), random.Random(f"{seed} {package}")):
                analyzer = servers.of(request.path, "python", root)
                assert analyzer is not None
                warm(analyzer, request)
                hovers.append(_hover(analyzer, request))
                seconds, context = _context(analyzer, request)
                parts.append(seconds)
                contexts.append(context)
        servers.close()
    expected, types, headers = (Times.of(each) for each in zip(*parts, strict=True))
    return Speed(
        len(contexts), Times.of(hovers), expected, types, headers,
        sum(bool(each.expected) for each in contexts),
        sum(bool(each.types) for each in contexts),
        sum(bool(each.headers) for each in contexts),
    )  # fmt: skip


def holes(root: Path, package: str, count: int, generator: random.Random) -> list[CompletionRequest]:
    """Cursors where an argument, a returned or an assigned value begins, spread over the files."""
    files = [path for path in sorted((root / package).rglob("*.py")) if "test" not in path.name]
    found = {path: list(_sites(path.read_text(encoding="utf-8", errors="replace"))) for path in files}
    able = [path for path in files if found[path]]
    generator.shuffle(able)
    requests = list[CompletionRequest]()
    while len(requests) < count and able:
        for path in able[: count - len(requests)]:
            text = path.read_text(encoding="utf-8", errors="replace")
            start = generator.choice(found[path])
            end = text.find("\n", start) % (len(text) + 1)
            request = CompletionRequest(path, "python", text[:start] + text[end:], start, root=root)
            if _is_hole(request):
                requests.append(request)
    return requests


def _is_hole(request: CompletionRequest) -> bool:
    """Whether an expression is missing: in f-strings none is."""
    try:
        hole(request)
    except NoAnswer:
        return False
    return True


def _sites(text: str) -> Iterator[int]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    lines = text.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])
    for node in ast.walk(tree):
        values: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            values = [*node.args[:1], *(keyword.value for keyword in node.keywords[:1])]
        elif isinstance(node, ast.Return | ast.AnnAssign):
            values = [node.value]
        for value in values:
            if value is not None and lines[value.lineno - 1].isascii():
                yield int(starts[value.lineno - 1]) + value.col_offset


def warm(analyzer: Analyzer, request: CompletionRequest) -> None:
    """Has the server read the file as it is on the disk, as an editor would have it."""
    ready = getattr(analyzer, "wait_until_ready", None)
    if ready:
        ready(PATIENCE)
    text = request.path.read_text(encoding="utf-8", errors="replace")
    analyzer.diagnostics(Document(request.path, "python", text), PATIENCE)


def _hover(analyzer: Analyzer, request: CompletionRequest) -> float:
    """Seconds of one hover over the first name of the statement, in the text with the hole."""
    document, offset = hole(request)
    line = document.text.rfind("\n", 0, offset) + 1
    place = line + len(document.text[line:offset]) - len(document.text[line:offset].lstrip())
    begin = time.perf_counter()
    with suppress(NoAnswer):
        analyzer.type_at(document, place, PATIENCE)
    return time.perf_counter() - begin


def _context(analyzer: Analyzer, request: CompletionRequest) -> tuple[list[float], HoleContext]:
    """Seconds until each part of the context is known, and the whole of it."""
    document, offset = hole(request)
    seconds, contexts = list[float](), list[HoleContext]()
    begin = time.perf_counter()
    for context in stages(analyzer, document, offset, request.root, (), PATIENCE):
        seconds.append(time.perf_counter() - begin)
        contexts.append(context)
    return seconds, contexts[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=INSTALLED, help="folder that packages were installed to")
    parser.add_argument("--packages", default=",".join(PACKAGES), help=f"with commas ({','.join(PACKAGES)})")
    parser.add_argument("--count", type=int, default=160, help="cursors in all (160)")
    parser.add_argument("--server", default="ty", help="language server (ty)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    speed = measured(options.corpus, options.packages.split(","), options.count, options.seed, options.server)
    print(f"{speed.cursors} cursors, milliseconds, {options.server}")
    for name in ("hover", "expected", "types", "headers"):
        times: Times = getattr(speed, name)
        known = getattr(speed, f"with_{name}", speed.cursors)
        print(f"{name:9} p50 {times.p50:7.1f}  p95 {times.p95:7.1f}  p99 {times.p99:7.1f}  known at {known}")
    if options.json:
        options.json.write_text(json.dumps(asdict(speed), indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
