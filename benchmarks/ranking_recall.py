"""How often what is really used at a cursor is among the first that the ranking of a repository's APIs names.

    pip install --target corpus --no-compile rich pygls jinja2 networkx docutils flask werkzeug httpx starlette \\
        hypothesis paramiko tornado
    python benchmarks/ranking_recall.py --corpus corpus --sites 20 --json ranking.json

A site is a place in a function of a package where a name stands that the package offers: behind the dot of a module, of
an annotated or an inferred variable, of `self`, of a longer expression, or as what is called. The rest of its line is
taken away, and the index knows the file without that line only. A name that values of Python's own types have too is
left out: nobody knows whose it is. Ranks are those of distinct names.

“served” sites come with what ty says about the receiver: its type and its members; the others with the text alone. The
baselines rank the same candidates by alphabet, and by how often the repository uses the name. Intervals (95 %) are
bootstrapped over packages.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import mul
from pathlib import Path

import numpy as np
from analyzers import PATIENCE, read_so_far
from cursors import INSTALLED, workspace
from options import track
from packages import REPORTING, TUNING
from rich.console import Console
from rich.table import Table
from scores import Estimate, as_json, share
from sites import Case, Site, index, sites

from assistant.analysis import Analysis
from assistant.guards import View
from language_servers.analyzer import NoAnswer
from language_servers.limits import Limits
from language_servers.servers import Servers
from retrieval.apis import Apis
from retrieval.ranking import WEIGHTS, Kind, Scene, described, rank

FIRST = (1, 5, 20)


@dataclass(frozen=True, slots=True)
class Trial:
    """The candidates at a site: name, uses in the repository, features."""

    site: Site
    kind: Kind
    candidates: Sequence[tuple[str, int, tuple[float, ...]]]

    def place(self, key: Callable[[str, int, tuple[float, ...]], float | str]) -> int | None:
        """The place of the true name among the distinct ones, those with the least key first; None if it is not."""
        least: dict[str, float | str] = {}
        for name, uses, features in self.candidates:
            value = key(name, uses, features)
            if name not in least or value < least[name]:  # type: ignore[operator]
                least[name] = value
        if self.site.cursor.name not in least:
            return None
        ordered = sorted(least, key=lambda name: (least[name], name))
        return ordered.index(self.site.cursor.name)


class Informants:
    """What ty says about sites, with all the time that it takes."""

    def __init__(self) -> None:
        self._servers = Servers({"python": "ty"}, Limits(running=PATIENCE))
        self._analysis = Analysis(self._servers, PATIENCE)

    def served(self, site: Site) -> Scene:
        """The scene with the receiver's type and its members, or the names in scope."""
        scene, request = site.scene(), site.cursor.request()
        view = View(request)
        receiver_type, members = "", None
        with suppress(NoAnswer):
            read_so_far(self._servers, site.cursor)
            found = self._analysis.members(view) if site.receiver else self._analysis.names(view)
            members = None if found.doubt else found.names
        if site.receiver[-1:].isidentifier():
            with suppress(NoAnswer):
                receiver_type = self._analysis.type_at(request, view.document, site.cursor.offset - 2)
        return replace(scene, receiver_type=receiver_type, members=members)

    def is_in_repository(self, site: Site) -> bool:
        """Whether what the true text's name belongs to is defined in the package, by its type."""
        if site.case in (Case.CALLEE, Case.MODULE, Case.OWN):
            return True
        if not site.receiver[-1:].isidentifier():
            return False
        request = replace(site.cursor.request(), text=site.cursor.text)
        with suppress(NoAnswer):
            location = self._analysis.type_definition(request, request.text, site.cursor.offset - 2)
            return location.path.is_relative_to(site.cursor.root / site.cursor.package)
        return False

    def close(self) -> None:
        self._analysis.close()


def trials(
    corpus: Path, packages: Sequence[str], folder: Path, count: int, seed: int, served: bool
) -> dict[str, list[Trial]]:
    """By the information that they have, the trials at the same sites."""
    informants = Informants() if served else None
    found: dict[str, list[Trial]] = {"alone": []}
    for package in packages:
        root = workspace(corpus, package, folder / package)
        apis = index(root, package)
        chosen = sites(root, package, apis, count, random.Random(f"{seed} {package}"))
        last = ""
        for site in track(chosen, package):
            if last and last != site.path:
                apis.update(last, "python", (root / last).read_text(encoding="utf-8"))
            last = site.path
            if informants:
                site = replace(site, in_repository=informants.is_in_repository(site))
            apis.update(site.path, "python", site.without_line)
            found["alone"].append(trial(apis, site, site.scene()))
            if informants:
                found.setdefault("served", []).append(trial(apis, site, informants.served(site)))
    if informants:
        informants.close()
    return found


