"""Settings: one mapping, from the project's `ghostwright.toml`, the user's, and the editor. Later ones win."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import platformdirs

from assistant.errors import SettingsError

FILE = "ghostwright.toml"

MILVUS = "milvus:"
"""How the setting `index` begins that names a server."""

REMOTE = "remote:"
"""How the setting `model` begins that names servers."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a user may want to change. A constant that nobody needs to change is a constant."""

    model: str = ""
    """A GGUF file, a Hugging Face folder, `huggingface:` and a name on the hub, or `remote:` and servers' addresses.

    Empty for the embedded model, which knows Python.
    """
    automatic: bool = True
    """Whether completions come while typing, or only on request."""
    disabled_languages: list[str] = msgspec.field(default_factory=list)
    """LSP language identifiers in which nothing is shown."""
    max_lines: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    """The longest block, in lines; 1 for single lines only."""
    min_probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3
    """A completion is shown only if its tokens were at least so probable, as a geometric mean."""
    open_files: bool = True
    """Whether other open files may enter the prompt, or the current one only."""
    repository_apis: bool = False
    """Whether stubs of the repository's APIs enter the prompt. With the embedded model they do not pay."""
    code_search: bool | Literal["draft"] = False
    """Whether code like what is being written enters the prompt; the repository is then indexed when it is opened.

    With "draft", on request, code like what the model writes first as well: it then writes a second time.
    """
    index: Annotated[str, msgspec.Meta(pattern=rf"^(?:{MILVUS}.+)?$")] = ""
    """Where the repository's code is indexed: empty for this machine, or `milvus:http://host:19530#name`."""
    encoder: str = ""
    """What the index is made with: a GGUF file, a sentence-transformers model, or empty for the embedded encoder."""
    typed_holes: bool = False
    """Whether the types expected at the cursor, and what in scope gives them, enter the prompt."""
    debounce: Annotated[int, msgspec.Meta(ge=0, le=5000)] = 40
    """Milliseconds without a key before the model is asked, while the user types faster than it answers."""
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    """Threads of the model; 0 finds out while running."""
    idle_minutes: Annotated[float, msgspec.Meta(gt=0)] = 15
    """The model gives its memory back after so long without a request."""
    language_servers: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    """By language: the name of a known server, a command line, or an empty text for none."""
    disabled_plugins: list[str] = msgspec.field(default_factory=list)
    """Names of plugins to leave out."""
    trust_project: bool = True
    """Whether a project's own file may choose models and language servers, and these may run what is in the project.

    That file cannot say so itself.
    """


def load(folder: Path, editor: Mapping[str, Any] | None = None) -> Settings:
    """The settings in force in a folder: the user's file, then the project's, then the editor's.

    Raises SettingsError with the file, the key and what was expected.
    """
    merged: dict[str, Any] = {}
    for path in (user_file(), project_file(folder)):
        if path and path.is_file():
            values = _read(path)
            parse(values, str(path))
            values = _with_paths(values, path.parent)
            if path != user_file():
                _refuse_programs(values, path)
                _refuse_servers(values, path)
                values = _trusted(values, {**merged, **(editor or {})}.get("trust_project", True))
            merged |= values
    if editor:
        parse(editor, "the editor's settings")
        merged |= editor
    return parse(merged, "the settings")


def _refuse_programs(values: Mapping[str, Any], path: Path) -> None:
    """A project's file comes with the project, from whoever wrote it: it starts no programs. Raises SettingsError."""
    for language, choice in values.get("language_servers", {}).items():
        if not isinstance(choice, str):
            raise SettingsError(
                f"{path} names a program to start for {language}: {choice!r}. Only the user's own settings may do so "
                f"({user_file()}, or the editor's); a project may name a known server, e.g. “pyrefly”."
            )


def _refuse_servers(values: Mapping[str, Any], path: Path) -> None:
    """Nor does it say to whom code and queries are sent. Raises SettingsError."""
    for key, scheme, what in (("index", MILVUS, "the index"), ("model", REMOTE, "the model")):
        if str(setting := values.get(key, "")).startswith(scheme):
            raise SettingsError(
                f"{path} names a server for {what}: {setting!r}. Only the user's own settings may do so "
                f"({user_file()}, or the editor's), since the code is sent there."
            )


def _trusted(values: Mapping[str, Any], is_trusted: bool) -> dict[str, Any]:
    """What a project's file may decide: without trust it is not what is read from the disk or started."""
    refused = {"trust_project"} if is_trusted else {"trust_project", "model", "encoder", "language_servers"}
    return {key: value for key, value in values.items() if key not in refused}


def _with_paths(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The paths of models in a settings file count from that file."""
    models = {key: _existing(folder, values[key]) for key in ("model", "encoder") if values.get(key)}
    return values | {key: path for key, path in models.items() if path}


def _existing(folder: Path, name: str) -> str:
    """A path from a folder on; empty if nothing is there: whoever is to load it has a better word for that."""
    try:
        path = folder / Path(name).expanduser()
        return str(path) if path.exists() else ""
    except (OSError, RuntimeError, ValueError):  # too long, or in the home of nobody
        return ""


def parse(values: Mapping[str, Any], origin: str) -> Settings:
    """A mapping as settings. Raises SettingsError, naming `origin`."""
    known = Settings.__struct_fields__
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.5)
            hint = f"Did you mean “{near[0]}”?" if near else f"The settings are {', '.join(known)}."
            raise SettingsError(f"Unknown setting “{key}” in {origin}. {hint}")
    try:
        return msgspec.convert(dict(values), Settings)
    except msgspec.ValidationError as error:
        key = match[1] if (match := re.search(r"\$\.(\w+)", str(error))) else ""
        value = f" = {values[key]!r}" if key in values else ""
        reason = str(error).split(" - at ")[0]
        raise SettingsError(f"Setting “{key}”{value} in {origin}: {reason}.") from None


def user_file() -> Path:
    """Where the user's settings are kept."""
    return Path(os.environ.get("GHOSTWRIGHT_CONFIG") or platformdirs.user_config_path("ghostwright") / FILE)


def project_file(folder: Path) -> Path | None:
    """The settings file of the project that a folder belongs to: the nearest one upwards."""
    return next((parent / FILE for parent in (folder, *folder.parents) if (parent / FILE).is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}. It must be a TOML file in UTF-8.") from None
