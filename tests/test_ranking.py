"""Which of a repository's own APIs come first at a cursor, and where types come from."""

import random
from pathlib import Path

import numpy as np
import pytest
from cursors import Cursor
from fit_ranking import Examples, fit, recall
from ranking_recall import BASELINES, Trial
from sites import Case, Site, index, sites

from retrieval.apis import Apis
from retrieval.calls import Parameter, parameter
from retrieval.inference import Inference
from retrieval.ranking import FEATURES, WEIGHTS, Kind, Scene, described, rank
from retrieval.scopes import scope_of
from retrieval.surroundings import Spot, Surroundings
from retrieval.type_texts import awaited, element, iterated, module, parts, place
from retrieval.usage import tokens_of

ITEMS = """
class Thing:
    def label(self) -> str: ...

class Item(Thing):
    price: float
    def total(self, tax: float = 0.0) -> "Price": ...
    def _secret(self): ...
    @staticmethod
    def parse(text: str) -> "Item": ...

class Price:
    currency: str
    def __enter__(self) -> Item: ...

def load(path: str) -> Item: ...
async def fetch() -> list[Item]: ...
"""
ORDERS = """
from shop.items import Item, load

class Order:
    items: list[Item]
    by_name: dict[str, Item]
    def __init__(self):
        self.first = Item()
    @property
    def best(self) -> Item | None: ...
    def cancel(self): ...
"""
SHOP = {"shop/items.py": ITEMS, "shop/orders.py": ORDERS, "shop/__init__.py": "from .items import Item, load\n"}
SHOP_IMPORTS = (
    "import shop.items\nfrom shop import items, load\nfrom shop.items import Item\nfrom shop.orders import Order\n"
)


def indexed(files: dict[str, str], language: str = "python") -> Apis:
    apis = Apis()
    for path, text in files.items():
        apis.update(path, language, text)
    return apis


def scene(marked: str, receiver: str = "", path: str = "main.py", language: str = "python", **known) -> Scene:
    before, after = marked.split("‸")
    return Scene(path, language, before, after, receiver, **known)


def ranked(marked: str, receiver: str = "", files=SHOP, path: str = "main.py", language: str = "python", **known):
    """The names at a cursor, best first."""
    apis = indexed(files, language)
    apis.update(path, language, marked.replace("‸", ""))
    return [each.api.within for each in rank(apis, scene(marked, receiver, path, language, **known), limit=50)]


def features(marked: str, receiver: str = "", files=SHOP, **known) -> dict[str, dict[str, float]]:
    """By name, what describes the candidates at a cursor."""
    apis = indexed(files)
    apis.update("main.py", "python", marked.replace("‸", ""))
    _, found = described(apis, scene(marked, receiver, **known))
    return {api.within: dict(zip(FEATURES, values, strict=True)) for api, values in found}


def type_of(expression: str, text: str, files=SHOP, language: str = "python", path: str = "main.py") -> list[str]:
    """The classes of an expression at the end of a text."""
    apis = indexed(files, language)
    apis.update(path, language, text)
    inference = Inference(apis, path, language, scope_of(text, language), text)
    return [cls.within for cls in inference.classes(inference.of(expression))]


# Types as they are written


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Item", ["Item"]),
        ("Item | None", ["Item"]),
        ("Optional[shop.Item]", ["Item"]),
        ("Union[Item, 'Order']", ["Item", "Order"]),
        ("Annotated[Item, 'a | b']", ["Item"]),
        ("Item & ~AlwaysFalsy", ["Item"]),
        ("list[Item]", ["list"]),
        ("<class 'Item'>", ["Item"]),
        ("*shop.Item", ["Item"]),
        ("const shop::Item&", ["Item"]),
        ("&'a mut Item", ["Item"]),
        ("Option<Box<Item>>", ["Item"]),
        ("Item?", ["Item"]),
        ("(Item, error)", ["Item"]),
        ("Größe", ["Größe"]),
        ("", []),
        ("[", []),
        ("None", []),
    ],
)
def test_a_type_names_classes(written, names):
    assert [part.name for part in parts(written)] == names


def test_the_class_itself_is_told_from_its_instances():
    assert [part.is_class for part in parts("type[Item]")] == [True]
    assert [part.is_class for part in parts("Item")] == [False]


