"""Every language server in use: one for each root and family of languages, shared by all who ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock

from language_servers.analyzer import Analyzer
from language_servers.catalog import Entry, candidates, chosen, family, installed, named
from language_servers.client import LanguageServer
from language_servers.session import Limits

MOST = 4
"""Servers that run at a time; the one that was asked longest ago rests."""


class Servers:
    """Finds and keeps servers. `choices` names one for a language, from the catalog or as a command line."""

    def __init__(self, choices: Mapping[str, str | Sequence[str]] | None = None, limits: Limits | None = None) -> None:
        self._choices = dict(choices or {})
        self._limits = limits or Limits()
        self._servers: dict[tuple[Path, tuple[str, ...]], LanguageServer | None] = {}
        self._lock = Lock()

    def of(self, path: Path, language: str, root: Path | None = None) -> Analyzer | None:
        """The server for a file, or None if none is installed. It starts when it is first asked."""
        folder = root or path.parent
        key = folder, family(language)
        with self._lock:
            if key not in self._servers:
                self._servers[key] = self._find(language, folder)
            server = self._servers[key]
            resting = self._superfluous(server) if server else []
        for each in resting:
            each.rest()
        return server

    def close(self) -> None:
        """Ends them all."""
        with self._lock:
            servers, self._servers = self._servers, {}
        for server in servers.values():
            if server:
                server.close()

    def running(self) -> tuple[LanguageServer, ...]:
        """Those that run now."""
        with self._lock:
            return tuple(server for server in self._servers.values() if server and server.is_running)

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk."""
        for server in self.running():
            server.files_changed([path for path in paths if path.is_relative_to(server.root)])

    def _find(self, language: str, root: Path) -> LanguageServer | None:
        for entry in self._entries(language):
            if program := installed(entry, root):
                return LanguageServer(entry, program, root, self._limits)
        return None

    def _entries(self, language: str) -> Iterator[Entry]:
        """The user's choice for the language or one of its family, then the catalog's order."""
        for each in (language, *family(language)):
            if choice := self._choices.get(each):
                entry = named(choice) if isinstance(choice, str) else chosen(choice, language)
                if entry:
                    yield entry
                break
        yield from candidates(language)

    def _superfluous(self, wanted: LanguageServer) -> list[LanguageServer]:
        if wanted.is_running:
            return []
        running = [server for server in self._servers.values() if server and server.is_running]
        running.sort(key=lambda server: server.asked)
        return running[: max(len(running) - (MOST - 1), 0)]
