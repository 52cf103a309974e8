"""Context from typed holes, asked of a real language server."""

from __future__ import annotations

from contextlib import closing

import pytest

from assistant import app
from assistant.settings import Settings
from assistant.types import CompletionRequest, Snippet
from plugins import typed_holes

SHOP = """\
class Item:
    price: float

    def total(self, tax: float = 0.0) -> float:
        return self.price * (1 + tax)


def cheapest(items: list[Item]) -> Item:
    return min(items, key=lambda item: item.price)


def pack(item: Item, count: int) -> None: ...


class Tag:
    name: str


def mark(tag: Tag) -> None: ...
"""
LONG = 20.0


@pytest.fixture
def snippets(tmp_path):
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    settings = Settings(typed_holes=True, language_servers={"python": "ty"})
    with closing(app.knowledge(settings)) as known:
        known.open(asked(tmp_path, "‸"), LONG)
        sources = {each.name: each for each in typed_holes.ghostwright_context_sources(settings, known)}

        def snippets(name: str, request: CompletionRequest) -> list[Snippet]:
            known.holes.at(request, LONG)  # a source by itself does not wait for a busy machine
            return list(sources[name].snippets(request))

        yield snippets


def asked(root, marked: str) -> CompletionRequest:
    text = marked.replace("‸", "")
    return CompletionRequest(root / "app.py", "python", text, marked.index("‸"), root=root)


def test_the_types_that_are_expected_are_shown_as_stubs(tmp_path, snippets):
    request = asked(tmp_path, "from shop import cheapest, pack\n\npack(‸")
    (found,) = snippets("expected_types", request)
    assert found.path == "shop.py"
    assert found.text.splitlines()[:2] == ["class Item:", "    price: float"]
    assert "def total(self, tax: float = 0.0) -> float: ..." in found.text


def test_what_in_scope_gives_them_is_one_snippet(tmp_path, snippets):
    request = asked(tmp_path, "from shop import Item, cheapest, pack\n\nmine: list[Item] = []\npack(‸")
    (found,) = snippets("headers", request)
    assert found.path == "app.pyi"
    assert "def cheapest(items: list[Item]) -> Item" in found.text
    assert "pack" not in found.text


def test_what_stands_in_the_types_is_not_shown_again(tmp_path, snippets):
    request = asked(tmp_path, "from shop import Tag, mark\n\nmark(‸")
    (found,) = snippets("expected_types", request)
    assert found.text == "class Tag:\n    name: str\n"
    assert snippets("headers", request) == []


def test_where_nothing_is_expected_nothing_is_shown(tmp_path, snippets):
    request = asked(tmp_path, "from shop import pack\n\n‸")
    assert [snippets("expected_types", request), snippets("headers", request)] == [[], []]


def test_they_are_off_unless_the_setting_says_otherwise():
    with closing(app.knowledge(Settings())) as known:
        assert list(typed_holes.ghostwright_context_sources(Settings(), known)) == []
