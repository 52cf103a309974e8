"""What `search_speed.py` measures: a repository of installed code, what is asked of it, and what it is compared to."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.languages import language_of
from retrieval.encoding import Encoder
from retrieval.index import Source
from retrieval.index_scan import Limits, Scanner
from retrieval.index_words import Entry, Words, words_in
from retrieval.splitting import Definition

COUNT = 10
"""Hits that are asked for."""
UNLIMITED = Limits(1_000_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Repository:
    """A copy of code that is installed, and what it is made of."""

    files: int
    lines: int
    definitions: int


def prepared(corpora: Sequence[Path], definitions: int, seed: int, folder: Path) -> Repository:
    """The repository in a folder: a new one, or that of an earlier run."""
    made = folder / "repository.json"
    if not made.exists():
        repository = gathered(corpora, definitions, folder / "code", seed)
        made.write_text(json.dumps(asdict(repository)), encoding="utf-8")
    return Repository(**json.loads(made.read_text(encoding="utf-8")))


def gathered(corpora: Sequence[Path], definitions: int, root: Path, seed: int) -> Repository:
    """Files of some folders, by chance, until they have so many definitions."""
    files, lines, count = 0, 0, 0
    for source, corpus in _sources(corpora, seed):
        found = len(source.definitions())
        if count + found > definitions:
            continue
        target = root / corpus.name / source.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.text, encoding="utf-8")
        files, lines, count = files + 1, lines + source.text.count("\n") + 1, count + found
        if count >= definitions - 10:
            break
    return Repository(files, lines, count)


def _sources(corpora: Sequence[Path], seed: int) -> Iterator[tuple[Source, Path]]:
    paths = []
    for corpus in corpora:
        scanner = Scanner(corpus, language_of, UNLIMITED)
        found = scanner.scan(lambda: False)
        paths += [(scanner, path) for path in sorted(found.files)] if found else []
    random.Random(seed).shuffle(paths)
    for scanner, path in paths:
        if source := scanner.read(path):
            yield source, scanner.root


class Baselines:
    """All vectors in one matrix, compared one by one; and an index of words alone."""

    def __init__(self, root: Path, encoder: Encoder) -> None:
        scanner = Scanner(root, language_of, UNLIMITED)
        found = scanner.scan(lambda: False)
        assert found
        sources = list(filter(None, map(scanner.read, found.files)))
        self.definitions = [(source, each) for source in sources for each in source.definitions()]
        self.encoder, self.words = encoder, Words(None)
        parts = [self.definitions[at : at + 1000] for at in range(0, len(self.definitions), 1000)]
        self.vectors = np.concatenate([encoder.definitions([each.passages for _, each in part]) for part in parts])
        texts = (" ".join((each.name, source.path, *each.blocks)) for source, each in self.definitions)
        self.words.update([], ((Entry(number, 0), "", text) for number, text in enumerate(texts)))

    def by_meaning(self, query: str) -> NDArray[np.int64]:
        scores = self.vectors @ self.encoder.queries([query])[0]
        best = np.argpartition(-scores, COUNT)[:COUNT]
        return best[np.argsort(-scores[best])]

    def by_words(self, query: str) -> list[Entry]:
        return self.words.search(words_in(query), COUNT)

    def questions(self, count: int, seed: int) -> dict[str, list[str]]:
        """First sentences of documentation, and first halves of definitions, as of code that is being written."""
        chosen = random.Random(seed).sample(self.definitions, len(self.definitions))
        said = (_sentence(each) for _, each in chosen)
        written = (each.blocks[0][: len(each.blocks[0]) // 2] for _, each in chosen if each.kind != "text")
        return {
            "sentence": [text for text, _ in zip(filter(None, said), range(count), strict=False)],
            "code": [text for text, _ in zip(filter(str.strip, written), range(count), strict=False)],
        }


def _sentence(found: Definition) -> str:
    _, quotes, rest = found.blocks[0].partition('"""')
    sentence = rest.partition('"""')[0].strip().partition(".")[0]
    return " ".join(sentence.split()) if quotes and len(sentence) > 20 else ""
