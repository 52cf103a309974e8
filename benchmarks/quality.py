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
import ast
import json
import logging
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from analyzers import PATIENCE, read_so_far, started
from cursors import INSTALLED, Cursor, cursors, neighbours
from options import track
from rich.console import Console
from rich.table import Table
from scores import Estimate, Values, as_json, exact, identifiers, mean_difference, next_identifier, share, similarity
from sites import api_cursors

from assistant.analysis import Analysis
from assistant.engine import Assistant
from assistant.guards import Monitor, View
from assistant.holes import Holes
from assistant.indexes import Indexes
from assistant.knowledge import Knowledge
from assistant.plugins import Plugins
from assistant.repositories import Repositories
from assistant.settings import Settings
from assistant.types import Answer, Check, Completion, CompletionRequest, Model, Trigger
from language_servers.analyzer import Diagnostic, Document, NoAnswer
from language_servers.limits import Limits
from language_servers.servers import Servers
from retrieval.encoding import load
from retrieval.index_local import opened
from retrieval.survey import Limits as Reading

log = logging.getLogger(__name__)

REPORTING = (
    "rich", "pygls", "jinja2", "networkx", "docutils", "flask", "werkzeug", "httpx", "starlette", "hypothesis",
    "paramiko", "tornado",
)  # fmt: skip
"""Packages that figures are reported of. Nothing is tuned on them."""

TUNING = ("click", "parso", "jedi", "pygments", "anyio", "attr", "cattrs", "requests", "marshmallow", "mako")
"""Packages to look at while something is being changed: `--packages tuning`."""


UNDEFINED = frozenset(("missing-attribute", "unknown-name", "unresolved-attribute", "unresolved-reference"))
"""What pyrefly and ty call unknown members and names."""

INDEXING = 600.0
"""Seconds that a package is waited for to be indexed."""

_CLASS = re.compile(r"Object of class `(\w+)`")


class Named(Protocol):
    """A monitor, a source or a check."""

    @property
    def name(self) -> str: ...


Offered = TypeVar("Offered", bound=Named)


@dataclass(frozen=True, slots=True)
class Condition:
    """What takes part in a completion, by names; None for all that are installed of a kind."""

    monitors: frozenset[str] | None = None
    sources: frozenset[str] | None = frozenset({"open_files"})
    checks: frozenset[str] | None = frozenset()
    priors: frozenset[str] | None = frozenset()
    trigger: Trigger = Trigger.INVOKED


CONDITIONS: Mapping[str, Condition] = {
    "no monitor": Condition(monitors=frozenset()),
    "members": Condition(monitors=frozenset({"members"})),
    "monitors": Condition(),
    "no context": Condition(sources=frozenset()),
    "open files": Condition(),
    "APIs": Condition(sources=frozenset({"repository_apis"})),
    "types": Condition(sources=frozenset({"expected_types"})),
    "headers": Condition(sources=frozenset({"headers"})),
    "open files and APIs": Condition(sources=frozenset({"open_files", "repository_apis"})),
    "search": Condition(sources=frozenset({"code_search"})),
    "search while typing": Condition(sources=frozenset({"code_search"}), trigger=Trigger.AUTOMATIC),
    "open files and search": Condition(sources=frozenset({"open_files", "code_search"})),
    "with types": Condition(sources=frozenset({"open_files", "repository_apis", "expected_types"})),
    "with headers": Condition(sources=frozenset({"open_files", "repository_apis", "expected_types", "headers"})),
    "all sources": Condition(sources=None),
    "likely members": Condition(priors=None),
    "APIs and likely members": Condition(sources=frozenset({"open_files", "repository_apis"}), priors=None),
    "monitors and checker": Condition(checks=None, trigger=Trigger.AUTOMATIC),
    "error rounds": Condition(checks=None),
}
"""The budget of the prompt is the same in all of them."""


@dataclass(frozen=True, slots=True)
class Shot:
    """What came of a cursor under a condition. `shown` says whether the user would have seen it while typing."""

    text: str
    replaces: int = 0
    probability: float = 0.0
    shown: bool = False
    reason: str = ""
    silences: tuple[tuple[str, str], ...] = ()
    rulings: tuple[Mapping[str, object], ...] = ()
    undefined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mask:
    """What monitors had to say at a cursor: those that forbade something, and those of them that were wrong.

    `silences` are the others, with their reasons; `in_time` are those that forbade something within the deadline of a
    completion, and `dropping` the checks that object to the truth.
    """

    masking: tuple[str, ...]
    wrong: tuple[str, ...]
    silences: Mapping[str, str]
    in_time: tuple[str, ...] = ()
    dropping: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """All that was found, in the order of the cursors."""

    cursors: Sequence[Cursor]
    shots: dict[str, list[Shot]] = field(default_factory=dict)
    masks: dict[str, list[Mask]] = field(default_factory=dict)

    @property
    def packages(self) -> list[str]:
        return [cursor.package for cursor in self.cursors]

    def scores(self, condition: str) -> dict[str, Values]:
        """By metric, the score of each cursor."""
        rows = [_scores(shot, cursor) for shot, cursor in zip(self.shots[condition], self.cursors, strict=True)]
        return {metric: np.array([row[metric] for row in rows]) for metric in rows[0]}


