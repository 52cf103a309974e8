"""How analyses word what a name stands for, and how it would stand in a stub: `def make() -> Box`, `<class 'Box'>`."""

from __future__ import annotations

import re

from language_servers.holes import types
from language_servers.signatures import split

LONGEST = 240
"""Code points of a declaration."""

_RESULT = re.compile(r"\s*(?:->|:)\s*(.+)$", re.DOTALL)
_BOUND = re.compile(r"bound method (?:type\[)?([\w.]+)(?:\[.*?\])?\]?\.(\w+)((?:\[.*?\])?\(.*)$", re.DOTALL)
_HOVERED = re.compile(r"^\((?:function|method|parameter|variable|attribute|property|constant|field)\) [\w.]+: ")
_WITH_SELF = re.compile(
    r"def (\w+(?:\[.*?\])?)\(\s*(?:self|cls)\s*: (?:type\[)?(?:Self@)?([\w.]+)(?:\[[^\]]*\])?\]?\s*(?:,\s*|(?=\)))"
)
_CLASS = re.compile(r"<class '([\w.]+)(?:\[.*\])?'>|^type\[(\w+)\]$|^\(?class\)? (\w+)|^(?:\(alias\) )?class (\w+)")
_FUNCTION = re.compile(r"^((?:async )?def )\w+")
_NEXT_OVERLOAD = re.compile(r"(?:: \.\.\.)?\n(?:@overload\n)?(?=(?:async )?def )")
_NAMED = re.compile(r"\*|\w+\s*[:=]")
_UNTYPED = re.compile(r": Unknown(?=[,)]| =)")
_BLANK_BEFORE = re.compile(r" ([:,)])")
_SCRIPT_KIND = re.compile(r"^\((?:alias|parameter|method|property|local var|local function|constant|function)\) ")
_SCRIPT_MEMBER = re.compile(r"^\((?:method|property)\) (\w+)(?:<.*?>)?\.\w+")
_OF_EACH = re.compile(r"\(\(\s*self\s*: (\w+)")  # a member of a union, in pyrefly's words
_SCRIPT_WORD = re.compile(r"^(?:const|let|var) ")


def cleaned(detail: str) -> str:
    """A signature as ty words it: pyrefly says `def moved(self: Point, by: Point) -> Point: ...` of a bound method.

    Of several overloads the first is told.
    """
    detail = _first_overload(_HOVERED.sub("", detail.strip())).removesuffix(": ...")
    if match := _WITH_SELF.match(detail):
        return f"bound method {match[2]}.{match[1]}({detail[match.end() :].lstrip()}"
    return detail


def _first_overload(detail: str) -> str:
    """`Overload[(a: int) -> A, (b: str) -> B]` → `(a: int) -> A`; hovers have each in a line, with its decorator."""
    if detail.startswith("Overload[") and detail.endswith("]"):
        return next(split(detail.removeprefix("Overload[").removesuffix("]")), "")
    return _NEXT_OVERLOAD.split(detail.lstrip().removeprefix("@overload\n"))[0]


def result_type(detail: str) -> str:
    """What calling something gives; empty if it is no function."""
    detail = detail.strip().split("\nimport ")[0]
    if name := class_name(detail):
        return name
    if _SCRIPT_WORD.match(_SCRIPT_KIND.sub("", detail)):
        return ""
    match = _RESULT.match(_behind_parameters(detail))
    return match[1].strip() if match else ""


def value_type(detail: str) -> str:
    """The type of a value that is no function; empty if that is unknown."""
    detail = _SCRIPT_KIND.sub("", detail.strip().split("\nimport ")[0])
    if result_type(detail):
        return ""
    name, colon, declared = detail.partition(": ")
    return declared if colon and " " not in _SCRIPT_WORD.sub("", name) else detail


def class_name(detail: str) -> str:
    """The name of a class, without its module; empty if it is none: `<class 'pkg.Point'>` → `Point`."""
    match = _CLASS.search(detail)
    name = next(filter(None, match.groups()), "") if match else ""
    return name.rpartition(".")[2]


def without_name(detail: str) -> str:
    """A function's signature without its name: `def f(a: A) -> B` → `(a: A) -> B`."""
    return _FUNCTION.sub("", detail)


