"""Language servers for the tests, and texts in which `‸` is the cursor."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from language_servers.analyzer import Document, NoAnswer
from language_servers.catalog import Entry, Ready
from language_servers.client import LanguageServer
from language_servers.limits import Limits

T = TypeVar("T")

SCRIPT = Path(__file__).with_name("language_server_fake.py")
LONG = 20.0
"""Seconds that are enough for everything on a busy machine."""

QUICK = Limits(first_pause=0.05, longest_pause=0.1, weighing=0.1)
"""Failures follow each other fast."""


def fake(
    root: Path, *arguments: str, limits: Limits = QUICK, ready: Ready = Ready.SAMPLE, **settings: object
) -> LanguageServer:
    """A server of our own that behaves or fails as its arguments say."""
    command = (sys.executable, str(SCRIPT), *arguments)
    entry = Entry("fake", ("fake",), command, settings=settings, ready=ready)
    return LanguageServer(entry, Path(sys.executable), root, limits)


def marked(path: Path, text: str, language: str = "fake") -> tuple[Document, int]:
    """The document and the offset of the cursor in it."""
    assert text.count("‸") == 1
    return Document(path, language, text.replace("‸", "")), text.index("‸")


def shown(document: Document, text: str) -> Document:
    return replace(document, text=text)


def eventually(question: Callable[[], T], seconds: float = LONG) -> T:
    """The first answer to a question that is asked again and again. What it says last is raised after so long."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return question()
        except NoAnswer:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def until(condition: Callable[[], object], seconds: float = LONG) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
