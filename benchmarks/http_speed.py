"""What HTTP costs, what a batch gains, eight clients at once; beside llama-cpp-python's server with the same weights.

    python benchmarks/http_speed.py --rounds 3 --json http.json

Cursors stand in files of rich, where a line has been cut off in its middle. All servers run as processes of their own.

`overhead`: answers from memory, which take the engine hardly any time, over HTTP and in this process. `batch`: the same
cursors in one batch and one by one, on one connection, in turns. `clients`: eight at once, each with its own cursors,
one after the other. Three servers answer: ours with all that it has, ours as OpenAI's, and llama-cpp-python's, the
latter two with the same bodies: text before and behind the cursor.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import rich
from options import some_of, track
from rich.console import Console
from rich.table import Table

from assistant.app import assemble
from assistant.http.folders import Folders
from assistant.http.native import Wanted, request_of
from assistant.settings import Settings
from plugins.llama_cpp import WEIGHTS

PARTS = ("overhead", "batch", "clients")
CLIENTS = 8
PATIENCE = 300.0
AGAIN = 20
"""How often each answer is asked for from memory."""

TOKENS = 32
"""What a completion may have where the client says so."""

BEFORE, BEHIND = 1_600, 600
"""Characters around the cursor that are sent where the server builds the prompt of them; about what ours reads."""

Cursor = dict[str, Any]
Ask = Callable[[httpx.AsyncClient, Cursor], Awaitable[None]]


def cursors(folder: Path, count: int, seed: int) -> list[Cursor]:
    """Bodies for `/v1/complete`: several neighbouring cursors a file, in an order that has nothing to do with that."""
    generator = random.Random(seed)
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
    code = [
        path for path, text in texts.items() if 4_000 < len(text) < 60_000 and text.isascii()
    ]  # not tables of emoji
    found = []
    for path in generator.sample(code, min(len(code), max(count // 4, 1))):
        text = texts[path]
        places = [match.end() for match in re.finditer(r"\n +\S[^\n]{4,20}(?=[^\n]{6})", text)]
        for offset in generator.sample(places, min(4, len(places))):
            end = text.index("\n", offset)
            found.append({"path": path.name, "text": text[:offset] + text[end:], "offset": offset})
    generator.shuffle(found)
    return found[:count]


@contextlib.asynccontextmanager
async def server(*command: str, cwd: Path, port: int) -> AsyncIterator[str]:
    """The address of a server that answers."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(600):
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{url}/v1/models")).status_code == 200:
                        break
                await asyncio.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait()


def ours(folder: Path, parallel: int) -> contextlib.AbstractAsyncContextManager[str]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "assistant",
        "serve",
        "--port",
        str(port),
        "--root",
        ".",
        "--parallel",
        str(parallel),
    ]
    return server(*command, cwd=folder.parent, port=port)


def theirs(folder: Path) -> contextlib.AbstractAsyncContextManager[str]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "llama_cpp.server",
        "--model",
        str(WEIGHTS),
        "--port",
        str(port),
        "--n_ctx",
        "2048",
    ]
    return server(*command, cwd=folder.parent, port=port)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def complete(client: httpx.AsyncClient, cursor: Cursor) -> dict[str, Any]:
    answer = (await client.post("/v1/complete", json=cursor)).json()
    assert "text" in answer, answer
    return answer  # type: ignore[no-any-return]


async def ask_ours(client: httpx.AsyncClient, cursor: Cursor) -> None:
    await complete(client, cursor)


async def ask_as_openai(client: httpx.AsyncClient, cursor: Cursor) -> None:
    text, offset = cursor["text"], cursor["offset"]
    body = {
        "prompt": text[max(offset - BEFORE, 0) : offset],
        "suffix": text[offset : offset + BEHIND],
        "max_tokens": TOKENS,
        "temperature": 0,
        "stop": ["\n"],
    }
    response = await client.post("/v1/completions", json=body)
    assert response.status_code == 200, response.text


