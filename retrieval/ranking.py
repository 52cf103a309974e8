"""Which of a repository's own APIs are likely to be used at a cursor (LANCE, Nashid et al. 2024, by types).

Candidates are gathered from what the cursor can see, never by a scan of the repository; each is described by a few
numbers, and their weighted sum ranks it. The weights are fitted on real code by `benchmarks/fit_ranking.py`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import mul

from retrieval import type_texts
from retrieval.apis import Api, ApiKind, Apis, Import
from retrieval.inference import Inference, Instance, Module, Value
from retrieval.scopes import LONG, Scope, scope_of
from retrieval.type_texts import words
from retrieval.weights import FITTED

NEAR = 40
"""Lines above the cursor that count as near."""

ABOVE, BELOW = 16_000, 6_000
"""Code points around the cursor whose names are counted."""

MOST = 1_500
"""Candidates that are looked at."""

MOST_PLAIN = 30
"""The same where no receiver is: what may stand there is mostly declared or imported."""

MOST_OF_A_NAME = 6
"""Candidates of one name where only the name is known."""

MOST_NAMES = 120
"""Names that are looked up where only names are known, those used last first."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A cursor, and what a language server says about it, if there is one.

    `path` is in the index, with the text as it is. `receiver` is the expression before the dot, or empty. Types are as
    the server words them: `Item | None`, `<module 'shop.items'>`. `members` are the names that it lists for the
    receiver or in scope, None if it was not asked or in doubt.
    """

    path: str
    language: str
    before: str
    after: str = ""
    receiver: str = ""
    receiver_type: str = ""
    members: frozenset[str] | None = None
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An API with its score, and the numbers that it is made of, in the order of `FEATURES`."""

    api: Api
    score: float
    features: tuple[float, ...]


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
    "recent": "how few lines above it was used last: 1 in this line",
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
    "constructed": "a class, whose words are those of the name that is being assigned",
    "static fits": "the class's own, where the receiver is a class",
    "static misfits": "the class's own at an instance, or an instance's at a class",
    "itself": "the function around the cursor",
    "overridden": "has the name of the function around the cursor, behind super()",
    "declared near": "declared in this file, not far from the cursor",
    "distant": "its class is far up in the lineage: steps",
    "only by name": "found by its name only, with no type behind it",
}
"""What describes a candidate. All are 0 where they say nothing, and about 1 at most where no logarithm is."""

WEIGHTS = {kind: tuple(weights[name] for name in FEATURES) for kind, weights in FITTED.items()}
"""For members behind a dot, and for names where no receiver is; in the order of `FEATURES`."""


def rank(apis: Apis, scene: Scene, limit: int = 20, weights: Mapping[str, Sequence[float]] = WEIGHTS) -> list[Ranked]:
    """The likeliest APIs at a scene, best first, one of each name."""
    chosen = weights["member" if scene.receiver else "name"]
    best: dict[str, Ranked] = {}
    for api, features in described(apis, scene):
        score = sum(map(mul, chosen, features))
        known = best.get(api.name)
        if known is None or score > known.score:
            best[api.name] = Ranked(api, score, features)
    return sorted(best.values(), key=lambda each: (-each.score, each.api.name))[:limit]


def described(apis: Apis, scene: Scene) -> Iterator[tuple[Api, tuple[float, ...]]]:
    """The candidates with their features."""
    surroundings = _Surroundings.of(apis, scene)
    begun = _begun(scene.before).lower()
    found = [each for each in _candidates(apis, scene, surroundings) if each.api.name.lower().startswith(begun)]
    rare = _rarity({each.api.name for each in found})
    for candidate in found:
        yield candidate.api, _features(candidate, scene, surroundings, rare, apis)


def _rarity(names: Collection[str]) -> Mapping[str, float]:
    """How much a word says that some of the names have: little if most of them have it."""
    counted = Counter(word for name in names for word in _words_of(name))
    return {word: math.log(1 + len(names) / count) for word, count in counted.items()}


