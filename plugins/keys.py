"""In a string that must be one of some, only those: the keys of a TypedDict, arguments and values of a Literal type.

Asked behind a quotation mark that begins a string where such a one may stand: `movie["`, `f(1, "`, `mode="`. It asks
for the strings that are known there, and whether the checker objects to one that nobody has: where that is taken, as an
ordinary dictionary takes any key, nothing is forbidden.

Monitor-guided decoding, Agrawal et al. 2023; that a checker's complaint closes a list of names is our own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.analysis import Analysis
from assistant.guards import FREE, Free, Guard, Monitor, View, within_quotes
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.syntax import tokens, unmatched
from language_servers.analyzer import Diagnostic

STRANGER = "no such string"
"""What nobody has as a key."""

_BEGINS = re.compile(r"(?:[\[({,=:|]|\breturn\b)[ \t]*[\"']\Z|^[ \t]*[\"']\Z")
_LITERAL = re.compile(r"Literal\[")
_UNION = re.compile(r"has type `([^`]+)`")
_DICTIONARY = re.compile(r"TypedDict `([^`]+)`")


@hookimpl
def ghostwright_monitors(settings: Settings, analysis: Analysis) -> Sequence[Monitor]:
    return [Keys(analysis)]


class Keys:
    """Lets a string be only what it must be one of."""

    name = "keys"
    triggers = "\"'"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def guard(self, view: View) -> Guard:
        if view.request.language != "python" or not _BEGINS.search(view.line) or not view.in_new_string:
            return FREE
        known = self._analysis.names(view)
        if known.doubt or not all(_LITERAL.match(member.detail) for member in known):
            return Free("any string may stand here")
        if not self._is_refused(view):
            return Free("other strings may stand here")
        return within_quotes(known.names, view)

    def _is_refused(self, view: View) -> bool:
        """Whether the checker objects to a string that nobody has."""
        start, end = len(view.before) - 1, len(view.before) + len(STRANGER) + 1
        stranger = STRANGER + view.before[-1] + (": ..." if _is_key(view) else "")
        found = self._analysis.diagnostics(view.request, view.on(stranger).document)
        return _rules_out([each for each in found if each.error and each.start <= start and each.end == end])


def _is_key(view: View) -> bool:
    """Whether the string is a key in a dictionary that is being written, or the element of a set."""
    head = view.before[:-1].rstrip()
    _, openers = unmatched(tokens(view.nearby[:-1], view.request.language))
    return head.endswith(("{", ",")) and bool(openers) and openers[-1].kind == "{"


def _rules_out(complaints: Sequence[Diagnostic]) -> bool:
    """Whether complaints about a key are made of all that the dictionary may be: `Movie | dict[str, int]` takes any."""
    union = next((match[1] for each in complaints if (match := _UNION.search(each.message))), "")
    named = {match[1] for each in complaints if (match := _DICTIONARY.search(each.message))}
    return bool(complaints) and {*filter(None, union.split(" | "))} - {"None"} <= named
