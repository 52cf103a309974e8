"""After a dot, only members that the value has: the dereference monitor (Agrawal et al. 2023, section 3.2).

Asked behind `.`, `?.`, `->` and `::`. Silent in strings, comments and numbers, and where the analysis is in doubt: the
receiver's type is unknown, its members are dynamic, the answer came too late.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.analysis import Analysis
from assistant.guards import FREE, Free, Guard, Monitor, OneOf, View
from assistant.hookspecs import hookimpl
from assistant.receivers import ACCESS, receiver
from assistant.settings import Settings
from assistant.types import CompletionRequest

_NUMBER = re.compile(r"(?:^|[^\w.)\]])\d[\d_]*\.\Z|\.\.\Z")
_LAST_NAME = re.compile(r"(\w+)\Z")
_IMPORT = re.compile(r"\s*(?:from|import)\b")
_DEFINES = re.compile(r"(?:\A|[;:]|\bas\s)(?:\s*[\w.]+\s*,)*\s*(?:self|cls)\.\Z")
"""Where a statement may give the object a new member: `self.total = 0`."""
_DEFINITION = re.compile(r"\w+\s*(?:[:,].*|=(?:[^=].*)?)?", re.DOTALL)
_WRITTEN = frozenset(("__class__", "__name__", "__qualname__", "__file__", "__version__"))
"""Names of Python's own that are written of any value."""
_FUNCTION = re.compile(r"(?:async\s+)?def\s+(\w+)")
_CONSTRUCTOR = re.compile(
    r"__(?:init|new|post_init|init_subclass|enter|aenter|set_name|setstate)__|set_?up(?:_\w+)?|setUp\w*|reset"
)
_CLASS = re.compile(r"\s*class\s+(\w+)\s*[(\[]")
_NAME = re.compile(r"\w+")
_BEFORE = re.compile(r"[\w.]")


@hookimpl
def ghostwright_monitors(settings: Settings, analysis: Analysis) -> Sequence[Monitor]:
    return [Members(analysis)]


class Members:
    """Lets only those names follow a dot that the value before it has, or that the file uses as its members already."""

    name = "members"
    triggers = ".>:"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._asked_of: tuple[CompletionRequest | None, dict[str, bool]] = (None, {})

    def guard(self, view: View) -> Guard:
        if not ACCESS.search(view.line) or _NUMBER.search(view.line) or _IMPORT.match(view.line) or not view.in_code:
            return FREE
        members = self._analysis.members(view)
        if members.doubt:
            return Free(members.doubt)
        value = receiver(view)
        names = frozenset(name for name in members.names if not _is_hook(name, value) or "mro" in members.names)
        legal = OneOf(names | _seen(view, value) | _namesake(view) | _marks(view, names))
        return OrDefined(legal) if _DEFINES.search(view.statement) and _is_in_constructor(view) else legal

    def foresee(self, view: View) -> None:
        """Asks for the members of what may be a receiver, while the model decides whether it is."""
        if ACCESS.search(view.line):
            expected = view
        elif (name := _LAST_NAME.search(view.line)) and self._is_receiver(name[0], view):
            expected = view.on(".")
        else:
            return
        if view.in_code:
            self._analysis.foresee_members(expected)

    def _is_receiver(self, name: str, view: View) -> bool:
        """Whether the file has members of it elsewhere."""
        if view.request is not self._asked_of[0]:
            self._asked_of = (view.request, {})
        _, known = self._asked_of
        if name not in known:
            known[name] = f"{name}." in view.request.text
        return known[name]


def _is_in_constructor(view: View) -> bool:
    """Whether the point stands in a method that gives objects their members. Others use those that there are."""
    function = next((name for head in view.heads if (name := _FUNCTION.match(head))), None)
    return function is not None and _CONSTRUCTOR.fullmatch(function[1]) is not None


def _is_hook(name: str, value: str) -> bool:
    """Whether a name of Python's own is seldom written of a value: a way out for a model without ideas.

    Classes, which have an `mro`, are another matter: `Base.__init__(self)`.
    """
    is_own = name.startswith("__") and name.endswith("__")
    return is_own and name not in _WRITTEN and not re.match(r"(?:self|cls|super\(.*\))\Z", value)


@dataclass(frozen=True, slots=True)
class OrDefined:
    """One of some names comes next, or a new one that is given a value or a type: `total = 0`, `total: int`."""

    names: OneOf
    begun: str = ""
    is_free: bool = False

    @property
    def may_end(self) -> bool:
        return self.begun in self.names.texts

    def after(self, text: str) -> Guard | None:
        begun = self.begun + text
        known = self.names.after(begun)
        if known is not None and known.is_free:
            return FREE
        if known is None and not _DEFINITION.fullmatch(begun):
            return None
        return FREE if known is None and re.search("[=:,]", begun) else OrDefined(self.names, begun)


def _namesake(view: View) -> set[str]:
    """The name of the class whose bases a view ends in: `class Path(pathlib.‸`. ty leaves it out there."""
    head = _CLASS.match(view.statement)
    return {head[1]} if head else set()


def _marks(view: View, names: frozenset[str]) -> set[str]:
    """What may follow `?.` instead of a name: a subscript, and of functions, which have an `apply`, a call."""
    if not view.line.endswith("?."):
        return set()
    return {"[", "("} if "apply" in names else {"["}


def _seen(view: View, value: str) -> set[str]:
    """The members of the same receiver that the file uses: attributes that only a checker does not know of.

    `self` is another one in each class.
    """
    if not value:
        return set()
    text = view.request.prefix + "\n" + view.request.suffix
    if re.match(r"(?:self|cls|this)\b", value):
        text = _class_around(view)
    return {name[0] for place in _places(f"{value}.", text) if (name := _NAME.match(text, place + len(value) + 1))}


def _places(access: str, text: str) -> Iterator[int]:
    """Where an access stands in a text, as a whole: `a.` is no part of `b.a.`."""
    place = text.find(access)
    while place >= 0:
        if not place or not _BEFORE.match(text, place - 1):
            yield place
        place = text.find(access, place + 1)


def _class_around(view: View) -> str:
    """The lines from the last `class` above to the next one below."""
    prefix, suffix = view.request.prefix, view.request.suffix
    begin = prefix.rfind("\nclass ") + 1
    end = suffix.find("\nclass ")
    return prefix[begin:] + "\n" + (suffix if end < 0 else suffix[:end])
