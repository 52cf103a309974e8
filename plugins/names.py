"""Where a name is used, only names that there are: those in scope, and whatever stands in the file.

Asked where a value comes next and no name can be introduced: behind operators and keywords, in annotations, subscripts
and the arguments of calls. It asks for the names in scope, and in a call for those of its parameters. Silent in
brackets that may become a comprehension, whose names come at its end, in patterns, where a call takes any keyword, and
below a star import.

Monitor-guided decoding, Agrawal et al. 2023, on names without a dot. At 15,963 such places of ten packages it would
have forbidden two names that stand there, and at one in 200 where all behind the cursor is yet to be written.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from assistant.analysis import Analysis
from assistant.guards import FREE, NAME, AnyOf, Beginning, Free, Guard, Monitor, View
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.syntax import CLOSERS, OPENERS, Token, tokens
from language_servers.analyzer import ParameterKind

_KEYWORDS = "return|in|not|and|or|is|raise|except|assert|await|yield|from|else|if|elif|while|with|del"
_BEFORE = re.compile(rf"(?:[-+/%@&|^]|//|<<|>>|\*\*?)?=|[=!<>]=|//|<<|>>|->|[-+/%@&|^~<>]|not in|is not|{_KEYWORDS}")
"""Behind what a value comes."""

_ELSEWHERE = frozenset(("import", "from", "global", "nonlocal", "case", "type"))
"""Statements that introduce names, or that another monitor knows about."""

_END = re.compile(rf"(?:[-=<>+/%@&|^~,*(\[:]|\b(?:{_KEYWORDS}))[ \t]*\Z")
_TAKES_MANY = re.compile(
    "all|any|bytearray|bytes|chain|Counter|deque|dict|enumerate|extend|filter|from_iterable|frozenset|fsum|gather|iter"
    "|join|list|map|max|mean|min|next|OrderedDict|prod|reversed|set|sorted|sum|tuple|union|update|write|writelines|zip"
)
"""What is often called with a generator expression, whose names come at its end."""

_WORD = re.compile(r"[^\W\d]\w*")
_PREFIXES = frozenset(("f", "r", "b", "u", "t", "rb", "br", "fr", "rf", "F", "R", "B", "U", "RB", "BR", "FR", "RF"))
"""Of strings."""

_ALWAYS = _PREFIXES | {*dir(builtins), *keyword.kwlist, "__file__", "__class__", "metaclass"}


@hookimpl
def ghostwright_monitors(settings: Settings, analysis: Analysis) -> Sequence[Monitor]:
    return [Names(analysis)]


class Names:
    """Lets only names that exist be used."""

    name = "names"
    triggers = " =@-([*"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def guard(self, view: View) -> Guard:
        if view.request.language != "python" or not _END.search(view.line) or not view.in_code:
            return FREE
        place = place_of(view.statement)
        if place is Place.ELSE:
            return FREE
        known = self._analysis.names(view)
        if known.doubt:
            return Free(known.doubt)
        names = known.names | _ALWAYS | _words(view.request.text) | _words(view.written)
        if place is Place.ARGUMENT:
            keywords = self._keywords(view)
            if keywords is None:
                return Free("the call may take any keyword")
            names |= keywords
        return Beginning(NAME, AnyOf(names))

    def foresee(self, view: View) -> None:
        """Asks for the names in scope where a statement begins, and where one may come next."""
        if view.request.language == "python" and (not view.line.strip() or _END.search(view.line)) and view.in_code:
            self._analysis.foresee_names(view)

    def _keywords(self, view: View) -> frozenset[str] | None:
        """The names of what a call takes; None if it takes any name."""
        parameters = [each for signature in self._analysis.call(view).signatures for each in signature.parameters]
        if any(each.kind is ParameterKind.VAR_KEYWORD for each in parameters):
            return None
        return frozenset(each.name for each in parameters)


class Place(Enum):
    """What may come next."""

    VALUE = "a value"
    ARGUMENT = "an argument"
    ELSE = "something else"


def place_of(statement: str) -> Place:
    """What may come at the end of a statement: a value, an argument, or something else, as a new name is."""
    found = [token for token in tokens(statement, "python") if token.kind != "comment"]
    if not found or statement[found[0].start : found[0].end] in _ELSEWHERE:
        return Place.ELSE
    levels, word = _levels(found), statement[found[-1].start : found[-1].end]
    last = word if keyword.iskeyword(word) else found[-1].kind  # `await` is no keyword to a grammar everywhere
    is_definition = not {"def", "class"}.isdisjoint(token.kind for token in found[:2])
    if any(map(_awaits_targets, levels)) or not (is_definition or _are_settled(levels)):
        return Place.ELSE
    if last in ("(", "[", ",", "*", "**") and is_definition:
        return Place.VALUE if last == "(" and found[0].kind == "class" and len(levels) == 2 else Place.ELSE
    if last in ("(", "["):
        callee = statement[found[-2].start : found[-2].end] if len(found) > 1 else ""
        return Place.ELSE if _TAKES_MANY.fullmatch(callee) else _behind_opener(levels)
    if last == ",":
        return _behind_comma(levels)
    if last == ":":
        is_annotation = is_definition if len(levels) == 2 else {token.kind for token in found} <= {"word", ".", ":"}
        return Place.VALUE if is_annotation else Place.ELSE
    if last in ("*", "**"):
        return Place.VALUE if _is_value(levels[-1][-2:][0]) or _in_call(levels) else Place.ELSE
    return Place.VALUE if _BEFORE.fullmatch(last) and (last != "else" or len(found) > 1) else Place.ELSE


def _levels(found: Sequence[Token]) -> list[list[Token]]:
    """The tokens of a statement outside of brackets, then within each open bracket, which ends the level around it."""
    levels: list[list[Token]] = [[]]
    for token in found:
        if token.kind in CLOSERS and len(levels) > 1:
            levels.pop()
        levels[-1].append(token)
        if token.kind in OPENERS:
            levels.append([])
    return levels


def _are_settled(levels: Sequence[Sequence[Token]]) -> bool:
    """Whether no bracket in which something stands may still become a comprehension, which ends with its names."""
    return all(
        not inner
        or inner[0].kind in ("*", "**")
        or any(token.kind in (",", "for", "=") for token in inner)
        or _in_subscript(around)
        for around, inner in pairwise(levels)
    )


def _awaits_targets(level: Sequence[Token]) -> bool:
    """Whether a `for` names what it goes over, or a `lambda` its parameters."""
    kinds = [token.kind for token in level]
    opened = max((index for index, kind in enumerate(kinds) if kind in ("for", "lambda")), default=None)
    return opened is not None and {"for": "in", "lambda": ":"}[kinds[opened]] not in kinds[opened:]


def _behind_opener(levels: Sequence[Sequence[Token]]) -> Place:
    if _in_call(levels):
        return Place.ARGUMENT
    return Place.VALUE if _in_subscript(levels[-2]) else Place.ELSE


def _behind_comma(levels: Sequence[Sequence[Token]]) -> Place:
    if len(levels) == 1 or len(levels[0]) == 1 or (len(levels[-2]) > 1 and levels[-2][-2].kind == "as"):
        return Place.ELSE  # targets: `a, ‸ = f()`, `(a, ‸) = f()`, `with f() as (a, ‸)`
    return Place.ARGUMENT if _in_call(levels) else Place.VALUE


def _in_call(levels: Sequence[Sequence[Token]]) -> bool:
    """Whether the last bracket is that of a call."""
    around = levels[-2] if len(levels) > 1 else ()
    return len(around) > 1 and around[-1].kind == "(" and _is_value(around[-2])


def _in_subscript(around: Sequence[Token]) -> bool:
    """Whether the bracket that a level ends with is that of a subscript."""
    return len(around) > 1 and around[-1].kind == "[" and _is_value(around[-2])


def _is_value(token: Token) -> bool:
    return token.kind in CLOSERS or (token.kind.isidentifier() and not keyword.iskeyword(token.kind))


@lru_cache(maxsize=8)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))
