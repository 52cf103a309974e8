"""Prints for people, in a terminal or into a pipe."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from assistant.ask import Asked
from assistant.doctor import Check
from assistant.plugins import Plugin
from assistant.text import line_end, line_start
from assistant.types import Answer, CompletionRequest, Prompt
from language_servers.holes import HoleContext
from retrieval.api import Api

if TYPE_CHECKING:
    from assistant.searching import Filled, Searched

SHOWN = 6
"""Lines that are shown of what a search has found."""

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Shows on the standard error output that something takes its time, if a person looks on."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty()) as progress:
        progress.add_task(escape(what), total=None)
        yield


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """As `working`, from the second second on, with the number of files that it is told of."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    progress = Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty())
    task, begin = progress.add_task(escape(what), total=None), time.monotonic()

    def tell(count: int) -> None:
        progress.update(task, description=escape(f"{what}: {count:,} files"))
        if time.monotonic() - begin > 1:
            progress.start()

    try:
        yield tell
    finally:
        progress.stop()


def show_answer(request: CompletionRequest, answer: Answer, explain: bool) -> None:
    """The completed lines, what was written highlighted; beside them how it came about."""
    if explain and answer.prompt:
        show_prompt(answer.prompt)
    for number, completion in enumerate(answer.completions):
        if number:
            out.rule(style="dim")
        start = line_start(request.text, request.offset)
        end = line_end(request.text, request.offset)
        line = Text(request.text[start : request.offset])
        line.append(completion.text.replace("\r\n", "\n"), style="bold green")
        line.append(request.text[min(request.offset + completion.replaces, end) : end])
        out.print(line)
        if explain and completion.is_cut:
            err.print("What the model wrote behind it was wrong, and is left out.")
    if answer.reason:
        err.print(f"Nothing to show: {answer.reason}")
    if explain:
        show_guards(answer)
        show_rounds(answer)
        show_timings(answer)


def show_advice(sentence: str) -> None:
    """What could be better, beside the result."""
    if sentence:
        err.print(Text(sentence, style="yellow"))


def show_prompt(prompt: Prompt) -> None:
    """What the model read, part by part, with the tokens of each source."""
    for source, parts in groupby(prompt.parts, key=lambda part: part.source):
        together = list(parts)
        out.rule(f"{source} · {sum(part.tokens for part in together)} tokens", align="left", style="dim")
        out.print(Text("".join(part.text for part in together)))
    for sentence in dict.fromkeys(prompt.left_out):
        out.print(Text(f"left out: {sentence}", style="yellow"))
    out.rule(f"completion, behind {len(prompt.tokens)} tokens", align="left", style="dim")


def show_guards(answer: Answer) -> None:
    """What the monitors let through and what they refused, place by place; and where they knew nothing."""
    rulings = [ruling for completion in answer.completions for ruling in completion.rulings]
    if rulings:
        table = Table("behind", "monitors", "legal", "share", "wanted", "written", box=None, pad_edge=False)
        for ruling in rulings:
            legal = "" if ruling.legal is None else str(ruling.legal)
            wanted = Text(" ".join(map(_visible, ruling.refused)), style="red")
            written = Text(_visible(ruling.written), style="green")
            place = Text(ruling.place.lstrip())
            table.add_row(place, ", ".join(ruling.monitors), legal, f"{ruling.mass:.0%}", wanted, written)
        out.print(table)
    for monitor, reason in answer.silences:
        out.print(Text(f"{monitor} was silent: {reason}", style="yellow"))


def show_rounds(answer: Answer) -> None:
    """The errors that each error round was made for."""
    for number, errors in enumerate(answer.rounds, 1):
        out.print(Text(f"error round {number}:\n" + indent(errors, "  "), style="yellow"))


def _visible(text: str) -> str:
    """A text in one line: newlines as `⏎`."""
    return text.replace("\r", "").replace("\n", "⏎")


def show_timings(answer: Answer) -> None:
    """Tokens by source, and milliseconds by stage."""
    table = Table("stage", "ms", box=None, pad_edge=False)
    for stage, seconds in answer.timings.items():
        table.add_row(stage, f"{seconds * 1000:.1f}")
    out.print(table)
    if answer.waited:
        out.print(f"{answer.waited * 1000:.1f} ms of it spent waiting for the language server", style="dim")
    for completion in answer.completions:
        out.print(f"probability {completion.probability:.2f}, {answer.evaluated} tokens evaluated", style="dim")
        break
    if answer.prompt:
        counts: dict[str, int] = {}
        for part in answer.prompt.parts:
            counts[part.source] = counts.get(part.source, 0) + part.tokens
        out.print("prompt: " + ", ".join(f"{source} {count}" for source, count in counts.items()), style="dim")


