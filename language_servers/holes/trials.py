"""Which candidates fit: asked of the type checker, all at once.

Each candidate is an argument of a function of our own that takes the type, in the hole itself, so that whatever is in
scope there is: `[take0(box), take0(result(make_box)), ...]`. Where the checker complains, the candidate does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from language_servers.analyzer import Diagnostic, Document, Kind
from language_servers.holes import types
from language_servers.holes.candidates import Candidate
from language_servers.holes.modules import means_another, module_name
from language_servers.holes.stubs import Stub
from language_servers.holes.wording import result_type, value_type

WEAKER = 0.6
"""What a function that gives the type only wrapped, as an iterable, an awaitable or perhaps, is worth."""

PART = 0.9
"""What a value of a part of the type is worth."""

_PYTHON_HEAD = (
    "from typing import Awaitable as _gw_Awaitable, Callable as _gw_Callable, Iterable as _gw_Iterable,"
    " TypeVar as _gw_TypeVar\n"
    "import typing as _gw_typing\n"
    '_gw_R = _gw_TypeVar("_gw_R")\n'
    "class _gw_Nothing: ...\n"
    'def _gw_result(f: "_gw_Callable[..., _gw_R]") -> "_gw_R": raise NotImplementedError\n'
    'def _gw_nothing(x: "_gw_Nothing") -> _gw_typing.Any: ...\n'
)
_SCRIPT_TAIL = (
    "\ndeclare class _gw_Nothing { private _gw: number; }\n"
    "declare function _gw_result<R>(f: (...a: any[]) => R): R;\n"
    "declare function _gw_result<R>(f: abstract new (...a: any[]) => R): R;\n"
    "declare function _gw_nothing(x: _gw_Nothing): any;\n"
)
_PATH = re.compile(r"(?<![\"'\w])[^\W\d][\w.]*(?![\"'])")


@dataclass(frozen=True, slots=True)
class Target:
    """A type that is wanted, as it is written in the hole's module, and what a value of it is worth."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate for a target, called for its result if `depth` is 1, and where it stands in the text.

    Without a candidate a value of no type is tried, without a target a function that takes no type.
    """

    candidate: Candidate | None
    target: Target | None
    depth: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """A candidate that fits a target. `is_known` says that its type is known; where it is not, it fits everywhere."""

    candidate: Candidate
    target: Target
    depth: int
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Experiment:
    """A text with all trials in it."""

    document: Document
    trials: tuple[Trial, ...]


def targets(expected: str, language: str) -> list[Target]:
    """What is worth having: the type itself, its parts, and what leads to it."""
    options = types.alternatives(expected)
    if not options or any(option in types.UNKNOWN for option in options) or types.has_variable(expected):
        return []
    whole = " | ".join([*options, *types.nothings(expected)])
    found = [Target(whole, 1.0), *(Target(part, PART) for part in types.components(expected)[:2])]
    if language == "python" and types.is_named(whole, language):
        wrapped = f"_gw_Awaitable[{whole}] | _gw_Iterable[{whole}] | {whole} | None"
        found.append(Target(wrapped, WEAKER))
    return found


def experiment(
    document: Document, offset: int, tried: Sequence[Candidate], wanted: Sequence[Target], stubs: Sequence[Stub],
    root: Path,
) -> Experiment:  # fmt: skip
    """The text in which every candidate is tried for every target, and one that must fail."""
    head, tail = _definitions(document, wanted, stubs, root)
    hole, trials = "[", list[Trial]()
    for expression, trial in _expressions(tried, wanted, document.language):
        start = len(head) + offset + len(hole)
        trials.append(replace(trial, start=start, end=start + len(expression)))
        hole += f"{expression},\n"
    text = head + document.text[:offset] + hole + "]" + document.text[offset:] + tail
    return Experiment(replace(document, text=text), tuple(trials))


def fitting(done: Experiment, diagnostics: Iterable[Diagnostic]) -> Iterator[Fit]:
    """The candidates that the checker does not complain of.

    Of a target that takes anything, nothing is told: its name was not understood, or the place is never reached.
    """
    failed = _failed(done.trials, [each for each in diagnostics if each.error])
    passed = [trial for trial in done.trials if trial not in failed]
    anything = {trial.target for trial in passed if trial.candidate is None}
    unknown = {(trial.candidate, trial.depth) for trial in passed if trial.target is None}
    for trial in passed:
        if trial.candidate and trial.target and trial.target not in anything:
            is_known = (trial.candidate, trial.depth) not in unknown
            yield Fit(trial.candidate, trial.target, trial.depth, is_known)


def fitting_by_name(tried: Iterable[Candidate], wanted: Sequence[Target]) -> Iterator[Fit]:
    """What fits where no checker can be asked: what has the target's name."""
    for candidate in tried:
        given_by_call = result_type(candidate.detail)
        if candidate.kind in (Kind.FUNCTION, Kind.METHOD) and not given_by_call:  # clangd words only what it gives
            given_by_call = candidate.detail
        own = "" if given_by_call else value_type(candidate.detail)
        for depth, given in enumerate((own, given_by_call)):
            for target in wanted:
                if given and types.accepts(target.text, given):
                    yield Fit(candidate, target, depth)


