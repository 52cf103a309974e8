"""Files that an editor has changed and not saved: which are searched as it has them, and how they are ranked."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from index_tools import SHOP, BagOfWords, Opened, names, write

from assistant.languages import language_of
from retrieval.index import Hit, Source
from retrieval.index_local import opened
from retrieval.index_scan import Limits, Scanner

pytest_plugins = ["index_fixtures"]

QUERIES = (
    "price tax included",
    "total",
    "Item.total()",
    "receipt",
    "where is parse_receipt",
    "what is sold",
    "currency",
)
MOVED = f"# above\n\n{SHOP}"


def unsaved(path: str, text: str) -> Source:
    return Source(path, "python", text)


def shown(hit: Hit) -> tuple[object, ...]:
    return hit.path, hit.name, hit.kind, hit.start, hit.end, hit.line, hit.text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where `write` puts code."""
    return tmp_path / "code"


def test_what_has_moved_is_found_in_the_same_order_where_it_is_now(tmp_path: Path, open_index: Opened):
    index = open_index()
    others = "".join(f"def price_{number}(item): return item.price + {number}\n\n\n" for number in range(30))
    index.update([write(tmp_path, "a.py", SHOP), write(tmp_path, "b.py", others)])
    not_saved = {query: index.search(query, unsaved=[unsaved("a.py", MOVED)]) for query in QUERIES}
    index.update([write(tmp_path, "a.py", MOVED)])
    for query, hits in not_saved.items():
        saved = index.search(query)
        assert shown(hits[0]) == shown(saved[0])
        assert hits[0].score == pytest.approx(saved[0].score)


def test_what_is_not_saved_is_not_in_the_index(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    before = {query: index.search(query) for query in QUERIES}
    new = unsaved("new.py", "def weigh_parcel(grams):\n    return grams\n")
    assert names(index.search("weigh parcel grams", 1, unsaved=[new])) == ["weigh_parcel"]
    assert names(index.search("weigh_parcel", 1, unsaved=[new])) == ["weigh_parcel"]
    assert {query: index.search(query) for query in QUERIES} == before
    assert list(index.files) == ["a.py"]


def test_what_is_deleted_in_the_editor_is_not_found(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    short = unsaved("a.py", SHOP[: SHOP.index("def parse_receipt")])
    assert "parse_receipt" in names(index.search("parse_receipt"))
    assert "parse_receipt" not in names(index.search("parse_receipt", unsaved=[short]))
    assert index.search("parse_receipt", unsaved=[unsaved("a.py", "")]) == []


def test_what_is_called_as_the_query_comes_first_wherever_it_is(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    order = unsaved("b.py", "class Order:\n    def total(self):\n        return sum(self.lines)\n")
    assert {*names(index.search("total", 2, unsaved=[order]))} == {"Item.total", "Order.total"}
    assert names(index.search("Order.total", 1, unsaved=[order])) == ["Order.total"]
    assert names(index.search("shop.Item.total()", 1, unsaved=[order])) == ["Item.total"]
    again = unsaved("c.py", "def again(MOST_TOTAL=3):\n    ...\n")
    assert names(index.search("where is most_total", 1, unsaved=[order, again])) == ["again"]


class Counting(BagOfWords):
    """Counts the definitions that are encoded."""

    encoded = 0

    def definitions(self, definitions):
        self.encoded += len(definitions)
        return super().definitions(definitions)


def test_a_file_is_encoded_again_when_it_changes(tmp_path: Path):
    encoder = Counting()
    with closing(opened(tmp_path, encoder, tmp_path / "index")) as index:
        for text in (SHOP, SHOP, MOVED, SHOP):
            index.search("total", unsaved=[unsaved("a.py", text)])
    assert encoder.encoded == 2 * len(unsaved("a.py", SHOP).definitions())


def test_only_what_would_be_indexed_and_is_not_saved_is_searched_as_it_is_shown(tmp_path: Path, root: Path):
    write(tmp_path, "a.py", SHOP)
    (root / ".gitignore").write_text("ignored.py\n")
    scanner = Scanner(root, language_of, Limits())
    assert scanner.unsaved(root / "a.py", SHOP) is None
    assert scanner.unsaved(root / "a.py", MOVED) == unsaved("a.py", MOVED)
    assert scanner.unsaved(root / "new" / "b.py", SHOP) == unsaved("new/b.py", SHOP)
    for left_out in (root / "ignored.py", root / ".env", root / "a.bin", tmp_path / "a.py", Path("a.py")):
        assert scanner.unsaved(left_out, MOVED) is None
    assert scanner.unsaved(root / "a.py", "x = 1\n" * 1_000_000) == unsaved("a.py", "")
