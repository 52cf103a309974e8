"""Where a completion ends when the model writes on and on: with its line, or with the block that begins there."""

from __future__ import annotations

import pytest
from fakes import request

from assistant.decoding.stopping import BLOCK_TOKENS, LINE_TOKENS, extent


def kept(marked: str, written: str, language: str = "python", lines: int = 10, step: int = 1) -> str:
    """What is kept of a text that is written with so many characters a step."""
    limit = extent(request(marked, language), lines)
    for count in range(0, len(written) + step, step):
        if (end := limit.end(written[:count])) is not None:
            return written[:end]
    return written[: limit.end(written, finished=True)]


BODY = "x = 1\n    return x\n\n\ndef g():\n    pass\n"
METHOD = "return 1\n\n    def h(self):\n        return 2\n\n\nclass B:\n    pass\n"

PYTHON_BLOCKS = {
    "behind the colon": ("def f():‸", "\n    " + BODY, "\n    x = 1\n    return x"),
    "below the head": ("def f():\n    ‸", BODY, "x = 1\n    return x"),
    "below the head, without indentation": ("def f():\n‸", "    " + BODY, "    x = 1\n    return x"),
    "behind a docstring": ('def f():\n    """Doc."""‸', "\n    " + BODY, "\n    x = 1\n    return x"),
    "below a docstring": ('def f():\n    """Doc."""\n    ‸', BODY, "x = 1\n    return x"),
    "below a docstring of lines": ('def f():\n    """Doc\n\n    (more).\n    """\n    ‸', BODY, "x = 1\n    return x"),
    "below a comment": ("def f():\n    # why (\n    ‸", BODY, "x = 1\n    return x"),
    "behind a commented head": ("def f():  # why\n    ‸", BODY, "x = 1\n    return x"),
    "below a signature of lines": ("def f(\n    a,\n    b,\n) -> int:\n    ‸", BODY, "x = 1\n    return x"),
    "below an aligned condition": ("if (a and\n        b):\n    ‸", "c()\n    d()\ne()\n", "c()\n    d()"),
    "a method among others": ("class A:\n    def f(self):\n        ‸\n\n    def g(self):\n", METHOD, "return 1"),
    "the last method": ("class A:\n    def f(self):‸", "\n        " + METHOD, "\n        return 1"),
    "a class": ("class A:‸", "\n    x = 1\n\n    y = 2\n\n\nclass B:\n", "\n    x = 1\n\n    y = 2"),
    "else": ("if a:\n    b()\nelse:\n    ‸", "d()\nc()\n", "d()"),
    "if, with its else below": ("if a:\n    ‸\nelse:\n    c()\n", "b()\nelif d:\n    e()\n", "b()"),
    "match": ("match a:‸", "\n    case 1:\n        b()\nx = 1\n", "\n    case 1:\n        b()"),
    "case": ("match a:\n    case 1:\n        ‸\n    case 2:\n        c()\n", "b()\n    case 3:\n        d()\n", "b()"),
    "try": ("try:\n    ‸\nexcept E:\n    pass\n", "a()\n    b()\nexcept F:\n    c()\n", "a()\n    b()"),
    "async": ("async def f():‸", "\n    " + BODY, "\n    x = 1\n    return x"),
    "CRLF": ("def f():\r\n    ‸\r\n\r\nx = 1\r\n", BODY, "x = 1\n    return x"),
    "a string that stands further left": (
        "def f():‸", '\n    x = """\ntext (\n"""\n    return x\n\ny = 1\n', '\n    x = """\ntext (\n"""\n    return x'
    ),
    "tabs": ("def f():\n\t‸", "x = 1\n\treturn x\ny = 2\n", "x = 1\n\treturn x"),
}  # fmt: skip