_TYPED = re.compile(r"[^\W\d]\w*\Z")


def _begun(before: str) -> str:
    """The part of a name that is there already."""
    typed = _TYPED.search(before[-100:])
    return typed[0] if typed else ""


# Candidates


@dataclass(slots=True)
class _Candidate:
    """An API and how it was found. Distances are steps up a lineage, -1 for not at all."""

    api: Api
    served: int = -1
    inferred: int = -1
    module: float = 0.0
    passed_on: float = 0.0
    imported: float = 0.0
    static: bool | None = None
    by_name: float = 0.0


class _Found:
    """Candidates, each once."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str, str, int], _Candidate] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[_Candidate]:
        return iter(self._all.values())

    def at(self, api: Api) -> _Candidate | None:
        """The candidate of an API; None if there are too many."""
        key = (api.path, api.owner, api.name, api.line)
        if key not in self._all:
            if len(self._all) >= MOST:
                return None
            self._all[key] = _Candidate(api)
        return self._all[key]


def _candidates(apis: Apis, scene: Scene, around: _Surroundings) -> Iterable[_Candidate]:
    found = _Found()
    if scene.receiver:
        _members(apis, scene, around, found)
        if not len(found):
            _guessed_members(apis, scene, around, found)
    else:
        _names(apis, scene, around, found)
    return found


def _members(apis: Apis, scene: Scene, around: _Surroundings, found: _Found) -> None:
    """What the receiver's type has, by the server and by the text."""
    if dotted := type_texts.module(scene.receiver_type):
        _add_module(around.inference, Module(Import(dotted, "", dotted), scene.path), found)
    value = around.value
    if isinstance(value, Module):
        _add_module(around.inference, value, found)
    parts = type_texts.parts(scene.receiver_type)
    for cls in around.inference.classes_in(scene.receiver_type, scene.path) if parts else ():
        is_class = any(part.is_class and part.name == cls.name for part in parts)
        for api, distance in _inherited(apis, cls):
            if candidate := found.at(api):
                candidate.served = distance if candidate.served < 0 else min(distance, candidate.served)
                candidate.static = is_class
    for cls in around.inference.classes(value):
        for api, distance in _inherited(apis, cls):
            if candidate := found.at(api):
                candidate.inferred = distance if candidate.inferred < 0 else min(distance, candidate.inferred)
                if candidate.static is None:
                    candidate.static = not isinstance(value, Instance)
    if scene.members and len(found) < MOST:
        known = {candidate.api.name for candidate in found}
        _add_named(
            apis, [name for name in sorted(scene.members) if name not in known and name[:2] != "__"], found, owned=True
        )


def _add_module(inference: Inference, module: Module, found: _Found) -> None:
    files = set(inference.files(module))
    for api in inference.module(module):
        if candidate := found.at(api):
            candidate.module = 1.0
            candidate.passed_on = float(api.path not in files)


def _inherited(apis: Apis, cls: Api) -> Iterator[tuple[Api, int]]:
    """The members of a class with the steps to the base that declares them; of one name only the nearest."""
    seen: set[str] = set()
    for distance, each in enumerate(apis.lineage(cls)):
        own = apis.members(each)
        yield from ((api, distance) for api in own if api.name not in seen)
        seen.update(api.name for api in own)


def _guessed_members(apis: Apis, scene: Scene, around: _Surroundings, found: _Found) -> None:
    """What might be a member where the receiver's type is unknown: of classes that are near, and by names in use."""
    near = [api for each in around.imported.values() for api in each if api.kind is ApiKind.CLASS]
    near += [api for each in around.inference.here.values() for api in each if api.kind is ApiKind.CLASS]
    for name in around.scope.variables:
        near += around.inference.classes(around.inference.variable(name))
    near += _called_like(apis, scene.receiver)
    for cls in dict.fromkeys(near):
        for api, _ in _inherited(apis, cls):
            if candidate := found.at(api):
                candidate.imported = float(cls.path != scene.path)
    _add_named(apis, [*sorted(around.with_receiver), *around.members_used], found, owned=True)


