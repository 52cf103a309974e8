"""The number of threads follows what steps cost, in a simulated machine with a simulated clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from assistant.threads import FIRST_WAIT, LONGEST_WAIT, PATIENCE, TRIAL, Threads


class Machine:
    """Runs steps: what one costs depends on the number of threads. Its clock goes on only while it works or waits."""

    def __init__(self, most: int, cost: Callable[[int], float], fixed: bool = False) -> None:
        self.now = 0.0
        self.cost = cost
        self.threads = Threads(most, fixed, clock=lambda: self.now)
        self.counts: list[int] = []

    def run(self, steps: int, tokens: int = 1) -> list[int]:
        """The numbers of threads in use, step by step."""
        first = len(self.counts)
        for _ in range(steps):
            self.counts.append(self.threads.count)
            seconds = self.cost(self.threads.count)
            self.now += seconds
            self.threads.observe(tokens, seconds)
        return self.counts[first:]

    def wait(self, seconds: float) -> None:
        self.now += seconds


def idle(count: int) -> float:
    """An idle machine: twice the threads, not quite half the time."""
    return 0.02 / count**0.8


def busy(count: int) -> float:
    """Another process wants a core: from two threads on, all wait for the one that was put aside."""
    return 0.02 if count == 1 else 0.2


def test_on_an_idle_machine_all_threads_are_used():
    machine = Machine(4, idle)
    assert set(machine.run(TRIAL)) == {4}
    assert machine.run(200).count(4) > 200 - 2 * TRIAL


def test_on_a_machine_that_is_busy_from_the_start_fewer_are_used():
    machine = Machine(2, busy)
    machine.run(2 * TRIAL + 1)
    assert machine.threads.count == 1
    machine.cost = idle
    machine.wait(LONGEST_WAIT)
    machine.run(100)
    assert machine.threads.count == 2


def test_threads_that_do_not_help_to_write_are_kept_since_they_help_to_read():
    machine = Machine(8, lambda count: 0.02 / min(count, 4))
    machine.run(200)
    assert machine.threads.count == 8


def test_when_the_machine_gets_busy_fewer_are_used():
    machine = Machine(2, idle)
    machine.run(20)
    machine.cost = busy
    assert machine.run(PATIENCE + 1)[-1] == 1


def test_one_slow_step_is_no_sign():
    machine = Machine(2, idle)
    machine.run(20)
    for _ in range(10):
        machine.cost = busy
        machine.run(1)
        machine.cost = idle
        machine.run(3)
    assert set(machine.counts[20:]) == {2}


def test_when_it_is_free_again_all_are_used_again():
    machine = Machine(4, idle)
    machine.run(20)
    machine.cost = busy
    machine.run(50)
    machine.cost = idle
    machine.wait(LONGEST_WAIT)
    machine.run(100)
    assert machine.threads.count == 4


def test_trials_that_fail_become_rare():
    machine = Machine(2, idle)
    machine.run(20)
    machine.cost = busy
    counts = machine.run(20_000)
    trials = [index for index, (one, next_) in enumerate(itertools.pairwise(counts)) if (one, next_) == (1, 2)]
    waits = [later - earlier for earlier, later in itertools.pairwise(trials)]
    assert all(later >= earlier - 2 for earlier, later in itertools.pairwise(waits))
    assert waits[-1] >= LONGEST_WAIT / busy(1)
    assert waits[0] < 4 * FIRST_WAIT / busy(1)
    assert counts.count(2) <= PATIENCE + TRIAL * (len(trials) + 1)


@pytest.mark.parametrize("most", [1, 2, 3, 5, 6, 8, 13])
def test_there_is_always_at_least_one_and_never_more_than_there_are(most):
    machine = Machine(most, idle)
    for _ in range(10):
        machine.cost = busy
        machine.run(100)
        machine.cost = idle
        machine.wait(LONGEST_WAIT)
        machine.run(100)
    assert set(machine.counts) <= set(range(1, most + 1))
    assert machine.threads.count == most


def test_a_trial_that_fails_goes_back_to_where_it_began():
    machine = Machine(3, lambda count: {1: 0.02, 2: 0.01, 3: 0.2}[count])
    machine.threads.count = 1
    machine.run(200)
    machine.wait(LONGEST_WAIT)
    machine.run(TRIAL + 2)
    assert machine.threads.count == 2


def test_a_number_that_the_user_has_set_stays():
    machine = Machine(4, idle, fixed=True)
    machine.run(20)
    machine.cost = busy
    assert set(machine.run(100)) == {4}


def test_reading_a_prompt_is_no_sign():
    machine = Machine(2, idle)
    machine.run(20)
    machine.cost = lambda count: 10.0
    assert set(machine.run(20, tokens=64)) == {2}


def test_batches_take_about_the_time_that_they_may():
    threads = Threads(2)
    assert threads.batch(0.03) == 16
    for _ in range(50):
        threads.observe(64, 64 / 2000)
    assert threads.batch(0.03) == 48
    threads.observe(48, 48 / 500)
    assert threads.batch(0.03) == 16
    for _ in range(50):
        threads.observe(256, 256 / 1e6)
    assert threads.batch(0.03) == 256


def test_more_threads_that_are_far_too_slow_are_tried_twice_only():
    machine = Machine(2, busy)
    machine.run(2 * TRIAL + 1)
    machine.wait(LONGEST_WAIT)
    assert machine.run(4 * TRIAL).count(2) == 2
