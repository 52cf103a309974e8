"""Which members in real code a monitor is asked about before their names are written, whatever the vocabulary.

Whole files are cut into tokens and written again, token by token, under a monitor that only notes where it was asked.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_typescript
from options import track
from rich.console import Console
from rich.table import Table
from tree_sitter import Language, Node, Parser
from vocabularies import Tokens

from assistant.decoding.vocabulary import Vocabulary
from assistant.decoding.watch import State, Watch
from assistant.guards import FREE, Guard, View
from assistant.patterns import Masks
from assistant.types import CompletionRequest

PARSERS = {
    "python": (Language(tree_sitter_python.language()), ("attribute", "attribute")),
    "javascript": (Language(tree_sitter_javascript.language()), ("member_expression", "property")),
    "typescript": (Language(tree_sitter_typescript.language_typescript()), ("member_expression", "property")),
}
"""By language, its grammar, and where members stand: the kind of node, and the field that is the name."""

SUFFIXES = {".py": "python", ".js": "javascript", ".cjs": "javascript", ".mjs": "javascript", ".ts": "typescript"}

SMALLEST, LARGEST = 1_000, 40_000
"""Code points of a file."""

STRETCH = 256
"""Tokens after which writing begins anew behind what has been written: views copy all that was."""

WIDEST = 300
"""Code points: files with longer lines are not written by people."""


class Asked:
    """A monitor that notes behind which dots it was asked, and lets anything follow."""

    name = "asked"
    triggers = "."

    def __init__(self) -> None:
        self.offsets: set[int] = set()

    def guard(self, view: View) -> Guard:
        if view.before.endswith("."):
            self.offsets.add(len(view.before))
        return FREE


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and the offsets behind the dots of its member accesses."""

    path: Path
    language: str
    text: str
    accesses: frozenset[int]


@dataclass(slots=True)
class Coverage:
    """For one vocabulary and by language: accesses, those seen by us, and those seen by the published trigger."""

    vocabulary: str
    accesses: Counter[str] = field(default_factory=Counter)
    ours: Counter[str] = field(default_factory=Counter)
    published: Counter[str] = field(default_factory=Counter)
    missed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def measure(vocabularies: Sequence[Tokens], folders: Sequence[Path], files: int, seed: int) -> list[Coverage]:
    """Goes through so many files of each language."""
    chosen = sources(folders, files, seed)
    return [_of_vocabulary(tokens, chosen) for tokens in vocabularies]


def sources(folders: Sequence[Path], files: int, seed: int) -> list[Source]:
    """Files of each language that are of a usual size and hold member accesses."""
    by_language: dict[str, list[Path]] = defaultdict(list)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in SUFFIXES and not path.name.endswith(".d.ts"):
                by_language[SUFFIXES[path.suffix]].append(path)
    found = []
    for language, paths in sorted(by_language.items()):
        random.Random(f"{seed} {language}").shuffle(paths)
        usable = (source for path in paths if (source := _source(path, language)))
        found += [source for source, _ in zip(usable, range(files), strict=False)]
    return found


def _source(path: Path, language: str) -> Source | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if not SMALLEST < len(text) < LARGEST or max(map(len, text.split("\n"))) > WIDEST or "\0" in text:
        return None
    found = frozenset(accesses(text, language))
    return Source(path, language, text, found) if found else None


def accesses(text: str, language: str) -> Iterator[int]:
    """The offsets behind the dots of a text's member accesses: `a.‸b`, `a?.‸b`."""
    grammar, (kind, name) = PARSERS[language]
    data = text.encode()
    open_nodes = [Parser(grammar).parse(data).root_node]
    while open_nodes:
        node = open_nodes.pop()
        open_nodes += node.children
        if node.type == kind and (dot := _dot(node, name)) is not None:
            yield len(data[:dot].decode("utf-8", "replace"))


def _dot(node: Node, name: str) -> int | None:
    """Where the dot before a member's name ends, in bytes; None if the grammar found none in what it could not read."""
    member = node.child_by_field_name(name)
    if member is None or node.has_error or not member.text:
        return None
    dots = [child for child in node.children if child.end_byte <= member.start_byte and child.text in (b".", b"?.")]
    return dots[-1].end_byte if dots else None


def _of_vocabulary(tokens: Tokens, chosen: Sequence[Source]) -> Coverage:
    coverage = Coverage(tokens.name)
    vocabulary = Vocabulary(tokens.pieces)
    masks = Masks(tokens.pieces, min(tokens.ends))
    for source in track(chosen, f"triggers, {tokens.name}"):
        ids = tokens.tokenize(source.text)
        if b"".join(tokens.pieces[each] for each in ids).decode("utf-8", "replace") != source.text:
            continue  # a vocabulary that normalises texts cannot be held against them
        asked = Asked()
        replay(source, ids, lambda asked=asked: Watch((asked,), vocabulary, tokens.ends, lambda: masks))
        coverage.accesses[source.language] += len(source.accesses)
        coverage.ours[source.language] += len(source.accesses & asked.offsets)
        coverage.published[source.language] += len(source.accesses & set(boundaries(ids, tokens.pieces)))
        for offset in sorted(source.accesses - asked.offsets):
            coverage.missed[source.language].append(source.text[max(offset - 30, 0) : offset + 20])
    return coverage


def replay(source: Source, ids: Sequence[int], watching: Callable[[], Watch]) -> None:
    """Writes a file under watches, token by token, as if a model had chosen them."""
    done, state = 0, None
    for index, token in enumerate(ids):
        if state is None or (index % STRETCH == 0 and not state.pending):
            done += len(state.view.written) if state else 0
            watch = watching()
            state = watch.begin(View(CompletionRequest(source.path, source.language, source.text[:done], done)), "")
        after = watch.after(watch.ask(state), token)
        assert isinstance(after, State)
        state = after


def boundaries(ids: Sequence[int], pieces: Sequence[bytes]) -> Iterator[int]:
    """The offsets between two tokens, in code points."""
    offset = 0
    for token in ids:
        offset += sum(byte & 0xC0 != 0x80 for byte in pieces[token])  # bytes that begin a character
        yield offset


def show(console: Console, found: Sequence[Coverage]) -> list[Mapping[str, object]]:
    table = Table(
        "vocabulary", "language", "accesses", "asked in time, %", "published trigger, %", title="Members seen"
    )
    figures: list[Mapping[str, object]] = []
    for coverage in found:
        for language, count in sorted(coverage.accesses.items()):
            ours, published = coverage.ours[language] / count, coverage.published[language] / count
            table.add_row(coverage.vocabulary, language, f"{count:,}", f"{ours * 100:.2f}", f"{published * 100:.1f}")
            figures.append(
                {
                    "vocabulary": coverage.vocabulary,
                    "language": language,
                    "accesses": count,
                    "ours": ours,
                    "published": published,
                    "missed": coverage.missed[language][:20],
                }
            )
    console.print(table)
    return figures
