"""Trains the embedded encoder: `python -m retrieval.training --sources FOLDER --out FILE.npz --plot curve.png`.

README.md, beside this file, says what it learns from and how.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from retrieval.encoding_pooling import POOLINGS
from retrieval.training.bags import Corpus
from retrieval.training.corpus import Package, read_package, without
from retrieval.training.sources import LIST, fetch, listed
from retrieval.training.vocabulary import Model, chosen

log = logging.getLogger("retrieval.training")

MODEL = Path(__file__).parents[2] / "assistant" / "weights" / "ghostwright-python-58m.Q5_K_M.gguf"
DIMENSION = 256


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    begin = time.monotonic()
    options.sources.mkdir(parents=True, exist_ok=True)
    packages = list(listed(LIST.read_text(encoding="utf-8")))
    if not options.offline:
        fetch(packages, options.sources)
    held_out, learnt = (
        _read([options.sources / each.folder for each in packages if each.held_out is held], options.seed)
        for held in (True, False)
    )
    seen: set[bytes] = set()
    held_out, learnt = list(without(held_out, seen)), list(without(learnt, seen))
    log.info("%.0f s: %s", time.monotonic() - begin, _described(learnt))
    _train(options, learnt, held_out, begin)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m retrieval.training", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder of the packages; what it lacks is fetched")
    parser.add_argument("--offline", action="store_true", help="fetch nothing: what is not there is left out")
    parser.add_argument(
        "--out", type=Path, required=True, help="the weights, a .npz file; beside it the curve, as JSON"
    )
    parser.add_argument("--plot", type=Path, help="the curve as a picture, a .png file")
    parser.add_argument("--pooling", choices=POOLINGS, default="attention2")
    parser.add_argument("--length", type=float, default=0.0, help="how much sharper words are weighed in longer texts")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def _read(folders: Sequence[Path], seed: int) -> list[Package]:
    """Those that are there, by as many processes as there are cores."""
    there = sorted(folder for folder in folders if folder.is_dir())
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as processes:
        return list(processes.map(read_package, there, [seed] * len(there)))


def _described(packages: Sequence[Package]) -> str:
    parts = zip(*((each.definitions, each.docstrings, each.calls) for each in packages), strict=True)
    counts = [sum(map(len, part)) for part in parts] or [0, 0, 0]
    return f"{len(packages)} packages, {counts[0]:,} definitions, {counts[1]:,} docstrings, {counts[2]:,} calls"


def _train(options: argparse.Namespace, learnt: list[Package], held_out: list[Package], begin: float) -> None:
    from retrieval.training.curve import plot
    from retrieval.training.fitting import Epoch, Recipe, fit, fit_head, mrr
    from retrieval.training.tower import Tower

    model = Model(MODEL)
    vocabulary, rarity = chosen(learnt, model.pieces())
    table = model.vectors(vocabulary.words, DIMENSION)
    log.info("%.0f s: %d words", time.monotonic() - begin, len(vocabulary))
    corpus, validation = Corpus.of(learnt, vocabulary), Corpus.of(held_out, vocabulary)
    tower = Tower(table, rarity, options.pooling, length=options.length).to(options.device)
    recipe = Recipe(epochs=options.epochs, seed=options.seed)
    curve = [Epoch(0, 0.0, None, mrr(tower, validation))]
    log.info("%.0f s: begins, MRR %.3f before", time.monotonic() - begin, curve[0].mrr)
    for epoch in fit(tower, corpus, recipe, validation):
        curve.append(epoch)
        log.info("%.0f s: epoch %d, loss %.3f, MRR %.3f", time.monotonic() - begin, epoch.number, epoch.loss, epoch.mrr)
    for epoch in fit_head(
        tower, "attention1" if options.pooling == "attention2" else "attention2", corpus, recipe, validation
    ):
        log.info("%.0f s: the other attention, MRR %.3f", time.monotonic() - begin, epoch.mrr)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    tower.save(options.out, vocabulary)
    story = {"recipe": asdict(recipe), "curve": [asdict(each) for each in curve], "seconds": time.monotonic() - begin}
    options.out.with_suffix(".json").write_text(json.dumps(story, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        plot(curve, options.plot)


if __name__ == "__main__":
    raise SystemExit(main())
