"""Types as analyses word them, taken apart: `list[Point] | None` has the part `Point`."""

from __future__ import annotations

import builtins
import re
import typing
from collections.abc import Iterator

from language_servers.signatures import split

BUILTINS = frozenset(dir(builtins))
"""What Python knows everywhere."""

_TYPESHED = (
    "Buffer ConvertibleToFloat ConvertibleToInt EllipsisType ReadableBuffer SupportsIter SupportsKeysAndGetItem"
    " SupportsNext SupportsRead SupportsRichComparison SupportsTrunc SupportsWrite StrOrBytesPath StrPath"
)
_WORDS = ("Unknown", "Self", "typing", "collections", "t")
_RARE = {"Text"}  # an old word for `str`, and a class of many
PYTHON_KNOWN = BUILTINS | frozenset((*typing.__all__, *_TYPESHED.split(), *_WORDS)) - _RARE
"""Names that need no explanation."""

_SCRIPT_WORDS = (
    "any Array ArrayLike AsyncIterable AsyncIterator BigInt bigint boolean Boolean const Date Error false Function"
    " Iterable Iterator keyof Map never new null number Number object Object Omit Partial Pick Promise readonly"
    " ReadonlyArray ReadonlyMap ReadonlySet Record RegExp Required Set string String symbol this true typeof undefined"
    " unknown void WeakMap infer extends is asserts abstract Awaited Exclude Extract NonNullable ReturnType Parameters"
    " Readonly"
)
TYPESCRIPT_KNOWN = frozenset(_SCRIPT_WORDS.split())

UNKNOWN = frozenset(("Any", "Unknown", "any", "unknown", "typing.Any", "?", "object"))

_WORD = re.compile(r"[^\W\d][\w$]*")
_LITERAL = re.compile(r"\bLiteral\[[^\]]*\]")
_QUOTED = re.compile(r"^([\"'])(.*)\1$", re.DOTALL)
_GENERIC = re.compile(r"([\w.$]+)\s*([\[<])(.*)[\]>]$", re.DOTALL)
_UNIONS = ("Union", "typing.Union", "t.Union")
_OPTIONALS = ("Optional", "typing.Optional", "t.Optional")
_VARIABLE = re.compile(r"\b(?:_\w*T|_?[A-Z]T?|AnyStr)(?:_co|_contra|\d)?\b(?!\()")
_OF_HOLE = ("EllipsisType", "ellipsis", "Unknown")
_OPEN = r"(?:Unknown|Divergent|@_|@Todo(?:\([^()]*\))?)"
_ALL_OPEN = re.compile(rf"\[{_OPEN}(?:, (?:{_OPEN}|\.\.\.))*\]")
_ANY_OPEN = re.compile(rf"(?<![\w@]){_OPEN}(?!\w)")
_WRAPPERS = ("Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly", "Awaited", "Readonly", "Unpack")
_CALLABLE = re.compile(r"\bCallable\b|\b[tT]ype\[|->|=>")
_SCOPE = re.compile(r"(?<=\w)@\w+")
_QUALIFIERS = ("Final", "ClassVar", "TypeAlias")
_MAPPINGS = ("dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict", "Map", "Record", "ReadonlyMap")
_NOTHING = frozenset(("None", "null", "undefined", "void", "Never", "NoReturn", "never"))
_GENERATORS = ("Generator", "AsyncGenerator")
_ITERATED_WORDS = (
    "list List set Set frozenset FrozenSet Sequence MutableSequence Collection Iterable Iterator AsyncIterable"
    " AsyncIterator deque AbstractSet Generator AsyncGenerator Array ReadonlyArray ReadonlySet tuple Tuple"
)
_ITERATED = frozenset(_ITERATED_WORDS.split())


def known(language: str) -> frozenset[str]:
    """The names of a language's own types."""
    return PYTHON_KNOWN if language == "python" else TYPESCRIPT_KNOWN


def words(text: str, language: str) -> Iterator[tuple[int, str]]:
    """The names in a type that may need an explanation, each with its place: `list[a.Point]` → `a`, `Point`."""
    blank = _LITERAL.sub(lambda match: " " * len(match[0]), text)
    if language != "python":
        blank = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", lambda match: " " * len(match[0]), blank)
    for match in _WORD.finditer(blank):
        if match[0] not in known(language):
            yield match.start(), match[0]


def is_named(text: str, language: str) -> bool:
    """Whether a type has a name in it that may need an explanation."""
    return any(True for _ in words(text, language))


def mentions(text: str, names: frozenset[str]) -> bool:
    """Whether a text has one of some names in it."""
    return any(match[0] in names for match in _WORD.finditer(text))


def unquoted(text: str) -> str:
    """A type without the quotation marks of a forward reference."""
    match = _QUOTED.match(text.strip())
    return match[2].strip() if match else text.strip()


def generic(text: str) -> tuple[str, list[str]]:
    """A type's name and its arguments: `dict[str, Point]` → `dict`, `[str, Point]`; `Point[]` → `Array`, `[Point]`."""
    text = unquoted(text)
    if text.endswith("[]"):
        return "Array", [text[:-2]]
    match = _GENERIC.fullmatch(text)
    return (match[1].rpartition(".")[2], list(split(match[3]))) if match else (text, [])


def alternatives(text: str) -> list[str]:
    """What a union is made of, without None: `Optional[Union[A, B]]` → A, B."""
    members = list(split(unquoted(text), "|"))
    if len(members) > 1:
        return [each for member in members for each in alternatives(member)]
    name, arguments = generic(text)
    if arguments and (name in _UNIONS or name in _OPTIONALS):
        return [each for argument in arguments for each in alternatives(argument)]
    if arguments and name in _WRAPPERS:
        return alternatives(arguments[0])
    text = unquoted(text)
    return [] if not text or text in _NOTHING else [text]


