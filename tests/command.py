"""The command line as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "assistant")


@dataclass(frozen=True, slots=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def ghostwright(*arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Result:
    """Runs a command to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, encoding="utf-8", cwd=cwd, env=env, timeout=120
    )
    return Result(done.returncode, done.stdout, done.stderr)
