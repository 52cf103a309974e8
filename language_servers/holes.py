"""What is known of a hole: the expected type, the types it is made of, what in scope gives it, and what went wrong.

ChatLSP, as in “Statically Contextualizing Large Language Models with Typed Holes” (Blinn et al. 2024), over whatever a
standard language server answers. Every question has a deadline; what is known is given even where the rest is not.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from language_servers import holes_headers as headers
from language_servers import holes_types as types
from language_servers import python
from language_servers.analyzer import (
    Analyzer,
    Call,
    Diagnostic,
    Document,
    Fault,
    Location,
    Members,
    NoAnswer,
    ParameterKind,
    TooEarly,
)
from language_servers.holes_headers import Candidate, Header
from language_servers.holes_scope import bound, receivers
from language_servers.holes_slots import Slot, Source, python_slot
from language_servers.holes_stubs import (
    SCRIPTS,
    Found,
    Place,
    Stub,
    class_at,
    declared,
    is_installed,
    is_own,
    own_names,
    parameter_places,
)
from language_servers.holes_trees import descendants, tree_of

DEADLINE = 0.5
"""How long the answers are waited for, all in all."""

TYPES = 12
"""Types that are kept."""

RECEIVERS = 3
"""Values whose members are tried."""

HOVERS = 32
"""Candidates that are asked about one by one where their completions told nothing."""

MEMBERS = 16
"""Members of one value that are tried."""

DEPTH = 3
"""How far types are followed into what they are made of."""

_SCRIPTS = ("typescript", "typescriptreact")
_CONDITIONS = ("if_statement", "while_statement", "do_statement", "unary_expression")
_SCRIPT_HOLE = "_gw_hole()"
_SCRIPT_DECLARATION = "\ndeclare function _gw_hole<T>(): T;\n"

_BRACKETS = {"(": ")", "[": "]", "{": "}"}

_ASKING = ThreadPoolExecutor(8, "holes")
"""Asks several questions about one text at once, which a server answers together."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Expected:
    """The type that is expected, as the analysis words it. `places` are where its names are written."""

    type: str
    source: Source
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class HoleContext:
    """What is known of a hole. `silences` says in a few words what was asked in vain.

    `is_early` says that some of it may be answered a little later.
    """

    expected: str = ""
    source: Source = Source.PROBE
    types: tuple[Stub, ...] = ()
    headers: tuple[Header, ...] = ()
    silences: tuple[str, ...] = ()
    is_early: bool = False


@dataclass
class Inquiry:
    """Questions to one analyzer with one deadline for all, and what was asked in vain."""

    analyzer: Analyzer
    root: Path
    until: float
    silences: list[str] = field(default_factory=list)
    is_early: bool = False

    @classmethod
    def of(cls, analyzer: Analyzer, document: Document, root: Path | None, deadline: float) -> Inquiry:
        return cls(analyzer, root or document.path.parent, time.monotonic() + deadline)

    @property
    def left(self) -> float:
        return max(self.until - time.monotonic(), 0.0)

    def so_far(self, context: HoleContext) -> HoleContext:
        """A context with what has been asked in vain until now."""
        return replace(context, silences=tuple(self.silences), is_early=self.is_early)

    def ask(self, question: Callable[[float], T]) -> T | None:
        """The answer to one question."""
        try:
            if not self.left:
                raise TooEarly("there was no time left")
            return question(self.left)
        except NoAnswer as absence:
            self.silences.append(str(absence))
            self.is_early = self.is_early or isinstance(absence, TooEarly)
            return None

    def ask_all(self, questions: Sequence[Callable[[float], T]]) -> list[T | None]:
        """The answers to several questions about texts that do not get in each other's way."""
        if len(questions) == 1:
            return [self.ask(questions[0])]
        futures = [_ASKING.submit(self.ask, question) for question in questions]
        answers = list[T | None]()
        for future in futures:
            try:
                answers.append(future.result(self.left + 0.05))
            except TooLate:
                self.is_early = True
                answers.append(None)
        return answers


