"""Finds the APIs of a repository that serve a request in somebody's words: `add an item to an order` → `Order.add`.

BM25 (Robertson and Zaragoza 2009) over what an API says of itself, some parts counting more than others: a word in a
name tells more than one in a sentence. It is computed here and not by a library, since the index changes with each key
and those that take parts by weight keep their own copy of all texts. `benchmarks/ask_recall.py` has the figures.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from retrieval.api import Api, ApiKind
from retrieval.apis import Apis
from retrieval.surroundings import words_in_order
from retrieval.type_texts import words

NAME, OWNER, PARAMETERS, RETURNS, DOC = 3.0, 1.0, 0.75, 0.5, 1.0
"""What a word counts in each part of an API."""

SATURATION, LENGTH = 1.5, 0.5
"""BM25's k1 and b: how soon more of a word says no more, and how much long texts are held against an API."""

BEGUN = 0.5
"""What a name's word counts that is the beginning of a word of the request: `config` of “configuration”."""

SHORTEST = 3
"""Letters of such a beginning."""

VERB = 1.2
"""For names that begin with the first word of the request, which mostly is its verb."""

SAME_FILE, IMPORTED, SAME_FOLDER = 1.3, 1.2, 1.05
PRIVATE, NO_CALL, FOR_TESTS = 0.8, 0.7, 0.5
"""Factors: for what is near to who asks, and for what is hardly meant."""

RANKS = 3
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), small: the first ranks count."""

LONGEST = 1_000
"""Code points of a request that are looked at."""

_FILLERS = words(
    "a all an and any are as at be been by can could did do does each every for from had has have here how i if in into"
    " is it its let me my need of on one or our please shall should show so some tell than that the their then there"
    " these this those to us use using want was way we were what when where which who why will with without would you"
    " your"
)
_TESTS = re.compile(r"(?:^|/)(?:tests?|__tests__|specs?)/|(?:^|/)(?:test_[^/]*|conftest)\.\w+$|[._](?:test|spec)\.\w+$")
_TEST = re.compile(r"test(?:_|[A-Z])|test$")


@dataclass(frozen=True, slots=True)
class Found:
    """An API and how well it serves the request: any number above 0, comparable within one answer."""

    api: Api
    score: float


@dataclass(frozen=True, slots=True)
class Near:
    """Where somebody asks from: a file, which need not be there, and what it imports, by qualified names."""

    path: str = ""
    imported: frozenset[str] = frozenset()

    @classmethod
    def of(cls, apis: Apis, path: str) -> Near:
        """A file of the repository, by its path from the root."""
        brought = (api for each in apis.imports(path) for api in apis.definitions(each, path))
        return cls(path, frozenset(api.qualified for api in brought))


def find(apis: Iterable[Api], request: str, count: int = 10, near: Near | None = None) -> list[Found]:
    """The APIs that serve a request, best first. Each of them is looked at: 20,000 take about half a second."""
    wanted = _wanted(request)
    found: list[tuple[Api, Mapping[str, float], float]] = []
    holding: Counter[str] = Counter()
    number, total = 0, 0.0
    for api in apis:
        said, length = _said(api, wanted)
        number, total = number + 1, total + length
        if said and not _is_test(api):
            holding.update(said.keys())
            found.append((api, said, length))
    weights = {word: worth * _rarity(holding[word], number) for word, worth in wanted.items() if holding[word]}
    verb = next(iter(wanted), "")
    scored = (
        Found(api, _relevance(said, weights, length * number / total) * _factor(api, verb, near or Near()))
        for api, said, length in found
    )
    return sorted(scored, key=lambda each: (-each.score, each.api.qualified, each.api.line))[:count]


def fused(by_words: Sequence[Found], by_meaning: Sequence[Api], request: str, near: Near | None = None) -> list[Found]:
    """One ranking of what `find` has found and of what a search by meaning has, each best first: by their ranks.

    By meaning something is always near: where nothing has a word of the request, nothing serves it.
    """
    if not by_words:
        return []
    scores: dict[str, float] = {each.api.qualified: 1 / (RANKS + rank) for rank, each in enumerate(by_words, 1)}
    verb, apis = next(iter(_wanted(request)), ""), {each.api.qualified: each.api for each in by_words}
    for rank, api in enumerate((api for api in by_meaning if not _is_test(api)), 1):
        worth = _factor(api, verb, near or Near()) / (RANKS + rank)
        scores[api.qualified] = scores.get(api.qualified, 0.0) + worth
        apis.setdefault(api.qualified, api)
    return sorted((Found(apis[name], score) for name, score in scores.items()), key=lambda each: -each.score)


def is_empty(request: str) -> bool:
    """Whether nothing can be looked for."""
    return not _wanted(request)


def _wanted(request: str) -> dict[str, float]:
    """The words that are looked for, in their order, and what each counts; beginnings of them behind."""
    every = words_in_order(request[:LONGEST])
    telling = [word for word in every if word not in _FILLERS] or every
    wanted = {_singular(word): 1.0 for word in telling}
    for word in telling:
        for length in range(SHORTEST, len(word)):
            wanted.setdefault(word[:length], BEGUN)
    return wanted


def _said(api: Api, wanted: Mapping[str, float]) -> tuple[Mapping[str, float], float]:
    """How often an API says the words that are looked for, and how much it says, both weighted."""
    said: dict[str, float] = {}
    length = 0.0
    for text, worth in (
        (api.name, NAME),
        (api.owner, OWNER),
        (" ".join(api.parameters), PARAMETERS),
        (api.returns, RETURNS),
        (api.doc, DOC),
    ):
        if text:
            own = _words(text)
            length += worth * len(own)
            for word in own:
                if word in wanted:
                    said[word] = said.get(word, 0.0) + worth
    return said, length


@lru_cache(16384)
def _words(text: str) -> tuple[str, ...]:
    return tuple(map(_singular, words_in_order(text)))


def _singular(word: str) -> str:
    """`items` → `item`, `entries` → `entry`, `class` and `is` as they are."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-3] + "y" if word.endswith("ies") else word[:-1]


def _rarity(holding: int, number: int) -> float:
    """The inverse document frequency of a word that so many of a number of APIs say."""
    return math.log(1 + (number - holding + 0.5) / (holding + 0.5))


def _relevance(said: Mapping[str, float], weights: Mapping[str, float], length: float) -> float:
    """BM25. `length` is in lengths of the average API."""
    norm = SATURATION * (1 - LENGTH + LENGTH * length)
    return sum(weights[word] * times * (SATURATION + 1) / (times + norm) for word, times in said.items())


def _factor(api: Api, verb: str, near: Near) -> float:
    factor = _nearness(api, near)
    if _words(api.name)[:1] == (verb,):
        factor *= VERB
    if not api.public and api.path != near.path:
        factor *= PRIVATE
    if api.kind not in (ApiKind.FUNCTION, ApiKind.METHOD, ApiKind.CLASS):
        factor *= NO_CALL
    if _TESTS.search(api.path) and not _TESTS.search(near.path):
        factor *= FOR_TESTS
    return factor


def _nearness(api: Api, near: Near) -> float:
    if api.path == near.path:
        return SAME_FILE
    if f"{api.path}:{api.within.partition('.')[0]}" in near.imported:
        return IMPORTED
    return SAME_FOLDER if near.path and _folder(api.path) == _folder(near.path) else 1.0


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _is_test(api: Api) -> bool:
    """Whether it is called by nobody but whoever runs the tests."""
    return bool(_TEST.match(api.name)) and bool(_TESTS.search(api.path))
