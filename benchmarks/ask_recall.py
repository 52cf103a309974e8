"""How often the API that a request is about is among the first that `ghostwright ask` finds.

    pip install --target corpus --no-compile rich pygls jinja2 networkx docutils flask werkzeug httpx starlette \\
        hypothesis paramiko tornado
    python benchmarks/ask_recall.py --corpus corpus --json ask.json

Requests come from the packages themselves, in two ways. “docstring”: the first sentence of a function's documentation,
which the index then does not have, neither of it nor of others with the same; the truth is those functions. “comment”:
what a comment says in the imperative above a statement, asked from that file, whose index is whole; the truth is what
the statement calls, by name, so that the same name elsewhere counts too. Nobody wrote either as a request, and comments
are often about more than one call: the figures compare ways of finding, and promise nothing.

“with the index” is `ask` where the code is indexed: an index of a copy of the package, in which there is no
documentation for requests that come from it, and no comment for those that come from comments. The baseline ranks by
the words that request and name have in common, as a share of both. Intervals (95 %) are bootstrapped over packages.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from cursors import INSTALLED, is_code
from packages import REPORTING, TUNING
from ranking_recall import index
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scores import Estimate, as_json, bootstrap, mean_difference
from sites import BUILT_IN

from assistant.ask import DEPTH
from assistant.languages import language_of
from retrieval.apis import Api, ApiKind, Apis
from retrieval.asking import Found, Near, fused, ranked
from retrieval.encoding import load
from retrieval.index import CodeIndex
from retrieval.index_local import opened
from retrieval.indexing import Indexing
from retrieval.surroundings import words_in_order, words_of
from retrieval.wording import Wording

FIRST = (1, 5, 10)
FEWEST, MOST = 3, 20
"""Words of a request."""

_COMMENT = re.compile(r"\s*#+\s*(.*)")
_NO_REQUEST = re.compile(r"noqa|type:|pragma|pylint|TODO|XXX|FIXME")
_CALLABLE = (ApiKind.FUNCTION, ApiKind.METHOD, ApiKind.CLASS)


@dataclass(frozen=True, slots=True)
class Request:
    """Words, the qualified names of what they are about, and where they are asked from."""

    package: str
    kind: str
    text: str
    truth: frozenset[str]
    near: Near | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a package offers, as it is known when something is asked: APIs by file, and what they say."""

    files: Mapping[str, Sequence[Api]]
    wordings: Mapping[str, Wording]

    @classmethod
    def of(cls, files: Mapping[str, Sequence[Api]]) -> Offer:
        return cls(files, {path: Wording(apis) for path, apis in files.items()})

    @property
    def apis(self) -> list[Api]:
        return [api for apis in self.files.values() for api in apis]

    def without(self, doc: str) -> Offer:
        """Without the documentation that a request is made of."""
        saying = {path: apis for path, apis in self.files.items() if any(api.doc == doc for api in apis)}
        silent = {
            path: [replace(api, doc="") if api.doc == doc else api for api in apis] for path, apis in saying.items()
        }
        return Offer({**self.files, **silent}, {**self.wordings, **Offer.of(silent).wordings})


Rank = Callable[[Offer, Request], Sequence[Api]]


def by_words(offer: Offer, request: Request) -> list[Found]:
    return [
        Found(offer.files[path][place], score)
        for path, place, score in ranked(offer.wordings, request.text, request.near or Near())
    ]


def asked(offer: Offer, request: Request) -> Sequence[Api]:
    return [each.api for each in by_words(offer, request)]


def by_name(offer: Offer, request: Request) -> Sequence[Api]:
    words = words_of(request.text)
    scored = [(len(words & own) / len(words | own), api) for api in offer.apis if (own := words_of(api.name)) & words]
    return [api for _, api in sorted(scored, key=lambda pair: (-pair[0], pair[1].qualified))]


RANKINGS: Mapping[str, Rank] = {"ask": asked, "words of the name": by_name}
INDEXED = "ask with the index"


def with_index(indexes: Mapping[str, CodeIndex]) -> Rank:
    """What `ask` finds where there is an index; there is one for each kind of request."""

    def rank(offer: Offer, request: Request) -> Sequence[Api]:
        places = {(api.path, api.within): api for api in offer.apis}
        hits = indexes[request.kind].search(request.text, DEPTH)
        by_meaning = [api for hit in hits if (api := places.get((hit.path, hit.name)))]
        found = fused(by_words(offer, request), by_meaning, request.text, request.near)
        return [each.api for each in found]

    return rank


