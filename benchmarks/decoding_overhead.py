"""How much longer decoding takes with monitors, at real cursors, with the server's answers known already and not."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event

import numpy as np
from analyzers import read_so_far, started
from cursors import Cursor, Place, cursors
from numpy.typing import NDArray
from options import track
from rich.console import Console
from rich.table import Table

from assistant.analysis import Analysis
from assistant.decoding.decode import Writer, typed_before
from assistant.decoding.stopping import extent
from assistant.decoding.vocabulary import Vocabulary
from assistant.decoding.watch import Watch
from assistant.engine import PROMPT_TOKENS
from assistant.guards import Monitor, View
from assistant.patterns import Masks
from assistant.plugins import Plugins
from assistant.prompt import Budget, build
from assistant.settings import Settings
from assistant.types import NEVER
from language_servers.servers import Servers
from plugins.llama_cpp import WEIGHTS, LlamaCpp

SETS: Mapping[str, Callable[[str], bool]] = {
    "members": lambda name: name == "members",
    "all monitors": lambda name: True,
}
"""Which of the installed monitors take part."""

BASE = "no monitor"

ASKED, ASKED_EARLIER, KNOWN = "server asked", "server asked one key earlier", "answers known"
"""What is known before a completion begins: nothing, what monitors foresaw at the key before, everything."""

KEY = 0.12
"""Seconds between two keys of somebody who types fast."""

REPEATS = 3
"""Runs of what can be repeated, of which the quickest counts: the others had to share the cores."""


@dataclass(frozen=True, slots=True)
class Run:
    """One completion: seconds of decoding, of them those waited for the server and the processor's outside the model.

    `tokens` are those kept, `evaluated` those that the model computed.
    """

    text: str
    seconds: float
    waited: float
    own: float
    tokens: int
    evaluated: int

    @property
    def per_token(self) -> float:
        return self.seconds / self.tokens


@dataclass(frozen=True, slots=True)
class Pair:
    """A run, and one of the same cursor without monitors that was made beside it."""

    run: Run
    base: Run

    @property
    def ratio(self) -> float:
        return self.run.per_token / self.base.per_token


Pairs = dict[str, list[Pair]]
"""By condition, for each cursor."""


class TimedModel(LlamaCpp):
    """The embedded model, with the processor seconds that the calling thread has spent in it."""

    busy = 0.0

    def logits(self, tokens: Sequence[int], last: int = 1, cancelled: Event = NEVER) -> NDArray[np.float32]:
        begin = time.thread_time()
        try:
            return super().logits(tokens, last, cancelled)
        finally:
            self.busy += time.thread_time() - begin


class Bench:
    """Writes completions under one model. Everything but decoding has been done before the time is taken."""

    def __init__(self, threads: int) -> None:
        self.model = TimedModel(WEIGHTS, threads=threads)
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
        begin, own = time.perf_counter(), time.thread_time() - self.model.busy
        draft = writer.write()
        seconds, own = time.perf_counter() - begin, time.thread_time() - self.model.busy - own
        waited = analysis.waited - waited if analysis else 0.0
        return Run(draft.text, seconds, waited, own, max(len(draft.steps), 1), self.model.evaluated - evaluated)


def measure(
    corpus: Path, packages: Sequence[str], folder: Path, count: int, threads: int, seed: int
) -> dict[str, Pairs]:
    """Pairs by place and condition."""
    bench, plugins, servers = Bench(threads), Plugins(), Servers({"python": "ty"})
    generator = random.Random(seed)
    found: dict[str, Pairs] = {}
    for place in Place:
        pairs: Pairs = defaultdict(list)
        chosen = cursors(corpus, packages, folder, count // len(Place), seed, place)
        for cursor in track(chosen, f"decoding, {place}"):
            read_so_far(servers, cursor)
            bench.write(cursor)  # reads the prompt
            for name in generator.sample(sorted(SETS), len(SETS)):
                for kind, pair in _with(bench, plugins, servers, cursor, SETS[name]).items():
                    pairs[f"{name}, {kind}"].append(pair)
        found[place] = {name: pairs[name] for name in sorted(pairs)}
    servers.close()
    return found


def _with(
    bench: Bench, plugins: Plugins, servers: Servers, cursor: Cursor, wanted: Callable[[str], bool]
) -> dict[str, Pair]:
    """A cursor's completion with some monitors, by what is known before it begins."""
    found = {}
    for kind, ahead in ((ASKED, False), (ASKED_EARLIER, True)):
        started(servers, cursor).files_changed(())  # forgets what it has answered
        analysis = Analysis(servers)
        monitors = [each for each in plugins.monitors(Settings(), analysis) if wanted(each.name)]
        before = bench.write(cursor)
        if ahead:
            _type_the_last_key(cursor, monitors)
        asked, behind = bench.write(cursor, monitors, analysis), bench.write(cursor)
        found[kind] = Pair(asked, replace(before, seconds=(before.seconds + behind.seconds) / 2))
    time.sleep(0.2)  # answers that came too late come in
    known, bases = [], []
    for _ in range(REPEATS):
        known.append(bench.write(cursor, monitors, analysis))
        bases.append(bench.write(cursor))
    found[KNOWN] = Pair(_quickest(known), _quickest(bases))
    return found


