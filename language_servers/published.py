"""Diagnostics that a server publishes by itself, for those who wait for those of one text."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from language_servers.messages import PublishedDiagnostics
from language_servers.rpc import ConnectionLost, Reply, RequestFailed

UNDATED = "its diagnostics do not tell which text they are about"


@dataclass(slots=True)
class _News:
    version: int | None = None
    diagnostics: msgspec.Raw = field(default_factory=lambda: msgspec.Raw(b"[]"))
    waiting: dict[int, Reply] = field(default_factory=dict)


class Published:
    """The last diagnostics of each document. Whoever calls holds a lock, and resolves what is returned without it.

    `are_dated` says whether they name the version of the text that they are about, as far as is known.
    """

    def __init__(self) -> None:
        self._news: dict[Path, _News] = {}
        self._seen: set[Path] = set()
        self.are_dated = True

    def has(self, path: Path) -> bool:
        """Whether any have come for a document since it was opened."""
        return path in self._seen

    def of(self, path: Path, version: int) -> Reply:
        """Those of a version of a document: at once if they have come."""
        news = self._news.setdefault(path, _News())
        if news.version == version:
            reply: Reply = Future()
            reply.set_result(news.diagnostics)
            return reply
        return news.waiting.setdefault(version, Future())

    def take(self, path: Path, news: PublishedDiagnostics) -> list[tuple[Reply, msgspec.Raw | Exception]]:
        """Keeps what has come, and tells who gets what. Diagnostics that name no version may be an older text's."""
        self._seen.add(path)
        if news.version is None:
            return self._refuse()
        known = self._news.setdefault(path, _News())
        known.version, known.diagnostics = news.version, news.diagnostics
        due = {each: known.waiting.pop(each) for each in list(known.waiting) if each <= news.version}
        superseded = RequestFailed(0, "a newer text was asked about")
        return [(reply, news.diagnostics if each == news.version else superseded) for each, reply in due.items()]

    def forget(self, path: Path) -> None:
        """A document is closed."""
        self._seen.discard(path)
        self._news.pop(path, None)

    def lose(self, reason: str) -> list[tuple[Reply, msgspec.Raw | Exception]]:
        """None will come any more."""
        return self._fail(ConnectionLost(reason))

    def _refuse(self) -> list[tuple[Reply, msgspec.Raw | Exception]]:
        self.are_dated = False
        return self._fail(RequestFailed(0, UNDATED))

    def _fail(self, error: Exception) -> list[tuple[Reply, msgspec.Raw | Exception]]:
        waiting = [reply for news in self._news.values() for reply in news.waiting.values()]
        self._news.clear()
        return [(reply, error) for reply in waiting]


def settle(replies: list[tuple[Reply, msgspec.Raw | Exception]]) -> None:
    """Gives each what it gets."""
    for reply, outcome in replies:
        if isinstance(outcome, Exception):
            reply.set_exception(outcome)
        else:
            reply.set_result(outcome)