@pytest.mark.parametrize(
    "written", ["list[Item]", "dict[str, Item]", "Item[]", "[]Item", "map[string]Item", "Vec<Item>"]
)
def test_a_subscript_gives_an_element(written):
    assert element(written) == "Item"


def test_loops_go_over_keys():
    assert iterated("dict[str, Item]") == "str"
    assert iterated("list[Item] | None") == "Item"


def test_awaiting_gives_what_is_promised():
    assert awaited("Promise<Item>") == "Item"
    assert awaited("Coroutine[None, None, Item]") == "Item"
    assert awaited("Item") == "Item"


def test_places_of_tuples_have_types_of_their_own():
    assert place("tuple[str, Item]", 1) == "Item"
    assert place("tuple[str]", 1) == ""


def test_a_module_is_read_from_what_a_server_says():
    assert module("<module 'shop.items'>") == "shop.items"
    assert module("Item") == ""


def test_a_type_nested_without_end_is_given_up():
    assert parts("Optional[" * 500) == ()


# Scopes


def test_the_classes_and_the_function_around():
    scope = scope_of(
        "class A:\n    class B:\n        def f(self) -> Item:\n            if x:\n                y", "python"
    )
    assert (scope.owner, scope.function, scope.returns) == ("A.B", "f", "Item")


def test_a_function_that_is_over_is_not_around():
    assert scope_of("def f(a: Item):\n    pass\n\nx = 1\nif x:\n    ", "python").function == ""


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("typescript", "class Shop {\n  total(o: Order): Item {\n    ", ("Shop", "total")),
        ("typescript", "const run = async (a: Item) => {\n  ", ("", "run")),
        ("java", "class Shop {\n  @Override\n  public Item total(Order o)\n      throws E {\n    ", ("Shop", "total")),
        ("go", "func (s *Server) Do(a int) error {\n\tfor _, x := range s.all {\n\t\t", ("Server", "Do")),
        ("rust", "impl Display for Shop {\n    fn total(&self) -> Item {\n        ", ("Shop", "total")),
        ("cpp", "Item Shop::total(Order o) {\n  ", ("Shop", "total")),
        ("csharp", "namespace N { class Shop { Item Total(Order o)\n{\n ", ("Shop", "Total")),
        ("php", "<?php\nclass Shop {\n  function total(Order $o) {\n    ", ("Shop", "total")),
        ("ruby", "class Shop\n  def total(o)\n    ", ("Shop", "total")),
        ("java", 'class Shop { void f() { String s = "}}}"; // }}\n ', ("Shop", "f")),
    ],
)
def test_what_is_around_in_each_language(language, text, expected):
    scope = scope_of(text, language)
    assert (scope.owner, scope.function) == expected


def test_blanks_are_not_read_again_and_again():
    """With the cube of their number it would take hours."""
    text = f"def f():\n    # for{' ' * 11_000}\n    item: Item = load()\n    "
    assert scope_of(text, "python").variables["item"].text == "Item"


# Types of expressions

BODY = (
    SHOP_IMPORTS
    + """
class Mine(Item):
    def f(self, order: Order, *others: Item, default=Item()):
        loaded = load("x")
        first = order.items[0]
        for name, each in order.by_name.items():
            for number, one in enumerate(order.items):
                with loaded.total() as entered:
                    pending = await items.fetch()
                    from shop.items import Price as P
                    price = P()
                    if isinstance(unknown, Order):
                        while walrus := load("y"):
                            """
)


@pytest.mark.parametrize(
    ("expression", "classes"),
    [
        ("self", ["Mine"]),
        ("cls", ["Mine"]),
        ("super()", ["Item"]),
        ("order", ["Order"]),
        ("others", ["Item"]),
        ("default", ["Item"]),
        ("loaded", ["Item"]),
        ("first", ["Item"]),
        ("each", ["Item"]),
        ("name", []),
        ("one", ["Item"]),
        ("number", []),
        ("entered", ["Item"]),
        ("pending[0]", ["Item"]),
        ("(await items.fetch())[0]", ["Item"]),
        ("price", ["Price"]),
        ("unknown", ["Order"]),
        ("walrus", ["Item"]),
        ("order.items[0]", ["Item"]),
        ("order.items[0].total()", ["Price"]),
        ("order.by_name['a'].total(1, (2)).currency", []),
        ("order.by_name.get('a')", ["Item"]),
        ("order.first", ["Item"]),
        ("order.best", ["Item"]),
        ("sorted(order.items)[0]", ["Item"]),
        ("shop.items.Item", ["Item"]),
        ("shop.items.load('x')", ["Item"]),
        ("items.load('x')", ["Item"]),
        ("load('x') or order", ["Item"]),
        ("first.price + 1", []),
        ("nothing.of.this()", []),
        ("", []),
        ("((((", []),
    ],
)
def test_an_expression_is_followed_step_by_step(expression, classes):
    assert type_of(expression, BODY) == classes


