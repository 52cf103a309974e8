"""Fits the weights of the ranking of a repository's APIs, and prints them as `retrieval/weights.py`.

    pip install --target corpus --no-compile click parso jedi pygments anyio attrs cattrs requests marshmallow mako \\
        aiohttp alembic astroid babel celery coverage dulwich fsspec invoke kombu lark mkdocs pylint redis scrapy \\
        sphinx sqlalchemy trio twisted urllib3
    python benchmarks/fit_ranking.py --corpus corpus --sites 60 > retrieval/weights.py

What is maximised is the probability of the true name among the candidates of a site (softmax, with a penalty for large
weights), over sites of thirty packages, with a language server's answers and without, apart for each kind of what is
ranked. Nothing of the packages that figures are reported of is looked at. The recall of the first five is printed to
the error stream: on packages that were left out by fifths, and with the weights that are in use.
"""

from __future__ import annotations

import argparse
import logging
import os
import pickle
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cursors import INSTALLED
from numpy.typing import NDArray
from packages import FITTED
from ranking_recall import Trial, trials

from retrieval.ranking import FEATURES, WEIGHTS, Kind

PENALTY = 1e-3
"""Of a weight's square, beside the mean log-probability."""

STEPS = 30
"""At most."""

FOLDS = 5

PRECISION = 1e-4
"""Steps that are smaller change nothing."""


@dataclass(frozen=True)
class Examples:
    """Candidates of many sites one after another: those of site i begin at `starts[i]`.

    `features` are float64[candidates, features]; `true` marks those with the true name, `site` has their site's number.
    """

    features: NDArray[np.float64]
    true: NDArray[np.bool_]
    starts: NDArray[np.intp]
    site: NDArray[np.intp]

    @classmethod
    def of(cls, found: Sequence[Trial]) -> Examples:
        """Of those sites whose truth is among several candidates."""
        rows, true, starts, site = [], [], [], []
        for trial in found:
            marks = [name == trial.site.cursor.name for name, _, _ in trial.candidates]
            if any(marks) and not all(marks):
                starts.append(len(rows))
                site += [len(starts) - 1] * len(marks)
                rows += [features for _, _, features in trial.candidates]
                true += marks
        return cls(np.array(rows, np.float64), np.array(true), np.array(starts), np.array(site))


def fit(examples: Examples) -> NDArray[np.float64]:
    """The weights: Newton's method from zero, which needs no chance. Each step is halved until it gains."""
    weights = np.zeros(examples.features.shape[1])
    value, slope, bend = _gain(examples, weights)
    for _ in range(STEPS):
        step = np.linalg.solve(bend, slope)
        while (found := _gain(examples, weights + step))[0] < value and np.abs(step).max() > PRECISION:
            step /= 2
        if np.abs(step).max() <= PRECISION:
            break
        weights += step
        value, slope, bend = found
    return weights


def _gain(examples: Examples, weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """The mean log-probability of the truth less the penalty, how it changes with each weight, and how that bends.

    Of the bend only the part that is never negative is taken: it is exact where one candidate has the true name.
    """
    features, count = examples.features, len(examples.starts)
    scores = features @ weights
    scores -= np.maximum.reduceat(scores, examples.starts)[examples.site]
    odds = np.exp(scores)
    all_odds = np.add.reduceat(odds, examples.starts)
    true_odds = np.add.reduceat(odds * examples.true, examples.starts)
    of_all = odds / all_odds[examples.site]
    of_true = odds * examples.true / true_odds[examples.site]
    weighted = features * of_all[:, None]
    means = np.add.reduceat(weighted, examples.starts)
    bend = (features.T @ weighted - means.T @ means) / count + 2 * PENALTY * np.eye(len(weights))
    slope = (of_true - of_all) @ features / count - 2 * PENALTY * weights
    return float(np.mean(np.log(true_odds / all_odds)) - PENALTY * weights @ weights), slope, bend


def recall(found: Sequence[Trial], weights: Sequence[float], first: int = 5) -> float:
    """Of all sites the share whose truth is among the first names."""
    vector = np.array(weights)
    hits = []
    for trial in found:
        best: dict[str, float] = {}
        if trial.candidates:
            scores = np.array([features for _, _, features in trial.candidates]) @ vector
            for (name, _, _), score in zip(trial.candidates, scores, strict=True):
                best[name] = max(best.get(name, -np.inf), float(score))
        true = best.get(trial.site.cursor.name)
        hits.append(true is not None and sum(score > true for score in best.values()) < first)
    return float(np.mean(hits))


def by_kind(found: Mapping[str, Sequence[Trial]]) -> dict[Kind, list[Trial]]:
    every = [trial for some in found.values() for trial in some]
    return {kind: [trial for trial in every if trial.kind is kind] for kind in Kind}


def left_out(found: Sequence[Trial]) -> float:
    """The recall of the first five on each fifth of the packages with weights that are fitted on the others."""
    packages = sorted({trial.site.cursor.package for trial in found})
    total = 0.0
    for some in (packages[start::FOLDS] for start in range(FOLDS)):
        tested = [trial for trial in found if trial.site.cursor.package in some]
        weights = fit(Examples.of([trial for trial in found if trial.site.cursor.package not in some]))
        total += recall(tested, list(weights)) * len(tested)
    return total / len(found)


def source(weights: Mapping[Kind, NDArray[np.float64]]) -> str:
    """`retrieval/weights.py`."""
    lines = [
        '"""What each feature of a ranking counts, by its name; fitted by `benchmarks/fit_ranking.py`."""',
        "",
        "from collections.abc import Mapping",
        "",
        "FITTED: Mapping[str, Mapping[str, float]] = {",
    ]
    for kind, values in weights.items():
        lines.append(f'    "{kind}": {{')
        lines += [f'        "{name}": {value:.2f},' for name, value in zip(FEATURES, values, strict=True)]
        lines.append("    },")
    return "\n".join([*lines, "}", '"""By `Kind` of what is ranked."""', ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=INSTALLED, help="folder that packages were installed to")
    parser.add_argument("--sites", type=int, default=60, help="of each case and package (60)")
    parser.add_argument("--alone", action="store_true", help="without a language server")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kept", type=Path, help="file to keep the sites with their features in, or to take them from")
    parser.add_argument(
        "--left-out", action="store_true", help="also fit with a fifth of the packages left out in turn"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    os.environ.pop("VIRTUAL_ENV", None)  # each workspace has its own
    if arguments.kept and arguments.kept.exists():
        found = pickle.loads(arguments.kept.read_bytes())
    else:
        with tempfile.TemporaryDirectory() as folder:
            amount = arguments.sites, arguments.seed, not arguments.alone
            found = trials(arguments.corpus, FITTED, Path(folder), *amount)
        if arguments.kept:
            arguments.kept.write_bytes(pickle.dumps(found))
    kinds = by_kind(found)
    fitted = {kind: fit(Examples.of(some)) for kind, some in kinds.items()}
    for kind, some in kinds.items():
        said = f"{kind}: {len(some)} trials, recall@5 {recall(some, WEIGHTS[kind]):.3f} now"
        said += f", {recall(some, list(fitted[kind])):.3f} fitted"
        said += f", {left_out(some):.3f} on packages left out" if arguments.left_out else ""
        print(said, file=sys.stderr)
    print(source(fitted), end="")


if __name__ == "__main__":
    main()
