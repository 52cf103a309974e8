"""The index of what a repository offers: extraction in every language, look-ups, updates, and files that are broken."""

from __future__ import annotations

import gc
import re
import sys
import threading
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.apis import Api, ApiKind, Apis, Import
from retrieval.extraction import LANGUAGES, extract
from retrieval.imports import imports_of

MARK = "▸"

MARKED = {
    "python": """
import os
from shop import Base
▸LIMIT: int = 10
▸A, ▸B = 1, 2
▸Money = float | int
type ▸Price = Money
__all__ = ["Item"]
if os.name == "nt":
    ▸windows = True
class ▸Item(Base, metaclass=Meta):
    ▸price: Money = 0
    __slots__ = ()
    def ▸__init__(self, name: str):
        self.▸name = name
        self.▸late = Late()
        self.▸left, self.▸right = name, side(1, 2)
        local = self.elsewhere == 2
    @property
    def ▸total(self) -> Money: ...
    @total.setter
    def total(self, value): ...
    class ▸Inner:
        ▸deep = 1
    @staticmethod
    async def ▸make(*parts: str, **more) -> "Item":
        def local(): ...
        class Local: ...
def ▸add(a, b=1, *, c): local = 1
try:
    ▸one = 1
except ValueError:
    ▸two = 2
""",
    "typescript": """
export function ▸add(a: number, b?: number, ...rest: string[]): number { const local = 1; return a }
export default class ▸Item<T> extends Base<T> implements Shape, ns.Other {
  static ▸count = 0;
  ▸#secret = new Secret();
  ▸constructor(private readonly ▸name: string, other: Money) {
    super();
    this.▸late = new Late();
  }
  get ▸total(): Money { return 1 }
  set total(value: Money) { }
  async ▸run({a, b}: P, c = 1) {}
  ▸handler = (e: Event): void => {};
}
export interface ▸Shape extends A, B<C> { ▸area(unit: string): number; ▸label?: string }
export type ▸Money = number | string;
export type ▸Props = { ▸title: string; ▸close(): void };
export enum ▸Color { ▸RED, ▸GREEN = "g" }
export const ▸LIMIT: number = 10, ▸make = (a: number): Item => new Item();
const ▸hidden = function (a) {};
namespace Inner { export function ▸inner() {} }
declare module "x" { export function ▸outer(): void }
abstract class ▸Q { protected abstract ▸foo(): void; }
export declare const ▸ambient: string;
""",
    "typescriptreact": """
export function ▸Button({ label }: Props): JSX.Element { return <b>{label}</b> }
const ▸Row = (props: Props) => <tr />;
""",
    "javascript": """
class ▸A extends B.C { static ▸x = 1; ▸y = 2; get ▸t() { return 1 } static ▸m(a) {} }
module.exports = { f, ▸g: function (a) {}, A };
exports.▸h = function (b) {};
A.prototype.▸k = function (c) {};
module.exports.▸Item = class Item {};
function ▸f() { const local = 1; function inner() {} }
""",
    "javascriptreact": """
export default function ▸App({ items }) { return <ul>{items}</ul> }
""",
    "java": """
package com.shop;
@Data
public class ▸Item<T> extends Base<T> implements Shape, Other {
  public static final int ▸LIMIT = 10, ▸B;
  private Money ▸price;
  public ▸Item(String name) {}
  @Override public <R> Money ▸total(int tax, String... rest) throws E { int local; return null; }
  enum ▸Color { ▸RED, ▸GREEN(1); int ▸v; }
  interface ▸In { int ▸area(); }
  record ▸P(int ▸x, Money ▸y) implements Q { void ▸f() { } }
}
""",
    "go": """
package shop
type ▸Item struct { ▸Name, ▸Other string; Base; *pkg.Deep; ▸price *Money `json:"x"` }
type ▸Shape interface { ▸Area(a int) (float64, error); Parent }
type ▸Money = int
type ▸Kind int
type ( ▸A struct{}; ▸B func(int) string )
const ( ▸Red Kind = iota; ▸Green )
var ▸Limit, ▸other = 10, 11
var _ Shape = &Item{}
func ▸Add(a, b int, c ...string) (int, error) { local := 1; return local, nil }
func (i *Item[T]) ▸Total(tax float64) Money { return 1 }
""",
    "rust": """
#[derive(Debug)]
pub struct ▸Item<T> { pub ▸price: Money, ▸name: String }
pub struct ▸Pair(pub i32, String);
pub enum ▸Color { ▸Red, ▸Green(i32), ▸Blue { x: i32 } }
pub trait ▸Shape: Base + Other { fn ▸area(&self) -> f64; const ▸N: usize; type ▸T; fn ▸d(&self) {} }
impl<T> Item<T> { pub fn ▸new(a: i32) -> Self { } fn ▸total(&self, tax: f64) -> Money { let local = 1; } }
impl Shape for Item<i32> { fn ▸area(&self) -> f64 { 1.0 } }
pub const ▸LIMIT: u32 = 10;
static ▸S: &str = "";
pub type ▸M = i32;
pub(crate) fn ▸add(a: i32, mut b: &str) -> i32 { fn local() {} a }
mod inner { pub fn ▸q() {} }
macro_rules! ▸mac { () => {} }
""",
    "c": """
#ifndef ITEM_H
#define ITEM_H
#define ▸LIMIT 10
int ▸add(int a, const char *b);
extern int ▸g;
static inline int *▸foo(struct P *p) { int local; return 0; }
typedef struct { int ▸x; } ▸Point;
typedef int (*▸callback)(int);
enum ▸E { ▸A, ▸B };
struct ▸Outer { struct { int inner; } ▸part; int (*▸call)(int); };
void ▸nothing(void);
#endif
""",
    "cpp": """
#define ▸MAX(a, b) ((a) > (b))
namespace shop { namespace x::y {
template <typename T> class ▸Item : public Base<T>, private ns::Other {
 public:
  ▸Item(int a);
  ▸~Item();
  virtual Money ▸total(double tax = 0) const = 0;
  static int ▸make() { int local; return 1; }
 private:
  int ▸price, *▸b;
  enum class ▸Color { ▸RED, ▸GREEN = 1 };
};
} }
Money shop::Item::total(double tax) const { return 1; }
Item &Item::operator=(const Item &other) { return *this; }
const int ▸K = 3;
std::string &▸ref(std::string &&s);
using ▸M = int;
""",
    "csharp": """
namespace Shop.Items {
[Serializable]
public class ▸Item<T> : Base<T>, IShape where T : class {
  public const int ▸Limit = 10;
  private readonly Money ▸price;
  public string ▸Name { get; set; }
  public Money ▸Total => 1;
  public ▸Item(int a) {}
  public static Item ▸Make(int a, string b = "x") { var local = 1; return null; }
  public event Action ▸Changed;
  public delegate int ▸Measure(int x);
}
public interface ▸IShape { int ▸Area(int x); }
public enum ▸Color { ▸Red, ▸Green = 2 }
public record ▸P(int ▸X, Money ▸Y);
public struct ▸S { public int ▸x; }
}
""",
    "ruby": """
module ▸Shop
  class ▸Item < Base::X
    include Foo
    ▸LIMIT = 10
    attr_reader :▸price, :▸name
    def ▸initialize(a, b = 1, *c, k: 2, &blk)
      @price = Money.new(1)
      @▸hidden = 1
      local = 1
    end
    def self.▸make(x) = 1
    class << self
      def ▸other; end
    end
    private
    def ▸secret; end
  end
end
def ▸top; end
""",
    "php": """<?php
namespace App\\Models;
#[Attr]
final class ▸Item extends Base implements Shape, \\X\\Y {
  use Tr;
  const ▸LIMIT = 10;
  public static int $▸count = 0;
  private ?Money $▸price;
  public function ▸__construct(private string $▸name, $b = 1) {}
  public static function ▸make(int ...$a): static { $local = 1; }
}
interface ▸Shape { public function ▸area(): float; }
trait ▸Tr { }
enum ▸Suit: string { case ▸Hearts = 'H'; public function ▸label(): string {} }
function ▸add(int $a): int {}
const ▸K = 1;
""",
}