def test_parameters_of_all_functions_around_are_known():
    text = SHOP_IMPORTS + "def outer(a: Item):\n    def inner(b: Order):\n        "
    assert type_of("a", text) == ["Item"]
    assert type_of("b", text) == ["Order"]


def test_the_line_that_is_being_written_defines_nothing():
    assert type_of("item", SHOP_IMPORTS + "def f(item: Item):\n    item = item.") == ["Item"]


def test_what_is_caught_has_the_type_that_is_named():
    text = "from shop.items import Item\ndef f():\n    try:\n        g()\n    except Item as error:\n        "
    assert type_of("error", text) == ["Item"]


def test_a_variable_that_is_made_of_itself_is_unknown():
    assert type_of("x", "def f():\n    x = y.next\n    y = x.next\n    ") == []


def test_a_method_that_gives_its_own_class_gives_the_heirs():
    files = {"a.py": "class A:\n    def again(self) -> Self: ...\nclass B(A):\n    x: int\n"}
    assert type_of("B().again()", "from a import B\n", files) == ["B"]


def test_the_import_decides_between_classes_of_one_name():
    files = {"one.py": "class Item:\n    a: int\n", "two.py": "class Item:\n    b: int\n"}
    assert ranked("from two import Item\ndef f(x: Item):\n    x.‸", "x", files) == ["Item.b"]
    assert ranked("from one import Item\ndef f(x: Item):\n    x.‸", "x", files) == ["Item.a"]


