"""Which server serves which language, how it starts, and what it is known to get wrong.

Nothing is ever downloaded, and no program in a workspace is run: what is looked at must not decide what is executed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from language_servers import python
from language_servers.analyzer import Kind
from language_servers.shadows import sendable

INTERPRETER = "{interpreter}"
"""Stands for the project's Python in options, settings and environments."""

ENVIRONMENT = "{environment}"
"""Stands for its virtual environment; what is set to it is left out where there is none."""


class Ready(StrEnum):
    """When a server's answers may be believed."""

    SAMPLE = "it answers a sample question"
    PROGRESS = "it has ended what it does at start"
    DIAGNOSTICS = "it has published diagnostics of the file in question"


@dataclass(frozen=True, slots=True)
class Sample:
    """A small file with the members of a value asked for at `‸`, one of which is `member`."""

    name: str
    text: str
    member: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A server. `languages` are LSP identifiers; the program is the first word of `command`.

    `options` go with `initialize`, `settings` are given by section when it asks. `truncates` says that an incomplete
    list lacks names: for most servers it means only that they filter. `brackets` says that it must be asked for the
    names in scope within brackets of their own, `knows_scope` that it tells them all. `patience` is for how many
    seconds it may be silent when asked. `kinds` are those that it uses in a sense of its own. `least` is the oldest
    version that serves, and `version` what its program is given to tell its own, if it can.
    """

    name: str
    languages: tuple[str, ...]
    command: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Ready = Ready.SAMPLE
    truncates: bool = False
    brackets: bool = False
    knows_scope: bool = True
    patience: float = 10
    kinds: Mapping[int, Kind] = field(default_factory=dict)
    least: int = 0
    version: tuple[str, ...] = ("--version",)

    @property
    def program(self) -> str:
        return self.command[0]


_PYTHON = ("python",)
_TYPESCRIPT = ("typescript", "typescriptreact", "javascript", "javascriptreact")
_C = ("c", "cpp")
_VENV = {"VIRTUAL_ENV": ENVIRONMENT}
_TSSERVER_PREFERENCES = {"includeCompletionsForModuleExports": False, "includeCompletionsWithInsertText": False}

CATALOG = (
    Entry(
        "ty",
        _PYTHON,
        ("ty", "server"),
        options={"diagnosticMode": "openFilesOnly", "completions": {"autoImport": False}},
        environment=_VENV,
        brackets=True,
        kinds={12: Kind.VARIABLE, 22: Kind.VARIABLE},
    ),
    Entry(
        "pyrefly",
        _PYTHON,
        ("pyrefly", "lsp"),
        options={"pyrefly": {"displayTypeErrors": "force-on"}},
        settings={"python": {"pythonPath": INTERPRETER, "pyrefly": {"displayTypeErrors": "force-on"}}},
        knows_scope=False,
    ),
    Entry(
        "basedpyright",
        _PYTHON,
        ("basedpyright-langserver", "--stdio"),
        settings={
            "python": {"pythonPath": INTERPRETER},
            "basedpyright": {"analysis": {"autoImportCompletions": False, "typeCheckingMode": "standard"}},
        },
        patience=20,
        version=(),
    ),
    Entry(
        "pyright",
        _PYTHON,
        ("pyright-langserver", "--stdio"),
        settings={"python": {"pythonPath": INTERPRETER, "analysis": {"autoImportCompletions": False}}},
        patience=20,
        version=(),
    ),
    Entry("zuban", _PYTHON, ("zuban", "server"), environment=_VENV),
    Entry(
        "jedi-language-server",
        _PYTHON,
        ("jedi-language-server",),
        options={"completion": {"disableSnippets": True}, "workspace": {"environmentPath": INTERPRETER}},
        patience=20,
    ),
    Entry(
        "typescript",
        _TYPESCRIPT,
        ("tsc", "--lsp", "--stdio"),
        settings={
            section: {"suggest": {"autoImports": False}, "preferences": {"includeCompletionsForModuleExports": False}}
            for section in ("typescript", "javascript", "js/ts")
        },
        least=7,
    ),
    Entry(
        "vtsls",
        _TYPESCRIPT,
        ("vtsls", "--stdio"),
        settings={section: {"suggest": {"autoImports": False}} for section in ("typescript", "javascript")},
        patience=20,
    ),
    Entry(
        "typescript-language-server",
        _TYPESCRIPT,
        ("typescript-language-server", "--stdio"),
        options={"preferences": _TSSERVER_PREFERENCES},
        patience=20,
    ),
    Entry(
        "gopls",
        ("go",),
        ("gopls",),
        options={
            "completionBudget": "0s",
            "completeUnimported": False,
            "deepCompletion": False,
            "matcher": "CaseSensitive",
        },
        environment={"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOSUMDB": "off"},
        ready=Ready.PROGRESS,
        truncates=True,
        patience=20,
        version=("version",),
    ),
    Entry(
        "rust-analyzer",
        ("rust",),
        ("rust-analyzer",),
        options={
            "cachePriming": {"enable": False},
            "cargo": {"buildScripts": {"enable": False}},
            "checkOnSave": False,
            "completion": {
                "autoimport": {"enable": False},
                "limit": None,
                "postfix": {"enable": False},
            },
            "procMacro": {"enable": False},
        },
        environment={"CARGO_NET_OFFLINE": "true"},
        ready=Ready.PROGRESS,
        patience=20,
    ),
    Entry(
        "clangd",
        _C,
        ("clangd", "--limit-results=0", "--header-insertion=never", "--background-index=false", "-j=2"),
        ready=Ready.DIAGNOSTICS,
        truncates=True,
        patience=20,
    ),
    Entry(
        "jdtls",
        ("java",),
        ("jdtls",),
        settings={"java": {"completion": {"maxResults": 0}, "autobuild": {"enabled": False}}},
        ready=Ready.PROGRESS,
        truncates=True,
        patience=60,
        version=(),
    ),
)
"""In the order in which they are taken when several are installed."""

_SCRIPT = 'const value = "";\nvalue.‸;\n'
SAMPLES = {
    "python": Sample("ghostwright_sample.py", 'value = ""\nvalue.‸\n', "startswith"),
    "typescript": Sample("ghostwright_sample.ts", _SCRIPT, "startsWith"),
    "typescriptreact": Sample("ghostwright_sample.tsx", _SCRIPT, "startsWith"),
    "javascript": Sample("ghostwright_sample.js", _SCRIPT, "startsWith"),
    "javascriptreact": Sample("ghostwright_sample.jsx", _SCRIPT, "startsWith"),
    "go": Sample("ghostwright_sample.go", "package main\n\nfunc main() {\n\tvar e error\n\te.‸\n}\n", "Error"),
    "rust": Sample("ghostwright_sample.rs", "fn main() {\n    let s = String::new();\n    s.‸;\n}\n", "push_str"),
    "c": Sample("ghostwright_sample.c", "struct P { int x; };\nint main() { struct P p; p.‸; }\n", "x"),
    "cpp": Sample("ghostwright_sample.cpp", "struct P { int x; };\nint main() { P p; p.‸; }\n", "x"),
    "java": Sample("Sample.java", 'class Sample { void f() { String s = ""; s.‸; } }\n', "length"),
}

READERS = {language: "" for entry in CATALOG for language in entry.languages} | {
    "python": "ty",
    "c": "clangd",
    "cpp": "clangd",
}
"""Choices for a project that is not trusted: the servers that only read it. Others run its interpreter or its build."""


def named(name: str) -> Entry | None:
    """The entry of a name."""
    return next((entry for entry in CATALOG if entry.name == name), None)


def family(language: str) -> tuple[str, ...]:
    """The languages that one server serves together: TypeScript and JavaScript, C and C++."""
    return next((each for each in (_TYPESCRIPT, _C) if language in each), (language,))


def chosen(command: Sequence[str], language: str) -> Entry:
    """An entry for a command line of the user's. What is known of a program holds wherever it is installed."""
    stem = Path(command[0]).name
    known = next((entry for entry in CATALOG if entry.program == stem), None)
    if known:
        return replace(known, command=tuple(command), least=0)
    return Entry(stem, family(language), tuple(command))


