"""How many threads a CPU model uses, and how many tokens it takes at once: both measured while it runs.

llama.cpp's threads wait for each other after each operation. When another process wants one of their cores, all of
them wait for the one that was put aside: two threads on two cores fall below the speed of one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

SLOWER = 2.0
"""A step that takes this many times the usual is a sign that a core is wanted elsewhere."""

PATIENCE = 3
"""How many slow steps in a row it takes to step down."""

TRIAL = 8
"""Steps in which another number of threads must show what it can do."""

GAIN = 0.9
"""Fewer threads are better if a step takes at most so much of what it takes with more: else reading gains by more."""

FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0
"""Seconds until more threads are tried again, doubled after each trial that failed."""


def cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_cores() -> int:
    """How many of them to compute on: one is left to the editor where there are more than two."""
    return cores() - 1 if cores() > 2 else cores()


class Threads:
    """Steps down when the machine is busy, and up again when it has become free.

    `count` is what to use now. `fixed` keeps it at `most`. Costs are seconds a step with one token: they hardly
    depend on what is written, and most steps are of this kind.
    """

    def __init__(self, most: int, fixed: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.count = most
        self._fixed = fixed
        self._clock = clock
        self._usual: dict[int, float] = {}
        self._rate = 0.0
        self._steps = self._slow_steps = 0
        self._before = most
        self._trial: list[float] | None = None
        self._wait = FIRST_WAIT
        self._next_trial = 0.0

    def batch(self, seconds: float) -> int:
        """How many tokens can be read in that time, in multiples of 16 for the sake of the matrix kernels."""
        if not self._rate:
            return 16
        return min(max(int(self._rate * seconds) // 16 * 16, 16), 256)

    def observe(self, tokens: int, seconds: float) -> None:
        """Takes note of a step that evaluated so many tokens in so many seconds."""
        if tokens >= 16:
            rate = tokens / seconds
            self._rate = rate if not self._rate or rate < self._rate else 0.7 * self._rate + 0.3 * rate
        elif tokens == 1 and not self._fixed and self.most > 1:
            self._step(seconds)

    def _step(self, seconds: float) -> None:
        if self._trial is not None:
            self._continue_trial(seconds)
            return
        self._steps += 1
        usual = self._usual.get(self.count)
        if usual is None or seconds < SLOWER * usual:
            self._usual[self.count] = seconds if usual is None else 0.9 * usual + 0.1 * seconds
            self._slow_steps = 0
        else:
            self._slow_steps += 1
        if self._slow_steps >= PATIENCE and self.count > 1:
            self._change(self.count // 2)
            self._next_trial = self._clock() + self._wait
        elif self._steps >= TRIAL and self.count > 1 and self.count // 2 not in self._usual:
            self._try(self.count // 2)  # the machine may have been busy from the start
        elif self.count < self.most and self._clock() >= self._next_trial:
            self._try(min(self.count * 2, self.most))

    def _try(self, count: int) -> None:
        self._before = self.count
        self._change(count)
        self._trial = []

    def _continue_trial(self, seconds: float) -> None:
        assert self._trial is not None
        self._trial.append(seconds)
        if len(self._trial) < TRIAL and not self._is_hopeless(self._trial):
            return
        self._usual[self.count] = sorted(self._trial)[len(self._trial) // 2]
        self._trial = None
        fewer, more = sorted((self._before, self.count))
        if self._usual[more] * GAIN < self._usual[fewer]:
            self._wait = FIRST_WAIT
            self._change(more)
            return
        if self.count == more:
            self._wait = min(self._wait * 2, LONGEST_WAIT)
        self._change(fewer)
        self._next_trial = self._clock() + self._wait

    def _is_hopeless(self, trial: Sequence[float]) -> bool:
        """Whether more threads were so slow twice that the rest of the trial would only cost time."""
        slow = SLOWER * self._usual[self._before]
        return self.count > self._before and sum(seconds > slow for seconds in trial) == 2

    def _change(self, count: int) -> None:
        self.count = count
        self._steps = self._slow_steps = 0
