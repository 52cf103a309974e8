"""Context from the files that the user has open: the chunks that share most words with the lines before the cursor,
those of imported files before others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from pathlib import Path

from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.text import line_start
from assistant.types import CompletionRequest, ContextSource, File, Snippet, name_in

CHUNK = 500
"""Code points a chunk has at most; the embedded model was trained on 300 to 1,100."""

QUERY_LINES, QUERY_STEP = 24, 8
"""Lines before the cursor that are compared, and how many are written before they are compared anew: while the
snippets stay the same, the model need not read them again."""

MOST = 4
"""Snippets offered."""

LEAST = 0.05
"""The overlap below which a chunk has nothing to say."""

IMPORTED = 3.0
"""How many times the overlap of a chunk counts if the current file imports its file."""

MAX_CHARACTERS = 400_000
"""Larger files are left out."""

IMPORTS_END = 20_000
"""Code points from the beginning of a file in which its imports are looked for."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_IMPORT = re.compile(
    r"^\s*(?:import|from|use|using|require\w*|#include|export .* from)\b.*|.*\brequire\(.*", re.MULTILINE
)


@hookimpl
def ghostwright_context_sources(settings: Settings) -> Sequence[ContextSource]:
    return [OpenFiles()]


class OpenFiles:
    """Chunks of open files, ranked by the words they share with the text before the cursor, rare words first."""

    name = "open_files"

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]:
        files = tuple(file for file in request.others if len(file.text) <= MAX_CHARACTERS and file.path != request.path)
        return _ranked(_query(request), _imported(request, files), files, request.root)


def _imported(request: CompletionRequest, files: Iterable[File]) -> frozenset[Path]:
    """Those of the files whose names stand in an import of the current one, above the cursor."""
    above = request.text[: min(line_start(request.text, request.offset), IMPORTS_END)]
    return frozenset(file.path for file in files if file.path.stem in _imported_names(above))


@lru_cache(maxsize=32)
def _imported_names(text: str) -> frozenset[str]:
    """The words in a text's imports: `from shop.items import Item` → from, shop, items, import, Item."""
    return frozenset(re.findall(r"\w+", " ".join(_IMPORT.findall(text))))


@lru_cache(maxsize=32)
def _ranked(query: str, imported: frozenset[Path], files: tuple[File, ...], root: Path | None) -> tuple[Snippet, ...]:
    """The best chunks of the files; remembered, since the query stays the same over many keys."""
    chunks = [
        _Chunk(name_in(root, file.path), text, IMPORTED if file.path in imported else 1.0)
        for file in files
        for text in _chunks(file.text)
    ]
    rarity = _rarity(chunks)
    scored = [(chunk, _overlap(words(query), words(chunk.text), rarity)) for chunk in chunks]
    weighted = [(chunk, min(score * chunk.weight, 1.0)) for chunk, score in scored if score > LEAST]
    best = sorted(weighted, key=lambda pair: (-pair[1], pair[0].path))[:MOST]
    return tuple(Snippet(chunk.text, score, OpenFiles.name, chunk.path) for chunk, score in best)


@dataclass(frozen=True, slots=True)
class _Chunk:
    path: str
    text: str
    weight: float


@lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """The words of a text, those within identifiers apart: `read_fileName` → read, file, name."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return frozenset(word.lower() for word in _WORD.findall(apart))


def _query(request: CompletionRequest) -> str:
    """The lines before the cursor, up to a line whose number is a multiple of the step."""
    prefix = request.prefix
    above = prefix[: line_start(prefix, len(prefix))].replace("\r\n", "\n")
    count = above.count("\n")
    newer = count % QUERY_STEP if count > QUERY_STEP else 0
    lines = above.rsplit("\n", newer + QUERY_LINES + 1)[-(newer + QUERY_LINES + 1) : -1]
    return "\n".join(lines[: len(lines) - newer])


@lru_cache(maxsize=64)
def _chunks(text: str) -> tuple[str, ...]:
    """A text in pieces of whole lines."""
    return tuple(_split(text))


def _split(text: str) -> Iterator[str]:
    piece: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        if piece and size + len(line) > CHUNK:
            yield "".join(piece)
            piece, size = [], 0
        piece.append(line[:CHUNK])
        size += len(line)
    if piece:
        yield "".join(piece)


def _rarity(chunks: Sequence[_Chunk]) -> dict[str, float]:
    """The inverse document frequency of each word among the chunks."""
    counts = Counter(word for chunk in chunks for word in words(chunk.text))
    return {word: log(1 + len(chunks) / count) for word, count in counts.items()}


def _overlap(query: frozenset[str], chunk: frozenset[str], rarity: dict[str, float]) -> float:
    """The weighted Jaccard index, 0 to 1."""
    both = sum(rarity.get(word, 0.0) for word in query & chunk)
    either = sum(rarity.get(word, 1.0) for word in query | chunk)
    return both / either if either else 0.0
