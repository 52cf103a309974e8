"""What a completion looks like in its document, by the rule that applies. `‸` is the cursor, before and after."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.text import line_end
from assistant.types import Completion, CompletionRequest, Ruling
from plugins.tidy import Tidy

PY, JS, TS, GO, C, JAVA, RUBY, RUST = "python", "javascript", "typescript", "go", "c", "java", "ruby", "rust"
INDENTS = {JS: "  ", TS: "  ", GO: "\t", RUBY: "  "}


def request(marked: str, language: str = PY, indent: str | None = None) -> CompletionRequest:
    offset = marked.index("‸")
    return CompletionRequest(
        Path("/repository/file"),
        language,
        marked[:offset] + marked[offset + 1 :],
        offset,
        indent=indent or INDENTS.get(language, "    "),
    )


def process(marked: str, written: str, language: str = PY, indent: str | None = None) -> Completion | None:
    return Tidy().process(Completion(written), request(marked, language, indent))


def tidy(marked: str, written: str, language: str = PY, indent: str | None = None) -> str | None:
    """`foo(‸)`, `a, b)` → `foo(a, b‸)`: the document after the completion is accepted."""
    completion = process(marked, written, language, indent)
    if completion is None:
        return None
    before, after = marked.split("‸", 1)
    return before + completion.text + "‸" + after[completion.replaces :]


def buffer(marked: str, written: str, language: str = PY) -> str | None:
    """The document without its cursor, where the cursor's place says nothing."""
    document = tidy(marked, written, language)
    return document and document.replace("‸", "")


