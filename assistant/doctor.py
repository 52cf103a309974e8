"""Finds out what is installed, which model is used and why, and what is wrong; completes once and takes the time."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from assistant import app
from assistant import settings as settings_files
from assistant.engine import Assistant
from assistant.errors import GhostwrightError
from assistant.plugins import Plugins
from assistant.settings import Settings
from assistant.threads import cores
from assistant.types import CompletionRequest
from language_servers import survey
from language_servers.analyzer import NoAnswer

SLOW = 20
"""Tokens a second below which completions come too late to be of use."""

_TEST = "def add(first, second):\n    return "


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: `ok`, what was found, and what to do if it is wrong."""

    name: str
    ok: bool
    finding: str
    remedy: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def examine(folder: Path) -> list[Check]:
    """All checks, in an order in which the first failure explains the later ones."""
    checks = [_installation(), _machine()]
    settings, check = _settings(folder)
    checks.append(check)
    plugins = Plugins(settings.disabled_plugins)
    checks += _plugins(plugins)
    checks += _language_servers()
    try:
        assistant = app.assemble(settings, plugins)
    except GhostwrightError as error:
        return [*checks, Check("model", False, str(error), "Correct the setting `model`, or remove it.")]
    return [*checks, *_model(assistant)]


def _installation() -> Check:
    packages = ("llama-cpp-python", "pygls", "tree-sitter")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    own = f"ghostwright {version('ghostwright')}, Python {platform.python_version()}"
    return Check("installation", True, f"{own}, {versions}")


def _machine() -> Check:
    return Check("machine", True, f"{platform.machine()}, {cores()} cores for this process")


def _settings(folder: Path) -> tuple[Settings, Check]:
    possible = (settings_files.user_file(), settings_files.project_file(folder))
    files = [file for file in possible if file and file.is_file()]
    found = ", ".join(map(str, files)) or f"none; defaults hold (the user's file would be {settings_files.user_file()})"
    try:
        return settings_files.load(folder), Check("settings", True, found)
    except GhostwrightError as error:
        return Settings(), Check("settings", False, str(error), "Correct it; until then the defaults hold.")


def _plugins(plugins: Plugins) -> Iterator[Check]:
    working = [plugin.name for plugin in plugins.found if not plugin.problem]
    yield Check("plugins", bool(working), ", ".join(working) or "none", "" if working else "Install Ghostwright again.")
    for plugin in plugins.found:
        if plugin.problem and not plugin.problem.startswith("disabled"):
            yield Check(f"plugin {plugin.name}", False, plugin.problem, f"Update or remove {plugin.origin}.")


def _language_servers() -> Iterator[Check]:
    """Only the one that comes with Ghostwright must work: the others serve languages that nobody may use here."""
    idle = [f"not installed: {', '.join(survey.missing())}"]
    for server in survey.found():
        name = server.entry.name
        try:
            milliseconds = 1000 * survey.timed_members(server)
        except NoAnswer as silence:
            if name == "ty":
                yield Check(f"language server {name}", False, str(silence), "Install Ghostwright again.")
            else:
                idle.append(str(silence))
        else:
            known = f"{server.version or server.program}, for {', '.join(server.entry.languages)}"
            yield Check(f"language server {name}", True, f"{known}: the members of a value in {milliseconds:.0f} ms")
    yield Check("more language servers", True, f"{'; '.join(idle)} (optional)")


def _model(assistant: Assistant) -> Iterator[Check]:
    try:
        seconds = _timed(assistant.load)
        model = assistant.model
        family = model.format
    except Exception as error:  # a model may be a plugin's
        yield Check("model", False, _sentence(error), "Set `model` to a GGUF file of a base model, or to nothing.")
        return
    reason = getattr(model, "format_reason", "")
    languages = ", ".join(sorted(model.languages)) if model.languages else "any language"
    size = f"{model.context_length} tokens of context"
    if assistant.problem:
        yield Check("server", False, assistant.problem, "Start it, or correct the setting `model`.")
    if abilities := getattr(model, "abilities", ""):
        yield Check("server", True, abilities)
    yield Check("model", True, f"{model.name}, for {languages}, {size}, loaded in {seconds:.2f} s")
    yield Check("format", True, f"{family.name}: {reason}" if reason else family.name)
    yield _completion(assistant)


def _completion(assistant: Assistant) -> Check:
    request = CompletionRequest(Path.cwd() / "doctor.py", "python", _TEST, len(_TEST))
    try:
        begin = time.perf_counter()
        answer = assistant.complete(request)
        seconds = time.perf_counter() - begin
    except Exception as error:  # a model may be a plugin's
        return Check("completion", False, _sentence(error), "Report it with the output of `ghostwright -v doctor`.")
    text = answer.completions[0].text if answer.completions else ""
    rate = answer.evaluated / seconds
    finding = f"“return ” → “{text}” in {seconds:.2f} s, {answer.evaluated} tokens at {rate:.0f} a second"
    if not text:
        return Check("completion", False, answer.reason, "Try another model.")
    if rate < SLOW:
        return Check("completion", False, finding, "Another process wants the processor, or the model is too large.")
    return Check("completion", True, finding)


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, GhostwrightError) else f"Something failed: {error!r}"


def _timed(function: Callable[[], None]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin
