"""Which of a repository's own APIs are likely to be used at a cursor (LANCE, Nashid et al. 2024, by types).

Candidates are gathered from what the cursor can see; each is described by a few numbers, and their weighted sum ranks
it. The weights are fitted on real code by `benchmarks/fit_ranking.py`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import mul
from posixpath import dirname

from retrieval import type_texts
from retrieval.apis import Api, ApiKind, Apis
from retrieval.candidates import Candidate, gather
from retrieval.surroundings import Scene, Spot, Surroundings, begun_name, words_in_order, words_of
from retrieval.type_texts import words
from retrieval.usage import style_of
from retrieval.weights import FITTED

__all__ = ["FEATURES", "WEIGHTS", "Kind", "Ranked", "Scene", "described", "rank"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """An API with its score, and the numbers that it is made of, in the order of `FEATURES`."""

    api: Api
    score: float
    features: tuple[float, ...]


class Kind(StrEnum):
    """What is ranked, by what stands before it. Each has weights of its own."""

    NAME = "name"
    """No receiver is there."""
    OWN = "own"
    """Members of `self`, `cls`, `this`."""
    MODULE = "module"
    """What a module offers."""
    MEMBER = "member"
    """Members of a value whose class is known."""
    GUESSED = "guessed"
    """Members of a value whose class is not known."""


FEATURES: Mapping[str, str] = {
    "served": "a member of the type that the server names: 1 of the class itself, less of its bases",
    "listed": "among the names that the server lists",
    "unlisted": "not among the names that the server lists",
    "inferred": "a member of the type that the text gives the receiver: 1 of the class itself, less of its bases",
    "from module": "offered by the module before the dot",
    "passed on": "offered by the module before the dot, which has it from another one",
    "imported": "a name that the file imports, or a member of a class that it imports",
    "same file": "declared in this file",
    "same class": "declared in the class around the cursor",
    "same folder": "declared in a file beside this one",
    "expected": "gives the expected type, as a whole or as one of several",
    "expected part": "gives a container of the expected type, or takes part in it",
    "line": "share of its words that stand in the line up to the cursor, rare ones counting more",
    "lines above": "share of its words that stand in the few lines above",
    "function's text": "share of its words that stand in the function so far",
    "assigned": 'words in common with the name that is given it: `total = ‸`, `total=‸`, `"total": ‸`; of all words',
    "named so": "has the very name that is given it, but for underscores",
    "function": "share of words in common with the name of the function around",
    "receiver's name": "share of the receiver's words that its class has in its name",
    "near": "how often its name was used in the last lines, logarithm",
    "in file": "how often its name is used around here, logarithm",
    "with receiver": "how often it is used with the same receiver elsewhere in the file, logarithm",
    "same context": "share of what stands elsewhere in the file behind the last three words and marks",
    "longer context": "the same of the last five",
    "below": "used below the cursor",
    "uses": "how often its name occurs in the repository, logarithm",
    "private": "not meant for others, and of another class or file",
    "private here": "not meant for others, of this class or file",
    "hook": "a name with two underscores around it",
    "class fits": "a class where one is written: behind raise, except, a colon, an arrow",
    "class": "a class",
    "callable": "a function or a method",
    "called": "a function or a method, where the expression begins the statement",
    "tested": "a field, where something is compared or tested",
    "waited for": "an async function behind await",
    "not waited for": "an async function without await",
    "constant": "a constant or an alias",
    "static fits": "the class's own, where the receiver is a class",
    "static misfits": "the class's own at an instance, or an instance's at a class",
    "itself": "the function around the cursor",
    "overridden": "has the name of the function around the cursor, behind super()",
    "declared near": "declared in this file, not far from the cursor",
    "only by name": "found by its name only, with no type behind it",
    "same shape": "share of what stands elsewhere in the file behind such words and marks, logarithm",
    "sequence": "share of what is used elsewhere in the file after the names that were used last",
    "like functions": "share of what functions of the file with the same words use, logarithm",
    "parameter": "words in common with the parameter that is being given; of all words",
    "parameter so": "has the very name of that parameter, but for underscores",
    "parameter's type": "gives the type of that parameter",
    "arguments at hand": "share of its parameters whose names stand in the function so far",
    "no arguments": "a function or a method without parameters",
    "gives nothing": "gives None, where a value is wanted",
    "does something": "gives None, where the expression begins the statement",
    "gives something": "a function or a method that gives a value, where the expression begins the statement",
    "question": "begins with is, has, can and the like, where something is tested",
    "answers": "gives a truth value, where something is tested",
    "returned": "a function or a method, behind return",
    "tested callable": "a function or a method, where something is compared or tested",
    "assigned callable": "a function or a method, where a value is assigned",
    "argument callable": "a function or a method, where an argument is given",
    "error raised": "an exception, where one is raised or caught",
    "error": "an exception, where none is",
    "unused": "nothing in the repository uses it so far",
    "imported to be used": "imported, and not used in the file so far",
    "capitals": "written in capitals",
    "long": "words of its name",
    "written so": "share of what stands elsewhere behind such words and marks that is written as it is: `Name`, `NAME`",
    "kind used": "share of what is used with the same receiver that is of its kind: functions, classes, constants",
    "lines below": "share of its words that stand in the few lines below",
}
"""What describes a candidate. All are 0 where they say nothing, and about 1 at most where no logarithm is."""

WEIGHTS = {Kind(kind): tuple(weights[name] for name in FEATURES) for kind, weights in FITTED.items()}
"""In the order of `FEATURES`."""

_OWN = frozenset(("self", "cls", "this"))


def rank(apis: Apis, scene: Scene, limit: int = 20, weights: Mapping[Kind, Sequence[float]] = WEIGHTS) -> list[Ranked]:
    """The likeliest APIs at a scene, best first, one of each name."""
    kind, found = described(apis, scene)
    chosen = weights[kind]
    best: dict[str, Ranked] = {}
    for api, features in found:
        score = sum(map(mul, chosen, features))
        known = best.get(api.name)
        if known is None or score > known.score:
            best[api.name] = Ranked(api, score, features)
    return sorted(best.values(), key=lambda each: (-each.score, each.api.name))[:limit]


def described(apis: Apis, scene: Scene) -> tuple[Kind, list[tuple[Api, tuple[float, ...]]]]:
    """What is ranked, and the candidates with their features."""
    surroundings = Surroundings.of(apis, scene)
    begun = begun_name(scene.before).lower()
    offered = list(gather(apis, scene, surroundings))
    found = [each for each in offered if each.api.name.lower().startswith(begun)]
    rare = _rarity({each.api.name for each in found})
    kinds = _kinds_used(found, surroundings.with_receiver)
    rows = [(each.api, _features(each, scene, surroundings, rare, kinds, apis)) for each in found]
    return _kind(scene, offered), rows


def _kind(scene: Scene, offered: Sequence[Candidate]) -> Kind:
    if not scene.receiver:
        return Kind.NAME
    if scene.receiver in _OWN:
        return Kind.OWN
    if any(each.module for each in offered):
        return Kind.MODULE
    return Kind.MEMBER if any(max(each.served, each.inferred) >= 0 for each in offered) else Kind.GUESSED


def _kinds_used(found: Sequence[Candidate], used: Mapping[str, int]) -> Mapping[ApiKind, float]:
    """The share that each kind of API has in the uses of the candidates."""
    counted: Counter[ApiKind] = Counter()
    for name, kind in {each.api.name: each.api.kind for each in reversed(found)}.items():
        counted[kind] += used.get(name, 0)
    total = counted.total()
    return {kind: count / total for kind, count in counted.items()} if total else {}


_NOTHING = frozenset(("None", "void"))
_TRUTH = frozenset(("bool", "boolean", "Boolean"))
_QUESTIONS = frozenset((word,) for word in words("is has should can needs was have allow in use are does"))
_ERRORS = ("Error", "Exception", "Warning", "Exit")


def _is_error(cls: Api) -> bool:
    return any(name.endswith(_ERRORS) for name in (cls.name, *cls.bases))


def _rarity(names: Collection[str]) -> Mapping[str, float]:
    """How much a word says that some of the names have: little if most of them have it."""
    counted = Counter(word for name in names for word in words_of(name))
    return {word: math.log(1 + len(names) / count) for word, count in counted.items()}


def _features(
    found: Candidate,
    scene: Scene,
    around: Surroundings,
    rare: Mapping[str, float],
    kinds: Mapping[ApiKind, float],
    apis: Apis,
) -> tuple[float, ...]:
    api = found.api
    name = api.name
    is_class = api.kind is ApiKind.CLASS
    is_callable = api.kind in (ApiKind.FUNCTION, ApiKind.METHOD)
    is_async = is_callable and api.signature.startswith("async ")
    own_words = words_of(name)
    is_here = api.path == scene.path
    is_own = around.own is not None and api.owner == around.own.within and api.path == around.own.path
    is_listed = scene.members is not None and name in scene.members
    is_hook = name[:2] == "__" and name[-2:] == "__"
    gives, gives_part = _given(api, around.expected)
    begins, is_tested = around.spot is Spot.BEGIN, around.spot is Spot.TESTED
    is_raised, is_error = around.spot is Spot.RAISED, is_class and _is_error(api)
    file_uses = around.used.get(name, 0) + around.below.get(name, 0)
    plain = name.strip("_").lower()
    return (
        1 / (1 + found.served) if found.served >= 0 else 0.0,
        float(is_listed),
        float(scene.members is not None and not is_listed),
        1 / (1 + found.inferred) if found.inferred >= 0 else 0.0,
        found.module,
        found.passed_on,
        found.imported,
        float(is_here),
        float(is_own),
        float(not is_here and dirname(api.path) == dirname(scene.path)),
        gives,
        gives_part,
        _fit(own_words, around.line_words, rare),
        _fit(own_words, around.words_above, rare),
        _fit(own_words, around.function_text, rare),
        _shared(own_words, around.assigned_words),
        float(around.assigned != "" and plain == around.assigned),
        _shared(own_words, around.function_words),
        _shared(words_of(api.owner), around.receiver_words),
        math.log1p(around.near.get(name, 0)),
        math.log1p(around.used.get(name, 0)),
        math.log1p(around.with_receiver.get(name, 0)),
        around.context.get(name, 0.0),
        around.longer_context.get(name, 0.0),
        float(name in around.below),
        math.log1p(apis.uses(name)),
        float(not (api.public or is_own or (is_here and not api.owner) or is_hook)),
        float(not api.public and (is_own or (is_here and not api.owner)) and not is_hook),
        float(is_hook),
        float(is_class and around.wants_class),
        float(is_class),
        float(is_callable),
        float(is_callable and begins),
        float(api.kind is ApiKind.FIELD and is_tested),
        float(is_async and around.waits),
        float(is_async and not around.waits),
        float(api.kind in (ApiKind.CONSTANT, ApiKind.ALIAS)),
        float(found.static is True and api.static),
        float(found.static is not None and found.static is not api.static and not is_class),
        float(name == around.scope.function and not around.is_above),
        float(name == around.scope.function and around.is_above),
        1 / (1 + abs(api.line - around.line) / 50) if is_here else 0.0,
        found.by_name,
        math.log1p(100 * around.usage.shape.get(name, 0.0)),
        around.usage.sequence.get(name, 0.0),
        math.log1p(100 * around.usage.alike.get(name, 0.0)),
        _shared(own_words, around.parameter_words),
        float(around.parameter.name != "" and plain == around.parameter.name.strip("_").lower()),
        _given(api, around.parameter_types)[0],
        sum(each in around.usage.known for each in api.parameters) / len(api.parameters) if api.parameters else 0.0,
        float(is_callable and not api.parameters),
        float(api.returns in _NOTHING and not begins),
        float(api.returns in _NOTHING and begins),
        float(is_callable and begins and api.returns != "" and api.returns not in _NOTHING),
        float(is_tested and words_in_order(name)[:1] in _QUESTIONS),
        float(is_tested and api.returns in _TRUTH),
        float(is_callable and around.spot is Spot.RETURNED),
        float(is_callable and is_tested),
        float(is_callable and around.spot is Spot.ASSIGNED),
        float(is_callable and around.spot is Spot.ARGUMENT),
        float(is_error and is_raised),
        float(is_error and not is_raised),
        float(apis.uses(name) <= 1),
        float(found.imported > 0 and file_uses <= 1),
        float(name.isupper()),
        float(len(words_in_order(name))),
        around.styles.get(style_of(name), 0.0),
        kinds.get(api.kind, 0.0),
        _fit(own_words, around.words_below, rare),
    )


def _given(api: Api, expected: frozenset[str]) -> tuple[float, float]:
    """Whether an API gives one of the expected types, and whether it gives something that is made of it."""
    if not expected:
        return 0.0, 0.0
    gives = type_texts.parts(api.returns or (api.name if api.kind is ApiKind.CLASS else ""))
    is_given = any(part.name in expected for part in gives)
    is_part = any(each in argument for part in gives for argument in part.arguments for each in expected)
    return float(is_given), float(is_part and not is_given)


def _fit(own: frozenset[str], others: frozenset[str], rare: Mapping[str, float]) -> float:
    """The share of one's own words that are among others, by what the words say."""
    common = own & others
    if not common:
        return 0.0
    return sum(rare.get(word, 1.0) for word in common) / sum(rare.get(word, 1.0) for word in own)


def _shared(own: frozenset[str], others: frozenset[str]) -> float:
    """The words in common, as a share of all: Jaccard's index."""
    return len(own & others) / len(own | others) if own and others else 0.0