def hole_context(
    analyzer: Analyzer,
    document: Document,
    offset: int,
    root: Path | None = None,
    more: Sequence[Candidate] = (),
    deadline: float = DEADLINE,
) -> HoleContext:
    """All that is known of an expression that is missing at an offset."""
    return list(stages(analyzer, document, offset, root, more, deadline))[-1]


def stages(
    analyzer: Analyzer,
    document: Document,
    offset: int,
    root: Path | None = None,
    more: Sequence[Candidate] = (),
    deadline: float = DEADLINE,
) -> Iterator[HoleContext]:
    """What is known of a hole after each step: the expected type, then the types, then the headers."""
    inquiry = Inquiry.of(analyzer, document, root, deadline)
    expected = _expected(inquiry, document, offset)
    context = HoleContext(expected.type, expected.source)
    yield inquiry.so_far(context)
    context = replace(context, types=_types(inquiry, expected.places))
    yield inquiry.so_far(context)
    found = _headers(inquiry, document, offset, expected.type, context.types, more)
    yield inquiry.so_far(replace(context, headers=found))


def expected_type(
    analyzer: Analyzer, document: Document, offset: int, root: Path | None = None, deadline: float = DEADLINE
) -> Expected:
    """The type that is expected where an expression is missing; empty if that is unknown."""
    return _expected(Inquiry.of(analyzer, document, root, deadline), document, offset)


def relevant_types(
    analyzer: Analyzer, expected: Expected, document: Document, root: Path | None = None, deadline: float = DEADLINE
) -> tuple[Stub, ...]:
    """The types that an expected type is made of, dependencies first."""
    return _types(Inquiry.of(analyzer, document, root, deadline), expected.places)


def relevant_headers(
    analyzer: Analyzer,
    document: Document,
    offset: int,
    expected: str,
    stubs: Sequence[Stub] = (),
    more: Sequence[Candidate] = (),
    root: Path | None = None,
    deadline: float = DEADLINE,
) -> tuple[Header, ...]:
    """What in scope gives a value of a type, or of a part of it: the best first."""
    inquiry = Inquiry.of(analyzer, document, root, deadline)
    return _headers(inquiry, document, offset, expected, stubs, more)


# the expected type


def _expected(inquiry: Inquiry, document: Document, offset: int) -> Expected:
    if document.language in _SCRIPTS:
        return _expected_in_script(inquiry, document, offset)
    if document.language != "python":
        hole = inquiry.ask(partial(inquiry.analyzer.hole, document, offset))
        return _with_places(hole.expected if hole else "", Source.ARGUMENT, document)
    probe = _probe_of(document, offset)
    tree = tree_of(probe)
    slot = python_slot(tree, offset, len(python.SENTINEL)) if tree else Slot(Source.PROBE)
    answer = _ANSWERS[slot.source](inquiry, probe, offset, slot)
    if answer.type or slot.source in (Source.PLACE, Source.PROBE):
        return answer
    return _probed(inquiry, probe, offset, slot)


def _written(inquiry: Inquiry, probe: Document, offset: int, slot: Slot) -> Expected:
    """What the text itself says."""
    places = [place for stretch in slot.places for place in _places_between(probe, *stretch)]
    return Expected(slot.narrowed(slot.expected), slot.source, tuple(places))