CLOSED_BY_EDITOR = [
    ("foo(‸)", "a, b)", PY, "foo(a, b‸)"),
    ("foo(‸)", "a, b", PY, "foo(a, b‸)"),
    ("foo(‸)", ")", PY, None),
    ("if foo(‸)", "x):", PY, "if foo(x):‸"),
    ("if foo(‸):", "x):", PY, "if foo(x‸):"),
    ("if foo(‸):", "x", PY, "if foo(x‸):"),
    ("if foo(‸):", "x)", PY, "if foo(x‸):"),
    ('["a‸"]', 'bc"]', PY, '["abc‸"]'),
    ('["a‸"]', 'bc", "d"]', PY, '["abc", "d‸"]'),
    ('["‸"]', 'a", b]', PY, '["a", b‸]'),
    ('print("‸")', 'hello")', PY, 'print("hello‸")'),
    ('print("‸")', "hello", PY, 'print("hello‸")'),
    ('print("‸")', 'hello"', PY, 'print("hello‸")'),
    ("print('‸')", "hello')", PY, "print('hello‸')"),
    ("print('‸')", 'say "x")\')', PY, "print('say \"x\")‸')"),
    ('print("‸")', 'hello", name)', PY, 'print("hello", name‸)'),
    ('print("‸")', 'hello" + name', PY, 'print("hello" + name‸)'),
    ('print("(‸)")', 'a)")', PY, 'print("(a‸)")'),
    ('print("(‸)")', 'a")', PY, 'print("(a‸)")'),
    ('x = f"{‸}"', 'a}"', PY, 'x = f"{a‸}"'),
    ('x = f"{‸}"', "a}", PY, 'x = f"{a‸}"'),
    ('x = f"{‸}"', 'f(a)} {b}"', PY, 'x = f"{f(a)} {b‸}"'),
    ("f(g(‸))", "x))", PY, "f(g(x‸))"),
    ("f(g(‸))", "x)", PY, "f(g(x‸))"),
    ("f(g(‸))", "x", PY, "f(g(x‸))"),
    ("f(g(‸))", "x), y)", PY, "f(g(x), y‸)"),
    ("f(g(‸))", "x), y", PY, "f(g(x), y‸)"),
    ("f(g(‸),)", "x), y)", PY, "f(g(x), y‸)"),
    ("f(‸)", "g(x)", PY, "f(g(x)‸)"),
    ("f(‸)", "g(x))", PY, "f(g(x)‸)"),
    ("f(‸)", "x).g(y)", PY, "f(x).g(y‸)"),
    ("f(‸)", "x)[0]", PY, "f(x)[0]‸"),
    ("f(‸),", "x),", PY, "f(x‸),"),
    ("f(‸),", "x).g(),", PY, "f(x).g(‸),"),
    ("f([‸])", "1, 2])", PY, "f([1, 2‸])"),
    ("f([‸])", "1, 2], key)", PY, "f([1, 2], key‸)"),
    ("f([‸])", "1, 2)", PY, "f([1, 2‸])"),
    ("f({‸})", "'a': 1})", PY, "f({'a': 1‸})"),
    ("x = {‸}", "'a': [1, 2], 'b': (3)}", PY, "x = {'a': [1, 2], 'b': (3)‸}"),
    ("x[‸]", "i] = 1", PY, "x[i] = 1‸"),
    ("x = [‸]", "i for i in y if f(i)]", PY, "x = [i for i in y if f(i)‸]"),
    ("f(‸ )", "x )", PY, "f(x‸ )"),
    ("f( ‸ )", "x )", PY, "f( x‸ )"),
    ("f(‸ )", "x)", PY, "f(x‸ )"),
    ("foo(‸)", "\n    a,\n    b,\n)", PY, "foo(\n    a,\n    b,\n‸)"),
    ("foo(‸)", "\n    a,\n    b,\n", PY, "foo(\n    a,\n    b,\n‸)"),
    ("foo(‸)", "\n    a,\n    b,\n)\nbar()", PY, "foo(\n    a,\n    b,\n)\nbar(‸)"),
    ("    foo(‸)", "\n        a,\n    )", PY, "    foo(\n        a,\n    ‸)"),
    ("def f(‸):", "x):\n    return x", PY, "def f(x):\n    return x‸"),
    ("def f(‸)", "x):\n    return x", PY, "def f(x):\n    return x‸"),
    ("def f(‸):", "self, x: int) -> int:", PY, "def f(self, x: int) -> int‸:"),
    ("class A(‸):", "B):\n    pass", PY, "class A(B):\n    pass‸"),
    ("if x‸:", " and y:\n    f()", PY, "if x and y:\n    f()‸"),
    ("if x‸:", " and y", PY, "if x and y‸:"),
    ("foo(‸)", 'a, ")")', PY, 'foo(a, ")"‸)'),
    ("foo(‸)", "a, ')'", PY, "foo(a, ')'‸)"),
    ("foo(‸)", "a)  # see (b)", PY, "foo(a)  # see (b‸)"),
    ("foo(‸)", "a)  # :) smile", PY, "foo(a)  # :) smile‸"),
    ("foo(‸)", "r'\\(' + b)", PY, "foo(r'\\(' + b‸)"),
    ('"""‸"""', 'Says "hi".\n"""', PY, '"""Says "hi".\n‸"""'),
    ('"""‸"""', 'Says.\n\n    More (see b).\n    """', PY, '"""Says.\n\n    More (see b).\n    ‸"""'),
    ('"""‸"""', 'Says."""', PY, '"""Says.‸"""'),
    ("'''‸'''", "Says.'''", PY, "'''Says.‸'''"),
    ('"""\nOne.\n‸"""', 'Two."""', PY, '"""\nOne.\nTwo.‸"""'),
    ("# see (‸)", "the docs)", PY, "# see (the docs‸)"),
    ("x = (1 +\n     ‸)", "2)", PY, "x = (1 +\n     2‸)"),
    ("foo(\n    a,\n    ‸)", "b,\n)", PY, "foo(\n    a,\n    b,\n‸)"),
    ("foo(bar(‸)", "a))", PY, "foo(bar(a)‸)"),
    ("x = (a or\n     f(‸)", "b) is c)", PY, "x = (a or\n     f(b) is c)‸"),
    ("[foo(‸]", "a)]", PY, "[foo(a)‸]"),
    ("[foo(‸]", "a)", PY, "[foo(a)‸]"),
    ("foo(‸);", "a);", JS, "foo(a‸);"),
    ("foo(‸);", "a)", JS, "foo(a‸);"),
    ("foo(‸)", "a);", JS, "foo(a);‸"),
    ("foo(‸);", "a) + b;", JS, "foo(a) + b‸;"),
    ("foo(‸);", "a).then(b);", JS, "foo(a).then(b‸);"),
    ("x = a‸;", " + b;", JS, "x = a + b‸;"),
    ("x = {‸};", " a: 1 };", JS, "x = { a: 1 ‸};"),
    ("x = { a‸ };", ": 1 };", JS, "x = { a: 1‸ };"),
    ("import {‸}", " a, b } from 'c';", JS, "import { a, b } from 'c';‸"),
    ("import {‸} from 'c';", " a, b }", JS, "import { a, b ‸} from 'c';"),
    ("const s = `${‸}`;", "a}`;", JS, "const s = `${a‸}`;"),
    ("const s = `${‸}`;", "a.map((b) => `${b}`)} c`;", JS, "const s = `${a.map((b) => `${b}`)} c‸`;"),
    ("const s = `‸`;", "it's ${a}`;", JS, "const s = `it's ${a}‸`;"),
    ("xs.map((x) => {‸})", "\n  return x;\n})", JS, "xs.map((x) => {\n  return x;\n‸})"),
    ("xs.map((x) => {‸})", "\n  return x;\n}", JS, "xs.map((x) => {\n  return x;\n‸})"),
    ("xs.map((x) => {‸})", "\n  return x;\n});", JS, "xs.map((x) => {\n  return x;\n});‸"),
    ("const e = <div‸>", ' className="x">', TS, 'const e = <div className="x"‸>'),
    ("const m: Map<‸>", "string, number> = new Map();", TS, "const m: Map<string, number> = new Map();‸"),
    ("const m: Map<‸>", "string, number>", TS, "const m: Map<string, number‸>"),
    ("List<‸> xs", "String", JAVA, "List<String‸> xs"),
    ("f(‸)", "x -> y > 1)", JAVA, "f(x -> y > 1‸)"),
    ("if (‸)", "x) {", C, "if (x) {‸"),
    ("if (‸) {", "x", C, "if (x‸) {"),
    ("if (‸) {", "x)", C, "if (x‸) {"),
    ("if (‸) {", "x) {", C, "if (x‸) {"),
    ("if (f(‸)) {", "x)) {", C, "if (f(x‸)) {"),
    ("x = '‸';", "a';", C, "x = 'a‸';"),
    ("x = '‸';", "\\'';", C, "x = '\\'‸';"),
    ('printf("‸");', '%d\\n", x);', C, 'printf("%d\\n", x‸);'),
    ('printf("‸");', 'a \\" b");', C, 'printf("a \\" b‸");'),
    ("f(‸);", "'(', x);", C, "f('(', x‸);"),
    ("f(‸);", "/* ) */ x);", C, "f(/* ) */ x‸);"),
    ("fmt.Println(‸)", '"a", b)', GO, 'fmt.Println("a", b‸)'),
    ("s := `‸`", "a\\`", GO, "s := `a\\‸`"),
    ("func f(‸) {", "x int", GO, "func f(x int‸) {"),
    ("go func() {‸}()", "\n\tf()\n}()", GO, "go func() {\n\tf()\n‸}()"),
    ('puts "#{‸}"', 'a}"', RUBY, 'puts "#{a‸}"'),
    ("puts(‸)", "a) if b", RUBY, "puts(a) if b‸"),
    ("fn f<'a>(‸)", "x: &'a str) -> &'a str {", RUST, "fn f<'a>(x: &'a str) -> &'a str {‸"),
    ("f(‸)", "x # 1)", C, "f(x # 1‸)"),
]

