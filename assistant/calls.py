"""The call of an API at a cursor, as far as it can be written without a model: how it begins, and what it imports.

A model goes on behind the bracket. So it calls what it was meant to, and the monitors know the arguments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from assistant.guards import View
from assistant.languages import comment_mark, language_of
from assistant.receivers import receiver
from assistant.text import indentation, line_end, line_offset, line_start
from assistant.types import CompletionRequest, Snippet, Trigger, name_in
from retrieval.api import Api, ApiKind
from retrieval.apis import Apis
from retrieval.importing import import_of, is_at_hand, outermost, place_of_imports
from retrieval.inference import Inference
from retrieval.scopes import scope_of
from retrieval.stubs import line, stub
from retrieval.values import Value

SHOWN = 4
"""APIs whose stubs the model sees."""

MEMBERS = 6
"""Members that the stub of a class shows."""

WORDS = 6
"""Words of the request that a scratch function is named by."""

_KIN = {"javascriptreact": "javascript", "typescript": "javascript", "typescriptreact": "javascript", "cpp": "c"}
_CONSTRUCTORS = frozenset(("__init__", "__new__", "constructor", "initialize", "__construct"))
_WITH_NEW = frozenset(("javascript", "java", "csharp", "php"))
_CALLABLE = (ApiKind.FUNCTION, ApiKind.METHOD, ApiKind.CLASS)
_ENUMS = ("Enum", "Flag", "Choices")
_TYPED = re.compile(r"(\.|->|::)?\s*((?:[^\W\d]\w*)?)\Z")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Call:
    """What may be inserted at a cursor.

    `begun` is how it begins, `outline` the whole with the names of the parameters, `behind` what parts it from the rest
    of the line. `request` is for the model, which goes on behind `begun`; None where nothing is left to write. `note`
    says what the call needs beside its imports, or why there is none.
    """

    begun: str = ""
    outline: str = ""
    behind: str = ""
    imports: tuple[str, ...] = ()
    request: CompletionRequest | None = None
    note: str = ""


def kin(language: str) -> str:
    """The same for languages that call each other's code."""
    return _KIN.get(language, language)


def call_of(apis: Apis, request: CompletionRequest, found: Sequence[Api], wish: str) -> Call:
    """A call of the first of some APIs that may stand at the cursor; `wish` says in words what it is for."""
    place = _Place(apis, request)
    if not place.is_in_code:
        return Call(note="The cursor stands in a string or a comment: no call is written there.")
    api = next(filter(place.takes, found), None)
    if api is None:
        return Call(note=f"None of these can follow “{place.line.strip()}”.")
    begun = place.callee(api)[len(place.typed) :]
    if not _is_called(api):
        return Call(begun, begun, place.behind, place.imports(api), note=place.note(api))
    declared = _declaration(apis, api)
    arguments = _arguments(apis, declared)
    call = Call(f"{begun}(", f"{begun}({', '.join(arguments)})", place.behind, place.imports(api), note=place.note(api))
    if not (arguments or declared.parameters) or _language(api) != kin(request.language):
        return call
    above = _scratch(place, api, call, wish, declared) if place.is_scratch else _above(place, call, wish)
    return replace(call, request=_for_model(place, above, call, [api, *found]))


class _Place:
    """A cursor, and what is known of it.

    `line` is the cursor's line up to it, `typed` the name that it ends with; `is_member` says that one follows a dot.
    `behind` parts what is inserted from the code that begins at the cursor, if the line does.
    """

    def __init__(self, apis: Apis, request: CompletionRequest) -> None:
        self.apis, self.request = apis, request
        self.path = name_in(request.root, request.path)
        self.is_scratch = not request.text.strip()
        self.line = request.prefix[line_start(request.text, request.offset) :]
        rest = request.text[request.offset : line_end(request.text, request.offset)]
        newline = "\r\n" if "\r\n" in request.text else "\n"
        self.behind = f"{newline}{self.line}" if rest.strip() and not self.line.strip() else ""
        end = _TYPED.search(self.line)
        self.is_member, self.typed = bool(end and end[1]), end[2] if end else ""
        self._scope = scope_of(request.prefix, request.language)
        self._inference = Inference(apis, self.path, request.language, self._scope, request.prefix)

    @property
    def is_in_code(self) -> bool:
        return self.is_scratch or View(self.request).in_code

    def takes(self, api: Api) -> bool:
        """Whether it may stand behind what is typed."""
        if self.is_member and not (api.owner and self._is_of_receiver(api)):
            return False
        return self.callee(api).startswith(self.typed)

    def callee(self, api: Api) -> str:
        """What is called, behind a dot without what stands before it: `inventory.add`, `add`, `new Item`."""
        if self.is_member:
            return api.name
        if api.name in _CONSTRUCTORS or api.kind is ApiKind.CLASS:
            new = "new " if _language(api) in _WITH_NEW else ""
            return new + (api.owner if api.name in _CONSTRUCTORS else api.within)
        waits = "await " if api.signature.startswith("async ") and not self.line.strip() else ""
        return waits + (f"{self._receiver(api)}.{api.name}" if api.owner else api.name)

    def imports(self, api: Api) -> tuple[str, ...]:
        """What the file has to import before it can name it."""
        if self.request.language != "python" or _language(api) != "python" or is_at_hand(self.apis, api, self.path):
            return ()
        if self._is_in_scope(api) and not self.is_scratch:
            return ()
        return tuple(filter(None, [import_of(self.apis, api, self.path)]))

    def note(self, api: Api) -> str:
        """What a reader has to fill in, in a sentence."""
        if not needs_receiver(api) or self._is_in_scope(api):
            return ""
        return f"“{variable(api)}” stands for a value of {outermost(api)}."

    def _receiver(self, api: Api) -> str:
        return api.owner if not needs_receiver(api) else self._variable_of(api) or variable(api)

    def _is_in_scope(self, api: Api) -> bool:
        return self.is_member or (needs_receiver(api) and bool(self._variable_of(api)))

    def _variable_of(self, api: Api) -> str:
        """A variable in scope that has it as a member; empty if there is none."""
        own = self._inference.own_class()
        if own and self._has(own, api):
            return "self" if self.request.language == "python" else "this"
        names = reversed(list(self._scope.variables))
        return next((name for name in names if self._is_member(self._inference.variable(name), api)), "")

    def _is_of_receiver(self, api: Api) -> bool:
        value = self._inference.of(receiver(View(self.request.cut(len(self.typed)))))
        return value is None or self._is_member(value, api)

    def _is_member(self, value: Value | None, api: Api) -> bool:
        return any(self._has(cls, api) for cls in self._inference.classes(value))

    def _has(self, cls: Api, api: Api) -> bool:
        return any(each.path == api.path and each.within == api.owner for each in self.apis.lineage(cls))


