"""Context from the repository's own APIs: stubs of what a file imports, read off the files on the disk."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

import pytest

from assistant import app
from assistant.repositories import Repositories
from assistant.settings import Settings
from assistant.types import CompletionRequest, File, Trigger
from plugins import repository_apis
from plugins.repository_apis import MOST, QUERY_STEP, RepositoryApis
from retrieval.stubs import MEMBERS

ITEMS = '''
LIMIT: int = 10


class Item(Base):
    """Something that is sold."""

    price: float

    def __init__(self, price: float) -> None:
        self.price = price

    def total(self, tax: float = 0.0) -> float:
        return self.price * (1 + tax)


def cheapest(items: list[Item]) -> Item:
    """The item with the lowest price. It may be any of several."""
    return min(items)
'''


@pytest.fixture
def repositories():
    repositories = Repositories()
    yield repositories
    repositories.close()


@pytest.fixture
def source(repositories):
    return RepositoryApis(repositories)


def asked(root: Path, marked: str, path: str = "shop/app.py", **fields) -> CompletionRequest:
    (root / "shop").mkdir(exist_ok=True)
    text = marked.replace("‸", "")
    fields.setdefault("trigger", Trigger.AUTOMATIC)
    return CompletionRequest(root / path, "python", text, marked.index("‸"), root=root, **fields)


def found(source: RepositoryApis, request: CompletionRequest) -> dict[str, str]:
    """The stubs by their first words, once all is read."""
    source.open(request, 20)
    list(source.snippets(request))
    source.open(request, 20)
    return {each.text.split("(")[0].split(":")[0]: each.text for each in source.snippets(request)}


def written(root: Path, **files: str) -> None:
    (root / "shop").mkdir(exist_ok=True)
    for name, text in files.items():
        (root / "shop" / f"{name}.py").write_text(text, encoding="utf-8")


def test_imported_names_are_shown_as_stubs(tmp_path, source):
    written(tmp_path, items=ITEMS)
    stubs = found(source, asked(tmp_path, "from shop.items import LIMIT, Item, cheapest\n\n‸"))
    assert stubs["LIMIT"] == "LIMIT: int = 10\n"
    assert stubs["def cheapest"].startswith("def cheapest(items: list[Item]) -> Item: ...  # The item with the lowest")
    lines = stubs["class Item"].splitlines()
    assert lines[:2] == ["class Item(Base):", "    price: float"]
    assert sorted(lines[2:]) == [
        "    def __init__(self, price: float) -> None: ...",
        "    def total(self, tax: float = 0.0) -> float: ...",
    ]


def test_what_is_used_nearby_comes_first(tmp_path, source):
    written(tmp_path, many="".join(f"def make_{letter}() -> int: ...\n" for letter in "abcdefghij"))
    imports = "from shop.many import " + ", ".join(f"make_{letter}" for letter in "abcdefghij")
    request = asked(tmp_path, f"{imports}\n\nmake_j(make_h())\n‸")
    source.open(request, 20)
    list(source.snippets(request))
    source.open(request, 20)
    snippets = list(source.snippets(request))
    assert len(snippets) == MOST
    assert max(snippets, key=lambda each: each.score).text.startswith(("def make_j", "def make_h"))
    assert any(each.text.startswith("def make_j") for each in snippets)


def test_a_large_class_shows_its_members_that_are_used_nearby(tmp_path, source):
    methods = "".join(f"    def number_{number}(self) -> int: ...\n" for number in range(5_000))
    written(tmp_path, large="class Large:\n" + methods)
    request = asked(tmp_path, "from shop.large import Large\n\nlarge = Large()\nlarge.number_4321()\n‸")
    lines = found(source, request)["class Large"].splitlines()
    assert len(lines) == 1 + MEMBERS
    assert "    def number_4321(self) -> int: ..." in lines


def test_stubs_stay_while_a_line_is_typed(tmp_path, source):
    written(tmp_path, items=ITEMS)
    above = "from shop.items import Item, cheapest\n\n" + "item = Item(1.0)\n" * QUERY_STEP * 2
    begun = ("", "cheap", "cheapest(", "cheapest([item])")
    stubs = [found(source, asked(tmp_path, f"{above}{line}‸")) for line in begun]
    assert stubs[0]
    assert all(before == after for before, after in itertools.pairwise(stubs))


def test_what_an_editor_shows_counts_more_than_what_is_saved(tmp_path, source):
    written(tmp_path, items=ITEMS)
    open_file = File(tmp_path / "shop" / "items.py", "python", "def dearest(count: int) -> float: ...\n")
    request = asked(tmp_path, "from shop.items import dearest\n‸", others=(open_file,))
    assert list(found(source, request)) == ["def dearest"]


def test_a_saved_file_is_read_again(tmp_path, source, repositories):
    written(tmp_path, items=ITEMS)
    request = asked(tmp_path, "from shop.items import added\n‸")
    assert found(source, request) == {}
    written(tmp_path, items=ITEMS + "\ndef added() -> int: ...\n")
    repositories.files_changed([tmp_path / "shop" / "items.py"])
    assert list(found(source, request)) == ["def added"]


def test_ignored_files_are_never_shown(tmp_path, source):
    written(tmp_path, items=ITEMS, ignored=ITEMS)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("ignored.py\n", encoding="utf-8")
    assert found(source, asked(tmp_path, "from shop.ignored import Item\n‸")) == {}


def test_a_file_outside_of_the_repository_gets_nothing(tmp_path, source):
    request = CompletionRequest(tmp_path / "app.py", "python", "from shop.items import Item\n", 0, root=None)
    assert list(source.snippets(request)) == []


def test_the_setting_turns_it_on():
    with closing(app.knowledge(Settings())) as known:
        assert list(repository_apis.ghostwright_context_sources(Settings(), known)) == []
        on = repository_apis.ghostwright_context_sources(Settings(repository_apis=True), known)
    assert [each.name for each in on] == ["repository_apis"]


def test_the_class_of_a_value_is_shown_that_is_not_imported(tmp_path, source):
    written(tmp_path, items=ITEMS, made="from shop.items import Item\n\ndef made() -> Item: ...\n")
    request = asked(tmp_path, "from shop.made import made\n\none = made()\nprint(one.price)\n‸")
    assert set(found(source, request)) == {"class Item", "def made"}


def test_the_bases_of_the_class_around_are_shown(tmp_path, source):
    written(tmp_path, items=ITEMS)
    text = "import shop.items\n\nclass Own(shop.items.Item):\n    def twice(self):\n        return 2 * self.‸"
    assert "    def total(self, tax: float = 0.0) -> float: ..." in found(source, asked(tmp_path, text))["class Item"]


def test_who_asks_sees_what_is_likely_right_at_the_cursor(tmp_path, source):
    written(tmp_path, items=ITEMS)
    request = asked(
        tmp_path, "from shop.items import Item\n\nitem = Item(1.0)\ntotal = item.‸", trigger=Trigger.INVOKED
    )
    source.open(request, 20)
    first = next(iter(source.snippets(request)))
    assert first.text.splitlines()[:2] == ["class Item(Base):", "    def total(self, tax: float = 0.0) -> float: ..."]
    assert first.path == "shop/items.py"


def test_attributes_have_the_types_of_what_they_are_given(tmp_path, source):
    written(tmp_path, items="class Item:\n    def __init__(self, price: float):\n        self.price = price\n")
    assert "    price: float" in found(source, asked(tmp_path, "from shop.items import Item\n‸"))["class Item"]
