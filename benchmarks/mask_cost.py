"""What a mask costs: ours, llguidance's, and the published implementation's, for real names and vocabularies."""

from __future__ import annotations

import ast
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from cursors import INSTALLED
from options import track
from pygtrie_masks import TrieMasks
from rich.console import Console
from rich.table import Table
from vocabularies import Tokens

from assistant.decoding.vocabulary import Vocabulary
from assistant.decoding.watch import Watch
from assistant.guards import OneOf
from assistant.patterns import Masks

SIZES = (10, 100, 1_000)
"""How many names are legal."""

MOMENTS = ("first", "inside", "complete")
"""Before a name's first token; behind a token within it; behind all of it."""

METHODS = ("ours", "llguidance", "published")

SLOW_SETS = 2
"""For so many sets a round, the published masks behind a complete name are made: they take up to a second each."""

Ids = Collection[int]

Way = Callable[[frozenset[str], str], Ids]
"""The tokens that may follow where a part of one of some names has been written."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The methods, ready to be used; the seconds that getting ready took, by method."""

    vocabulary: Vocabulary
    by_method: Mapping[str, Way]
    seconds: Mapping[str, float]

    def forget(self) -> None:
        """Forgets masks that were made before."""
        self.vocabulary.spelling.cache_clear()


@dataclass
class Costs:
    """Milliseconds for one vocabulary and one number of names: by moment and method, a list for each round."""

    vocabulary: str
    size: int
    rounds: dict[tuple[str, str], list[list[float]]] = field(default_factory=lambda: defaultdict(list))
    differing: int = 0
    compared: int = 0

    def all(self, moment: str, method: str) -> list[float]:
        return [each for values in self.rounds[moment, method] for each in values]

    def ratios(self, moment: str) -> list[float]:
        """The published median in ours, for each round."""
        pairs = zip(self.rounds[moment, "published"], self.rounds[moment, "ours"], strict=True)
        return [float(np.median(theirs) / np.median(ours)) for theirs, ours in pairs]


Found = tuple[Mapping[str, float], list[Costs]]
"""Of a vocabulary, the seconds that each method took to get ready, and the costs by number of names."""


def measure(vocabularies: Iterable[Tokens], rounds: int, sets: int, seed: int) -> Iterator[Found]:
    names = attribute_names(INSTALLED, seed)
    for tokens in vocabularies:
        ways = _ways(tokens)
        found = []
        for size in SIZES:
            costs = Costs(tokens.name, size)
            generator = random.Random(f"{seed} {size}")
            for _ in track(range(rounds), f"masks, {tokens.name}, {size} names"):
                chosen = [frozenset(generator.sample(names, size)) for _ in range(sets)]
                _round(costs, ways, tokens, chosen, generator)
            found.append(costs)
        yield ways.seconds, found


def attribute_names(folder: Path, seed: int, files: int = 600) -> list[str]:
    """The names of attributes in Python files, each once."""
    paths = sorted(folder.rglob("*.py"))
    found: set[str] = set()
    for path in random.Random(seed).sample(paths, min(files, len(paths))):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            continue
        found.update(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr.isascii())
    return sorted(found)


def _ways(tokens: Tokens) -> Ways:
    pieces, seconds = tokens.pieces, {}
    begin = time.perf_counter()
    vocabulary = Vocabulary(pieces)
    vocabulary.spelling(frozenset((b"",)))  # what is worked out once
    seconds["ours"] = time.perf_counter() - begin
    begin = time.perf_counter()
    masks = Masks(pieces, min(tokens.ends))
    seconds["llguidance"] = time.perf_counter() - begin
    begin = time.perf_counter()
    trie = TrieMasks(pieces)
    seconds["published"] = time.perf_counter() - begin
    watch = Watch((), vocabulary, tokens.ends, lambda: masks)
    ways: dict[str, Way] = {
        "ours": lambda names, begun: _ours(watch, names, begun),
        "llguidance": lambda names, begun: masks.allowed("|".join(map(re.escape, sorted(names))), begun),
        "published": lambda names, begun: trie.allowed([n[len(begun) :] for n in names if n.startswith(begun)]),
    }
    return Ways(vocabulary, ways, seconds)


