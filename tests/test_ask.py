"""Requests in somebody's words: which APIs are found, how the call is begun, and what the faces make of it."""

from __future__ import annotations

import asyncio
import math
import os
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from command import ghostwright
from editor import Buffer, Editor
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams, JsonRpcRequestCancelled

from assistant import app
from assistant.ask import scratch, search
from assistant.calls import Call, call_of
from assistant.errors import Cancelled
from assistant.settings import Settings
from assistant.types import CompletionRequest
from retrieval.apis import Apis
from retrieval.asking import Near, find, fused
from retrieval.importing import import_of, is_at_hand, place_of_imports

ORDERS = '''
"""Who wants what."""
from shop.items import Item


class Order:
    def __init__(self, customer: str, *, express: bool = False) -> None:
        self.items: list[Item] = []

    def add(self, item: Item, quantity: int = 1) -> None:
        self.items.append(item)

    @classmethod
    def load(cls, path: str) -> "Order":
        """Reads an order that was written to a file."""

    async def send(self, carrier: str) -> None: ...


def load_config(path: str, encoding: str = "utf-8") -> dict:
    """Reads the settings."""


def _add_up(numbers, *, start) -> int: ...
'''
CARRIERS = "from enum import Enum\n\n\nclass Carrier(Enum):\n    POST = 1\n"
ITEMS = "from dataclasses import dataclass\n\n\n@dataclass\nclass Item:\n    name: str\n    price: float = 0.0\n"
TESTS = "def test_that_an_item_is_added_to_an_order(): ...\n"
SCRIPT = "export class Basket {\n  constructor(private owner: string) {}\n  add(item: Item): void {}\n}\n"

FILES = {
    "shop/__init__.py": "",
    "shop/orders.py": ORDERS,
    "shop/items.py": ITEMS,
    "shop/carriers.py": CARRIERS,
    "tests/test_orders.py": TESTS,
    "web/basket.ts": SCRIPT,
}


