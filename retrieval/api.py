"""One thing that a repository offers to its own code: a class, a function, a field."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ApiKind(StrEnum):
    CLASS = "class"
    FUNCTION = "function"
    METHOD = "method"
    FIELD = "field"
    """An attribute of a class, a property, an enum's member."""
    CONSTANT = "constant"
    """A name at module level, whether or not it is ever assigned again."""
    ALIAS = "alias"
    """Another name of a type."""


@dataclass(frozen=True, slots=True)
class Api:
    name: str
    owner: str
    """The names of the classes around it: `Item`, `Outer.Inner`; empty at module level."""
    path: str
    """From the repository's root, with slashes."""
    kind: ApiKind
    signature: str
    """As a stub has it, in one line and without a body: `def total(self, tax: float = 0.0) -> Decimal`."""
    parameters: tuple[str, ...] = ()
    """Names, without the receiver."""
    returns: str = ""
    """The type that it gives: of a class its own name, of `x = Item(...)` the initialiser's; empty where unknown."""
    bases: tuple[str, ...] = ()
    """Of a class, as written, without type arguments."""
    doc: str = ""
    """The first sentence of what is said about it."""
    line: int = 1
    """Counts from 1."""
    public: bool = True
    static: bool = False
    """Whether the class around it has it itself, not only its instances."""

    @property
    def qualified(self) -> str:
        """`shop/items.py:Item.total`"""
        return f"{self.path}:{self.within}"

    @property
    def within(self) -> str:
        """Its name with the classes around it: `Item.total`."""
        return f"{self.owner}.{self.name}" if self.owner else self.name