_PUBLIC, _HIDDEN, _STATIC, _OWN = True, False, True, False

DETAILS = [
    # language, within, kind, parameters, returns, bases, public, static, signature
    ("python", "Item", "class", (), "Item", ("Base",), _PUBLIC, _OWN, "class Item(Base, metaclass=Meta)"),
    ("python", "Item.price", "field", (), "Money", (), _PUBLIC, _STATIC, "price: Money = 0"),
    ("python", "Item.name", "field", (), "str", (), _PUBLIC, _OWN, "name = name"),
    ("python", "Item.total", "field", (), "Money", (), _PUBLIC, _OWN, "total: Money"),
    ("python", "Item.make", "method", ("parts", "more"), '"Item"', (), _PUBLIC, _STATIC,
     'async def make(*parts: str, **more) -> "Item"'),
    ("python", "add", "function", ("a", "b", "c"), "", (), _PUBLIC, _OWN, "def add(a, b=1, *, c)"),
    ("python", "LIMIT", "constant", (), "int", (), _PUBLIC, _OWN, "LIMIT: int = 10"),
    ("python", "Price", "alias", (), "Money", (), _PUBLIC, _OWN, "type Price = Money"),
    ("typescript", "add", "function", ("a", "b", "rest"), "number", (), _PUBLIC, _OWN,
     "function add(a: number, b?: number, ...rest: string[]): number"),
    ("typescript", "Item", "class", (), "Item", ("Base", "Shape", "ns.Other"), _PUBLIC, _OWN,
     "class Item<T> extends Base<T> implements Shape, ns.Other"),
    ("typescript", "Item.#secret", "field", (), "Secret", (), _HIDDEN, _OWN, "#secret = new Secret()"),
    ("typescript", "Item.late", "field", (), "Late", (), _PUBLIC, _OWN, "late = new Late()"),
    ("typescript", "Item.handler", "method", ("e",), "void", (), _PUBLIC, _OWN, "handler(e: Event): void"),
    ("typescript", "make", "function", ("a",), "Item", (), _PUBLIC, _OWN, "function make(a: number): Item"),
    ("typescript", "Props.title", "field", (), "string", (), _PUBLIC, _OWN, "title: string"),
    ("typescript", "hidden", "function", ("a",), "", (), _HIDDEN, _OWN, "function hidden(a)"),
    ("javascript", "A", "class", (), "A", ("B.C",), _PUBLIC, _OWN, "class A extends B.C"),
    ("javascript", "A.m", "method", ("a",), "", (), _PUBLIC, _STATIC, "static m(a)"),
    ("java", "Item", "class", (), "Item", ("Base", "Shape", "Other"), _PUBLIC, _OWN,
     "public class Item<T> extends Base<T> implements Shape, Other"),
    ("java", "Item.LIMIT", "field", (), "int", (), _PUBLIC, _STATIC, "public static final int LIMIT = 10"),
    ("java", "Item.price", "field", (), "Money", (), _HIDDEN, _OWN, "private Money price"),
    ("java", "Item.total", "method", ("tax", "rest"), "Money", (), _PUBLIC, _OWN,
     "public <R> Money total(int tax, String... rest) throws E"),
    ("java", "Item.Color.RED", "field", (), "Color", (), _PUBLIC, _STATIC, "RED"),
    ("go", "Item", "class", (), "Item", ("Base", "pkg.Deep"), _PUBLIC, _OWN, "type Item struct"),
    ("go", "Item.price", "field", (), "*Money", (), _HIDDEN, _OWN, "price *Money"),
    ("go", "Item.Total", "method", ("tax",), "Money", (), _PUBLIC, _OWN,
     "func (i *Item[T]) Total(tax float64) Money"),
    ("go", "Add", "function", ("a", "b", "c"), "(int, error)", (), _PUBLIC, _OWN,
     "func Add(a, b int, c ...string) (int, error)"),
    ("rust", "Item", "class", (), "Item", ("Shape",), _PUBLIC, _OWN, "pub struct Item<T>"),
    ("rust", "Item.new", "method", ("a",), "Item", (), _PUBLIC, _STATIC, "pub fn new(a: i32) -> Self"),
    ("rust", "Item.total", "method", ("tax",), "Money", (), _HIDDEN, _OWN, "fn total(&self, tax: f64) -> Money"),
    ("rust", "Shape", "class", (), "Shape", ("Base", "Other"), _PUBLIC, _OWN, "pub trait Shape: Base + Other"),
    ("c", "add", "function", ("a", "b"), "int", (), _PUBLIC, _OWN, "int add(int a, const char *b)"),
    ("c", "foo", "function", ("p",), "int*", (), _HIDDEN, _OWN, "static inline int *foo(struct P *p)"),
    ("c", "Point.x", "field", (), "int", (), _PUBLIC, _OWN, "int x"),
    ("cpp", "Item", "class", (), "Item", ("Base", "ns::Other"), _PUBLIC, _OWN,
     "class Item : public Base<T>, private ns::Other"),
    ("cpp", "Item.total", "method", ("tax",), "Money", (), _PUBLIC, _OWN,
     "virtual Money total(double tax = 0) const = 0"),
    ("cpp", "Item.Item", "method", ("a",), "Item", (), _PUBLIC, _STATIC, "Item(int a)"),
    ("cpp", "Item.b", "field", (), "int*", (), _HIDDEN, _OWN, "int *b"),
    ("csharp", "Item", "class", (), "Item", ("Base", "IShape"), _PUBLIC, _OWN,
     "public class Item<T> : Base<T>, IShape where T : class"),
    ("csharp", "Item.Name", "field", (), "string", (), _PUBLIC, _OWN, "public string Name"),
    ("csharp", "Item.price", "field", (), "Money", (), _HIDDEN, _OWN, "private readonly Money price"),
    ("csharp", "Item.Make", "method", ("a", "b"), "Item", (), _PUBLIC, _STATIC,
     'public static Item Make(int a, string b = "x")'),
    ("ruby", "Shop.Item", "class", (), "Item", ("Base::X", "Foo"), _PUBLIC, _STATIC, "class Item < Base::X"),
    ("ruby", "Shop.Item.price", "field", (), "Money", (), _PUBLIC, _OWN, "attr_reader :price"),
    ("ruby", "Shop.Item.initialize", "method", ("a", "b", "c", "k", "blk"), "", (), _PUBLIC, _OWN,
     "def initialize(a, b = 1, *c, k: 2, &blk)"),
    ("ruby", "Shop.Item.secret", "method", (), "", (), _HIDDEN, _OWN, "def secret"),
    ("php", "Item", "class", (), "Item", ("Base", "Shape", "X\\Y", "Tr"), _PUBLIC, _OWN,
     "final class Item extends Base implements Shape, \\X\\Y"),
    ("php", "Item.make", "method", ("a",), "static", (), _PUBLIC, _STATIC,
     "public static function make(int ...$a): static"),
    ("php", "Item.name", "field", (), "string", (), _HIDDEN, _OWN, "private string $name"),
]  # fmt: skip


