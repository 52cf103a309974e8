"""The index of a repository on a Milvus server, for code that is too much for one machine or is indexed for a team.

One process fills it, e.g. a job after each merge; whoever has its address searches. Texts are kept on the server, since
those who search may not have the files as they were indexed. It needs the extra `milvus`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.index import CodeIndexError, Counts, Hit, Source, Stamp
from retrieval.index_fusion import FEW, Names, by_names, fused, names_in, suffixes
from retrieval.index_rows import own_texts
from retrieval.index_unsaved import Item, Unsaved, best, encoding
from retrieval.index_words import words_in
from retrieval.splitting import Definition

if TYPE_CHECKING:
    from pymilvus import MilvusClient

    from retrieval.encoding import Encoder

_Item = TypeVar("_Item")

FORMAT = 2
"""Of the collection: one of another is left alone, and a new one is begun."""
_LONGEST = 65_535
"""Bytes of a text field."""
_DEPTH = 50
_SAME = 1000
"""Definitions with one of the names in a query that are looked at."""
_AT_ONCE = 500
_FIELDS = {
    "path": 4096, "digest": 32, "name": 1024, "called": 1024, "kind": 16, "text": _LONGEST, "words": _LONGEST,
}  # fmt: skip
_NUMBERS = ("ordinal", "start", "end", "line")
_SHOWN = ["id", "path", "name", "kind", "start", "end", "line", "text"]


@dataclass(frozen=True, slots=True)
class _File:
    digest: bytes
    stamp: Stamp = ()


def opened(uri: str, name: str, encoder: Encoder, token: str = "", writes: bool = False) -> MilvusIndex:
    """The index of this name at an address (`http://host:19530`, or a file for `milvus-lite`).

    One that writes is made if it is not there. Raises CodeIndexError.
    """
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        message = "An index on Milvus needs pymilvus, which is not installed: pip install 'ghostwright[milvus]'."
        raise CodeIndexError(message) from error
    with _faults(f"There is no Milvus server at {uri}"):
        client = MilvusClient(uri, token=token)
    return MilvusIndex(client, name, encoder, writes)


class MilvusIndex:
    """Its collection's name has the encoder in it, so that one encoder can be replaced by another without a pause."""

    def __init__(self, client: MilvusClient, name: str, encoder: Encoder, writes: bool) -> None:
        mark = hashlib.blake2b(f"{FORMAT} {encoder.name} {encoder.dimension}".encode(), digest_size=6).hexdigest()
        self._collection = f"ghostwright_{re.sub(r'[^A-Za-z0-9]', '_', name)}_{mark}"
        self._client, self._encoder, self._writes = client, encoder, writes
        self._encode = encoding(encoder)
        self._known: dict[str, _File] | None = None
        """The files as the one process that writes has left them."""
        with _faults(f"The collection {self._collection} cannot be opened"):
            if not client.has_collection(self._collection):
                if not writes:
                    message = f"There is no index {name} of the encoder {encoder.name} on this server yet"
                    raise CodeIndexError(f"{message}: make it with `ghostwright index` in the repository.")
                self._make()
            client.load_collection(self._collection)

    def _make(self) -> None:
        from pymilvus import DataType, Function, FunctionType

        schema = self._client.create_schema(auto_id=True, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        for field, length in _FIELDS.items():
            analyzed = (
                {"enable_analyzer": True, "analyzer_params": {"tokenizer": "standard"}} if field == "words" else {}
            )
            schema.add_field(field, DataType.VARCHAR, max_length=length, **analyzed)
        for field in _NUMBERS:
            schema.add_field(field, DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._encoder.dimension)
        schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(Function("bm25", FunctionType.BM25, input_field_names="words", output_field_names="sparse"))
        indexes = self._client.prepare_index_params()
        indexes.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
        indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        for field in ("path", "called"):
            indexes.add_index(field, index_type="INVERTED")
        self._client.create_collection(
            self._collection, schema=schema, index_params=indexes, consistency_level="Session"
        )  # so that whoever has changed it finds what is new

    @property
    def files(self) -> Mapping[str, _File]:
        """One that was written in part, or twice, has an empty digest: it is not as any text is."""
        if self._known is None or not self._writes:
            self._known = self._read_files()
        return dict(self._known)

    def _read_files(self) -> dict[str, _File]:
        digests, begun = defaultdict[str, set[str]](set), set[str]()
        for row in self._rows(["path", "digest", "ordinal"]):
            digests[row["path"]].add(row["digest"])
            if row["ordinal"] == 0:  # it was written last
                begun.add(row["path"])
        whole = {path for path, several in digests.items() if len(several) == 1 and path in begun}
        return {path: _File(bytes.fromhex(min(digests[path])) if path in whole else b"") for path in digests}

    @property
    def counts(self) -> Counts:
        """As the server counts them; of a file that was written in part the definitions only."""
        with _faults("The index on Milvus cannot be read"):
            return Counts(self._count("ordinal == 0"), self._count())

    def _count(self, chosen: str = "") -> int:
        """How many rows there are, or of some."""
        [row] = self._client.query(self._collection, chosen, ["count(*)"])
        return int(row["count(*)"])

    @property
    def notes(self) -> Sequence[str]:
        return ()

    def refresh(self) -> bool:
        return self._writes

    def update(self, sources: Sequence[Source], gone: Collection[str] = ()) -> None:
        """Adds what is new before it takes away what was, so that a file is found in between."""
        if not self._writes:
            raise CodeIndexError("This index was opened for searching only: it cannot be changed from here.")
        known = dict(self.files)
        new = [each for each in sources if each.path not in known or known[each.path].digest != each.digest]
        self._known = None  # unless all goes well, it is read again
        with _faults("The index on Milvus cannot be changed"):
            for paths in _batches([path for path in gone if known.pop(path, None)]):
                self._client.delete(self._collection, filter=f"path in {json.dumps(paths)}")
            self._replace(new, [each for each in new if each.path in known])
        self._known = known | {each.path: _File(each.digest, each.stamp) for each in sources}

    def _replace(self, sources: Sequence[Source], known: Sequence[Source]) -> None:
        """Writes files, some of which are known; of one that was written in part, the same may be there."""
        for source in known:
            self._client.delete(self._collection, filter=f"{_of(source)} and digest == {_quoted(source)}")
        for rows in _batches([row for source in sources for row in self._rows_of(source)]):
            self._client.insert(self._collection, rows)
        for source in known:
            self._client.delete(self._collection, filter=f"{_of(source)} and digest != {_quoted(source)}")

    def _rows_of(self, source: Source) -> list[dict[str, Any]]:
        """The first definition last, as the mark that all are there."""
        found = source.definitions()
        vectors = self._encoder.definitions([each.passages for each in found])
        together = enumerate(zip(found, own_texts(found, source.text), vectors, strict=True))
        rows = [_row(source, ordinal, *each) for ordinal, each in together]
        return rows[::-1]

    def search(
        self, query: str, count: int = 10, leave_out: Collection[str] = (), unsaved: Sequence[Source] = ()
    ) -> list[Hit]:
        words, names = words_in(query), names_in(query)
        if not words or count < 1:
            return []
        shown = Unsaved(unsaved, self._encode)
        depth, others = max(_DEPTH, 3 * count), _but(shown.paths.union(leave_out))
        vector = np.asarray(self._encoder.queries([query])[0], np.float32)
        with _faults("The index on Milvus cannot be asked"):
            called = self._called(names, others)
            named: Mapping[Item, float] = by_names(
                names,
                lambda name: [*called.get(name, [])[:depth], *shown.called(name)],
                lambda name: [*self._having([name], FEW + 1, others), *shown.having(name)],
            )
            near = self._nearest("vector", vector.tolist(), "IP", depth, others)
            by_meaning = best([*((each["id"], each["distance"]) for each in near), *shown.nearest(vector)], depth)
            having = self._having(words, depth, _but(leave_out))
            by_words = shown.instead(list(having), having.__getitem__)
            return self._hits(fused(by_meaning, by_words, named)[:count])

    def _having(self, words: Sequence[str], depth: int, others: str) -> dict[int, tuple[str, str]]:
        """The numbers of rows that have the most, and the rarest, of some words, best first, with path and name."""
        found = self._nearest("sparse", _whole(words), "BM25", depth, others, ["path", "name"])
        return {each["id"]: (each["entity"]["path"], each["entity"]["name"]) for each in found}

    def _nearest(
        self, field: str, asked: object, metric: str, depth: int, others: str, shown: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Rows with their numbers as `id`, their scores as `distance`, and some fields as `entity`, best first."""
        parameters = {"metric_type": metric}
        [found] = self._client.search(
            self._collection, [asked], others, depth, list(shown), parameters, anns_field=field
        )
        return list(found)

    def _called(self, names: Names, others: str) -> Mapping[str, list[int]]:
        """The numbers of rows by what these can be asked for by, of those that names in a query may mean."""
        numbers = defaultdict[str, list[int]](list)
        if names.each:
            called = f"called in {json.dumps([several[-1] for several in names.each])}"
            chosen = f"{called} and {others}" if others else called
            for row in self._client.query(self._collection, chosen, ["id", "name"], limit=_SAME):
                for name in suffixes(row["name"]):
                    numbers[name].append(row["id"])
        return numbers

    def _hits(self, ranked: Sequence[tuple[Item, float]]) -> list[Hit]:
        """The rows that are still there, and what is not saved."""
        numbers = [found for found, _ in ranked if isinstance(found, int)]
        rows = self._client.get(self._collection, numbers, _SHOWN) if numbers else []
        hits: dict[Item, Hit] = {row.pop("id"): Hit(score=0.0, **row) for row in rows}
        hits |= {found: found for found, _ in ranked if isinstance(found, Hit)}
        return [replace(hits[found], score=score) for found, score in ranked if found in hits]

    def save(self) -> None:
        """Nothing: what the server was told, it keeps."""

    def close(self) -> None:
        self._client.close()

    def _rows(self, fields: list[str]) -> Iterator[dict[str, Any]]:
        with _faults("The index on Milvus cannot be read"):
            iterator = self._client.query_iterator(self._collection, output_fields=fields)
            while rows := iterator.next():
                yield from rows
            iterator.close()


def _row(source: Source, ordinal: int, found: Definition, text: str, vector: NDArray[np.float32]) -> dict[str, Any]:
    words = words_in(" ".join((found.name, source.path, *found.blocks)))
    called = "" if found.kind == "text" else next(reversed(suffixes(found.name)), "")
    texts = {
        "path": source.path, "digest": source.digest.hex(), "name": found.name, "called": called, "kind": found.kind,
        "text": text, "words": _whole(words),
    }  # fmt: skip
    numbers = {"ordinal": ordinal, "start": found.start, "end": found.end, "line": found.line}
    return {field: _cut(text, _FIELDS[field]) for field, text in texts.items()} | numbers | {"vector": vector.tolist()}


def _whole(words: Sequence[str]) -> str:
    """Words as Milvus takes them apart: at all but letters and digits."""
    return " ".join(word.replace("_", "") for word in words)


def _cut(text: str, length: int) -> str:
    return text.encode("utf-8", "replace")[:length].decode("utf-8", "ignore")


def _but(paths: Collection[str]) -> str:
    return f"path not in {json.dumps(sorted(paths))}" if paths else ""


def _of(source: Source) -> str:
    return f"path == {json.dumps(source.path)}"


def _quoted(source: Source) -> str:
    return f'"{source.digest.hex()}"'


def _batches(items: list[_Item]) -> Iterator[list[_Item]]:
    return (items[at : at + _AT_ONCE] for at in range(0, len(items), _AT_ONCE))


@contextmanager
def _faults(what: str) -> Iterator[None]:
    """Makes errors of Milvus ours."""
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except MilvusException as error:
        raise CodeIndexError(f"{what}: {error.message}") from error
