"""The index of a repository on this machine: its definitions by meaning (FAISS) and by words (tantivy), in one ranking.

Of the processes that have the same repository open, one changes the index and saves it; the others search what it has
saved, and one of them takes over when it ends. What is found is shown only if it still stands so in its file.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from retrieval.index import CodeIndexError, Counts, Hit, Known, Source
from retrieval.index_content import Content
from retrieval.index_fusion import FEW, by_names, fused, names_in
from retrieval.index_parts import View
from retrieval.index_rows import Table
from retrieval.index_store import Saved, Store, default_folder, put
from retrieval.index_unsaved import Item, Unsaved, best, encoding
from retrieval.index_words import Entry, Words, copy, words_in
from retrieval.splitting import Definition
from retrieval.walking import NotCodeError, read_code

if TYPE_CHECKING:
    from retrieval.encoding import Encoder

log = logging.getLogger(__name__)

DEPTH = 50
"""How far down each ranking is read, at least."""
_WORDS = "words"
_TRIES = 10


@dataclass(slots=True)
class _Held:
    """What is searched, and the generation that it began from."""

    content: Content
    words: Words
    number: int = 0
    temporary: TemporaryDirectory[str] | None = None

    def close(self) -> None:
        self.words.close()
        if self.temporary is not None:
            self.temporary.cleanup()


def opened(root: Path, encoder: Encoder, folder: Path | None = None) -> LocalIndex:
    """The index of a repository, empty if none is saved or the saved one does not fit.

    `folder` is where it is saved; by default one below the user's cache directory.
    """
    return LocalIndex(root, encoder, Store(folder or default_folder(root)))


class LocalIndex:
    def __init__(self, root: Path, encoder: Encoder, store: Store) -> None:
        self._root, self._encoder, self._store = Path(os.path.abspath(root)), encoder, store
        self._saving, self._changing, self._asking = Lock(), Lock(), Lock()
        """Taken in this order, the last for a few milliseconds only: searches wait for it."""
        self._notes: list[str] = []
        self._is_changed = self._is_closed = False
        self._is_saved = True
        self._is_ours = self._claim()
        self._held = _Held(Content(encoder.dimension), Words(None))
        self._encode = encoding(encoder)
        self._open()

    @property
    def files(self) -> Mapping[str, Known]:
        with self._asking:
            return dict(self._held.content.records)

    @property
    def counts(self) -> Counts:
        with self._asking:
            return Counts(len(self._held.content.records), self._held.content.count)

    @property
    def notes(self) -> Sequence[str]:
        return tuple(self._notes)

    def refresh(self) -> bool:
        if self._is_ours and (not self._is_saved or self._live.exists()):
            return not self._is_closed
        with self._saving, self._changing:
            if self._is_closed:
                return False
            self._is_ours = self._claim()
            if self._is_ours or self._store.newest_number != self._held.number:
                self._open()
            return self._is_ours

    def update(self, sources: Sequence[Source], gone: Collection[str] = ()) -> None:
        with self._changing:
            if not self._is_ours or self._is_closed:
                raise CodeIndexError("This index cannot be changed: it is closed, or another process changes it.")
            self._replace(list(self._new_among(sources)), gone)

    def _new_among(self, sources: Sequence[Source]) -> Iterator[Source]:
        """Those whose text is not what it was."""
        for source in sources:
            record = self._held.content.records.get(source.path)
            if record is None or record.digest != source.digest:
                yield source
            elif record.stamp != source.stamp:
                with self._asking:
                    self._held.content.restamp(source)
                self._is_changed = True

    def _replace(self, sources: Sequence[Source], gone: Collection[str]) -> None:
        """By meaning at once, by words when these have reached the disk, which may be busy."""
        content, words = self._held.content, self._held.words
        paths = [*gone, *(source.path for source in sources)]
        old = content.keys_of(paths)
        if not sources and not old:
            return
        found, keys = [source.definitions() for source in sources], content.keys(len(sources))
        vectors = self._encoder.definitions([each.passages for several in found for each in several])
        tables = [Table.of(*each) for each in zip(keys, found, (source.text for source in sources), strict=True)]
        with self._asking:
            content.remove(paths)
            content.add(
                list(zip(sources, keys, tables, strict=True)),
                np.asarray(vectors, np.float32).reshape(-1, self._encoder.dimension),
            )
        self._is_changed = True
        try:
            words.update(old, chain.from_iterable(map(_entries, sources, keys, found)))
        except CodeIndexError as error:
            with self._asking:
                content.doubt(source.path for source in sources)
            self._note(f"{error} What is new is found by meaning only, until they can be written.")
            raise

    def search(
        self, query: str, count: int = 10, leave_out: Collection[str] = (), unsaved: Sequence[Source] = ()
    ) -> list[Hit]:
        words = words_in(query)
        if not words or count < 1:
            return []
        vector = np.asarray(self._encoder.queries([query])[0], np.float32)
        depth, names = max(DEPTH, 3 * count), names_in(query)
        shown = Unsaved(unsaved, self._encode)
        out_of_date = shown.paths.union(leave_out)
        with self._asking:
            content, held = self._held.content, self._held.words
            view, others = content.view(), content.keys_of(out_of_date)
            named: Mapping[Item, float] = by_names(
                names,
                lambda name: [*content.rows_of(held.named(name, depth, others)), *shown.called(name)],
                lambda name: [*content.rows_of(held.search([name], FEW + 1, others)), *shown.having(name)],
            )
            having = content.rows_of(held.search(words, depth, content.keys_of(leave_out)))
            by_meaning = best([*content.nearest(vector, depth, out_of_date), *shown.nearest(vector)], depth)
        by_words = shown.instead(having, view.named)
        return list(islice(self._hits(fused(by_meaning, by_words, named), view), count))

    def _hits(self, ranked: Sequence[tuple[Item, float]], view: View) -> Iterator[Hit]:
        """The rows that still stand so in their files, and what is not saved."""
        texts: dict[str, str] = {}
        for found, score in ranked:
            if isinstance(found, Hit):
                yield replace(found, score=score)
                continue
            path, row = view.place(found)
            if path and path not in texts:
                texts[path] = self._text(path)
            if path and (own := row.text_in(texts[path])):
                yield Hit(path, row.name, row.kind, row.start, row.end, row.line, score, own)

    def _text(self, path: str) -> str:
        try:
            return read_code(self._root / path)
        except (OSError, NotCodeError):
            return ""

    def save(self) -> None:
        """Takes seconds where there is much or the disk is busy; the index can be changed meanwhile."""
        with self._saving:
            self._pack()
            if not (self._is_changed and self._is_ours and self._is_saved):
                return
            try:
                saved = self._store.write(self._encoder.name, self._fill)
            except OSError as error:
                self._is_changed = True
                self._note(f"The index could not be saved ({error}): it goes on in memory, and saving is tried again.")
                return
            with self._changing, self._asking:
                self._held.number = saved.number
                self._held.content.map_base(saved.folder)

    def _pack(self) -> None:
        """Makes a new base if that is worth its while."""
        content = self._held.content
        if self._is_ours and content.has_much:
            with self._changing, self._asking:
                packing = content.freeze()
            base = packing.packed()
            with self._changing, self._asking:
                content.adopt(base, packing)

    def _fill(self, folder: Path) -> None:
        with self._changing:
            self._is_changed = False
            self._held.content.write(folder)
            (folder / _WORDS).mkdir()
            copy(self._live, folder / _WORDS, put)

    def close(self) -> None:
        self.save()
        with self._saving, self._changing:
            if self._is_closed:
                return
            self._is_closed = True
            self._hold(_Held(Content(self._encoder.dimension), Words(None)))
            if self._is_ours and self._is_saved:
                shutil.rmtree(self._live, ignore_errors=True)
            self._store.release()

    @property
    def _live(self) -> Path:
        """Where the words are while they are changed."""
        return self._store.folder / "live"

    def _claim(self) -> bool:
        try:
            return self._store.claim()
        except OSError as error:
            self._is_saved = False
            self._note(f"The folder of the index cannot be written ({error}): what changes is kept in memory only.")
            return True

    def _open(self) -> None:
        """Takes up what is saved; what another process holds may be replaced meanwhile."""
        fault: Exception | None = None
        for _ in range(_TRIES):
            try:
                self._hold(self._loaded())
                return
            except (OSError, RuntimeError, CodeIndexError) as error:
                fault = error
        if self._is_ours:
            self._is_saved = False
            self._note(f"The saved index cannot be opened ({fault}): it is built anew, in memory only.")

    def _loaded(self) -> _Held:
        saved, fault = self._store.newest(self._encoder.name)
        if fault:
            self._note(f"The saved index {fault}: it is {'' if self._is_ours else 'not used until it is '}built anew.")
        content = Content.read(saved.folder, self._encoder.dimension) if saved else Content(self._encoder.dimension)
        if self._is_ours and self._is_saved:
            shutil.rmtree(self._live, ignore_errors=True)
            self._live.mkdir(mode=0o700)
            return _Held(content, _words(saved, self._live, put), saved.number if saved else 0)
        if saved is None:
            return _Held(content, Words(None))
        temporary = TemporaryDirectory(prefix="ghostwright-", ignore_cleanup_errors=True)
        return _Held(content, _words(saved, Path(temporary.name), os.symlink), saved.number, temporary)

    def _hold(self, held: _Held) -> None:
        with self._asking:
            before, self._held = self._held, held
        before.close()

    def _note(self, sentence: str) -> None:
        if sentence not in self._notes:
            log.warning("%s", sentence)
            self._notes.append(sentence)


def _words(saved: Saved | None, folder: Path, put: Callable[[Path, Path], None]) -> Words:
    """Those that are saved, in a folder in which they can be changed without changing these."""
    if saved is not None:
        copy(saved.folder / _WORDS, folder, put)
    return Words(folder)


def _entries(source: Source, key: int, found: Sequence[Definition]) -> Iterator[tuple[Entry, str, str]]:
    """What each definition is found by: its name if it is no heading, and words: those of its name, path and text."""
    for ordinal, each in enumerate(found):
        name = each.name if each.kind != "text" else ""
        yield Entry(key, ordinal), name, " ".join((each.name, source.path, *each.blocks))
