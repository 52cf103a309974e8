"""What in scope gives a value of the type that is expected: asked of the type checker, all candidates at once.

Each candidate is an argument of a function of our own that takes the type, in the hole itself, so that whatever is in
scope there is: `[take0(box), take0(result(make_box)), ...]`. Where the checker complains, the candidate does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from language_servers import holes_types as types
from language_servers.analyzer import Diagnostic, Document, Kind, Member
from language_servers.holes_stubs import Stub, means_another
from language_servers.signatures import split

HEADERS = 8
"""Headers that are kept."""

CANDIDATES = 32
"""Names that are tried, the ones written closest to the hole first."""

WEAKER = 0.6
"""What a function that gives the type only wrapped, as an iterable, an awaitable or perhaps, is worth."""

PART = 0.9
"""What a value of a part of the type is worth."""

_RESULT = re.compile(r"\s*(?:->|:)\s*(.+)$", re.DOTALL)
_BOUND = re.compile(r"bound method (?:type\[)?([\w.]+)(?:\[.*?\])?\]?\.(\w+)(\(.*)$", re.DOTALL)
_HOVERED = re.compile(r"^\((?:function|method|parameter|variable|attribute|property|constant|field)\) [\w.]+: ")
_WITH_SELF = re.compile(
    r"def (\w+)\(\s*(?:self|cls)\s*: (?:type\[)?(?:Self@)?([\w.]+)(?:\[[^\]]*\])?\]?\s*(?:,\s*|(?=\)))"
)
_CLASS = re.compile(r"<class '([\w.]+)(?:\[.*\])?'>|^type\[(\w+)\]$|^\(?class\)? (\w+)|^(?:\(alias\) )?class (\w+)")
_SCRIPT_KIND = re.compile(r"^\((?:alias|parameter|method|property|local var|local function|constant|function)\) ")
_SCRIPT_MEMBER = re.compile(r"^\((?:method|property)\) (\w+)(?:<.*?>)?\.\w+")
_SCRIPT_WORD = re.compile(r"^(?:const|let|var) ")
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expression that may stand in a hole, with its type or signature as the analysis words it."""

    expression: str
    detail: str = ""
    kind: Kind = Kind.OTHER


@dataclass(frozen=True, slots=True)
class Header:
    """Something in scope that gives a value that is wanted.

    `text` is its declaration, `type` what it gives; `depth` is 0 for a value and 1 for what is to be called. `score`
    is 0 to 1; 0 says that its type is unknown.
    """

    name: str
    text: str
    type: str
    score: float
    depth: int

    @property
    def is_class(self) -> bool:
        """Whether it is a class, to be called for an object of it."""
        return self.depth == 1 and self.text in (f"class {self.type}: ...", f"class {self.type}")


@dataclass(frozen=True, slots=True)
class Target:
    """A type that is wanted, as it is written in the hole's module, and what a value of it is worth."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Trial:
    """An expression in the hole, and where it stands in the text that is asked about."""

    candidate: Candidate | None
    target: Target | None
    depth: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """A text with all trials in it."""

    document: Document
    trials: tuple[Trial, ...]


def cleaned(detail: str) -> str:
    """A signature as ty words it: pyrefly says `def moved(self: Point, by: Point) -> Point: ...` of a bound method."""
    detail = _HOVERED.sub("", detail.strip()).removesuffix(": ...")
    if match := _WITH_SELF.match(detail):
        return f"bound method {match[2]}.{match[1]}({detail[match.end() :].lstrip()}"
    return detail


def targets(expected: str, language: str) -> list[Target]:
    """What is worth having: the type itself, its parts, and what leads to it."""
    options = types.alternatives(expected)
    if not options or any(option in types.UNKNOWN for option in options) or types.has_variable(expected):
        return []
    whole = " | ".join(options)
    found = [Target(whole, 1.0), *(Target(part, PART) for part in types.components(expected)[:2])]
    if language == "python" and any(True for _ in types.words(whole, language)):
        wrapped = f"_gw_Awaitable[{whole}] | _gw_Iterable[{whole}] | {whole} | None"
        found.append(Target(wrapped, WEAKER))
    return found


def candidates(
    names: Iterable[Member], document: Document, offset: int, more: Iterable[Candidate] = ()
) -> list[Candidate]:
    """The names in scope that are worth a try: those that the text has, not the language's own."""
    before = {match[0]: match.start() for match in re.finditer(r"[^\W\d]\w*", document.text[:offset])}
    behind = {match[0] for match in re.finditer(r"[^\W\d]\w*", document.text[offset:])}
    known = types.known(document.language)
    found = [
        Candidate(member.name, cleaned(member.detail), member.kind)
        for member in names
        if (member.name in before or member.name in behind)
        and member.name not in known
        and member.kind not in (Kind.KEYWORD, Kind.MODULE)
        and not member.name.startswith("__")
        and not _says_nothing(member.detail)
    ]
    found.sort(key=lambda each: -before.get(each.expression, -1))
    return [*more, *found][:CANDIDATES]


