"""An abstract class may be named, passed on and subclassed, but not called.

Asked where an expression may begin. The guard lets everything through until the name of a class is followed by `(`;
then it asks, once for each name, whether the checker objects to the call. Classes that the file calls somewhere are
free unasked, so that ordinary calls cost nothing. Silent where there is no answer in time.

The instantiation monitor (Agrawal et al. 2023) the other way round: what can be instantiated makes no finite list, what
cannot is known to a checker. In the ten packages that it was tried on it objects to no call that stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assistant.analysis import Analysis
from assistant.guards import FREE, Guard, Monitor, View
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.types import CompletionRequest
from language_servers.analyzer import Fault, NoAnswer

_BEGIN = re.compile(r"(?:^|[\s=(\[{,:])\Z")
_DEFINITION = re.compile(r"\s*(?:(?:from|import|class|def|async[ \t]+def)\b|@)")
_BEGUN = re.compile(r"(?:[^\W\d]\w*\.)*(?:[^\W\d]\w*)?")
_CALLED = re.compile(r"((?:[^\W\d]\w*\.)*[A-Z]\w*[a-z]\w*)\(")


@hookimpl
def ghostwright_monitors(settings: Settings, analysis: Analysis) -> Sequence[Monitor]:
    return [Instantiation(analysis)]


class Instantiation:
    """Keeps abstract classes from being called."""

    name = "instantiation"
    triggers = " =([{,:"

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._request: CompletionRequest | None = None
        self._abstract: dict[str, bool] = {}

    def guard(self, view: View) -> Guard:
        if view.request.language != "python" or not _BEGIN.search(view.line) or _DEFINITION.match(view.line):
            return FREE
        return Uncalled(view, self._is_abstract) if view.in_code else FREE

    def _is_abstract(self, view: View, name: str) -> bool:
        """Whether the class of a name must not be called where a view ends. Known for the rest of the completion."""
        if view.request is not self._request:
            self._request, self._abstract = view.request, {}
        if name not in self._abstract:
            is_called = re.search(rf"(?<![\w.])(?<!class ){re.escape(name)}\(", view.request.text)
            self._abstract[name] = not is_called and self._is_refused(view, name)
        return self._abstract[name]

    def _is_refused(self, view: View, name: str) -> bool:
        try:
            found = self._analysis.diagnostics(view.request, view.on(f"{name}(").document)
        except NoAnswer:
            return False
        return any(each.fault is Fault.ABSTRACT and each.start == len(view.before) for each in found)


@dataclass(frozen=True, slots=True)
class Uncalled:
    """A guard that forbids the `(` behind the name of an abstract class; `begun` is what is written of the name."""

    view: View
    is_abstract: Callable[[View, str], bool]
    begun: str = ""
    may_end: bool = True
    is_free: bool = False

    def after(self, text: str) -> Guard | None:
        begun = self.begun + text
        if _BEGUN.fullmatch(begun):
            return replace(self, begun=begun)
        called = _CALLED.match(begun)
        return None if called and self.is_abstract(self.view, called[1]) else FREE
