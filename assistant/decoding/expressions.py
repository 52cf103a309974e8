"""Guards as regular expressions, for models that write text by themselves and can be told what may come.

The expressions use what all the servers' engines know: literals, classes of ASCII characters, groups, `|`, `*`, `?`.
What they cannot say is left out; whoever reads the text holds it against the guards.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby, takewhile

from assistant.guards import NAME, AnyOf, Beginning, Guard, Matching, NoneOf, OneOf, Typed, ends_name

ANYTHING = r"(.|\n)*"
"""Any text, or none."""

BEHIND_NAME = rf"([^a-zA-Z0-9_]{ANYTHING})?"
"""What may come behind a name."""

MOST = 2_000
"""More texts than that are not sent: a server would take longer to read them than to write."""

_FIRST_OF_NAME = "[a-zA-Z_]"
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def expression(guards: Sequence[Guard]) -> str:
    """An expression of what several guards let come next; empty if it would say nothing.

    Texts of which one comes next are those that all guards allow. Of other guards the first that can be said is.
    """
    for guard in guards:
        if (texts := _texts(guard)) is not None:
            legal = [text for text in texts if all(other.after(text) is not None for other in guards)]
            return one_of(legal) if 0 < len(legal) <= MOST else ""
    return next(filter(None, map(_said, guards)), "")


def typed(text: str, following: str) -> str:
    """An expression of a text and what follows it, which may be anything if it is empty."""
    return f"{escaped(text)}({following or ANYTHING})"


def behind(head: str, following: str) -> str:
    """An expression of what follows a head, or begins otherwise: of `.a` or `(`, but not of `.b`."""
    return f"{escaped(head)}({following})|{avoiding([head])}"


def one_of(texts: Iterable[str]) -> str:
    """An expression of some texts, and of what may come behind them."""
    known = sorted(set(texts))
    names = [text for text in known if not text or not ends_name(text[-1])]
    others = [text for text in known if text and ends_name(text[-1])]
    parts = [f"({_tree(names)}){BEHIND_NAME}"] if names else []
    return "|".join([*parts, *([f"({_tree(others)}){ANYTHING}"] if others else [])])


def avoiding(texts: Collection[str]) -> str:
    """An expression of all that begins with none of some texts."""
    ways = []
    for first, rests in groupby(sorted(texts), key=lambda text: text[0]):
        if all(left := [text[1:] for text in rests]):
            ways.append(f"{escaped(first)}({avoiding(left)})")
    firsts = "".join(_in_class(first) for first in sorted({text[0] for text in texts}))
    return "|".join([*ways, rf"([^{firsts}]{ANYTHING})?"])


def escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text).replace("\n", r"\n").replace("\t", r"\t")


def _texts(guard: Guard) -> Collection[str] | None:
    """The texts of which one comes next; None if they are not counted."""
    match guard:
        case OneOf(texts):
            return texts
        case AnyOf(names, begun):
            return [name[len(begun) :] for name in names if name.startswith(begun)]
        case _:
            return None


def _said(guard: Guard) -> str:
    match guard:
        case OneOf() | AnyOf():
            return expression([guard])
        case Typed(text):
            return typed(text, "")
        case Matching(pattern, ""):
            return f"({pattern}){BEHIND_NAME}"
        case Beginning(first, inner) if within := _said(inner):
            return f"{within}|([{_complement(first)}]{ANYTHING})?"
        case NoneOf(texts):
            return avoiding(texts)
        case _:
            return ""


def _complement(pattern: str) -> str:
    """What stands in the class of the characters that a class of one character does not hold: `[a-z]` → `^a-z`."""
    inside = (_FIRST_OF_NAME if pattern == NAME else pattern)[1:-1]
    return inside[1:] if inside.startswith("^") else f"^{inside}"


def _tree(texts: Sequence[str]) -> str:
    """An expression of just these texts, sorted, in which none begins like another: `ap(pend|ply)`."""
    start = _common(texts[0], texts[-1])
    rests = [text[len(start) :] for text in texts]
    ways = [_tree(list(group)) for _, group in groupby(filter(None, rests), key=lambda rest: rest[0])]
    if not ways:
        return escaped(start)
    return f"{escaped(start)}({'|'.join(ways)}){'?' if '' in rests else ''}"


def _common(one: str, other: str) -> str:
    """What two texts begin with."""
    count = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return one[:count]


def _in_class(character: str) -> str:
    return "\\" + character if character in r"\]^-[" else escaped(character)