LANGUAGES = {
    "typescript": (
        "main.ts",
        {
            "items.ts": "export class Item { price: number = 0; total(): Price { return x } }\n"
            "export class Price { cents: number = 0 }"
        },
        'import {Item} from "./items";\nfunction f(all: Item[]) {\n  for (const each of all) {\n'
        "    const x = each;\n    ",
    ),
    "java": (
        "Main.java",
        {
            "Item.java": "public class Item { int price; public Price total() { return null; } }",
            "Price.java": "public class Price { int cents; }",
        },
        "class Main {\n  void f(List<Item> all) {\n    for (var each : all) {\n      Item x = each;\n      ",
    ),
    "go": (
        "main.go",
        {
            "item.go": "package shop\n\ntype Item struct {\n\tPrice int\n}\n\n"
            "func (i *Item) Total() *Price { return nil }\n\ntype Price struct {\n\tCents int\n}\n"
        },
        "package shop\n\nfunc f(all []*Item) {\n\tfor _, each := range all {\n\t\tx := each\n\t\t",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_languages_are_followed_as_well(language):
    name, files, text = LANGUAGES[language]
    total = "x.Total()" if language == "go" else "x.total()"
    assert type_of("each", text, files, language, name) == ["Item"]
    assert type_of("x", text, files, language, name) == ["Item"]
    assert type_of(total, text, files, language, name) == ["Price"]


# Candidates


def test_members_of_the_receiver_and_of_what_it_inherits_from():
    names = ranked(SHOP_IMPORTS + "def f(item: Item):\n    return item.‸", "item")
    assert set(names) == {"Item.price", "Item.total", "Item._secret", "Item.parse", "Thing.label"}


def test_names_of_a_module():
    names = ranked(SHOP_IMPORTS + "x = items.‸", "items")
    assert set(names) == {"Thing", "Item", "Price", "load", "fetch"}


def test_names_that_a_module_passes_on():
    assert {"Item", "load"} <= set(ranked("import shop\nshop.‸", "shop"))


def test_what_the_server_says_is_taken_where_the_text_says_nothing():
    text = "def f(thing):\n    thing.‸"
    assert "Item.total" in ranked(text, "thing", receiver_type="Item | None")
    assert "load" in ranked(text, "thing", receiver_type="<module 'shop.items'>")
    assert "Order.cancel" in ranked(text, "thing", members=frozenset({"cancel"}))


def test_an_unknown_receiver_is_guessed_by_its_name():
    assert ranked("def f(order):\n    order.‸", "order")[0].startswith("Order.")


def test_an_unknown_receiver_may_have_members_of_what_is_imported():
    assert "Order.cancel" in ranked(SHOP_IMPORTS + "def f(x):\n    x.‸", "x")


def test_names_without_a_receiver_are_those_of_the_file_and_of_its_imports():
    names = ranked(SHOP_IMPORTS + "def helper(): ...\nLIMIT = 3\nx = ‸")
    assert {"helper", "LIMIT", "load", "Item", "Order"} <= set(names)
    assert "Item.total" not in names
    assert "fetch" not in names


def test_own_methods_need_no_receiver_in_java():
    files = {"Base.java": "class Base { void inherited() {} }"}
    text = "class Main extends Base {\n  void own() {}\n  void f() {\n    ‸\n  }\n}"
    names = ranked(text, "", files, "Main.java", "java")
    assert {"Main.own", "Base.inherited"} <= set(names)


def test_a_begun_name_leaves_what_begins_so():
    assert ranked(SHOP_IMPORTS + "def f(item: Item):\n    item.to‸", "item") == ["Item.total"]


def test_one_name_is_there_once():
    files = {"a.py": "class A:\n    def go(self): ...\nclass B(A):\n    def go(self): ...\n"}
    assert ranked("from a import B\nB().‸", "B()", files) == ["B.go"]


# Features

F = SHOP_IMPORTS + "def f(item: Item, order: Order):\n    "


def test_the_own_class_counts_more_than_its_base():
    found = features(F + "item.‸", "item")
    assert found["Item.total"]["inferred"] == 1
    assert found["Thing.label"]["inferred"] == 0.5


def test_what_the_server_lists_is_marked():
    found = features(F + "item.‸", "item", members=frozenset({"total"}))
    assert (found["Item.total"]["listed"], found["Item.total"]["unlisted"]) == (1, 0)
    assert (found["Item.price"]["listed"], found["Item.price"]["unlisted"]) == (0, 1)


def test_nothing_is_marked_where_the_server_was_not_asked():
    assert features(F + "item.‸", "item")["Item.price"]["unlisted"] == 0


def test_what_gives_the_expected_type_is_marked():
    found = features(F + "item.‸", "item", expected="Price | None")
    assert (found["Item.total"]["expected"], found["Item.price"]["expected"]) == (1, 0)


def test_what_is_expected_is_read_off_the_line():
    assert features(SHOP_IMPORTS + "def f(item: Item) -> Price:\n    return item.‸", "item")["Item.total"]["expected"]
    assert features(F + "x: Price = item.‸", "item")["Item.total"]["expected"]


def test_ends_of_lines_make_no_difference():
    text = SHOP_IMPORTS + "def f(item: Item) -> Price:\n    x = item.price\n    return item.‸\n\ndef g():\n    pass\n"
    windows = text.replace("\n", "\r\n")
    assert features(windows, "item") == features(text, "item")
    assert features(windows, "item")["Item.total"]["expected"] == 1


def test_what_gives_a_container_of_it_is_marked():
    found = features(F + "x = items.‸", "items", expected="Item")
    assert (found["fetch"]["expected part"], found["load"]["expected"]) == (1, 1)


def test_words_of_the_assigned_name_are_compared():
    found = features(F + "grand_total = item.‸", "item")
    assert found["Item.total"]["assigned"] == 0.5
    assert found["Item.price"]["assigned"] == 0


def test_words_of_the_function_are_compared():
    found = features(SHOP_IMPORTS + "def print_prices(item: Item):\n    item.‸", "item")
    assert found["Item.price"]["function"] == 0.5
    assert found["Item.total"]["function"] == 0


def test_uses_near_by_are_counted():
    found = features(F + "item.price\n    item.price\n    item.‸\n    item.total()", "item")
    assert found["Item.price"]["near"] > found["Item.total"]["near"] == 0
    assert found["Item.price"]["with receiver"] > found["Item.total"]["with receiver"] > 0
    assert (found["Item.price"]["below"], found["Item.total"]["below"]) == (0, 1)


def test_what_followed_the_same_words_is_marked():
    found = features(F + "if not item.total:\n        x = not item.price\n    if not item.‸", "item")
    assert found["Item.total"]["same context"] == 0.5
    assert found["Item.total"]["longer context"] == 0
    text = SHOP_IMPORTS + "def f(item: Item):\n    x = (1, item.total)\n    x = (1, item.‸"
    assert features(text, "item")["Item.total"]["longer context"] == 1


def test_a_word_that_all_have_says_little():
    names = ("get_one", "get_two", "get_six", "put_it")
    text = "class A:\n" + "".join(f"    def {name}(self): ...\n" for name in names)
    found = features(text + "def f(a: A):\n    get_put = a.‸", "a")
    assert found["A.put_it"]["line"] > found["A.get_one"]["line"] > 0


def test_uses_in_the_repository_are_counted():
    files = {**SHOP, "other.py": "a.total()\nb.total()\nc.total()\n"}
    found = features(F + "item.‸", "item", files)
    assert found["Item.total"]["uses"] > found["Item.price"]["uses"]


def test_what_is_meant_for_others_is_told_from_what_is_not():
    found = features(F + "item.‸", "item")
    assert (found["Item._secret"]["private"], found["Item._secret"]["private here"]) == (1, 0)
    here = features("class A:\n    def _own(self): ...\n    def f(self):\n        self.‸", "self")
    assert (here["A._own"]["private"], here["A._own"]["private here"]) == (0, 1)


def test_the_function_itself_is_marked_and_the_overridden_one_otherwise():
    here = features("class A:\n    def f(self):\n        self.‸", "self")
    assert (here["A.f"]["itself"], here["A.f"]["overridden"]) == (1, 0)
    above = features(SHOP_IMPORTS + "class A(Item):\n    def total(self):\n        return super().‸", "super()")
    assert (above["Item.total"]["itself"], above["Item.total"]["overridden"]) == (0, 1)


def test_a_class_fits_behind_raise():
    found = features("class Wrong(Exception): ...\ndef helper(): ...\nraise ‸")
    assert (found["Wrong"]["class fits"], found["helper"]["class fits"]) == (1, 0)
    assert features("class Wrong(Exception): ...\nx = ‸")["Wrong"]["class fits"] == 0


def test_static_members_fit_the_class_and_not_its_instances():
    at_class = features(F + "Item.‸", "Item")
    assert (at_class["Item.parse"]["static fits"], at_class["Item.total"]["static misfits"]) == (1, 1)
    assert features(F + "item.‸", "item")["Item.parse"]["static misfits"] == 1


def test_what_stands_behind_the_same_words_is_marked_whatever_variables_are_called():
    text = SHOP_IMPORTS + "def g(other: Item):\n    print(1, other.price)\ndef f(item: Item):\n    print(2, item.‸"
    found = features(text, "item")
    assert found["Item.price"]["same shape"] > found["Item.total"]["same shape"] == 0


def test_what_is_used_after_the_same_names_is_marked():
    text = SHOP_IMPORTS + "def g(a):\n    a.total()\n    a.price\ndef f(item: Item):\n    item.total()\n    item.‸"
    found = features(text, "item")
    assert found["Item.price"]["sequence"] > found["Item._secret"]["sequence"] == 0


def test_what_functions_with_the_same_words_use_is_marked():
    others = "def send(parcel):\n    parcel.price\ndef other(x):\n    x.total()\n"
    found = features(SHOP_IMPORTS + others + "def send_again(parcel: Item):\n    parcel.‸", "parcel")
    assert found["Item.price"]["like functions"] > found["Item.total"]["like functions"]


CALLED = "def pack(box, price, label: Price = None): ...\nclass Parcel:\n    def __init__(self, total): ...\n"


@pytest.mark.parametrize(
    ("call", "member", "share"),
    [
        ("pack(1, item.‸", "Item.price", 1),
        ("pack(\n        (1, 2),\n        item.‸", "Item.price", 1),
        ("Parcel(item.‸", "Item.total", 1),
        ("pack('1, (2', item.‸", "Item.price", 1),
        ("pack(1,  # don't\n        item.‸", "Item.price", 1),
        ("pack(item.‸", "Item.price", 0),
        ("pack(1, label=item.‸", "Item.price", 0),
        ("pack[1, item.‸", "Item.price", 0),
        ("unknown(1, item.‸", "Item.price", 0),
        ("(1, item.‸", "Item.price", 0),
        ("def pack(1, item.‸", "Item.price", 0),
    ],
)
def test_the_parameter_that_is_being_given_is_known(call, member, share):
    found = features(SHOP_IMPORTS + CALLED + f"def f(item: Item):\n    {call}", "item")
    assert found[member]["parameter"] == found[member]["parameter so"] == share


@pytest.mark.parametrize("mark", [".", "?.", "->", "::"])
def test_where_an_expression_stands_is_seen_before_any_mark(mark):
    code = "function pack(box: Box, price: Price): void {}\n"
    apis = indexed({"a.ts": code}, "typescript")
    assigned, given = (
        Surroundings.of(apis, Scene("a.ts", "typescript", f"{code}{line}{mark}", "", "item"))
        for line in ("total = item", "pack(1, item")
    )
    assert (assigned.spot, assigned.assigned) == (Spot.ASSIGNED, "total")
    assert (given.spot, given.parameter) == (Spot.ARGUMENT, Parameter("price", "Price"))


def test_the_type_of_the_parameter_is_known():
    found = features(SHOP_IMPORTS + CALLED + "def f(item: Item):\n    pack(1, 2, item.‸", "item")
    assert (found["Item.total"]["parameter's type"], found["Item.price"]["parameter's type"]) == (1, 0)


def test_the_type_of_the_last_parameter_ends_where_its_function_gives_something():
    text = "def pack(box: int, price: list[Item]) -> Parcel: ...\nx = pack(1, "
    apis = indexed({"a.py": text})
    inference = Inference(apis, "a.py", "python", scope_of(text, "python"), text)
    assert parameter(tokens_of(text), inference, apis) == Parameter("price", "list[Item]")


def test_functions_whose_arguments_are_at_hand_are_marked():
    text = "def one(tax, rate): ...\ndef two(tax): ...\ndef six(): ...\ndef f(tax):\n    ‸"
    found = features(text)
    assert [found[name]["arguments at hand"] for name in ("one", "two", "six")] == [0.5, 1, 0]
    assert [found[name]["no arguments"] for name in ("one", "two", "six")] == [0, 0, 1]


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        ("a.‸", {"do": "does something", "get": "gives something"}),
        ("x = a.‸", {"do": "gives nothing", "get": "assigned callable"}),
        ("return a.‸", {"get": "returned"}),
        ("if a.‸", {"is_open": "question", "get": "tested callable"}),
        ("if x and a.‸", {"is_open": "answers"}),
        ("print(a.‸", {"get": "argument callable"}),
        ("print(\n        a.‸", {"get": "argument callable"}),
    ],
)
def test_what_fits_the_place_is_marked(line, marked):
    text = (
        "class A:\n    def do(self) -> None: ...\n    def get(self) -> int: ...\n    def is_open(self) -> bool: ...\n"
    )
    found = features(text + f"def f(a: A):\n    {line}", "a")
    assert [name for name, feature in marked.items() if not found[f"A.{name}"][feature]] == []