def without_comments(text: str) -> str:
    return "\n".join("" if _COMMENT.fullmatch(line) else line for line in text.split("\n"))


def without_documentation(text: str) -> str:
    """A file's code, without the documentation of its functions and classes."""
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        match node:
            case (
                ast.FunctionDef(body=[ast.Expr(ast.Constant(str())) as doc, *_])
                | ast.AsyncFunctionDef(body=[ast.Expr(ast.Constant(str())) as doc, *_])
                | ast.ClassDef(body=[ast.Expr(ast.Constant(str())) as doc, *_])
            ) if doc.lineno > node.lineno:
                lines[doc.lineno - 1 : doc.end_lineno] = [""] * ((doc.end_lineno or 0) - doc.lineno + 1)
                lines[doc.lineno - 1] = " " * doc.col_offset + "pass"
    return "\n".join(lines)


WITHOUT: Mapping[str, Callable[[str], str]] = {"docstring": without_documentation, "comment": without_comments}


def indexed(package: str, root: Path, kind: str, folder: Path) -> CodeIndex:
    """The index of a copy of a package that does not have what requests of a kind are made of."""
    copy = folder / kind
    for path in _code(root, package):
        target = copy / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(WITHOUT[kind](path.read_text(encoding="utf-8")), encoding="utf-8")
    index = opened(copy, load(), folder / f"index of {kind}")
    with closing(Indexing(copy, index, language_of, gentle=False)) as indexing:
        indexing.wait()
    return index


def of_docs(package: str, root: Path, every: Sequence[Api]) -> Iterator[Request]:
    """First sentences of functions and methods that are meant to be called by their names."""
    paths = {path.relative_to(root).as_posix() for path in _code(root, package)}
    told: dict[str, list[Api]] = defaultdict(list)
    for api in every:
        if api.doc:
            told[api.doc].append(api)
    for text, apis in told.items():
        is_called = any(
            api.kind in (ApiKind.FUNCTION, ApiKind.METHOD) and api.path in paths and api.name[:2] != "__"
            for api in apis
        )
        if is_called and len(words_of(text)) >= FEWEST:
            yield Request(package, "docstring", text, frozenset(api.qualified for api in apis))


def of_comments(package: str, root: Path, apis: Apis, every: Sequence[Api]) -> Iterator[Request]:
    """What stands above statements that call what the package offers, where it begins as the name of an API does."""
    callable_ = [api for api in every if api.kind in _CALLABLE and api.name not in BUILT_IN]
    verbs = {words_in_order(api.name)[0] for api in callable_ if api.kind is not ApiKind.CLASS and words_of(api.name)}
    offered: dict[str, set[str]] = defaultdict(set)
    for api in callable_:
        offered[api.name].add(api.qualified)
    for path in _code(root, package):
        text, relative = path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()
        near = Near.of(apis, relative)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Expr | ast.Assign | ast.Return | ast.AnnAssign) and node.col_offset:
                comment = _comment_above(text.split("\n"), node.lineno - 1)
                truth = {each for name in _called(node) for each in offered.get(name, ())}
                words = words_in_order(comment)
                if truth and words[:1] and words[0] in verbs and FEWEST <= len(words) <= MOST:
                    yield Request(package, "comment", comment, frozenset(truth), near)


def _code(root: Path, package: str) -> list[Path]:
    return [path for path in sorted((root / package).rglob("*.py")) if is_code(path.relative_to(root), path)]


def _comment_above(lines: Sequence[str], row: int) -> str:
    """The one or two comment lines that stand directly above a row; empty if there are more, or it is for a tool."""
    found: list[str] = []
    while row and (comment := _COMMENT.fullmatch(lines[row - 1])):
        found.insert(0, comment[1])
        row -= 1
    text = " ".join(found)
    return "" if len(found) > 2 or _NO_REQUEST.search(text) else text