def _type_the_last_key(cursor: Cursor, monitors: Sequence[Monitor]) -> None:
    """Lets the monitors see the cursor one character earlier, as they do while somebody types, and waits."""
    view = View(cursor.request().cut(1))
    for monitor in monitors:
        if foresee := getattr(monitor, "foresee", None):
            foresee(view)
    time.sleep(KEY)


def _quickest(runs: Sequence[Run]) -> Run:
    return min(runs, key=lambda run: run.seconds)


@dataclass(frozen=True, slots=True)
class Ratios:
    """Of two times per token, for each completion, and over all of them."""

    values: Sequence[float]
    total: float

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Ratios:
        total = _per_token([pair.run for pair in pairs]) / _per_token([pair.base for pair in pairs])
        return cls([pair.ratio for pair in pairs], total)

    def __str__(self) -> str:
        low, median, high = np.percentile(self.values, (25, 50, 75)) if self.values else (0.0, 0.0, 0.0)
        return f"{median:.2f} ({low:.2f}–{high:.2f}), {self.total:.2f}"


def _per_token(runs: Sequence[Run]) -> float:
    return sum(run.seconds for run in runs) / max(sum(run.tokens for run in runs), 1) or 1.0


def show(console: Console, found: Mapping[str, Pairs]) -> dict[str, object]:
    figures: dict[str, object] = {}
    for place, conditions in found.items():
        count = len(next(iter(conditions.values())))
        table = Table(
            f"{count} completions {place}", "ms a token", "ms outside the model", "evaluated", "waited, ms (p95)",
            "ratio: median (quartiles), in all", "ratio, same text", "n",
        )  # fmt: skip
        for name, pairs in conditions.items():
            table.add_row(f"{BASE}, beside that", *_cells([pair.base for pair in pairs]))
            same = [pair for pair in pairs if pair.run.text == pair.base.text]
            ratios = (str(Ratios.of(pairs)), str(Ratios.of(same)), str(len(same)))
            table.add_row(name, *_cells([pair.run for pair in pairs]), *ratios, end_section=True)
        console.print(table)
        joint = _joint(conditions)
        for name, ratios in joint.items():
            console.print(f"all monitors beside members alone, {name}: {ratios}")
        figures[place] = {
            "completions": count,
            "ratios": {name: _as_json(Ratios.of(pairs)) for name, pairs in conditions.items()},
            "joint": {name: _as_json(ratios) for name, ratios in joint.items()},
            "pairs": {name: [asdict(pair) for pair in pairs] for name, pairs in conditions.items()},
        }
    return figures


def _cells(runs: Sequence[Run]) -> tuple[str, ...]:
    """Per token: milliseconds, those outside the model, tokens evaluated; and milliseconds waited per completion."""
    tokens = sum(run.tokens for run in runs)
    waits = [run.waited * 1000 for run in runs]
    return (
        f"{_per_token(runs) * 1000:.2f}",
        f"{sum(run.own for run in runs) / tokens * 1000:.2f}",
        f"{sum(run.evaluated for run in runs) / tokens:.2f}",
        f"{np.median(waits):.1f} ({np.percentile(waits, 95):.1f})",
    )


def _joint(conditions: Pairs) -> dict[str, Ratios]:
    """What all monitors take together, compared with the one that is there in any case."""
    found = {}
    for kind in (ASKED, ASKED_EARLIER, KNOWN):
        both = zip(conditions[f"all monitors, {kind}"], conditions[f"members, {kind}"], strict=True)
        found[kind] = Ratios.of([Pair(every.run, members.run) for every, members in both])
    return found


def _as_json(ratios: Ratios) -> dict[str, float]:
    low, median, high = np.percentile(ratios.values, (25, 50, 75))
    return {"low": low, "median": median, "high": high, "total": ratios.total}
