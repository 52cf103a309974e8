"""Where a hole stands: what its surroundings say of the type that is expected there, before anybody is asked.

`return ‸` expects what the function declares, `if ‸:` a truth value, `[‸]` an element of what is expected of the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from tree_sitter import Node

from language_servers.holes import types
from language_servers.holes.trees import Tree, enclosing


class Source(StrEnum):
    """Who says what is expected."""

    ANNOTATION = "annotation"
    ARGUMENT = "argument"
    SAMPLE = "the other operand"
    PLACE = "the statement"
    BODY = "body"
    PROBE = "the type checker"


@dataclass(frozen=True, slots=True)
class Slot:
    """What surrounds a hole.

    `places` are stretches of the text in which types are written: the expected one first, then those of the parameters
    around a whole body. `expected` is the first one's type where it can be read. `callee` is where the name of the
    function ends whose argument is missing, `keyword` the parameter's name if it is given, `sample` the offset of a
    name of the type that is expected. `within` leads from the type found to the hole's own.
    """

    source: Source
    expected: str = ""
    places: tuple[tuple[int, int], ...] = ()
    callee: int | None = None
    keyword: str = ""
    sample: int | None = None
    within: tuple[Callable[[str], str], ...] = ()

    def inside(self, step: Callable[[str], str]) -> Slot:
        return replace(self, within=(*self.within, step))

    def narrowed(self, text: str) -> str:
        """The hole's own type, for a type of what it stands in."""
        for step in self.within:
            text = step(text) if text else ""
        return text


_PROBE = Slot(Source.PROBE)
_TRUTH = ("if_statement", "elif_clause", "while_statement", "not_operator", "if_clause")
_FUNCTIONS = ("function_definition", "lambda")


def python_slot(tree: Tree, offset: int, length: int) -> Slot:
    """The slot of a placeholder that was written at an offset of a text."""
    return _slot(tree, tree.at(offset, offset + length))


def _slot(tree: Tree, node: Node) -> Slot:
    """What is expected of a node by what it stands in."""
    parent = node.parent
    if parent is None:
        return _PROBE
    reader = _READERS.get(parent.type)
    if reader:
        return reader(tree, node, parent)
    if parent.type in _TRUTH:
        return Slot(Source.PLACE, "bool")
    return _PROBE


def _asserted(tree: Tree, node: Node, parent: Node) -> Slot:
    """A truth value, or behind the comma what is said where it is false: anything."""
    return Slot(Source.PLACE, "bool" if parent.named_children[0] == node else "")


def _through(tree: Tree, node: Node, parent: Node) -> Slot:
    return _slot(tree, parent)


def _boolean(tree: Tree, node: Node, parent: Node) -> Slot:
    found = _slot(tree, parent)
    return found if found.source is not Source.PROBE else _PROBE


def _chosen(tree: Tree, node: Node, parent: Node) -> Slot:
    is_condition = len(parent.named_children) > 1 and parent.named_children[1] == node
    return Slot(Source.PLACE, "bool") if is_condition else _slot(tree, parent)


def _annotated(tree: Tree, annotation: Node) -> Slot:
    place, text = (tree.start(annotation), tree.end(annotation)), types.unqualified(tree.text(annotation))
    return Slot(Source.ANNOTATION, text, (place,)) if text else Slot(Source.PLACE)


def _assignment(tree: Tree, node: Node, parent: Node) -> Slot:
    if annotation := parent.child_by_field_name("type"):
        return _annotated(tree, annotation)
    left = parent.child_by_field_name("left")
    if left is not None and left.type == "identifier" and (declared := _declared(tree, left)):
        return _annotated(tree, declared)
    return _PROBE


def _declared(tree: Tree, name: Node) -> Node | None:
    """The annotation that a name has where it is declared: in the function or module, or as a parameter."""
    text = tree.text(name)
    scope = enclosing(name, "function_definition", "module")
    if scope is None:
        return None
    parameters = scope.child_by_field_name("parameters")
    for parameter in parameters.named_children if parameters else ():
        if (
            parameter.type in ("typed_parameter", "typed_default_parameter")
            and _parameter_name(tree, parameter) == text
        ):
            return parameter.child_by_field_name("type")
    body = scope.child_by_field_name("body") or scope
    for statement in body.named_children:
        first = statement.named_children[0] if statement.type == "expression_statement" else None
        if first is not None and first.type == "assignment" and first.start_byte < name.start_byte:
            left, annotation = first.child_by_field_name("left"), first.child_by_field_name("type")
            if left is not None and annotation and tree.text(left) == text:
                return annotation
    return None


def _parameter_name(tree: Tree, parameter: Node) -> str:
    """A parameter's name, with the stars of one whose annotation is that of each of its values."""
    name = parameter.child_by_field_name("name") or parameter.named_children[0]
    return tree.text(name)


def _default(tree: Tree, node: Node, parent: Node) -> Slot:
    annotation = parent.child_by_field_name("type")
    return _annotated(tree, annotation) if annotation else _PROBE


def _return(tree: Tree, node: Node, parent: Node) -> Slot:
    function = enclosing(parent, *_FUNCTIONS)
    annotation = function.child_by_field_name("return_type") if function else None
    if annotation is None:
        return Slot(Source.PLACE)
    return _annotated(tree, annotation).inside(types.returned)


def _yield(tree: Tree, node: Node, parent: Node) -> Slot:
    function = enclosing(parent, *_FUNCTIONS)
    annotation = function.child_by_field_name("return_type") if function else None
    if annotation is None:
        return Slot(Source.PLACE)
    found = _annotated(tree, annotation).inside(types.element)
    is_from = any(child.type == "from" for child in parent.children)
    return found.inside(lambda text: f"Iterable[{text}]") if is_from else found


