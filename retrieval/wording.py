"""What the APIs of a file say of themselves, by word: made once for a file, and looked up with each request.

It is as little as can be searched, since it is kept for all files: about 150 bytes an API.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from sys import intern
from typing import NamedTuple

from retrieval.api import Api, ApiKind
from retrieval.surroundings import words_in_order

NAME, OWNER, PARAMETERS, RETURNS, DOC = 3.0, 1.0, 0.75, 0.5, 1.0
"""What a word counts in each part of an API."""

_TESTS = re.compile(r"(?:^|/)(?:tests?|__tests__|specs?)/|(?:^|/)(?:test_[^/]*|conftest)\.\w+$|[._](?:test|spec)\.\w+$")
_TEST = re.compile(r"test(?:_|[A-Z])|test$")
_CALLABLE = (ApiKind.FUNCTION, ApiKind.METHOD, ApiKind.CLASS)


class Traits(NamedTuple):
    """What tells beside its words whether an API is meant."""

    outermost: str
    """The class around it, of several the outermost; of what is in none its own name."""
    verb: str
    """The first word of its name."""
    is_public: bool
    is_called: bool

    @classmethod
    def of(cls, api: Api) -> Traits:
        verb = words(api.name)[:1]
        return cls(api.within.partition(".")[0], verb[0] if verb else "", api.public, api.kind in _CALLABLE)


class Wording:
    """Each API is meant by its place among the file's. Those that are tests say nothing."""

    __slots__ = ("_ends", "_flags", "_outermost", "_places", "_times", "_verbs", "_words", "lengths", "total")

    def __init__(self, apis: Sequence[Api]) -> None:
        said = defaultdict[str, dict[int, float]](dict)
        self.lengths = array("f")
        """How much each says, weighted."""
        for place, api in enumerate(apis):
            self.lengths.append(0.0)
            for word, worth in _said(api):
                self.lengths[place] += worth
                if not is_test(api):
                    said[word][place] = said[word].get(place, 0.0) + worth
        self.total = sum(self.lengths)
        traits = [Traits.of(api) for api in apis]
        self._outermost = tuple(intern(each.outermost) for each in traits)
        self._verbs = tuple(intern(each.verb) for each in traits)
        self._flags = bytes(each.is_public + 2 * each.is_called for each in traits)
        self._words = tuple(map(intern, sorted(said)))
        saying = [said[word] for word in self._words]
        self._ends = array("I", accumulate(map(len, saying), initial=0))
        self._places = array("I", chain.from_iterable(saying))
        self._times = array("f", chain.from_iterable(each.values() for each in saying))

    def __len__(self) -> int:
        return len(self.lengths)

    def saying(self, word: str) -> list[tuple[int, float]]:
        """Which APIs say a word, and how often, weighted."""
        at = bisect_left(self._words, word)
        if at == len(self._words) or self._words[at] != word:
            return []
        part = slice(self._ends[at], self._ends[at + 1])
        return list(zip(self._places[part], self._times[part], strict=True))

    def traits(self, place: int) -> Traits:
        flags = self._flags[place]
        return Traits(self._outermost[place], self._verbs[place], bool(flags & 1), bool(flags & 2))


def words(text: str) -> tuple[str, ...]:
    """`Adds all items` → `adds`, `all`, `item`."""
    return tuple(map(singular, words_in_order(text)))


def singular(word: str) -> str:
    """`items` → `item`, `entries` → `entry`, `class` and `is` as they are."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-3] + "y" if word.endswith("ies") else word[:-1]


def is_of_tests(path: str) -> bool:
    return bool(_TESTS.search(path))


def is_test(api: Api) -> bool:
    """Whether it is called by nobody but whoever runs the tests."""
    return bool(_TEST.match(api.name)) and is_of_tests(api.path)


def _said(api: Api) -> Iterator[tuple[str, float]]:
    for text, worth in (
        (api.name, NAME),
        (api.owner, OWNER),
        (" ".join(api.parameters), PARAMETERS),
        (api.returns, RETURNS),
        (api.doc, DOC),
    ):
        for word in words(text):
            yield word, worth
