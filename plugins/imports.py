"""After `import` and `from`, only modules that exist; after `from x import`, only what `x` has.

Asked behind blanks, commas, dots and `(`; it asks for the names that may be imported there. Silent where a module is
unknown or makes up names as it runs (`__getattr__`, PEP 562). About modules as such it is also silent within blocks,
where what need not be installed is imported, and where the project has no environment of its own.

Monitor-guided decoding, Agrawal et al. 2023, section 3, on Python's imports.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from assistant.analysis import Analysis
from assistant.guards import FREE, NAME, Beginning, Free, Guard, Monitor, OneOf, View
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from language_servers.analyzer import Members, NoAnswer
from language_servers.python import environment

BLOCK = 4_096
"""Code points above the cursor in which a block of imported names begins."""

_HEAD = re.compile(r"[ \t]*(?:from|import)\b")
_LISTED = re.compile(r"[ \t]*(?:\w+(?:[ \t]+as[ \t]+\w+)?[ \t]*,[ \t]*)*")
_BLOCK = re.compile(r"^[ \t]*from\b[^\n()]*\bimport\s*\([^()]*\Z", re.MULTILINE)
_COMMENT = re.compile(r"#.*")

_ONE = r"\w[\w.]*(?:\s+as\s+\w+)?\s*,\s*"
_MODULE = re.compile(rf"\s*(?:import\s+(?:{_ONE})*|from\s+)\Z")
_SUBMODULE = re.compile(rf"\s*(?:import\s+(?:{_ONE})*|from\s+\.*)((?:\w+\.)*)(?<=\.)\Z")
_OBJECT = re.compile(rf"\s*from\s+(\.*)([\w.]*)\s+import(?:\s*\(\s*|\s+)(?:{_ONE})*\Z")
_DYNAMIC = re.compile(r"^def __getattr__\b|\bsys\.modules\[__name__\]|\bglobals\(\)", re.MULTILINE)
_IMPORTED = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w+)", re.MULTILINE)


@hookimpl
def ghostwright_monitors(settings: Settings, analysis: Analysis) -> Sequence[Monitor]:
    return [Imports(analysis)]


class Imports:
    """Lets only what can be imported follow in an import."""

    name = "imports"
    triggers = " ,.("

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def guard(self, view: View) -> Guard:
        statement = _statement(view)
        if not statement or not view.in_code:
            return FREE
        if _MODULE.match(statement):
            return self._modules(view, statement)
        if match := _SUBMODULE.match(statement):
            return self._submodules(view, match[1])
        if match := _OBJECT.match(statement):
            return self._objects(view, statement, match)
        return FREE

    def foresee(self, view: View) -> None:
        """Asks for what may be imported while the model writes the blank before it."""
        if view.line.endswith(("import", "from")) and _HEAD.match(view.line):
            self._analysis.foresee_names(view.on(" "))

    def _modules(self, view: View, statement: str) -> Guard:
        """Behind `import ` and `from `."""
        if statement[0].isspace():
            return Free("an import that may be meant to fail")
        if environment(view.request.root or view.request.path.parent) is None:
            return Free("the project has no environment of its own")
        marks = "." if statement.split()[0] == "from" else ""
        return _guard(self._analysis.names(view), {*_IMPORTED.findall(view.request.text), *marks}, statement)

    def _submodules(self, view: View, package: str) -> Guard:
        """Behind `from .` and `import x.`."""
        if package:
            return _guard(self._analysis.members(view))
        return _guard(self._analysis.names(view), {".", " "})

    def _objects(self, view: View, statement: str, module: re.Match[str]) -> Guard:
        """Behind `from x import `."""
        known = self._analysis.names(view)
        if not known.doubt and _DYNAMIC.search(self._source(view, statement, module)):
            return Free("the module makes up its names")
        return _guard(known, {"(", "*"}, statement)

    def _source(self, view: View, statement: str, module: re.Match[str]) -> str:
        """The text of the module from which something is imported; empty for a package that has none."""
        path = view.request.path.parents[max(len(module[1]), 1) - 1] / "__init__.py"
        end = len(view.before) - len(statement) + module.end(2)
        try:
            if module[2]:
                path = self._analysis.type_definition(view.request, view.document, end).path
            return path.read_text(encoding="utf-8", errors="replace")
        except (NoAnswer, OSError):
            return ""


def _statement(view: View) -> str:
    """The import that a view ends in, its comments made blank; empty if it ends in something else."""
    if _HEAD.match(view.line):
        return view.line
    if not _LISTED.fullmatch(view.line):
        return ""
    block = _BLOCK.search(view.before, max(len(view.before) - BLOCK, 0))
    return _COMMENT.sub(lambda comment: " " * len(comment[0]), block[0]) if block else ""


def _guard(known: Members, more: AbstractSet[str] = frozenset(), statement: str = "") -> Guard:
    """Known names and more texts; in a block of names and right behind a comma blanks may come first."""
    if known.doubt:
        return Free(known.doubt)
    guard = OneOf.names(known.names | more)
    return Beginning(NAME, guard) if "(" in statement or statement.endswith(",") else guard
