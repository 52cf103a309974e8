"""The index on this machine: what is found, how it is replaced and saved, and what several processes see of it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_tools import SHOP, BagOfWords, Opened, names, write

from retrieval.index import CodeIndexError, Source
from retrieval.index_content import Content
from retrieval.index_fusion import by_names, fused, names_in, suffixes
from retrieval.index_local import opened
from retrieval.index_rows import Table, joined
from retrieval.index_store import FORMAT, Store, default_folder
from retrieval.index_vectors import Vectors, packed
from retrieval.index_words import Entry, Words, words_in
from retrieval.splitting import definitions

pytest_plugins = ["index_fixtures"]


def test_a_definition_is_found_by_words_of_its_name_its_text_and_its_files_path(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "shop/billing.py", SHOP), write(tmp_path, "b.py", "def unrelated(): ...\n")])
    [first, *_] = index.search("price tax included")
    assert (first.path, first.name, first.kind, first.line) == ("shop/billing.py", "Item.total", "method", 11)
    assert first.text == SHOP[first.start : first.end]
    assert names(index.search("receipt"))[0] == "parse_receipt"
    assert index.search("billing")[0].path == "shop/billing.py"
    assert index.counts.files == 2


def test_the_text_of_a_class_or_module_is_without_the_definitions_in_it(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    texts = {hit.kind: hit.text for hit in index.search("item limit price currency discount receipt", 10)}
    assert 'currency = "EUR"' in texts["class"]
    assert "discount = 0" in texts["class"]
    assert "def total" not in texts["class"]
    assert texts["module"].strip() == '"""What is sold."""\n\nLIMIT = 3'


def test_a_replaced_file_is_found_as_it_is_now(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", "def fetch_orders(): ...\n"), write(tmp_path, "b.py", SHOP)])
    index.update([write(tmp_path, "a.py", "def cancel_orders(): ...\n")], gone=["b.py"])
    assert {(hit.path, hit.name) for hit in index.search("orders fetch price")} == {("a.py", "cancel_orders")}
    assert (index.counts.files, index.counts.definitions) == (1, 1)


def test_what_no_longer_stands_so_in_its_file_is_not_served(tmp_path: Path, open_index: Opened):
    index = open_index()
    text = "def first_order(): ...\n\n\ndef second_order(): ...\n"
    index.update([write(tmp_path, "a.py", text), write(tmp_path, "b.py", "def third_order(): ...\n")])
    write(tmp_path, "a.py", text.replace("second", "other"))
    assert set(names(index.search("order"))) == {"first_order", "third_order"}
    write(tmp_path, "a.py", "# above\n" + text)
    assert names(index.search("order")) == ["third_order"]
    (tmp_path / "code" / "b.py").unlink()
    assert index.search("order") == []


def test_files_that_are_left_out_take_no_place(tmp_path: Path, open_index: Opened):
    index = open_index()
    here = "".join(f"def send_mail_{number}(mail): return send(mail)\n\n\n" for number in range(300))
    index.update([write(tmp_path, "here.py", here), write(tmp_path, "a.py", "def send(mail): ...\n")])
    assert len(index.search("send mail", 5)) == 5
    assert [(hit.path, hit.name) for hit in index.search("send mail", 5, leave_out=["here.py"])] == [("a.py", "send")]


def test_nothing_is_found_by_nothing(tmp_path: Path, open_index: Opened):
    index = open_index()
    assert index.search("anything") == []
    index.update([write(tmp_path, "a.py", SHOP), write(tmp_path, "empty.py", "")])
    assert index.search("") == index.search(" \n(") == index.search("tax", 0) == []
    assert "empty.py" in index.files


@pytest.mark.parametrize("text", ["x = '\ud800'", "\x00", "é" * 1000, "def (:\n", "# " + "a" * 100_000, "\r\r\n\t"])
def test_a_file_of_any_text_is_no_obstacle(text: str, tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([Source("odd.py", "python", text), write(tmp_path, "a.py", SHOP)])
    assert names(index.search("receipt"))[0] == "parse_receipt"
    index.update([], gone=["odd.py"])
    assert list(index.files) == ["a.py"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("parse_receipt", ["parse_receipt", "parse", "receipt"]),
        ("parseHTMLPage2", ["parsehtmlpage2", "parse", "html", "page", "2"]),
        ("HTTPServer x", ["httpserver", "http", "server", "x"]),
        ("total", ["total"]),
        ("Größe.ändern()", ["größe", "gr", "öß", "e", "ändern", "ä", "ndern"]),
        ("価格 = 3", ["価格", "3"]),
        ("a" * 200, []),
    ],
)
def test_words_of_names(text: str, words: list[str]):
    assert words_in(text) == words


def test_rankings_are_fused_by_ranks_and_meaning_counts_the_most():
    assert [item for item, _ in fused(["a", "b"], ["b"], {})] == ["b", "a"]
    assert [item for item, _ in fused(["a", "b", "c", "d"], ["d", "e"], {})] == ["a", "d", "b", "c", "e"]
    assert dict(fused(["a"], ["a"], {"b": 0.3})) == {"a": pytest.approx(1.2 / 11), "b": 0.3}


def test_what_names_bring():
    called = {"total": ["Item.total", "Order.total"], "order.total": ["Order.total"]}
    having = {"max_items": ["fill"], "often": [f"use{number}" for number in range(51)]}

    def named(query: str) -> dict[str, float]:
        return by_names(
            names_in(query),
            lambda name: called.get(name, []),
            lambda name: having.get(name, []),
        )

    assert {*named("total")} == {"Item.total", "Order.total"}
    assert {*named("x.total")} == {"Item.total", "Order.total"}
    assert min(named("total").values()) > 1.2 / 11  # more than the others can have
    assert {*named("order.total")} == {*named("the price of order.total")} == {"Order.total"}
    assert named("order.total")["Order.total"] > named("the price of order.total")["Order.total"]
    assert named("the price of order.total")["Order.total"] > named("the price of item.total")["Order.total"]
    assert {*named("max_items")} == {*named("where is max_items read")} == {"fill"}
    assert named("for x in y:\n    x.max_items = 3\n") == named("often") == named("total of items") == {}


@pytest.mark.parametrize(
    ("query", "names", "are_all"),
    [
        ("total", ["total"], True),
        (" Item.total() ", ["item.total"], True),
        ("std::vector", ["std.vector"], True),
        ("Node#empty?", ["node.empty"], True),
        ("the total of an Item", [], False),
        ("where is read_all called? And json.dumps, e.g. by __init__", ["read_all", "json.dumps"], False),
        ("parseHTTP2 and HTTP2", ["parsehttp2"], False),
        ("def f(x):\n    return self.line_of(x) + line_of(x)\n", ["self.line_of", "line_of"], False),
        ("+ 3", [], False),
    ],
)
def test_names_in_queries(query: str, names: list[str], are_all: bool):
    found = names_in(query)
    assert ([each[0] for each in found.each], found.are_all) == (names, are_all)


def test_names_with_and_without_what_stands_before_them():
    assert suffixes("Shop.Item.total") == ("shop.item.total", "item.total", "total")
    assert suffixes("Item.empty?") == ("item.empty", "empty")
    assert suffixes("Item.==") == ("item.==", "==")
    assert suffixes("") == ()


def test_what_is_called_as_the_query_comes_first(tmp_path: Path, open_index: Opened):
    index = open_index()
    uses = "".join(
        f"def use{number}(item):\n    return item.total() + total(total, item)\n\n\n" for number in range(80)
    )
    index.update([
        write(tmp_path, "uses.py", uses), write(tmp_path, "a.py", SHOP), write(tmp_path, "b.md", "# total\n\ntotal\n"),
        write(tmp_path, "b.py", "class Order:\n    def total(self):\n        return sum(self.lines)\n"),
    ])  # fmt: skip
    assert {*names(index.search("total", 2))} == {"Item.total", "Order.total"}
    assert names(index.search("order.total", 1)) == names(index.search("shop::Order::total()", 1)) == ["Order.total"]
    assert names(index.search("basket.total", 1, leave_out=["a.py"])) == ["Order.total"]
    assert names(index.search("which of the uses is in parse_receipt", 1)) == ["parse_receipt"]


def test_a_name_that_nothing_is_called_by_is_found_where_it_stands(tmp_path: Path, open_index: Opened):
    index = open_index()
    uses = "".join(f"def most_tries{number}(tries):\n    return tries.most\n\n\n" for number in range(80))
    index.update([write(tmp_path, "uses.py", uses), write(tmp_path, "a.py", "def again(MOST_TRIES=3):\n    ...\n")])
    for query in ("MOST_TRIES", "where are most_tries of tries"):
        assert names(index.search(query, 1)) == ["again"]


def test_a_saved_index_is_opened_as_it_was(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP), write(tmp_path, "notes.md", "# Taxes\n\nAbout the tax.\n")])
    before = index.search("price tax included")
    index.close()
    index = open_index()
    assert index.search("price tax included") == before
    assert index.files["a.py"].stamp == ((tmp_path / "code" / "a.py").stat().st_mtime_ns,)
    index.update([write(tmp_path, "a.py", "def other(): ...\n")])
    assert "Item.total" not in names(index.search("price tax included"))
    assert index.notes == ()


def test_the_folder_of_an_index_is_its_users_alone(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    index.close()
    assert (tmp_path / "cache" / "index").stat().st_mode & 0o777 == 0o700
    assert not (tmp_path / "cache" / "index" / "live").exists()


def test_repositories_of_the_same_name_have_different_folders(tmp_path: Path):
    one, other = default_folder(tmp_path / "a" / "shop"), default_folder(tmp_path / "b" / "shop")
    assert one != other
    assert one.name.startswith("shop-")
    assert one == default_folder(tmp_path / "a" / "x" / ".." / "shop")


@pytest.mark.parametrize("name", [b"caf\xe9", b"n" * 250, "日本".encode() * 40], ids=["no text", "long", "long text"])
def test_the_index_of_a_repository_of_any_name_is_saved(name: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    root.mkdir()
    (root / "a.py").write_text(SHOP)
    for files in ([], ["a.py"]):
        index = opened(root, BagOfWords())
        assert list(index.files) == files
        index.update([Source("a.py", "python", SHOP)])
        index.close()
        assert index.notes == ()


def test_an_index_of_another_encoder_is_built_anew(tmp_path: Path, open_index: Opened):
    index = open_index(name="one")
    index.update([write(tmp_path, "a.py", SHOP)])
    index.close()
    index = open_index(name="two")
    assert (index.counts.files, index.search("tax")) == (0, [])
    assert index.notes == ("The saved index is of another encoder (one, 256): it is built anew.",)
    index.update([write(tmp_path, "a.py", SHOP)])
    index.close()
    assert open_index(name="two").counts.files == 1


def test_an_index_of_another_format_is_built_anew(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    index.close()
    manifest = tmp_path / "cache" / "index" / "1" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"format":{FORMAT}', '"format":0'))
    assert open_index().notes == ("The saved index was written by another version: it is built anew.",)


def test_one_index_writes_and_others_follow(tmp_path: Path, open_index: Opened):
    writer, reader = open_index(), open_index()
    assert (writer.refresh(), reader.refresh()) == (True, False)
    with pytest.raises(CodeIndexError, match="another process changes it"):
        reader.update([write(tmp_path, "a.py", SHOP)])
    writer.update([write(tmp_path, "a.py", SHOP)])
    assert reader.search("tax") == []
    writer.save()
    reader.refresh()
    assert reader.search("tax") == writer.search("tax") != []
    writer.update([write(tmp_path, "b.py", "def tax_return(): ...\n")])
    writer.save()
    assert "tax_return" not in names(reader.search("tax"))
    writer.close()
    assert reader.refresh()
    assert "tax_return" in names(reader.search("tax"))
    reader.update([], gone=["a.py"])
    assert names(reader.search("tax")) == ["tax_return"]


def test_it_is_changed_searched_and_saved_at_the_same_time(tmp_path: Path, open_index: Opened):
    index, ended = open_index(), threading.Event()

    def keep(call: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            while not ended.is_set():
                call()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def search() -> None:
        for hit in index.search("part of name", 20):
            assert hit.text == f"def {hit.name}(): ..."

    others = [keep(index.save), keep(search), keep(index.refresh)]
    for number in range(60):
        text = "".join(f"def part{number % 7}_name{number}_{each}(): ...\n" for each in range(number % 5 * 30))
        index.update([write(tmp_path, f"part{number % 7}.py", text)], gone=[f"part{(number + 1) % 7}.py"])
    ended.set()
    for thread in others:
        thread.join()
    expected = {path: known.digest for path, known in index.files.items()}
    index.close()
    index = open_index()
    assert {path: known.digest for path, known in index.files.items()} == expected
    assert index.notes == ()
    assert len(index.search("part of name", 10_000)) == index.counts.definitions > 0


def test_a_closed_index_finds_nothing_and_cannot_be_changed(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    index.close()
    index.close()
    assert index.search("tax") == []
    assert not index.refresh()
    with pytest.raises(CodeIndexError, match="closed"):
        index.update([write(tmp_path, "a.py", SHOP)])


def test_many_definitions_go_into_a_base_and_all_are_found(tmp_path: Path, open_index: Opened):
    index = open_index()
    for part in range(4):
        text = "".join(f"def name{number}(): ...\n" for number in range(part * 4000, part * 4000 + 4000))
        index.update([write(tmp_path, f"part{part}.py", text)])
        index.save()
    index.update([write(tmp_path, "part1.py", "def name4000(): ...\n")])
    for again in (False, True):
        if again:
            index.close()
            index = open_index()
        assert index.counts.definitions == 12_001
        for number in (0, 3999, 4000, 8000, 15_999):
            assert f"name{number}" in names(index.search(f"name{number}", 2))
        assert "name4001" not in names(index.search("name4001", 10))


Words_ = st.sampled_from(["order", "tax", "mail", "price", "user", "token"])
Change = st.tuples(st.sampled_from(["a.py", "b.py", "c.py"]), st.none() | st.lists(Words_, max_size=5))
Steps = st.lists(Change | st.sampled_from(["freeze", "adopt", "write"]), max_size=25)


@given(Steps)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_changed_packed_and_read_back_the_content_is_that_of_the_files(tmp_path: Path, steps):
    encoder, content, files, packing = BagOfWords(), Content(256, few=1000, much=3), dict[str, list[str]](), None
    folders = iter(range(1000))
    shutil.rmtree(tmp_path / "saved", ignore_errors=True)
    for step in steps:
        if step == "freeze":
            packing = packing or content.freeze()
        elif step == "adopt" and packing:
            content.adopt(packing.packed(), packing)
            packing = None
        elif step in ("adopt", "write"):
            if packing:
                continue
            folder = tmp_path / "saved" / str(next(folders))
            folder.mkdir(parents=True)
            content.write(folder)
            content.map_base(folder)
            content = Content.read(folder, 256, few=1000, much=3)
        else:
            path, words = step
            content.remove([path])
            files.pop(path, None)
            if words is not None:
                files[path] = [f"{word}_{number}" for number, word in enumerate(words)]
                source = Source(path, "python", "".join(f"def {name}(): ...\n" for name in files[path]))
                found = source.definitions()
                [key] = content.keys(1)
                content.add(
                    [(source, key, Table.of(key, found, source.text))],
                    encoder.definitions([each.blocks for each in found]),
                )
    expected = sorted((path, name) for path, several in files.items() for name in several)
    assert (sorted(content.records), content.count) == (sorted(files), len(expected))
    view = content.view()
    everything = [row for row, _ in content.nearest(encoder.queries(["def order"])[0], 1000)]
    assert sorted((path, row.name) for path, row in map(view.place, everything)) == expected
    for record in content.records.values():
        entries = [Entry(record.key, ordinal) for ordinal in range(record.count)]
        assert [view.place(row)[1].name for row in content.rows_of(entries)] == files[record.path]


def test_many_vectors_in_cells_are_found_as_one_by_one():
    random = np.random.default_rng(1)
    centres = random.standard_normal((40, 32))
    vectors = (centres[random.integers(0, 40, 4000)] + 0.5 * random.standard_normal((4000, 32))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    flat, alive = Vectors.none(32), np.ones(4000, np.bool_)
    flat.add(vectors)
    alive[::3] = False
    cells = packed([(flat, np.ones(4000, np.bool_))], 32, few=1000)
    agreed = 0
    for vector in vectors[:200]:
        one, other = flat.search(vector, 10, alive)[0], cells.search(vector, 10, alive)[0]
        assert alive[other].all()
        agreed += len(set(one) & set(other))
    assert agreed > 0.9 * 2000
    kept = packed([(cells, alive)], 32, few=10_000)
    np.testing.assert_allclose(
        np.concatenate(list(kept.parts(np.ones(len(kept), np.bool_)))), vectors[alive], atol=1e-3
    )


def test_rows_are_joined_and_kept():
    found = definitions(SHOP, "python")
    table = joined([Table.none(), Table.of(1, found, SHOP), Table.of(2, found[:1], SHOP)])
    table = table.kept(np.array([number != 1 for number in range(len(table))]))
    assert [(row.file, row.name) for row in (table[number] for number in range(len(table)))] == [
        (1, ""), (1, "Item.total"), (1, "parse_receipt"), (2, ""),
    ]  # fmt: skip
    assert table[2].text_in(SHOP) == "def parse_receipt(text):\n    return text.split()"
    assert table[2].text_in(SHOP.replace("split", "strip")) is None


def test_words_that_could_not_be_committed_are_not_found(tmp_path: Path):
    words = Words(tmp_path)
    words.update([], [(Entry(1, 0), "", "tax")])
    shutil.rmtree(tmp_path)
    with pytest.raises(CodeIndexError, match="cannot be written"):
        words.update([1], [(Entry(2, 0), "", "price")])
    assert words.search(["tax"], 5) == [Entry(1, 0)]
    assert words.search(["price"], 5) == []


def test_rare_words_decide_in_a_long_query(tmp_path: Path):
    words = Words(None)
    words.update([], [(Entry(number, 0), "", f"common word{number}") for number in range(200)])
    query = [
        "common",
        *(f"nowhere{number}" for number in range(100)),
        *(f"word{number}" for number in range(100, 40, -1)),
    ]
    assert words.search(query, 1, leave_out=[100])[0].file in range(41, 100)
    assert len(words.search(query, 100)) == 100


def test_whoever_opens_the_store_clears_what_a_killed_process_left(tmp_path: Path):
    for name in ("1", "2", "3.partial", "live"):
        (tmp_path / name).mkdir()
    store = Store(tmp_path)
    assert store.claim()
    assert sorted(os.listdir(tmp_path)) == ["2", "live", "lock"]
    store.release()


def test_an_index_whose_folder_was_deleted_begins_again(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    index.save()
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(CodeIndexError, match="cannot be written"):
        index.update([write(tmp_path, "b.py", "def tax(): ...\n")])
    assert {"tax", "Item.total"} < {*names(index.search("tax"))}
    assert index.refresh()
    index.update([write(tmp_path, "b.py", "def tax(): ...\n")])
    assert names(index.search("tax")) == ["tax"]
    index.close()
    assert list(open_index().files) == ["b.py"]