@pytest.fixture(autouse=True)
def _indexes_of_its_own(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def apis() -> Apis:
    apis = Apis()
    for path, text in FILES.items():
        apis.update(path, "typescript" if path.endswith(".ts") else "python", text)
    return apis


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository on the disk."""
    (tmp_path / ".git").mkdir()
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def names(apis: Apis, request: str, near: Near | None = None) -> list[str]:
    return [found.api.within for found in find(apis, request, near=near)]


# What is found


def test_names_count_more_than_sentences_and_owners_tell_them_apart(apis):
    found = names(apis, "how do I add an item to an order")
    assert found[0] == "Order.add"
    assert "Basket.add" in found


def test_words_need_not_be_written_alike(apis):
    assert names(apis, "load the configuration")[0] == "load_config"
    assert names(apis, "SETTINGS")[0] == "load_config"
    assert names(apis, "read orders from files")[0] == "Order.load"


def test_tests_are_no_apis(apis):
    assert "test_that_an_item_is_added_to_an_order" not in names(apis, "test that an item is added to an order")


def test_nothing_is_found_for_other_words(apis):
    assert names(apis, "photosynthesis") == []
    assert names(apis, "") == names(apis, "?!") == []


def test_what_is_near_wins_where_words_do_not_decide():
    apis = Apis()
    for path in ("a/items.py", "b/items.py", "c/items.py"):
        apis.update(path, "python", "def weigh(item): ...\n")
    apis.update("a/app.py", "python", "from b.items import weigh\n")
    apis.update("a/other.py", "python", "")

    def best(path: str) -> str:
        return find(apis, "weigh an item", near=Near.of(apis, path))[0].api.path

    assert best("a/app.py") == "b/items.py"
    assert best("a/other.py") == "a/items.py"
    assert best("c/items.py") == "c/items.py"


def test_what_an_index_finds_by_meaning_joins_what_has_the_words(apis):
    by_words = find(apis, "send an order")
    (by_meaning,) = apis.named("load_config")
    (test,) = apis.named("test_that_an_item_is_added_to_an_order")
    found = [each.api.name for each in fused(by_words, [by_meaning, test], "send an order")]
    assert found[0] == by_words[0].api.name == "send"
    assert "load_config" in found[1:3]
    assert test.name not in found
    assert fused([], [by_meaning], "photosynthesis") == []


@settings(deadline=None)
@given(st.text(max_size=80))
def test_whatever_is_asked_the_best_comes_first(request):
    apis = Apis()
    apis.update("shop/orders.py", "python", ORDERS)
    scores = [found.score for found in find(apis, request, count=5)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) <= 5
    assert all(score > 0 for score in scores)


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[a-z]{4,8}", fullmatch=True), min_size=1, max_size=4, unique=True))
def test_everything_is_found_by_the_words_of_its_name(words):
    apis = Apis()
    apis.update("shop/orders.py", "python", ORDERS)
    apis.update("made_up.py", "python", f"def {'_'.join(words)}x(): ...\n")
    assert f"{'_'.join(words)}x" in names(apis, " ".join(words) + "x")


_TEXTS = st.sampled_from((ORDERS, ITEMS, CARRIERS, TESTS, "", "def add_items(order): ...\n"))
_PATHS = st.sampled_from(("shop/orders.py", "shop/items.py", "tests/test_orders.py"))


@settings(deadline=None)
@given(st.lists(st.tuples(_PATHS, st.none() | _TEXTS), max_size=12))
def test_what_is_found_is_what_the_files_say_now(changes):
    apis, fresh, now = Apis(), Apis(), {}
    for path, text in changes:
        if text is None:
            apis.remove(path)
            now.pop(path, None)
        else:
            apis.update(path, "python", text)
            now[path] = text
        find(apis, "add an item to an order")
    for path, text in now.items():
        fresh.update(path, "python", text)
    assert find(apis, "add an item to an order", 30) == find(fresh, "add an item to an order", 30)


def test_of_some_files_only_these_are_looked_at(apis):
    assert names(apis, "add an item") != ["Basket.add"]
    assert [found.api.within for found in find(apis, "add an item", paths=["web/basket.ts"])] == ["Basket.add"]


def test_rare_words_count_more_and_of_long_texts_less():
    """Worked out by hand: two APIs, the word in one of them, 3 × `pack`, one of length 3 and one of 6."""
    apis = Apis()
    apis.update("a.py", "python", "def pack(): ...\ndef weigh_all(): ...\n")
    [found] = find(apis, "please pack")
    rarity, length = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5)), 3 / 4.5
    relevance = rarity * 3 * 2.5 / (3 + 1.5 * (0.5 + 0.5 * length))
    assert (found.api.name, found.score) == ("pack", pytest.approx(relevance * 1.2))


# What is imported


def test_an_import_is_written_as_it_resolves(apis):
    for path in ("app.py", "web/app.py", "other.py"):
        apis.update(path, "python", "")
    (order,) = [api for api in apis.named("Order") if not api.owner]
    (add,) = [api for api in apis.named("add") if api.owner == "Order"]
    assert import_of(apis, order, "app.py") == import_of(apis, add, "web/app.py") == "from shop.orders import Order"
    apis.update("app.py", "python", "from shop import orders\nfrom shop.orders import Order as O\n")
    assert is_at_hand(apis, add, "app.py")
    assert not is_at_hand(apis, order, "other.py")


def test_scripts_import_what_lies_beside_them():
    apis = Apis()
    apis.update("examples/inventory.py", "python", "class Inventory: ...\n")
    for path in ("examples/report.py", "report.py"):
        apis.update(path, "python", "")
    (cls,) = apis.named("Inventory")
    assert import_of(apis, cls, "examples/report.py") == "from inventory import Inventory"
    assert import_of(apis, cls, "report.py") == "from examples.inventory import Inventory"


def test_imports_stand_behind_docstring_and_future():
    head = '# a\n"""b\n\nc"""\n\nfrom __future__ import annotations\n\n'
    assert place_of_imports(head + "import os\n") == 7
    assert place_of_imports(head + "x = 1\n") == 7
    assert place_of_imports("") == 0


# How the call is begun


def call(apis: Apis, marked: str, wish: str, path: str = "shop/app.py", language: str = "python") -> Call:
    text = marked.replace("‸", "")
    apis.update(path, language, text)
    request = CompletionRequest(Path("/r", path), language, text, marked.index("‸"), root=Path("/r"))
    return call_of(apis, request, [found.api for found in find(apis, wish, near=Near.of(apis, path))], wish)


HEAD = "from shop.orders import Order\n\n\ndef work(order: Order, item) -> None:\n    "


def test_a_member_is_called_on_what_is_in_scope(apis):
    found = call(apis, HEAD + "‸\n", "add an item to an order")
    assert (found.begun, found.outline, found.imports, found.note) == ("order.add(", "order.add(item)", (), "")
    assert found.request.prefix.endswith("    # add an item to an order\n    order.add(")
    assert "class Order:\n    def add(self, item: Item" in found.request.given[0].text


def test_within_its_class_a_member_is_called_on_itself(apis):
    marked = "from shop.orders import Order\n\n\nclass Special(Order):\n    def twice(self, item):\n        ‸\n"
    assert call(apis, marked, "add an item to an order").begun == "self.add("


@pytest.mark.parametrize(
    ("line", "begun"),
    [
        ("order.‸", "add("),
        ("order.ad‸", "d("),
        ("x = ‸", "order.add("),
        ("ord‸", "er.add("),
        ("print(‸)", "order.add("),
    ],
)
def test_what_is_typed_is_not_written_again(apis, line, begun):
    assert call(apis, HEAD + line + "\n", "add an item to an order").begun == begun


@pytest.mark.parametrize("line", ["item = Item()\n    item.‸", "zzz‸", "order.zzz‸"])
def test_what_cannot_follow_is_not_written(apis, line):
    head = HEAD.replace("import Order", "import Order\nfrom shop.items import Item")
    found = call(apis, head + line + "\n", "add an item to an order")
    assert (found.begun, found.outline, found.request) == ("", "", None)
    assert line.split()[-1].removesuffix("‸") in found.note


@pytest.mark.parametrize("line", ["# ‸", "x = '‸'"])
def test_nothing_is_written_in_comments_and_strings(apis, line):
    found = call(apis, HEAD + line + "\n", "add an item to an order")
    assert found.outline == ""
    assert "string or a comment" in found.note


def test_what_begins_at_the_cursor_moves_down(apis):
    found = call(apis, HEAD + "‸return None\n", "add an item to an order")
    assert found.outline + found.behind == "order.add(item)\n    "
    assert found.request.text.endswith("order.add(\n    return None\n")


def test_without_a_value_in_scope_a_name_stands_for_it(apis):
    found = call(apis, "import os\n\n‸\n", "add an item to an order")
    assert found.outline == "order.add(item)"
    assert "“order” stands for a value of Order" in found.note
    assert found.imports == ("from shop.orders import Order",)
    assert found.request.text.startswith("from shop.orders import Order\nimport os\n")


@pytest.mark.parametrize(
    ("wish", "outline", "imported"),
    [
        ("order for a customer, express", "Order(customer)", "Order"),
        ("a new item", "Item(name)", "Item"),
        ("load an order", "Order.load(path)", "Order"),
        ("load the configuration", "load_config(path)", "load_config"),
        ("add up numbers", "_add_up(numbers, start=start)", "_add_up"),
        ("send an order by a carrier", "await order.send(carrier)", "Order"),
    ],
)
def test_an_outline_has_what_a_call_must_be_given(apis, wish, outline, imported):
    found = call(apis, "‸", wish, "ask.py")
    assert found.outline == outline
    assert found.imports[0].endswith(f" import {imported}")
    compile(found.request.prefix.removesuffix(found.begun) + outline, "ask.py", "exec")


def test_an_enumeration_is_not_called(apis):
    found = call(apis, "‸", "kinds of carriers", "ask.py")
    assert (found.outline, found.request) == ("Carrier", None)


def test_other_languages_get_an_outline_of_their_own(apis):
    found = call(apis, "function work() {\n  ‸\n}\n", "basket of an owner", "web/app.ts", "typescript")
    assert (found.outline, found.imports) == ("new Basket(owner)", ())
    assert call(apis, "‸", "basket of an owner", "ask.py").request is None  # Python does not go on in TypeScript


# Waiting


def test_a_large_repository_is_waited_for_so_long_and_the_answer_says_so(shop):
    for number in range(400):
        (shop / "shop" / f"m{number}.py").write_text(f"def make_{number}(): ...\n" * 20)
    with closing(app.knowledge(Settings())) as known:
        found = search(known, scratch(shop), "make 7", patience=0.0)
        assert "files were read within 0 seconds" in found.left_out[-1]
        given_up = Event()
        given_up.set()
        with pytest.raises(Cancelled):
            search(known, scratch(shop), "make 7", patience=60.0, cancelled=given_up)
        counts = []
        found = search(known, scratch(shop), "make 7", patience=600.0, tell=counts.append)
        assert (found.left_out, found.apis[0].api.name) == ((), "make_7")
        assert counts == sorted(counts) != []


def test_who_asks_finds_what_does_it_under_another_name(shop):
    (shop / "shop" / "fees.py").write_text(
        "def postage(grams):\n    parcel_cost = 2 + grams / 100\n    return parcel_cost\n"
    )
    with closing(app.knowledge(Settings())) as known:
        known.indexes.begin(shop).result().wait(60.0)
        found = search(known, scratch(shop), "the cost of a parcel to a customer", patience=60.0)
    assert "postage" in [each.api.name for each in found.apis]


# On the command line


def test_ask_prints_where_it_is_declared_and_the_call(shop):
    before = sorted(shop.rglob("*"))
    result = ghostwright("ask", "how do I add an item to an order", cwd=shop)
    assert result.code == 0
    place = f"shop{os.sep}orders.py:10  def Order.add(self, item: Item, quantity: int = 1) -> None"
    assert result.out.startswith(place)
    *_, imported, called = result.out.splitlines()
    assert imported == "from shop.orders import Order"
    assert called.startswith("order.add(")
    assert sorted(shop.rglob("*")) == before


def test_ask_at_a_cursor_writes_what_fits_there(shop):
    (shop / "app.py").write_text("from shop.orders import load_config\n\n\ndef start(path):\n    settings = \n")
    result = ghostwright("ask", "load the configuration", "--in", "app.py:5:16", "--json", cwd=shop)
    answer = result.json
    assert result.code == 0
    assert answer["code"].startswith("load_config(")
    assert answer["imports"] == ""
    first = answer["apis"][0]
    assert (first["name"], first["kind"], first["line"]) == ("load_config", "function", 20)
    assert (first["doc"], first["path"]) == ("Reads the settings.", str(shop / "shop" / "orders.py"))
    assert first["score"] > 0
    assert result.err == ""


def test_links_lead_to_the_line_on_a_terminal(shop):
    result = ghostwright("ask", "load the configuration", cwd=shop, env={**os.environ, "FORCE_COLOR": "1"})
    assert f"{(shop / 'shop' / 'orders.py').as_uri()}#20\x1b\\" in result.out
    assert "\x1b]8;" not in ghostwright("ask", "load the configuration", cwd=shop).out


def test_a_language_that_the_model_does_not_know_gets_an_outline(shop):
    (shop / "web" / "app.ts").write_text("function work() {\n  \n}\n")
    result = ghostwright("ask", "basket of an owner", "--in", "web/app.ts:2:3", cwd=shop)
    assert result.code == 0
    assert result.out.endswith("  new Basket(owner)\n")
    assert "`model`" in result.err


@pytest.mark.parametrize(
    ("request_", "folder", "told"),
    [
        ("load the configuration", "outside", "no repository"),
        ("?!", "inside", "say what you want to do"),
        ("photosynthesis", "inside", "Try other words"),
    ],
)
def test_what_cannot_be_answered_says_what_to_do(shop, tmp_path_factory, request_, folder, told):
    cwd = shop if folder == "inside" else tmp_path_factory.mktemp("outside")
    result = ghostwright("ask", request_, cwd=cwd)
    assert (result.code, result.out) == (1, "")
    assert told in result.err
    answer = ghostwright("ask", request_, "--json", cwd=cwd).json
    assert told in (answer.get("error") or answer["reason"])


def test_ask_explains_itself():
    result = ghostwright("ask", "--help")
    assert result.code == 0
    assert 'example: ghostwright ask "how do I add' in " ".join(result.out.split())


# In an editor

in_editor = pytest.mark.asyncio(loop_scope="module")


async def asked(editor: Editor, wish: str, buffer: Buffer | None = None) -> dict[str, Any]:
    return plain(await editor.execute("ghostwright.ask", wish, *([place(buffer)] if buffer else [])))


def place(buffer: Buffer) -> dict[str, object]:
    position = {"line": buffer.cursor.line, "character": buffer.cursor.character}
    return {"textDocument": {"uri": buffer.uri}, "position": position}


def plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {key: plain(each) for key, each in value._asdict().items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


@in_editor
async def test_the_command_answers_with_locations(start_editor, shop):
    editor = await start_editor(shop)
    buffer = editor.open("from shop.orders import load_config\n\n\ndef start(path):\n    settings = ‸\n", "app.py")
    answer = await asked(editor, "load the configuration", buffer)
    name = {"start": {"line": 19, "character": 4}, "end": {"line": 19, "character": 15}}
    location = {"uri": (shop / "shop" / "orders.py").as_uri(), "range": name}
    assert {"name": "load_config", "kind": "function", "location": location}.items() <= answer["apis"][0].items()
    assert answer["code"].startswith("load_config(")
    assert (answer["imports"], answer["left_out"]) == ("", [])


@in_editor
async def test_what_is_not_saved_is_found_and_anywhere_else_is_a_file_of_its_own(start_editor, shop):
    editor = await start_editor(shop)
    editor.open("# é😀\ndef weigh_parcel(parcel): ...\n", "shop/parcels.py")
    answer = await asked(editor, "weigh a parcel")
    start = answer["apis"][0]["location"]["range"]["start"]
    assert start == {"line": 1, "character": 4}
    assert answer["code"].startswith("weigh_parcel(")
    assert answer["imports"] == "from shop.parcels import weigh_parcel"
    assert not list(shop.rglob("ask*"))


@in_editor
async def test_what_was_closed_and_not_saved_is_not_found(start_editor, shop):
    editor = await start_editor(shop)
    changed = editor.open("def weigh_parcel(parcel): ...\n", "shop/orders.py")
    new = editor.open("def weigh_letter(letter): ...\n", "shop/letters.py")
    answer = await asked(editor, "weigh a letter or a parcel")
    assert {"weigh_parcel", "weigh_letter"} <= {api["name"] for api in answer["apis"]}
    changed.close()
    new.close()
    answer = await asked(editor, "weigh a letter or a parcel, load the configuration")
    names = {api["name"] for api in answer["apis"]}
    assert "load_config" in names
    assert not {"weigh_parcel", "weigh_letter"} & names


@in_editor
@pytest.mark.parametrize("arguments", [(), (3,), ("add an item", {"position": 1}), ("a", "b", "c")])
async def test_wrong_arguments_are_told(start_editor, shop, arguments):
    editor = await start_editor(shop)
    with pytest.raises(JsonRpcInvalidParams):
        await editor.execute("ghostwright.ask", *arguments)
    assert (await asked(editor, "?!"))["reason"].startswith("The request '?!' has no words")


@in_editor
async def test_giving_up_stops_the_model(start_editor, shop):
    editor = await start_editor(shop)
    long = "".join(f"def times_{n}(number):\n    return {n} * number\n\n\n" for n in range(60))
    buffer = editor.open(f"{long}def start(path):\n    settings = ‸\n", "app.py")
    arguments = lsp.ExecuteCommandParams("ghostwright.ask", ["load the configuration", place(buffer)])
    sent = editor.client.protocol.send_request_async(lsp.WORKSPACE_EXECUTE_COMMAND, arguments, msg_id="given up")
    request = asyncio.ensure_future(sent)
    await editor.until_status("Normal", "Writing")
    editor.client.cancel_request(lsp.CancelParams("given up"))
    with pytest.raises(JsonRpcRequestCancelled):
        await request
    await editor.until_status("Normal", "Ready")
    evaluated = (await editor.state())["evaluated"]
    assert (await asked(editor, "load the configuration", buffer))["code"].startswith("load_config(")
    assert (await editor.state())["evaluated"] - evaluated > 100  # it was given up in the beginning
