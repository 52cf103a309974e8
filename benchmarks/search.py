"""How well code search finds the function that a docstring was taken from, beside BM25 and other ways to encode.

    pip install bm25s
    python benchmarks/search.py --corpus corpus --held-out ~/encoder-sources --json search.json

One pool has all functions, methods and classes of all packages, without docstrings and without exact duplicates. Every
system has it indexed before it is asked, each definition by the same function. `corpus` has the packages as for
`quality.py`; to them come those that the encoder's training holds out, which also have other languages.

Questions are docstrings of three words or more; what stands before a call, whose answer is what is called (`calls`);
or the names of definitions that no other is called by (`names`). Lengths are in words, of which names are made.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cursors import INSTALLED
from numpy.typing import NDArray
from options import some_of
from packages import REPORTING, TUNING
from rich.console import Console
from rich.table import Table
from scores import as_json, bootstrap, mean_difference
from search_systems import BASE, CUT, Ranks, systems, words_in

from retrieval.splitting import Definition
from retrieval.training.corpus import LANGUAGES, Package, read_package, without
from retrieval.training.sources import LIST, listed

QUESTIONS = ("docstrings", "calls", "names")
ENDS = (0, 256, 512, 1024)
"""Words with which the classes of length begin."""
NAMES = 1000
"""How many are asked for at most."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pool:
    definitions: Sequence[Definition]
    packages: Sequence[str]
    """Of each definition."""
    languages: Mapping[str, str]
    """Of each package, that of most of its code."""


@dataclass(frozen=True, slots=True)
class Asked:
    queries: Sequence[str]
    answers: Sequence[int]
    """The numbers of definitions."""


def pooled(folders: Mapping[str, Path]) -> tuple[Pool, Mapping[str, Asked]]:
    """All definitions of packages, and the questions of each kind."""
    read = (read_package(folder, most=1 << 40) for folder in folders.values())
    packages = dict(zip(folders, without(read, set()), strict=True))
    definitions = [each for package in packages.values() for each in package.definitions]
    owners = [name for name, package in packages.items() for _ in package.definitions]
    asked = {kind: _asked(packages.values(), kind) for kind in ("docstrings", "calls")}
    languages = {name: _language(folder) for name, folder in folders.items()}
    return Pool(definitions, owners, languages), asked | {"names": _names(definitions)}


def _asked(packages: Iterable[Package], kind: str) -> Asked:
    queries, answers, first = list[str](), list[int](), 0
    for package in packages:
        questions = package.calls if kind == "calls" else package.docstrings
        queries += [question.text for question in questions]
        answers += [first + question.answer for question in questions]
        first += len(package.definitions)
    return Asked(queries, answers)


def _names(definitions: Sequence[Definition]) -> Asked:
    """Names, as they are written, that one definition alone has."""
    last = [re.split(r"\W", each.name)[-1] for each in definitions]
    times = Counter(name.lower() for name in last)
    single = [number for number, name in enumerate(last) if name and times[name.lower()] == 1]
    chosen = random.Random(0).sample(single, min(NAMES, len(single)))
    return Asked([last[number] for number in chosen], chosen)


def _language(folder: Path) -> str:
    sizes: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.suffix in LANGUAGES and path.is_file():
            sizes[LANGUAGES[path.suffix]] += path.stat().st_size
    return sizes.most_common(1)[0][0]


class Comparison:
    """The ranks of several systems at the same questions."""

    def __init__(self, pool: Pool, asked: Asked) -> None:
        self._packages = [pool.packages[answer] for answer in asked.answers]
        lengths = [len(words_in("".join(pool.definitions[answer].blocks))) for answer in asked.answers]
        self._groups = {
            "length": [f"{max(end for end in ENDS if end <= length):>4} words and more" for length in lengths],
            "language": [pool.languages[package] for package in self._packages],
            "package": self._packages,
        }
        self._long = np.flatnonzero(np.array(lengths) >= ENDS[1])
        self._inverse: dict[str, Values] = {}

    def add(self, name: str, ranks: Ranks) -> None:
        self._inverse[name] = np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0.0)

    def figures(self) -> dict[str, Any]:
        return {name: self._of(own) for name, own in self._inverse.items()}

    def _of(self, own: Values) -> dict[str, Any]:
        """Differences are paired, and their intervals over packages."""
        packages, base = self._packages, self._inverse[BASE]
        return {
            **_means(own),
            "interval": as_json(bootstrap(packages, lambda some: float(own[some].mean()))),
            "above BM25": as_json(mean_difference(packages, own, base)),
            "times BM25": as_json(bootstrap(packages, lambda some: float(own[some].mean() / base[some].mean()))),
            "above the cut": self._above_cut(own),
            **{f"by {name}": _grouped(groups, own) for name, groups in self._groups.items()},
        }

    def _above_cut(self, own: Values) -> Mapping[str, float] | None:
        """Where the answer is long; None if none is."""
        packages = [self._packages[number] for number in self._long]
        return as_json(mean_difference(packages, own[self._long], self._inverse[CUT][self._long])) if packages else None