def _for_model(place: _Place, above: str, call: Call, found: Sequence[Api]) -> CompletionRequest:
    """The request with the call begun at the cursor, behind what stands above it."""
    request = place.request
    shown = list(dict.fromkeys(found))[:SHOWN]
    return replace(
        request,
        text=above + call.begun + call.behind + request.suffix,
        offset=len(above) + len(call.begun),
        trigger=Trigger.INVOKED,
        candidates=1,
        others=(),
        given=tuple(Snippet(_stub(place.apis, each), 1.0, "ask", each.path) for each in shown),
    )


def _above(place: _Place, call: Call, wish: str) -> str:
    """The file up to the cursor, with imports, and with what the call is for as a comment above its line."""
    request = place.request
    start = request.offset - len(place.line)
    before = request.text[:start]
    top = min(line_offset(before, place_of_imports(before)), start) if call.imports else 0
    imports = "".join(f"{each}\n" for each in call.imports)
    comment = f"{indentation(place.line)}{comment_mark(request.language)} {wish}\n"
    return before[:top] + imports + before[top:] + comment + place.line


def _scratch(place: _Place, api: Api, call: Call, wish: str, declared: Api) -> str:
    """A Python function around the call, with what that may need as parameters.

    Their names are those of the API's own, so its signature stands above the call. Where there is code around the
    cursor it does not: a model that sees it writes the parameters' names instead of the values that are there.
    """
    name = "_".join(re.findall(r"[^\W_]+", wish.lower())[:WORDS])
    receiver = [f"{variable(api)}: {outermost(api)}"] if needs_receiver(api) else []
    given = dict.fromkeys((*receiver, *(each.partition("=")[0] for each in _arguments(place.apis, declared))))
    define = "async def" if call.begun.startswith("await ") else "def"
    head = f"{define} {name if name.isidentifier() else 'example'}({', '.join(given)}):\n"
    indent = place.request.indent
    return "\n".join(call.imports) + f"\n\n\n{head}{indent}# {wish}\n{indent}# {declared.signature}\n{indent}"


def _stub(apis: Apis, api: Api) -> str:
    """A stub of an API; of a member within its class."""
    if api.owner:
        return f"class {api.owner.rpartition('.')[2]}:\n    {line(api)}\n"
    return stub(apis, api, {}, MEMBERS)


def _declaration(apis: Apis, api: Api) -> Api:
    """What says what a call takes: of a class its constructor, if it has one."""
    if api.kind is not ApiKind.CLASS:
        return api
    members = (each for cls in apis.lineage(api) for each in apis.members(cls))
    return next((each for each in members if each.name in _CONSTRUCTORS), api)


def _arguments(apis: Apis, api: Api) -> tuple[str, ...]:
    """What a call has to be given, by the names of the parameters: `item`, `key=key`."""
    if api.kind is ApiKind.CLASS:
        return tuple(
            each.name
            for each in apis.members(api)
            if each.kind is ApiKind.FIELD and each.signature.startswith(f"{each.name}:") and "=" not in each.signature
        )
    return _required(api) if api.path.endswith((".py", ".pyi")) else api.parameters


def _required(api: Api) -> tuple[str, ...]:
    """The parameters of a Python function that have no default; all of them where its signature is cut off."""
    try:
        definition = ast.parse(f"{api.signature}: ...").body[0]
    except SyntaxError:
        return api.parameters
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
    given = definition.args
    positional = [*given.posonlyargs, *given.args]
    names = [each.arg for each in positional[: len(positional) - len(given.defaults)] if each.arg in api.parameters]
    keywords = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return (*names, *(f"{each.arg}={each.arg}" for each, default in keywords if default is None))


def _is_called(api: Api) -> bool:
    return api.kind in _CALLABLE and not any(base.endswith(_ENUMS) for base in api.bases)


def needs_receiver(api: Api) -> bool:
    """Whether it is a member of instances, not of the class itself."""
    is_type = api.kind is ApiKind.CLASS or api.name in _CONSTRUCTORS
    return bool(api.owner) and not api.static and not is_type


def variable(api: Api) -> str:
    """What a value of its class may be called: `OrderItem` → `order_item`."""
    return _HUMP.sub("_", outermost(api)).lower()


def _language(api: Api) -> str:
    return kin(language_of(PurePosixPath(api.path)))