OPEN = [
    ("foo(‸", "a, b)", PY, "foo(a, b)‸"),
    ("if foo(‸", "x):", PY, "if foo(x):‸"),
    ('["a‸', 'bc"]', PY, '["abc"]‸'),
    ('print("‸', 'hello")', PY, 'print("hello")‸'),
    ("f(g(‸", "x))", PY, "f(g(x))‸"),
    ("f(‸", "g(x)", PY, "f(g(x)‸"),
    ("foo(‸", "\n    a,\n    b,\n)", PY, "foo(\n    a,\n    b,\n)‸"),
    ("def f(‸", "x):\n    return x", PY, "def f(x):\n    return x‸"),
    ('"""‸', 'Says."""', PY, '"""Says."""‸'),
    ("foo(‸\nbar()", "a)", PY, "foo(a)‸\nbar()"),
    ("xs.map((x) => {‸", "\n  return x;\n});", JS, "xs.map((x) => {\n  return x;\n});‸"),
    ("import {‸", " a, b } from 'c';", JS, "import { a, b } from 'c';‸"),
    ("const s = `${‸", "a}`;", JS, "const s = `${a}`;‸"),
    ("if (‸", "x) {", C, "if (x) {‸"),
    ('printf("‸', '%d\\n", x);', C, 'printf("%d\\n", x);‸'),
    ("fmt.Println(‸", '"a", b)', GO, 'fmt.Println("a", b)‸'),
    ("fn f<'a>(‸", "x: &'a str) {", RUST, "fn f<'a>(x: &'a str) {‸"),
]

