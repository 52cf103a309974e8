"""How good completions are at real cursors after a dot, under several conditions, with the same prompts.

    pip install --target corpus --no-compile rich pygls jinja2 networkx docutils flask werkzeug httpx starlette \\
        hypothesis paramiko tornado
    python benchmarks/quality.py --corpus corpus --cursors 400 --json quality.json

A cursor is a place in a function of a package where a member is read; the rest of its line is taken away. None of the
packages is among those that the embedded model was trained on. The package is the workspace, what it imports is
installed. Conditions differ in the monitors and in the sources of context, and in nothing else; the first one is what
the others are compared with. Differences are paired; intervals (95 %) are bootstrapped over packages.

What is undefined in a completion is judged by another type checker than the one that the monitors ask: those of its
complaints about unknown members and names count that the original file does not give cause for.

A mask is what a monitor forbids at the cursor; it is false if it forbids what stands there. Coverage is the share of
cursors with a mask; "in time" is with the deadline that a completion has and nothing foreseen, the other without.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cursors import INSTALLED, cursors, neighbours
from packages import REPORTING, chosen
from quality_conditions import CONDITIONS, complete
from quality_judge import judge
from quality_masks import mask
from quality_report import Report, records, show, show_examples
from rich.console import Console
from sites import api_cursors


def measure(arguments: argparse.Namespace, folder: Path) -> Report:
    choose = api_cursors if arguments.answers == "apis" else cursors
    found = choose(arguments.corpus, arguments.packages, folder, arguments.cursors, arguments.seed)
    requests = [cursor.request(neighbours(cursor, arguments.open)) for cursor in found]
    report = Report(found)
    if arguments.conditions:
        conditions = {name: CONDITIONS[name] for name in arguments.conditions}
        complete(report, conditions, requests, arguments.server[0], folder / "indexes")
        judge(report, arguments.judge)
    for server in () if arguments.unmasked else arguments.server:
        mask(report, requests, server)
    return report


def _conditions(text: str) -> Sequence[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in CONDITIONS:
            raise argparse.ArgumentTypeError(f"no condition is called “{name}”; there are {', '.join(CONDITIONS)}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=INSTALLED, help="folder that packages were installed to")
    parser.add_argument(
        "--packages", type=chosen, default=REPORTING, help="import names with commas, `reporting` or `tuning`"
    )
    parser.add_argument("--cursors", type=int, default=400, help="how many in all (400)")
    parser.add_argument(
        "--conditions",
        type=_conditions,
        default=["no monitor", "monitors"],
        help=f"with commas, the first is the base; none for masks only ({', '.join(CONDITIONS)})",
    )
    parser.add_argument(
        "--server", action="append", help="language server for the monitors (ty); again for masks with another one"
    )
    parser.add_argument("--unmasked", action="store_true", help="do not ask what each monitor would forbid")
    parser.add_argument("--judge", default="pyrefly", help="type checker that says what is undefined (pyrefly)")
    parser.add_argument(
        "--answers",
        choices=("members", "apis"),
        default="members",
        help="cursors before any member that is read (the default), or before what the package itself offers",
    )
    parser.add_argument("--open", type=int, default=3, help="files of the same folder that are open (3)")
    parser.add_argument("--examples", type=int, default=0, help="false masks and worse completions to print")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures and every cursor to this file")
    arguments = parser.parse_args()
    arguments.server = arguments.server or ["ty"]
    logging.basicConfig(level=logging.ERROR)
    os.environ.pop("VIRTUAL_ENV", None)  # each workspace has its own
    console = Console(width=160)
    with tempfile.TemporaryDirectory() as folder:
        report = measure(arguments, Path(folder))
        figures = show(report, console)
        show_examples(report, console, arguments.examples)
        if arguments.json:
            figures["records"] = records(report)
            arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