def _argument(inquiry: Inquiry, probe: Document, offset: int, slot: Slot) -> Expected:
    """The parameter of a call, by its signature; where its types are written, by the function's own definition."""
    assert slot.callee is not None
    at = offset if slot.keyword or not slot.within else slot.callee  # brackets within the call are no call
    questions: list[Callable[[float], Call | Location]] = [
        partial(inquiry.analyzer.call, probe, at),
        partial(inquiry.analyzer.type_definition, probe, slot.callee),
    ]
    if slot.within:
        return Expected("", slot.source)
    call, callee = inquiry.ask_all(questions)
    name, annotation = _parameter(call, slot.keyword) if isinstance(call, Call) else ("", "")
    annotation = types.without_hole(annotation)
    if not annotation or annotation in types.UNKNOWN or types.has_variable(annotation):
        return Expected("", slot.source)
    places = list[Place]()
    if isinstance(callee, Location) and any(True for _ in types.words(annotation, "python")):
        places = parameter_places(callee.path, callee.offset, "python", probe, name)
        places = [] if any(types.has_variable(place.name) for place in places) else places
    expected = Expected(annotation, slot.source, tuple(places))
    return expected if places else _with_places(annotation, slot.source, probe)


def _parameter(call: Call, keyword: str) -> tuple[str, str]:
    """Name and annotation of the parameter that an argument is for, in the first signature that has one."""
    for signature in call.signatures:
        parameters = signature.parameters
        if keyword:
            for parameter in parameters:
                if parameter.name == keyword:
                    return parameter.name, parameter.annotation
        elif call.active is not None and call.active < len(parameters):
            parameter = parameters[call.active]
            if parameter.kind is not ParameterKind.VAR_KEYWORD:
                return parameter.name, parameter.annotation
    return "", ""


def _sampled(inquiry: Inquiry, probe: Document, offset: int, slot: Slot) -> Expected:
    """The type of a name that stands beside the hole."""
    assert slot.sample is not None
    found = inquiry.ask(partial(inquiry.analyzer.type_at, probe, slot.sample))
    text = headers.value_type(found) if found else ""
    narrowed = slot.narrowed(text)
    place = Place(probe, slot.sample, narrowed)
    return Expected(narrowed, slot.source, (place,) if any(True for _ in types.words(narrowed, "python")) else ())


def _probed(inquiry: Inquiry, probe: Document, offset: int, slot: Slot) -> Expected:
    """What the checker misses where the placeholder stands."""
    found = inquiry.ask(partial(inquiry.analyzer.diagnostics, probe))
    text = python.expected(found or (), probe.text, offset)
    if not text and slot.within and found:
        text = slot.narrowed(_expected_around(found, offset))
    return _with_places(text, Source.PROBE, probe)


def _expected_around(diagnostics: Iterable[Diagnostic], offset: int) -> str:
    """What is expected of the collection that the placeholder stands in: `Expected `list[Point]`, found ...`."""
    around = [each for each in diagnostics if each.start <= offset < each.end]
    for diagnostic in sorted(around, key=lambda each: each.end - each.start):
        if text := expectation(diagnostic.message)[0]:
            return text
    return ""


_ANSWERS: dict[Source, Callable[[Inquiry, Document, int, Slot], Expected]] = {
    Source.ANNOTATION: _written,
    Source.BODY: _written,
    Source.PLACE: _written,
    Source.ARGUMENT: _argument,
    Source.SAMPLE: _sampled,
    Source.PROBE: _probed,
}


def _expected_in_script(inquiry: Inquiry, document: Document, offset: int) -> Expected:
    """What TypeScript infers for `_gw_hole()`, a function that gives whatever is wanted."""
    probe = _probe_of(document, offset)
    found = inquiry.ask(partial(inquiry.analyzer.type_at, probe, offset)) or ""
    begin, end = found.find("<"), found.rfind(">(")
    inferred = found[begin + 1 : end].strip() if 0 <= begin < end else ""
    if inferred in ("", "T", "unknown", "any"):
        return Expected("boolean" if _is_condition(probe, offset) else "", Source.PLACE)
    return _with_places(inferred, Source.PROBE, probe)


def _is_condition(probe: Document, offset: int) -> bool:
    """Whether `if` or the like asks the placeholder: what fits there, TypeScript does not say."""
    tree = tree_of(probe)
    node = tree.at(offset, offset + len(_SCRIPT_HOLE)).parent if tree else None
    if node is not None and node.type == "parenthesized_expression":
        node = node.parent
    return node is not None and node.type in _CONDITIONS


