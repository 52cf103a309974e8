"""What came of each cursor under each condition, and the tables that are made of it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from cursors import Cursor
from rich.console import Console
from rich.table import Table
from scores import Estimate, Values, as_json, exact, identifiers, mean_difference, next_identifier, share, similarity


@dataclass(frozen=True, slots=True)
class Shot:
    """What came of a cursor under a condition. `shown` says whether the user would have seen it while typing.

    `is_cut` says that the rest of the line was wrong and is left out.
    """

    text: str
    replaces: int = 0
    probability: float = 0.0
    shown: bool = False
    reason: str = ""
    silences: tuple[tuple[str, str], ...] = ()
    rulings: tuple[Mapping[str, object], ...] = ()
    undefined: tuple[str, ...] = ()
    is_cut: bool = False


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
        "cut before a fault": float(shot.is_cut),
        "cut, and true so far": float(shot.is_cut and cursor.truth.startswith(shot.text.strip())),
        "broken syntax": float(is_broken(cursor, shot)),
    }


def is_broken(cursor: Cursor, shot: Shot) -> bool:
    """Whether a completion leaves the file such that it cannot be parsed."""
    try:
        ast.parse(cursor.completed(shot.text, shot.replaces))
    except (SyntaxError, ValueError):
        return bool(shot.text.strip())
    return False


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