PYTHON_LINES = {
    "a block that has statements above": ("def f():\n    y = 2\n    ‸", BODY, "x = 1"),
    "a block that has statements below": ("def f():\n    ‸\n    return y\n", "x = 1\n    y = x\n", "x = 1"),
    "a suite on the line of its head": ("if a: ‸\n", "return 1\n    b()\n", "return 1"),
    "within a signature": ("def f(\n    a,\n    ‸\n):\n    pass\n", "b,\n    c,\n):\n", "b,"),
    "an annotation": ("def f(x:‸):", " int, y: int):\n    return 1\n", " int, y: int):"),
    "a dictionary's value": ('d = {\n    "a":‸\n}', ' 1,\n    "b": 2,\n}\n', " 1,"),
    "a lambda": ("f = lambda x:‸", " x + 1\ny = 2\n", " x + 1"),
    "a lambda in a head": ("if any(map(lambda x:‸", " x + 1, y)):\n    return\n", " x + 1, y)):"),
    "a slice": ("x = a[1:‸]", "2]\ny = 2\n", "2]"),
    "a variable's type": ("x: ‸", "int = 1\ny = 2\n", "int = 1"),
    "a decorator": ("@decorator\n‸", "def f():\n    pass\n", "def f():"),
    "the top of a file": ("‸", "import a\nimport b\n", "import a"),
    "a comment": ("x = 1  # (‸", " see)\ny = 1\n", " see)"),
    "a comment behind a head": ("def f():  # (‸", " see\n    pass\n", " see"),
    "a string": ('x = "(‸', 'a)"\ny = 1\n', 'a)"'),
    "a docstring": ('def f():\n    """‸', "Does it.\n\n    More.\n", "Does it."),
    "a docstring with a stray bracket": ('def f():\n    """Steps.\n\n    ‸', "1) do it\n    2) rest\n", "1) do it"),
    "an open string's colon": ("def f():\n    s = '''if a:\n    ‸", "more\n    text\n", "more"),
    "arguments on one line": ("print(‸)", '"a", b) + 1\nprint(c)\n', '"a", b) + 1'),
    "one of several arguments": ("f(\n    a,\n    ‸\n)\n", "b,\n    c,\n)\n", "b,"),
    "arguments that are below already": ("f(‸\n    a,\n)\n", "\n    b,\n    a,\n)\n", ""),
}  # fmt: skip

ARGUMENTS = {
    "nothing behind": ("f(‸", "\n    a,\n    b,\n)\nbar()\n", "\n    a,\n    b,\n)"),
    "closed behind": ("f(‸)", "\n    a,\n    b,\n)\nbar()\n", "\n    a,\n    b,\n)"),
    "closed below": ("f(‸\n)\n", "\n    a,\n    b,\n)\nbar()\n", "\n    a,\n    b,"),
    "a dictionary": ("d = {‸", '\n    "a": 1,\n    "b": 2,\n}\nbar()\n', '\n    "a": 1,\n    "b": 2,\n}'),
    "strings with brackets": ("f(‸", "\n    ')',\n    b,\n)\nbar()\n", "\n    ')',\n    b,\n)"),
    "in a condition": ("if f(‸", "\n    a,\n):\n    bar()\n", "\n    a,\n)"),
}  # fmt: skip


@pytest.mark.parametrize(("marked", "written", "expected"), PYTHON_BLOCKS.values(), ids=PYTHON_BLOCKS)
def test_a_block_of_python_is_written_to_its_end(marked, written, expected):
    assert kept(marked, written) == expected


@pytest.mark.parametrize(("marked", "written", "expected"), PYTHON_LINES.values(), ids=PYTHON_LINES)
def test_elsewhere_one_line_of_python_is_written(marked, written, expected):
    assert kept(marked, written) == expected


