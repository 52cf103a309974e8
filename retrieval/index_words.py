"""The words of definitions in tantivy, ranked by BM25: the one place that knows it.

Tantivy, because a file is replaced in a few milliseconds, what is saved is mapped into memory, and what is written is
never changed, only replaced. (bm25s would be built anew for each change.)
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import tantivy

from retrieval.index import CodeIndexError
from retrieval.index_fusion import suffixes

MOST_WORDS = 64
"""Words of a query that are looked up, the rarest of them."""
_HEAP = 20_000_000
"""Bytes that are collected before they are written."""
_META = "meta.json"
_LONGEST = 100
"""Characters; what is longer is no word."""
_PATIENCE = 100

_WORDS = re.compile(r"\w+")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A definition, by its file's key and its place among the file's definitions."""

    file: int
    ordinal: int


def words_in(text: str) -> list[str]:
    """In lower case, names also as the words that they are made of: `parseHTML_now` → all, `parse`, `html`, `now`."""
    return [part for word in _WORDS.findall(text) for part in _split(word)]


@lru_cache(65_536)
def _split(word: str) -> tuple[str, ...]:
    if len(word) > _LONGEST:
        return ()
    parts = _PARTS.findall(word)
    return tuple(map(str.lower, parts if len(parts) == 1 and parts[0] == word else (word, *parts)))


class Words:
    """A folder of tantivy's, or an index in memory only."""

    def __init__(self, folder: Path | None) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("file", indexed=True, fast=True)
        builder.add_unsigned_field("ordinal", fast=True)
        builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field("names", tokenizer_name="whitespace", index_option="basic")
        self._schema, self._folder = builder.build(), folder
        self._writer: tantivy.IndexWriter | None = None
        try:
            self._index = tantivy.Index(self._schema, str(folder) if folder else None)
            self._index.config_reader("manual")
            self._searcher = self._index.searcher()
        except ValueError as error:
            raise CodeIndexError(f"Words cannot be opened: {error}") from error

    def update(self, gone: Iterable[int], added: Iterable[tuple[Entry, str, str]]) -> None:
        """Forgets files by their keys and adds definitions with their names and texts, all or nothing.

        What has no name has an empty one. Raises CodeIndexError.
        """
        try:
            if self._writer is None:
                self._writer = self._index.writer(_HEAP, 1)
            for key in gone:
                self._writer.delete_documents_by_term("file", key)
            for entry, name, text in added:
                self._writer.add_document(_document(entry, name, text))
            self._writer.commit()
            self._index.reload()
            self._searcher = self._index.searcher()
        except ValueError as error:
            self._writer = None  # and with it what was not committed
            raise CodeIndexError(f"Words cannot be written: {error}") from error

    def search(self, words: Sequence[str], count: int, leave_out: Iterable[int] = ()) -> list[Entry]:
        """Those that share the most, and the rarest, of some words, best first; none of the files that are left out."""
        chosen = self._rarest(Counter(words))
        if not chosen:
            return []
        return self._found([self._term(word, times) for word, times in chosen.items()], count, leave_out)

    def named(self, name: str, count: int, leave_out: Iterable[int] = ()) -> list[Entry]:
        """Those that can be asked for by a name; none of the files that are left out."""
        if not self._searcher.doc_freq("names", name):
            return []
        query = tantivy.Query.term_query(self._schema, "names", name, index_option="basic")
        return self._found([query], count, leave_out)

    def _found(self, queries: Sequence[tantivy.Query], count: int, leave_out: Iterable[int]) -> list[Entry]:
        parts = [(tantivy.Occur.Should, query) for query in queries]
        others = (tantivy.Query.term_query(self._schema, "file", key) for key in leave_out)
        parts += [(tantivy.Occur.MustNot, query) for query in others]
        found = self._searcher.search(tantivy.Query.boolean_query(parts), count, count=False)
        places = [place for _, place in found.hits]
        files, ordinals = (self._searcher.fast_field_values(name, places) for name in ("file", "ordinal"))
        return [Entry(int(file or 0), int(ordinal or 0)) for file, ordinal in zip(files, ordinals, strict=True)]

    def _rarest(self, words: Counter[str]) -> dict[str, int]:
        known = [(self._searcher.doc_freq("words", word), word) for word in words]
        return {word: words[word] for _, word in sorted(each for each in known if each[0])[:MOST_WORDS]}

    def _term(self, word: str, times: int) -> tantivy.Query:
        query = tantivy.Query.term_query(self._schema, "words", word, index_option="freq")
        return tantivy.Query.boost_query(query, float(times)) if times > 1 else query

    def close(self) -> None:
        self._writer = None


def copy(source: Path, target: Path, put: Callable[[Path, Path], None]) -> None:
    """Puts what was committed last in one folder into another, file by file, and its list last.

    Tantivy may merge files meanwhile; then it is begun again. Raises OSError.
    """
    for _ in range(_PATIENCE):
        meta = (source / _META).read_bytes()
        try:
            for name in _files_of(meta, source):
                if not (target / name).exists():
                    put(source / name, target / name)
        except FileNotFoundError:
            continue
        (target / _META).write_bytes(meta)
        return
    raise OSError(f"The index of words in {source} changes too fast to be copied.")


def _files_of(meta: bytes, folder: Path) -> list[str]:
    """Those of a commit; where there are older and newer lists of deletions, its own."""
    segments = {each["segment_id"].replace("-", ""): each["deletes"] for each in json.loads(meta)["segments"]}
    names = []
    for name in os.listdir(folder):
        segment, _, kind = name.partition(".")
        deletes = segments.get(segment)
        if segment in segments and (not kind.endswith("del") or (deletes and kind == f"{deletes['opstamp']}.del")):
            names.append(name)
    return names


def _document(entry: Entry, name: str, text: str) -> tantivy.Document:
    document = tantivy.Document()
    document.add_unsigned("file", entry.file)
    document.add_unsigned("ordinal", entry.ordinal)
    document.add_text("words", " ".join(words_in(text)))
    document.add_text("names", " ".join(suffixes(name)))
    return document
