"""Context from code like what is being written, over a real index of files on the disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from assistant import app, searching
from assistant.errors import RequestError, SettingsError
from assistant.indexes import Indexes
from assistant.settings import Settings, parse
from assistant.types import CompletionRequest, File, Snippet, Trigger
from plugins import code_search
from plugins.code_search import LARGE, LAST_LINES, MOST, STEP, CodeSearch, query_of
from retrieval.encoding import load
from retrieval.index import CodeIndexError
from retrieval.index_local import opened

ORDERS = '''\
class Order:
    def total_price(self, tax: float) -> float:
        """What the items of an order cost, with tax."""
        return sum(item.price for item in self.items) * (1 + tax)


def send_parcel(carrier, parcel):
    return carrier.take(parcel)
'''
BEGUN = "def price_of_cart(cart, tax):\n    # what the items of a cart cost, with tax\n    ‸\n"
LONG = 60.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "orders.py").write_text(ORDERS)
    return root


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[Indexes]:
    with closing(Indexes(lambda root: opened(root, load(), tmp_path / "index"))) as indexes:
        yield indexes


@pytest.fixture
def source(indexes: Indexes) -> Iterator[CodeSearch]:
    with closing(CodeSearch(indexes)) as source:
        yield source


def asked(root: Path | None, marked: str, path: str = "carts.py", trigger: Trigger = Trigger.AUTOMATIC):
    folder = root or Path("/outside")
    return CompletionRequest(folder / path, "python", marked.replace("‸", ""), marked.index("‸"), trigger, root)


def found(source: CodeSearch, request: CompletionRequest) -> list[Snippet]:
    """What is found once all is indexed."""
    source.open(request, LONG)
    return list(source.snippets(request))


def test_code_like_what_is_written_comes_first(root, source):
    first, *_ = found(source, asked(root, BEGUN))
    assert first.text.strip().startswith("def total_price(self, tax: float) -> float:")
    assert (first.path, first.source) == ("orders.py", "code_search")


def test_worth_falls_from_one_to_the_next(root, source):
    for number in range(9):
        (root / f"more_{number}.py").write_text(f"def price_{number}(cart):\n    return cart.price * {number}\n")
    scores = [snippet.score for snippet in found(source, asked(root, BEGUN))]
    assert len(scores) == MOST
    assert scores == sorted(scores, reverse=True)


def test_the_file_itself_and_what_repeats_it_are_left_out(root, source):
    (root / "carts.py").write_text(BEGUN.replace("‸", "return cart.total_price(tax)"))
    (root / "copy.py").write_text(ORDERS)
    assert found(source, asked(root, ORDERS + BEGUN)) == []
    assert found(source, asked(root, BEGUN))[0].path in ("orders.py", "copy.py")


def test_of_a_large_definition_its_head_is_shown(root, source):
    body = "".join(f"    tax = add_tax_of_item_{number}(tax, cart)\n" for number in range(200))
    (root / "large.py").write_text(f"def price_of_cart_with_tax(cart, tax):\n{body}    return tax\n")
    (large,) = (each for each in found(source, asked(root, BEGUN)) if each.path == "large.py")
    assert large.text.startswith("def price_of_cart_with_tax(cart, tax):\n")
    assert LARGE // 2 < len(large.text) <= LARGE
    assert large.text.endswith("(tax, cart)\n")


def test_the_query_stays_while_a_line_is_typed_and_follows_those_who_ask(root):
    lines = "".join(f"line_{number} = {number}\n" for number in range(STEP * 10))
    typed = {query_of(asked(root, f"{lines}{begun}‸")) for begun in ("", "pri", "price = ")}
    assert len(typed) == 1
    assert next(iter(typed)).text.count("\n") == LAST_LINES
    assert query_of(asked(root, f"{lines}price = ‸", trigger=Trigger.INVOKED)).text.endswith("\nprice = ")


def test_the_signature_around_the_cursor_is_looked_for(root):
    body = "".join(f"    line_{number} = {number}\n" for number in range(40))
    assert query_of(asked(root, f"def price_of(cart):\n{body}‸")).text.startswith("def price_of(cart):\n")


def test_a_draft_is_looked_for_behind_what_was_typed(root, source):
    request = asked(root, BEGUN.replace("‸", "return ‸"), trigger=Trigger.INVOKED)
    drafted = replace(request, draft="carrier.take(parcel)")
    assert query_of(drafted).text == query_of(request).text + "carrier.take(parcel)"
    first, *_ = found(source, replace(drafted, text="return ", offset=len("return ")))
    assert first.text.strip().startswith("def send_parcel")


def test_while_typing_what_was_found_before_is_shown_until_there_is_more(root, source):
    first = asked(root, BEGUN)
    before = found(source, first)
    other = asked(root, BEGUN.replace("    ‸", "def parcel_for(carrier):\n    # hand a parcel to a carrier\n\n\n‸"))
    assert list(source.snippets(other)) in (before, found(source, other))
    assert found(source, other)[0].text.startswith("def send_parcel")
    assert list(source.snippets(asked(root, "x = 1\n\n\n\n‸", "elsewhere.py"))) != before


def test_before_there_is_an_index_nothing_is_shown_and_nobody_waits(root, source, indexes):
    request = asked(root, BEGUN)
    assert list(source.snippets(request)) == []
    indexes.begin(root)
    deadline = time.monotonic() + LONG
    while not list(source.snippets(request)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(source.snippets(request))


def test_what_is_saved_is_found(root, source, indexes):
    request = asked(root, BEGUN)
    found(source, request)
    (root / "carts_too.py").write_text("def price_of_a_cart(cart, tax):\n    return cart.cost_of_items(tax)\n")
    indexes.files_changed([root / "carts_too.py"])
    indexes.opened(root).wait(LONG)
    again = asked(root, BEGUN.replace("cost, with", "cost with"))
    assert "carts_too.py" in [snippet.path for snippet in found(source, again)]


def test_what_is_not_saved_is_found_as_the_editor_shows_it(root, source):
    text = "def price_of_a_cart(cart, tax):\n    return cart.cost_of_items(tax)\n"
    others = (File(root / "orders.py", "python", "x = 1\n"), File(root / "new.py", "python", text))
    snippets = found(source, replace(asked(root, BEGUN), others=others))
    assert [(each.path, each.text) for each in snippets] == [("new.py", text), ("orders.py", "x = 1\n")]
    others = (File(root / "new.py", "python", text.replace("cart", "basket")),)
    assert "basket" in "".join(each.text for each in found(source, replace(asked(root, BEGUN), others=others)))


def test_a_file_outside_of_the_repository_gets_nothing(source):
    assert found(source, asked(None, BEGUN)) == []


def test_an_index_that_cannot_be_opened_leaves_completions_without(root):
    def broken(root: Path):
        raise CodeIndexError("no index today")

    with closing(Indexes(broken)) as indexes, closing(CodeSearch(indexes)) as source:
        assert found(source, asked(root, BEGUN)) == []


def test_the_setting_turns_it_on():
    with closing(app.knowledge(Settings())) as known:
        assert list(code_search.ghostwright_context_sources(Settings(), known)) == []
        (on,) = code_search.ghostwright_context_sources(Settings(code_search=True), known)
        assert (on.name, on.wants_draft) == ("code_search", False)
        (drafting,) = code_search.ghostwright_context_sources(parse({"code_search": "draft"}, "a test"), known)
        assert drafting.wants_draft


def test_another_value_of_the_setting_is_told():
    with pytest.raises(SettingsError, match="“code_search” = 'drfat'"):
        parse({"code_search": "drfat"}, "a test")


def test_what_is_asked_of_closed_indexes_is_refused_and_told(root):
    indexes = Indexes(lambda root: opened(root, load(), root.parent / "index"))
    indexes.close()
    with pytest.raises(CodeIndexError, match="settings have changed"):
        indexes.begin(root).result()
    assert (indexes.opened(root), indexes.progress) == (None, None)


def test_what_could_not_be_opened_is_tried_again(root, tmp_path):
    faults = [CodeIndexError("no index today")]

    def at_the_second_time(root: Path):
        if faults:
            raise faults.pop()
        return opened(root, load(), tmp_path / "index")

    with closing(Indexes(at_the_second_time)) as indexes:
        with pytest.raises(CodeIndexError):
            indexes.begin(root).result()
        assert indexes.begin(root).result().wait(LONG)


def test_an_index_that_hangs_while_it_is_opened_is_waited_for_so_long(root):
    reachable = Event()

    def hanging(root: Path):
        reachable.wait(LONG)
        raise CodeIndexError("no index today")

    with closing(Indexes(hanging)) as indexes:
        with pytest.raises(RequestError, match="could not be opened in time"):
            searching.search(indexes, root, "the price of a cart", 5, patience=0.0)
        reachable.set()