def _argument(tree: Tree, node: Node, parent: Node) -> Slot:
    call = parent.parent
    if call is None or call.type != "call":  # the bases of a class
        return Slot(Source.PLACE)
    return _of_call(tree, call)


def _of_call(tree: Tree, call: Node, keyword: str = "") -> Slot:
    function = call.child_by_field_name("function") or call.child_by_field_name("constructor")
    if function is None:
        return _PROBE
    attribute = function.child_by_field_name("attribute") or function.child_by_field_name("property")
    callee = tree.start(attribute or function)
    return Slot(Source.ARGUMENT, callee=callee, keyword=keyword)


def _keyword(tree: Tree, node: Node, parent: Node) -> Slot:
    name = parent.child_by_field_name("name")
    arguments = parent.parent
    call = arguments.parent if arguments else None
    if name is None or name == node or call is None or call.type != "call":
        return _PROBE
    return _of_call(tree, call, tree.text(name))


def _collection(tree: Tree, node: Node, parent: Node) -> Slot:
    index = parent.named_children.index(node) if node in parent.named_children else 0
    found = _slot(tree, parent)
    is_fixed = parent.type in ("tuple", "expression_list")
    return found.inside(lambda text: types.item(text, index)) if is_fixed else found.inside(types.element)


def _pair(tree: Tree, node: Node, parent: Node) -> Slot:
    """A dictionary's key or value. What a TypedDict expects, only the probe tells."""
    dictionary = parent.parent
    if dictionary is None or dictionary.type not in ("dictionary", "dictionary_comprehension"):
        return _PROBE
    found = _slot(tree, dictionary)
    return found.inside(types.key if parent.child_by_field_name("key") == node else types.value)


def _comprehension(tree: Tree, node: Node, parent: Node) -> Slot:
    is_body = parent.child_by_field_name("body") == node
    return _slot(tree, parent).inside(types.element) if is_body else _PROBE


def _iterated(tree: Tree, node: Node, parent: Node) -> Slot:
    left = parent.child_by_field_name("left")
    if left == node:
        return _PROBE
    wrapper = "AsyncIterable" if any(child.type == "async" for child in parent.children) else "Iterable"
    declared = _declared(tree, left) if left is not None and left.type == "identifier" else None
    if declared:
        return _annotated(tree, declared).inside(lambda text: f"{wrapper}[{text}]")
    return Slot(Source.PLACE, wrapper)


def _awaited(tree: Tree, node: Node, parent: Node) -> Slot:
    found = _slot(tree, parent)
    if found.source in (Source.PROBE, Source.BODY):
        return Slot(Source.PLACE, "Awaitable")
    return found.inside(lambda text: f"Awaitable[{text}]")


def _managed(tree: Tree, node: Node, parent: Node) -> Slot:
    statement = enclosing(parent, "with_statement")
    is_async = statement is not None and statement.children[0].type == "async"
    return Slot(Source.PLACE, "AsyncContextManager" if is_async else "ContextManager")


def _raised(tree: Tree, node: Node, parent: Node) -> Slot:
    return Slot(Source.PLACE, "BaseException")


def _caught(tree: Tree, node: Node, parent: Node) -> Slot:
    return Slot(Source.PLACE, "type[BaseException]")


def _operand(tree: Tree, node: Node, parent: Node) -> Slot:
    """What is compared or added is, most often, of the other operand's type; not what it is looked for in."""
    if any(child.type in ("in", "not in") for child in parent.children):
        return Slot(Source.PLACE)
    others = [each for each in parent.named_children if each != node and each.type in ("identifier", "attribute")]
    if not others:
        return Slot(Source.PLACE)
    last = others[0].child_by_field_name("attribute") or others[0]
    return Slot(Source.SAMPLE, sample=tree.start(last))


def _statement(tree: Tree, node: Node, parent: Node) -> Slot:
    """A statement that is missing: the function's whole body, as far as types tell."""
    function = enclosing(parent, "function_definition", "class_definition")
    if function is None or function.type != "function_definition":
        return Slot(Source.PLACE)
    return function_slot(tree, function)


def function_slot(tree: Tree, function: Node) -> Slot:
    """The types that a function declares: what it returns, and what it is given."""
    returned = function.child_by_field_name("return_type")
    parameters = function.child_by_field_name("parameters")
    given = [each.child_by_field_name("type") for each in (parameters.named_children if parameters else ())]
    places = tuple((tree.start(each), tree.end(each)) for each in (returned, *given) if each is not None)
    expected = types.unquoted(tree.text(returned)) if returned is not None else ""
    return Slot(Source.BODY, expected, places)


_READERS: dict[str, Callable[[Tree, Node, Node], Slot]] = {
    "argument_list": _argument,
    "assert_statement": _asserted,
    "assignment": _assignment,
    "await": _awaited,
    "as_pattern": _through,
    "binary_operator": _operand,
    "boolean_operator": _boolean,
    "comparison_operator": _operand,
    "conditional_expression": _chosen,
    "dictionary_comprehension": _comprehension,
    "except_clause": _caught,
    "expression_list": _collection,
    "expression_statement": _statement,
    "for_in_clause": _iterated,
    "for_statement": _iterated,
    "generator_expression": _comprehension,
    "keyword_argument": _keyword,
    "list": _collection,
    "list_comprehension": _comprehension,
    "list_splat": lambda tree, node, parent: _slot(tree, parent).inside(lambda text: f"Iterable[{text}]"),
    "named_expression": _through,
    "pair": _pair,
    "parenthesized_expression": _through,
    "raise_statement": _raised,
    "return_statement": _return,
    "set": _collection,
    "set_comprehension": _comprehension,
    "tuple": _collection,
    "typed_default_parameter": _default,
    "with_item": _managed,
    "yield": _yield,
}
