"""Search over a repository's definitions, by meaning and by words: what an index can do, and what it gives back.

`retrieval.index_local` opens one on this machine, `retrieval.index_milvus` one on a Milvus server; `retrieval.indexing`
fills either and keeps it as the files are.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.splitting import Definition, definitions

log = logging.getLogger(__name__)

Stamp = tuple[int, ...]
"""What tells a file that has changed from one that has not, without reading it; empty where that is not known."""


class CodeIndexError(Exception):
    """An index cannot do what it was asked for; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is to be indexed."""

    path: str
    """From the repository's root, with slashes."""
    language: str
    text: str
    stamp: Stamp = ()

    @property
    def digest(self) -> bytes:
        """Of the text: equal texts have equal ones."""
        return digest(self.text)

    def definitions(self) -> list[Definition]:
        """None of a file that cannot be split, which is logged."""
        try:
            return definitions(self.text, self.language)
        except Exception:  # whatever is wrong with one file must not keep the others out
            log.exception("%s could not be split for the index; it is left out.", self.path)
            return []


class Known(Protocol):
    """What an index remembers of a file."""

    @property
    def digest(self) -> bytes: ...

    @property
    def stamp(self) -> Stamp: ...


@dataclass(frozen=True, slots=True)
class Hit:
    """A definition that was found."""

    path: str
    """From the repository's root, with slashes."""
    name: str
    """With the classes around it: `Item.total`; empty for what a module has beside its definitions."""
    kind: str
    """`function`, `method`, `class`, `module` or `text`."""
    start: int
    end: int
    """Code points of the file's text."""
    line: int
    """Counts from 1."""
    score: float
    """Comparable among the hits of one search only."""
    text: str
    """Without the definitions inside of it."""


@dataclass(frozen=True, slots=True)
class Counts:
    files: int
    definitions: int


class CodeIndex(Protocol):
    """Definitions of a repository, in any process or on any machine. All methods can be called from any thread."""

    @property
    def files(self) -> Mapping[str, Known]:
        """What is in it."""

    @property
    def counts(self) -> Counts:
        """How much is in it."""

    @property
    def notes(self) -> Sequence[str]:
        """What went wrong with it and what was done about that, in sentences."""

    def update(self, sources: Sequence[Source], gone: Collection[str] = ()) -> None:
        """Replaces files and forgets others; they are found as they are now when it returns. Raises CodeIndexError."""

    def search(
        self, query: str, count: int = 10, leave_out: Collection[str] = (), unsaved: Sequence[Source] = ()
    ) -> list[Hit]:
        """The best definitions, best first, but of no file that is left out. Raises CodeIndexError.

        A query is a description, a name, or code that is being written. Files that are not saved are searched as they
        are given, and not as they are in the index.
        """

    def refresh(self) -> bool:
        """Takes up what another process has saved, or its place if it has ended; whether this one may change it."""

    def save(self) -> None:
        """Makes what is in it outlast this process; where that fails, `notes` say so."""

    def close(self) -> None:
        """Saves it and gives back what it holds."""


def digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
