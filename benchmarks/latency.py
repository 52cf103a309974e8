"""From key press to answer: replays typing over real Python files through the language server, as an editor would.

    python benchmarks/latency.py --keys 2000 --json latency.json

Each session takes a file, removes some hundred characters in its middle, and types them again. The server runs as a
process. After each key the benchmark waits for the answer, then for the rest of a person's pause. Keys fall into three
cases: the key follows the ghost text (`typed along`), it does not (`same line`), or it begins a line (`new line`).

The baseline is the obvious program: `llama_cpp.Llama.create_completion(prompt, suffix=...)` in process, with the same
weights, the same text before and behind the cursor, the same limit of tokens, ending with the line where ours does. It
goes through the same keys, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import rich
from lsprotocol import types as lsp
from options import track
from pygls.lsp.client import BaseLanguageClient
from rich.console import Console
from rich.table import Table

from assistant.decoding.stopping import extent
from assistant.prompt import Budget, build
from assistant.types import CompletionRequest
from plugins.llama_cpp import WEIGHTS, LlamaCpp

CASES = ("typed along", "same line", "new line")
TYPED = 240
"""Characters typed in a session."""


@dataclass(slots=True)
class Session:
    """A file with a gap, and what is typed into it: one key each, a newline with its indentation."""

    path: Path
    before: str
    behind: str
    keys: list[str]


@dataclass(slots=True)
class Sample:
    """One key: seconds from key to answer, and the tokens evaluated for it."""

    case: str
    seconds: float
    tokens: int


@dataclass(slots=True)
class Run:
    """What one of the two programs showed."""

    samples: list[Sample] = field(default_factory=list)

    def seconds(self, case: str) -> list[float]:
        return sorted(sample.seconds for sample in self.samples if sample.case == case)

    def tokens(self, case: str) -> list[int]:
        return sorted(sample.tokens for sample in self.samples if sample.case == case)


def sessions(folder: Path, keys: int, seed: int) -> list[Session]:
    """Sessions over the files of rich, which is installed with Ghostwright and was not in the model's training.

    They are copied to a folder: where they are installed, git may ignore them.
    """
    generator = random.Random(seed)
    shutil.copytree(
        Path(rich.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )
    files = sorted(path for path in folder.glob("*.py") if path.stat().st_size > 8_000)
    found: list[Session] = []
    while sum(len(session.keys) for session in found) < keys:
        path = generator.choice(files)
        text = path.read_text(encoding="utf-8")
        start = text.find("\n    def ", generator.randrange(len(text) // 4, len(text) * 3 // 4)) + 1
        if start and start + TYPED < len(text):
            start += generator.randrange(0, 60)
            found.append(Session(path, text[:start], text[start + TYPED :], list(_keys(text[start : start + TYPED]))))
    return found


def _keys(text: str) -> Iterator[str]:
    """A character a key; an editor types the indentation of a new line by itself."""
    position = 0
    while position < len(text):
        end = position + 1
        if text[position] == "\n":
            while end < len(text) and text[end] == " ":
                end += 1
        yield text[position:end]
        position = end


class Client(BaseLanguageClient):
    """An editor: types into one document and asks after each key."""

    def __init__(self) -> None:
        super().__init__("latency", "1")
        self.ready = asyncio.Event()
        self.version = 0

        @self.feature("didChangeStatus")
        def _(params: Any) -> None:
            if params.message.startswith("Ready"):
                self.ready.set()

    async def begin(self, folder: Path) -> tuple[float, float]:
        """Starts the server: seconds until it has answered `initialize`, and from then until the model is loaded."""
        begin = time.perf_counter()
        await self.start_io(sys.executable, "-m", "assistant", "lsp")
        capabilities = lsp.ClientCapabilities(
            text_document=lsp.TextDocumentClientCapabilities(inline_completion=lsp.InlineCompletionClientCapabilities())
        )
        await self.initialize_async(
            lsp.InitializeParams(
                capabilities=capabilities, workspace_folders=[lsp.WorkspaceFolder(folder.as_uri(), "rich")]
            )
        )
        answered = time.perf_counter()
        self.initialized(lsp.InitializedParams())
        await asyncio.wait_for(self.ready.wait(), 60)
        return answered - begin, time.perf_counter() - answered

    def open(self, uri: str, text: str) -> None:
        item = lsp.TextDocumentItem(uri, "python", self.version, text)
        self.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    def close(self, uri: str) -> None:
        self.text_document_did_close(lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri)))

    def type(self, uri: str, place: lsp.Position, text: str) -> None:
        self.version += 1
        change = lsp.TextDocumentContentChangePartial(lsp.Range(place, place), text)
        document = lsp.VersionedTextDocumentIdentifier(self.version, uri)
        self.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [change]))

    async def ask(self, uri: str, place: lsp.Position) -> str:
        context = lsp.InlineCompletionContext(lsp.InlineCompletionTriggerKind.Automatic)
        params = lsp.InlineCompletionParams(context, lsp.TextDocumentIdentifier(uri), place)
        answer = await asyncio.wait_for(self.text_document_inline_completion_async(params), 60)
        items = answer.items if isinstance(answer, lsp.InlineCompletionList) else answer or []
        return str(items[0].insert_text) if items else ""

    async def evaluated(self) -> int:
        params = lsp.ExecuteCommandParams("ghostwright.status")
        status = await self.workspace_execute_command_async(params)
        return int(status["evaluated"])

    @property
    def process(self) -> psutil.Process:
        assert self._server is not None
        return psutil.Process(self._server.pid)


async def replay(client: Client, work: Sequence[Session], seed: int) -> Run:
    """Types all sessions into the server."""
    generator = random.Random(seed)
    run = Run()
    for session in track(work, "Ghostwright"):
        uri = session.path.as_uri()
        client.open(uri, session.before + session.behind)
        ghost, text = "", session.before
        tokens = await client.evaluated()
        for key in session.keys:
            pause = min(max(generator.lognormvariate(-1.9, 0.5), 0.03), 2.0)
            client.type(uri, _position(text), key)
            text += key
            begin = time.perf_counter()
            answer = await client.ask(uri, _position(text))
            seconds = time.perf_counter() - begin
            now = await client.evaluated()
            run.samples.append(Sample(_case(key, ghost), seconds, now - tokens))
            ghost, tokens = answer, now
            await asyncio.sleep(max(pause - seconds, 0))
        client.close(uri)
    return run


def _position(text: str) -> lsp.Position:
    """The end of a text, in UTF-16 units."""
    line = text[text.rfind("\n") + 1 :]
    return lsp.Position(text.count("\n"), len(line.encode("utf-16-le")) // 2)


def _case(key: str, ghost: str) -> str:
    if ghost.startswith(key) and ghost[len(key) :].strip():
        return "typed along"
    return "new line" if key.startswith("\n") else "same line"


def baseline(work: Sequence[Session], cases: Sequence[str], most: int) -> Run:
    """The same keys through `Llama.create_completion`, up to `most` of them, where the model has to be asked."""
    from llama_cpp import Llama

    llama = Llama(str(WEIGHTS), n_ctx=2048, verbose=False)
    ours = LlamaCpp(WEIGHTS)
    run, index = Run(), 0
    for session in track(work, "baseline"):
        text = session.before
        for key in session.keys:
            text += key
            case, index = cases[index], index + 1
            if len(run.samples) >= most:
                return run
            if case != "typed along":
                run.samples.append(_baseline_sample(llama, ours, session, text, case))
    return run


def _baseline_sample(llama: object, ours: LlamaCpp, session: Session, text: str, case: str) -> Sample:
    request = CompletionRequest(session.path, "python", text + session.behind, len(text))
    prompt = build(request, [], ours, Budget.of(1024))
    parts = {part.source: part.text for part in prompt.parts}
    limit = extent(request, 10)
    stop = ["\n"] if limit.block is None else []
    begin = time.perf_counter()
    answer = llama.create_completion(  # type: ignore[attr-defined]
        parts["prefix"], suffix=parts["suffix"], max_tokens=limit.tokens, temperature=0.0, stop=stop
    )
    seconds = time.perf_counter() - begin
    return Sample(case, seconds, answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"])


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which so many percent lie; 0 of nothing."""
    return values[min(len(values) * percent // 100, len(values) - 1)] if values else 0.0


def show(ours: Run, theirs: Run, facts: dict[str, float]) -> None:
    table = Table("case", "keys", "p50 ms", "p95 ms", "p99 ms", "tokens p50", "baseline p50 ms", "p95 ms", "ratio p50")
    for case in CASES:
        mine, other = ours.seconds(case), theirs.seconds(case)
        ratio = f"{percentile(mine, 50) / percentile(other, 50):.2f}" if other else "–"
        cells = [f"{percentile(mine, percent) * 1000:.1f}" for percent in (50, 95, 99)]
        others = [f"{percentile(other, percent) * 1000:.0f}" if other else "–" for percent in (50, 95)]
        table.add_row(case, str(len(mine)), *cells, f"{percentile(ours.tokens(case), 50):.0f}", *others, ratio)
    console = Console(width=120)
    console.print(table)
    for name, value in facts.items():
        console.print(f"{name}: {value:.2f}")


async def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    work = sessions(folder, arguments.keys, arguments.seed)
    client = Client()
    started, loaded = await client.begin(folder)
    ours = await replay(client, work, arguments.seed)
    memory = client.process.memory_info().rss
    peak = _peak_memory(client.process)
    await client.shutdown_async(None)
    client.exit(None)
    theirs = baseline(work, [sample.case for sample in ours.samples], arguments.baseline_keys)
    weights = WEIGHTS.stat().st_size
    facts = {
        "seconds from start to initialized": started,
        "seconds to load the model": loaded,
        "resident memory, MB": memory / 1e6,
        "peak resident memory, MB": peak / 1e6,
        "peak without the weights, MB": (peak - weights) / 1e6,
        "median keys' evaluated tokens, same line": statistics.median(ours.tokens("same line") or [0]),
    }
    show(ours, theirs, facts)
    return {"facts": facts, "ours": _as_json(ours), "baseline": _as_json(theirs)}


def _peak_memory(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = next((line for line in lines if line.startswith("VmHWM")), None)
    return int(peak.split()[1]) * 1024 if peak else int(process.memory_info().rss)


def _as_json(run: Run) -> dict[str, object]:
    return {
        case: {
            "keys": len(run.seconds(case)),
            "milliseconds": {p: round(percentile(run.seconds(case), p) * 1000, 2) for p in (25, 50, 75, 95, 99)},
            "tokens": {p: percentile(run.tokens(case), p) for p in (50, 95)},
        }
        for case in CASES
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=2000, help="keys to type (2000)")
    parser.add_argument("--baseline-keys", type=int, default=300, help="keys for the baseline (300)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(arguments, Path(folder)))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