def _scores(shot: Shot, cursor: Cursor) -> dict[str, float]:
    named = next_identifier(shot.text, cursor.truth)
    return {
        "next identifier": named,
        "identifiers (prefix)": identifiers(shot.text, cursor.truth),
        "exact line": exact(shot.text, cursor.truth),
        "edit similarity": similarity(shot.text, cursor.truth),
        "shown": float(shot.shown),
        "shown, identifier right": shot.shown * named,
        "shown, identifier wrong": shot.shown * (1 - named),
        "undefined member or name": float(bool(shot.undefined)),
        "shown with undefined": float(bool(shot.undefined) and shot.shown),
        "broken syntax": float(is_broken(cursor, shot)),
    }


class Judge:
    """A type checker that says what of a completion does not exist."""

    def __init__(self, server: str) -> None:
        self._servers = Servers({"python": server}, Limits(running=PATIENCE))
        self.unjudged = 0
        self._known: dict[Path, Counter[str]] = {}

    def undefined(self, cursor: Cursor, shot: Shot) -> tuple[str, ...]:
        """The complaints about a completion's names and members that the original does not give cause for."""
        if not shot.text.strip():
            return ()
        completed = cursor.completed(shot.text, shot.replaces)
        try:
            if cursor.path not in self._known:
                self._known[cursor.path] = Counter(self._complaints(cursor, cursor.text, 0, len(cursor.text)))
            found = Counter(self._complaints(cursor, completed, cursor.offset, cursor.offset + len(shot.text)))
        except NoAnswer:
            self.unjudged += 1
            return ()
        return tuple((found - self._known[cursor.path]).elements())

    def close(self) -> None:
        self._servers.close()

    def _complaints(self, cursor: Cursor, text: str, start: int, end: int) -> Iterator[str]:
        document = Document(cursor.path, "python", text)
        for each in started(self._servers, cursor).diagnostics(document, PATIENCE):
            if each.start < end and each.end > start and is_undefined(each):
                yield f"{each.code}: {each.message.splitlines()[0]}"


def is_undefined(diagnostic: Diagnostic) -> bool:
    """Whether something does not exist: what only None lacks is there if the value is."""
    lacking = _CLASS.findall(diagnostic.message)
    return diagnostic.code in UNDEFINED and (not lacking or set(lacking) != {"NoneType"})


def is_broken(cursor: Cursor, shot: Shot) -> bool:
    """Whether a completion leaves the file such that it cannot be parsed."""
    try:
        ast.parse(cursor.completed(shot.text, shot.replaces))
    except (SyntaxError, ValueError):
        return bool(shot.text.strip())
    return False


def complete(
    report: Report,
    conditions: Mapping[str, Condition],
    requests: Sequence[CompletionRequest],
    server: str,
    folder: Path,
) -> None:
    """Completes each cursor under each condition; cursor by cursor, so that the prompt is read once.

    It is read before, and what the server has answered is forgotten, so that the order of conditions does not matter.
    Repositories are indexed in a folder; the search finds nothing in the cursor's own file, where the answer stands.
    """
    settings = Settings(repository_apis=True, code_search=True, typed_holes=True, min_probability=0.0)
    plugins, indexes = Plugins(), Indexes(lambda root: opened(root, load(), folder / root.name), gentle=False)
    model = plugins.model(settings)
    servers, repositories = Servers({"python": server}), Repositories(Reading(seconds=600, niceness=0))
    know = partial(
        _assistant, plugins=plugins, settings=settings, servers=servers, repositories=repositories, indexes=indexes
    )
    reader = know(Condition(monitors=frozenset(), sources=frozenset()), model=model)
    assistants = {name: know(each, model=model) for name, each in conditions.items()}
    for cursor, request in track(list(zip(report.cursors, requests, strict=True)), "completions"):
        read_so_far(servers, cursor)
        if survey := repositories.survey(request):
            survey.wait()
        indexes.begin(cursor.root).result().wait(INDEXING)
        reader.complete(request)
        for name, assistant in assistants.items():
            asked = replace(request, trigger=conditions[name].trigger)
            assistant.open(asked, PATIENCE)
            started(servers, cursor).files_changed(())
            answer = assistant.complete(asked)
            report.shots.setdefault(name, []).append(_shot(answer, Settings().min_probability))
    repositories.close()
    indexes.close()
    servers.close()
    model.unload()