REST_OF_LINE = [
    ("x = foo(‸, b)", "a, b)", PY, "x = foo(a‸, b)"),
    ("x = foo(‸, b)", "a", PY, "x = foo(a‸, b)"),
    ("x = foo(‸, b) + c", "a, b)", PY, "x = foo(a‸, b) + c"),
    ("x = foo(‸, (1))", "a, (1))", PY, "x = foo(a‸, (1))"),
    ("x = f(‸(1))", "g(1)", PY, "x = f(g‸(1))"),
    ("x = foo(‸) + b", "g(a)", PY, "x = foo(g(a)‸) + b"),
    ("x = foo(‸) + b", "a)", PY, "x = foo(a‸) + b"),
    ("x = foo(‸) + b", "a) + b", PY, "x = foo(a‸) + b"),
    ('x = "a‸b"', 'xb"', PY, 'x = "ax‸b"'),
    ("retu‸rn x", "rn x", PY, None),
    ("retu‸rn x", "rn", PY, None),
    ("x = ‸ + 1", "a + 1", PY, "x = a‸ + 1"),
    ("x = ‸ + 1", "a +", PY, "x = a‸ + 1"),
    ("x = ‸data", "data", PY, None),
    ("x = ‸data", "data + 1", PY, None),
    ("x = ‸x", "xs.pop() + ", PY, "x = xs.pop() + ‸x"),
    ("foo(‸x)", "y * x", PY, "foo(y * ‸x)"),
    ("foo(‸b)", "a, ", PY, "foo(a, ‸b)"),
    ("foo(‸b)", "a, b", PY, "foo(a, ‸b)"),
    ("foo(‸b)", "grab", PY, "foo(grab‸b)"),
    ("if ‸ == 1:", "x == 1:", PY, "if x‸ == 1:"),
    ("if ‸== 1:", "x == 1:", PY, "if x ‸== 1:"),
    ("for i in ‸:  # all", "xs:", PY, "for i in xs‸:  # all"),
    ("const x = ‸ || 1;", "a || 1;", JS, "const x = a‸ || 1;"),
    ("for (let i = 0; ‸; i++) {", "i < n; i++) {", JS, "for (let i = 0; i < n‸; i++) {"),
    ("for (let i = 0; ‸; i++) {", "i < n;", JS, "for (let i = 0; i < n‸; i++) {"),
    ("<div>‸</div>", "text</div>", "html", "<div>text‸</div>"),
]

LINES_BELOW = [
    ("if a:\n    ‸\n    c()\n", "b()\n    c()", PY, "if a:\n    b()‸\n    c()\n"),
    ("if a:\n    ‸\n\n    c()\n", "b()\n\n    c()  ", PY, "if a:\n    b()‸\n\n    c()\n"),
    ("a()\n‸\nc()\nd()", "b()\nc()\nd()", PY, "a()\nb()‸\nc()\nd()"),
    ("a()\n‸\nc()\nd()", "b()\nd()", PY, "a()\nb()\nd()‸\nc()\nd()"),
    ("a()\n‸\nc()\nd()", "c()", PY, None),
    ("a()\n‸\n\nc()", "c()", PY, None),
    ("a()\n‸\nc()\nd()", "c()\nd()", PY, None),
    ("a()\n‸\nc()", "c(1)", PY, "a()\nc(1)‸\nc()"),
    ("def f():\n    ‸\n    pass", "pass", PY, None),
    ("if a:\n    pass\n‸\nelse:\n    b()", "x = 1\nelse:", PY, "if a:\n    pass\nx = 1‸\nelse:\n    b()"),
    ("if a:\n    ‸\nelse:\n    b()", "c()\nelse:", PY, "if a:\n    c()‸\nelse:\n    b()"),
    ("if a:\n    ‸\nelse:\n    b()", "c()\nelse:\n    b()", PY, "if a:\n    c()‸\nelse:\n    b()"),
    ("for x in y:\n    ‸\n\n    return", "f(x)\n    return", PY, "for x in y:\n    f(x)\n    return‸\n\n    return"),
    ("x = [\n    ‸\n]", "1,\n    2,\n]", PY, "x = [\n    1,\n    2,‸\n]"),
    ("x = [\n    ‸\n]", "1,\n    2,", PY, "x = [\n    1,\n    2,‸\n]"),
    ("x = [\n‸\n]", "]", PY, None),
    ("x = [\n    ‸\n]", "]", PY, None),
    ("func main() {\n\t‸\n}", "x := 1\n}", GO, "func main() {\n\tx := 1‸\n}"),
    ("func main() {\n\t‸\n\n}", "x := 1\n}", GO, "func main() {\n\tx := 1‸\n\n}"),
    ("func main() {\n\t‸\n}", "}", GO, None),
    ("f(\n    g(\n        a\n    ‸\n)", ")", PY, "f(\n    g(\n        a\n    )‸\n)"),
    ("func main() {‸\n}", "\n\tx := 1\n}", GO, "func main() {\n\tx := 1‸\n}"),
    ("func main() {\n\tif a {‸\n}", "\n\t\tb()\n\t}", GO, "func main() {\n\tif a {\n\t\tb()\n\t}‸\n}"),
    ("func main() {\n\tif a {\n\t\tb()\n\t‸\n}", "}", GO, "func main() {\n\tif a {\n\t\tb()\n\t}‸\n}"),
    ("f() {\n  if (a) {\n    ‸\n  }\n}", "b();\n  }", JS, "f() {\n  if (a) {\n    b();‸\n  }\n}"),
    (
        "f() {\n  if (a) {\n    ‸\n  }\n}",
        "b();\n  }\n  if (c) {\n    d();\n  }",
        JS,
        "f() {\n  if (a) {\n    b();\n  }\n  if (c) {\n    d();‸\n  }\n}",
    ),
    ("x = {‸}\nfoo();", " a: 1 }\nfoo();", JS, "x = { a: 1 ‸}\nfoo();"),
    ("foo(‸);\nbar();", "a);\nbar();", JS, "foo(a‸);\nbar();"),
    ("int f() {\n    ‸\n}", "return 1;\n}", C, "int f() {\n    return 1;‸\n}"),
    ("class A {\n    ‸\n}", "int x;\n}", JAVA, "class A {\n    int x;‸\n}"),
    ("def a\n  ‸\nend", "b\nend", RUBY, "def a\n  b‸\nend"),
    ("def a\n  if b\n    ‸\n  end\nend", "c\n  end\nend", RUBY, "def a\n  if b\n    c‸\n  end\nend"),
    ("def a\n  ‸\nend", "xs.each do |x|\n    p x\n  end", RUBY, "def a\n  xs.each do |x|\n    p x\n  end‸\nend"),
    (
        "def a\n  if b\n    ‸\n  end\nend",
        "c\n  end\n  if d\n    e\n  end",
        RUBY,
        "def a\n  if b\n    c\n  end\n  if d\n    e‸\n  end\nend",
    ),
]