def show_hole(context: HoleContext) -> None:
    """What is expected, the types that it is made of, and what in scope gives it; why something is not known."""
    if context.expected:
        out.print(
            Text.assemble(("expected: ", "dim"), (context.expected, "bold green"), (f"  ({context.source})", "dim"))
        )
    for title, texts in (
        ("types", [stub.text for stub in context.types]),
        ("headers", [header.text for header in context.headers]),
    ):
        if texts:
            out.rule(title, align="left", style="dim")
        for text in dict.fromkeys(texts):
            out.print(Text(text))
    if not context.expected:
        err.print(Text("Nothing is known of what is expected here.", style="yellow"))
    for silence in dict.fromkeys(context.silences):
        err.print(Text(silence, style="yellow"))


def show_asked(request: CompletionRequest, asked: Asked) -> None:
    """The APIs with links to where they are declared, and below them the call with its imports."""
    for found in asked.apis:
        path = (request.root or Path()) / found.api.path
        place = Text(f"{_from_here(path)}:{found.api.line}", style=f"cyan link {path.as_uri()}#{found.api.line}")
        out.print(Text.assemble(place, "  ", (_titled(found.api), "bold")))
        if found.api.doc:
            out.print(Text(f"    {found.api.doc}", style="dim"))
    if asked.code:
        out.print()
    if asked.imports:
        out.print(Text(asked.imports, style="green"))
    if asked.code:
        line = request.text[line_start(request.text, request.offset) : request.offset]
        out.print(Text.assemble(line, (asked.code.rstrip(), "bold green")))
    for sentence in filter(None, (asked.reason, *asked.left_out)):
        err.print(Text(sentence, style="yellow"))


def show_searched(searched: Searched, root: Path) -> None:
    """What was found with links, and the first lines of each."""
    for hit in searched.hits:
        path = root / hit.path
        place = Text(f"{_from_here(path)}:{hit.line}", style=f"cyan link {path.as_uri()}#{hit.line}")
        out.print(Text.assemble(place, "  ", (f"{hit.kind} {hit.name}".rstrip(), "bold")))
        lines = hit.text.strip("\n").splitlines()
        out.print(
            Text(indent("\n".join(lines[:SHOWN]), "    ") + ("\n    …" if len(lines) > SHOWN else ""), style="dim")
        )
    for sentence in filter(None, (*searched.left_out, searched.reason)):
        err.print(Text(sentence, style="yellow"))


def show_filled(filled: Filled) -> None:
    """How much is in an index."""
    out.print(f"{filled.counts.files:,} files with {filled.counts.definitions:,} definitions are indexed.")
    for sentence in filled.left_out:
        err.print(Text(sentence, style="yellow"))


def _titled(api: Api) -> str:
    """A signature with the class around it: `def Inventory.add(self, item: Item) -> None`."""
    return re.sub(rf"(?<!\w){re.escape(api.name)}(?!\w)", lambda _: api.within, api.signature, count=1)


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def show_checks(checks: Sequence[Check]) -> None:
    """What the doctor found, and how to mend what is wrong."""
    for check in checks:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]"
        out.print(f"{mark} [bold]{check.name}[/]  {escape(check.finding)}")
        if check.remedy:
            out.print(f"  → {escape(check.remedy)}", style="yellow")


def show_plugins(plugins: Iterable[Plugin]) -> None:
    """A row a plugin."""
    table = Table("plugin", "from", "offers", box=None, pad_edge=False)
    for plugin in plugins:
        offers = ", ".join(hook.removeprefix("ghostwright_") for hook in plugin.hooks)
        table.add_row(plugin.name, plugin.origin, Text(plugin.problem, style="red") if plugin.problem else offers)
    out.print(table)


def show_serving(address: str, model: str, folders: Sequence[Path], needs_token: bool) -> None:
    """Says where a server listens, and what it serves to whom."""
    out.print(f"Ghostwright listens on [bold]{address}[/] with {escape(model)}", highlight=False)
    out.print(f"  files     {escape(', '.join(map(str, folders)))}")
    out.print(f"  clients   {'with the token' if needs_token else 'all programs on this machine'}")
    out.print(f"  dialects  {address}/docs tells them; OpenAI at {address}/v1, Ollama at {address}")
    out.print("Ctrl-C ends it.")
    sys.stdout.flush()
