"""Reads types as they are written, in whatever language: `Optional[list[Item]]`, `Promise<Item>`, `[]*shop.Item`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set to look up in."""
    return frozenset(text.split())


LONGEST = 400
"""Code points of a type that are looked at: a longer one is no type that somebody wrote."""

_TRANSPARENT = words(
    "Optional Union Annotated Final ClassVar InitVar Required NotRequired ReadOnly Readonly Partial NonNullable"
    " Nullable Option Result Box Rc Arc Ref RefMut RefCell Cell Mutex RwLock Cow Pin shared_ptr unique_ptr weak_ptr Ptr"
    " WeakReference Lazy"
)
"""What stands around a type whose members one is after."""

_FIRST_ONLY = frozenset(("Annotated", "Result", "Cow"))
_TEMPORAL = words("Awaitable Coroutine Promise PromiseLike Future Task CompletableFuture ValueTask")
_KEYED = words(
    "dict Dict Mapping MutableMapping defaultdict DefaultDict OrderedDict ChainMap map Map HashMap BTreeMap TreeMap"
    " LinkedHashMap Record Dictionary IDictionary unordered_map WeakValueDictionary WeakKeyDictionary MultiDict"
)
_NOTHING = words("None null undefined void nil Unknown Any any object Never never")
_MODULE = re.compile(r"<module '([\w.]+)'>")
_CLASS = re.compile(r"<class '([^']+)'>")
_QUOTED = re.compile(r"([\"'`])(.*)\1", re.DOTALL)
_BEFORE = re.compile(
    r"(?:(?:const|mut|readonly|final|dyn|impl|ref|out|in|struct|enum|typename|unsigned)\b|[&*?~]|'\w+\b(?!')|\.\.\.)\s*"
)
_SLICE = re.compile(r"\[\d*\]\s*(?=\S)")
_GO_MAP = re.compile(r"map\[([^\]]*)\](?=\S)")
_NAME = re.compile(r"\w[\w.:\\]*")


@dataclass(frozen=True, slots=True)
class Part:
    """One of the types that a value may have. `is_class` is for the class itself as against its instances."""

    name: str
    arguments: tuple[str, ...] = ()
    is_class: bool = False


def module(text: str) -> str:
    """The dotted name in a language server's `<module 'shop.items'>`, or empty."""
    found = _MODULE.search(text)
    return found[1] if found else ""


@lru_cache(4096)
def parts(text: str) -> tuple[Part, ...]:
    """`Item | None` → `Item`; `Optional[list[Item]]` → `list` with the argument `Item`."""
    return tuple(_parts(_CLASS.sub(r"type[\1]", text[:LONGEST]).strip(), 6))


def element(text: str) -> str:
    """What a subscript gives: `list[Item]` → `Item`, `dict[str, Item]` → `Item`; empty if nothing is known."""
    return _argument(text, keyed=-1)


def iterated(text: str) -> str:
    """What a loop gives: `list[Item]` → `Item`, `dict[str, Item]` → `str`."""
    return _argument(text, keyed=0)


def awaited(text: str) -> str:
    """`Awaitable[Item]` → `Item`; what needs no waiting stays what it is: an `async def` names what it gives."""
    for part in parts(text):
        if part.name in _TEMPORAL and part.arguments:
            return part.arguments[-1]
    return text


def place(text: str, index: int) -> str:
    """The type at a place of a tuple: 1 of `tuple[str, Item]` → `Item`."""
    for part in parts(text):
        if part.name in ("tuple", "Tuple"):
            if index < len(part.arguments):
                return part.arguments[index]
        elif part.arguments:
            return element(text)
    return ""


def _argument(text: str, keyed: int) -> str:
    for part in parts(text):
        if part.arguments:
            return part.arguments[keyed if part.name in _KEYED else 0]
    return ""


def _parts(text: str, depth: int) -> Iterator[Part]:
    if depth:
        for each in _split(text.replace(" & ", " | "), "|"):
            yield from _one(each, depth)


def _one(text: str, depth: int) -> Iterator[Part]:
    text = _QUOTED.sub(r"\2", text.strip())
    if text.startswith("~"):
        return  # what a type checker knows it not to be
    if _SLICE.match(text):
        yield Part("list", (_SLICE.sub("", text, count=1),))
        return
    if _GO_MAP.match(text):
        text = _GO_MAP.sub(r"map[\1, ", text, count=1)
    while found := _BEFORE.match(text):
        text = text[found.end() :]
    if text.startswith("("):
        yield from _parts(text[1:].rstrip("[])"), depth - 1)
        return
    found = _NAME.match(text)
    if not found:
        return
    name, rest = _last(found[0]), text[found.end() :].strip().rstrip("?!*& ")
    if rest.endswith("[]"):
        yield Part("list", (text[: text.rindex("[]")],))
        return
    arguments = tuple(_split(rest[1:].rstrip(" ").removesuffix("]").removesuffix(">"), ",")) if rest[:1] in "[<" else ()
    yield from _named(name, arguments if rest else (), depth)


def _named(name: str, arguments: tuple[str, ...], depth: int) -> Iterator[Part]:
    if name in _TRANSPARENT and arguments:
        for each in arguments[:1] if name in _FIRST_ONLY else arguments:
            yield from _parts(each, depth - 1)
    elif name in ("type", "Type") and arguments:
        for part in _parts(arguments[0], depth - 1):
            yield Part(part.name, part.arguments, is_class=True)
    elif name not in _NOTHING:
        yield Part(name, arguments)


def _last(name: str) -> str:
    """`shop.items.Item` → `Item`, `std::vector` → `vector`."""
    return re.split(r"[.:\\]+", name.rstrip(".:\\"))[-1]


def _split(text: str, marks: str) -> list[str]:
    """A text at those marks that stand in no brackets."""
    found, depth, begin = [], 0, 0
    for index, character in enumerate(text):
        if character in "[(<{":
            depth += 1
        elif character in "])}" or (character == ">" and text[index - 1 : index] not in ("-", "=")):
            depth -= 1
        elif not depth and character in marks:
            found.append(text[begin:index].strip())
            begin = index + 1
    found.append(text[begin:].strip())
    return [each for each in found if each]
