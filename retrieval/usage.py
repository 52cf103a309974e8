"""How names are used in a file: behind the same words, one after another, and in functions like that of a cursor.

Code repeats itself, and files do so most ("On the localness of software", Tu et al. 2014). A file's tokens are read
once; each use of a name votes for it, the more so the more alike is what stands around it.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

from retrieval.type_texts import words

REACH = 12
"""Tokens before a use that are compared with those before the cursor."""

NAMES_BACK = 4
"""Names before a use that are compared."""

GROWTH = 3.0
"""How many times as much a use counts for each token that is the same."""

_TOKEN = re.compile(r"\w+|->|::|\?\.|\n(?=[ \t]*\S)|[^\w\s]")
_ACCESS = frozenset((".", "->", "::", "?."))
_FUNCTION = words("def function func fn")
_FIXED = words(
    "self cls this super None True False return if elif else for while in not and or is with as try except finally"
    " raise import from def class lambda yield await async assert del pass break continue global nonlocal"
)
"""Words that stay what they are where variables are all the same."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The share that names have in the votes, from 0 to 1: behind what looks like the text before the cursor, after
    the names before it, and in functions with the same words. `known` are the words of the function so far."""

    shape: Mapping[str, float]
    sequence: Mapping[str, float]
    alike: Mapping[str, float]
    known: frozenset[str]


def tokens_of(text: str) -> list[str]:
    """Words and marks; a line's end is one as well."""
    return _TOKEN.findall(text)


def usage(above: Sequence[str], function: Sequence[str], below: Sequence[str], is_member: bool) -> Usage:
    """Of the tokens above the function around the cursor, in it up to the cursor, and below the cursor's line."""
    tokens = [*above, *function, "\n", *below]
    start, cursor = len(above), len(above) + len(function)
    are_words = list(map(str.isidentifier, tokens))
    used = [index for index in _names(tokens, are_words) if (tokens[index - 1] in _ACCESS) is is_member]
    names = [tokens[index] for index in used]
    before = sum(index < cursor for index in used)
    sequence = [*names[:before], "", *names[before:]]
    return Usage(
        shape=_continued(_shapes(tokens, are_words), cursor, REACH, zip(used, names, strict=True)),
        sequence=_continued(sequence, before, NAMES_BACK, ((i, name) for i, name in enumerate(sequence) if name)),
        alike=_alike(tokens, are_words, used, start, cursor),
        known=frozenset(compress(function, are_words[start:])),
    )


def style_of(name: str) -> str:
    """How a name is written: `Name`, `NAME`, `name`, or each of them with an underscore before it."""
    plain = name.strip("_")
    style = "NAME" if plain.isupper() and len(plain) > 1 else "Name" if plain[:1].isupper() else "name"
    return f"_{style}" if name.startswith("_") else style


def styles(votes: Mapping[str, float]) -> dict[str, float]:
    """The share that each way of writing a name has in votes for names."""
    found = defaultdict[str, float](float)
    for name, share in votes.items():
        found[style_of(name)] += share
    return found


def _names(tokens: Sequence[str], are_words: Sequence[bool]) -> Iterator[int]:
    """Where names of more than a letter stand."""
    return (index for index in compress(range(len(tokens)), are_words) if index and len(tokens[index]) > 1)


def _shapes(tokens: Sequence[str], are_words: Sequence[bool]) -> list[str]:
    """The tokens, with the same one for all variables."""
    return [
        "x" if is_word and token not in _FIXED and last not in _ACCESS else token
        for token, is_word, last in zip(tokens, are_words, ("", *tokens), strict=False)
    ]


def _continued(items: Sequence[str], cursor: int, reach: int, uses: Iterable[tuple[int, str]]) -> dict[str, float]:
    """What stands behind such items as stand before the cursor, by how many of them are the same."""
    tail = items[max(cursor - reach, 0) : cursor][::-1]
    votes: Counter[str] = Counter()
    for index, name in uses:
        same = _same(tail, items[max(index - reach, 0) : index][::-1])
        if same:
            votes[name] += GROWTH**same  # type: ignore[assignment]
    return _shares(votes)


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items are the same from the beginning on."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _alike(
    tokens: Sequence[str], are_words: Sequence[bool], used: Sequence[int], start: int, cursor: int
) -> dict[str, float]:
    """The names in other functions, by the words that these share with that of the cursor, rare ones counting more."""
    heads = [index for index, token in enumerate(tokens) if token in _FUNCTION]
    bounds = sorted({0, *heads, start, cursor, len(tokens)}) if heads else []
    own = frozenset(compress(tokens[start:cursor], are_words[start:cursor]))
    others = [(begin, end) for begin, end in pairwise(bounds) if not start <= begin < cursor]
    contents = [frozenset(compress(tokens[begin:end], are_words[begin:end])) for begin, end in others]
    common = [content & own for content in contents]
    known = Counter(word for some in common for word in some)
    rarity = {word: math.log(1 + len(others) / count) for word, count in known.items()}
    votes: Counter[str] = Counter()
    for (begin, end), content, some in zip(others, contents, common, strict=True):
        weight = sum(rarity[word] for word in some) ** 2 / (1 + len(content))
        for name in {tokens[index] for index in used[bisect_left(used, begin) : bisect_left(used, end)]}:
            votes[name] += weight  # type: ignore[assignment]
    return _shares(votes)


def _shares(votes: Mapping[str, float]) -> dict[str, float]:
    total = sum(votes.values())
    return {name: vote / total for name, vote in votes.items()} if total else {}