def trial(apis: Apis, site: Site, scene: Scene) -> Trial:
    kind, found = described(apis, scene)
    return Trial(site, kind, [(api.name, apis.uses(api.name), features) for api, features in found])


Key = Callable[[str, int, tuple[float, ...]], "float | str"]


def ranking(weights: Sequence[float]) -> Key:
    return lambda name, uses, features: -sum(map(mul, weights, features))


BASELINES: Mapping[str, Key] = {
    "by alphabet": lambda name, uses, features: name,
    "by uses": lambda name, uses, features: -uses,
}


def places(found: Sequence[Trial]) -> dict[str, list[int | None]]:
    """By ranking, the place of the truth at each trial."""
    placed: dict[str, list[int | None]] = {"ranking": []}
    keys = {kind: ranking(weights) for kind, weights in WEIGHTS.items()}
    for each in found:
        placed["ranking"].append(each.place(keys[each.kind]))
        for name, key in BASELINES.items():
            placed.setdefault(name, []).append(each.place(key))
    return placed


def show(found: Mapping[str, Sequence[Trial]], console: Console) -> dict[str, object]:
    """Prints recall by case, ranking and information; the same as JSON."""
    figures: dict[str, object] = {}
    columns = [f"recall@{first} %" for first in FIRST]
    table = Table("case", "known", "ranking", "sites", *columns, "a candidate %", "candidates")
    for information, every in found.items():
        for case, some in _groups(every).items():
            packages = [each.site.cursor.package for each in some]
            sizes = float(np.median([len({name for name, _, _ in each.candidates}) for each in some]))
            for name, placed in places(some).items():
                shares = {f"@{first}": _share(packages, placed, first) for first in FIRST}
                among = _share(packages, placed, 1_000_000)
                cells = [_cell(each) for each in shares.values()]
                table.add_row(
                    case, information, name, str(len(some)), *cells, f"{among.value * 100:.1f}", f"{sizes:.0f}"
                )
                figures[f"{case}, {information}, {name}"] = {
                    "sites": len(some),
                    "candidates": sizes,
                    "among candidates": as_json(among),
                    **{first: as_json(each) for first, each in shares.items()},
                }
    console.print(table)
    return figures


