"""What an expression can be: a value of a type, a class or a function itself, or a module."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retrieval.apis import Api, ApiKind, Import

OWN_TYPE = re.compile(r"\b(?:Self(?:@\w+)?|static)\b")
"""What a class calls itself in the types of its members."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A value of a type, which is written in the file `path`."""

    type: str
    path: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A class, or a function that is not yet called. `bound` is the class through which a method was reached."""

    api: Api
    bound: Api | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the repository; `path` is the file that imports it."""

    imported: Import
    path: str


Value = Instance | Definition | Module


def value_of(api: Api, bound: Api | None = None) -> Value:
    """What a name stands for that is declared so."""
    if api.kind in (ApiKind.CLASS, ApiKind.FUNCTION, ApiKind.METHOD):
        return Definition(api, bound)
    written = api.returns
    if api.kind is ApiKind.ALIAS:
        written = api.returns or api.name
    if bound and OWN_TYPE.search(written):
        return Instance(OWN_TYPE.sub(bound.within, written), bound.path)
    return Instance(written, api.path)