def index(**files: str) -> Apis:
    """Of Python files: `index(shop_items="…")` has `shop/items.py`."""
    apis = Apis()
    for name, text in files.items():
        apis.update(name.replace("__", "/", 1) + ".py", "python", text)
    return apis


def only(apis: Apis, name: str) -> Api:
    (found,) = apis.named(name)
    return found


def test_every_language_with_a_grammar_is_read():
    assert set(MARKED) == LANGUAGES


@pytest.mark.parametrize("language", sorted(MARKED))
def test_what_is_marked_is_found_and_nothing_else(language: str):
    marked = MARKED[language].split(MARK)
    names = [re.match(r"[~#]?\w+", part)[0] for part in marked[1:]]  # type: ignore[index]
    lines = [MARK.join(marked[: count + 1]).count("\n") + 1 for count in range(len(names))]
    found, _ = extract("a", language, "".join(marked))
    assert sorted((api.line, api.name.rstrip("!")) for api in found) == sorted(zip(lines, names, strict=True))


@pytest.mark.parametrize("case", DETAILS, ids=lambda case: f"{case[0]} {case[1]}")
def test_what_is_said_about_each(case):
    language, within, *expected = case
    found, _ = extract("a", language, MARKED[language].replace(MARK, ""))
    api = next(api for api in found if api.within == within)
    assert expected == [
        api.kind, api.parameters, api.returns, api.bases, api.public, api.static, api.signature
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", 'def add():\n    """Adds an item. It may take long."""\n'),
        ("python", "class add:\n    '''\n    Adds an\n    item.\n\n    More.\n    '''\n"),
        ("typescript", "/**\n * Adds an item. More.\n */\nexport function add() {}\n"),
        ("javascript", "// Adds an\n// item. More.\nfunction add() {}\n"),
        ("java", "class A {\n  /** Adds an item. More. */\n  @Override\n  void add() {}\n}\n"),
        ("go", "package a\n\n// Adds an item. More.\nfunc add() {}\n"),
        ("rust", "/// Adds an item. More.\n#[inline]\nfn add() {}\n"),
        ("c", "/* Adds an item. More. */\nint add(void);\n"),
        ("cpp", "/// Adds an item. More.\ntemplate <class T> T add();\n"),
        ("csharp", "class A {\n  /// <summary>Adds an item.</summary>\n  [X] void add() {}\n}\n"),
        ("ruby", "# Adds an item. More.\ndef add; end\n"),
        ("php", "<?php\n/** Adds an item. More. */\nfunction add() {}\n"),
    ],
)
def test_the_first_sentence_of_the_documentation(language: str, text: str):
    found, _ = extract("a", language, text)
    assert next(api for api in found if api.name == "add").doc == "Adds an item."


def test_a_comment_that_belongs_to_the_line_before_is_not_documentation():
    found, _ = extract("a.js", "javascript", "let a = 1; // one\nfunction add() {}\n")
    assert [api.doc for api in found] == ["", ""]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", "import a.b, c as d\nfrom ..y import (A as B, C)\nfrom q import *\ntry:\n import r\nexcept E: 0\n",
         [("a.b", "", "a.b"), ("c", "", "d"), ("..y", "A", "B"), ("..y", "C", "C"), ("q", "*", ""), ("r", "", "r")]),
        ("typescript", 'import D, { a as b, type C } from "./x"; import * as ns from "y"; import "z";\n'
         'export { m as n } from "./e"; export * from "./f"; import t = require("q");',
         [("./x", "default", "D"), ("./x", "a", "b"), ("./x", "C", "C"), ("y", "", "ns"), ("./e", "m", "n"),
          ("./f", "*", ""), ("q", "", "t")]),
        ("javascript", 'const { a, w: r } = require("fs"); const p = require("./p");',
         [("fs", "a", "a"), ("fs", "w", "r"), ("./p", "", "p")]),
        ("java", "import java.util.List; import static com.U.help; import com.shop.*;",
         [("java.util", "List", "List"), ("com.U", "help", "help"), ("com.shop", "*", "")]),
        ("go", 'package x\nimport "fmt"\nimport ( s "github.com/me/shop"; . "x"; _ "y"; "a/items/v2" )',
         [("fmt", "", "fmt"), ("github.com/me/shop", "", "s"), ("x", "*", ""), ("a/items/v2", "", "items")]),
        ("rust", "use crate::shop::{items::Item as I, self, n::*}; use std::fmt; mod z; use super::A;",
         [("crate::shop::items", "Item", "I"), ("crate", "shop", "shop"), ("crate::shop::n", "*", ""),
          ("std", "fmt", "fmt"), ("self", "z", "z"), ("super", "A", "A")]),
        ("c", '#include <a/b.h>\n#ifdef X\n#include "c.h"\n#endif\n', [("a/b.h", "*", ""), ("c.h", "*", "")]),
        ("csharp", "using System; using A = X.Y; namespace N { using Q.R; }",
         [("System", "*", ""), ("X.Y", "", "A"), ("Q.R", "*", "")]),
        ("ruby", 'require "x/y"\nrequire_relative "z"\n', [("x/y", "*", ""), ("./z", "*", "")]),
        ("php", '<?php\nnamespace App; use App\\Base as B; use X\\{Y, Z as W}; require_once __DIR__ . "/x.php";',
         [("App", "Base", "B"), ("X", "Y", "Y"), ("X", "Z", "W"), ("./x.php", "*", "")]),
    ],
)  # fmt: skip
def test_what_a_file_imports(language: str, text: str, expected: list[tuple[str, str, str]]):
    assert [(each.module, each.name, each.alias) for each in imports_of(text, language)] == expected


@pytest.mark.parametrize(
    ("language", "importer", "imported", "path"),
    [
        ("python", "app/main.py", ("shop.items", "Item", "Item"), "shop/items.py"),
        ("python", "app/main.py", ("shop", "items", "items"), "shop/items.py"),
        ("python", "app/main.py", ("shop", "", "shop"), "shop/__init__.py"),
        ("python", "shop/__init__.py", (".items", "Item", "Item"), "shop/items.py"),
        ("python", "shop/parts/a.py", ("..", "items", "items"), "shop/items.py"),
        ("python", "app/main.py", ("....shop", "", ""), None),
        ("python", "app/main.py", ("os", "path", "path"), None),
        ("python", "app/main.py", ("inner.deep", "", ""), "src/inner/deep.py"),
        ("typescript", "web/main.ts", ("./items", "a", "a"), "web/items.ts"),
        ("typescript", "web/main.ts", ("./items.js", "a", "a"), "web/items.ts"),
        ("typescript", "web/main.ts", ("./parts", "", "p"), "web/parts/index.tsx"),
        ("typescript", "web/main.ts", ("@/view", "", "p"), "src/view.tsx"),
        ("typescript", "web/main.ts", ("react", "", "p"), None),
        ("java", "app/src/com/Main.java", ("com.shop", "Item", "Item"), "app/src/com/shop/Item.java"),
        ("java", "app/src/com/Main.java", ("com.shop.Item", "LIMIT", "LIMIT"), "app/src/com/shop/Item.java"),
        ("java", "app/src/com/Main.java", ("java.util", "List", "List"), None),
        ("go", "cmd/main.go", ("github.com/me/repository/shop", "", "shop"), "shop/items.go"),
        ("go", "cmd/main.go", ("fmt", "", "fmt"), None),
        ("rust", "src/main.rs", ("crate::shop::items", "Item", "Item"), "src/shop/items.rs"),
        ("rust", "src/shop/mod.rs", ("self", "items", "items"), "src/shop/items.rs"),
        ("rust", "src/shop/other.rs", ("super::items", "Item", "Item"), "src/shop/items.rs"),
        ("rust", "src/shop/items.rs", ("std", "fmt", "fmt"), None),
        ("c", "core/main.c", ("item.h", "*", ""), "core/item.h"),
        ("c", "core/main.c", ("shop/other.h", "*", ""), "include/shop/other.h"),
        ("ruby", "lib/main.rb", ("./item", "*", ""), "lib/item.rb"),
        ("ruby", "bin/run.rb", ("item", "*", ""), "lib/item.rb"),
        ("php", "app/Main.php", ("App\\Models", "Order", "Order"), "app/Models/Order.php"),
    ],
)
def test_where_an_import_leads(language: str, importer: str, imported: tuple[str, str, str], path: str | None):
    apis = Apis()
    paths = """
        app/main.py shop/__init__.py shop/items.py shop/parts/a.py src/inner/deep.py web/main.ts web/items.ts
        web/parts/index.tsx src/view.tsx app/src/com/Main.java app/src/com/shop/Item.java cmd/main.go shop/items.go
        src/main.rs src/shop/mod.rs src/shop/items.rs src/shop/other.rs core/main.c core/item.h
        include/shop/other.h lib/main.rb lib/item.rb bin/run.rb app/Main.php app/Models/Order.php
    """
    languages = {"py": "python", "ts": "typescript", "tsx": "typescriptreact", "rs": "rust", "rb": "ruby", "h": "c"}
    for each in paths.split():
        suffix = each.rpartition(".")[2]
        apis.update(each, languages.get(suffix, suffix), "")
    assert apis.resolve(Import(*imported), importer) == ((path,) if path else ())


def test_a_go_package_is_all_files_of_its_folder():
    apis = Apis()
    apis.update("shop/items.go", "go", "package shop\ntype Item struct {}\n")
    apis.update("shop/totals.go", "go", "package shop\nfunc (i Item) Total() int { return 1 }\n")
    apis.update("shop/deep/other.go", "go", "package deep\nfunc (i Item) Other() int { return 1 }\n")
    apis.update("main.go", "go", "package main\n")
    assert apis.resolve(Import("example.com/me/shop", "", "shop"), "main.go") == ("shop/items.go", "shop/totals.go")
    assert [api.name for api in apis.members(only(apis, "Item"))] == ["Total"]


def test_an_import_is_followed_through_modules_that_pass_it_on():
    apis = index(
        shop____init__="from .items import Item as Thing\nfrom .more import *\n",
        shop__items="class Item: ...\n",
        shop__more="def add(): ...\n",
        main="from shop import Thing, add\n",
    )
    found = [apis.definitions(each, "main.py") for each in apis.imports("main.py")]
    assert [[api.qualified for api in each] for each in found] == [["shop/items.py:Item"], ["shop/more.py:add"]]


def test_modules_that_pass_a_name_to_each_other_for_ever():
    apis = index(a="from b import x\n", b="from a import x\n", main="from a import x\n")
    assert apis.definitions(Import("a", "x", "x"), "main.py") == []


def test_a_default_import_is_what_the_file_exports():
    apis = Apis()
    apis.update("item.ts", "typescript", "const hidden = 1;\nexport default class Item {}\n")
    apis.update("main.ts", "typescript", 'import Thing from "./item";\n')
    (found,) = apis.definitions(apis.imports("main.ts")[0], "main.ts")
    assert found.name == "Item"


def test_the_lineage_names_the_nearest_first_and_ends_outside_the_repository():
    apis = index(
        shop__base="class Root: ...\nclass Base(Root, dict): ...\n",
        shop__items="from shop.base import Base as B\nclass Mixin: ...\nclass Item(B, Mixin): ...\n",
    )
    assert [api.name for api in apis.lineage(only(apis, "Item"))] == ["Item", "Base", "Mixin", "Root"]


def test_circular_bases_end():
    apis = index(a="class A(B): ...\nclass B(C): ...\nclass C(A): ...\n")
    assert [api.name for api in apis.lineage(only(apis, "A"))] == ["A", "B", "C"]


def test_a_class_that_is_its_own_base_by_name():
    apis = index(a="from other import Item as Base\nclass Item(Item): ...\n")
    assert [api.name for api in apis.lineage(only(apis, "Item"))] == ["Item"]


def test_the_base_of_a_name_that_two_modules_have_is_the_imported_one():
    apis = index(
        one="class Base: ...\n",
        two="class Base: ...\n",
        three="import two\nfrom two import Base\nclass A(Base): ...\nclass B(two.Base): ...\n",
    )
    assert [apis.lineage(only(apis, name))[1].path for name in "AB"] == ["two.py", "two.py"]


def test_a_base_that_is_imported_from_elsewhere_is_not_one_of_the_repository():
    apis = index(one="class Base: ...\n", two="from somewhere import Base\nclass A(Base): ...\n")
    assert len(apis.lineage(only(apis, "A"))) == 1


def test_the_same_name_in_several_modules():
    apis = index(a="def total(): ...\n", b="class Item:\n    def total(self): ...\n", c="total = 1\n")
    assert {api.qualified for api in apis.named("total")} == {"a.py:total", "b.py:Item.total", "c.py:total"}
    apis.remove("b.py")
    assert {api.qualified for api in apis.named("total")} == {"a.py:total", "c.py:total"}


def test_members_are_those_of_the_class_itself():
    apis = index(a="class A:\n    def f(self): ...\n    class B:\n        def g(self): ...\nclass AB:\n    x = 1\n")
    assert [api.name for api in apis.members(only(apis, "A"))] == ["f", "B"]
    assert [api.name for api in apis.members(only(apis, "B"))] == ["g"]


def test_a_class_with_5000_members():
    body = "".join(f"    def method_{number}(self, value: int) -> int: ...\n" for number in range(5000))
    apis = index(a=f"class Large:\n{body}class Small:\n    x = 1\n")
    assert len(apis.members(only(apis, "Large"))) == 5000
    assert [api.name for api in apis.members(only(apis, "Small"))] == ["x"]
    assert only(apis, "method_4999").owner == "Large"


def test_uses_are_counted_in_code_and_not_in_comments_or_strings():
    apis = index(a='def total(): ...\n# total\n"""total\ntotal"""\nx = "total" + total()\n', b="total()\n")
    assert apis.uses("total") == 3
    apis.update("b.py", "python", "")
    assert apis.uses("total") == 2
    apis.remove("a.py")
    assert apis.uses("total") == 0


def test_a_name_that_one_file_uses_very_often():
    apis = index(a="total()\n" * 1000)
    assert apis.uses("total") == 1000


def test_a_name_that_a_file_keeps_is_there_while_the_file_changes():
    text = "class Item:\n    def total(self): ...\n" + "".join(f"def add{number}(): ...\n" for number in range(200))
    apis, stopped = index(a=text), threading.Event()
    missing: list[object] = []

    def ask() -> None:
        while not stopped.is_set():
            if not (apis.named("total") and apis.uses("total") and apis.uses("add7")):
                missing.append(stopped)

    reader = threading.Thread(target=ask)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    reader.start()
    try:
        for number in range(100):
            apis.update("a.py", "python", f"{text}more{number} = total()\n")
    finally:
        stopped.set()
        reader.join()
        sys.setswitchinterval(interval)
    assert missing == []


def test_a_long_file_that_changes_keeps_its_counts():
    apis = index(a="add(total)\n" * 10_000, b="total()\n")
    assert (apis.uses("add"), apis.uses("total")) == (10_000, 10_001)
    apis.update("a.py", "python", "add(total)\n" * 9_999 + "# total\n")
    assert (apis.uses("add"), apis.uses("total")) == (9_999, 10_000)


def test_what_was_half_written_is_found_when_it_is_whole():
    apis = index(a="class Item:\n    def total(self) -> int: ...\n    def (\n")
    apis.update("a.py", "python", "class Item:\n    def total(self) -> int: ...\n    def add(self): ...\n")
    assert [api.name for api in apis.of_file("a.py")] == ["Item", "total", "add"]


@pytest.mark.parametrize(
    ("language", "text", "names"),
    [
        ("python", "def add(a): ...\nclass Item(\ndef later(b): ...\n", {"add", "later"}),
        ("python", "class Item:\n    def total(self):\n        x = add(self, \n    def later(self): ...\n",
         {"Item", "total", "later"}),
        ("python", 'class Item:\n    @x\n    def total(\n self):\n        """\n    def later(self): ...\nx = 1\n',
         {"Item", "total", "later", "x"}),
        ("python", "class Item:\n    def total(self): ...\n    def broken(self, \n\ndef later(): ...\n",
         {"Item", "total", "later"}),
        ("python", "def add(a): ...\nx = (1,\n", {"add"}),
        ("typescript", "class Item { total(): number { return 1 }\n  price: \nfunction a() {}\n", {"Item", "total"}),
        ("java", "class Item { int total() { return 1; } void broken( }\n", {"Item", "total"}),
        ("go", "package a\nfunc Add(a int) int { return a }\nfunc broken(\n", {"Add"}),
        ("rust", "fn add() {}\nstruct Item { price: i32 }\nfn broken( {\n", {"add", "Item", "price"}),
        ("cpp", "int add(int a);\nclass Item { int price; void broken(\n", {"add"}),
    ],
)  # fmt: skip
def test_half_written_files_keep_what_can_be_read(language: str, text: str, names: set[str]):
    found, _ = extract("a", language, text)
    assert names <= {api.name for api in found}