def _called_like(apis: Apis, receiver: str) -> list[Api]:
    """Classes that are called as the receiver is: `self.order_item` → `OrderItem`, `Item`."""
    last = re.findall(r"[^\W\d]\w*", receiver)[-1:]
    split = [word for name in last for word in _split(name)]
    camels = {"".join(word.title() for word in split[start:]) for start in range(len(split))}
    return [api for name in camels for api in apis.named(name)[:MOST_OF_A_NAME] if api.kind is ApiKind.CLASS]


def _add_named(apis: Apis, names: Iterable[str], found: _Found, *, owned: bool) -> None:
    for name in list(dict.fromkeys(names))[:MOST_NAMES]:
        offered = [api for api in apis.named(name)[: 4 * MOST_OF_A_NAME] if bool(api.owner) is owned]
        for api in offered[:MOST_OF_A_NAME]:
            known = len(found)
            if (candidate := found.at(api)) and len(found) > known:
                candidate.by_name = 1.0


def _names(apis: Apis, scene: Scene, around: _Surroundings, found: _Found) -> None:
    """What may stand where no receiver is: the file's own, what it imports, what is expected, what is near."""
    for each in around.inference.here.values():
        for api in each:
            if not api.owner or api.kind is ApiKind.CLASS:
                found.at(api)
    for imported, brought in around.imported.items():
        for api in brought:
            is_visible = imported.name in ("*", api.name, "default") or scene.language != "python"
            if not api.owner and is_visible and (candidate := found.at(api)):
                candidate.imported = 1.0
    own = around.inference.own_class()
    if own and scene.language in _IMPLICIT:
        for api, distance in _inherited(apis, own):
            if candidate := found.at(api):
                candidate.inferred = distance
    for cls in around.inference.classes_in(scene.expected, scene.path) if scene.expected else ():
        found.at(cls)
    _add_named(apis, around.names_used[:MOST_PLAIN], found, owned=False)


_IMPLICIT = frozenset(("java", "csharp", "cpp", "kotlin", "swift", "ruby"))


