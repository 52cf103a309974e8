"""The packages that quality is measured with: those that are looked at while something changes, and the others."""

from __future__ import annotations

from collections.abc import Sequence

REPORTING = (
    "rich", "pygls", "jinja2", "networkx", "docutils", "flask", "werkzeug", "httpx", "starlette", "hypothesis",
    "paramiko", "tornado",
)  # fmt: skip
"""Packages that figures are reported of. Nothing is tuned on them."""

TUNING = ("click", "parso", "jedi", "pygments", "anyio", "attr", "cattrs", "requests", "marshmallow", "mako")
"""Packages to look at while something is being changed: `--packages tuning`."""

FITTED = (
    *TUNING, "aiohttp", "alembic", "astroid", "babel", "celery", "coverage", "dulwich", "fsspec", "invoke", "kombu",
    "lark", "mkdocs", "pylint", "redis", "scrapy", "sphinx", "sqlalchemy", "trio", "twisted", "urllib3",
)  # fmt: skip
"""Packages that the ranking's weights are fitted on."""


def chosen(text: str) -> Sequence[str]:
    """The import names that an option names: `reporting`, `tuning`, or with commas."""
    return {"reporting": REPORTING, "tuning": TUNING}.get(text) or tuple(text.split(","))
