"""How analyses word what a name stands for, and how it would stand in a stub: `def make() -> Box`, `<class 'Box'>`."""

from __future__ import annotations

import re

from language_servers.holes import types
from language_servers.signatures import split

LONGEST = 240
"""Code points of a declaration."""

_RESULT = re.compile(r"\s*(?:->|:)\s*(.+)$", re.DOTALL)
_BOUND = re.compile(r"bound method (?:type\[)?([\w.]+)(?:\[.*?\])?\]?\.(\w+)(\(.*)$", re.DOTALL)
_HOVERED = re.compile(r"^\((?:function|method|parameter|variable|attribute|property|constant|field)\) [\w.]+: ")
_WITH_SELF = re.compile(
    r"def (\w+)\(\s*(?:self|cls)\s*: (?:type\[)?(?:Self@)?([\w.]+)(?:\[[^\]]*\])?\]?\s*(?:,\s*|(?=\)))"
)
_CLASS = re.compile(r"<class '([\w.]+)(?:\[.*\])?'>|^type\[(\w+)\]$|^\(?class\)? (\w+)|^(?:\(alias\) )?class (\w+)")
_SCRIPT_KIND = re.compile(r"^\((?:alias|parameter|method|property|local var|local function|constant|function)\) ")
_SCRIPT_MEMBER = re.compile(r"^\((?:method|property)\) (\w+)(?:<.*?>)?\.\w+")
_SCRIPT_WORD = re.compile(r"^(?:const|let|var) ")


def cleaned(detail: str) -> str:
    """A signature as ty words it: pyrefly says `def moved(self: Point, by: Point) -> Point: ...` of a bound method."""
    detail = _HOVERED.sub("", detail.strip()).removesuffix(": ...")
    if match := _WITH_SELF.match(detail):
        return f"bound method {match[2]}.{match[1]}({detail[match.end() :].lstrip()}"
    return detail


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


def is_of_builtin(detail: str) -> bool:
    """Whether it is a member of a type that the language has itself."""
    bound = _BOUND.match(detail) or _SCRIPT_MEMBER.match(detail)
    return bool(bound and bound[1] in types.PYTHON_KNOWN | types.TYPESCRIPT_KNOWN)


def says_nothing(detail: str) -> bool:
    """Whether it is a module or the like, or a type that the language has itself."""
    if class_name(detail) in types.PYTHON_KNOWN:
        return True
    return detail.startswith(("<special-form", "<module", "(type alias)", "(module)"))


def declaration(expression: str, detail: str, language: str) -> str:
    """How something would stand in a stub: `def make() -> Box: ...`, `box: Box`, a method within its class."""
    detail = detail.strip()
    if language != "python":
        text = _in_one_line(_SCRIPT_KIND.sub("", detail.split("\nimport ")[0]))
        return f"{expression}: {text}" if text == value_type(detail) else text or expression
    if bound := _BOUND.match(detail):
        arguments = bound[3][1:]
        itself = "(self" if arguments.startswith(")") else "(self, "
        return f"class {bound[1]}:\n    def {bound[2]}{itself}{_in_one_line(arguments)}: ..."
    if detail.startswith(("def ", "async def ")):
        return f"{_in_one_line(detail)}: ..."
    if name := class_name(detail):
        return f"class {name}: ..."
    if detail.startswith("(") and result_type(detail):
        return f"def {expression.rpartition('.')[2]}{_in_one_line(detail)}: ..."
    return f"{expression}: {_in_one_line(detail)}" if detail else expression


def _behind_parameters(detail: str) -> str:
    """What follows the parameters: `def f(a: (int) -> str) -> Box` → ` -> Box`."""
    start = detail.find("(", 1 if detail.startswith("(") and _SCRIPT_KIND.match(detail) else 0)
    depth = 0
    for position in range(max(start, 0), len(detail)):
        depth += (detail[position] in "([{") - (detail[position] in ")]}")
        if not depth and position > start >= 0:
            return detail[position + 1 :]
    return ""


def _in_one_line(text: str) -> str:
    text = re.sub(r"\s+", " ", text).replace("( ", "(").replace(" )", ")").replace(",)", ")")
    return text if len(text) <= LONGEST else next(split(text, "\n"), "")[: LONGEST - 2] + " …"