# the types it is made of


def _with_places(text: str, source: Source, document: Document) -> Expected:
    """A type in a checker's words, and the places in the text where its names stand."""
    places = (_place_of(name, document) for _, name in types.words(text, document.language))
    return Expected(text, source, tuple(place for place in places if place))


def _place_of(name: str, document: Document) -> Place | None:
    """The first place in a text where a name stands as a type or, if there is none, as code."""
    tree = tree_of(document)
    found, at = None, 0
    while tree and (at := document.text.find(name, at)) >= 0:
        node = tree.at(at, at + len(name))
        if node.type == "type_identifier" and tree.text(node) == name:
            return Place(document, at, name)
        if node.type == "identifier" and tree.text(node) == name:
            found = found or Place(document, at, name)
        at += len(name)
    return found


def _places_between(document: Document, start: int, end: int) -> list[Place]:
    text = document.text[start:end]
    return [Place(document, start + at, name) for at, name in types.words(text, document.language)]


def _types(inquiry: Inquiry, places: Sequence[Place]) -> tuple[Stub, ...]:
    """Breadth first, so that what is nearest is kept; given with dependencies first, libraries' types before ours."""
    found = dict[tuple[Path, int], Stub]()
    frontier, asked = list(places), set[tuple[Path, str]]()
    for depth in range(DEPTH):
        frontier = [place for place in frontier if (place.document.path, place.name) not in asked][: TYPES * 2]
        asked |= {(place.document.path, place.name) for place in frontier}
        following = list[Place]()
        for each in _definitions(inquiry, frontier, keep_installed=depth == 0):
            key = each.stub.path, each.stub.offset
            if key not in found and len(found) < TYPES:
                found[key] = each.stub
                following += each.places if each.stub.own else ()
        frontier = following
        if not frontier or len(found) >= TYPES:
            break
    stubs = list(found.values())[::-1]
    return tuple(sorted(stubs, key=lambda stub: stub.own))


def _definitions(inquiry: Inquiry, places: Sequence[Place], keep_installed: bool) -> Iterator[Found]:
    """What the names at some places stand for."""
    aliases = [declared(place, inquiry.root) for place in places]
    others = [place for place, found in zip(places, aliases, strict=True) if found is None]
    questions = [partial(inquiry.analyzer.type_definition, place.document, place.offset) for place in others]
    located = iter(inquiry.ask_all(questions) if questions else [])
    remaining = iter(others)
    for found in aliases:
        if found:
            yield found
            continue
        place, location = next(remaining), next(located)
        if location and (named := _named(inquiry, place, location, keep_installed)):
            yield named


def _named(inquiry: Inquiry, place: Place, location: Location, keep_installed: bool) -> Found | None:
    own = is_own(location.path, inquiry.root)
    if not own and not (keep_installed and is_installed(location.path)):
        return None
    return class_at(location.path, location.offset, place.document.language, place.document, own)


# what gives it


def _headers(
    inquiry: Inquiry,
    document: Document,
    offset: int,
    expected: str,
    stubs: Sequence[Stub],
    more: Sequence[Candidate],
) -> tuple[Header, ...]:
    wanted = headers.targets(expected, document.language)
    if not wanted:
        return ()
    is_named = any(True for _ in types.words(expected, document.language))
    tried = _candidates(inquiry, document, offset, more, is_named)
    order = {candidate: index for index, candidate in enumerate(tried)}
    own = frozenset(stub.name for stub in stubs if stub.own) | own_names(_probe_of(document, offset), inquiry.root)
    if not tried:
        return ()
    if document.language not in ("python", *_SCRIPTS):
        named = headers.by_name(tried, wanted)
        return tuple(headers.ranked(named, own, document.language, order))
    experiment = headers.experiment(document, offset, tried, wanted, stubs, inquiry.root)
    diagnostics = inquiry.ask(partial(inquiry.analyzer.diagnostics, experiment.document))
    if diagnostics is None:
        described = _described(inquiry, experiment, tried)
        fits = list(headers.by_name([described.get(each, each) for each in tried], wanted))
    else:
        fits = list(headers.fitting(experiment, diagnostics))
        described = _described(inquiry, experiment, [trial.candidate for trial, _ in fits if trial.candidate])
        fits = [(_described_trial(trial, described), known) for trial, known in fits]
    order |= {described[each]: order[each] for each in described}
    best = headers.ranked(fits, own, document.language, order)
    return tuple(_with_classes(inquiry, experiment, best, stubs))


