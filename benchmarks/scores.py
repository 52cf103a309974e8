"""How good a completion is beside what really stands there, and how sure a difference between two conditions is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000

_NAME = re.compile(r"[^\W\d]\w*")
_FIRST_NAME = re.compile(r"\w*")

Values = NDArray[np.float64]
"""float64[cursors]: a score for each cursor, in the same order for every condition."""


def first_line(text: str) -> str:
    return text.split("\n", 1)[0].strip()


def next_identifier(text: str, truth: str) -> float:
    """Whether the name that a text begins with is the true one: next identifier match."""
    return float(_first_name(text) == _first_name(truth) != "")


def identifiers(text: str, truth: str) -> float:
    """Of the identifiers in the true line, how many agree up to the first that does not: identifier sequence match."""
    written, true = _NAME.findall(first_line(text)), _NAME.findall(truth)
    agreeing = next(
        (index for index, pair in enumerate(zip(written, true, strict=False)) if pair[0] != pair[1]),
        min(len(written), len(true)),
    )
    return agreeing / len(true) if true else float(not written)


def exact(text: str, truth: str) -> float:
    return float(first_line(text) == truth.strip())


def similarity(text: str, truth: str) -> float:
    """1 less the Levenshtein distance of two lines, in lengths of the longer one."""
    written, true = first_line(text), truth.strip()
    longer = max(len(written), len(true))
    return 1 - _distance(written, true) / longer if longer else 1.0


def _first_name(text: str) -> str:
    match = _FIRST_NAME.match(text)
    return match[0] if match else ""


def _distance(one: str, other: str) -> int:
    """Insertions, deletions and replacements from one text to another."""
    row = list(range(len(other) + 1))
    for index, character in enumerate(one, 1):
        diagonal, row[0] = row[0], index
        for column, against in enumerate(other, 1):
            best = min(row[column] + 1, row[column - 1] + 1, diagonal + (character != against))
            diagonal, row[column] = row[column], best
    return row[-1]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def bootstrap(
    clusters: Sequence[str], statistic: Callable[[NDArray[np.intp]], float], seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """A statistic of cursors, given by their indices, with its interval: whole clusters are drawn anew.

    Cursors of one package are alike, so there are fewer independent ones than cursors.
    """
    generator = np.random.default_rng(seed)
    members: dict[str, list[int]] = {}
    for index, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(index)
    groups = [np.array(group, np.intp) for group in members.values()]
    drawn = generator.integers(len(groups), size=(resamples, len(groups)))
    values = [statistic(np.concatenate([groups[index] for index in row])) for row in drawn]
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return Estimate(statistic(np.arange(len(clusters))), float(low), float(high))


def mean_difference(clusters: Sequence[str], values: Values, base: Values) -> Estimate:
    """By how much the mean of paired values is above that of the base."""
    differences = values - base
    return bootstrap(clusters, lambda chosen: float(differences[chosen].mean()))


def share(clusters: Sequence[str], among: NDArray[np.bool_], of: NDArray[np.bool_]) -> Estimate:
    """Of the cursors that `of` marks, of which there are some, the share that `among` marks too."""

    def statistic(chosen: NDArray[np.intp]) -> float:
        count = int(of[chosen].sum())
        return float((among & of)[chosen].sum() / count) if count else float("nan")

    return bootstrap(clusters, statistic)


def as_json(estimate: Estimate) -> Mapping[str, float]:
    return {name: round(getattr(estimate, name), 4) for name in ("value", "low", "high")}
