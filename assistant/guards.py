"""What monitors see and what they answer with: views and guards. Both are text; no monitor ever sees a token.

Monitor-guided decoding: Agrawal et al. 2023, section 3. A monitor is asked where its trigger has been written; its
guard says what may come next, and is carried along until what it is about has been written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from assistant import patterns
from assistant.repair import repaired
from assistant.syntax import open_brackets, tokens, unclosed
from assistant.text import code_start, heads, line_end, line_start
from assistant.types import CompletionRequest

LONG = 1_000
"""Code points of a line behind which no monitor is asked: it may be data, and it has no end."""

WINDOW = 8_192
"""Code points before a point that are looked at to find out what it stands in."""


@dataclass(frozen=True)
class View:
    """The text up to a point: what stands before the cursor, and what has been `written` behind it."""

    request: CompletionRequest
    written: str = ""

    @cached_property
    def before(self) -> str:
        """The whole text up to the point."""
        return self.request.prefix + self.written

    @cached_property
    def is_endless(self) -> bool:
        """Whether the point's line is so long that it is no code that anybody reads."""
        return len(self.line) > LONG

    @cached_property
    def line(self) -> str:
        """The point's line up to the point."""
        return self.before[line_start(self.before, len(self.before)) :]

    @cached_property
    def statement(self) -> str:
        """The point's logical line up to the point: with the lines above that its open brackets stand in."""
        first = len(self.before) - len(self.line)
        offset = len(self.before) - len(self.nearby)
        for opener in reversed(open_brackets(self.nearby, self.request.language)):
            if opener.kind == "{" and self.request.language != "python":
                break
            first = min(first, line_start(self.before, offset + opener.start))
        return self.before[first:]

    @cached_property
    def nearby(self) -> str:
        """The last few thousand characters up to the point, from a line that is not indented."""
        return self.before[code_start(self.before, len(self.before), WINDOW, self.request.language) :]

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """The lines that head the blocks in which the point's line stands, innermost first, without indentation."""
        return tuple(self.before[start:end].strip() for start, end in heads(self.before, len(self.before)))

    @cached_property
    def in_code(self) -> bool:
        """Whether the point stands in neither a string nor a comment."""
        end = len(self.nearby)
        if unclosed(self.nearby, self.request.language) < end:
            return False
        last = tokens(self.nearby, self.request.language)[-1:]
        return not (last and last[0].kind == "comment" and last[0].end == end)

    @cached_property
    def in_new_string(self) -> bool:
        """Whether the point stands right behind the mark that begins a string of one line."""
        return unclosed(self.nearby, self.request.language) == len(self.nearby) - 1

    @cached_property
    def document(self) -> str:
        """The file as it would stand with what has been written, mended so that it can be analysed.

        What is left of the statement behind the point is taken away, its brackets are closed. The point's offset in
        it is `len(view.before)`.
        """
        return repaired(self.before, self.request.suffix, self.request.language)

    def on(self, text: str) -> View:
        """The view once `text` has been written."""
        return View(self.request, self.written + text)


class Guard(Protocol):
    """What may come next. Immutable: writing leads to another guard."""

    @property
    def may_end(self) -> bool:
        """Whether the completion may end here."""

    @property
    def is_free(self) -> bool:
        """Whether anything may follow from here on."""

    def after(self, text: str) -> Guard | None:
        """The guard for what follows once `text` has been written; None if it must not be written."""


@dataclass(frozen=True, slots=True)
class Free:
    """Anything may follow. `reason` says why nothing is known, in a few words, or is empty."""

    reason: str = ""
    may_end: bool = True
    is_free: bool = True

    def after(self, text: str) -> Guard:
        return FREE


FREE = Free()