def test_exceptions_are_for_raising():
    text = "class Wrong(ValueError): ...\n"
    assert features(text + "raise ‸")["Wrong"]["error raised"] == 1
    assert features(text + "x = ‸")["Wrong"]["error"] == 1


def test_what_nothing_uses_yet_is_marked():
    found = features("def helper(): ...\ndef other(): ...\ndef f():\n    other()\n    ‸")
    assert (found["helper"]["unused"], found["other"]["unused"]) == (1, 0)


def test_what_was_imported_and_is_not_used_yet_is_marked():
    found = features("from shop.items import Item, load\nload(1)\ndef f():\n    ‸")
    assert (found["Item"]["imported to be used"], found["load"]["imported to be used"]) == (1, 0)


def test_what_is_known_by_its_name_only_is_marked():
    found = features("def f(x):\n    y.cancel()\n    x.‸", "x")
    assert found["Order.cancel"]["only by name"] == 1


def test_names_that_are_written_like_those_in_such_places_are_marked():
    text = "class Plain: ...\nclass Other: ...\ndef plain(): ...\nassert isinstance(1, Other)\nassert isinstance(1, ‸"
    found = features(text, files={})
    assert found["Plain"]["written so"] > found["plain"]["written so"]


def test_the_kind_that_is_used_with_the_receiver_is_marked():
    found = features("import shop.items\nshop.items.load(1)\nshop.items.‸", "shop.items")
    assert (found["load"]["kind used"], found["Item"]["kind used"]) == (1, 0)