def _called(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr
            elif isinstance(node.func, ast.Name):
                yield node.func.id


def places(
    root: Path, package: str, count: int, seed: int, folder: Path
) -> list[tuple[Request, dict[str, int | None]]]:
    """So many requests of each kind, with the place of the first that is true in each ranking, from 1."""
    rankings = {**RANKINGS, INDEXED: with_index({kind: indexed(package, root, kind, folder) for kind in WITHOUT})}
    apis = index(root, package)
    every, offer = list(apis), Offer.of({path: apis.of_file(path) for path in apis.files})
    generator = random.Random(f"{seed} {package}")
    found = []
    for requests in (list(of_docs(package, root, every)), list(of_comments(package, root, apis, every))):
        chosen = generator.sample(requests, min(count, len(requests)))
        for request in track(chosen, package, console=Console(stderr=True), transient=True):
            known = offer.without(request.text) if request.kind == "docstring" else offer
            found.append((request, {name: _place(rank(known, request), request) for name, rank in rankings.items()}))
    return found


def _place(ranked: Sequence[Api], request: Request) -> int | None:
    return next((place for place, api in enumerate(ranked, 1) if api.qualified in request.truth), None)


def speed(root: Path, package: str, rounds: int = 50) -> dict[str, float]:
    """Milliseconds of a request among a package's APIs, by ranking: medians."""
    apis = index(root, package)
    offer = Offer.of({path: apis.of_file(path) for path in apis.files})
    requests = list(of_docs(package, root, offer.apis))[:rounds]
    figures: dict[str, float] = {"APIs": len(apis)}
    for name, rank in RANKINGS.items():
        taken = []
        for request in requests:
            begin = time.perf_counter()
            rank(offer, request)
            taken.append(time.perf_counter() - begin)
        figures[f"{name} p50 ms"] = round(float(np.median(taken)) * 1000, 1)
    return figures


def show(found: Sequence[tuple[Request, dict[str, int | None]]], console: Console) -> dict[str, object]:
    """Prints mean reciprocal rank and recall by kind and ranking; the same as JSON."""
    figures: dict[str, object] = {}
    table = Table("request", "ranking", "requests", "MRR", *(f"recall@{first} %" for first in FIRST))
    for kind in ("docstring", "comment"):
        some = [pair for pair in found if pair[0].kind == kind]
        packages = [request.package for request, _ in some]
        reciprocals: dict[str, np.ndarray] = {}
        for name in (*RANKINGS, INDEXED):
            ranks = np.array([placed[name] or np.inf for _, placed in some])
            reciprocals[name] = 1 / ranks
            mean = _mean(packages, 1 / ranks)
            shares = [_mean(packages, (ranks <= first).astype(float)) for first in FIRST]
            table.add_row(kind, name, str(len(some)), _cell(mean, 1), *(_cell(share, 100) for share in shares))
            figures[f"{kind}, {name}"] = {
                "requests": len(some),
                "MRR": as_json(mean),
                **{f"@{first}": as_json(share) for first, share in zip(FIRST, shares, strict=True)},
            }
        for name, base in (("ask", "words of the name"), (INDEXED, "ask")):
            difference = mean_difference(packages, reciprocals[name], reciprocals[base])
            console.print(f"{kind}: MRR of {name} beside {base}: {difference.value:+.3f} {_interval(difference)}")
            figures[f"{kind}, MRR of {name} beside {base}"] = as_json(difference)
    console.print(table)
    return figures


def _mean(packages: Sequence[str], values: np.ndarray) -> Estimate:
    return bootstrap(packages, lambda chosen: float(values[chosen].mean()))


def _interval(estimate: Estimate) -> str:
    return f"[{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _cell(estimate: Estimate, factor: int) -> str:
    digits = 3 if factor == 1 else 1
    value, low, high = (round(each * factor, digits) for each in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low:g}, {high:g}]"


def show_misses(found: Sequence[tuple[Request, dict[str, int | None]]], console: Console, count: int) -> None:
    """Prints requests whose truth is not among the first five."""
    missed = [(request, placed["ask"]) for request, placed in found if (placed["ask"] or 6) > 5]
    for request, place in random.Random(1).sample(missed, min(count, len(missed))):
        console.print(f"{request.kind}, {place}: {request.text} → {sorted(request.truth)[0]}", markup=False)


def _packages(text: str) -> Sequence[str]:
    return {"reporting": REPORTING, "tuning": TUNING}.get(text) or tuple(text.split(","))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=INSTALLED, help="folder that packages were installed to")
    parser.add_argument(
        "--packages", type=_packages, default=REPORTING, help="import names with commas, `reporting` or `tuning`"
    )
    parser.add_argument("--requests", type=int, default=60, help="of each kind and package (60)")
    parser.add_argument("--misses", type=int, default=0, help="requests to print whose truth is not among the first 5")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    console = Console(width=140)
    with TemporaryDirectory() as folder:
        found = [
            each
            for package in arguments.packages
            for each in places(arguments.corpus, package, arguments.requests, arguments.seed, Path(folder, package))
        ]
    figures = show(found, console)
    show_misses(found, console, arguments.misses)
    figures["speed"] = speed(arguments.corpus, arguments.packages[0])
    console.print(figures["speed"])
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
