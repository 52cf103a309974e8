"""What the command lines of several benchmarks have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

EXTENSION = Path(__file__).resolve().parent.parent / "vscode-extension"
"""Has TypeScript and JavaScript, where what it needs is installed."""


def some_of(parts: Sequence[str]) -> Callable[[str], Sequence[str]]:
    """Reads an option that names some of a benchmark's parts, with commas."""

    def read(text: str) -> Sequence[str]:
        names = text.split(",")
        for name in names:
            if name not in parts:
                raise argparse.ArgumentTypeError(f"there is no part “{name}”; there are {', '.join(parts)}")
        return names

    return read