# Surroundings


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What all candidates of a scene are compared with."""

    inference: Inference
    scope: Scope
    value: Value | None
    imported: Mapping[Import, Sequence[Api]]
    imported_names: frozenset[str]
    own: Api | None
    near: Mapping[str, int]
    used: Mapping[str, int]
    below: Mapping[str, int]
    recency: Mapping[str, float]
    with_receiver: Mapping[str, int]
    context: Mapping[str, float]
    longer_context: Mapping[str, float]
    members_used: Sequence[str]
    names_used: Sequence[str]
    line_words: frozenset[str]
    words_above: frozenset[str]
    function_text: frozenset[str]
    assigned: str
    assigned_words: frozenset[str]
    function_words: frozenset[str]
    receiver_words: frozenset[str]
    wants_class: bool
    is_above: bool
    begins: bool
    is_tested: bool
    waits: bool
    line: int
    expected: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, apis: Apis, scene: Scene) -> _Surroundings:
        before = scene.before.removesuffix(_begun(scene.before))
        scope = scope_of(before, scene.language)
        inference = Inference(apis, scene.path, scene.language, scope, before)
        line = before[before.rfind("\n") + 1 :][-LONG:]
        above = before[-ABOVE:]
        is_member = bool(scene.receiver)
        used, members_used, names_used = _usage(above, is_member)
        below, _, _ = _usage(scene.after[:BELOW], is_member)
        near, recency = _recency(above, is_member)
        text = above + "\n" + scene.after[:BELOW]
        ahead = line[: len(line) - len(scene.receiver) - 1] if scene.receiver else line
        given = _GIVEN.search(ahead)
        assigned = given[1].rpartition(".")[2] if given else ""
        imported = {each: apis.definitions(each, scene.path) for each in inference.imports}
        return cls(
            inference=inference,
            scope=scope,
            value=inference.of(scene.receiver) if scene.receiver else None,
            imported=imported,
            imported_names=frozenset(api.qualified for found in imported.values() for api in found),
            own=inference.own_class(),
            near=near,
            used=used,
            below=below,
            recency=recency,
            with_receiver=_used_with(scene.receiver, text),
            context=_followers(line, 3, text),
            longer_context=_followers(line, 5, text),
            members_used=members_used,
            names_used=names_used,
            line_words=_words_in(line),
            function_text=_words_in(scope.text[-4_000:]),
            words_above=_words_in("\n".join(above[-2_000:].split("\n")[-6:-1])),
            assigned=assigned.strip("_").lower(),
            assigned_words=_words_of(assigned),
            function_words=_words_of(scope.function),
            receiver_words=_words_in(scene.receiver) - _EMPTY_WORDS,
            is_above=scene.receiver.startswith(("super", "parent", "base")),
            begins=not ahead.strip() or ahead.strip() == "await",
            is_tested=bool(_TESTED.search(ahead)),
            waits=bool(re.search(r"\bawait\s*\Z", ahead)),
            line=before.count("\n") + 1,
            wants_class=bool(_CLASS_WANTED.search(line)),
            expected=frozenset(part.name for part in type_texts.parts(scene.expected or _expected(line, scope))),
        )


_GIVEN = re.compile(r"([\w.$]+)[\"']?\s*(?::[^=]+)?(?::=|(?<![=!<>])=(?!=)|:)\s*(?:await\s+|new\s+|not\s+)?\Z")
_TESTED = re.compile(r"(?:\b(?:if|elif|while|and|or|not|assert|is|in)|[=!]=|[<>]=?|&&|\|\||!|\bif\s*\()\s*\Z")
_CLASS_WANTED = re.compile(
    r"(?:\braise\s+|\bexcept\s+\(?|\bnew\s+|->\s*|\w\s*:\s*|isinstance\([^,]+,\s*\(?|\bextends\s+)\Z"
)
_USED = re.compile(r"(\.|->|::)?\s*([^\W\d]\w+)")
_EMPTY_WORDS = words("self this get the of")


_RETURNED = re.compile(r"\s*return\s+(?:await\s+)?[\w.$]*\Z")
_DECLARED = re.compile(r"\s*(?:(?:const|let|var)\s+)?[\w.]+\s*:\s*([^=]+?)\s*=\s*(?:await\s+)?[\w.$]*\Z")


def _expected(line: str, scope: Scope) -> str:
    """What the line says is expected: the function's result behind `return`, the declared type behind `x: Item =`."""
    if _RETURNED.match(line):
        return scope.returns
    declared = _DECLARED.match(line)
    return declared[1] if declared else ""


def _usage(text: str, is_member: bool) -> tuple[Counter[str], Sequence[str], Sequence[str]]:
    """How often names are used as the cursor would; members and other names, last ones first."""
    found = _USED.findall(text)
    members = [name for mark, name in found if mark]
    others = [name for mark, name in found if not mark]
    counted = Counter(members if is_member else others)
    return counted, list(dict.fromkeys(reversed(members))), list(dict.fromkeys(reversed(others)))


def _recency(text: str, is_member: bool) -> tuple[Counter[str], dict[str, float]]:
    """How often names stand in the last lines, and how near the last time is: 1 in the last line."""
    near: Counter[str] = Counter()
    recency: dict[str, float] = {}
    lines = text.split("\n")[-NEAR:]
    for distance, line in enumerate(reversed(lines)):
        for mark, name in _USED.findall(line[:LONG]):
            if bool(mark) is is_member:
                near[name] += 1
                recency.setdefault(name, 1 / (1 + distance / 5))
    return near, recency


