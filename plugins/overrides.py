"""A method that overrides another one takes its parameters by the same names, in the same order.

Asked behind `def name(` in a class with bases. It asks for the call of `super().name(` in a method that stands there.
Silent for names that begin with `_`, for methods from outside of the project, whose parameters everybody names as he
likes, and unless a second definition, in this file or in that of the base, agrees with the first.

Our own: what a method takes is closed by its base, as a name is by its scope. Of 516 methods in sixteen packages it
would have forbidden two; of 736 that need no second definition, twelve.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.analysis import Analysis
from assistant.guards import FREE, Free, Guard, Monitor, View, ends_name
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.syntax import CLOSERS, OPENERS
from assistant.text import indentation
from language_servers.analyzer import Call, Location, ParameterKind

FOREIGN = frozenset(("site-packages", "dist-packages", ".venv", "venv", "node_modules"))
"""Folders in a project with code that is not its own."""

_HEAD = re.compile(r"[ \t]+(?:async[ \t]+)?def[ \t]+([A-Za-z]\w*)\(([^()]*)\Z")
_CLASS = re.compile(r"class\b[^(]*\((?!\s*\))")
_POSITIONAL = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)
_NAME = re.compile(r"\s*([^\W\d]\w*)")


@hookimpl
def ghostwright_monitors(settings: Settings, analysis: Analysis) -> Sequence[Monitor]:
    return [Overrides(analysis)]


class Overrides:
    """Lets a method have the parameters of the one that it overrides."""

    name = "overrides"
    triggers = "("

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def guard(self, view: View) -> Guard:
        head = _HEAD.match(view.line)
        if not head or view.request.language != "python" or not view.in_code:
            return FREE
        if not _CLASS.match(next(iter(view.heads), "")):
            return FREE
        name, begun = head[1], head[2]
        opened = View(view.request.cut(len(begun))) if begun else view
        inside = opened.on(f"self):\n{indentation(view.line)}    super().{name}(")
        names = _names(self._analysis.call(inside))
        if not any(names):
            return Free("the method that is overridden is unknown")
        origin = self._analysis.type_definition(view.request, inside.document, len(inside.before) - 1)
        if not _is_own(origin, view):
            return Free("the method that is overridden is not the project's own")
        if names[0] and not _is_agreed(name, names[0], view, origin):
            return Free("nobody has overridden it by the same names yet")
        return Parameters(names).after(begun) or FREE


def _names(call: Call) -> tuple[str, ...]:
    """The parameters that a method takes by position, empty those that have no name; none where it takes anything."""
    if len(call.signatures) != 1:
        return ()
    found = call.signatures[0].parameters
    by_position = [each for each in found if each.kind in _POSITIONAL]
    return tuple(each.name if each.kind is ParameterKind.POSITIONAL_OR_KEYWORD else "" for each in by_position)


def _is_own(origin: Location, view: View) -> bool:
    root = view.request.root or view.request.path.parent
    return origin.path.is_relative_to(root) and FOREIGN.isdisjoint(origin.path.relative_to(root).parts)


def _is_agreed(name: str, first: str, view: View, origin: Location) -> bool:
    """Whether several definitions of a method have its first parameter, and none has another one."""
    text = view.before[: -len(view.line)] + "\n" + view.request.suffix
    if origin.path != view.request.path:
        text += "\n" + origin.path.read_text(encoding="utf-8", errors="replace")
    found = re.findall(rf"\bdef {name}\(\s*\w+\s*,\s*(\w+)", text)
    return len(found) > 1 and set(found) == {first}


@dataclass(frozen=True, slots=True)
class Parameters:
    """A guard for the parameters of a definition behind its `(`: after the first one, these names; empty for any.

    `parameter` is what is written of the one at `index`, `depth` how many brackets are open in it, `quote` the mark of
    the string that it ends in, or `#`.
    """

    names: tuple[str, ...]
    index: int = 0
    parameter: str = ""
    depth: int = 0
    quote: str = ""
    is_free: bool = False

    @property
    def may_end(self) -> bool:
        name = _NAME.match(self.parameter)
        return not self.expected or name is None or name[1] == self.expected

    @property
    def expected(self) -> str:
        return self.names[self.index - 1] if self.index else ""

    def after(self, text: str) -> Guard | None:
        guard: Guard | None = self
        for character in text:
            if not isinstance(guard, Parameters):
                break
            guard = guard._on(character)
        return guard

    def _on(self, character: str) -> Guard | None:
        if self.quote:
            is_over = character == ("\n" if self.quote == "#" else self.quote)
            return replace(self, quote="" if is_over else self.quote)
        if character in "\"'#":
            return replace(self, quote=character)
        if not self.depth:
            if ends_name(character) and not self.may_end:
                return None
            if character == ")" or (character == "*" and not self.parameter.strip()):
                return FREE
            if character == ",":
                return self._next()
        depth = self.depth + (character in OPENERS) - (character in CLOSERS)
        written = replace(self, parameter=self.parameter + character, depth=depth)
        return written if written._agrees() else None

    def _agrees(self) -> bool:
        """Whether what is written of a name is its beginning."""
        name = _NAME.match(self.parameter)
        return not self.expected or name is None or self.expected.startswith(name[1])

    def _next(self) -> Guard:
        if self.parameter.strip() == "/":
            return replace(self, parameter="")
        return replace(self, parameter="", index=self.index + 1) if self.index < len(self.names) else FREE
