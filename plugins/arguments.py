"""Within a call only arguments that it takes: keywords that exist, neither too few arguments nor too many.

Asked behind `(`, and where the cursor stands in a call. It asks for the call's signatures and refuses what none of them
allows (argument-count monitor: Agrawal et al. 2023, section 4.1, here with overloads, defaults, keywords and nesting).
Silent for unknown signatures, outside of Python, and from `*` or a comprehension on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.analysis import Analysis
from assistant.guards import FREE, Free, Guard, Monitor, View
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.syntax import CLOSERS, OPENERS, open_brackets
from language_servers.analyzer import ParameterKind, Signature

_LAST_NAME = re.compile(r"\b[^\W\d]\w*\Z")
_CALLEE = re.compile(r"[\w)\]]\Z")
_NO_CALL = re.compile(
    r"(?:^|[^\w.])(?:def\s+\w+|class\s+\w+|if|elif|while|for|in|not|and|or|is|return|yield|await|lambda|assert|del|with|"
    r"except|raise|else|import|from|match|case)\Z"
)
_FREES = re.compile(r"\b(?:for|lambda)\s\Z")
_KEYWORD = re.compile(r"\s*(\w+)\s*=(?!=)")
_POSITIONAL = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)
_NAMED = (ParameterKind.POSITIONAL_OR_KEYWORD, ParameterKind.KEYWORD_ONLY)


@hookimpl
def ghostwright_monitors(settings: Settings, analysis: Analysis) -> Sequence[Monitor]:
    return [Arguments(analysis)]


class Arguments:
    """Lets only such arguments be written as one of the call's signatures takes."""

    name = "arguments"
    triggers = "("

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def guard(self, view: View) -> Guard:
        if view.request.language != "python" or not view.in_code:
            return FREE
        begin = _arguments_begin(view)
        if begin is None:
            return FREE
        call = self._analysis.call(view)
        shapes = tuple(shape for signature in call.signatures if (shape := _shape(signature)))
        if not shapes or len(shapes) < len(call.signatures):
            return Free("the call takes anything")
        is_closed = not view.written and view.request.suffix[:1] == ")"
        return Within(shapes, is_closed).after(view.statement[begin:]) or FREE

    def foresee(self, view: View) -> None:
        """Asks for the signatures of what is likely to be called, while the model decides whether it is."""
        name = _LAST_NAME.search(view.line)
        if name and f"{name[0]}(" in view.nearby and f"{name[0]}." not in view.nearby and view.in_code:
            self._analysis.foresee_call(view.on("("))


