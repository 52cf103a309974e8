"""The type that is expected in a hole: what the text around it says, then what the analysis says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from language_servers import python
from language_servers.analyzer import Call, Diagnostic, Document, Location, ParameterKind
from language_servers.holes import types
from language_servers.holes.faults import expectation
from language_servers.holes.inquiry import Inquiry
from language_servers.holes.places import Place, first_place, parameter_places, places_in
from language_servers.holes.probe import SCRIPT_HOLE, TYPESCRIPT, probe_of
from language_servers.holes.slots import Slot, Source, python_slot
from language_servers.holes.trees import tree_of
from language_servers.holes.wording import value_type

_CONDITIONS = ("if_statement", "while_statement", "do_statement", "unary_expression")


@dataclass(frozen=True, slots=True)
class Expected:
    """The type that is expected, as the analysis words it. `places` are where its names are written."""

    type: str
    source: Source
    places: tuple[Place, ...] = ()


def expected_at(inquiry: Inquiry, document: Document, offset: int) -> Expected:
    """What is expected at an offset; an empty type where that is unknown."""
    if document.language in TYPESCRIPT:
        return _in_script(inquiry, document, offset)
    if document.language != "python":
        hole = inquiry.ask(partial(inquiry.analyzer.hole, document, offset))
        return _with_places(hole.expected if hole else "", Source.ARGUMENT, document)
    probe = probe_of(document, offset)
    tree = tree_of(probe)
    slot = python_slot(tree, offset, len(python.SENTINEL)) if tree else Slot(Source.PROBE)
    answer = _ANSWERS[slot.source](inquiry, probe, offset, slot)
    if answer.type or slot.source in (Source.PLACE, Source.PROBE):
        return answer
    return _probed(inquiry, probe, offset, slot)


def _with_places(text: str, source: Source, document: Document) -> Expected:
    """A type in an analysis's words, and the places in the text where its names stand."""
    text = types.tidied(text)
    places = (first_place(name, document) for _, name in types.words(text, document.language))
    return Expected(text, source, tuple(place for place in places if place))


# Python


def _written(inquiry: Inquiry, probe: Document, offset: int, slot: Slot) -> Expected:
    """What the text itself says."""
    places = [place for stretch in slot.places for place in places_in(probe, *stretch)]
    return Expected(slot.narrowed(slot.expected), slot.source, tuple(places))


def _argument(inquiry: Inquiry, probe: Document, offset: int, slot: Slot) -> Expected:
    """The parameter of a call, by its signature; where its types are written, by the function's own definition."""
    if slot.within or slot.callee is None:  # brackets within the call are no call
        return Expected("", slot.source)
    questions: list[Callable[[float], Call | Location]] = [
        partial(inquiry.analyzer.call, probe, offset),
        partial(inquiry.analyzer.type_definition, probe, slot.callee),
    ]
    call, callee = inquiry.ask_all(questions)
    name, annotation = _parameter(call, slot.keyword) if isinstance(call, Call) else ("", "")
    if types.has_variable(annotation):
        return Expected("", slot.source)
    annotation = types.tidied(types.without_hole(annotation))
    if not annotation or annotation in types.UNKNOWN:
        return Expected("", slot.source)
    places = list[Place]()
    if isinstance(callee, Location) and types.is_named(annotation, "python"):
        places = parameter_places(callee, probe, name)
    if not places or any(types.has_variable(place.name) for place in places):
        return _with_places(annotation, slot.source, probe)
    return Expected(annotation, slot.source, tuple(places))


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
            if parameter.kind not in (ParameterKind.KEYWORD_ONLY, ParameterKind.VAR_KEYWORD):
                return parameter.name, parameter.annotation
    return "", ""


def _sampled(inquiry: Inquiry, probe: Document, offset: int, slot: Slot) -> Expected:
    """The type of a name that stands beside the hole."""
    assert slot.sample is not None
    found = inquiry.ask(partial(inquiry.analyzer.type_at, probe, slot.sample))
    text = types.tidied(slot.narrowed(value_type(found) if found else ""))
    text = "" if text in types.UNKNOWN else text
    places = (Place(probe, slot.sample, text),) if types.is_named(text, "python") else ()
    return Expected(text, slot.source, places)


def _probed(inquiry: Inquiry, probe: Document, offset: int, slot: Slot) -> Expected:
    """What the checker misses where the placeholder stands."""
    found = inquiry.ask(partial(inquiry.analyzer.diagnostics, probe)) or ()
    text = python.expected(found, probe.text, offset)
    if not text and slot.within:
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


# TypeScript


def _in_script(inquiry: Inquiry, document: Document, offset: int) -> Expected:
    """What TypeScript infers for the placeholder, a function that gives whatever is wanted."""
    probe = probe_of(document, offset)
    found = inquiry.ask(partial(inquiry.analyzer.type_at, probe, offset)) or ""
    begin, end = found.find("<"), found.rfind(">(")
    inferred = found[begin + 1 : end].strip() if 0 <= begin < end else ""
    if inferred in ("", "T", "unknown", "any"):
        return Expected("boolean" if _is_condition(probe, offset) else "", Source.PLACE)
    return _with_places(inferred.replace("=> never", "=> unknown"), Source.PROBE, probe)


def _is_condition(probe: Document, offset: int) -> bool:
    """Whether `if` or the like asks the placeholder: what fits there, TypeScript does not say."""
    tree = tree_of(probe)
    node = tree.at(offset, offset + len(SCRIPT_HOLE)).parent if tree else None
    if node is not None and node.type == "parenthesized_expression":
        node = node.parent
    return node is not None and node.type in _CONDITIONS
