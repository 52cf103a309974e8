"""Answers that are kept, and questions under way: who asks what is being asked waits for the same answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from functools import partial
from threading import Lock

from language_servers.conversation import Answer, Asked, Unanswered


class Kept:
    """The last `most` answers. A text is held no longer than until it is answered: there are many, and some are large.

    Its lock is held for nothing else, so that an answer may come while somebody asks.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._under_way: dict[Hashable, Asked] = {}
        self._lock = Lock()

    def find(self, key: Hashable, until: float) -> Answer | None:
        """The answer to an equal question, if there is or will be one. One under way is of use at least until then."""
        with self._lock:
            if asked := self._under_way.get(key):
                asked.until = max(asked.until, until)
            if answer := self._answers.get(key):
                self._answers.move_to_end(key)
            return answer

    def keep(self, key: Hashable, asked: Asked) -> Answer:
        """Keeps the answer to a question from when it is asked."""
        with self._lock:
            self._answers[key], self._under_way[key] = asked.answer, asked
            if len(self._answers) > self._most:
                oldest, _ = self._answers.popitem(last=False)
                self._under_way.pop(oldest, None)
        asked.answer.add_done_callback(partial(self._settle, key))
        return asked.answer

    def clear(self) -> None:
        """Forgets them all."""
        with self._lock:
            self._answers.clear()
            self._under_way.clear()

    def _settle(self, key: Hashable, answer: Answer) -> None:
        """A question that may be answered another time is asked again."""
        with self._lock:
            if self._answers.get(key) is not answer:
                return
            self._under_way.pop(key, None)
            if isinstance(answer.exception(), Unanswered):
                del self._answers[key]