@pytest.mark.parametrize(("marked", "written", "expected"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_what_stands_in_an_open_bracket_is_written_over_several_lines(marked, written, expected):
    assert kept(marked, written) == expected


IN_BRACES = {
    "javascript": ("function f(a) {", "\n  if (a) {\n    g('}');\n  }\n  return a;", "\n}"),
    "javascript arrow": ("const f = (a) => {", "\n  return a;", "\n};"),
    "javascript callback": ("items.map((x) => {", "\n  return x; // }", "\n});"),
    "javascript object": ("const o = {", "\n  a: 1,\n  b: [2],", "\n};"),
    "javascript else": ("if (a) {\n  b();\n} else {", "\n  c();", "\n}"),
    "javascript switch": ("switch (a) {", "\n  case 1:\n    return `}`;\n  default:\n    return 2;", "\n}"),
    "javascriptreact": ("function A() {", "\n  return <p>{x}</p>;", "\n}"),
    "typescript method": ("class A {\n  f(): void {", "\n    this.g();", "\n  }"),
    "typescript interface": ("interface A {", "\n  a: string;\n  b: number;", "\n}"),
    "typescriptreact": ("function A() {\n  return (", "\n    <div>\n      {x}\n    </div>", "\n  );"),
    "java": ("class A {\n    int f(int a) {", "\n        return a;", "\n    }"),
    "java aligned": ("class A {\n  int f(int a,\n        int b) {", "\n    a++;\n    return a;", "\n  }"),
    "csharp": ("class A\n{\n    int F(int a)\n    {", "\n        return a;", "\n    }"),
    "go": ("func f(a int) int {", "\n\tif a > 0 {\n\t\treturn 1\n\t}\n\treturn a", "\n}"),
    "go switch": ("func f(a int) {\n\tswitch a {", "\n\tcase 1:\n\t\tg()\n\tdefault:\n\t\th()", "\n\t}"),
    "rust": ("fn f<'a>(x: &'a str) {", "\n    let x = '}';\n    match x {\n        _ => 3,\n    }", "\n}"),
    "c": ("int f(int a)\n{", "\n    char *s = \"}\"; /* } */\n    return a;", "\n}"),
    "c directives": ("int f(int a) {", "\n#ifdef A\n    a++;\n#endif\n    return a;", "\n}"),
    "cpp": ("class A {", "\n public:\n  int x;", "\n};"),
    "cpp labels": ("class A {", "\npublic:\n  int x;", "\n};"),
    "php": ("<?php\nclass A {\n    function f($a)\n    {", "\n        return $a;", "\n    }"),
    "kotlin": ("fun f(a: Int): Int {", "\n    val x = a\n    return x", "\n}"),
    "swift": ("func f(a: Int) -> Int {", "\n    let x = a\n    return x", "\n}"),
}  # fmt: skip
"""By language: what opens a block, its body with the newline before it, and what closes it."""
AND_ON = "\n\nnext one {\n  more();\n}\n"


@pytest.mark.parametrize("name", IN_BRACES)
def test_a_block_in_braces_is_closed_where_nothing_closes_it(name):
    before, body, after = IN_BRACES[name]
    assert kept(before + "‸", body + after + AND_ON, name.split()[0]) == body + after


@pytest.mark.parametrize("name", IN_BRACES)
def test_a_block_in_braces_is_not_closed_twice(name):
    before, body, after = IN_BRACES[name]
    rest = after + ("\n}\n" if before.startswith(("class", "<?php\nclass")) and "\n" in body[:1] else "\n")
    assert kept(before + "‸" + rest, body + after + AND_ON, name.split()[0]) == body


@pytest.mark.parametrize("name", [name for name in IN_BRACES if IN_BRACES[name][0].endswith("{")])
def test_from_the_line_below_the_brace_it_is_the_same(name):
    before, body, after = IN_BRACES[name]
    blanks, inside = body[: len(body) - len(body.lstrip())], body.lstrip()
    assert kept(before + blanks + "‸" + after + "\n", inside + after + AND_ON, name.split()[0]) == inside
    assert kept(before + blanks + "‸", inside + after + AND_ON, name.split()[0]) == inside + after


@pytest.mark.parametrize("name", IN_BRACES)
@pytest.mark.parametrize("step", [2, 7, 1000])
def test_long_tokens_lead_to_the_same_as_short_ones(name, step):
    before, body, after = IN_BRACES[name]
    written, language = body + after + AND_ON, name.split()[0]
    assert kept(before + "‸", written, language, step=step) == kept(before + "‸", written, language)
    assert kept(before + "‸" + after, written, language, step=step) == kept(before + "‸" + after, written, language)


@pytest.mark.parametrize(
    ("marked", "written", "language", "expected"),
    [
        ("class A {\n  f() {\n    ‸\n  }\n}\n", "g();\n  }\n\n  h() {\n  }\n}\n", "typescript", "g();"),
        ("class A {\n  f() {‸\n}\n", "\n    g();\n  }\n\n  h() {\n  }\n}\n", "typescript", "\n    g();\n  }"),
        ("class A {\n  f() {‸", "\n    g();\n  }\n}\n", "typescript", "\n    g();\n  }"),
        ("class A {\n  f() {\n    ‸\n  }\n}\n", "g();\n}\n", "typescript", "g();"),
        ("if (a) {‸", "\n  b();\n} else {\n  c();\n}\n", "javascript", "\n  b();\n}"),
        ("f(() => {‸\n}, [a]);\n", "\n  b();\n}, [c]);\n", "javascript", "\n  b();"),
        ("const o = {\n  a: 1,\n  ‸\n};\n", "b: 2,\n  c: 3,\n};\n", "javascript", "b: 2,"),
        ("const s = '{'; ‸", "f();\ng();\n", "javascript", "f();"),
        ("// {‸", " x\nf();\n", "javascript", " x"),
        ("/* {\n * ‸", "x\n * y\n */\n", "javascript", "x"),
        ("const s = `{‸", "x}`;\nf();\n", "javascript", "x}`;"),
        ("f(‸, b);\n", "a);\n", "javascript", "a"),
        ("for i := range a {\n\tf(‸)\n}\n", "i)\n}\n", "go", "i)"),
    ],
)  # fmt: skip
def test_it_never_goes_past_the_enclosing_block(marked, written, language, expected):
    assert kept(marked, written, language) == expected


RUBY = {
    "behind the head": ("def f(x)‸", "\n  x + 1\n  y\nend\n\ndef g\nend\n", "\n  x + 1\n  y\nend"),
    "nothing closes it": ("def f(x)\n  ‸", "x + 1\n  y\nend\n\ndef g\nend\n", "x + 1\n  y\nend"),
    "closed below": ("def f(x)\n  ‸\nend\n", "x + 1\n  y\nend\n\ndef g\nend\n", "x + 1\n  y"),
    "a method": ("class A\n  def f\n    ‸\n  end\nend\n", "x\n  end\n\n  def g\n  end\nend\n", "x"),
    "do": ("a.each do‸", " |x|\n  puts x\nend\ny\n", " |x|\n  puts x\nend"),
    "do |x|": ("a.each do |x|‸", "\n  puts x\nend\ny\n", "\n  puts x\nend"),
    "do |x|, closed below": ("a.each do |x|\n  ‸\nend\n", "puts x\n  z\nend\ny\n", "puts x\n  z"),
    "{ |x|": ("a.each { |x|\n  ‸\n}\n", "puts x\n  z\n}\ny\n", "puts x\n  z"),
    "if": ("if a\n  ‸\nend\n", "b\n  c\nelse\n  d\nend\n", "b\n  c"),
    "a one-line method": ("def f; 1; end\n‸", "x\ny\n", "x"),
    "a modifier": ("foo if ‸", "x\ny\n", "x"),
}  # fmt: skip


@pytest.mark.parametrize(("marked", "written", "expected"), RUBY.values(), ids=RUBY)
def test_a_block_of_ruby_ends_with_its_end(marked, written, expected):
    assert kept(marked, written, "ruby") == expected


@pytest.mark.parametrize(
    ("marked", "written", "language", "expected"),
    [
        ("function f(a)\n  ‸\nend\n", "local x = a\n  return x\nend\n\ng()\n", "lua", "local x = a\n  return x"),
        ("function f(a)\n  ‸", "local x = a\n  return x\nend\n\ng()\n", "lua", "local x = a\n  return x\nend"),
        ("for i = 1, 2 do‸", "\n  f(i)\n  g()\nend\nh()\n", "lua", "\n  f(i)\n  g()\nend"),
        ("local x = 1\n‸", "local y = 2\nlocal z = 3\n", "lua", "local y = 2"),
        ("if [ -f a ]; then\n  ‸", "b\n  c\nfi\nd\n", "shellscript", "b\n  c\nfi"),
        ("f = do\n  ‸", "x <- g\n  h\nmain = f\n", "haskell", "x <- g\n  h"),
    ],
)  # fmt: skip
def test_without_a_grammar_indentation_decides(marked, written, language, expected):
    assert kept(marked, written, language) == expected


@pytest.mark.parametrize(
    ("marked", "lines", "expected"),
    [
        ("def f():‸", 3, "\n    a()\n    a()\n    a()"),
        ("def f():\n    ‸", 3, "a()\n    a()\n    a()"),
        ("def f():\n    ‸", 1, "a()"),
        ("def f():‸", 1, ""),
    ],
)
def test_a_block_has_at_most_so_many_lines(marked, lines, expected):
    written = "    a()\n" * 20
    assert (
        kept(
            marked, ("\n" if marked.endswith(":‸") else "") + (written if ":‸" in marked else written[4:]), lines=lines
        )
        == expected
    )


def test_what_is_finished_ends_there():
    limit = extent(request("def f():‸"), 10)
    assert limit.end("\n    return") is None
    assert limit.end("\n    return", finished=True) == len("\n    return")
    assert extent(request("x = ‸"), 10).end("", finished=True) == 0


def test_blank_lines_at_the_end_are_not_kept():
    assert kept("def f():‸", "\n    pass\n\n\n\n") == "\n    pass"
    assert kept("def f():‸", "\n\n\n\n") == ""


def test_a_line_may_be_shorter_than_a_block():
    assert extent(request("x = ‸"), 10).tokens == LINE_TOKENS
    assert extent(request("def f():‸"), 10).tokens == BLOCK_TOKENS


@pytest.mark.parametrize("language", ["python", "javascript", "rust", "lua"])
def test_a_large_file_is_looked_at_near_the_cursor_only(language):
    marked = "def f():\n    x = [(\n" * 100_000 + "\n‸" + "}\n" * 100_000
    assert kept(marked, "a = 1\nb = 2\n", language) == "a = 1"
