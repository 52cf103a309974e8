"""How much longer decoding takes with monitors, at real cursors, with the server's answers known already and not."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from analyzers import read_so_far, started
from cursors import Cursor, Place, cursors
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assistant.analysis import Analysis
from assistant.decoding.decode import Writer, typed_before
from assistant.decoding.stopping import extent
from assistant.decoding.vocabulary import Vocabulary
from assistant.decoding.watch import Watch
from assistant.engine import PROMPT_TOKENS
from assistant.guards import Monitor
from assistant.patterns import Masks
from assistant.plugins import Plugins
from assistant.prompt import Budget, build
from assistant.settings import Settings
from language_servers.servers import Servers
from plugins.llama_cpp import WEIGHTS, LlamaCpp

SETS: Mapping[str, Callable[[str], bool]] = {
    "members": lambda name: name == "members",
    "all monitors": lambda name: True,
}
"""Which of the installed monitors take part."""

BASE = "no monitor"


@dataclass(frozen=True, slots=True)
class Run:
    """One completion: seconds of decoding, of them those waited for the server, tokens kept and tokens evaluated."""

    text: str
    seconds: float
    waited: float
    tokens: int
    evaluated: int

    @property
    def per_token(self) -> float:
        return self.seconds / self.tokens


Runs = dict[str, list[Run]]
"""By condition, the runs of all cursors in their order. The base is run several times for each: their mean time."""


class Bench:
    """Writes completions under one model. Everything but decoding has been done before the time is taken."""

    def __init__(self, threads: int) -> None:
        self.model = LlamaCpp(WEIGHTS, threads=threads)
        self._vocabulary = Vocabulary(self.model.pieces)
        self._masks = Masks(self.model.pieces, min(self.model.ends))

    def write(self, cursor: Cursor, monitors: Sequence[Monitor] = (), analysis: Analysis | None = None) -> Run:
        """A completion of a prompt that has been read, if this is not the cursor's first."""
        request = cursor.request()
        typed = typed_before(request)
        cut = request.cut(len(typed))
        prompt = build(cut, [], self.model, Budget.of(PROMPT_TOKENS))
        watch = Watch(monitors, self._vocabulary, self.model.ends, lambda: self._masks)
        writer = Writer(self.model, prompt.tokens, cut, typed, extent(request, Settings().max_lines), watch)
        waited, evaluated = analysis.waited if analysis else 0.0, self.model.evaluated
        begin = time.perf_counter()
        draft = writer.write()
        seconds = time.perf_counter() - begin
        waited = analysis.waited - waited if analysis else 0.0
        return Run(draft.text, seconds, waited, max(len(draft.steps), 1), self.model.evaluated - evaluated)


def measure(
    corpus: Path, packages: Sequence[str], folder: Path, count: int, threads: int, seed: int
) -> dict[str, Runs]:
    """Runs by place and condition."""
    bench, plugins, servers = Bench(threads), Plugins(), Servers({"python": "ty"})
    generator = random.Random(seed)
    found: dict[str, Runs] = {}
    for place in Place:
        runs: Runs = defaultdict(list)
        chosen = cursors(corpus, packages, folder, count // len(Place), seed, place)
        for cursor in track(chosen, f"decoding, {place}", transient=True):
            for name, run in _conditions(bench, plugins, servers, cursor, generator).items():
                runs[name].append(run)
        found[place] = dict(runs)
    servers.close()
    return found


def _conditions(
    bench: Bench, plugins: Plugins, servers: Servers, cursor: Cursor, generator: random.Random
) -> dict[str, Run]:
    """A cursor's completion under all conditions, in random order, and without monitors between any two."""
    read_so_far(servers, cursor)
    bench.write(cursor)  # reads the prompt
    bases, found = [bench.write(cursor)], {}
    for name in generator.sample(sorted(SETS), len(SETS)):
        started(servers, cursor).files_changed(())  # forgets what it has answered
        analysis = Analysis(servers)
        monitors = [each for each in plugins.monitors(Settings(), analysis) if SETS[name](each.name)]
        found[f"{name}, server asked"] = bench.write(cursor, monitors, analysis)
        time.sleep(0.2)  # answers that came too late come in
        found[f"{name}, answers known"] = bench.write(cursor, monitors, analysis)
        bases.append(bench.write(cursor))
    seconds = float(np.mean([run.seconds for run in bases]))
    return {BASE: Run(bases[0].text, seconds, 0.0, bases[0].tokens, bases[0].evaluated), **found}


@dataclass(frozen=True, slots=True)
class Ratios:
    """Of a condition's time per token to another's, for each completion."""

    values: Sequence[float]
    total: float

    @classmethod
    def of(cls, runs: Sequence[Run], base: Sequence[Run]) -> Ratios:
        values = [run.per_token / other.per_token for run, other in zip(runs, base, strict=True)]
        total = _per_token(runs) / _per_token(base)
        return cls(values, total)

    def __str__(self) -> str:
        low, median, high = np.percentile(self.values, (25, 50, 75))
        return f"{median:.3f} ({low:.3f}–{high:.3f}), in all {self.total:.3f}"


def _per_token(runs: Sequence[Run]) -> float:
    return sum(run.seconds for run in runs) / sum(run.tokens for run in runs)


def show(console: Console, found: Mapping[str, Runs]) -> dict[str, object]:
    figures: dict[str, object] = {}
    for place, runs in found.items():
        count = len(runs[BASE])
        table = Table(
            f"{count} completions {place}", "ms per token", "evaluated per token", "waited, ms (p95)",
            "ratio per token: median (quartiles), in all", "… same text only", "n",
        )  # fmt: skip
        for name, each in runs.items():
            same = [index for index in range(count) if each[index].text == runs[BASE][index].text]
            alike = Ratios.of([each[index] for index in same], [runs[BASE][index] for index in same])
            ratios = Ratios.of(each, runs[BASE])
            waits = [run.waited * 1000 for run in each]
            evaluated = sum(run.evaluated for run in each) / sum(run.tokens for run in each)
            wait = f"{np.median(waits):.1f} ({np.percentile(waits, 95):.1f})"
            cells = (f"{_per_token(each) * 1000:.2f}", f"{evaluated:.2f}", wait)
            table.add_row(name, *cells, str(ratios), str(alike), str(len(same)))
        console.print(table)
        joint = _joint(runs)
        for name, ratios in joint.items():
            console.print(f"all monitors in members alone, {name}: {ratios}")
        figures[place] = {
            "completions": count,
            "ratios": {name: _as_json(Ratios.of(each, runs[BASE])) for name, each in runs.items()},
            "joint": {name: _as_json(ratios) for name, ratios in joint.items()},
            "runs": {name: [_run_as_json(run) for run in each] for name, each in runs.items()},
        }
    return figures


def _joint(runs: Runs) -> dict[str, Ratios]:
    """What all monitors take together, compared with the one that is there in any case."""
    return {
        kind: Ratios.of(runs[f"all monitors, {kind}"], runs[f"members, {kind}"])
        for kind in ("answers known", "server asked")
    }


def _as_json(ratios: Ratios) -> dict[str, float]:
    quartiles = np.percentile(ratios.values, (25, 50, 75))
    return {"low": quartiles[0], "median": quartiles[1], "high": quartiles[2], "total": ratios.total}


def _run_as_json(run: Run) -> list[object]:
    return [run.text, round(run.seconds, 5), round(run.waited, 5), run.tokens, run.evaluated]
