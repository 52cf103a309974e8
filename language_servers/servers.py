"""Every language server in use: one for each root and family of languages, shared by all who ask."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock, Thread

from language_servers.analyzer import Analyzer
from language_servers.catalog import Entry, candidates, chosen, family, installed, named
from language_servers.client import LanguageServer
from language_servers.limits import Limits

log = logging.getLogger(__name__)

MOST = 4
"""Servers that run at a time; the one that was asked longest ago rests."""


class Servers:
    """Finds and keeps servers. `choices` names one for a language, from the catalog or as a command line; "" for none.

    Raises ValueError if the catalog has no such server for the language.
    """

    def __init__(self, choices: Mapping[str, str | Sequence[str]] | None = None, limits: Limits | None = None) -> None:
        self._choices = {language: _choice(language, choice) for language, choice in (choices or {}).items()}
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
        threads = [Thread(target=server.close) for server in servers.values() if server]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def running(self) -> tuple[LanguageServer, ...]:
        """Those that run now."""
        with self._lock:
            return tuple(server for server in self._servers.values() if server and server.is_running)

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk."""
        for server in self.running():
            server.files_changed([path for path in paths if path.is_relative_to(server.root)])

    def _find(self, language: str, root: Path) -> LanguageServer | None:
        for entry in self._entries(language, root):
            if program := installed(entry, root):
                return LanguageServer(entry, program, root, self._limits)
        return None

    def _entries(self, language: str, root: Path) -> Iterator[Entry]:
        """What the user chose for the language or one of its family, or the catalog's order if that is not there."""
        chosen_for = next((each for each in (language, *family(language)) if each in self._choices), None)
        entry = self._choices[chosen_for] if chosen_for else None
        if entry:
            yield entry
        if entry and not installed(entry, root):
            log.warning("The language server %s, chosen for %s, is not installed.", entry.name, chosen_for)
        if entry or not chosen_for:
            yield from candidates(language)

    def _superfluous(self, wanted: LanguageServer) -> list[LanguageServer]:
        if wanted.is_running:
            return []
        running = [server for server in self._servers.values() if server and server.is_running]
        running.sort(key=lambda server: server.asked)
        return running[: max(len(running) - (MOST - 1), 0)]


def _choice(language: str, choice: str | Sequence[str]) -> Entry | None:
    if not isinstance(choice, str):
        return chosen(choice, language) if choice else None
    entry = named(choice)
    if choice and (entry is None or language not in entry.languages):
        known = ", ".join(each.name for each in candidates(language)) or "none"
        raise ValueError(f"There is no language server “{choice}” for {language}; there are {known}.")
    return entry
