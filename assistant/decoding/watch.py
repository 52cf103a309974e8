"""Follows what is being written with the monitors: asks them where they are triggered, carries guards along.

A token may hold a trigger and what follows it (`.name`). So each is looked into before it is taken: the monitor is
asked at the dot inside it, and what stands behind the dot is held against the answer.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from assistant.decoding.vocabulary import Ids, Vocabulary
from assistant.guards import FREE, Beginning, Free, Guard, Matching, Monitor, OneOf, Prior, Typed, View
from assistant.patterns import Masks
from assistant.plugins import guarded
from language_servers.analyzer import NoAnswer, TooEarly

LONGEST = 200
"""Code points of a name that is weighed."""

_MEMBER = re.compile(r"\.(\w*)\Z")
_NAME = re.compile(r"\w+")
_DECODER = codecs.getincrementaldecoder("utf-8")


@dataclass(frozen=True, slots=True)
class Held:
    """A guard, the name of the monitor that gave it, and how many texts it allowed then if it had counted them."""

    monitor: str
    guard: Guard
    legal: int | None = None

    def after(self, text: str) -> Held | None:
        """What is held once a text has been written; None if it must not be."""
        guard = guarded(self.monitor, self.guard.after, text, otherwise=FREE)
        return None if guard is None else Held(self.monitor, guard, self.legal)


@dataclass(frozen=True, slots=True)
class State:
    """How far writing has come. `pending` are bytes of a character that is not complete.

    `asked` says that the monitors have been asked at this point.
    """

    view: View
    held: tuple[Held, ...] = ()
    pending: bytes = b""
    asked: bool = False

    @property
    def may_end(self) -> bool:
        return not self.pending and all(held.guard.may_end for held in self.held)

    @property
    def is_naming(self) -> bool:
        """Whether one of finitely many texts is being written and is not over."""
        return any(isinstance(held.guard, OneOf) for held in self.held)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a token must not be written: a monitor's guard, which holds behind the token's first bytes, the `head`."""

    monitor: str
    guard: Guard
    head: bytes
    text: str