def _assistant(
    condition: Condition,
    plugins: Plugins,
    settings: Settings,
    servers: Servers,
    repositories: Repositories,
    indexes: Indexes,
    model: Model,
) -> Assistant:
    """An assistant in which only what a condition names takes part. What was asked of the servers is its own."""
    analysis = Analysis(servers)
    knowledge = Knowledge(analysis, Holes(analysis), repositories, indexes)
    return Assistant(
        model,
        settings,
        _named(plugins.context_sources(settings, knowledge), condition.sources),
        _named(plugins.monitors(settings, analysis), condition.monitors),
        plugins.post_processors(settings),
        _named(plugins.checks(settings, analysis), condition.checks),
        priors=_named(plugins.priors(settings, knowledge), condition.priors),
    )


def _named(offered: Iterable[Offered], names: frozenset[str] | None) -> list[Offered]:
    return [each for each in offered if names is None or each.name in names]


def _shot(answer: Answer, least: float) -> Shot:
    if not answer.completions:
        return Shot("", reason=answer.reason, silences=answer.silences)
    best = answer.completions[0]
    return Shot(
        best.text,
        best.replaces,
        round(best.probability, 4),
        bool(best.text.strip()) and best.probability >= least,
        rulings=tuple(asdict(ruling) for ruling in best.rulings),
        silences=answer.silences,
    )


def judge(report: Report, server: str) -> None:
    """Has a type checker look at every completion."""
    jury = Judge(server)
    for name, shots in report.shots.items():
        pairs = list(zip(report.cursors, shots, strict=True))
        report.shots[name] = [
            replace(shot, undefined=jury.undefined(cursor, shot))
            for cursor, shot in track(pairs, f"{server} on {name}")
        ]
    if jury.unjudged:
        log.warning("%s did not judge %d completions in time; they count as right", server, jury.unjudged)
    jury.close()


def mask(report: Report, requests: Sequence[CompletionRequest], server: str) -> None:
    """Asks every monitor at every cursor what it forbids there: first with a completion's deadline, then without."""
    servers, plugins, settings = Servers({"python": server}), Plugins(), Settings()
    quick, patient = Analysis(servers), Analysis(servers, PATIENCE)
    hasty, monitors = plugins.monitors(settings, quick), plugins.monitors(settings, patient)
    checks = plugins.checks(settings, patient)
    pairs = list(zip(report.cursors, requests, strict=True))
    for cursor, request in track(pairs, f"masks with {server}"):
        read_so_far(servers, cursor)
        in_time = masks_at(hasty, request, cursor.truth).masking
        found = masks_at(monitors, request, cursor.truth)
        dropping = objectors_to(checks, request, cursor.truth)
        report.masks.setdefault(server, []).append(replace(found, in_time=in_time, dropping=dropping))
    quick.close()


def masks_at(monitors: Iterable[Monitor], request: CompletionRequest, truth: str) -> Mask:
    """What monitors forbid at a request's cursor, and whether the truth is among it."""
    masking, wrong, silences = [], [], {}
    view = View(request)
    for monitor in monitors:
        try:
            guard = monitor.guard(view)
        except NoAnswer as reason:
            silences[monitor.name] = str(reason)
            continue
        if guard.is_free:
            silences[monitor.name] = getattr(guard, "reason", "")
            continue
        masking.append(monitor.name)
        if guard.after(truth) is None:
            wrong.append(monitor.name)
    return Mask(tuple(masking), tuple(wrong), silences)


def objectors_to(checks: Iterable[Check], request: CompletionRequest, truth: str) -> tuple[str, ...]:
    """The checks that object to the truth. They are asked twice: the first answer may be late."""
    completion = Completion(truth)
    for check in checks:
        check.fault(completion, request)
    time.sleep(0.05)
    return tuple(check.name for check in checks if check.fault(completion, request))


def show(report: Report, console: Console) -> dict[str, object]:
    """Prints the tables; the same figures as JSON."""
    figures: dict[str, object] = {"cursors": len(report.cursors), "packages": dict(Counter(report.packages))}
    if report.shots:
        figures["metrics"] = _show_metrics(report, console)
    if report.masks:
        figures["masks"] = _show_masks(report, console)
    return figures


def _show_metrics(report: Report, console: Console) -> dict[str, object]:
    names = list(report.shots)
    scores = {name: report.scores(name) for name in names}
    table = Table(f"{len(report.cursors)} cursors, %", *names, *(f"{name}, difference" for name in names[1:]))
    figures: dict[str, object] = {}
    for metric in scores[names[0]]:
        means = {name: float(scores[name][metric].mean()) for name in names}
        differences = {
            name: mean_difference(report.packages, scores[name][metric], scores[names[0]][metric]) for name in names[1:]
        }
        shown = [f"{means[name] * 100:.1f}" for name in names]
        table.add_row(metric, *shown, *(difference_cell(each) for each in differences.values()))
        figures[metric] = {"means": means, "differences": {name: as_json(each) for name, each in differences.items()}}
    console.print(table)
    return figures


