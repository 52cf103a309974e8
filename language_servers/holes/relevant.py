"""The types that an expected type is made of: what its names stand for, and what the names in those stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from language_servers.analyzer import Location
from language_servers.holes.files import is_installed, is_own
from language_servers.holes.inquiry import Inquiry
from language_servers.holes.modules import declared
from language_servers.holes.places import Place
from language_servers.holes.stubs import Found, Stub, class_at

TYPES = 12
"""Types that are kept."""

DEPTH = 3
"""How far types are followed into what they are made of."""


def types_behind(inquiry: Inquiry, places: Sequence[Place]) -> tuple[Stub, ...]:
    """Breadth first, so that what is nearest is kept; given with dependencies first, libraries' types before ours."""
    found = dict[tuple[Path, int], Stub]()
    frontier, asked = list(places), set[tuple[Path, str]]()
    for depth in range(DEPTH):
        new = {key: place for place in reversed(frontier) if (key := _key(place)) not in asked}
        frontier = list(new.values())[::-1][: TYPES * 2]
        asked |= {_key(place) for place in frontier}
        following = list[Place]()
        for each in _definitions(inquiry, frontier, keep_installed=depth == 0):
            declared_at = each.stub.path, each.stub.offset
            if declared_at not in found and len(found) < TYPES:
                found[declared_at] = each.stub
                following += each.places if each.stub.own else ()
        frontier = following
        if not frontier or len(found) >= TYPES:
            break
    stubs = list(found.values())[::-1]
    return tuple(sorted(stubs, key=lambda stub: stub.own))


def _key(place: Place) -> tuple[Path, str]:
    """What a name is known by: in one file it stands for one type."""
    return place.document.path, place.name


def _definitions(inquiry: Inquiry, places: Sequence[Place], keep_installed: bool) -> Iterator[Found]:
    """What the names at some places stand for, in the order of the places."""
    known = {place: declared(place, inquiry.root) for place in places}
    others = [place for place in places if known[place] is None]
    questions = [partial(inquiry.analyzer.type_definition, place.document, place.offset) for place in others]
    for place, location in zip(others, inquiry.ask_all(questions), strict=True):
        known[place] = _class_of(inquiry, place, location, keep_installed) if location else None
    yield from filter(None, known.values())


def _class_of(inquiry: Inquiry, place: Place, location: Location, keep_installed: bool) -> Found | None:
    own = is_own(location.path, inquiry.root)
    if not own and not (keep_installed and is_installed(location.path)):
        return None
    return class_at(location, place.document.language, place.document, own)
