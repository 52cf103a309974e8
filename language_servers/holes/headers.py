"""What in scope gives a value of the type that is expected, the best first, as declarations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from language_servers.analyzer import Document
from language_servers.holes import types
from language_servers.holes.candidates import Candidate, candidates
from language_servers.holes.inquiry import Inquiry
from language_servers.holes.modules import own_names
from language_servers.holes.probe import TYPESCRIPT, probe_of
from language_servers.holes.stubs import Stub, class_at, constructor_of
from language_servers.holes.trials import Experiment, Fit, Target, depths, experiment, fitting, fitting_by_name, targets
from language_servers.holes.wording import cleaned, declaration, is_of_builtin, result_type, value_type, without_name

HEADERS = 8
"""Headers that are kept."""

HOVERS = 32
"""Candidates that are asked about one by one where their completions told nothing."""


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


def headers_for(
    inquiry: Inquiry, document: Document, offset: int, expected: str, stubs: Sequence[Stub], more: Sequence[Candidate]
) -> tuple[Header, ...]:
    """The headers for an expected type, of which some stubs are known; `more` is tried besides what is in scope."""
    language, wanted = document.language, targets(expected, document.language)
    own = own_names(probe_of(document, offset), inquiry.root) | {stub.name for stub in stubs if stub.own}
    tried = candidates(inquiry, document, offset, more, types.is_named(expected, language)) if wanted else []
    is_base = types.is_base(expected, language) and not types.mentions(expected, own)
    if is_base:
        tried = [each for each in tried if not each.detail or _is_about(each, own)]
    if not tried:
        return ()
    is_clear = is_base and all(each.detail for each in tried)  # a base type is known by its name
    if is_clear or language not in ("python", *TYPESCRIPT):
        return tuple(_ranked(fitting_by_name(tried, wanted), own, language, tried))
    trials = experiment(document, offset, tried, wanted, stubs, inquiry.root)
    fits = _fits(inquiry, trials, tried, wanted)
    if is_base:
        fits = [fit for fit in fits if fit.is_known and _is_about(fit.candidate, own)]
    return tuple(_with_classes(inquiry, trials, _ranked(fits, own, language, tried), stubs))


def _is_about(candidate: Candidate, own: frozenset[str]) -> bool:
    """Whether a candidate's type is about the repository. For a base type nothing else counts: half of all give one."""
    return types.mentions(without_name(candidate.detail), own)


def _fits(inquiry: Inquiry, done: Experiment, tried: Sequence[Candidate], wanted: Sequence[Target]) -> list[Fit]:
    """What fits by the checker or, where that is silent, by its name."""
    diagnostics = inquiry.ask(partial(inquiry.analyzer.diagnostics, done.document))
    if diagnostics is None:
        return list(fitting_by_name(_described(inquiry, done, tried).values(), wanted))
    fits = list(fitting(done, diagnostics))
    described = _described(inquiry, done, [fit.candidate for fit in fits])
    found = (replace(fit, candidate=described[fit.candidate]) for fit in fits)
    return [fit for fit in found if fit.depth in depths(fit.candidate, wanted)]


def _described(inquiry: Inquiry, done: Experiment, asked: Iterable[Candidate]) -> dict[Candidate, Candidate]:
    """Candidates by what they were, with what a hover says of them where their completions said nothing."""
    described = {each: each for each in asked}
    silent = [each for each in described if not each.detail][:HOVERS]
    places = [_name_in(done, each) for each in silent]
    hovers = inquiry.ask_all([partial(inquiry.analyzer.type_at, done.document, place) for place in places])
    for candidate, hover in zip(silent, hovers, strict=True):
        if hover:
            described[candidate] = replace(candidate, detail=cleaned(hover))
    return described


def _name_in(done: Experiment, candidate: Candidate) -> int:
    """Where a candidate's last name stands in the text of an experiment."""
    trial = next(each for each in done.trials if each.candidate == candidate)
    start = done.document.text.rfind(candidate.expression, trial.start, trial.end)
    return start + candidate.expression.rfind(".") + 1


def _ranked(fits: Iterable[Fit], own: frozenset[str], language: str, tried: Sequence[Candidate]) -> list[Header]:
    """The best headers by Hazel's score, each symbol once: those that mention a type of the repository, if any does."""
    order = {candidate.expression: index for index, candidate in reversed(list(enumerate(tried)))}
    best = dict[tuple[str, str], tuple[bool, float, int, Header]]()
    for fit in fits:
        detail, expression = fit.candidate.detail, fit.candidate.expression
        header = _header(fit, language)
        mentions = types.mentions(f"{detail} {header.type}", own) or types.is_named(header.type, language)
        is_close = not mentions and not fit.depth and not result_type(detail)  # its type tells nothing
        if is_close or types.is_nothing(header.type) or is_of_builtin(detail):
            continue
        rank = mentions, header.score, -order[expression], header
        key = detail.strip() or expression, expression.rpartition(".")[2]
        if key not in best or rank[:3] > best[key][:3]:
            best[key] = rank
    ranks = sorted(best.values(), key=lambda each: each[:3], reverse=True)
    certain = [rank for rank in ranks if rank[1] > 0] or ranks
    theirs = [rank for rank in certain if rank[0]] or certain
    return [rank[3] for rank in theirs[:HEADERS]]


def _header(fit: Fit, language: str) -> Header:
    detail, expression = fit.candidate.detail, fit.candidate.expression
    given = types.tidied(result_type(detail) if fit.depth else value_type(detail)) or fit.target.text
    score = fit.target.weight * types.score(given, language) if fit.is_known else 0.0
    return Header(expression, declaration(expression, detail, language), given, round(score, 3), fit.depth)


def _with_classes(
    inquiry: Inquiry, done: Experiment, best: Sequence[Header], stubs: Sequence[Stub]
) -> Iterator[Header]:
    """Headers with what is to be called where that is a class: its constructor tells how."""
    told = {stub.name: stub.text for stub in stubs}
    ends = {each.candidate.expression: each.end - 2 for each in done.trials if each.candidate}
    unknown = [each for each in best if each.is_class and each.type not in told]
    located = inquiry.ask_all(
        [partial(inquiry.analyzer.type_definition, done.document, ends[each.name]) for each in unknown]
    )
    for each, location in zip(unknown, located, strict=True):
        if location and (found := class_at(location, done.document.language, done.document, own=True)):
            told[each.type] = found.stub.text
    for each in best:
        yield replace(each, text=constructor_of(told.get(each.type, each.text))) if each.is_class else each