def test_a_definition_whose_body_is_half_written_keeps_its_docstring():
    text = 'class Item:\n    def total(self):\n        """The price.\n\n        With tax."""\n        add(\n\nx = 1\n'
    found, _ = extract("a.py", "python", text)
    assert [(api.name, api.doc) for api in found] == [("Item", ""), ("total", "The price."), ("x", "")]


def test_what_is_unpacked_into_fields_has_the_types_of_the_parameters():
    apis = index(a="class Item:\n    def __init__(self, x: int, y: str):\n        self.x, self.y = x, y\n")
    assert {name: only(apis, name).returns for name in "xy"} == {"x": "int", "y": "str"}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_any_prefix_of_a_file_is_read(language: str):
    text = MARKED[language].replace(MARK, "")
    apis = Apis()
    for end in range(0, len(text), 7):
        apis.update("a", language, text[:end])
        assert [api.path for api in apis] == ["a"] * len(apis)
        assert [each for each in apis.of_file("a") if each not in apis.named(each.name)] == []


def test_names_and_texts_that_are_not_ascii():
    apis = index(größe="class Größe:\n    '''Wie groß – 📏.'''\n    def über(self, länge: str) -> 'Maß': ...\n")
    assert only(apis, "Größe").doc == "Wie groß – 📏."
    assert only(apis, "über").parameters == ("länge",)
    assert only(apis, "über").owner == "Größe"
    assert apis.uses("länge") == 1


