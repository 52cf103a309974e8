"""Stubs: APIs as a reader needs them who wants to call them, without bodies."""

from __future__ import annotations

from collections.abc import Mapping

from retrieval.api import Api, ApiKind
from retrieval.apis import Apis

MEMBERS = 12
"""Members of a class that its stub shows: those used nearby, then those used most in the repository."""

BASES = 3
"""How many classes of a lineage give members to a stub, with the class itself."""


def stub(apis: Apis, api: Api, used: Mapping[str, int], most: int = MEMBERS) -> str:
    """A class with its bases, attributes and method signatures; a function's signature; a constant's assignment.

    `used` is how often names are used nearby.
    """
    if api.kind is not ApiKind.CLASS:
        return line(api) + "\n"
    members = [each for base in apis.lineage(api)[:BASES] for each in apis.members(base)]
    unique = {each.name: each for each in reversed(members)}
    chosen = sorted(unique.values(), key=lambda each: _rank(apis, each, used))[:most]
    body = [f"    {line(each)}" for each in sorted(chosen, key=lambda each: each.kind is not ApiKind.FIELD)]
    return "\n".join([f"{api.signature}:", *body]) + "\n" if body else f"{api.signature}: ...\n"


def line(api: Api) -> str:
    """A signature as a stub has it; with what its documentation says first, where nothing else explains it."""
    if api.kind in (ApiKind.FUNCTION, ApiKind.METHOD) and api.path.endswith(".py"):
        doc = f"  # {api.doc}" if api.doc and api.kind is ApiKind.FUNCTION else ""
        return f"{api.signature}: ...{doc}"
    if api.kind is ApiKind.FIELD and api.returns and not api.static and ":" not in api.signature.partition("=")[0]:
        return f"{api.name}: {api.returns}"  # `self.items = items` of a parameter `items: list[Item]`
    return api.signature


def _rank(apis: Apis, member: Api, used: Mapping[str, int]) -> tuple[bool, bool, int, str]:
    is_hook = member.name.startswith("_") and member.name != "__init__"
    return not used.get(member.name), is_hook, -apis.uses(member.name), member.name
