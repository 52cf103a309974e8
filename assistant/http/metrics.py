"""Figures for Prometheus. They hold no code, no names of files, no tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import Scope

GONE = 499
"""The status of an answer that its client did not wait for."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """What is counted. `paths` are those that exist: others are one, or anybody could fill the memory with names."""

    def __init__(self) -> None:
        self.paths: Collection[str] = ()
        self._registry = CollectorRegistry()
        labels = ("path", "status")
        self._answers = Counter("ghostwright_requests", "Answers by path and status", labels, registry=self._registry)
        self._seconds = Histogram(
            "ghostwright_request_seconds",
            "From a request's head to its end",
            ("path",),
            registry=self._registry,
            buckets=BUCKETS,
        )
        self.events = Counter(
            "ghostwright_events", "What became of completions, by kind", ("kind",), registry=self._registry
        )

    def watch(self, name: str, help: str, read: Callable[[], float]) -> None:
        """A figure that is read when it is asked for."""
        Gauge(name, help, registry=self._registry).set_function(read)

    @contextmanager
    def counting(self, scope: Scope) -> Iterator[Callable[[int], None]]:
        """Counts a request under the status that it is told last."""
        path = scope["path"] if scope["path"] in self.paths else "other"
        status, begin = GONE, time.perf_counter()

        def count(code: int) -> None:
            nonlocal status
            status = code

        try:
            yield count
        finally:
            self._answers.labels(path, str(status)).inc()
            self._seconds.labels(path).observe(time.perf_counter() - begin)

    def text(self) -> bytes:
        """All of it in Prometheus' format."""
        return generate_latest(self._registry)