@pytest.mark.parametrize("text", ["", "\n", "\r", "\x0c\n", "\x00", "\ufeff", "\ud800", "a" * 300_000, "(" * 50_000])
@pytest.mark.parametrize("language", ["python", "typescript", "c"])
def test_files_that_say_nothing(language: str, text: str):
    apis = Apis()
    apis.update("a", language, text)
    assert [api.name for api in apis] == []


def test_line_ends_tabs_and_form_feeds():
    text = (
        "class Item:\n\tdef total(\n\t\tself,\n\t\ttax: int,\n\t) -> int:\n\t\tself.x: int = 1\n\x0c\ndef add(): ...\n"
    )
    text = text.replace("\n", "\r\n")
    apis = index(a=text)
    assert [(api.name, api.line) for api in apis] == [("Item", 1), ("total", 2), ("x", 6), ("add", 8)]
    assert only(apis, "total").signature == "def total( self, tax: int, ) -> int"
    assert only(apis, "x").returns == "int"


def test_one_line_of_a_million_characters():
    apis = Apis()
    apis.update("a.js", "javascript", "function add(a) {}" + "var x = [" + "1," * 500_000 + "];")
    assert [api.name for api in apis] == ["add", "x"]
    assert all(len(api.signature) <= 300 for api in apis)