def _candidates(
    inquiry: Inquiry, document: Document, offset: int, more: Sequence[Candidate], with_members: bool
) -> list[Candidate]:
    """Names in scope, and the members of the values closest to the hole.

    Members are many: for a type of the language's own, which half of them have, they are not worth it.
    """
    names = inquiry.ask(partial(inquiry.analyzer.names, document, offset))
    listed = list(names or ())
    if names is None or names.doubt:
        listed += [each for each in bound(document, offset) if names is None or each.name not in names.names]
    found = headers.candidates(listed, document, offset, more)
    told = {each.expression: each for each in found}
    probe = _probe_of(document, offset)
    reads_members = with_members and document.language in ("python", *SCRIPTS)
    around = receivers(probe, offset) if reads_members else []
    values = [value for value in around if headers.has_members(told.get(value, Candidate(value)), document.language)][
        :RECEIVERS
    ]
    for value, members in zip(values, _members(inquiry, document, offset, values), strict=True):
        found += headers.members_of(value, members)[:MEMBERS] if members else []
    return [each for each in found if each.expression not in ("self", "cls")]


def _probe_of(document: Document, offset: int) -> Document:
    """The text with a placeholder in the hole, so that it can be parsed."""
    if document.language in _SCRIPTS:
        text = document.text[:offset] + _SCRIPT_HOLE + document.text[offset:] + _SCRIPT_DECLARATION
        return replace(document, text=text)
    return replace(document, text=python.with_sentinel(document.text, offset))


def _members(inquiry: Inquiry, document: Document, offset: int, values: Sequence[str]) -> list[Members | None]:
    """The members of several values, in one text: `[(self.), (box.)]`."""
    if not values:
        return []
    hole, dots = "[", list[int]()
    for value in values:
        dots.append(offset + len(hole) + len(value) + 2)
        hole += f"({value}.), "
    asked = replace(document, text=document.text[:offset] + hole + "]" + document.text[offset:])
    return inquiry.ask_all([partial(inquiry.analyzer.members, asked, dot) for dot in dots])


def _described(
    inquiry: Inquiry, experiment: headers.Experiment, candidates: Iterable[Candidate]
) -> dict[Candidate, Candidate]:
    """Candidates with what a hover says of them, where their completions said nothing."""
    text, wanted = experiment.document.text, [each for each in dict.fromkeys(candidates) if not each.detail]
    places = dict[Candidate, int]()
    for trial in experiment.trials:
        candidate = trial.candidate
        if candidate in wanted[:HOVERS] and candidate is not None and candidate not in places:
            end = text.rfind(candidate.expression, trial.start, trial.end) + len(candidate.expression)
            places[candidate] = end - len(candidate.expression.rpartition(".")[2])
    questions = [partial(inquiry.analyzer.type_at, experiment.document, place) for place in places.values()]
    hovers = inquiry.ask_all(questions) if questions else []
    return {
        candidate: replace(candidate, detail=headers.cleaned(hover))
        for candidate, hover in zip(places, hovers, strict=True)
        if hover
    }


def _described_trial(trial: headers.Trial, described: Mapping[Candidate, Candidate]) -> headers.Trial:
    candidate = trial.candidate
    return replace(trial, candidate=described[candidate]) if candidate and candidate in described else trial