@dataclass
class Watch:
    """The monitors of one completion. `silences` are those that were asked and knew nothing, with the reason.

    `is_early` says that one of them may know more a little later.
    """

    monitors: Sequence[Monitor]
    vocabulary: Vocabulary
    ends: Collection[int]
    masks: Callable[[], Masks]
    priors: Sequence[Prior] = ()
    silences: dict[tuple[str, str], None] = field(default_factory=dict)
    is_early: bool = False

    def __post_init__(self) -> None:
        self._triggers = frozenset("".join(monitor.triggers for monitor in self.monitors))
        self._answers: dict[str, tuple[Held, ...]] = {}
        self._typed = ""
        self._weights: dict[str, Mapping[str, float]] = {}

    def begin(self, view: View, typed: str) -> State:
        """The state before anything is written; `typed` must be written first, whatever monitors say of it."""
        self._typed = typed
        held = (Held("", Typed(typed)),) if typed else ()
        return State(view, held)

    def weight(self, before: State, after: State) -> float:
        """Nats, 0 at most, that the priors add to the member that is over behind a step; 0 for what is none."""
        begun = _MEMBER.search(before.view.before[-LONGEST:])
        if not self.priors or begun is None:
            return 0.0
        start = len(before.view.written) - len(begun[1])
        name = _NAME.match(after.view.written, start)
        return self._weights_at(before.view, start).get(name[0], 0.0) if name else 0.0

    def _weights_at(self, view: View, start: int) -> Mapping[str, float]:
        """What the priors make of the members that are legal behind a dot; asked once."""
        written = view.written[: max(start, 0)]
        if written not in self._weights:
            place = View(view.request, written)
            names = [held.guard.texts for held in self._asked(place) if isinstance(held.guard, OneOf)]
            found = Counter[str]()
            for prior in self.priors if names else ():
                found.update(guarded(prior.name, _weights, prior, place, frozenset.intersection(*names), otherwise={}))
            self._weights[written] = found
        return self._weights[written]

    def foresee(self, state: State) -> None:
        """Tells the monitors where writing stands, so that they get ready while the model is at work."""
        if state.view.is_endless:
            return
        for monitor in self.monitors:
            if prepare := getattr(monitor, "foresee", None):
                guarded(monitor.name, _foresee, prepare, state.view, otherwise=None)

    def ask(self, state: State) -> State:
        """The state with what the monitors say of it."""
        if state.asked:
            return state
        return State(state.view, (*state.held, *self._asked(state.view)), state.pending, True)

    def after(self, state: State, token: int) -> State | Refusal:
        """The state once a token has been written, or who refuses it. The state must have been asked about."""
        piece = self.vocabulary.pieces[token]
        text, pending = _decoded(state.pending + piece)
        held = []
        for each, start in ((each, start) for start, asked in self.looking_into(state, text) for each in asked):
            later = each.after(text[start:])
            if later is None:
                return Refusal(each.monitor, each.guard, text[:start].encode()[len(state.pending) :], text)
            if not later.guard.is_free:
                held.append(later)
        asked = not (text and text[-1] in self._triggers) if text else state.asked
        return State(state.view.on(text), tuple(held), pending, asked)

    def looking_into(self, state: State, text: str) -> Iterator[tuple[int, tuple[Held, ...]]]:
        """What is held at a state, and what is asked behind each trigger in a text, but for its last character."""
        yield 0, state.held
        for index in range(len(text) - 1):
            if text[index] in self._triggers:
                yield index + 1, self._asked(state.view.on(text[: index + 1]))

    def allowed(self, state: State) -> Ids | None:
        """The tokens that the guards allow, as far as they say so by themselves; None for all. Without ends."""
        found: Ids | None = None
        for held in state.held:
            ids = self.ids(held.guard, b"", state.pending)
            if ids is not None:
                found = ids if found is None else np.intersect1d(found, ids)
        return found

    def ids(self, guard: Guard, head: bytes = b"", pending: bytes = b"") -> Ids | None:
        """The tokens that write the bytes of a head and then what a guard allows; None if only trying tells."""
        if isinstance(guard, Typed):
            return self.vocabulary.typing(head + guard.text.encode()[len(pending) :])
        if isinstance(guard, OneOf):
            texts = (text.encode() for text in guard.texts)
            return self.vocabulary.spelling(
                frozenset(text[len(pending) :] for text in texts if text.startswith(pending)), head
            )
        if isinstance(guard, Beginning) and not head and not pending:
            inner = self.ids(guard.guard)
            return None if inner is None else np.union1d(inner, self.vocabulary.not_beginning(guard.pattern))
        if isinstance(guard, Matching) and not head and not pending:
            return self.masks().allowed(guard.pattern, guard.begun)
        return None

    def _asked(self, view: View) -> tuple[Held, ...]:
        """The guards of the monitors that are triggered where a view ends. Each is asked once at a place."""
        if view.written not in self._answers:
            self._answers[view.written] = tuple(self._guards(view))
        return self._answers[view.written]

    def _guards(self, view: View) -> list[Held]:
        found: list[Held] = []
        if view.is_endless:
            return found
        rest = self._typed[len(view.written) :]
        for monitor in self.monitors:
            if view.written and view.written[-1] not in monitor.triggers:
                continue
            guard = guarded(monitor.name, self._guard, monitor, view, rest, otherwise=FREE)
            if not guard.is_free:
                listed = guard.guard if isinstance(guard, Beginning) else guard
                legal = len(listed.texts) if isinstance(listed, OneOf) else None
                found.append(Held(monitor.name, guard, legal))
            elif reason := getattr(guard, "reason", ""):
                self.silences[monitor.name, reason] = None
        return found

    def _guard(self, monitor: Monitor, view: View, rest: str) -> Guard:
        """What a monitor answers, if the rest of what has been typed is legal. Raises whatever a wrong one leads to."""
        try:
            guard = monitor.guard(view)
        except NoAnswer as reason:
            self.is_early |= isinstance(reason, TooEarly)
            return Free(str(reason))
        _check(guard)
        return Free("what stands there is not legal") if guard.after(rest) is None else guard


def _check(guard: Guard) -> None:
    """Raises TypeError, AttributeError or ValueError for what is no guard."""
    inner = guard.guard if isinstance(guard, Beginning) else guard
    if isinstance(inner, OneOf) and not (isinstance(inner.texts, frozenset) and all(map(_is_text, inner.texts))):
        raise TypeError("OneOf takes a frozenset of texts")
    for each in (guard, inner):
        if not (isinstance(each.is_free, bool) and isinstance(each.may_end, bool)):
            raise TypeError(f"{each!r:.200} is no guard")
    inner.after("")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _weights(prior: Prior, place: View, names: frozenset[str]) -> dict[str, float]:
    return {name: float(weight) for name, weight in prior.weights(place, names).items()}


def _foresee(prepare: Callable[[View], None], view: View) -> None:
    with suppress(NoAnswer):
        prepare(view)


def _decoded(data: bytes) -> tuple[str, bytes]:
    """The whole characters of some bytes, and what is left."""
    if data.isascii():
        return data.decode("ascii"), b""
    decoder = _DECODER("replace")
    text = decoder.decode(data)
    return text, decoder.getstate()[0]
