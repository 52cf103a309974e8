"""What a token costs in each backend with the same weights: processor time of one thread, so that a busy machine tells.

python benchmarks/backends.py --tokens 700 --steps 64 --runs 5

Each run reads so many tokens, of which nothing is known, and then writes so many, one by one; the backends take turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from assistant.types import Model
from plugins.huggingface import HuggingFace
from plugins.llama_cpp import WEIGHTS, LlamaCpp

TEXT = Path(__file__).parents[1] / "assistant" / "engine.py"


@dataclass
class Costs:
    """Seconds of processor time, by run: for reading a token, and for each one that is written."""

    reading: list[float] = field(default_factory=list)
    writing: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=700)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    models: dict[str, Model] = {
        "llama.cpp": LlamaCpp(WEIGHTS, threads=1),
        "Hugging Face": HuggingFace(str(WEIGHTS), threads=1),
    }
    costs = {name: Costs() for name in models}
    for run in range(options.runs + 1):
        for name, model in models.items():
            reading, *writing = spent(model, run, options.tokens, options.steps)
            if run:  # the first one warms up
                costs[name].reading.append(reading / options.tokens)
                costs[name].writing += writing
    for name, cost in costs.items():
        print(f"{name}: reading {1 / median(cost.reading):.0f} tokens a second", end=", ")
        print(f"writing {1000 * median(cost.writing):.1f} ms a token ({spread(cost.writing)})")


def spent(model: Model, run: int, tokens: int, steps: int) -> Iterator[float]:
    """Seconds for reading a text that begins as none before it, then for each token that is written behind it."""
    text = [model.tokenize(str(run))[0], *model.tokenize(TEXT.read_text())]
    for length in range(tokens, tokens + steps + 1):
        begin = time.process_time()
        model.logits(text[:length])
        yield time.process_time() - begin


def spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    tenth = len(ordered) // 10
    return f"{1000 * ordered[tenth]:.1f} to {1000 * ordered[-tenth - 1]:.1f}, 10th to 90th percentile"


if __name__ == "__main__":
    main()
