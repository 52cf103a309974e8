"""Which parameter of the repository's functions is being given at a cursor: of `pack(item, ‸` the second of `pack`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.apis import Api, ApiKind, Apis
from retrieval.brackets import closing, separated
from retrieval.inference import Inference
from retrieval.values import Definition

REACH = 200
"""Tokens before the cursor in which the bracket is looked for."""

MOST = 4
"""Functions of a name that are looked at where nothing says which is meant."""


_QUOTES = ("'", '"', "`")


@dataclass(frozen=True, slots=True)
class Parameter:
    """`type` is as it is written, or empty."""

    name: str
    type: str = ""


def parameter(ahead: Sequence[str], inference: Inference, apis: Apis) -> Parameter | None:
    """The parameter that the tokens before an expression lead to; None outside of calls and behind a keyword's `=`."""
    opener, place = _open_call(ahead)
    if opener < 0:
        return None
    called = _expression(ahead[:opener])
    for api in _meant(called, inference, apis) if called else ():
        if place < len(api.parameters):
            return _declared(api, api.parameters[place])
    return None


def _open_call(ahead: Sequence[str]) -> tuple[int, int]:
    """Where the innermost open bracket stands, and how many arguments are given; -1 if it is none of a call."""
    depth, commas = 0, 0
    for index, token in _outside_strings(ahead):
        if token in (")", "]", "}"):
            depth += 1
        elif token in ("(", "[", "{"):
            if not depth:
                return (index if token == "(" else -1), commas
            depth -= 1
        elif not depth and token == ",":
            commas += 1
        elif not depth and not commas and token == "=":
            break
    return -1, 0


def _outside_strings(ahead: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The last tokens with their places, backwards, without strings that begin and end in one line."""
    index, first = len(ahead) - 1, max(len(ahead) - REACH, 0)
    while index >= first:
        if ahead[index] in _QUOTES:
            index = _opening(ahead, index, first)
        else:
            yield index, ahead[index]
        index -= 1


def _opening(ahead: Sequence[str], end: int, first: int) -> int:
    """Where the string begins that a quotation mark ends; there itself if none begins in its line."""
    for index in range(end - 1, first - 1, -1):
        if ahead[index] == "\n":
            break
        if ahead[index] == ahead[end]:
            return index
    return end


def _expression(tokens: Sequence[str]) -> str:
    """The dotted name at the end of some tokens; empty where one is being declared."""
    begin = len(tokens)
    while begin > 0 and tokens[begin - 1].isidentifier():
        begin -= 1
        if begin < 2 or tokens[begin - 1] != ".":
            break
        begin -= 1
    is_declared = begin > 0 and tokens[begin - 1] in ("def", "class")
    return "" if is_declared else "".join(tokens[begin:])


def _meant(called: str, inference: Inference, apis: Apis) -> Iterator[Api]:
    value = inference.of(called)
    last = called.rpartition(".")[2]
    found = [value.api] if isinstance(value, Definition) else apis.named(last)[:MOST] if len(last) > 2 else []
    for api in found:
        if api.kind is not ApiKind.CLASS:
            yield api
        elif made := _initialiser(api, apis):
            yield made


def _initialiser(cls: Api, apis: Apis) -> Api | None:
    every = (member for each in apis.lineage(cls) for member in apis.members(each))
    return next((member for member in every if member.name in ("__init__", "__new__", "constructor")), None)


def _declared(api: Api, name: str) -> Parameter:
    """A parameter with its type, as the signature has it."""
    opener = api.signature.find("(")
    listed = api.signature[opener + 1 : closing(api.signature, opener)] if opener >= 0 else ""
    for each in separated(listed):
        found = re.match(rf"\**{re.escape(name)}\??\s*:\s*([^=]+)", each)
        if found:
            return Parameter(name, found[1].strip())
    return Parameter(name)