def has_members(candidate: Candidate, language: str) -> bool:
    """Whether a value's members are worth a try: those of the language's own types are known to everybody."""
    if not candidate.detail:
        return True
    return not result_type(candidate.detail) and any(True for _ in types.words(value_type(candidate.detail), language))


def members_of(receiver: str, members: Iterable[Member]) -> list[Candidate]:
    """The members of a value as candidates; those of the language's own types are known to everybody."""
    return [
        Candidate(f"{receiver}.{member.name}", cleaned(member.detail), member.kind)
        for member in members
        if not member.name.startswith("_")
        and not _is_of_builtin(cleaned(member.detail))
        and not _says_nothing(member.detail)
    ]


def experiment(
    document: Document, offset: int, tried: Sequence[Candidate], wanted: Sequence[Target], stubs: Sequence[Stub],
    root: Path,
) -> Experiment:  # fmt: skip
    """The text in which every candidate is tried for every target, and one that must fail."""
    head, tail = _definitions(document, wanted, stubs, root)
    hole, trials = ["["], list[Trial]()
    position = len(head) + offset + 1
    for expression, trial in _expressions(tried, wanted, document.language):
        trials.append(replace(trial, start=position, end=position + len(expression)))
        hole.append(f"{expression},\n")
        position += len(expression) + 2
    hole.append("]")
    text = head + document.text[:offset] + "".join(hole) + document.text[offset:] + tail
    return Experiment(replace(document, text=text), tuple(trials))


def fitting(done: Experiment, diagnostics: Iterable[Diagnostic]) -> Iterator[tuple[Trial, bool]]:
    """The trials that the checker does not complain of, each with whether its type is known.

    Of a target that takes anything, nothing is told: its name was not understood, or the place is never reached.
    """
    failed = _failed(done.trials, [each for each in diagnostics if each.error])
    anything = {trial.target for trial in done.trials if trial.candidate is None and trial not in failed}
    unknown = {
        (trial.candidate, trial.depth)
        for trial in done.trials
        if trial.target is None and trial.candidate and trial not in failed
    }
    for trial in done.trials:
        if trial.candidate and trial.target and trial not in failed and trial.target not in anything:
            yield trial, (trial.candidate, trial.depth) not in unknown


def by_name(tried: Iterable[Candidate], wanted: Sequence[Target]) -> Iterator[tuple[Trial, bool]]:
    """What fits where no checker can be asked: what has the target's name."""
    for candidate in tried:
        given_by_call = result_type(candidate.detail)
        if candidate.kind in (Kind.FUNCTION, Kind.METHOD) and not given_by_call:  # clangd words only what it gives
            given_by_call = candidate.detail
        own = "" if given_by_call else value_type(candidate.detail)
        for depth, given in enumerate((own, given_by_call)):
            for target in wanted:
                if given and types.accepts(target.text, given):
                    yield Trial(candidate, target, depth, 0, 0), True


def ranked(
    fits: Iterable[tuple[Trial, bool]], own: frozenset[str], language: str, order: Mapping[Candidate, int]
) -> list[Header]:
    """The best headers by Hazel's score, each symbol once: those that mention a type of the repository, if any does."""
    best = dict[tuple[str, str], tuple[bool, float, int, Header]]()
    for trial, is_known in fits:
        candidate, target = trial.candidate, trial.target
        if candidate is None or target is None:
            continue
        given = result_type(candidate.detail) if trial.depth else value_type(candidate.detail)
        given = given or target.text
        if types.is_nothing(given) or _is_of_builtin(candidate.detail):
            continue
        score = target.weight * types.score(given, language) if is_known else 0.0
        header = Header(candidate.expression, declaration(candidate, language), given, round(score, 3), trial.depth)
        mentions = types.mentions(f"{candidate.detail} {given}", own)
        if not mentions and not trial.depth:  # it stands close by, and its type tells nothing
            continue
        rank = mentions, score, -order.get(candidate, 0), header
        key = candidate.detail.strip() or candidate.expression, candidate.expression.rpartition(".")[2]
        if key not in best or rank[:3] > best[key][:3]:
            best[key] = rank
    headers = [each[3] for each in sorted(best.values(), key=lambda each: each[:3], reverse=True)]
    certain = [header for header in headers if header.score > 0] or headers
    theirs = [header for header in certain if types.mentions(f"{header.text} {header.type}", own)]
    return (theirs or certain)[:HEADERS]


