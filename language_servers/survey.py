"""Which language servers are installed, and how fast they are: what a user wants to know when something is missing."""

from __future__ import annotations

import logging
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from language_servers.analyzer import NoAnswer
from language_servers.catalog import CATALOG, Entry, installed
from language_servers.client import LanguageServer
from language_servers.limits import Limits
from language_servers.questions import sample_question

log = logging.getLogger(__name__)
log.setLevel(logging.ERROR)  # whoever asks is told what is wrong


@dataclass(frozen=True, slots=True)
class Found:
    """A server of the catalog that is installed. `version` is empty where it does not tell."""

    entry: Entry
    program: Path
    version: str


def found() -> Iterator[Found]:
    """What is installed, in the catalog's order."""
    for entry in CATALOG:
        if program := installed(entry):
            yield Found(entry, program, version(entry, program))


def missing() -> tuple[str, ...]:
    """The names of what is not installed."""
    return tuple(entry.name for entry in CATALOG if not installed(entry))


def version(entry: Entry, program: Path) -> str:
    """The first line that a program says of its version, within 5 s."""
    if not entry.version:
        return ""
    try:
        done = subprocess.run([program, *entry.version], capture_output=True, timeout=5, text=True, errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines[0] if lines and done.returncode == 0 else ""


def timed_members(server: Found, patience: float = 15) -> float:
    """Seconds that one question for the members of a value takes in a tiny file, once the server has started.

    Raises NoAnswer if there is no right answer within `patience` seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        limits = Limits(starting=patience, failures=1)
        running = LanguageServer(server.entry, server.program, Path(folder), limits, log)
        try:
            return _timed(running, server.entry.languages[0], patience)
        finally:
            running.close()


def _timed(server: LanguageServer, language: str, patience: float) -> float:
    sample = sample_question(language, server.root)
    if sample is None:
        raise NoAnswer(f"there is no sample of {language}")
    document, offset = sample.question.document, sample.offset
    if not server.wait_until_ready(patience):
        server.members(document, offset, 0)  # raises the reason
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        begin = time.monotonic()
        with suppress(NoAnswer):  # a server may still be reading the file
            if sample.member in server.members(document, offset, patience).names:
                return time.monotonic() - begin
        time.sleep(0.05)
    raise NoAnswer(f"{server.name} does not know the members of a simple value")
