"""What the index of APIs keeps of one file, in few objects: its APIs, its imports, and how often it uses each name."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar, cast

import msgspec

from retrieval.api import Api, ApiKind
from retrieval.imports import Import

_Value = TypeVar("_Value")

_KINDS = list(ApiKind)
_ROW, _OWNER, _FIELD, _ITEM = b"\n", b"\x1e", b"\x1f", "\x1d"  # white space all of them, so no text of ours has them
_HOT = 8192
_AT_ONCE = 4096
"""Names that are counted before other threads have their turn: about a millisecond."""

_NAME = r"([^\W\d]\w+)"
_SLASHES = re.compile(r'/\*[\s\S]*?(?:\*/|\Z)|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|' + _NAME)
_RUST = re.compile(r'/\*[\s\S]*?(?:\*/|\Z)|//[^\n]*|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\\n]|\\.)\'|' + _NAME)
_HASHES = re.compile(
    r'#[^\n]*|"""[\s\S]*?(?:"""|\Z)|\'\'\'[\s\S]*?(?:\'\'\'|\Z)|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|' + _NAME
)
_NAMES = {"python": _HASHES, "ruby": _HASHES, "rust": _RUST}


class ApisOfFile:
    """The APIs are one string of bytes, of which an `Api` is made when somebody asks for it.

    The names that occur are compressed, for they are only needed when the file changes.
    """

    __slots__ = ("_derived", "_imports", "_rows", "_uses", "language", "path", "size")

    def __init__(
        self, path: str, language: str, found: Sequence[Api], imports: Sequence[Import], uses: Mapping[str, int]
    ) -> None:
        self.path, self.language, self.size = path, language, len(found)
        self._rows = b"".join(map(_pack, found))
        self._derived: tuple[object, Any] = (None, None)
        self._imports = "\n".join(f"{each.module}\x1f{each.name}\x1f{each.alias}" for each in imports)
        self._uses = zlib.compress(msgspec.msgpack.encode(uses), 1)

    @property
    def text_bytes(self) -> int:
        return len(self._rows) + len(self._imports)

    def all(self) -> list[Api]:
        return [_unpack(self.path, row) for row in self._rows.split(_ROW)[1:]]

    def derived(self, make: Callable[[Sequence[Api]], _Value]) -> _Value:
        maker, made = self._derived
        if maker is not make:
            made = make(self.all())
            self._derived = make, made
        return cast(_Value, made)

    def names(self) -> set[str]:
        return {row[row.index(_OWNER) + 1 : row.index(_FIELD)].decode() for row in self._rows.split(_ROW)[1:]}

    def named(self, name: str) -> list[Api]:
        return self._rows_with(_OWNER + name.encode("utf-8", "replace") + _FIELD)

    def owned_by(self, owner: str) -> list[Api]:
        return self._rows_with(_ROW + owner.encode() + _OWNER)

    def imports(self) -> tuple[Import, ...]:
        return tuple(Import(*line.split("\x1f")) for line in self._imports.split("\n")) if self._imports else ()

    def uses(self) -> dict[str, int]:
        """How often each name occurs in the code."""
        return msgspec.msgpack.decode(zlib.decompress(self._uses), type=dict[str, int])

    def _rows_with(self, mark: bytes) -> list[Api]:
        """Those in which the mark stands, which no row has twice."""
        found, rows = [], self._rows
        at = rows.find(mark)
        while at >= 0:
            start = rows.rfind(_ROW, 0, at + 1) + 1
            end = rows.find(_ROW, at + len(mark))
            end = len(rows) if end < 0 else end
            found.append(_unpack(self.path, rows[start:end]))
            at = rows.find(mark, end)
        return found


def uses_in(text: str, language: str) -> Counter[str]:
    """How often each name occurs in code, comments and strings left out."""
    uses: Counter[str] = Counter()
    found = map(itemgetter(1), _NAMES.get(language, _SLASHES).finditer(text))
    while some := tuple(islice(found, _AT_ONCE)):  # other threads run in between
        uses.update(some)
    del uses[None]  # comments and strings
    return uses


def _pack(api: Api) -> bytes:
    flags = _KINDS.index(api.kind) * 4 + api.public * 2 + api.static
    lists = _ITEM.join(api.parameters), _ITEM.join(api.bases)
    fields = (api.name, f"{flags},{api.line}", api.signature, api.returns, api.doc, *lists)
    return ("\n" + api.owner + "\x1e" + "\x1f".join(fields)).encode("utf-8", "replace")


@lru_cache(_HOT)
def _unpack(path: str, row: bytes) -> Api:
    owner, _, rest = row.decode().partition("\x1e")
    name, numbers, signature, returns, doc, parameters, bases = rest.split("\x1f")
    number, _, line = numbers.partition(",")
    flags = int(number)
    return Api(
        name, owner, path, _KINDS[flags // 4], signature, _items(parameters), returns, _items(bases), doc, int(line),
        bool(flags & 2), bool(flags & 1),
    )  # fmt: skip


def _items(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(_ITEM)) if joined else ()