def test_the_text_of_a_long_file_is_not_kept():
    text = "def add(): ...\n" + "call(1)\n" * 50_000
    apis = index(a=text)
    gc.collect()
    tracemalloc.start()
    for _ in range(5):
        apis.update("a.py", "python", text)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < len(text) / 4


def test_comments_of_thousands_of_lines_between_definitions():
    apis = index(a="class Item:\n" + "    # comment\r\n\r\n" * 30_000 + "    def total(self): ...\n# end\n")
    assert [(api.within, api.line) for api in apis] == [("Item", 1), ("Item.total", 60_002)]


def test_a_long_file_is_read_like_a_short_one():
    text = MARKED["python"].replace(MARK, "")
    short, _ = extract("a", "python", text)
    long, _ = extract("a", "python", text + "# größer\n" * 20_000)
    assert long == short


def test_classes_within_classes_far_deeper_than_anyone_writes():
    depth = 300
    text = "".join(f"{'  ' * level}class C{level}:\n" for level in range(depth)) + "  " * depth + "pass\n"
    assert 30 < len(index(a=text)) < depth
    blocks = Apis()
    blocks.update("a.cs", "csharp", "class A { " * 5000)
    blocks.update("a.ts", "typescript", "namespace a { " * 5000)


def test_separators_of_the_index_in_names_and_texts():
    apis = index(a='def add(x="\x1e\x1f\x1d\n"):\n    """One\x1ftwo\x1e three."""\n')
    assert only(apis, "add").doc == "One two three."


