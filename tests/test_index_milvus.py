"""The index on Milvus, by its own client, on `milvus-lite`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from index_tools import SHOP, BagOfWords, names, write
from numpy.typing import NDArray

from assistant.languages import language_of
from retrieval.index import CodeIndexError, Counts, Source
from retrieval.index_milvus import MilvusIndex, opened
from retrieval.indexing import Indexing

pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")

OpenMilvus = Callable[..., MilvusIndex]


class Counting(BagOfWords):
    """Counts the definitions that are encoded."""

    encoded = 0

    def definitions(self, definitions: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        self.encoded += len(definitions)
        return super().definitions(definitions)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("milvus") / "milvus.db")


@pytest.fixture
def open_milvus(server: str, request: pytest.FixtureRequest) -> Iterator[OpenMilvus]:
    """Opens the indexes of a test on one server, under the test's name."""
    indexes: list[MilvusIndex] = []

    def open_milvus(encoder: BagOfWords | None = None, writes: bool = True) -> MilvusIndex:
        indexes.append(opened(server, request.node.name, encoder or BagOfWords(), writes=writes))
        return indexes[-1]

    yield open_milvus
    for index in indexes:
        index.close()


def test_definitions_are_found_by_words_and_meaning_and_replaced(tmp_path: Path, open_milvus: OpenMilvus):
    index = open_milvus()
    sources = [write(tmp_path, "shop/billing.py", SHOP), write(tmp_path, "b.py", "def unrelated(): ...\n")]
    index.update(sources)
    [first, *_] = index.search("price tax included")
    assert (first.path, first.name, first.kind, first.line) == ("shop/billing.py", "Item.total", "method", 11)
    assert first.text == SHOP[first.start : first.end]
    assert "Item.total" not in names(index.search("price tax included", leave_out=["shop/billing.py"]))
    assert {path: known.digest for path, known in index.files.items()} == {each.path: each.digest for each in sources}
    assert index.counts.files == 2
    index.update([write(tmp_path, "shop/billing.py", "def cancel(): ...\n")], gone=["b.py"])
    assert names(index.search("price unrelated cancel")) == ["cancel"]
    assert index.search("") == index.search("tax", 0) == []


def test_what_is_called_as_the_query_comes_first(tmp_path: Path, open_milvus: OpenMilvus):
    index = open_milvus()
    uses = "".join(
        f"def use{number}(item):\n    return item.total() + total(total, item)\n\n\n" for number in range(80)
    )
    order = "class Order:\n    def total(self):\n        return sum(self.lines)\n"
    index.update([write(tmp_path, "uses.py", uses), write(tmp_path, "a.py", SHOP), write(tmp_path, "b.py", order)])
    assert {*names(index.search("total", 2))} == {"Item.total", "Order.total"}
    assert names(index.search("shop.Order.total()", 1)) == ["Order.total"]
    assert names(index.search("basket.total", 1, leave_out=["a.py"])) == ["Order.total"]
    index.update([write(tmp_path, "again.py", "def again(MOST_TOTAL=3):\n    ...\n")])
    assert names(index.search("MOST_TOTAL", 1)) == names(index.search("where is most_total", 1)) == ["again"]


def test_files_that_are_not_saved_are_searched_as_they_are_given(tmp_path: Path, open_milvus: OpenMilvus):
    index = open_milvus()
    index.update([write(tmp_path, "a.py", SHOP), write(tmp_path, "b.py", "def unrelated(price): ...\n")])
    moved = Source("a.py", "python", f"# above\n\n{SHOP}")
    new = Source("new.py", "python", "def weigh_parcel(grams):\n    return grams\n")
    for query in ("price tax included", "Item.total", "where is parse_receipt"):
        saved, found = index.search(query), index.search(query, unsaved=[moved])
        assert (found[0].name, found[0].line) == (saved[0].name, saved[0].line + 2)
        assert found[0].text == moved.text[found[0].start : found[0].end]
        assert found[0].score == pytest.approx(saved[0].score)
    assert names(index.search("weigh_parcel", 1, unsaved=[moved, new])) == ["weigh_parcel"]
    assert names(index.search("grams parcel", 1, unsaved=[new])) == ["weigh_parcel"]
    assert sorted(index.files) == ["a.py", "b.py"]