def nothings(text: str) -> list[str]:
    """The members of a union that `alternatives` leaves out: `Optional[A]` → None, `A | undefined` → undefined."""
    name, arguments = generic(text)
    if arguments and name in _OPTIONALS:
        return ["None"]
    members = arguments if name in _UNIONS else split(unquoted(text), "|")
    return [each for each in members if each in _NOTHING]


def has_variable(text: str) -> bool:
    """Whether a type is open, as `Iterable[_T_co]` is."""
    return "@" in text or _VARIABLE.search(text) is not None


def without_hole(text: str) -> str:
    """A type without what a placeholder, or what nobody knows, adds to it: `str | EllipsisType` → `str`."""
    options = list(split(text, "|"))
    return " | ".join(each for each in options if each not in _OF_HOLE) if len(options) > 1 else text


def tidied(text: str) -> str:
    """A type without a checker's words for what it does not know: `list[Unknown]` → `list`, `T@Box` → `T`."""
    return _SCOPE.sub("", _ANY_OPEN.sub("Any", _ALL_OPEN.sub("", text)))


def unqualified(text: str) -> str:
    """What an annotation says of the value: `ClassVar[int]` → `int`; nothing for `Final` alone and for `TypeAlias`."""
    text = unquoted(text)
    name, arguments = generic(text)
    if arguments and name in _WRAPPERS:
        return unqualified(arguments[0])
    return "" if text.rpartition(".")[2] in _QUALIFIERS else text


def is_base(text: str, language: str) -> bool:
    """Whether a type is made of names alone that the language has itself: `str`, `int | None`."""
    return all(each in known(language) for each in alternatives(text))


def is_callable(text: str) -> bool:
    """Whether values of a type can be called: `Callable[[A], B]`, `type[A]`, `(a: A) => B`."""
    return _CALLABLE.search(text) is not None


def is_nothing(text: str) -> bool:
    """Whether a type has no value that anybody wants: None, `undefined | null`."""
    return bool(text) and not alternatives(text)


def element(text: str) -> str:
    """What a collection holds or an iterable yields; empty if that is unknown."""
    for each in alternatives(text):
        name, arguments = generic(each)
        if name in _MAPPINGS and arguments:
            return arguments[0]
        if name in _ITERATED and arguments and (name not in ("tuple", "Tuple") or len(set(arguments) - {"..."}) == 1):
            return arguments[0]
    return ""


def item(text: str, index: int) -> str:
    """What stands at an index of a tuple, or of whatever else holds elements."""
    for each in alternatives(text):
        name, arguments = generic(each)
        if name in ("tuple", "Tuple") and arguments and "..." not in arguments:
            return arguments[index] if index < len(arguments) else ""
    return element(text)


def key(text: str) -> str:
    """What a mapping's keys are; empty if that is unknown."""
    return next((of[0] for name, of in map(generic, alternatives(text)) if name in _MAPPINGS and len(of) == 2), "")


def value(text: str) -> str:
    """What a mapping's values are; empty if that is unknown."""
    return next((of[1] for name, of in map(generic, alternatives(text)) if name in _MAPPINGS and len(of) == 2), "")


def returned(text: str) -> str:
    """What `return` gives in a function of this annotation: of a generator the third argument."""
    name, arguments = generic(text)
    if name == "Generator":
        return arguments[2] if len(arguments) == 3 else "None"
    return unquoted(text)


def components(text: str) -> list[str]:
    """The parts that a value of a type is made of: `tuple[A, list[B]]` → A, list[B]; a function's result."""
    found = list[str]()
    options = alternatives(text)
    for each in options if len(options) > 1 else ():
        found.append(each)
    for each in options:
        name, arguments = generic(each)
        if name in ("Callable", "type", "Type"):
            found += arguments[-1:]
        elif name in _MAPPINGS:
            found += arguments[1:]
        elif name not in ("Literal", "Annotated") and (name in _GENERATORS or arguments):
            found += arguments[:1] if name in _GENERATORS else arguments
        elif "=>" in each or "->" in each:
            found.append(re.split(r"=>|->", each)[-1].strip())
    return [each for each in dict.fromkeys(found) if each not in ("...", *UNKNOWN, *_NOTHING) and each != text]


def score(text: str, language: str) -> float:
    """How much is said by a type, 0 to 1, as Hazel counts: a base type 0.8, else the share of nodes that are known."""
    nodes = _WORD.findall(text)
    if not nodes or text in UNKNOWN:
        return 0.0
    if len(nodes) == 1 and nodes[0] in known(language):
        return 0.8
    return sum(node not in UNKNOWN for node in nodes) / len(nodes)


def accepts(target: str, offered: str) -> bool:
    """Whether a type is, by its name, one of those that a target allows: the fallback where no checker is asked."""
    wanted = {_bare(each) for each in alternatives(target)}
    wanted |= {"int"} if "float" in wanted else set()  # PEP 484, "The numeric tower"
    given = {_bare(each) for each in alternatives(offered)}
    is_there = set(nothings(offered)) <= set(nothings(target))
    return bool(given) and is_there and given <= wanted and not given & UNKNOWN


def _bare(text: str) -> str:
    name, arguments = generic(text)
    name = name.rpartition(".")[2]
    return f"{name}[{','.join(map(_bare, arguments))}]" if arguments else name