def _used_with(receiver: str, text: str) -> Counter[str]:
    if not receiver or len(receiver) > 80:
        return Counter()
    return Counter(re.findall(rf"(?<![\w.]){re.escape(receiver)}(?:\.|\?\.|->|::)([^\W\d]\w*)", text))


_TOKEN = re.compile(r"\w+|[^\w\s]")


def _followers(line: str, count: int, text: str) -> dict[str, float]:
    """The names that stand elsewhere behind the last words and marks of a line, with their shares."""
    tail = _TOKEN.findall(line)[-count:]
    if len(tail) < count:
        return {}
    pattern = r"[ \t]*".join(re.escape(token) for token in tail)
    boundary = r"(?<!\w)" if tail[0][0].isalnum() else ""
    found = Counter(re.findall(rf"{boundary}{pattern}[ \t]*([^\W\d]\w*)", text))
    total = sum(found.values())
    return {name: number / total for name, number in found.items()}


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


@lru_cache(16384)
def _split(name: str) -> tuple[str, ...]:
    """`make_orderItem` → `make`, `order`, `item`."""
    return tuple(word.lower() for word in _WORDS.findall(name))


@lru_cache(16384)
def _words_of(name: str) -> frozenset[str]:
    return _words_in(name)


def _words_in(text: str) -> frozenset[str]:
    """The words of all names in a text, without the plural's ending."""
    return frozenset(word.lower().removesuffix("s") for word in _WORDS.findall(text) if len(word) > 1)


# Features


def _features(
    found: _Candidate, scene: Scene, around: _Surroundings, rare: Mapping[str, float], apis: Apis
) -> tuple[float, ...]:
    api = found.api
    name = api.name
    is_class = api.kind is ApiKind.CLASS
    is_callable = api.kind in (ApiKind.FUNCTION, ApiKind.METHOD)
    is_async = is_callable and api.signature.startswith("async ")
    own_words = _words_of(name)
    is_here = api.path == scene.path
    is_own = around.own is not None and api.owner == around.own.within and api.path == around.own.path
    is_listed = scene.members is not None and name in scene.members
    is_hook = name[:2] == "__" and name[-2:] == "__"
    gives, gives_part = _given(api, around.expected)
    distance = max(found.served, found.inferred)
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
        float(not is_here and api.path.rpartition("/")[0] == scene.path.rpartition("/")[0]),
        gives,
        gives_part,
        _fit(own_words, around.line_words, rare),
        _fit(own_words, around.words_above, rare),
        _fit(own_words, around.function_text, rare),
        _shared(own_words, around.assigned_words),
        float(around.assigned != "" and name.strip("_").lower() == around.assigned),
        _shared(own_words, around.function_words),
        _shared(_words_of(api.owner), around.receiver_words),
        math.log1p(around.near.get(name, 0)),
        math.log1p(around.used.get(name, 0)),
        math.log1p(around.with_receiver.get(name, 0)),
        around.context.get(name, 0.0),
        around.longer_context.get(name, 0.0),
        float(name in around.below),
        around.recency.get(name, 0.0),
        math.log1p(apis.uses(name)),
        float(not (api.public or is_own or (is_here and not api.owner) or is_hook)),
        float(not api.public and (is_own or (is_here and not api.owner)) and not is_hook),
        float(is_hook),
        float(is_class and around.wants_class),
        float(is_class),
        float(is_callable),
        float(is_callable and around.begins),
        float(api.kind is ApiKind.FIELD and around.is_tested),
        float(is_async and around.waits),
        float(is_async and not around.waits),
        float(api.kind in (ApiKind.CONSTANT, ApiKind.ALIAS)),
        _shared(own_words, around.assigned_words) if is_class else 0.0,
        float(found.static is True and api.static),
        float(found.static is not None and found.static is not api.static and not is_class),
        float(name == around.scope.function and not around.is_above),
        float(name == around.scope.function and around.is_above),
        1 / (1 + abs(api.line - around.line) / 50) if is_here else 0.0,
        float(distance),
        found.by_name,
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