def _arguments_begin(view: View) -> int | None:
    """Where the arguments begin, in the statement, that a view ends in; None if it ends in no call's."""
    statement = view.statement
    openers = open_brackets(statement, "python")
    if not openers or openers[-1].kind != "(":
        return None
    callee = statement[: openers[-1].start].rstrip(" ")
    return openers[-1].end if _CALLEE.search(callee) and not _NO_CALL.search(callee) else None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a call takes: `positions` arguments by position, these `names` by keyword, of which some are required.

    `order` are the names by position, empty where an argument cannot be named.
    """

    positions: float
    order: tuple[str, ...]
    names: frozenset[str]
    required: frozenset[str]
    takes_any_name: bool

    def allows(self, given: int, keywords: frozenset[str]) -> bool:
        """Whether more arguments might make a call of these."""
        if given > self.positions or not keywords.isdisjoint(self.order[:given]):
            return False
        return self.takes_any_name or keywords <= self.names

    def is_full(self, given: int, keywords: frozenset[str]) -> bool:
        """Whether it takes nothing more."""
        by_position = frozenset(self.order[:given])
        return given >= self.positions and not self.takes_any_name and self.names <= keywords | by_position

    def is_complete(self, given: int, keywords: frozenset[str]) -> bool:
        """Whether nothing is missing."""
        return self.required <= keywords | frozenset(self.order[:given])


def _shape(signature: Signature) -> Shape | None:
    """None for one that takes anything."""
    kinds = {parameter.kind for parameter in signature.parameters}
    if {ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD} <= kinds or not signature.label:
        return None
    by_position = [parameter for parameter in signature.parameters if parameter.kind in _POSITIONAL]
    return Shape(
        float("inf") if ParameterKind.VAR_POSITIONAL in kinds else len(by_position),
        tuple(parameter.name for parameter in by_position),
        frozenset(parameter.name for parameter in signature.parameters if parameter.kind in _NAMED),
        frozenset(p.name for p in signature.parameters if p.required and p.kind in (*_POSITIONAL, *_NAMED)),
        ParameterKind.VAR_KEYWORD in kinds,
    )


@dataclass(frozen=True, slots=True)
class Within:
    """A guard for the arguments of a call. `is_closed` says that its `)` stands behind the cursor.

    `given` arguments by position and these `keywords` are written; `argument` is the text of the one being written,
    `depth` how many brackets are open in it, `quote` the mark of the string that it ends in, one character or three,
    `marks` how many of the last of these have come. `is_long` says that arguments before it stand on several lines.
    """

    shapes: tuple[Shape, ...]
    is_closed: bool = False
    given: int = 0
    keywords: frozenset[str] = frozenset()
    argument: str = ""
    depth: int = 0
    quote: str = ""
    marks: int = 0
    is_long: bool = False
    is_free: bool = False

    @property
    def may_end(self) -> bool:
        return not self.is_closed or self._closed() is not None

    def after(self, text: str) -> Guard | None:
        guard: Within = self
        for character in text:
            following = guard._on(character)
            if not isinstance(following, Within):
                return following
            guard = following
        return guard

    def _on(self, character: str) -> Guard | None:
        at_top = not self.quote and not self.depth
        if at_top and self.argument.endswith("=") and character != "=" and (name := _KEYWORD.fullmatch(self.argument)):
            named = self._named(name[1])
            return named and named._on(character)
        if self.quote:
            return self._in_string(character)
        if character in "\"'":
            mark = character * 3 if self.argument.endswith(character * 2) else character
            return replace(self, argument=self.argument + character, quote=mark)
        if character in OPENERS:
            return replace(self, argument=self.argument + character, depth=self.depth + 1)
        if character in CLOSERS and self.depth:
            return replace(self, argument=self.argument + character, depth=self.depth - 1)
        if self.depth:
            return replace(self, argument=self.argument + character)
        return self._at_top(character)

    def _in_string(self, character: str) -> Within:
        is_escaped = (len(self.argument) - len(self.argument.rstrip("\\"))) % 2 == 1
        marks = self.marks + 1 if character == self.quote[0] and not is_escaped else 0
        written = replace(self, argument=self.argument + character, marks=marks)
        return replace(written, quote="", marks=0) if marks == len(self.quote) else written

    def _at_top(self, character: str) -> Guard | None:
        """Behind a character that stands in no inner bracket and no string."""
        if character == ")":
            return self._closed()
        if character in CLOSERS or character == "#" or (character == "*" and not self.argument.strip()):
            return FREE
        if character == ",":
            return self._next()
        argument = self.argument + character
        if character.isspace() and _FREES.search(argument[-8:]):
            return FREE
        return replace(self, argument=argument)

    def _named(self, name: str) -> Within | None:
        """Behind a keyword and its `=`."""
        if name in self.keywords:
            return None
        keywords = self.keywords | {name}
        shapes = tuple(shape for shape in self.shapes if shape.allows(self.given, keywords))
        return replace(self, shapes=shapes, keywords=keywords, argument=self.argument + " ") if shapes else None

    def _next(self) -> Guard | None:
        """Behind a comma."""
        done = self._done()
        if done is None:
            return None
        if not done.is_long and all(shape.is_full(done.given, done.keywords) for shape in done.shapes):
            return None
        return done

    def _closed(self) -> Guard | None:
        """Behind the closing bracket."""
        done = self._done()
        if done is None or not any(shape.is_complete(done.given, done.keywords) for shape in done.shapes):
            return None
        return FREE

    def _done(self) -> Within | None:
        """Behind the argument that is being written."""
        is_positional = bool(self.argument.strip()) and not _KEYWORD.match(self.argument)
        given = self.given + is_positional
        shapes = tuple(shape for shape in self.shapes if shape.allows(given, self.keywords))
        is_long = self.is_long or "\n" in self.argument
        return replace(self, shapes=shapes, given=given, argument="", is_long=is_long) if shapes else None