def _groups(every: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Trials by case, all of them, and those whose owner is known to be the package's."""
    groups = {str(case): [each for each in every if each.site.case is case] for case in Case}
    groups["all"] = list(every)
    groups["all, owner in the package"] = [each for each in every if each.site.in_repository]
    for case in (Case.ANNOTATED, Case.INFERRED, Case.CHAIN):
        groups[f"{case}, owner in the package"] = [
            each for each in every if each.site.case is case and each.site.in_repository
        ]
    return {name: some for name, some in groups.items() if some}


def _share(packages: Sequence[str], placed: Sequence[int | None], first: int) -> Estimate:
    values = np.array([place is not None and place < first for place in placed])
    return share(packages, values, np.ones_like(values))


def _cell(estimate: Estimate) -> str:
    return f"{estimate.value * 100:.1f} [{estimate.low * 100:.0f}, {estimate.high * 100:.0f}]"


def show_misses(found: Sequence[Trial], console: Console, count: int) -> None:
    """Prints sites whose truth is not among the first five, with what is."""
    generator = random.Random(1)
    for each in generator.sample(list(found), len(found)):
        weights = np.array(WEIGHTS[each.kind])
        placed = each.place(ranking(weights))
        if count and (placed is None or placed >= 5):
            count -= 1
            ordered = sorted(each.candidates, key=lambda row: -float(weights @ np.array(row[2])))
            names = list(dict.fromkeys(row[0] for row in ordered))[:5]
            cursor = each.site.cursor
            begin = cursor.text.rfind("\n", 0, cursor.offset) + 1
            line = cursor.text.count("\n", 0, begin) + 1
            where = f"{each.site.path}:{line} {cursor.text[begin : cursor.offset].strip()}‸{cursor.name}"
            console.print(f"{each.site.case}, {placed}: {where} ← {', '.join(names)}", markup=False)


# Speed


def speed(symbols: int = 20_000, rounds: int = 200, seed: int = 1) -> dict[str, float]:
    """Milliseconds of a ranking in a made-up repository of so many symbols, by quantile, and of its baseline.

    The baseline asks the index for as many names as the ranking has candidates, and does nothing with them.
    """
    apis, scenes = _made_up(symbols, random.Random(seed), rounds)
    taken, counts, bare = [], [], []
    for scene in scenes:
        begin = time.perf_counter()
        rank(apis, scene)
        taken.append(time.perf_counter() - begin)
        names = [api.name for api, _ in described(apis, scene)[1]]
        begin = time.perf_counter()
        for name in names:
            apis.named(name)
        bare.append(time.perf_counter() - begin)
        counts.append(len(names))
    p50, p99 = np.percentile(taken, (50, 99)) * 1000
    return {
        "symbols": len(apis),
        "candidates": float(np.median(counts)),
        "p50 ms": round(float(p50), 3),
        "p99 ms": round(float(p99), 3),
        "look-ups p50 ms": round(float(np.median(bare)) * 1000, 3),
    }


def _made_up(symbols: int, generator: random.Random, rounds: int) -> tuple[Apis, list[Scene]]:
    """A repository of modules with classes that inherit from and refer to each other, and cursors in it."""
    words = [
        f"{first}{second}"
        for first in ("or", "it", "us", "pa", "no", "qu", "sta")
        for second in ("der", "em", "ge", "ry", "te", "ck")
    ]
    apis, texts = Apis(), {}
    modules = max(1, symbols // 100)
    for number in range(modules):
        other = generator.randrange(modules)
        lines = [f"from shop.m{other} import C{other}_0, C{other}_1, make_{other}", f"import shop.m{other}", ""]
        for each in range(4):
            base = f"(C{other}_{each % 2})" if each < 2 and other < number else ""
            lines.append(f"class C{number}_{each}{base}:")
            for _ in range(22):
                name = "_".join(generator.sample(words, 2))
                lines += [f"    def {name}(self, value: int) -> C{other}_0:", "        return value", ""]
        for each in range(8):
            lines += [f"def make_{number if not each else f'{number}_{each}'}(value: C{other}_0) -> C{number}_0:"]
            lines += [f"    thing = make_{other}(value)", f"    return thing.{generator.choice(words)}()", ""]
        lines += [f"class New(C{number}_0):", f"    def fresh(self, value: C{number}_1):"]
        lines += [f"        thing = make_{number}(value)", "        total = "]
        texts[f"shop/m{number}.py"] = "\n".join(lines)
    for path, text in texts.items():
        apis.update(path, "python", text)
    scenes = []
    for path in generator.choices(sorted(texts), k=rounds):
        receiver = generator.choice(("value", "thing", "self", "imported", "unknown", ""))
        if receiver == "imported":
            receiver = texts[path].split("import ", 2)[2].split("\n")[0]
        scenes.append(Scene(path, "python", f"{texts[path]}{receiver}{'.' if receiver else ''}", "", receiver))
    return apis, scenes


def _packages(text: str) -> Sequence[str]:
    return {"reporting": REPORTING, "tuning": TUNING}.get(text) or tuple(text.split(","))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=INSTALLED, help="folder that packages were installed to")
    parser.add_argument(
        "--packages", type=_packages, default=REPORTING, help="import names with commas, `reporting` or `tuning`"
    )
    parser.add_argument("--sites", type=int, default=20, help="of each case and package (20)")
    parser.add_argument("--alone", action="store_true", help="without a language server")
    parser.add_argument("--misses", type=int, default=0, help="sites to print whose truth is not among the first five")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    os.environ.pop("VIRTUAL_ENV", None)  # each workspace has its own
    console = Console(width=160)
    with tempfile.TemporaryDirectory() as folder:
        amount = arguments.sites, arguments.seed, not arguments.alone
        found = trials(arguments.corpus, arguments.packages, Path(folder), *amount)
        figures = show(found, console)
        for information, every in found.items():
            console.print(information)
            show_misses(every, console, arguments.misses)
    figures["speed"] = speed()
    console.print(figures["speed"])
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
