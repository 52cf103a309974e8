"""What of a completion does not exist, by a type checker that the monitors do not ask."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from analyzers import PATIENCE, started
from cursors import Cursor
from options import track
from quality_report import Report, Shot

from language_servers.analyzer import Diagnostic, Document, NoAnswer
from language_servers.limits import Limits
from language_servers.servers import Servers

log = logging.getLogger(__name__)

UNDEFINED = frozenset(("missing-attribute", "unknown-name", "unresolved-attribute", "unresolved-reference"))
"""What pyrefly and ty call unknown members and names."""

_CLASS = re.compile(r"Object of class `(\w+)`")


class Judge:
    """A type checker that says what of a completion does not exist."""

    def __init__(self, server: str) -> None:
        self._servers = Servers({"python": server}, Limits(running=PATIENCE))
        self.unjudged = 0
        self._known: dict[Path, Counter[str]] = {}

    def undefined(self, cursor: Cursor, shot: Shot) -> tuple[str, ...]:
        """The complaints about a completion's names and members that the original does not give cause for."""
        if not shot.text.strip():
            return ()
        completed = cursor.completed(shot.text, shot.replaces)
        try:
            if cursor.path not in self._known:
                self._known[cursor.path] = Counter(self._complaints(cursor, cursor.text, 0, len(cursor.text)))
            found = Counter(self._complaints(cursor, completed, cursor.offset, cursor.offset + len(shot.text)))
        except NoAnswer:
            self.unjudged += 1
            return ()
        return tuple((found - self._known[cursor.path]).elements())

    def close(self) -> None:
        self._servers.close()

    def _complaints(self, cursor: Cursor, text: str, start: int, end: int) -> Iterator[str]:
        document = Document(cursor.path, "python", text)
        for each in started(self._servers, cursor).diagnostics(document, PATIENCE):
            if each.start < end and each.end > start and is_undefined(each):
                yield f"{each.code}: {each.message.splitlines()[0]}"


def is_undefined(diagnostic: Diagnostic) -> bool:
    """Whether something does not exist: what only None lacks is there if the value is."""
    lacking = _CLASS.findall(diagnostic.message)
    return diagnostic.code in UNDEFINED and (not lacking or set(lacking) != {"NoneType"})


def judge(report: Report, server: str) -> None:
    """Has a type checker look at every completion."""
    jury = Judge(server)
    for name, shots in report.shots.items():
        pairs = list(zip(report.cursors, shots, strict=True))
        report.shots[name] = [
            replace(shot, undefined=jury.undefined(cursor, shot))
            for cursor, shot in track(pairs, f"{server} on {name}")
        ]
    if jury.unjudged:
        log.warning("%s did not judge %d completions in time; they count as right", server, jury.unjudged)
    jury.close()
