"""How well the encoder finds the function that a docstring was taken from, beside BM25 and other ways to aggregate.

    python benchmarks/encoder_quality.py --packages FOLDER --json result.json

FOLDER has a folder for each package. One pool has all functions, methods and classes of all packages, without
docstrings and without exact duplicates; all are encoded by one function before any query is read.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scores import as_json, bootstrap, mean_difference

from retrieval.encoding import WEIGHTS
from retrieval.encoding_pooling import POOLINGS, best_block
from retrieval.encoding_words import WordEncoder, words_of
from retrieval.splitting import Definition
from retrieval.training.bags import ranks
from retrieval.training.corpus import read_package, without

BUCKETS = (256, 512, 1024)
"""Words: where the classes of length end."""
FUSED, WORDS = 10, 0.2
"""The constant of reciprocal rank fusion, and how much BM25 counts in it; chosen on packages for tuning."""
_IDENTIFIER = re.compile(r"\w+")

Scores = NDArray[np.float32]
"""float32[queries, definitions]"""
Ranks = NDArray[np.int64]


def main() -> None:
    options = _options()
    folders = sorted(folder for folder in options.packages.iterdir() if folder.is_dir())
    packages = list(without((read_package(folder, most=1 << 40) for folder in folders), set()))
    pool = [each for package in packages for each in package.definitions]
    first = np.concatenate([[0], np.cumsum([len(package.definitions) for package in packages])])
    asked = [(first[number] + each.answer, package.name, each.text)
             for number, package in enumerate(packages)
             for each in (package.calls if options.calls else package.docstrings)]  # fmt: skip
    answers, clusters, queries = (
        np.array([row[0] for row in asked]),
        [row[1] for row in asked],
        [row[2] for row in asked],
    )
    found, seconds = _ranked(options, pool, queries, answers)
    lengths = np.array([len(_words("".join(pool[answer].blocks))) for answer in answers])
    systems = {name: _measured(each, clusters, found, lengths) for name, each in found.items()}
    result = {"definitions": len(pool), "queries": len(queries), "seconds": seconds, "systems": systems}
    print(_table(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--calls", action="store_true", help="ask with what stands before a call, not with docstrings")
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE[:POOLING]", help="more encoders")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _ranked(
    options: argparse.Namespace, pool: Sequence[Definition], queries: Sequence[str], answers: Ranks
) -> tuple[Mapping[str, Ranks], Mapping[str, float]]:
    """The rank of each answer by system, and how long the embedded encoder takes for all definitions."""
    by_words = _bm25([f"{each.name}\n{''.join(each.blocks)}" for each in pool], queries)
    found = {
        "BM25, code": _places(_bm25(["".join(each.blocks) for each in pool], queries), answers),
        "BM25, name and code": _places(by_words, answers),
    }
    passages = [each.passages for each in pool]
    begin = time.perf_counter()
    best = WordEncoder(WEIGHTS).definitions(passages)
    seconds = time.perf_counter() - begin
    encoders = {pooling: WordEncoder(WEIGHTS, pooling) for pooling in POOLINGS}
    for option in options.weights:
        name, _, file = option.partition("=")
        path, _, pooling = file.partition(":")
        encoders[name] = WordEncoder(Path(path), pooling)
    for name, encoder in encoders.items():
        vectors = encoder.definitions(passages)
        found[name] = ranks(encoder.queries(queries), vectors, answers)
    encoder = WordEncoder(WEIGHTS)
    asked = encoder.queries(queries)
    for limit in BUCKETS[:2]:
        found[f"cut at {limit} words"] = ranks(asked, encoder.blocks([_cut(each, limit) for each in pool]), answers)
    starts = np.concatenate([[0], np.cumsum([len(each) for each in passages])[:-1]])
    blocks = encoder.blocks([block for each in passages for block in each])
    found["max-sim"] = _places(best_block(asked, blocks, starts), answers)
    found["hybrid"] = _places(_fused(by_words, asked @ best.T), answers)
    return found, {"encoding": seconds, "encoding, 20,000 definitions": seconds / len(pool) * 20_000}


def _bm25(texts: Sequence[str], queries: Sequence[str]) -> Scores:
    import bm25s

    index = bm25s.BM25()
    index.index([_words(text) for text in texts], show_progress=False)
    known = index.vocab_dict
    asked = [[word for word in _words(query) if word in known] for query in queries]
    return np.stack([index.get_scores(words) if words else np.zeros(len(texts), np.float32) for words in asked])


def _words(text: str) -> list[str]:
    return [word for identifier in _IDENTIFIER.findall(text) for word in words_of(identifier)]


def _cut(definition: Definition, limit: int) -> str:
    """Its name and the first words of it, as one block."""
    text, count = "".join(definition.blocks), 0
    for match in _IDENTIFIER.finditer(text):
        count += len(words_of(match[0]))
        if count > limit:
            return f"{definition.name}\n{text[: match.start()]}"
    return f"{definition.name}\n{text}"


def _places(scores: Scores, answers: Ranks) -> Ranks:
    """From 1, behind all that are as good."""
    own = scores[np.arange(len(answers)), answers]
    return np.asarray((scores >= own[:, None]).sum(1), np.int64)


def _fused(by_words: Scores, by_meaning: Scores) -> Scores:
    """Reciprocal rank fusion."""
    fused = np.zeros_like(by_meaning)
    for weight, scores in ((WORDS, by_words), (1.0, by_meaning)):
        for row, own in enumerate(scores):
            order = np.argsort(-own, kind="stable")
            fused[row, order] += weight / (FUSED + 1 + np.arange(len(order), dtype=np.float32))
    return fused


def _measured(
    own: Ranks, clusters: Sequence[str], all_: Mapping[str, Ranks], lengths: NDArray[np.int64]
) -> dict[str, Any]:
    inverse = 1 / own
    base = 1 / all_["BM25, name and code"]
    cut = 1 / all_["cut at 256 words"]
    long = lengths > BUCKETS[0]
    return {
        "mrr": as_json(bootstrap(clusters, lambda chosen: float(inverse[chosen].mean()))),
        "r@1": round(float((own <= 1).mean()), 4),
        "r@10": round(float((own <= 10).mean()), 4),
        "against BM25": as_json(mean_difference(clusters, inverse, base)),
        "against cut at 256, longer ones": as_json(
            mean_difference(
                [cluster for cluster, is_long in zip(clusters, long, strict=True) if is_long], inverse[long], cut[long]
            )
        ),
        "by package": _means(clusters, inverse),
        "by length": _means([_bucket(length) for length in lengths], inverse),
    }


def _means(groups: Sequence[str], values: NDArray[np.float64]) -> dict[str, tuple[int, float]]:
    """The size and the mean of each group."""
    members = defaultdict(list)
    for group, value in zip(groups, values, strict=True):
        members[group].append(value)
    return {group: (len(own), round(float(np.mean(own)), 4)) for group, own in sorted(members.items())}


def _bucket(length: int) -> str:
    ends = [0, *BUCKETS]
    start = max(end for end in ends if end <= length)
    return f"{start:>4} words and more"


def _table(result: Mapping[str, Any]) -> str:
    lines = [f"{result['definitions']:,} definitions, {result['queries']:,} queries; 20,000 definitions are encoded in "
             f"{result['seconds']['encoding, 20,000 definitions']:.1f} s",
             f"{'':24} {'MRR':>20}  R@1   R@10   by length"]  # fmt: skip
    for name, each in result["systems"].items():
        mrr, lengths = each["mrr"], " ".join(f"{value:.3f}" for _, value in each["by length"].values())
        interval = f"{mrr['value']:.3f} [{mrr['low']:.3f}, {mrr['high']:.3f}]"
        lines.append(f"{name:24} {interval:>20}  {each['r@1']:.3f} {each['r@10']:.3f}  {lengths}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
