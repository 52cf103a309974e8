"""What the search over a repository costs: the first index, a search, a saved file, opening, memory, many files.

The repository is made of the code of installed packages. Baselines in the same run: the same vectors compared one by
one in NumPy, as sentence-transformers does it, and BM25 alone. CPU time is that of the thread that asks, or of the
process; it tells more where the machine has other work, whose load is said in the end.

    python benchmarks/search_speed.py --corpus corpus --definitions 100000
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sysconfig
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from options import some_of
from rich.console import Console
from rich.table import Table
from search_repository import COUNT, UNLIMITED, Baselines, Repository, prepared

from assistant.languages import language_of
from retrieval.encoding import Encoder, load
from retrieval.index import CodeIndex, Source
from retrieval.index_local import opened
from retrieval.index_scan import Scanner
from retrieval.index_vectors import Vectors, packed
from retrieval.indexing import Indexing

INSTALLED = Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib"))
PARTS = ("index", "gently", "search", "open", "save", "sizes", "files")
SIZES = (10_000, 25_000, 50_000, 75_000, 100_000)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float
    slowest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        return cls(*(round(float(each), 2) for each in np.percentile(np.array(seconds) * 1000, (50, 95, 99, 100))))


def timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def indexed(root: Path, repository: Repository, encoder: Encoder, folder: Path, gentle: bool) -> dict[str, float]:
    """Seconds from nothing to all, saved."""
    shutil.rmtree(folder, ignore_errors=True)
    begin, cpu = time.perf_counter(), time.process_time()
    index = opened(root, encoder, folder)
    indexing = Indexing(root, index, language_of, UNLIMITED, gentle=gentle)
    indexing.wait()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    assert index.counts.definitions == repository.definitions
    saving = timed(indexing.close)
    index.close()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {
        "seconds": round(seconds, 2),
        "lines_a_second": round(repository.lines / seconds),
        "lines_a_cpu_second": round(repository.lines / cpu),
        "last_save_seconds": round(saving, 2),
        "bytes_a_definition_on_disk": round(size / repository.definitions),
    }


def searched(index: CodeIndex, baselines: Baselines, questions: Sequence[str]) -> dict[str, Times]:
    """Each question to all, in turn."""
    asked: dict[str, Callable[[str], object]] = {
        "hybrid": lambda query: index.search(query, COUNT),
        "numpy": baselines.by_meaning,
        "bm25": baselines.by_words,
        "encoding": lambda query: baselines.encoder.queries([query]),
    }
    for query in questions[:20]:
        for ask in asked.values():
            ask(query)
    seconds: dict[str, list[float]] = defaultdict(list)
    for query in questions:
        for name, ask in asked.items():
            begin, cpu = time.perf_counter(), time.thread_time()
            ask(query)
            seconds[name].append(time.perf_counter() - begin)
            seconds[f"{name}, CPU"].append(time.thread_time() - cpu)
    return {name: Times.of(each) for name, each in seconds.items()}


def reopened(root: Path, folder: Path, encoder: str, questions: Sequence[str]) -> dict[str, float]:
    """In a process of its own: seconds that opening takes, and memory that searching needs."""
    loaded = load(encoder)
    with tempfile.TemporaryDirectory() as empty:
        index = opened(Path(empty), loaded, Path(empty) / "index")  # imports what is needed
        index.update([Source("a.py", "python", "def a(): ...\n")])
        index.search("a")
        index.close()
    for query in questions:
        loaded.queries([query])
    process = psutil.Process()
    before = process.memory_info().rss
    begin, cpu = time.perf_counter(), time.process_time()
    index = opened(root, loaded, folder)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    first = timed(lambda: index.search(questions[0], COUNT))
    for query in questions:
        index.search(query, COUNT)
    grown = process.memory_info().rss - before
    count = index.counts.definitions
    index.close()
    return {
        "open_ms": round(seconds * 1000, 1),
        "open_cpu_ms": round(cpu * 1000, 1),
        "first_search_ms": round(first * 1000, 1),
        "resident_bytes_a_definition": round(grown / count),
    }


def saved(root: Path, encoder: Encoder, folder: Path, count: int) -> dict[str, object]:
    """From the moment at which an editor has saved a file to that at which a search finds what is new."""
    index = opened(root, encoder, folder)
    indexing = Indexing(root, index, language_of, UNLIMITED)
    indexing.wait()
    file = sorted(root.rglob("*.py"))[0]
    text, seconds = file.read_text(encoding="utf-8"), []
    _found_after(index, file, text, "quokka")  # now the folders are watched
    [thread] = (each for each in threading.enumerate() if each.name == "indexing")
    clock = time.pthread_getcpuclockid(thread.ident or 0)
    cpu = time.clock_gettime(clock)
    for number in range(count):
        seconds.append(_found_after(index, file, text, f"quokka{number}wombat"))
        time.sleep(0.2)
    cpu = time.clock_gettime(clock) - cpu
    file.write_text(text, encoding="utf-8")
    indexing.close()
    index.close()
    return {"found_after_ms": asdict(Times.of(seconds)), "cpu_ms": round(cpu / count * 1000, 1)}


def _found_after(index: CodeIndex, file: Path, text: str, name: str) -> float:
    fresh = file.with_suffix(".tmp")
    fresh.write_text(f"{text}\n\ndef {name}():\n    return 1\n", encoding="utf-8")
    os.replace(fresh, file)
    begin = time.perf_counter()
    while not any(hit.name == name for hit in index.search(name, COUNT)):
        time.sleep(0.01)
    return time.perf_counter() - begin


def size(vectors: NDArray[np.float32], queries: NDArray[np.float32], count: int, seed: int) -> dict[str, float]:
    """So many vectors one by one and in cells: milliseconds of a search, and the share of the best ten in its 50."""
    some = vectors[np.random.default_rng(seed).permutation(len(vectors))[:count]]
    flat, alive = Vectors.none(vectors.shape[1]), np.ones(len(some), np.bool_)
    flat.add(some)
    begin = time.perf_counter()
    cells = packed([(flat, alive)], vectors.shape[1], few=0)
    built = time.perf_counter() - begin
    one = [flat.search(query, 50, alive)[0] for query in queries]
    other = [cells.search(query, 50, alive)[0] for query in queries]
    return {
        "vectors": len(some),
        "flat_ms": Times.of([timed(lambda query=query: flat.search(query, 50, alive)) for query in queries]).p50,
        "cells_ms": Times.of([timed(lambda query=query: cells.search(query, 50, alive)) for query in queries]).p50,
        "best_10_found": round(float(np.mean([np.isin(a[:10], b).mean() for a, b in zip(one, other, strict=True)])), 4),
        "build_seconds": round(built, 2),
    }


def many_files(count: int, encoder: Encoder) -> dict[str, float]:
    """A folder tree of so many small files: how long until the walk has seen all, and until the limit is indexed."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "code"
        for number in range(count):
            if number % 1000 == 0:
                folder = root / f"part{number // 100_000}" / f"inner{number // 1000}"
                folder.mkdir(parents=True)
            (folder / f"file{number}.py").touch()
        scanner = Scanner(root, language_of, UNLIMITED)
        scanning = timed(lambda: scanner.scan(lambda: False))
        index = opened(root, encoder, Path(name) / "index")
        process = psutil.Process()
        before = process.memory_info().rss
        begin = time.perf_counter()
        indexing = Indexing(root, index, language_of, gentle=False)
        indexing.wait()
        seconds = time.perf_counter() - begin
        grown = process.memory_info().rss - before
        files = index.counts.files
        indexing.close()
        index.close()
        return {
            "files": count,
            "indexed": files,
            "scan_of_all_seconds": round(scanning, 1),
            "bounded_index_seconds": round(seconds, 1),
            "megabytes": round(grown / 1e6),
        }


