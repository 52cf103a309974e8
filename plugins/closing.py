"""Brackets and strings that a completion opens, it closes: in the right order, and before it ends.

Asked once, at the beginning; it follows all that is written. Silent where the cursor stands in a string or comment, and
in languages in which a quotation mark may be something else (a lifetime, a part of a regular expression).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.guards import FREE, Guard, Monitor, View
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.syntax import CLOSERS, OPENERS, open_brackets

QUOTES = {"python": "\"'", "java": '"', "csharp": '"', "go": '"', "c": '"', "cpp": '"'}
"""The marks of strings that end with their line."""

_COMMENTS = {"python": "#"}
_LONG = ("python", "java", "csharp")
"""Languages with strings between three marks."""

_RAW = {"cpp": "R", "csharp": "@"}
"""What stands before strings of other rules, which are not followed."""


@hookimpl
def ghostwright_monitors(settings: Settings) -> Sequence[Monitor]:
    return [Closing()]


class Closing:
    """Follows the brackets and strings of a completion."""

    name = "closing"
    triggers = ""

    def guard(self, view: View) -> Guard:
        language = view.request.language
        if view.written or language not in QUOTES or not view.in_code or _is_directive(view):
            return FREE
        return Open(language, tuple(OPENERS[opener.kind] for opener in open_brackets(view.nearby, language)))


def _is_directive(view: View) -> bool:
    """Whether a point stands in a directive of the preprocessor, whose brackets are no tokens."""
    if view.request.language not in ("c", "cpp"):
        return False
    above = view.before[: -len(view.line) or None].removesuffix("\n").removesuffix("\r")
    return view.line.lstrip().startswith("#") or above.endswith("\\")


@dataclass(frozen=True, slots=True)
class Open:
    """What is open: the closing brackets of the text before, then of the completion (`own`), innermost last.

    `quote` is the mark of the string that the text ends in, one character or three, or the end of a long comment;
    `marks` are characters that may become a longer mark with the next: quotation marks, or a slash; in the quotes of a
    character what is written of it. `rest_of_line` says that the text ends in a comment.
    """

    language: str
    outer: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    quote: str = ""
    marks: str = ""
    escaped: bool = False
    rest_of_line: bool = False
    is_free: bool = False

    @property
    def may_end(self) -> bool:
        return not self.own and not self.quote

    def after(self, text: str) -> Guard | None:
        state: Guard | None = self
        for character in text:
            if not isinstance(state, Open):
                break
            state = state._on(character)
        return state

    def _on(self, character: str) -> Guard | None:
        if self.rest_of_line:
            return replace(self, rest_of_line=character != "\n")
        if self.quote:
            return self._in_string(character)
        if character in _COMMENTS.get(self.language, "") or (self._has_slash and character == "/"):
            return replace(self, rest_of_line=True, marks="")
        if self._has_slash and character == "*":
            return replace(self, quote="*/", marks="")
        if character in QUOTES[self.language]:
            return self._mark(character)
        if self.language != "python" and (character == "'" or (character == "`" and self.language == "go")):
            return replace(self, quote=character, marks="")
        if character in OPENERS:
            return replace(self, own=(*self.own, OPENERS[character]), marks="")
        if character in CLOSERS:
            return self._closed(character)
        marks = character if character in ("/", _RAW.get(self.language)) else ""
        return replace(self, marks=marks) if marks != self.marks else self

    @property
    def _has_slash(self) -> bool:
        return self.marks == "/" and self.language != "python"

    def _closed(self, bracket: str) -> Open | None:
        if self.own:
            return replace(self, own=self.own[:-1], marks="") if self.own[-1] == bracket else None
        if self.outer:
            return replace(self, outer=self.outer[:-1], marks="") if self.outer[-1] == bracket else None
        return self

    def _mark(self, mark: str) -> Guard:
        """Behind a quotation mark outside of strings: the first of a string, or the third of a long one."""
        if self.marks and self.marks == _RAW.get(self.language):
            return FREE
        if self.marks == mark * 2:
            return replace(self, quote=mark * 3, marks="")
        return replace(self, quote=mark, marks=mark)

    def _in_string(self, character: str) -> Guard | None:
        if self.quote in ("*/", "`"):
            return self._until_end(character)
        if self.quote == "'" and self.language != "python":
            return self._in_character(character)
        if self.escaped:
            return replace(self, escaped=False)
        if character == "\\":
            return replace(self, escaped=True, marks="")
        if len(self.quote) == 3:
            marks = self.marks + character if character == self.quote[0] else ""
            return replace(self, quote="", marks="") if marks == self.quote else replace(self, marks=marks)
        if character == self.quote:  # the second mark of three, or the end
            return replace(self, quote="", marks=character * 2 if self.marks and self.language in _LONG else "")
        return None if character == "\n" else replace(self, marks="")

    def _until_end(self, character: str) -> Open:
        """In a comment or string that ends with just these characters."""
        marks = (self.marks + character)[-len(self.quote) :]
        return replace(self, quote="", marks="") if marks == self.quote else replace(self, marks=marks)

    def _in_character(self, character: str) -> Guard | None:
        """Behind a single quotation mark: that of a character, or one within a number: `'('`, `1'000`."""
        is_escape = self.marks.startswith("\\")
        if character == "'" and self.marks != "\\":
            return replace(self, quote="", marks="")
        if not self.marks or (is_escape and character != "\n"):
            return replace(self, marks=self.marks + character)
        return replace(self, quote="", marks="").after(self.marks + character)