LINES_ABOVE = [
    ("a()\n‸", "a()", PY, None),
    ("a()\n\n‸", "a()", PY, None),
    ("a()\na‸", "()", PY, None),
    ("    foo(a)\n    foo(‸)", "a)", PY, None),
    ("    foo(a)\n    foo(‸)", "b)", PY, "    foo(a)\n    foo(b‸)"),
    ("a()\nb()\n‸", "a()\nb()\nc()", PY, None),
    ("a()\nb()\n‸", "a()\nc()", PY, "a()\nb()\na()\nc()‸"),
    ("a()‸", "\na()", PY, None),
    ("a()‸", "\nb()", PY, "a()\nb()‸"),
    ("if a:\n    pass\nelse:\n    ‸", "pass", PY, "if a:\n    pass\nelse:\n    pass‸"),
    ("if a:\n    x()\n‸", "    x()", PY, None),
    ("x = [\n    0, 0,\n    ‸\n]", "0, 0,", PY, "x = [\n    0, 0,\n    0, 0,‸\n]"),
    ("return\n‸", "return", PY, "return\nreturn‸"),
    ("‸", "a()\na()\na()\na()", PY, "a()‸"),
    ("‸", "b()\na()\na()\na()\nc()", PY, "b()\na()‸"),
    ("‸", "a()\na()\nb()", PY, "a()\na()\nb()‸"),
    ("  }\n‸", "}", JS, "  }\n}‸"),
    ("<div>\n  ‸", "<div>", "html", "<div>\n  <div>‸"),
    ("x++;\n‸", "y++;", C, "x++;\ny++;‸"),
]