def _expressions(tried: Sequence[Candidate], wanted: Sequence[Target], language: str) -> Iterator[tuple[str, Trial]]:
    nothing = "_gw_Nothing()" if language == "python" else "(null as any as _gw_Nothing)"
    for index, target in enumerate(wanted):
        yield f"_gw_take{index}({nothing})", Trial(None, target, 0)
    takers: list[tuple[str, Target | None]] = [("_gw_nothing", None)]
    takers += [(f"_gw_take{index}", target) for index, target in enumerate(wanted)]
    for candidate in tried:
        for depth in depths(candidate, wanted):
            given = f"_gw_result({candidate.expression})" if depth else candidate.expression
            for taker, wants in takers:
                yield f"{taker}({given})", Trial(candidate, wants, depth)


def depths(candidate: Candidate, wanted: Iterable[Target]) -> tuple[int, ...]:
    """How a candidate is tried: 0 as it is, 1 called. What can be called is tried as it is where that is wanted."""
    if not candidate.detail or types.is_callable(value_type(candidate.detail)):
        return 0, 1
    if not result_type(candidate.detail):
        return (0,)
    return (0, 1) if any(types.is_callable(target.text) for target in wanted) else (1,)


def _failed(trials: Sequence[Trial], errors: Iterable[Diagnostic]) -> set[Trial]:
    """The trials that an error lies in, not those that it is about as a whole, which the hole's place does not take.

    They stand one behind the other, so that a look at the nearest is enough.
    """
    failed, index = set[Trial](), 0
    for error in sorted(errors, key=lambda each: each.start):
        while index < len(trials) and trials[index].end < error.start:
            index += 1
        if index < len(trials) and trials[index].start < error.start and error.end < trials[index].end:
            failed.add(trials[index])
    return failed


def _definitions(document: Document, wanted: Sequence[Target], stubs: Sequence[Stub], root: Path) -> tuple[str, str]:
    """What is written above the text, and what below: functions that take each target."""
    if document.language != "python":
        takers = (f"declare function _gw_take{index}(x: {each.text}): any;\n" for index, each in enumerate(wanted))
        return "", _SCRIPT_TAIL + "".join(takers)
    lines = [_PYTHON_HEAD]
    for index, target in enumerate(wanted):
        text, imports = _spelled(target.text, document, stubs, root)
        lines += [*imports, f"def _gw_take{index}(x: {text!r}) -> _gw_typing.Any: ...\n"]
    return "".join(lines), ""


def _spelled(text: str, document: Document, stubs: Sequence[Stub], root: Path) -> tuple[str, list[str]]:
    """A type in words that the module knows, and the imports that it takes for those that it does not."""
    elsewhere = {stub.name: stub.path for stub in stubs if stub.path != document.path}
    modules = {name: module_name(path, root) for name, path in elsewhere.items()}
    others = {name for name, path in elsewhere.items() if means_another(name, document, path, root)}
    imports = list[str]()

    def spell(match: re.Match[str]) -> str:
        path = match[0]
        first, _, name = path.rpartition(".")
        if first and _has_word(document.text, path.partition(".")[0]):
            return path
        if not first and path in types.PYTHON_KNOWN:
            is_there = path in types.BUILTINS or _has_word(document.text, path)
            return path if is_there else f"_gw_typing.{path}"
        if path.startswith("_gw_") or (not first and name not in others and _has_word(document.text, name)):
            return path
        if module := first or modules.get(name, ""):
            imports.append(f"from {module} import {name} as _gw_{name}\n")
            return f"_gw_{name}"
        return path

    return _PATH.sub(spell, text), imports


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None
