"""Signatures as language servers word them, taken apart: `(a: int, *, b: str = "") -> str`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from language_servers.analyzer import Call, Parameter, ParameterKind, Signature
from language_servers.messages import SignatureHelp, SignatureInformation

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_NAME = re.compile(r"[^\W\d]\w*")
_TYPED = re.compile(r"(?:\.\.\.|mut )?\s*([\w$]+)(\?)?\s*:(?!:)\s*(.+)", re.DOTALL)  # TypeScript, Rust
_LAST_WORD = re.compile(r"(.*?[\s*&>\])])\s*([^\W\d]\w*)(\s*\[\])*$", re.DOTALL)  # C, Java
_FIRST_WORD = re.compile(r"([^\W\d]\w*)\s+(.+)", re.DOTALL)  # Go


def read_call(found: SignatureHelp, language: str) -> Call:
    """The signatures of a call, and which parameter is active in the first that has one."""
    signatures = tuple(_signature(each, language) for each in found.signatures)
    for each, signature in zip(found.signatures, signatures, strict=True):
        active = found.active_parameter if each.active_parameter is None else each.active_parameter
        if active is not None and 0 <= active < len(each.parameters or ()):
            return Call(signatures, _index(signature, _labels(each)[active], active))
    return Call(signatures)


def _signature(found: SignatureInformation, language: str) -> Signature:
    if language != "python":
        return Signature(found.label, tuple(other_parameter(label, language) for label in _labels(found)))
    signature = python_signature(found.label)
    return signature if _takes_itself(signature, _labels(found)) else Signature(found.label, signature.parameters[1:])


def _takes_itself(signature: Signature, labels: list[str]) -> bool:
    """pyrefly words `self` in the signature of a method that is bound, but does not count it among the parameters."""
    first = signature.parameters[0].name if signature.parameters else ""
    return first not in ("self", "cls") or any(_name_in(label) == first for label in labels)


def _labels(found: SignatureInformation) -> list[str]:
    """The parameters as texts. Where one is given as a stretch of the signature, that counts in UTF-16."""
    units = found.label.encode("utf-16-le")
    labels = [each.label for each in found.parameters or ()]
    return [
        each if isinstance(each, str) else units[2 * each[0] : 2 * each[1]].decode("utf-16-le", "replace")
        for each in labels
    ]


def _index(signature: Signature, label: str, position: int) -> int | None:
    """The parameter that a label names. Some servers count `/` and `*` as parameters."""
    names = [parameter.name for parameter in signature.parameters]
    name = _name_in(label)
    return names.index(name) if name in names else position if position < len(names) else None


def _name_in(label: str) -> str:
    match = _NAME.search(label)
    return match[0] if match else ""


def python_signature(label: str) -> Signature:
    """A signature as Python's type checkers word it. One that cannot be read takes anything, so forbids nothing."""
    inside = _between_parentheses(label)
    if inside is None or inside.strip() == "...":
        return Signature(label, _ANYTHING)
    return Signature(label, tuple(_python_parameters(list(split(inside)))))


def other_parameter(label: str, language: str) -> Parameter:
    """A parameter in another language, as well as it can be read: `"size?: number"` → optional, named `size`."""
    text, equals, _ = (part.strip() for part in _cut_default(label))
    kind = ParameterKind.VAR_POSITIONAL if "..." in text else ParameterKind.POSITIONAL_OR_KEYWORD
    required = not equals and kind is not ParameterKind.VAR_POSITIONAL
    if match := _TYPED.fullmatch(text):
        return Parameter(match[1], kind, match[3].strip(), required and not match[2])
    if match := (_FIRST_WORD if language == "go" else _LAST_WORD).fullmatch(text):
        name, annotation = (match[1], match[2]) if language == "go" else (match[2], match[1])
        return Parameter(name, kind, annotation.strip(), required)
    return Parameter(text if _NAME.fullmatch(text) else "", kind, text, required)


def split(text: str, separator: str = ",") -> Iterator[str]:
    """The parts of a text between separators that stand in no brackets and no string: `"a, b[c, d]"` → two."""
    start, closers, quote, position = 0, [""], "", 0
    while position < len(text):
        character = text[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in _CLOSERS:
            closers.append(_CLOSERS[character])
        elif character == closers[-1]:
            closers.pop()
        elif character == separator and len(closers) == 1:
            yield text[start:position].strip()
            start = position + 1
        position += 1
    if text[start:].strip():
        yield text[start:].strip()


_ANYTHING = (
    Parameter("args", ParameterKind.VAR_POSITIONAL, required=False),
    Parameter("kwargs", ParameterKind.VAR_KEYWORD, required=False),
)


def _python_parameters(parts: list[str]) -> Iterator[Parameter]:
    kind = ParameterKind.POSITIONAL_ONLY if "/" in parts else ParameterKind.POSITIONAL_OR_KEYWORD
    for part in parts:
        if part == "/":
            kind = ParameterKind.POSITIONAL_OR_KEYWORD
        elif part == "*":
            kind = ParameterKind.KEYWORD_ONLY
        elif part == "...":
            yield from _ANYTHING  # pyrefly shortens what it need not repeat
        elif part.startswith("**"):
            yield _python_parameter(part[2:], ParameterKind.VAR_KEYWORD)
        elif part.startswith("*"):
            yield _python_parameter(part[1:], ParameterKind.VAR_POSITIONAL)
            kind = ParameterKind.KEYWORD_ONLY
        else:
            yield _python_parameter(part, kind)


def _python_parameter(text: str, kind: ParameterKind) -> Parameter:
    declared, equals, _ = _cut_default(text)
    name, _, annotation = declared.partition(":")
    variadic = kind in (ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD)
    name = name.strip()
    if not _NAME.fullmatch(name):  # `int, /` has a type and no name
        return Parameter("", ParameterKind.POSITIONAL_ONLY, declared.strip(), not equals and not variadic)
    return Parameter(name, kind, annotation.strip(), not equals and not variadic)


def _cut_default(text: str) -> tuple[str, str, str]:
    """What stands before a parameter's `=`, the `=`, and its default: `==`, `=>` and `<=` in types are none."""
    declared = next(split(text, "="), "")
    rest = text[len(declared) :].lstrip()
    if not rest.startswith("=") or rest.startswith((("=="), "=>")):
        return text, "", ""
    return declared.strip(), "=", rest[1:].strip()


def _between_parentheses(label: str) -> str | None:
    """What stands in the parentheses of the parameters: those behind `[T]` and a name, if there are any."""
    depth = 0
    for position, character in enumerate(label):
        if character == "(" and depth == 0:
            return _until_closed(label[position + 1 :])
        depth += {"[": 1, "]": -1}.get(character, 0)
    return None


def _until_closed(text: str) -> str | None:
    closing = list(split(text, ")"))
    if not closing or len(closing[0]) == len(text.strip()):
        return "" if text.lstrip().startswith(")") else None
    return closing[0]