def test_words_in_the_lines_below_are_marked():
    text = (
        "class A:\n    def order(self): ...\n    def other(self): ...\ndef f(a: A):\n    a.‸\n    print(last_order)\n"
    )
    found = features(text, "a")
    assert (found["A.order"]["lines below"], found["A.other"]["lines below"]) == (1, 0)


@pytest.mark.parametrize(
    ("line", "receiver", "kind"),
    [
        ("‸", "", Kind.NAME),
        ("self.‸", "self", Kind.OWN),
        ("shop.items.‸", "shop.items", Kind.MODULE),
        ("item.‸", "item", Kind.MEMBER),
        ("unknown.‸", "unknown", Kind.GUESSED),
    ],
)
def test_what_is_ranked_is_told_by_what_stands_before_it(line, receiver, kind):
    marked = "import shop.items\nclass A:\n    def f(self, item: shop.items.Item, unknown):\n        " + line
    apis = indexed(SHOP)
    apis.update("main.py", "python", marked.replace("‸", ""))
    assert described(apis, scene(marked, receiver))[0] is kind


def test_there_is_a_weight_for_each_feature():
    assert set(WEIGHTS) == set(Kind)
    assert {len(weights) for weights in WEIGHTS.values()} == {len(FEATURES)}


# Order


@pytest.mark.parametrize("missing", ["one", "two", "six"])
def test_a_member_that_the_server_does_not_list_comes_last(missing):
    names = ("one", "two", "six")
    text = "class A:\n" + "".join(f"    def {name}(self): ...\n" for name in names) + "def f(a: A):\n    a.‸"
    assert ranked(text, "a", members=frozenset(names) - {missing})[-1] == f"A.{missing}"