async def overhead(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Milliseconds of answers from memory: over HTTP, from the engine in this process, and what lies between them."""
    over_http, engine, least = [], [], []
    alone = [cursor | {"others": []} for cursor in cursors(folder, count, seed)]  # no other file is read
    assistant, folders = assemble(Settings(threads=1)), Folders([folder])
    async with ours(folder, 1) as url, httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        for cursor in track(alone, "overhead"):
            request = request_of(Wanted.model_validate(cursor), folders)
            remembered = await complete(client, cursor), await asyncio.to_thread(assistant.complete, request)
            if not (remembered[0]["text"] and remembered[1].completions):
                continue
            for _ in range(AGAIN):
                over_http.append(await timed(complete(client, cursor)))
                engine.append(await timed(asyncio.to_thread(assistant.complete, request)))
                least.append(await timed(client.get("/health")))
    assistant.close()
    between = [whole - inner for whole, inner in zip(over_http, engine, strict=True)]
    return {
        "over HTTP, ms": spread(over_http),
        "engine, ms": spread(engine),
        "overhead, ms": spread(between),
        "an answer without content, ms": spread(least),
    }


async def timed(work: Awaitable[object]) -> float:
    """Seconds."""
    begin = time.perf_counter()
    await work
    return time.perf_counter() - begin


async def batch(folder: Path, count: int, seed: int, rounds: int, parallel: int) -> dict[str, Any]:
    """Cursors a second, one by one and in a batch; each round has both, in changing order, behind one to warm up."""
    asked = [cursor | {"explain": True} for cursor in cursors(folder, count, seed)]  # explained ones are made anew
    single, together = [], []
    async with ours(folder, parallel) as url, httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        await all_at_once(client, asked)
        for number in track(range(rounds), "batch"):
            kinds = [(one_by_one, single), (all_at_once, together)]
            for ask, rates in kinds if number % 2 else reversed(kinds):
                begin = time.perf_counter()
                await ask(client, asked)
                rates.append(len(asked) / (time.perf_counter() - begin))
    return {
        "one by one, cursors a second": single,
        "batch, cursors a second": together,
        "ratio": statistics.median(more / less for more, less in zip(together, single, strict=True)),
    }


async def one_by_one(client: httpx.AsyncClient, asked: Sequence[Cursor]) -> None:
    for cursor in asked:
        await complete(client, cursor)


async def all_at_once(client: httpx.AsyncClient, asked: Sequence[Cursor]) -> None:
    answers = (await client.post("/v1/batch", json={"cursors": asked})).text.splitlines()
    assert len(answers) == len(asked)
    assert all("text" in json.loads(answer) for answer in answers), answers


async def clients(url: str, ask: Ask, folder: Path, each: int, seed: int) -> dict[str, Any]:
    """Eight clients at once."""
    every = cursors(folder, CLIENTS * each, seed)
    shares = [every[number::CLIENTS] for number in range(CLIENTS)]
    begin = time.perf_counter()
    waits = await asyncio.gather(*(one_client(url, ask, number, share) for number, share in enumerate(shares)))
    seconds = time.perf_counter() - begin
    means = [statistics.mean(wait) for wait in waits]
    return {
        "answers a second": len(every) / seconds,
        "wait, ms": spread([wait for some in waits for wait in some]),
        "fairness": sum(means) ** 2 / (len(means) * sum(mean**2 for mean in means)),
        "slowest client to quickest": max(means) / min(means),
    }


async def one_client(url: str, ask: Ask, number: int, share: Sequence[Cursor]) -> list[float]:
    waits = []
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, headers={"X-Client-Id": f"{number}"}) as client:
        for cursor in share:
            begin = time.perf_counter()
            await ask(client, cursor)
            waits.append(time.perf_counter() - begin)
    return waits


async def all_clients(folder: Path, each: int, seed: int, rounds: int, parallel: int) -> dict[str, Any]:
    """The three servers in turns: what else the machine does is alike for them."""
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "ours as OpenAI's": [], "llama-cpp-python's": []}
    async with ours(folder, parallel) as url, theirs(folder) as other:
        await clients(url, ask_ours, folder, 1, seed)
        await clients(other, ask_as_openai, folder, 1, seed)
        for number in track(range(rounds), "clients"):
            fresh = seed + 1 + number
            found["ours"].append(await clients(url, ask_ours, folder, each, fresh))
            found["ours as OpenAI's"].append(await clients(url, ask_as_openai, folder, each, fresh))
            found["llama-cpp-python's"].append(await clients(other, ask_as_openai, folder, each, fresh))
    return found


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(seconds)
    return {f"p{percent}": round(ordered[(len(ordered) - 1) * percent // 100] * 1000, 2) for percent in (5, 50, 95)}


def show(figures: dict[str, Any]) -> None:
    console = Console(width=120)
    for part in ("overhead", "batch"):
        for name, value in figures.get(part, {}).items():
            console.print(f"{part}: {name}: {value}")
    if "clients" not in figures:
        return
    table = Table("8 clients", "answers/s", "wait p50, s", "p95, s", "fairness", "slowest : quickest")
    for name, rounds in figures["clients"].items():

        def middle(read: Callable[[dict[str, Any]], float], rounds: list[dict[str, Any]] = rounds) -> str:
            values = sorted(map(read, rounds))
            return f"{statistics.median(values):.3g} ({values[0]:.3g}–{values[-1]:.3g})"

        table.add_row(
            name,
            middle(lambda each: each["answers a second"]),
            middle(lambda each: each["wait, ms"]["p50"] / 1000),
            middle(lambda each: each["wait, ms"]["p95"] / 1000),
            middle(lambda each: each["fairness"]),
            middle(lambda each: each["slowest client to quickest"]),
        )
    console.print(table)


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    shutil.copytree(
        Path(rich.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )
    figures: dict[str, Any] = {}
    if "overhead" in options.parts:
        figures["overhead"] = await overhead(folder, options.cursors, options.seed)
    if "batch" in options.parts:
        figures["batch"] = await batch(folder, options.cursors, options.seed, options.rounds, options.parallel)
    if "clients" in options.parts:
        figures["clients"] = await all_clients(folder, options.each, options.seed, options.rounds, options.parallel)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=some_of(PARTS), default=PARTS, help=f"with commas ({','.join(PARTS)})")
    parser.add_argument("--cursors", type=int, default=48, help="of a batch (48)")
    parser.add_argument("--each", type=int, default=6, help="cursors of each of eight clients (6)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parallel", type=int, default=2, help="workers of our server (2)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(options, Path(folder, "rich")))
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
