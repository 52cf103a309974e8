"""What a language server may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are in seconds, `memory` in bytes, `text`, the longest that is asked about, in code points.

    `starting` is for its first answers, `settling` for what it does at start. `running` is how long a question that is
    late is left running, so that its answer may serve the next one; `blocking` the same while others wait for it.
    `patience`, how long it may be silent, is the entry's unless given. The pause before a restart is doubled after each
    failure; after `failures` in a row it is given up. After `idle` without a question it is ended.
    """

    starting: float = 60
    settling: float = 300
    running: float = 5
    blocking: float = 1
    patience: float | None = None
    memory: int = 2 << 30
    weighing: float = 3
    text: int = 4 << 20
    documents: int = 32
    first_pause: float = 1
    longest_pause: float = 60
    failures: int = 5
    idle: float = 600