INDENTATION = [
    ("if a:‸", "\n    b()", PY, "if a:\n    b()‸"),
    ("def f():\n\tif a:‸", "\n\t\tb()", PY, "def f():\n\tif a:\n\t\tb()‸"),
    ("def f():\n\tif a:‸", "\n\t    b()", PY, "def f():\n\tif a:\n\t\tb()‸"),
    ("def f():\n\tif a:‸", "\n        b()", PY, "def f():\n\tif a:\n\t\tb()‸"),
    ("def f():\n\tx()\n\ndef g():‸", "\n    b()", PY, "def f():\n\tx()\n\ndef g():\n\tb()‸"),
    (
        "def f():\n\tx()\n\ndef g():‸",
        "\n    if b:\n        c()\n    d()",
        PY,
        "def f():\n\tx()\n\ndef g():\n\tif b:\n\t\tc()\n\td()‸",
    ),
    ("def f():\n\tx()\n\ndef g():‸", "\n  if b:\n    c()", PY, "def f():\n\tx()\n\ndef g():\n\tif b:\n\t\tc()‸"),
    ("def f():\n\tx()\n\ndef g():\n‸", "    b()", PY, "def f():\n\tx()\n\ndef g():\n\tb()‸"),
    ("def f():\n  x()\n\ndef g():‸", "\n    b()", PY, "def f():\n  x()\n\ndef g():\n  b()‸"),
    ("def f():\n  x()\n  if a:‸", "\n      b()", PY, "def f():\n  x()\n  if a:\n    b()‸"),
    (
        "def f():\n  x()\n  if a:‸",
        "\n      if b:\n          c()\n      d()\n  e()",
        PY,
        "def f():\n  x()\n  if a:\n    if b:\n      c()\n    d()\n  e()‸",
    ),
    ("def f():\n    x()\n\ndef g():‸", "\n  b()", PY, "def f():\n    x()\n\ndef g():\n    b()‸"),
    ("def f():\n    x()\n\ndef g():‸", "\n\tb()", PY, "def f():\n    x()\n\ndef g():\n    b()‸"),
    ("def f():\n  x(‸)", "\n      a,\n      b)", PY, "def f():\n  x(\n      a,\n      b‸)"),
    ("def f():\n    x(‸)", "a,\n      b)", PY, "def f():\n    x(a,\n      b‸)"),
    ("def f():\n    ‸", "    return 1", PY, "def f():\n    return 1‸"),
    ("def f():\n    ‸", "return 1", PY, "def f():\n    return 1‸"),
    ("def f():\n    x()\n\ndef g():\n  ‸", "  return 1", PY, "def f():\n    x()\n\ndef g():\n    return 1‸"),
    ("def f():\n    a()\n    ‸", "    return 1", PY, "def f():\n    a()\n    return 1‸"),
    ("def f():\n    a()\n    ‸", "    b()\n    return 1", PY, "def f():\n    a()\n    b()\n    return 1‸"),
    ("def f():\n    if a:\n    ‸", "    b()", PY, "def f():\n    if a:\n        b()‸"),
    ("def f():\n    if a:\n    ‸", "        b()", PY, "def f():\n    if a:\n        b()‸"),
    ("def f():\n    if a:\n  ‸", "      b()", PY, "def f():\n    if a:\n        b()‸"),
    ("def f():\n    if a:\n        b()\n  ‸", "  else:", PY, "def f():\n    if a:\n        b()\n    else:‸"),
    ("def f():\n    a()\n    ‸", " b()", PY, "def f():\n    a()\n    b()‸"),
    ("def f():\n‸", "    return 1", PY, "def f():\n    return 1‸"),
    ("func f() {\n\tx()\n\tif a {‸", "\n\t\tb()\n\t}", GO, "func f() {\n\tx()\n\tif a {\n\t\tb()\n\t}‸"),
    ("func f() {\n\tx()\n\tif a {‸", "\n        b()\n    }", GO, "func f() {\n\tx()\n\tif a {\n\t\tb()\n\t}‸"),
    ("func f() {\n\tx()\n\t‸", "\tb()", GO, "func f() {\n\tx()\n\tb()‸"),
    ("f() {\n  x();\n  if (a) {‸\n}", "\n      b();\n  }", JS, "f() {\n  x();\n  if (a) {\n    b();\n  }‸\n}"),
    ("f() {\n  x();\n  g(‸);\n}", "\n      b,\n  );", JS, "f() {\n  x();\n  g(\n    b,\n  ‸);\n}"),
    ("def a\n  b\nend\n\ndef c‸", "\n    d\nend", RUBY, "def a\n  b\nend\n\ndef c\n  d\nend‸"),
    (
        "class A {\n\tint x;\n\tA() {‸",
        "\n        x = 1;\n    }",
        JAVA,
        "class A {\n\tint x;\n\tA() {\n\t\tx = 1;\n\t}‸",
    ),
    ("def f():\n\tx = ‸", '"""\n    a\n    """', PY, 'def f():\n\tx = """\n    a\n    """‸'),
    ("f() {\n\tx = ‸", "`\n    a\n    `;", JS, "f() {\n\tx = `\n    a\n    `;‸"),
    ("f() {\n    x(\n    y(‸);", "\n            b);", C, "f() {\n    x(\n    y(\n            b‸);"),
    ("f()\n{\n\t  x();\n\t  if (a)‸", "\n\t    b();", C, "f()\n{\n\t  x();\n\t  if (a)\n\t    b();‸"),
    ("\t/**‸", "\n     * a\n     */", JAVA, "\t/**\n\t * a\n\t */‸"),
]

NEWLINES = [
    ("if a:\r\n    ‸\r\n", "b()\n    c()", PY, "if a:\r\n    b()\r\n    c()‸\r\n"),
    ("if a:\r    ‸\r", "b()\n    c()", PY, "if a:\r    b()\r    c()‸\r"),
    ("‸\r\n", "b()\nc()", PY, "b()\r\nc()‸\r\n"),
    ("‸\rx\n", "b()\nc()", PY, "b()\rc()‸\rx\n"),
    ("a\r\nb\nif a:‸\r\n", "\n    c()", PY, "a\r\nb\nif a:\n    c()‸\r\n"),
    ("a\nb\r\nif a:‸\n", "\n    c()", PY, "a\nb\r\nif a:\r\n    c()‸\n"),
    ("if a:\r\n    ‸\r\n    c()\r\n", "b()\n    c()", PY, "if a:\r\n    b()‸\r\n    c()\r\n"),
    ("a()\r\n‸\r\n", "a()", PY, None),
    ("foo(‸)\r\nb", "\n    a,\n)", PY, "foo(\r\n    a,\r\n‸)\r\nb"),
    ("a‸", "\r\nb", PY, "a\nb‸"),
]