def test_who_only_searches_sees_what_another_writes(tmp_path: Path, open_milvus: OpenMilvus):
    with pytest.raises(CodeIndexError, match="no index"):
        open_milvus(writes=False)
    writer = open_milvus()
    writer.update([write(tmp_path, "a.py", SHOP)])
    reader = open_milvus(writes=False)
    assert "Item.total" in names(reader.search("tax"))
    assert (writer.refresh(), reader.refresh()) == (True, False)
    with pytest.raises(CodeIndexError, match="opened for searching only"):
        reader.update([write(tmp_path, "a.py", SHOP)])


def test_another_encoder_begins_another_index(tmp_path: Path, open_milvus: OpenMilvus):
    index = open_milvus()
    index.update([write(tmp_path, "a.py", SHOP)])
    assert open_milvus(BagOfWords(64)).counts.files == 0
    assert open_milvus().counts.files == 1


def test_a_file_that_was_written_in_part_is_written_again(tmp_path: Path, open_milvus: OpenMilvus):
    index = open_milvus()
    source = write(tmp_path, "a.py", SHOP)
    rows = index._rows_of(source)
    half = index._rows_of(Source("a.py", "python", "def half(): ...\n"))
    for written in (rows[:-1], half):
        index._client.insert(index._collection, written)
        index = open_milvus()
        assert index.files["a.py"].digest == b""
        index.update([source])
        assert index.files["a.py"].digest == open_milvus().files["a.py"].digest == source.digest
        assert index.counts.definitions == len(rows)
        assert "half" not in names(index.search("half"))


def test_the_server_counts_files_and_definitions(tmp_path: Path, open_milvus: OpenMilvus):
    index = open_milvus()
    assert index.counts == Counts(0, 0)
    index.update([write(tmp_path, f"{number}.py", SHOP) for number in range(20)])
    each = len(index._rows_of(write(tmp_path, "0.py", SHOP)))
    assert each > 1
    assert index.counts == open_milvus(writes=False).counts == Counts(20, 20 * each)
    index.update([write(tmp_path, "0.py", "def alone(): ...\n")], gone=["1.py"])
    assert index.counts == Counts(19, 18 * each + 1)
    index._client.insert(index._collection, index._rows_of(write(tmp_path, "half.py", SHOP))[:-1])
    assert index.counts == Counts(19, 19 * each)


def test_indexing_fills_it_and_reads_again_what_has_changed(tmp_path: Path, open_milvus: OpenMilvus):
    write(tmp_path, "a.py", SHOP)
    write(tmp_path, "b.py", "def receipt(): ...\n")
    for name in ("receipt", "invoice"):
        write(tmp_path, "b.py", f"def {name}(): ...\n")
        encoder = Counting()
        index = open_milvus(encoder)
        indexing = Indexing(tmp_path / "code", index, language_of, gentle=False)
        assert indexing.wait(60)
        indexing.close()
        assert sorted(index.files) == sorted(open_milvus().files) == ["a.py", "b.py"]
        assert names(index.search(name))[0] == name
    assert encoder.encoded == 1
    assert "receipt" not in names(index.search("receipt"))


def test_a_server_that_is_not_there(tmp_path: Path):
    with pytest.raises(CodeIndexError, match=r"There is no Milvus server at http://127\.0\.0\.1:9"):
        opened("http://127.0.0.1:9", "a", BagOfWords())


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(CodeIndexError, match=r"pip install 'ghostwright\[milvus\]'"):
        opened("http://127.0.0.1:9", "a", BagOfWords())