def declaration(candidate: Candidate, language: str) -> str:
    """How a candidate would stand in a stub: `def make() -> Box: ...`, `box: Box`, a method within its class."""
    name, detail = candidate.expression, candidate.detail.strip()
    if language != "python":
        text = _in_one_line(_SCRIPT_KIND.sub("", detail.split("\nimport ")[0]))
        return f"{name}: {text}" if text == value_type(detail) else text or name
    if bound := _BOUND.match(detail):
        arguments = bound[3][1:]
        itself = "(self" if arguments.startswith(")") else "(self, "
        return f"class {bound[1]}:\n    def {bound[2]}{itself}{_in_one_line(arguments)}: ..."
    if detail.startswith(("def ", "async def ")):
        return f"{_in_one_line(detail)}: ..."
    if match := _CLASS.search(detail):
        return f"class {_last_group(match)}: ..."
    if detail.startswith("(") and result_type(detail):
        return f"def {name.rpartition('.')[2]}{_in_one_line(detail)}: ..."
    return f"{name}: {_in_one_line(detail)}" if detail else name


def result_type(detail: str) -> str:
    """What calling something gives; empty if it is no function."""
    detail = detail.strip().split("\nimport ")[0]
    if match := _CLASS.search(detail):
        return _last_group(match)
    if _SCRIPT_WORD.match(_SCRIPT_KIND.sub("", detail)):
        return ""
    match = _RESULT.match(_behind_parameters(detail))
    return match[1].strip() if match else ""


def _behind_parameters(detail: str) -> str:
    """What follows the parameters: `def f(a: (int) -> str) -> Box` → ` -> Box`."""
    start = detail.find("(", 1 if detail.startswith("(") and _SCRIPT_KIND.match(detail) else 0)
    depth = 0
    for position in range(max(start, 0), len(detail)):
        depth += (detail[position] in "([{") - (detail[position] in ")]}")
        if not depth and position > start >= 0:
            return detail[position + 1 :]
    return ""


def value_type(detail: str) -> str:
    """The type of a value that is no function; empty if that is unknown."""
    detail = _SCRIPT_KIND.sub("", detail.strip().split("\nimport ")[0])
    if result_type(detail):
        return ""
    name, colon, declared = detail.partition(": ")
    return declared if colon and " " not in _SCRIPT_WORD.sub("", name) else detail


def _last_group(match: re.Match[str]) -> str:
    """`pkg.Point` → `Point`."""
    found: str = next(filter(None, match.groups()))
    return found.rpartition(".")[2]


def _expressions(tried: Sequence[Candidate], wanted: Sequence[Target], language: str) -> Iterator[tuple[str, Trial]]:
    nothing = "_gw_Nothing()" if language == "python" else "(null as any as _gw_Nothing)"
    for index, target in enumerate(wanted):
        yield f"_gw_take{index}({nothing})", Trial(None, target, 0, 0, 0)
    takers: list[tuple[str, Target | None]] = [("_gw_nothing", None)]
    takers += [(f"_gw_take{index}", target) for index, target in enumerate(wanted)]
    for candidate in tried:
        for depth in _depths(candidate):
            given = f"_gw_result({candidate.expression})" if depth else candidate.expression
            for taker, wants in takers:
                yield f"{taker}({given})", Trial(candidate, wants, depth, 0, 0)


def _depths(candidate: Candidate) -> tuple[int, ...]:
    if not candidate.detail:
        return 0, 1
    if candidate.detail.startswith("Overload[") or result_type(candidate.detail):
        return (1,)
    return (0,)


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
    modules = {name: _module_name(path, root) for name, path in elsewhere.items()}
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

    return re.sub(r"(?<![\"'\w])[^\W\d][\w.]*(?![\"'])", spell, text), imports


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None


def _module_name(path: Path, root: Path) -> str:
    """The name by which a file is imported: the folders above it, as long as they are packages."""
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while folder != root and (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def _is_of_builtin(detail: str) -> bool:
    bound = _BOUND.match(detail) or _SCRIPT_MEMBER.match(detail)
    return bool(bound and bound[1] in types.PYTHON_KNOWN | types.TYPESCRIPT_KNOWN)


def _says_nothing(detail: str) -> bool:
    if (match := _CLASS.search(detail)) and _last_group(match) in types.PYTHON_KNOWN:
        return True
    return detail.startswith(("<special-form", "<module", "(type alias)", "(module)"))


def _in_one_line(text: str) -> str:
    text = re.sub(r"\s+", " ", text).replace("( ", "(").replace(" )", ")").replace(",)", ")")
    return text if len(text) <= 240 else next(split(text, "\n"), "")[:238] + " …"