BLANKS = [
    ("x = ‸", " 1", PY, "x = 1‸"),
    ("x =‸", " 1", PY, "x = 1‸"),
    ("x = ‸", "1  ", PY, "x = 1‸"),
    ("x =\t‸", " 1", PY, "x =\t1‸"),
    ("x = 'a ‸'", " b'", PY, "x = 'a  b‸'"),
    ('print("‸")', 'and "', PY, 'print("and ‸")'),
    ("x = 1\na   = ‸", "2", PY, "x = 1\na   = 2‸"),
    ("a:     ‸", "      1", PY, "a:           1‸"),
    ("# a ‸", " b", PY, "# a b‸"),
    ("‸", "a()  \n\t\nb()\t\n\n\n", PY, "a()\n\nb()‸"),
    ("a‸", "\n\n", PY, None),
    ("a‸", "   ", PY, None),
    ("a‸", "", PY, None),
    ("foo(‸)", "a ", PY, "foo(a‸)"),
    ("foo(‸)", "\n)", PY, None),
    ("foo(‸)", "a\n)", PY, "foo(a‸)"),
    ("foo(‸)", "a, \n    b\n)", PY, "foo(a,\n    b\n‸)"),
]

CONTROL = [
    ("x = ‸", "1\x00abc", PY, "x = 1‸"),
    ("x = ‸", "\x001", PY, None),
    ("x = ‸", "caf\ufffd", PY, "x = caf‸"),
    ("x = ‸", "\ufffd", PY, None),
    ("x = ‸", "a\x1b[0m", PY, "x = a‸"),
    ("x = ‸", "a\tb", PY, "x = a\tb‸"),
]

CHARACTERS = [
    ('print("😀‸")', 'é")', PY, 'print("😀é‸")'),
    ('x["👩‍👩‍👧‸"]', 'ñ"] = "é"', PY, 'x["👩‍👩‍👧ñ"] = "é"‸'),
    ("naïve(‸)", "e\u0301, 漢字)", PY, "naïve(e\u0301, 漢字‸)"),
    ("größe = ‸größe", "2 * größe", PY, "größe = 2 * ‸größe"),
    ("if 変数(‸)", "値):", PY, "if 変数(値):‸"),
    ("e‸", "\u0301 = 1", PY, "e\u0301 = 1‸"),
]

TABLES = {
    "closed by the editor": CLOSED_BY_EDITOR,
    "open": OPEN,
    "rest of line": REST_OF_LINE,
    "lines below": LINES_BELOW,
    "lines above": LINES_ABOVE,
    "indentation": INDENTATION,
    "newlines": NEWLINES,
    "blanks": BLANKS,
    "control": CONTROL,
    "characters": CHARACTERS,
}

ROWS = [
    pytest.param(*row, id=f"{table} {row[2]} {row[0]!r} + {row[1]!r}") for table, rows in TABLES.items() for row in rows
]


@pytest.mark.parametrize(("marked", "written", "language", "expected"), ROWS)
def test_completion_fits_its_place(marked: str, written: str, language: str, expected: str | None):
    assert tidy(marked, written, language) == expected


@pytest.mark.parametrize(("marked", "written", "language", "expected"), ROWS)
def test_tidying_twice_changes_nothing(marked: str, written: str, language: str, expected: str | None):
    once = process(marked, written, language)
    if once and not once.replaces:
        assert process(marked, once.text, language) == once


@pytest.mark.parametrize(
    ("marked", "written", "replaces"),
    [("foo(‸)", "a)", 0), ("if foo(‸)", "x):", 1), ("def f(‸):", "x):\n    return x", 2), ('f("‸")', 'a", b)', 1)],
)
def test_little_is_replaced(marked: str, written: str, replaces: int):
    completion = process(marked, written)
    assert completion
    assert completion.replaces == replaces


def test_indentation_of_a_file_without_any_is_the_editors():
    assert tidy("if a:‸", "\n    b()", indent="\t") == "if a:\n\tb()‸"
    assert tidy("if a:‸", "\n    b()", indent="  ") == "if a:\n  b()‸"


RULING = Ruling(("members",), "foo(", 3, 0.5, ("b",), "a")


def test_what_else_a_completion_carries_stays():
    completion = Tidy().process(Completion("a)", logprob=-0.5, rulings=(RULING,)), request("foo(‸)"))
    assert completion == Completion("a", logprob=-0.5, rulings=(RULING,))