def test_the_class_comes_first_behind_raise():
    assert ranked("class Wrong(Exception): ...\ndef helper(): ...\nraise ‸")[0] == "Wrong"


def test_what_gives_the_expected_type_comes_first():
    text = "class A:\n    def one(self) -> int: ...\n    def two(self) -> str: ...\n    def six(self) -> bytes: ...\n"
    assert ranked(text + "def f(a: A):\n    a.‸", "a", expected="str")[0] == "A.two"
    assert ranked(text + "def f(a: A):\n    a.‸", "a", expected="bytes")[0] == "A.six"


def test_what_was_used_with_the_receiver_just_now_comes_first():
    text = "class A:\n    def one(self): ...\n    def two(self): ...\n    def six(self): ...\ndef f(a: A):\n"
    assert ranked(text + "    a.six()\n    a.six()\n    a.‸", "a")[0] == "A.six"
    assert ranked(text + "    a.two()\n    a.two()\n    a.‸", "a")[0] == "A.two"


def test_the_member_that_is_called_as_the_parameter_comes_first():
    text = "class A:\n    one: int\n    two: int\n    six: int\ndef g(six, one, two): ...\ndef f(a: A):\n"
    assert ranked(text + "    g(a.‸", "a")[0] == "A.six"
    assert ranked(text + "    g(1, 2, a.‸", "a")[0] == "A.two"


# Faults


def test_names_in_other_scripts():
    files = {"größe.py": "class Größe:\n    def länge(self): ...\n    def 幅(self): ...\n"}
    assert set(ranked("from größe import Größe\ndef f(ß: Größe):\n    ß.‸", "ß", files)) == {"Größe.länge", "Größe.幅"}


def test_a_class_with_thousands_of_members_is_ranked():
    members = "".join(f"    def member_{number}(self): ...\n" for number in range(5_000))
    text = f"class Large:\n{members}\ndef f(x: Large):\n    x.member_17()\n    x.‸"
    found = ranked(text, "x", {})
    assert len(found) == 50
    assert "Large.member_17" in found


def test_classes_that_inherit_from_each_other():
    files = {"a.py": "from b import B\nclass A(B):\n    x: 'B'\n", "b.py": "from a import A\nclass B(A):\n    y: 'A'\n"}
    assert set(ranked("from a import A\ndef f(a: A):\n    a.x.y.‸", "a.x.y", files)) == {"A.x", "B.y"}


def test_an_alias_of_itself():
    files = {"a.ts": "export type A = B;\nexport type B = A;\n"}
    assert type_of("x", 'import {A} from "./a";\nfunction f(x: A) {\n  ', files, "typescript", "main.ts") == []


