"""The description of what can be asked as a page for people, which loads nothing from anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; } pre { overflow-x: auto; padding: .75rem; background: #8881; }
summary { cursor: pointer; padding: .4rem 0; } summary b { display: inline-block; width: 4rem; }
table { border-collapse: collapse; } td { padding: .15rem 1rem .15rem 0; vertical-align: top; }
@media (prefers-color-scheme: dark) { body { background: #16181d; color: #ddd; } a { color: #8bf; } }
"""


def described(schema: Mapping[str, Any]) -> str:
    """An OpenAPI description as HTML."""
    return "".join(_page(schema))


def _page(schema: Mapping[str, Any]) -> Iterator[str]:
    title = escape(f"{schema['info']['title']} {schema['info']['version']}")
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    yield f"<h1>{title}</h1><p>{escape(schema['info']['description'])}</p>"
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"<details><summary><b>{method.upper()}</b><code>{escape(path)}</code></summary>"
            yield f"<p>{escape(operation.get('description', ''))}</p>"
            yield from _fields(schema, operation)
            yield "</details>"


def _fields(schema: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    """What may stand in the body, a table for each form that it may have."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    for form in body.get("oneOf", [body] if body else []):
        known = _resolved(schema, form)
        required = known.get("required", ())
        yield "<table>"
        for name, field in known.get("properties", {}).items():
            mark = " (needed)" if name in required else ""
            yield f"<tr><td><code>{escape(name)}</code>{mark}<td><code>{escape(_type(field))}</code></tr>"
        yield "</table>"


def _resolved(schema: Mapping[str, Any], form: Mapping[str, Any]) -> Mapping[str, Any]:
    name = form.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = schema["components"]["schemas"].get(name, form)
    return found


def _type(field: Mapping[str, Any]) -> str:
    """`integer, from 1 to 20, 1`: the type, its bounds, the default."""
    kinds = [each for each in field.get("anyOf", [field]) if each.get("type") != "null"]
    told = " or ".join(each.get("type") or each.get("$ref", "any").rpartition("/")[2] for each in kinds)
    least, most = (kinds[0].get(bound) for bound in ("minimum", "maximum")) if kinds else (None, None)
    told += f", from {least}" if least is not None else ""
    told += f" to {most}" if most is not None else ""
    return told + (f", {json.dumps(field['default'])}" if field.get("default") is not None else "")
