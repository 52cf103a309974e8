"""What can be seen from a cursor: what all candidates of a ranking are compared with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from retrieval import type_texts
from retrieval.apis import Api, Apis, Import
from retrieval.calls import Parameter, parameter
from retrieval.clues import Scope
from retrieval.inference import Inference
from retrieval.scopes import scope_of
from retrieval.type_texts import words
from retrieval.usage import Usage, styles, tokens_of, usage
from retrieval.values import Value

NEAR = 40
"""Lines above the cursor that count as near."""

ABOVE, BELOW = 16_000, 6_000
"""Code points around the cursor whose names are counted."""


LONG = 500
"""Code points of a line behind which nothing is read of it."""


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


class Spot(StrEnum):
    """What stands right before an expression."""

    BEGIN = "nothing: it begins the statement"
    RAISED = "raise, except"
    ITERATED = "for … in"
    RETURNED = "return, yield"
    TESTED = "if, not, a comparison"
    ASSIGNED = "what it is assigned to"
    ARGUMENT = "a bracket or a comma"
    OTHER = "something else"


@dataclass(frozen=True, slots=True)
class Surroundings:
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
    usage: Usage
    styles: Mapping[str, float]
    with_receiver: Mapping[str, int]
    context: Mapping[str, float]
    longer_context: Mapping[str, float]
    members_used: Sequence[str]
    names_used: Sequence[str]
    line_words: frozenset[str]
    words_above: frozenset[str]
    words_below: frozenset[str]
    function_text: frozenset[str]
    assigned: str
    assigned_words: frozenset[str]
    function_words: frozenset[str]
    receiver_words: frozenset[str]
    wants_class: bool
    is_above: bool
    spot: Spot
    parameter: Parameter
    parameter_words: frozenset[str]
    parameter_types: frozenset[str]
    waits: bool
    line: int
    expected: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, apis: Apis, scene: Scene) -> Surroundings:
        before = scene.before.removesuffix(begun_name(scene.before)).replace("\r\n", "\n")
        after = scene.after.replace("\r\n", "\n")[:BELOW]
        scope = scope_of(before, scene.language)
        inference = Inference(apis, scene.path, scene.language, scope, before)
        line = before[before.rfind("\n") + 1 :][-LONG:]
        above = before[-ABOVE:]
        is_member = bool(scene.receiver)
        used, members_used, names_used = _usage(above, is_member)
        below, _, _ = _usage(after, is_member)
        inside = len(above) - min(len(scope.text), len(above))
        tokens_above, tokens_inside = tokens_of(above[:inside]), tokens_of(above[inside:])
        ahead_of_it = [*tokens_above, *tokens_inside]
        if scene.receiver:
            ahead_of_it = ahead_of_it[: -len(tokens_of(scene.receiver)) - 1]
        used_so = usage(tokens_above, tokens_inside, tokens_of(after), is_member)
        given_to = parameter(ahead_of_it, inference, apis) or Parameter("")
        text = above + "\n" + after
        ahead = line[: max(line.rfind(scene.receiver), 0)] if scene.receiver else line
        given = _GIVEN.search(ahead)
        assigned = given[1].rpartition(".")[2] if given else ""
        imported = {each: apis.definitions(each, scene.path) for each in inference.names.imports}
        return cls(
            inference=inference,
            scope=scope,
            value=inference.of(scene.receiver) if scene.receiver else None,
            imported=imported,
            imported_names=frozenset(api.qualified for found in imported.values() for api in found),
            own=inference.names.own_class,
            near=_near(above, is_member),
            used=used,
            below=below,
            usage=used_so,
            styles=styles(used_so.shape),
            with_receiver=_used_with(scene.receiver, text),
            context=_followers(line, 3, text),
            longer_context=_followers(line, 5, text),
            members_used=members_used,
            names_used=names_used,
            line_words=_words_in(line),
            function_text=_words_in(scope.text[-4_000:]),
            words_above=_words_in("\n".join(above[-2_000:].split("\n")[-6:-1])),
            words_below=_words_in("\n".join(after[:2_000].split("\n")[:6])),
            assigned=assigned.strip("_").lower(),
            assigned_words=words_of(assigned),
            function_words=words_of(scope.function),
            receiver_words=_words_in(scene.receiver) - _EMPTY_WORDS,
            is_above=scene.receiver.startswith(("super", "parent", "base")),
            spot=_spot(ahead, ahead_of_it),
            parameter=given_to,
            parameter_words=_words_in(given_to.name),
            parameter_types=frozenset(part.name for part in type_texts.parts(given_to.type)),
            waits=bool(re.search(r"\bawait\s*\Z", ahead)),
            line=before.count("\n") + 1,
            wants_class=bool(_CLASS_WANTED.search(ahead)),
            expected=frozenset(part.name for part in type_texts.parts(scene.expected or _expected(line, scope))),
        )


_GIVEN = re.compile(r"([\w.$]+)[\"']?\s*(?::[^=]+)?(?:[-+*/|&:]=|(?<![=!<>])=(?!=)|:)\s*(?:await\s+|new\s+|not\s+)?\Z")
_SPOTS = {
    Spot.RAISED: re.compile(r"\b(?:raise|except\s*\(?|from)\s+\Z"),
    Spot.ITERATED: re.compile(r"\bfor\s++[\w, ()]+?\s++(?:in|of)\s+\Z"),
    Spot.RETURNED: re.compile(r"\b(?:return|yield)\s+(?:await\s+)?\Z"),
    Spot.TESTED: re.compile(r"(?:\b(?:if|elif|while|and|or|not|assert|is|in)|[=!]=|[<>]=?|&&|\|\||!|\bif\s*\()\s*\Z"),
    Spot.ASSIGNED: re.compile(r"(?:(?<![=!<>(,])=|:=)\s*(?:await\s+)?\Z"),
    Spot.ARGUMENT: re.compile(r"[(,=]\s*\*{0,2}\Z"),
}
_CLASS_WANTED = re.compile(
    r"(?:\braise\s+|\bexcept\s+\(?|\bnew\s+|->\s*|\w\s*:\s*|isinstance\([^,]+,\s*\(?|\bextends\s+)\Z"
)
_USED = re.compile(r"(?:(\.|->|::)\s*)?([^\W\d]\w+)")
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


def _near(text: str, is_member: bool) -> Counter[str]:
    """How often names stand in the last lines."""
    lines = text.split("\n")[-NEAR:]
    return Counter(name for line in lines for mark, name in _USED.findall(line[:LONG]) if bool(mark) is is_member)


def _spot(ahead: str, tokens: Sequence[str]) -> Spot:
    """Where an expression stands, by its line and by all tokens before it."""
    if ahead.strip() in ("", "await"):
        last = next((token for token in reversed(tokens) if token != "\n"), "")
        return Spot.ARGUMENT if last in ("(", "[", "{", ",") else Spot.BEGIN
    return next((spot for spot, pattern in _SPOTS.items() if pattern.search(ahead)), Spot.OTHER)


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
def words_in_order(name: str) -> tuple[str, ...]:
    """`make_orderItem` → `make`, `order`, `item`."""
    return tuple(word.lower() for word in _WORDS.findall(name))


@lru_cache(16384)
def words_of(name: str) -> frozenset[str]:
    return _words_in(name)


def _words_in(text: str) -> frozenset[str]:
    """The words of all names in a text, without the plural's ending."""
    return frozenset(word.lower().removesuffix("s") for word in _WORDS.findall(text) if len(word) > 1)


_TYPED = re.compile(r"[^\W\d]\w*\Z")


def begun_name(before: str) -> str:
    """The part of a name that is there already."""
    typed = _TYPED.search(before[-100:])
    return typed[0] if typed else ""