def ends_name(character: str) -> bool:
    """Whether a character cannot go on with an identifier: `(`, but neither `x` nor `é`."""
    return not (character.isalnum() or character == "_")


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these texts comes next, and behind it nothing that would make it a longer name."""

    texts: frozenset[str]
    is_free: bool = False

    @classmethod
    def names(cls, names: Iterable[str]) -> OneOf:
        return cls(frozenset(names))

    @property
    def may_end(self) -> bool:
        return "" in self.texts

    def after(self, text: str) -> Guard | None:
        for known in self.texts:
            if len(known) < len(text) and text.startswith(known) and ends_text(known, text[len(known)]):
                return FREE
        rest = frozenset(known[len(text) :] for known in self.texts if known.startswith(text))
        if rest == {""} and text and ends_name(text[-1]):
            return FREE  # behind a mark, unlike behind a name, anything may follow
        return OneOf(rest) if rest else None


def within_quotes(texts: Iterable[str], view: View) -> OneOf:
    """One of some texts in the string that begins at a view, with its mark; without, if that stands there already."""
    mark, behind = view.before[-1], view.request.suffix
    begun = frozenset(texts)
    ended = frozenset(text + mark for text in begun)
    return OneOf(ended | begun if mark in behind[: line_end(behind, 0)] else ended)


def ends_text(known: str, following: str) -> bool:
    """Whether a text is over where another character follows: a name is at `(`, a string with its quotation mark."""
    return ends_name(following) or bool(known and ends_name(known[-1]))


@dataclass(frozen=True, slots=True)
class Typed:
    """This text comes next, and behind it anything: what the user has typed already, and the model writes anew."""

    text: str
    may_end: bool = False
    is_free: bool = False

    def after(self, text: str) -> Guard | None:
        if text.startswith(self.text):
            return FREE
        return Typed(self.text[len(text) :]) if self.text.startswith(text) else None


@dataclass(frozen=True, slots=True)
class Matching:
    """What matches a regular expression comes next, and behind it nothing that would go on with a name.

    The syntax is that of Rust's `regex`: neither look-around nor back-references. `begun` has been written of it.
    """

    pattern: str
    begun: str = ""
    is_free: bool = False

    @property
    def may_end(self) -> bool:
        return patterns.accepts(self.pattern, self.begun)

    def after(self, text: str) -> Guard | None:
        begun = self.begun + text
        if not patterns.allows(self.pattern, begun):
            return None
        return FREE if patterns.is_over(self.pattern, begun) else Matching(self.pattern, begun)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these names comes next, of so many that they are not weighed against each other. `begun` is written."""

    names: frozenset[str]
    begun: str = ""
    is_free: bool = False

    @property
    def may_end(self) -> bool:
        return self.begun in self.names

    def after(self, text: str) -> Guard | None:
        begun = self.begun + text
        end = next((index for index, character in enumerate(begun) if ends_name(character)), None)
        if end is not None:
            return FREE if begun[:end] in self.names else None
        return AnyOf(self.names, begun) if any(name.startswith(begun) for name in self.names) else None


@dataclass(frozen=True, slots=True)
class NoneOf:
    """Anything comes next that begins with none of these texts."""

    texts: frozenset[str]
    may_end: bool = True
    is_free: bool = False

    def after(self, text: str) -> Guard | None:
        if text.startswith(tuple(self.texts)):
            return None
        rest = frozenset(refused[len(text) :] for refused in self.texts if refused.startswith(text))
        return NoneOf(rest) if rest else FREE


@dataclass(frozen=True, slots=True)
class Beginning:
    """A guard for what begins with a character that matches; what begins otherwise may come as well.

    `Beginning(NAME, OneOf.names({"a"}))` forbids `b` and allows `(`.
    """

    pattern: str
    guard: Guard
    may_end: bool = True
    is_free: bool = False

    def after(self, text: str) -> Guard | None:
        if not text:
            return self
        return self.guard.after(text) if re.match(self.pattern, text) else FREE


NAME = r"[^\W\d]"
"""What a name begins with."""


class Prior(Protocol):
    """Knows which of several members is likely at a place, by something else than the model's feeling for the text."""

    name: str

    def weights(self, view: View, names: frozenset[str]) -> Mapping[str, float]:
        """Nats by which each name is less likely than the likeliest: 0 at most. Names that are missing count as 0."""


class Monitor(Protocol):
    """Knows what may come next at some places. Asked on the model's thread, while a completion is being written.

    `triggers` are the characters behind which it is asked; at the beginning of a completion every monitor is. A
    monitor may also have a method `foresee(view)`, called a little earlier, to begin work that `guard` will need.
    """

    name: str
    triggers: str

    def guard(self, view: View) -> Guard:
        """What may come next at the view's end. A Free one where nothing is known."""