def _means(own: Values) -> dict[str, float]:
    found = {"mrr": own, "r@1": own >= 1, "r@10": own >= 0.1}
    return {"queries": len(own)} | {name: round(float(values.mean()), 4) for name, values in found.items()}


def _grouped(groups: Sequence[str], own: Values) -> dict[str, dict[str, float]]:
    members = defaultdict(list)
    for group, value in zip(groups, own, strict=True):
        members[group].append(value)
    return {group: _means(np.array(values)) for group, values in sorted(members.items())}


def show(console: Console, kind: str, figures: Mapping[str, Any]) -> None:
    first = figures[BASE]
    title = f"{first['queries']} {kind}"
    table = Table(title, "MRR", "R@1", "R@10", "above BM25", "times BM25", "above the cut, 256 words and more")
    for name, each in figures.items():
        intervals = [_interval(each[key]) for key in ("above BM25", "times BM25", "above the cut")]
        table.add_row(name, *(f"{each[key]:.3f}" for key in ("mrr", "r@1", "r@10")), *intervals)
    console.print(table)
    for by in ("by length", "by language"):
        groups = first[by]
        if len(groups) == 1:
            continue
        table = Table(f"MRR {by}", *(f"{group} ({each['queries']})" for group, each in groups.items()))
        for name, each in figures.items():
            table.add_row(name, *(f"{each[by][group]['mrr']:.3f}" for group in groups))
        console.print(table)


def _interval(estimate: Mapping[str, float] | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def _folders(options: argparse.Namespace) -> dict[str, Path]:
    """Those that are there, of the packages that were asked for."""
    found = {name: options.corpus / name for name in options.packages}
    if options.held_out:
        packages = [package for package in listed(LIST.read_text(encoding="utf-8")) if package.held_out]
        found |= {package.folder: options.held_out / package.folder for package in packages}
    return {name: folder for name, folder in found.items() if folder.is_dir()}


def _packages(text: str) -> Sequence[str]:
    return {"reporting": REPORTING, "tuning": TUNING}.get(text) or tuple(filter(None, text.split(",")))


def _weights(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    return name, Path(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=INSTALLED, help="folder that packages were installed to")
    parser.add_argument(
        "--packages", type=_packages, default=REPORTING, help="import names with commas, `reporting` or `tuning`"
    )
    parser.add_argument("--held-out", type=Path, help="folder of the training's sources, for those that are held out")
    parser.add_argument("--questions", type=some_of(QUESTIONS), default=QUESTIONS, help="with commas (all kinds)")
    parser.add_argument(
        "--weights", action="append", default=[], type=_weights, metavar="NAME=FILE", help="one more encoder of words"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    console = Console(width=160)
    pool, asked = pooled(_folders(options))
    console.print(f"{len(pool.definitions):,} definitions of {len(pool.languages)} packages")
    comparisons = {kind: Comparison(pool, asked[kind]) for kind in options.questions}
    with tempfile.TemporaryDirectory() as folder:
        for name, ranks in systems(pool.definitions, Path(folder), dict(options.weights)):
            for kind, comparison in comparisons.items():
                comparison.add(name, ranks(asked[kind].queries, asked[kind].answers))
    figures = {kind: comparison.figures() for kind, comparison in comparisons.items()}
    for kind, each in figures.items():
        show(console, kind, each)
    if options.json:
        result = {"definitions": len(pool.definitions), **figures}
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
