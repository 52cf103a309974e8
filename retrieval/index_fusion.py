"""One ranking of several: by meaning, by words, and by the names that a query asks for or mentions.

The constants were chosen on packages for tuning, with `benchmarks/search.py`: with equal weights, as is usual, words
cost more than they bring.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

RANKS = 10
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009, who took 60)."""
WORDS = 0.2
"""What the ranking by words counts beside that by meaning."""
CALLED = 0.3
"""What it counts to be called as a name in the query, and that of several. Code gains by more, docstrings lose."""
HAVING = 1.0
"""What it counts to have a name in it that nothing is called by."""
FIRST = 1.0
"""Added to the score of what is called as the query: that of all others is smaller."""
FEW = 50
"""Definitions that have a name in them; if there are more, it tells nothing."""

_MOST = 64
"""Names of a query that are looked up, the first of them."""
_SHORTEST = 3
"""Characters of a name that a sentence or code mentions."""
_PATH = re.compile(r"[^\W\d]\w*(?:(?:\.|::|->|#)[^\W\d]\w*)*")
_STEP = re.compile(r"\.|::|->|#")
_MARK = re.compile(r"(?<=\w)[?!=](?=\W|$)")
"""What Ruby has behind names."""
_NAME_OF_CODE = re.compile(r"[^\W_]_+[^\W_]|[^\W\d_A-Z][A-Z]|\w\W+\w")

_Item = TypeVar("_Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Names:
    """The names in a query, each as a definition may have it: `shop.item.total`, `item.total`, `total`."""

    each: tuple[tuple[str, ...], ...]
    are_all: bool = False
    """Whether the query is a name and nothing else."""
    are_in_code: bool = False


def suffixes(name: str) -> tuple[str, ...]:
    """What a definition can be asked for by, in lower case: `Shop.Item.total` → itself, `item.total`, `total`."""
    steps = filter(None, reversed(_STEP.split(_MARK.sub("", name.lower()))))
    return tuple(accumulate(steps, lambda inner, outer: f"{outer}.{inner}"))[::-1]


def names_in(query: str) -> Names:
    """The query if it is one name; otherwise the names in it that no prose has, such as `read_all` or `os.path`."""
    alone = _MARK.sub("", query.strip().removesuffix("()"))
    if _PATH.fullmatch(alone):
        return Names((suffixes(alone),), are_all=True)
    found = dict.fromkeys(path.lower() for path in _PATH.findall(query) if _NAME_OF_CODE.search(path))
    several = (suffixes(path) for path in found)
    long = tuple(each for each in several if len(each[-1]) >= _SHORTEST)
    return Names(long[:_MOST], are_in_code="\n" in query.strip())


def by_names(
    names: Names, called: Callable[[str], Sequence[_Item]], having: Callable[[str], Sequence[_Item]]
) -> dict[_Item, float]:
    """What the names in a query add to scores, by definition.

    `called` has the definitions that can be asked for by a name, `having` those with a name in them.
    """
    scores: dict[_Item, float] = {}
    for several in names.each:
        items, weight = next(filter(None, map(called, several)), ()), CALLED
        if not items and not names.are_in_code:
            items, weight = having(several[-1]), HAVING
            items = items if len(items) <= FEW else ()
        first = FIRST if names.are_all and weight == CALLED else 0.0
        for item in items:  # they share the last of their ranks
            scores[item] = max(scores.get(item, 0.0), first + weight / (RANKS + len(items)))
    return scores


def fused(
    by_meaning: Sequence[_Item], by_words: Sequence[_Item], named: Mapping[_Item, float]
) -> list[tuple[_Item, float]]:
    """Items with their scores, best first: the sum of weight / (10 + rank) over both, and what their names add."""
    scores = defaultdict[_Item, float](float, named)
    for weight, ranking in ((1.0, by_meaning), (WORDS, by_words)):
        for rank, item in enumerate(ranking, start=1):
            scores[item] += weight / (RANKS + rank)
    return sorted(scores.items(), key=lambda scored: -scored[1])