def test_a_completion_that_replaces_already_is_left_alone():
    completion = Completion("x):", replaces=1)
    assert Tidy().process(completion, request("if foo(‸)")) == completion


TYPED = [
    ("foo(‸)", "a, b)", PY),
    ("if foo(‸)", "x):", PY),
    ("def f(‸):", "x):\n    return x", PY),
    ('print("‸")', 'hello", name)', PY),
    ("f(‸)", "x).g(y)", PY),
    ("f([‸])", "g(1), 2], key=(3))", PY),
    ("foo(‸)", "\n    a,\n    b,\n)", PY),
    ("def f():\n    if a:‸", "\n        b(c)\n        return d", PY),
    ("x = foo(‸, b)", "a + c(1), b)", PY),
    ("xs.map((x) => {‸});", "\n  return x + f(1);\n});", JS),
    ("const s = `${‸}`;", "a(b)} c`;", JS),
    ("func f() {\n\tif a {‸\n}", "\n\t\tb(c)\n\t}", GO),
    ("if (‸) {", "x > f(y)) {", C),
]


@pytest.mark.parametrize(("marked", "written", "language"), TYPED)
def test_what_is_left_while_the_user_types_along_leads_to_the_same_document(marked: str, written: str, language: str):
    completion = process(marked, written, language)
    assert completion
    before, after = marked.split("‸")
    after = after[completion.replaces :]
    document = before + completion.text + after
    for typed in range(1, len(completion.text)):
        place = f"{before}{completion.text[:typed]}‸{after}"
        assert buffer(place, completion.text[typed:], language) in (document, None)


MARKS = "()[]{}<>\"'`:;,. \t#\\\n\r\0\ufffd\ud800é😀\u0301\u2028"
WORDS = ("a", "xs", "def f(x):", "return", "else:", "end", "if a {", "    ", "  ", "\r\n", "\n    a()\n", "\n}")
LONG_MARKS = ('"""', "//", "/*", "*/", "${", "#{", 'f"')
PIECES = st.sampled_from([*MARKS, *WORDS, *LONG_MARKS])
CODE = st.lists(PIECES, max_size=24).map("".join) | st.text(max_size=40)
LANGUAGES = st.sampled_from(
    [PY, JS, GO, C, RUBY, RUST, "plaintext", "html", "lua", "sql", "kotlin", "no such language"]
)


@st.composite
def cursors(draw: st.DrawFn) -> CompletionRequest:
    prefix, suffix = draw(CODE), draw(CODE)
    indent = draw(st.sampled_from(["    ", "  ", "\t"]))
    return CompletionRequest(Path("/r/file"), draw(LANGUAGES), prefix + suffix, len(prefix), indent=indent)


@settings(max_examples=600, deadline=None)
@given(cursors(), CODE)
def test_any_text_at_any_cursor_is_tidied_within_its_line_once(cursor: CompletionRequest, written: str):
    tidied = Tidy().process(Completion(written), cursor)
    if tidied is None:
        return
    assert tidied.text.strip()
    assert 0 <= tidied.replaces <= line_end(cursor.text, cursor.offset) - cursor.offset
    if not tidied.replaces:
        assert Tidy().process(tidied, cursor) == tidied


@settings(max_examples=300, deadline=None)
@given(cursors(), CODE)
def test_no_line_ends_in_a_blank(cursor: CompletionRequest, written: str):
    tidied = Tidy().process(Completion(written), cursor)
    if tidied is None:
        return
    after = cursor.suffix[tidied.replaces :]
    lines = (tidied.text + after[: line_end(after, 0)]).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert not [line for line in lines[:-1] if line.endswith((" ", "\t"))]
    assert not tidied.text.endswith((" ", "\t")) or after[: line_end(after, 0)].strip()


@pytest.mark.parametrize("newline", ["\n", "\r\n", " "])
def test_large_documents_are_looked_at_near_the_cursor_only(newline: str):
    half = f"x = foo(bar, [1, 2]){newline}" * 120_000
    assert tidy(half + "\nfoo(‸)\n" + half, "a, b)") == half + "\nfoo(a, b‸)\n" + half
    assert process(half + "‸" + half, "y = 1\n" * 3)


def test_a_line_of_a_million_characters():
    line = "foo(bar), " * 100_000 + "f("
    assert tidy(line + "‸", "a, b)") == line + "a, b)‸"
    assert tidy(line + "‸)", "a, b)") == line + "a, b‸)"
    assert process(line + "‸" + line, "a, b)")
    assert process(line + "‸" + ")" * 1_000_000, "a, b)")
    assert process("(" * 1_000_000 + "‸" + ")" * 1_000_000, "a, b)")
    assert process(" " * 1_000_000 + "‸" + " " * 1_000_000, "a, b)")
