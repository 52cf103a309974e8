"""Bodies of functions in C and C++ are left out before a file is parsed, and what it offers stays the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import extraction_c
from retrieval.api import Api
from retrieval.apis import Apis
from retrieval.extraction import extract
from retrieval.extraction_bodies import without_bodies
from retrieval.extraction_nodes import Source
from retrieval.parsing import parsed

LEFT_OUT = [
    "int add(int a, int b) {\n    return a + b;\n}\n",
    "static struct item *find(struct list *all,\n  int key)\n{\n  if (1) {\n    one();\n  }\n  return 0;\n}\n",
    "struct item make(int a) {\n    struct item x = { a };\n    return x;\n}\n",
    "double Item::total(double tax) const noexcept {\n    return tax;\n}\n",
    "int with_carriage(int a) {\r\n    return a;\r\n}\r\n",
    "template <typename T>\nT most(T a, T b) {\n    return a < b ? b : a;\n}\n",
    'extern "C" void start() {\n    run("}");\n    run("{");\n}\n',
]
KEPT = [
    "typedef struct {\n    int price;\n} Item;\n",
    "typedef struct __attribute__((packed)) {\n    int weight;\n} Packed;\n",
    'namespace seen __attribute__((visibility("default"))) {\nint visible(int a);\n}\n',
    "struct __attribute__((packed)) packed {\n    int inner;\n};\n",
    "struct aligned __attribute__((aligned(8))) {\n    int one;\n};\n",
    "struct PACKED(1) {\n    int two;\n};\n",
    "enum colour {\n    RED,\n    GREEN,\n};\n",
    "class Basket {\npublic:\n    int count(int of) {\n        return of;\n    }\n    int size;\n};\n",
    "namespace shop {\nint inside(int a);\n}\n",
    "int twice(int a) { return 2 * a; }\nint thrice(int a) { return 3 * a; }\n",
    "void unclosed(int a) {\n    if (a) {\n}\n",
    "int numbers[] = {\n    1,\n    2,\n};\n",
    "#define LIMIT 10\n#define SQUARE(x) ((x) * (x))\n",
    "#ifdef WIDE\nlong width(void);\n#endif\n",
]


def read_whole(language: str, text: str) -> list[Api]:
    tree = parsed(text, language)
    assert tree
    return extraction_c.read(Source("a", language, tree[1]), tree[0])


@pytest.mark.parametrize("text", LEFT_OUT)
def test_a_functions_body_is_left_out_with_its_lines_kept(text: str):
    short = without_bodies(text + KEPT[0])
    assert len(short) < len(text + KEPT[0])
    assert short.count("\n") == (text + KEPT[0]).count("\n")
    assert extract("a", "cpp", text + KEPT[0])[0] == read_whole("cpp", text + KEPT[0])


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_function_or_ends_nowhere_plain_is_kept(text: str):
    assert without_bodies(text) == text


@given(st.lists(st.sampled_from(LEFT_OUT + [each for each in KEPT if "unclosed" not in each]), max_size=8))
@settings(max_examples=150, deadline=None)
def test_what_a_file_offers_does_not_depend_on_bodies(parts: list[str]):
    text = "\n".join(parts)
    assert extract("a", "cpp", text)[0] == read_whole("cpp", text)


@pytest.mark.parametrize("text", [*LEFT_OUT, *KEPT])
def test_any_prefix_of_code_keeps_its_lines(text: str):
    for end in range(len(text)):
        assert without_bodies(text[:end] + LEFT_OUT[0]).count("\n") == (text[:end] + LEFT_OUT[0]).count("\n")


def test_a_function_behind_a_body_that_no_parser_understands_is_found():
    apis = Apis()
    apis.update("a.c", "c", "int first(void) {\n    FOREACH(x @ y) ] = [\n}\nint second(int a) {\n    return a;\n}\n")
    assert [(api.name, api.line) for api in apis] == [("first", 1), ("second", 4)]


def test_names_in_bodies_count_as_uses():
    apis = Apis()
    apis.update("a.c", "c", "int add(int a);\nint main(void) {\n    return add(1) + add(2);\n}\n")
    assert apis.uses("add") == 3


@pytest.mark.parametrize("text", ["name\n" * 100_000 + "{" * 1000, "add(one) {\n" * 50_000 + "}\n"])
def test_long_texts_without_a_body_that_ends(text: str):
    assert without_bodies(text) == text