def difference_cell(estimate: Estimate) -> str:
    """A difference in percentage points: `+5.1 [2.0, 8.3]`."""
    return f"{estimate.value * 100:+.1f} [{estimate.low * 100:+.1f}, {estimate.high * 100:+.1f}]"


def _show_masks(report: Report, console: Console) -> dict[str, object]:
    table = Table("server", "monitor", "masked", "coverage %", "in time %", "false", "false-mask rate %", "silent")
    figures: dict[str, object] = {}
    for server, masks in report.masks.items():
        for monitor in sorted({name for mask in masks for name in (*mask.masking, *mask.silences)}):
            masked = np.array([monitor in mask.masking for mask in masks])
            wrong = np.array([monitor in mask.wrong for mask in masks])
            reasons = Counter(mask.silences[monitor] for mask in masks if mask.silences.get(monitor))
            if not masked.any():
                continue
            rate = share(report.packages, wrong, masked)
            coverage = share(report.packages, masked, np.ones_like(masked))
            in_time = share(
                report.packages, np.array([monitor in mask.in_time for mask in masks]), np.ones_like(masked)
            )
            common = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common(4))
            cells = (str(masked.sum()), _percent(coverage), f"{in_time.value * 100:.1f}", str(wrong.sum()))
            table.add_row(server, monitor, *cells, _percent(rate), common)
            figures[f"{server}, {monitor}"] = {
                "coverage": as_json(coverage),
                "in time": as_json(in_time),
                "false masks": as_json(rate),
                "silences": dict(reasons),
            }
    console.print(table)
    for server, masks in report.masks.items():
        drops = Counter(name for mask in masks for name in mask.dropping)
        figures[f"{server}, truths dropped"] = dict(drops)
        said = ", ".join(f"{name} {count}" for name, count in drops.most_common()) or "none"
        console.print(f"{server}: true lines that checks object to, of {len(masks)}: {said}")
    return figures


def _percent(estimate: Estimate) -> str:
    return f"{estimate.value * 100:.1f} [{estimate.low * 100:.1f}, {estimate.high * 100:.1f}]"


def show_examples(report: Report, console: Console, count: int) -> None:
    """Prints false masks, and completions whose identifier got worse or better."""
    for server, masks in report.masks.items():
        wrong = [(cursor, mask) for cursor, mask in zip(report.cursors, masks, strict=True) if mask.wrong]
        for cursor, mask in wrong[:count]:
            console.print(f"false mask ({server}, {', '.join(mask.wrong)}): {place(cursor)}", markup=False)
        for cursor, mask in zip(report.cursors, masks, strict=True):
            if mask.dropping:
                console.print(f"dropped ({server}, {', '.join(mask.dropping)}): {place(cursor)}", markup=False)
    first, *others = report.shots or ("",)
    for name in others:
        for cursor, base, shot in zip(report.cursors, report.shots[first], report.shots[name], strict=True):
            change = next_identifier(shot.text, cursor.truth) - next_identifier(base.text, cursor.truth)
            if change < 0 and count > 0:
                count -= 1
                console.print(f"worse ({name}): {place(cursor)}\n    {base.text!r} → {shot.text!r}", markup=False)


def place(cursor: Cursor) -> str:
    """Where a cursor is, with its line: `click/core.py:12 return self.‸name`."""
    begin = cursor.text.rfind("\n", 0, cursor.offset) + 1
    line = cursor.text.count("\n", 0, cursor.offset) + 1
    before = cursor.text[begin : cursor.offset].lstrip()
    return f"{cursor.path.relative_to(cursor.root)}:{line} {before}‸{cursor.truth}"


def records(report: Report) -> list[dict[str, object]]:
    """Everything, cursor by cursor."""
    return [
        {
            "place": place(cursor),
            "package": cursor.package,
            "name": cursor.name,
            "truth": cursor.truth,
            "shots": {name: asdict(shots[index]) for name, shots in report.shots.items()},
            "masks": {server: asdict(masks[index]) for server, masks in report.masks.items()},
        }
        for index, cursor in enumerate(report.cursors)
    ]


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


def _packages(text: str) -> Sequence[str]:
    return {"reporting": REPORTING, "tuning": TUNING}.get(text) or tuple(text.split(","))


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
        "--packages", type=_packages, default=REPORTING, help="import names with commas, `reporting` or `tuning`"
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