def test_a_language_that_is_not_known_offers_nothing():
    apis = Apis()
    apis.update("a.txt", "plaintext", "class A:\n    pass\n")
    assert (len(apis), list(apis.files)) == (0, ["a.txt"])


FILES = st.sampled_from(["a.py", "shop/a.py", "shop/b.py", "c.go", "shop/c.go"])
TEXTS = st.sampled_from(
    [
        "", "class Item:\n    def total(self): ...\n", "from shop.a import Item\ndef total(): Item()\n",
        "def add(): ...\ndef add(a): ...\nadd()\n", "class Item(Item): ...\nclass (\n", "x = 'Item' # add\nItem = 1\n",
        "package shop\ntype Item struct { Name string }\nfunc (i Item) total() {}\n",
    ]
)  # fmt: skip


def seen(apis: Apis) -> object:
    names = ("Item", "total", "add", "Name", "x", "shop")
    return (
        len(apis), sorted(apis.files), sorted(apis, key=repr), [apis.uses(name) for name in names],
        [sorted(apis.named(name), key=repr) for name in names],
        [apis.resolve(Import("example.com/shop", "", ""), path) for path in sorted(apis.files)],
        [[apis.lineage(each)[:1], apis.members(each)] for each in sorted(apis.named("Item"), key=repr)],
    )  # fmt: skip


@given(st.lists(st.tuples(FILES, st.none() | TEXTS), max_size=12))
@settings(max_examples=150, deadline=None)
def test_updates_in_any_order_leave_the_index_that_building_anew_gives(changes: list[tuple[str, str | None]]):
    changed, last = Apis(), dict(changes)
    for path, text in changes:
        if text is None:
            changed.remove(path)
        else:
            changed.update(path, "go" if path.endswith("go") else "python", text)
    built = Apis()
    for path, text in sorted((path, text) for path, text in last.items() if text is not None):
        built.update(path, "go" if path.endswith("go") else "python", text)
    assert seen(changed) == seen(built)


def test_what_is_equal_to_nothing_is_left_when_all_files_are_removed():
    apis = index(a="class Item:\n    def total(self): ...\n", shop__b="from a import Item\nItem().total()\n")
    for path in list(apis.files):
        apis.remove(path)
    assert [apis.named("Item"), apis.uses("total"), len(apis), list(apis)] == [[], 0, 0, []]
    assert ApiKind.CLASS == "class"