@pytest.mark.parametrize(
    "broken", ["def f(x: Item", "class :\n  def", "def f(x: Item):\n  ))) '''", "@", "x = [[[{((", "\0"]
)
def test_broken_text_is_survived(broken):
    rest = "\ndef g(item: Item):\n    item.‸"
    names = ranked(SHOP_IMPORTS + broken + rest, "item")
    assert "Item.total" in names


@pytest.mark.parametrize("deep", ["(" * 3_000, "[" * 3_000, "a(" * 3_000, "a[" * 3_000 + "]" * 3_000, "a." * 3_000])
def test_an_expression_nested_without_end_is_given_up(deep):
    assert type_of(deep, SHOP_IMPORTS) == []


def test_an_empty_repository_has_nothing_to_offer():
    assert ranked("x.‸", "x", {}) == []
    assert ranked("‸", "", {}) == []


def test_a_file_that_the_index_does_not_know():
    apis = indexed(SHOP)
    assert rank(apis, Scene("new.py", "python", "def f(x: Item):\n    x.", receiver="x"))[0].api.owner in (
        "Item",
        "Thing",
    )


def test_a_language_without_a_grammar():
    assert ranked("x.‸", "x", {}, "main.lua", "lua") == []


def test_ranking_is_the_same_each_time():
    assert ranked(F + "item.‸", "item") == ranked(F + "item.‸", "item")


# The benchmark

PACKAGE = """
from shop import items

class Order:
    first: items.Item
    def pay(self, item: items.Item):
        self.checked()
        other = items.load()
        other.price
        item.label
        self.first.label
        make(3)
    def checked(self): ...

def make(count): ...
"""
PACKAGE_ITEMS = """
class Item:
    price: int
    label: str

def load() -> Item: ...
"""


@pytest.fixture
def package(tmp_path):
    (tmp_path / "shop").mkdir()
    padding = "\n# " + "-" * 600 + "\n"  # shorter files are not looked at
    (tmp_path / "shop" / "orders.py").write_text(PACKAGE + padding, encoding="utf-8")
    (tmp_path / "shop" / "items.py").write_text(PACKAGE_ITEMS + padding, encoding="utf-8")
    return tmp_path


def test_sites_are_found_of_each_case(package):
    apis = index(package, "shop")
    seen = set()
    for seed in range(40):
        for site in sites(package, "shop", apis, 1, random.Random(seed)):
            seen.add((site.case, site.receiver, site.cursor.name))
    assert seen == {
        (Case.OWN, "self", "checked"),
        (Case.MODULE, "items", "load"),
        (Case.INFERRED, "other", "price"),
        (Case.ANNOTATED, "item", "label"),
        (Case.CHAIN, "self.first", "label"),
        (Case.OWN, "self", "first"),
        (Case.CALLEE, "", "make"),
    }


def test_the_index_does_not_know_the_line_of_a_site():
    text = "one\ntwo.three\nfour\n"
    site = Site(Cursor("p", Path("/r"), Path("/r/p/a.py"), text, text.index("three"), text.index("\nfour"), "three"),
                Case.CHAIN, "two")  # fmt: skip
    assert site.without_line == "one\nfour\n"
    assert (site.scene().before, site.scene().after) == ("one\ntwo.", "\nfour\n")


def trial(name: str, *candidates: tuple[str, int, tuple[float, ...]]) -> Trial:
    return Trial(Site(Cursor("p", Path("/r"), Path("/r/a.py"), "", 0, 0, name), Case.CALLEE, ""), Kind.NAME, candidates)


def test_a_place_is_that_among_distinct_names():
    found = trial("c", ("a", 5, (0.0,)), ("b", 1, (0.0,)), ("b", 1, (0.0,)), ("c", 9, (1.0,)))
    assert found.place(BASELINES["by alphabet"]) == 2
    assert found.place(BASELINES["by uses"]) == 0
    assert trial("none", ("a", 1, (0.0,))).place(BASELINES["by uses"]) is None


def test_the_fit_finds_what_tells_the_truth():
    generator = np.random.default_rng(1)
    found = []
    for _ in range(60):
        true = int(generator.integers(8))
        rows = [(f"n{number}", 1, (float(number == true), float(generator.random()))) for number in range(8)]
        found.append(trial(f"n{true}", *rows))
    weights = fit(Examples.of(found))
    assert weights[0] > 2
    assert abs(weights[1]) < weights[0] / 4
    assert recall(found, list(weights), 1) == 1.0
    assert recall(found, [-1.0, 0.0], 1) == 0.0
