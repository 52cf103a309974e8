"""What it costs to know a repository: its index of APIs, the ranking of what is likely at a cursor, and typed holes.

    python benchmarks/context.py --parts indexing,ranking,holes --corpus corpus --json context.json

indexing: lines a second, the time of an update, memory and questions; beside a walk over the standard library's `ast`.

ranking: milliseconds for the order of the likely APIs among 20,000 symbols; beside bare look-ups of as many names.

holes: milliseconds until a language server has told what may stand at a cursor; beside one hover.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

import hole_speed
import indexing
import ranking_recall
from cursors import INSTALLED
from options import EXTENSION, some_of
from rich.console import Console

PARTS = ("indexing", "ranking", "holes")


def measure(arguments: argparse.Namespace, console: Console) -> dict[str, object]:
    figures: dict[str, object] = {}
    if "indexing" in arguments.parts:
        figures["indexing"] = indexing.measure(arguments.corpus, arguments.sources, arguments.files, console)
    if "ranking" in arguments.parts:
        speed = ranking_recall.speed(seed=arguments.seed)
        console.print("ranking:", ", ".join(f"{name} {value:g}" for name, value in speed.items()))
        figures["ranking"] = speed
    if "holes" in arguments.parts:
        packages = hole_speed.PACKAGES
        times = asdict(hole_speed.measured(arguments.corpus, packages, arguments.cursors, arguments.seed))
        console.print("holes:", times)
        figures["holes"] = times
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=some_of(PARTS), default=PARTS, help=f"with commas ({','.join(PARTS)})")
    parser.add_argument("--corpus", type=Path, default=INSTALLED, help="folder that packages were installed to")
    parser.add_argument(
        "--sources", type=Path, nargs="*", default=[EXTENSION], help="folders with code in other languages"
    )
    parser.add_argument("--files", type=int, default=20_000, help="files of the tree that is walked; 0 leaves it out")
    parser.add_argument("--cursors", type=int, default=160, help="cursors with typed holes (160)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    os.environ.pop("VIRTUAL_ENV", None)  # each workspace has its own
    figures = measure(arguments, Console(width=160))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
