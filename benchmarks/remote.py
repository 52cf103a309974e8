"""How well and how quickly the embedded model completes from a server, beside the same weights in this process.

The server is llama-cpp-python's, a process on this machine with one thread; so is the model here.

    python benchmarks/remote.py --corpus corpus --cursors 60 --json remote.json
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event

import numpy as np
from analyzers import read_so_far
from cursors import Cursor, Place, cursors
from options import track
from rich.console import Console
from rich.table import Table

from assistant import engine
from assistant.analysis import Analysis
from assistant.engine import PROMPT_TOKENS, Assistant
from assistant.errors import ModelError
from assistant.plugins import Plugins
from assistant.settings import Settings
from assistant.types import NEVER, Chunk, Model, Order, TextModel
from language_servers.servers import Servers
from plugins.llama_cpp import WEIGHTS, LlamaCpp
from plugins.remote.model import Address, RemoteModel
from plugins.remote.server import Waits

PACKAGES = ("rich", "jinja2", "networkx", "flask", "werkzeug", "httpx")

HERE = "in this process"

PATIENT = Waits(first=60.0, next=60.0)
"""The machine may have other work."""

_NAME = re.compile(r"\w+")


class Counted(RemoteModel):
    """A model on a server that counts what it is asked for; `plain` leaves expressions out.

    Its prompts are as long as those of a model on this machine.
    """

    plain = False
    asked = 0

    @property
    def prompt_tokens(self) -> int:
        return int(PROMPT_TOKENS * self._pool.traits.ratio)

    @property
    def obeys(self) -> bool:
        return super().obeys and not self.plain

    def chunks(self, order: Order, cancelled: Event = NEVER) -> Iterator[Chunk]:
        self.asked += 1
        return super().chunks(order, cancelled)


@dataclass(frozen=True, slots=True)
class Run:
    """A completion: whether its first name is the one that really stands there, seconds, and requests to the server."""

    text: str
    right: bool
    seconds: float
    asked: int


def measure(corpus: Path, packages: Sequence[str], count: int, seed: int) -> dict[str, list[Run]]:
    """Runs by condition, each at the same cursors."""
    found: dict[str, list[Run]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = Servers({"python": "ty"})
        stack.callback(servers.close)
        places = [
            cursor for place in Place for cursor in cursors(corpus, packages, folder, count // len(Place), seed, place)
        ]
        models = _models(stack)
        for cursor in track(places, "completions"):
            read_so_far(servers, cursor)
            for name, model in models.items():
                found.setdefault(name, []).append(_run(model, servers, cursor))
    return found


def _models(stack: ExitStack) -> Mapping[str, Model | TextModel]:
    telling, silent = (stack.enter_context(_server(*options)) for options in (("--logits_all", "true"), ()))
    models = {
        HERE: LlamaCpp(WEIGHTS, threads=1),
        "server": Counted(Address((telling,)), PATIENT),
        "server, no expressions": Counted(Address((telling,)), PATIENT),
        "server, no probabilities": Counted(Address((silent,)), PATIENT),
    }
    models["server, no expressions"].plain = True  # type: ignore[union-attr]
    for model in models.values():
        model.load()
        stack.callback(model.unload)
    return models


def _run(model: Model | TextModel, servers: Servers, cursor: Cursor) -> Run:
    plugins, settings, analysis = Plugins(), Settings(), Analysis(servers)
    monitors = plugins.monitors(settings, analysis)
    assistant = Assistant(model, settings, (), monitors, plugins.post_processors(settings))
    before, begin = getattr(model, "asked", 0), time.perf_counter()
    answer = assistant.complete(cursor.request(), fresh=True)
    seconds = time.perf_counter() - begin
    text = answer.completions[0].text if answer.completions else ""
    name, truth = _NAME.search(text), _NAME.search(cursor.truth)
    right = bool(name and truth and name[0] == truth[0])
    return Run(text, right, seconds, getattr(model, "asked", 0) - before)


@contextmanager
def _server(*options: str) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    run = [sys.executable, "-m", "llama_cpp.server", "--model", str(WEIGHTS), "--port", str(port), "--n_ctx", "4096"]
    run += ["--n_threads", "1", "--interrupt_requests", "false", *options]
    process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()


def _wait_for(url: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        model = RemoteModel(Address((url,)))
        try:
            model.load()
        except ModelError:
            time.sleep(0.2)
        else:
            return
        finally:
            model.unload()
    raise SystemExit(f"The server at {url} does not start.")


def show(console: Console, found: Mapping[str, Sequence[Run]]) -> None:
    base = found[HERE]
    table = Table(f"{len(base)} completions", "first name right", "as here", "ms p50 (p95)", "requests (p95)")
    for name, runs in found.items():
        seconds, asked = [run.seconds * 1000 for run in runs], [run.asked for run in runs]
        same = np.mean([run.text == other.text for run, other in zip(runs, base, strict=True)])
        table.add_row(
            name,
            f"{np.mean([run.right for run in runs]):.0%}",
            f"{same:.0%}",
            f"{np.median(seconds):.0f} ({np.percentile(seconds, 95):.0f})",
            f"{np.mean(asked):.1f} ({np.percentile(asked, 95):.0f})",
        )
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a folder with Python packages")
    parser.add_argument("--packages", default=",".join(PACKAGES), help="which of them, with commas")
    parser.add_argument("--cursors", type=int, default=60, help="half after a dot, half at a line's beginning")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file for all runs")
    options = parser.parse_args()
    engine.DEADLINE = PATIENT.first  # what is compared is not what a busy machine cuts short
    found = measure(options.corpus, options.packages.split(","), options.cursors, options.seed)
    show(Console(), found)
    if options.json:
        options.json.write_text(json.dumps({name: [asdict(run) for run in runs] for name, runs in found.items()}))


if __name__ == "__main__":
    main()
