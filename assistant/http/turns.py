"""Whose turn it is: everybody's in a circle, however much one of them asks for."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks. `home` is the address, which a client cannot choose; `name` is what it calls itself, which it can."""

    home: str
    name: str = ""


class Turns(Generic[T]):
    """What waits. The circle goes over homes; within a home over names; within a name things come in order.

    So a name more gives nobody a larger share than other homes have.
    """

    def __init__(self) -> None:
        self._homes: dict[str, dict[str, deque[T]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def of(self, client: Client) -> int:
        """How many things of a client wait."""
        return len(self._homes.get(client.home, {}).get(client.name, ()))

    def add(self, client: Client, thing: T) -> None:
        self._homes.setdefault(client.home, {}).setdefault(client.name, deque()).append(thing)
        self._count += 1

    def take(self) -> T:
        """The next thing. Whose turn it was goes to the end of the circle. Raises StopIteration if nothing waits."""
        home = next(iter(self._homes))
        names = self._homes.pop(home)
        name = next(iter(names))
        waiting = names.pop(name)
        thing = waiting.popleft()
        self._count -= 1
        if waiting:
            names[name] = waiting
        if names:
            self._homes[home] = names
        return thing

    def remove(self, client: Client, thing: T) -> None:
        """Takes back what was added, if it still waits."""
        names = self._homes.get(client.home, {})
        waiting = names.get(client.name, deque())
        if thing in waiting:
            waiting.remove(thing)
            self._count -= 1
        if not waiting:
            names.pop(client.name, None)
        if not names:
            self._homes.pop(client.home, None)
