"""In a `case`, only what the matched value can still be: members of an enumeration, or literals. So behind `x == "`.

It asks for the type that the value has left there: what earlier cases took is gone from it. Silent where the value may
be something of which there is no finite list, where only one literal is left from the beginning (a constant, which is
something else elsewhere), and where the value is an attribute that is set above: a call may have changed it. What
begins in lower case is always free in a `case`: a name that catches everything, or a module.

The enum monitor of monitor-guided decoding (Agrawal et al. 2023), with the checker's narrowing.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.analysis import Analysis
from assistant.guards import FREE, Beginning, Free, Guard, Monitor, OneOf, View, within_quotes
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.text import heads, indentation
from language_servers.analyzer import Kind

GHOST = "ghost_of_a_case"
"""A name that nobody has; it catches what is left."""

NO_LIST = "there is no list of what the value can be"

_CASE = re.compile(r"[ \t]*case[ \t]\Z")
_MATCH = re.compile(r"match\b\s*(.+):\s*(?:#.*)?\Z")
_COMPARED = re.compile(r"(?<![\w.)\]])([^\W\d][\w.]*)[ \t]*[!=]=[ \t]*[\"']\Z")
_PLAIN = re.compile(r"[^\"'\\\n]*")


@hookimpl
def ghostwright_monitors(settings: Settings, analysis: Analysis) -> Sequence[Monitor]:
    return [Cases(analysis)]


class Cases:
    """Lets a value be compared only with what it can be."""

    name = "cases"
    triggers = " \"'"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def guard(self, view: View) -> Guard:
        if view.request.language != "python":
            return FREE
        if _CASE.match(view.line) and view.in_code:
            return self._pattern(view)
        if (compared := _COMPARED.search(view.line)) and view.in_new_string:
            return self._string(view, compared)
        return FREE

    def _pattern(self, view: View) -> Guard:
        """Behind `case `."""
        start, end = next(heads(view.before, len(view.before)), (0, 0))
        head = _MATCH.match(view.before[start:end].strip())
        if not head or _is_set(head[1], view):
            return FREE
        margin = indentation(view.line)
        body = margin + margin[len(indentation(view.before[start:end])) :]
        caught = view.on(f"{GHOST}:\n{body}{GHOST}")
        left = rest(self._analysis.type_at(view.request, caught.document, len(caught.before)))
        is_first = not re.search(rf"^{margin}case\b", view.before[end : -len(view.line)], re.MULTILINE)
        if left is None or (is_first and left.is_constant):
            return Free(NO_LIST)
        if not left.owner:
            return _literals(left)
        return self._members(view.on(f"None:\n{body}pass\n{margin}case {GHOST}:\n{body}type({GHOST})."), left)

    def _members(self, inside: View, left: Rest) -> Guard:
        """Members of the enumeration whose name a view ends with, and None where that is left."""
        known = self._analysis.members(inside)
        if known.doubt:
            return Free(known.doubt)
        members = [member for member in known if member.kind in (Kind.ENUM, Kind.ENUM_MEMBER)]
        if left.members is not None:
            members = [member for member in members if member.detail.removeprefix("Literal[")[:-1] in left.members]
        names = _names_of(left.owner, inside.request.text)
        if not members or not names:
            return Free(NO_LIST)
        texts = {f"{name}.{member.name}" for name in names for member in members} | {*map(repr, left.constants)}
        text = "" if "upper" in known.names else "\"'"
        number = "" if "bit_length" in known.names else r"\d-"
        return Beginning(rf"[A-Z\[{{{text}{number}]", OneOf.names(texts))

    def _string(self, view: View, compared: re.Match[str]) -> Guard:
        """Behind `x == "`."""
        end = len(view.before) - len(view.line) + compared.end(1)
        if _is_set(compared[1], view):
            return FREE
        left = rest(self._analysis.type_at(view.request, view.document, end))
        strings = left.strings if left and not left.owner and not left.is_constant else ()
        return within_quotes(strings, view) if strings else Free(NO_LIST)


@dataclass(frozen=True, slots=True)
class Rest:
    """What a value can be: constants, and members of the enumeration `owner`, all of them where `members` is None."""

    constants: tuple[object, ...] = ()
    owner: str = ""
    members: frozenset[str] | None = None

    @property
    def is_constant(self) -> bool:
        """Whether there is only one thing that it can be."""
        is_listed = not self.owner or self.members is not None
        return is_listed and len(self.constants) + len(self.members or ()) == 1

    @property
    def strings(self) -> tuple[str, ...]:
        """The constants as they stand between quotation marks; none where they are not all texts that do so."""
        texts = tuple(
            constant for constant in self.constants if isinstance(constant, str) and _PLAIN.fullmatch(constant)
        )
        others = [constant for constant in self.constants if constant is not None]
        return texts if len(texts) == len(others) else ()


def rest(worded: str) -> Rest | None:
    """A type as a checker words it: `Literal[Color.RED] | None`. None where it has no list of values."""
    try:
        parts = list(_parts(ast.parse(worded, mode="eval").body))
    except (SyntaxError, ValueError):
        return None
    constants = [part for part, kind in parts if kind == "constant"]
    members = [str(part) for part, kind in parts if kind == "member"]
    classes = [str(part) for part, kind in parts if kind == "class"]
    owners = {*classes, *(member.rpartition(".")[0] for member in members)}
    if len(owners) > 1 or (owners and {*constants} - {None}):
        return None
    return Rest(tuple(constants), next(iter(owners), ""), None if classes else frozenset(members))


def _parts(node: ast.expr) -> Iterator[tuple[object, str]]:
    """The values in a type with what they are: constant, member or class. Raises ValueError for another type."""
    match node:
        case ast.BinOp(op=ast.BitOr()):
            yield from _parts(node.left)
            yield from _parts(node.right)
        case ast.Constant(value=None):
            yield None, "constant"
        case ast.Name(id="bool"):
            yield from ((True, "constant"), (False, "constant"))
        case ast.Name() if not hasattr(builtins, node.id):
            yield node.id, "class"
        case ast.Subscript(value=ast.Name(id="Literal")):
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            for item in items:
                if isinstance(item, ast.Attribute):
                    yield ast.unparse(item), "member"
                else:
                    yield ast.literal_eval(item), "constant"
        case _:
            raise ValueError(f"{ast.unparse(node)} has no list of values")


def _literals(left: Rest) -> Guard:
    """Constants in a pattern. Names may be constants as well, but for what begins as no name does."""
    texts = {f"{mark}{text}{mark}" for text in left.strings for mark in "\"'"}
    numbers = {repr(constant) for constant in left.constants if type(constant) is int}
    if len(left.strings) + len(numbers) < sum(type(constant) not in (bool, type(None)) for constant in left.constants):
        return Free(NO_LIST)
    return Beginning(r"[\"'\d\[{-]", OneOf.names(texts | numbers))


def _names_of(owner: str, text: str) -> set[str]:
    """How a file refers to a class: `Color`, `colors.Color`, `C` where it is imported as that."""
    name = re.escape(owner.rpartition(".")[2])
    return {
        *re.findall(rf"(?<![\w.])((?:\w+\.)*{name})\b", text),
        *re.findall(rf"\b{name}\s+as\s+(\w+)", text),
        *re.findall(rf"^(\w+)\s*=\s*(?:\w+\.)*{name}\s*$", text, re.MULTILINE),
    }


def _is_set(expression: str, view: View) -> bool:
    """Whether an attribute is given a value above."""
    assigned = rf"(?<![\w.]){re.escape(expression)}\s*(?::[^=\n]+)?=(?!=)"
    return "." in expression and re.search(assigned, view.nearby) is not None
