"""Files split along their syntax trees: chunks tile them whatever they hold, definitions in every language."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_apis import MARK, MARKED

from retrieval.grammars import LANGUAGES
from retrieval.splitting import definitions, split

PIECES = st.sampled_from(
    ("def add(a, b):\n", "    return a + b\n", "class Item:\n", "    total = 'größe 😀'\n", '"""never closed', "\r\n",
     "\n", "\t", "  ", "{", "}", "(", "items[", "é", "𝔘\u2028", "\ud800", "\x00", "\ufeff", "# a comment\n" * 60,
     "# one\r\n" * 55, "x" * 90, "function f() {\n", "return 1; }", "struct S { int x; };\n", "# Title\n\ntext\n\n",
     "\n\n\n", "if x:\n    pass")
)  # fmt: skip


def written(text: str) -> str:
    return "".join(text.split())


@settings(deadline=None, max_examples=300)
@given(
    st.lists(PIECES, max_size=14).map("".join),
    st.sampled_from([*sorted(LANGUAGES), "markdown", "plaintext"]),
    st.integers(1, 120),
)
@example("# a comment\r\n" * 60 + "def größe():\r\n    return 'é'", "python", 20)
@example("", "python", 1)
def test_chunks_tile_a_file_and_are_as_small_as_asked(text: str, language: str, size: int):
    chunks = split(text, language, size)
    assert "".join(text[chunk.start : chunk.end] for chunk in chunks) == text
    assert all(chunk.start < chunk.end for chunk in chunks)
    assert all(sum(character > " " for character in text[chunk.start : chunk.end]) <= size for chunk in chunks)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(PIECES, max_size=14).map("".join),
    st.sampled_from([*sorted(LANGUAGES), "markdown", "plaintext"]),
    st.integers(1, 120),
)
def test_all_that_is_written_is_in_one_definition(text: str, language: str, size: int):
    found = definitions(text, language, size)
    blocks = [block for each in found for block in each.blocks]
    assert sorted(written("".join(blocks))) == sorted(written(text))
    assert all(0 <= each.start < each.end <= len(text) for each in found)


@pytest.mark.parametrize("language", sorted(MARKED))
def test_chunks_tile_a_file_of_each_language(language: str):
    text = MARKED[language].replace(MARK, "")
    for size in (10, 60, 5000):
        assert "".join(text[chunk.start : chunk.end] for chunk in split(text, language, size)) == text


NAMES = {
    "python": "Item Item.__init__ Item.total Item.total Item.Inner Item.make add",
    "typescript": "add Item Item.constructor Item.total Item.total Item.run Item.handler Shape Color make hidden inner "
    "x Q",
    "typescriptreact": "Button Row",
    "java": "Item Item.Item Item.total Item.Color Item.In Item.P Item.P.f",
    "go": "Item Shape A Add Item.Total",
    "rust": "Item Pair Color Shape Shape.d Item.new Item.total Item.area add q mac",
    "c": "foo Point E Outer",
    "csharp": "Item Item.Item Item.Make IShape Color P S",
    "ruby": "Shop Shop.Item Shop.Item.initialize Shop.Item.make Shop.Item.other Shop.Item.secret top",
    "php": "Item Item.__construct Item.make Shape Tr Suit Suit.label add",
}


@pytest.mark.parametrize("language", sorted(NAMES))
def test_definitions_are_found_in_each_language(language: str):
    text = MARKED[language].replace(MARK, "")
    assert [each.name for each in definitions(text, language) if each.name] == NAMES[language].split()


def test_methods_outside_of_their_class_have_its_name():
    text = (
        "Money shop::Item::total(double tax) const { return 1; }\nItem &Item::operator=(const Item &o) { return *o; }\n"
    )
    assert [each.name for each in definitions(text, "cpp")] == ["shop.Item.total", "Item.operator="]
    text = (
        "A.prototype.add = function (a) {};\nmodule.exports.make = () => 1;\n(function () { function inner() {} })();\n"
    )
    assert [each.name for each in definitions(text, "javascript")] == ["", "A.add", "make", "inner"]


def test_a_class_is_found_without_its_methods_and_a_method_with_what_stands_above_it():
    text = '''import os

class Item:
    """A thing."""

    price = 1

    # in euros
    @property
    def total(self):
        return self.price

    currency = "€"

LIMIT = 3
'''
    module, item, total = definitions(text, "python")
    assert (module.kind, item.kind, total.kind) == ("module", "class", "method")
    assert written(module.blocks[0]) == "importosLIMIT=3"
    assert "price" in item.blocks[0]
    assert "currency" in item.blocks[0]
    assert "return" not in item.blocks[0]
    assert text[total.start : total.end] == total.blocks[0]
    assert total.blocks[0].strip().startswith("# in euros\n")
    assert (total.name, total.line) == ("Item.total", 10)


def test_a_long_function_is_cut_between_its_statements():
    body = "".join(f"    if a{number}:\n        first({number})\n        second({number})\n" for number in range(30))
    (long,) = definitions("def long():\n" + body, "python", size=120)
    assert len(long.blocks) > 5
    assert all(block.startswith(("def", "    if")) for block in long.blocks)


def test_chunks_know_their_owner():
    text = (
        "import os\n\n\nclass Item:\n    def total(self):\n"
        + "        self.add(1)\n" * 20
        + "\n    def name(self):\n        pass\n"
    )
    owners = [chunk.owner for chunk in split(text, "python", size=90)]
    assert owners[0] == ""
    assert "Item.total" in owners
    assert owners[-1] in ("Item", "Item.name")


def test_a_string_that_is_too_long_is_cut_at_its_lines():
    text = "TEXT = '''\n" + "one two three\n" * 50 + "'''\n"
    chunks = split(text, "python", size=60)
    assert len(chunks) > 8
    assert all(text[: chunk.end].endswith("\n") for chunk in chunks)


def test_texts_are_found_by_paragraphs_under_their_headings():
    text = "# Install\n\n" + "pip " * 60 + "\n\n## Use\n\n" + "run " * 60 + "\n\nIt ends.\n"
    found = definitions(text, "markdown", size=200)
    assert [(each.kind, each.name) for each in found] == [("text", "Install"), ("text", "Use")]
    assert found[1].line == 5


def test_definitions_behind_a_syntax_error_are_found():
    text = (
        "def first(:\n    return 1\n\ndef second(): return 2\n\nclass Item:\n    def total(self):\n        return 3\n"
    )
    assert {"second", "Item", "Item.total"} <= {each.name for each in definitions(text, "python")}


def test_a_tree_of_any_depth_is_split():
    text = "x = " + "(" * 3000 + "1" + ")" * 3000 + "\n"
    assert "".join(text[chunk.start : chunk.end] for chunk in split(text, "python", 100)) == text
    text = "f(" * 2000 + "\n"
    assert "".join(text[chunk.start : chunk.end] for chunk in split(text, "javascript", 100)) == text


def test_a_size_that_holds_nothing_is_refused():
    with pytest.raises(ValueError, match="size of at least 1"):
        split("x = 1\n", "python", 0)
