"""What the command lines of several benchmarks have in common: options, and how far they have come."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from rich import progress
from rich.console import Console

EXTENSION = Path(__file__).resolve().parent.parent / "vscode-extension"
"""Has TypeScript and JavaScript, where what it needs is installed."""


EVERY = 20.0
"""Seconds between two lines that say how far a benchmark has come, where it writes to a file."""

T = TypeVar("T")


def track(items: Sequence[T], label: str) -> Iterator[T]:
    """The items one by one, with a bar on a terminal, and with a line now and then elsewhere."""
    if sys.stderr.isatty():
        yield from progress.track(items, label, console=Console(stderr=True), transient=True)
        return
    told = time.monotonic()
    for number, item in enumerate(items):
        if time.monotonic() > told + EVERY:
            told = time.monotonic()
            print(f"{label}: {number} of {len(items)}", file=sys.stderr, flush=True)
        yield item


def some_of(parts: Sequence[str]) -> Callable[[str], Sequence[str]]:
    """Reads an option that names some of a benchmark's parts, with commas."""

    def read(text: str) -> Sequence[str]:
        names = text.split(",")
        for name in names:
            if name not in parts:
                raise argparse.ArgumentTypeError(f"there is no part “{name}”; there are {', '.join(parts)}")
        return names

    return read
