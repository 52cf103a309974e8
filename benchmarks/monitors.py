"""What monitors cost, and how much they see: masks, triggers, and the time that decoding takes.

    python benchmarks/monitors.py --parts masks,triggers,decoding --vocabularies models --json monitors.json

masks: milliseconds for one mask, where 10, 100 or 1,000 names are legal, beside llguidance and beside the published
implementation of monitor-guided decoding (`pip install pygtrie`).

triggers: of the members that are read in real code, the share for which a monitor is asked before the first byte of
their name is written; beside the published trigger, which is asked between two tokens only.

decoding: the time per token at real cursors without monitors, with answers that are known already, with those of a
language server, and with several monitors together.

The vocabularies of other models come with llama.cpp's sources:

    pip download --no-deps --no-binary :all: llama-cpp-python
    tar -xzf llama_cpp_python-*.tar.gz      # the folder is vendor/llama.cpp/models in it
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
from pathlib import Path

import decoding_overhead
import mask_cost
import trigger_coverage
from cursors import INSTALLED
from options import EXTENSION, some_of
from packages import TUNING
from rich.console import Console
from vocabularies import FILES, known

PARTS = ("masks", "triggers", "decoding")

MASKED = ("embedded", "StarCoder", "Qwen2")
"""Vocabularies of 16, 49 and 152 thousand tokens."""


def measure(arguments: argparse.Namespace, console: Console, folder: Path) -> dict[str, object]:
    figures: dict[str, object] = {}
    if "masks" in arguments.parts:
        vocabularies = known(arguments.vocabularies, MASKED)
        costs = list(mask_cost.measure(vocabularies, arguments.rounds, arguments.sets, arguments.seed))
        figures["masks"] = mask_cost.show(console, costs)
    if "triggers" in arguments.parts:
        vocabularies = known(arguments.vocabularies, list(FILES))
        coverage = trigger_coverage.measure(vocabularies, arguments.sources, arguments.files, arguments.seed)
        figures["triggers"] = trigger_coverage.show(console, coverage)
    if "decoding" in arguments.parts:
        amount = arguments.completions, arguments.threads, arguments.seed
        runs = decoding_overhead.measure(arguments.corpus, TUNING, folder, *amount)
        figures["decoding"] = decoding_overhead.show(console, runs)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=some_of(PARTS), default=PARTS, help=f"with commas ({','.join(PARTS)})")
    parser.add_argument("--vocabularies", type=Path, help="folder with ggml-vocab-*.gguf; without, the embedded only")
    parser.add_argument("--corpus", type=Path, default=INSTALLED, help="folder that packages were installed to")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of masks (5)")
    parser.add_argument("--sets", type=int, default=20, help="sets of names in a round (20)")
    parser.add_argument(
        "--sources", type=Path, nargs="+", default=[INSTALLED, EXTENSION], help="folders with code to be written again"
    )
    parser.add_argument("--files", type=int, default=40, help="files of each language that are written again (40)")
    parser.add_argument("--completions", type=int, default=300, help="completions under each condition (300)")
    parser.add_argument("--threads", type=int, default=0, help="threads of the model; 0 adapts them (0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    os.environ.pop("VIRTUAL_ENV", None)  # each workspace has its own
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(arguments, Console(width=160), Path(folder))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