def installed(entry: Entry, root: Path | None = None) -> Path | None:
    """The entry's program: beside this Python, then on the PATH, and nowhere in the workspace."""
    if os.sep in entry.program:
        path = Path(entry.program).expanduser()
        return path if path.is_absolute() and os.access(path, os.X_OK) else None
    own = str(Path(sys.executable).parent)
    program = shutil.which(entry.program, path=os.pathsep.join([own, *_trusted_folders(root)]))
    if program is None or not _is_recent(Path(program), entry.least):
        return None
    return Path(program)


def candidates(language: str) -> Iterator[Entry]:
    """The servers of a language, the one to take first."""
    return (entry for entry in CATALOG if language in entry.languages)


def fill(value: Any, root: Path) -> Any:
    """Options and settings as they are for a project: the names of its interpreter and environment put in."""
    if isinstance(value, Mapping):
        filled = {key: fill(each, root) for key, each in value.items()}
        return {key: each for key, each in filled.items() if each != ENVIRONMENT}
    if value == INTERPRETER:
        return sendable(str(python.interpreter(root)))
    if value == ENVIRONMENT:
        found = python.environment(root)
        return str(found) if found else ENVIRONMENT
    return value


def _trusted_folders(root: Path | None) -> Iterable[str]:
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder)]
    return [folder for folder in folders if root is None or not Path(folder).is_relative_to(root)]


@lru_cache
def _is_recent(program: Path, least: int) -> bool:
    """Whether an npm program's package has that major version: asking itself would take longer."""
    if not least:
        return True
    for folder in program.resolve().parents:
        if (manifest := folder / "package.json").is_file():
            try:
                return int(json.loads(manifest.read_bytes())["version"].split(".")[0]) >= least
            except (LookupError, TypeError, ValueError):
                return False
    return False
