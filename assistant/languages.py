"""Languages by their LSP identifiers: which a file is written in, and how it marks comments."""

from __future__ import annotations

from collections.abc import Container
from pathlib import PurePath

_BY_SUFFIX = {
    ".py": "python", ".pyi": "python", ".pyw": "python",
    ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "javascriptreact",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "typescriptreact",
    ".java": "java", ".go": "go", ".rs": "rust", ".rb": "ruby", ".php": "php", ".cs": "csharp",
    ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hh": "cpp", ".hpp": "cpp", ".hxx": "cpp",
    ".sh": "shellscript", ".bash": "shellscript", ".lua": "lua", ".kt": "kotlin", ".swift": "swift", ".scala": "scala",
    ".sql": "sql", ".html": "html", ".css": "css", ".json": "json", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml",
    ".md": "markdown", ".tex": "latex", ".r": "r", ".jl": "julia", ".pl": "perl", ".hs": "haskell", ".el": "elisp",
}  # fmt: skip
_BY_NAME = {"Makefile": "makefile", "Dockerfile": "dockerfile", "Rakefile": "ruby", "Gemfile": "ruby"}

_HASH = {"python", "ruby", "shellscript", "makefile", "dockerfile", "toml", "yaml", "r", "julia", "perl"}
_DASHES = {"lua", "sql", "haskell"}


def language_of(path: PurePath) -> str:
    """`app.py` → `python`; `plaintext` where the name says nothing."""
    return _BY_NAME.get(path.name) or _BY_SUFFIX.get(path.suffix.lower(), "plaintext")


def patterns(languages: Container[str]) -> list[str]:
    """How files of some languages are called: `*.py`, `*.pyi`, `Gemfile`."""
    names = {**{f"*{suffix}": language for suffix, language in _BY_SUFFIX.items()}, **_BY_NAME}
    return [name for name, language in names.items() if language in languages]


def comment_mark(language: str) -> str:
    """What begins a comment that ends with its line: `#`, `//`, `--`."""
    if language in _HASH:
        return "#"
    return "--" if language in _DASHES else "//"
