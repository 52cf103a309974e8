"""Tokens of a text that may begin and end anywhere; brackets in strings and comments do not count."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.syntax import depth_changes, tokens, unclosed, unmatched
from retrieval.grammars import LANGUAGES

CODE = {
    "python": "f(')', f'{a[0]} )')  # )\nx = '''\n) ('''\n",
    "javascript": "f(')', `) ${a[0]}`); // )\n/* ) */ x = /[)]/;\n",
    "typescript": "f(')', `) ${a[0]}`); // )\n",
    "typescriptreact": "x = <p a={b[0]}>don't )</p>;\n",
    "java": "f(')', \")\"); // )\n/* ) */\n",
    "go": "f(')', `)`, \")\") // )\n",
    "rust": "fn f<'a>(x: &'a str) { g(')', \")\", r#\")\"#); } // )\n",
    "c": "f(')', \")\"); /* ) */\n",
    "cpp": "f(')', R\"(a ) b)\"); // )\n",
    "csharp": 'f(\')\', ")", $"{a[0]} )"); // )\n',
    "ruby": "f(')', \"#{a[0]} )\", %w(a b)) # )\n",
    "php": "f(')', \"{$a[0]} )\"); // )\n",
    "lua": "f(')', \")\") -- )\n",
}


def brackets(text: str, language: str) -> str:
    return "".join(token.kind for token, _ in depth_changes(tokens(text, language)))


@pytest.mark.parametrize("language", CODE)
def test_brackets_in_strings_and_comments_do_not_count(language):
    closers, openers = unmatched(tokens(CODE[language], language))
    assert (closers, openers) == ([], [])


@pytest.mark.parametrize(
    ("text", "language", "opened"),
    [
        ('x = "(', "python", '"('),
        ("x = 'it (", "python", "'it ("),
        ('x = """\na (\n', "python", '"""\na (\n'),
        ("x = '''it's (", "python", "'''it's ("),
        ('x = "a" + (', "python", ""),
        ("# it's (", "python", ""),
        ('x = """a""" + f(', "python", ""),
        ("x = '' + (", "python", ""),
        ('x = "a\\"(', "python", '"a\\"('),
        ('x = """a\\\\""" + (', "python", ""),
        ('x = """a\\""" (', "python", '"""a\\""" ('),
        ('x = "a\\\r\nb" + (', "python", ""),
        ("x = `a (", "javascript", "`a ("),
        ("x = `a` + (", "javascript", ""),
        ("/* a (", "typescript", "/* a ("),
        ("// a `\nf(", "typescriptreact", ""),
        ("fn f<'a>(x: &'a str) {", "rust", ""),
        ("let x = '}", "rust", "'}"),
        ("char c = '{", "c", "'{"),
        ("x := `a (", "go", "`a ("),
        ('String s = """\n  a (\n  """; f(', "java", ""),
        ("<?php\n# it's\nf(", "php", ""),
        ("it's (", "markdown", ""),
    ],
)
def test_a_string_or_comment_may_be_open_at_the_end(text, language, opened):
    assert text[unclosed(text, language) :] == opened
    assert brackets(text[: len(text) - len(opened)] + opened, language) == brackets(
        text[: len(text) - len(opened)], language
    )


def test_half_a_file_of_php_is_code_without_its_tag():
    assert brackets("    }\n}\n", "php") == "}}"


def test_offsets_are_code_points():
    text = "é = '😀'  # ü\nf(x)"
    assert [text[token.start : token.end] for token in tokens(text, "python")] == [
        "é", "=", "'😀'", "# ü", "f", "(", "x", ")"
    ]  # fmt: skip


def test_unmatched_brackets_are_told_apart():
    found = tokens(") a ( b [", "python")
    assert [[token.kind for token in each] for each in unmatched(found)] == [[")"], ["(", "["]]


@settings(max_examples=100, deadline=None)
@given(st.text("ab(){}[]'\"`\\/*#<?$=:\n é😀\ud800", max_size=40), st.sampled_from([*sorted(LANGUAGES), "lua"]))
def test_any_text_has_tokens_in_order(text, language):
    found = tokens(text, language)
    assert all(0 <= token.start < token.end <= len(text) for token in found)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