def _ours(watch: Watch, names: frozenset[str], begun: str) -> Ids:
    guard = OneOf(names).after(begun) if begun else OneOf(names)
    assert guard is not None
    ids = watch.ids(guard)
    assert ids is not None
    return ids


def _round(
    costs: Costs, ways: Ways, tokens: Tokens, chosen: Sequence[frozenset[str]], generator: random.Random
) -> None:
    milliseconds: dict[tuple[str, str], list[float]] = {
        (moment, method): [] for moment in MOMENTS for method in METHODS
    }
    for index, names in enumerate(chosen):
        for begun, moment in _moments(generator.choice(sorted(names)), tokens):
            if moment == "complete" and index >= SLOW_SETS:
                continue
            ways.forget()
            found = {}
            for method, way in ways.by_method.items():
                begin = time.perf_counter()
                found[method] = way(names, begun)
                milliseconds[moment, method].append((time.perf_counter() - begin) * 1000)
            costs.compared += 1
            costs.differing += _differ(found["ours"], found["published"], tokens.pieces)
    for key, values in milliseconds.items():
        costs.rounds[key].append(values)


def _moments(name: str, tokens: Tokens) -> Iterator[tuple[str, str]]:
    """What has been written of a name, token by token, and which moment that is."""
    begun = b""
    yield "", "first"
    for token in tokens.tokenize(name):
        begun += tokens.pieces[token]
        yield begun.decode(), "complete" if begun.decode() == name else "inside"


def _differ(ours: Ids, theirs: Ids, pieces: Sequence[bytes]) -> bool:
    """Whether two masks allow different tokens, apart from those that are no whole characters."""
    differing = set(map(int, ours)) ^ set(map(int, theirs))
    return any(_is_text(pieces[token]) for token in differing)


def _is_text(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def show(console: Console, found: Sequence[Found]) -> list[dict[str, object]]:
    table = Table(
        "vocabulary", "names", "mask", *(f"{method}, ms p50 / p99" for method in METHODS), "published in ours",
        title="Cost of a mask",
    )  # fmt: skip
    figures = []
    for seconds, all_costs in found:
        for costs in all_costs:
            for moment in MOMENTS:
                cells = [_cell(costs.all(moment, method)) for method in METHODS]
                ratios = costs.ratios(moment)
                spread = f"{np.median(ratios):.0f} ({min(ratios):.0f}–{max(ratios):.0f})"
                table.add_row(costs.vocabulary, f"{costs.size:,}", moment, *cells, spread)
            figures.append(_as_json(costs, seconds))
        table.add_section()
    console.print(table)
    for seconds, all_costs in found:
        ready = ", ".join(f"{method} {value:.2f}" for method, value in seconds.items())
        console.print(f"{all_costs[0].vocabulary}: seconds to get ready: {ready}")
        differing, compared = sum(c.differing for c in all_costs), sum(c.compared for c in all_costs)
        console.print(f"{all_costs[0].vocabulary}: ours and the published mask differ in {differing} of {compared}")
    return figures


def _cell(values: Sequence[float]) -> str:
    return f"{np.median(values):.3f} / {np.percentile(values, 99):.3f}"


def _as_json(costs: Costs, seconds: Mapping[str, float]) -> dict[str, object]:
    return {
        "vocabulary": costs.vocabulary,
        "names": costs.size,
        "seconds to get ready": dict(seconds),
        "differing masks": costs.differing,
        "compared masks": costs.compared,
        "milliseconds": {
            f"{moment}, {method}": {p: round(float(np.percentile(costs.all(moment, method), p)), 4) for p in (50, 99)}
            for moment in MOMENTS
            for method in METHODS
        },
        "published in ours": {moment: [round(each, 1) for each in costs.ratios(moment)] for moment in MOMENTS},
    }
