"""Finds the APIs of a repository that serve a request in somebody's words: `add an item to an order` → `Order.add`.

BM25 (Robertson and Zaragoza 2009) over what an API says of itself, some parts counting more than others: a word in a
name tells more than one in a sentence. It is computed here and not by a library, since the index changes with each key
and those that take parts by weight keep their own copy of all texts. What a file says is read once (`wording`); a
request looks its words up in each file. `benchmarks/ask_recall.py` has the figures.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname

from retrieval.api import Api
from retrieval.apis import Apis
from retrieval.surroundings import words_in_order
from retrieval.type_texts import words
from retrieval.wording import Traits, Wording, is_of_tests, is_test, singular

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


def find(
    apis: Apis, request: str, count: int = 10, near: Near | None = None, paths: Iterable[str] | None = None
) -> list[Found]:
    """The APIs that serve a request, best first: those of all files, or of some."""
    wordings = {path: apis.derived(path, Wording) for path in (list(apis.files) if paths is None else paths)}
    best = ranked(wordings, request, near or Near())[:count]
    offered = {path: apis.of_file(path) for path, _, _ in best}
    return [Found(offered[path][place], score) for path, place, score in best if place < len(offered[path])]


def ranked(wordings: Mapping[str, Wording], request: str, near: Near) -> list[tuple[str, int, float]]:
    """The APIs of some files that serve a request, best first: each file, the place in it, and the score."""
    wanted = _wanted(request)
    said = {path: {word: saying for word in wanted if (saying := each.saying(word))} for path, each in wordings.items()}
    holding: Counter[str] = Counter()
    for found in said.values():
        holding.update({word: len(saying) for word, saying in found.items()})
    number, total = sum(map(len, wordings.values())), sum(each.total for each in wordings.values())
    weights = {word: worth * _rarity(holding[word], number) for word, worth in wanted.items()}
    verb = next(iter(wanted), "")
    scored = (
        (path, place, relevance * _factor(path, wordings[path].traits(place), verb, near))
        for path, found in said.items()
        if found
        for place, relevance in _relevance(found, weights, wordings[path].lengths, total / number).items()
    )
    return sorted(scored, key=lambda each: (-each[2], *each[:2]))


def fused(by_words: Sequence[Found], by_meaning: Sequence[Api], request: str, near: Near | None = None) -> list[Found]:
    """One ranking of what `find` has found and of what a search by meaning has, each best first: by their ranks.

    By meaning something is always near: where nothing has a word of the request, nothing serves it.
    """
    if not by_words:
        return []
    scores: dict[str, float] = {each.api.qualified: 1 / (RANKS + rank) for rank, each in enumerate(by_words, 1)}
    verb, apis = next(iter(_wanted(request)), ""), {each.api.qualified: each.api for each in by_words}
    for rank, api in enumerate((api for api in by_meaning if not is_test(api)), 1):
        worth = _factor(api.path, Traits.of(api), verb, near or Near()) / (RANKS + rank)
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
    wanted = {singular(word): 1.0 for word in telling}
    for word in telling:
        for length in range(SHORTEST, len(word)):
            wanted.setdefault(word[:length], BEGUN)
    return wanted


def _rarity(holding: int, number: int) -> float:
    """The inverse document frequency of a word that so many of a number of APIs say."""
    return math.log(1 + (number - holding + 0.5) / (holding + 0.5))


def _relevance(
    found: Mapping[str, Sequence[tuple[int, float]]],
    weights: Mapping[str, float],
    lengths: Sequence[float],
    usual: float,
) -> dict[int, float]:
    """BM25 of a file's APIs that say something, `usual` being the length of the average API."""
    relevance: dict[int, float] = {}
    for word, saying in found.items():
        for place, times in saying:
            norm = SATURATION * (1 - LENGTH + LENGTH * lengths[place] / usual)
            relevance[place] = relevance.get(place, 0.0) + weights[word] * times * (SATURATION + 1) / (times + norm)
    return relevance


def _factor(path: str, traits: Traits, verb: str, near: Near) -> float:
    factor = _nearness(path, traits, near)
    if traits.verb == verb:
        factor *= VERB
    if not traits.is_public and path != near.path:
        factor *= PRIVATE
    if not traits.is_called:
        factor *= NO_CALL
    if is_of_tests(path) and not is_of_tests(near.path):
        factor *= FOR_TESTS
    return factor


def _nearness(path: str, traits: Traits, near: Near) -> float:
    if path == near.path:
        return SAME_FILE
    if f"{path}:{traits.outermost}" in near.imported:
        return IMPORTED
    return SAME_FOLDER if near.path and dirname(path) == dirname(near.path) else 1.0