def _with_classes(
    inquiry: Inquiry, experiment: headers.Experiment, best: Sequence[Header], stubs: Sequence[Stub]
) -> Iterator[Header]:
    """Headers with what is to be called where that is a class: its stub tells how."""
    told = {stub.name: stub.text for stub in stubs}
    places = {each.candidate.expression: each for each in experiment.trials if each.candidate}
    unknown = [each for each in best if each.is_class and each.type not in told and each.name in places]
    questions = [
        partial(inquiry.analyzer.type_definition, experiment.document, place.end - 2)
        for each in unknown
        if (place := places[each.name])
    ]
    located = inquiry.ask_all(questions) if questions else []
    for each, location in zip(unknown, located, strict=True):
        shown = experiment.document
        if location and (found := class_at(location.path, location.offset, shown.language, shown, own=True)):
            told[each.type] = found.stub.text
    for each in best:
        yield replace(each, text=told.get(each.type, each.text)) if each.is_class else each


# what went wrong


def error_report(analyzer: Analyzer, document: Document, baseline: Document, deadline: float = DEADLINE) -> str:
    """What is wrong with a text that was not wrong with another one, as text; empty if nothing is, or is known.

    What is unmatched comes first: what follows it may only follow from it.
    """
    inquiry = Inquiry.of(analyzer, document, None, deadline)
    before = inquiry.ask(partial(analyzer.diagnostics, baseline))
    after = inquiry.ask(partial(analyzer.diagnostics, document))
    unmatched = _unmatched(document) if len(_unmatched(document)) > len(_unmatched(baseline)) else []
    errors = new_errors(after or (), before) if before is not None else []
    if unmatched:
        errors = [each for each in errors if each.fault is not Fault.SYNTAX]
    lines = [f"line {_line_of(document, at)}: “{mark}” has no counterpart" for mark, at in unmatched]
    return "\n".join(dict.fromkeys([*lines, *(_complaint(document, each) for each in errors)]))


def _unmatched(document: Document) -> list[tuple[str, int]]:
    """The brackets without a counterpart, with their offsets."""
    tree = tree_of(document)
    openers, closers = list[tuple[str, int]](), list[tuple[str, int]]()
    for node in descendants(tree.root, *"()[]{}") if tree else ():
        mark, place = node.type, tree.start(node) if tree else 0
        if mark in _BRACKETS and not node.is_missing:
            openers.append((mark, place))
        elif not node.is_missing and openers and _BRACKETS[openers[-1][0]] == mark:
            openers.pop()
        elif not node.is_missing:
            closers.append((mark, place))
    return sorted([*openers, *closers], key=lambda each: each[1])


def _line_of(document: Document, offset: int) -> int:
    return document.text.count("\n", 0, offset) + 1


def new_errors(after: Iterable[Diagnostic], before: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The errors that were not there before, wherever they stand; faults of syntax first."""
    known = Counter((each.code, each.message) for each in before)
    new = list[Diagnostic]()
    for each in after:
        if each.error and known[each.code, each.message] <= 0:
            new.append(each)
        known[each.code, each.message] -= 1
    return sorted(new, key=lambda each: each.fault is not Fault.SYNTAX)


def expectation(message: str) -> tuple[str, str]:
    """The types that a complaint names, the expected one and what was there instead; empty where it names none."""
    for pattern in python.MISMATCHES:
        if match := pattern.search(message):
            return match["expected"], match["found"]
    return "", ""


def _complaint(document: Document, diagnostic: Diagnostic) -> str:
    """`line 3: expected Point, but got str: name`"""
    line = _line_of(document, diagnostic.start)
    term = " ".join(document.text[diagnostic.start : diagnostic.end].split())[:80]
    wanted, got = expectation(diagnostic.message) if diagnostic.fault is not Fault.SYNTAX else ("", "")
    said = f"expected {wanted}, but got {got}" if wanted and got else diagnostic.message.split("\n")[0].rstrip(".")
    return f"line {line}: {said}: {term}" if term else f"line {line}: {said}"