def is_of_builtin(detail: str) -> bool:
    """Whether it is a member of a type that the language has itself."""
    bound = _BOUND.match(detail) or _SCRIPT_MEMBER.match(detail) or _OF_EACH.match(detail)
    return bool(bound and bound[1] in types.PYTHON_KNOWN | types.TYPESCRIPT_KNOWN)


def says_nothing(detail: str) -> bool:
    """Whether it is a module or the like, a type that the language has itself, or a value of no known type."""
    if class_name(detail) in types.PYTHON_KNOWN or detail in types.UNKNOWN:
        return True
    return detail.startswith(("<special-form", "<module", "(type alias)", "(module)"))


def declaration(expression: str, detail: str, language: str) -> str:
    """How something would stand in a stub: `def make() -> Box: ...`, `box: Box`, a method within its class."""
    detail = detail.strip()
    if language != "python":
        text = shortened(_SCRIPT_KIND.sub("", detail.split("\nimport ")[0]))
        return f"{expression}: {text}" if text == value_type(detail) else text or expression
    name = expression.rpartition(".")[2]
    if bound := _BOUND.match(detail):
        signature = bound[3].replace("(", "(self, ", 1).replace("(self, )", "(self)")
        return f"class {bound[1]}:\n    {_function(f'def {name}', signature)}"
    if known := class_name(detail):
        return f"class {known}: ..."
    function = _FUNCTION.match(detail)
    if function or (detail.startswith("(") and result_type(detail)):
        head, signature = (f"{function[1]}{name}", detail[function.end() :]) if function else (f"def {name}", detail)
        return _function(head, signature) if _has_names(signature) else f"{expression}: {_callable(signature)}"
    detail = types.tidied(shortened(detail))
    return f"{expression}: {detail}" if detail and detail not in types.UNKNOWN else expression


def _function(head: str, signature: str) -> str:
    """A function's line in a stub, without types that nobody knows: `(a: Unknown) -> Unknown` → `(a)`."""
    signature = _UNTYPED.sub("", shortened(signature)).removesuffix(" -> Unknown")
    return f"{shortened(f'{head}{types.tidied(signature)}')}: ..."


def _has_names(signature: str) -> bool:
    """Whether parameters are named: in `(a: int) -> A`, but not in `(int, /) -> A`, nor in `(...) -> A`."""
    parameters = _parameters(signature)
    return (parameters[-1:] != ["/"] and parameters != ["..."]) or any(_NAMED.match(each) for each in parameters)


def _callable(signature: str) -> str:
    """`(int, /) -> A` → `Callable[[int], A]`"""
    parameters = [each for each in _parameters(signature) if each != "/"]
    arguments = "..." if parameters == ["..."] else f"[{', '.join(parameters)}]"
    return types.tidied(f"Callable[{arguments}, {shortened(result_type(signature))}]")


def _parameters(signature: str) -> list[str]:
    start, end = _parentheses(signature)
    return list(split(signature[start + 1 : end - 1]))


def _behind_parameters(detail: str) -> str:
    """What follows the parameters: `def f[T](a: (T) -> str) -> Box` → ` -> Box`."""
    end = _parentheses(detail)[1]
    return detail[end:] if end else ""


def _parentheses(text: str) -> tuple[int, int]:
    """Where the parameters begin and end, with their parentheses; 0 and 0 if there are none."""
    kind = _SCRIPT_KIND.match(text)
    start, depth = -1, 0
    for position in range(kind.end() if kind else 0, len(text)):
        if text[position] == "(" and not depth and start < 0:
            start = position
        depth += (text[position] in "([{") - (text[position] in ")]}")
        if not depth and text[position] == ")" and start >= 0:
            return start, position + 1
    return 0, 0


def shortened(text: str) -> str:
    """In one line; where that is very long, some parameters are left out, not the result."""
    text = re.sub(r"\s+", " ", text).strip()
    text = _BLANK_BEFORE.sub(r"\1", text).replace("( ", "(").replace(",)", ")")
    start, end = _parentheses(text)
    if len(text) <= LONGEST or not end:
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"
    kept, room = list[str](), LONGEST - len(text[:start]) - len(text[end:]) - 5
    for parameter in split(text[start + 1 : end - 1]):
        room -= len(parameter) + 2
        if room < 0:
            break
        kept.append(parameter.strip())
    return f"{text[:start]}({', '.join([*kept, '…'])}){text[end:]}"
