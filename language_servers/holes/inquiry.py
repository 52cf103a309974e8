"""Questions about one hole to one analyzer, with one deadline for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from language_servers.analyzer import Analyzer, Document, NoAnswer, TooEarly

DEADLINE = 0.5
"""How long the answers are waited for, all in all."""

_ASKING = ThreadPoolExecutor(8, "holes")
"""Asks several questions about one text at once, which a server answers together."""

T = TypeVar("T")


@dataclass
class Inquiry:
    """Questions to one analyzer, and in `silences` what was asked in vain.

    `is_early` says that some of it may be answered a little later.
    """

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
        if len(questions) < 2:
            return [self.ask(question) for question in questions]
        futures = [_ASKING.submit(self.ask, question) for question in questions]
        answers = list[T | None]()
        for future in futures:
            try:
                answers.append(future.result(self.left + 0.05))
            except TooLate:
                self.is_early = True
                answers.append(None)
        return answers