def is_whole(root: Path, repository: Repository, encoder: Encoder, folder: Path) -> bool:
    """Whether an earlier run has saved the index of all, by the same encoder."""
    index = opened(root, encoder, folder)
    count = index.counts.definitions
    index.close()
    return count == repository.definitions


class Measurement:
    """Figures of one repository, said as they come."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.console = options, Console()
        self.encoder, self.root, self.saved_in = load(options.encoder), folder / "code", folder / "index"
        self.figures: dict[str, object] = {}
        if set(options.parts) > {"files"} or "files" not in options.parts:
            self._measure(prepared(options.corpus, options.definitions, options.seed, folder), folder)
        if "files" in options.parts:
            self._add("many files", many_files(options.files, self.encoder))
        self._add("load of the last minute and the last five", [round(each, 1) for each in os.getloadavg()[:2]])

    def _add(self, name: str, value: object) -> None:
        self.figures[name] = value
        self.console.print(f"{name}: {value}", soft_wrap=True)

    def _measure(self, repository: Repository, folder: Path) -> None:
        parts, root, encoder = self.options.parts, self.root, self.encoder
        self._add("repository", asdict(repository))
        if "index" in parts or not is_whole(root, repository, encoder, self.saved_in):
            self._add("first index", indexed(root, repository, encoder, self.saved_in, gentle=False))
        if "gently" in parts:
            self._add("first index, gently", indexed(root, repository, encoder, folder / "other", gentle=True))
        if {"search", "open", "sizes"} & {*parts}:
            self._search(Baselines(root, encoder))
        if "save" in parts:
            self._add("saved file", saved(root, encoder, self.saved_in, self.options.saves))

    def _search(self, baselines: Baselines) -> None:
        parts, questions = self.options.parts, baselines.questions(self.options.count, self.options.seed)
        if "search" in parts:
            index = opened(self.root, self.encoder, self.saved_in)
            searches = {kind: searched(index, baselines, asked) for kind, asked in questions.items()}
            index.close()
            self.figures["search"] = {
                kind: {name: asdict(times) for name, times in several.items()} for kind, several in searches.items()
            }
            show(self.console, searches)
        if "open" in parts:
            arguments = self.root, self.saved_in, self.options.encoder, questions["sentence"]
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                self._add("open", pool.apply(reopened, arguments))
        if "sizes" in parts:
            queries = self.encoder.queries([each for several in questions.values() for each in several[:150]])
            self._add("sizes", [size(baselines.vectors, queries, count, self.options.seed) for count in SIZES])


def show(console: Console, searches: dict[str, dict[str, Times]]) -> None:
    table = Table("query", "search", "p50, ms", "p95", "p99", "slowest", "ratio of p50 to NumPy", title="Searching")
    for kind, several in searches.items():
        for name, times in several.items():
            values = (f"{each:.2f}" for each in (times.p50, times.p95, times.p99, times.slowest))
            base = several["numpy, CPU" if name.endswith("CPU") else "numpy"]
            table.add_row(kind, name, *values, f"{times.p50 / base.p50:.2f}")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, nargs="+", default=INSTALLED, help="folders of code (what is installed)")
    parser.add_argument("--definitions", type=int, default=100_000, help="as many as there are, at most (100000)")
    parser.add_argument("--count", type=int, default=1000, help="questions of each kind (1000)")
    parser.add_argument("--saves", type=int, default=50, help="files that are saved (50)")
    parser.add_argument("--folder", type=Path, help="where the repository and its index are kept for another run")
    parser.add_argument("--files", type=int, default=1_000_000, help="small files of the last part (1000000)")
    parser.add_argument("--encoder", default="", help="as in the settings; the embedded one by default")
    parser.add_argument("--parts", type=some_of(PARTS), default=PARTS, help=f"with commas ({','.join(PARTS)})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figures = Measurement(options, folder).figures
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
