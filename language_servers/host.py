"""The editor's side towards a server: what we say that we can do, and how we answer what it asks of us."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from language_servers.catalog import Entry, fill
from language_servers.messages import ConfigurationRequest, Progress, Registrations, Status
from language_servers.shadows import sendable


class Host:
    """Answers a server's requests, and knows whether it is still busy with what it does at start."""

    def __init__(self, entry: Entry, root: Path) -> None:
        self.registered: set[str] = set()
        self.settings = fill(entry.settings, root)
        self._options = fill(entry.options, root)
        self._root = root
        self._working: set[int | str] = set()
        self._worked = False

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is going on that it has told of."""
        return not self._working

    @property
    def has_worked(self) -> bool:
        """Whether something that it has told of has ended."""
        return self._worked

    def greeting(self) -> dict[str, object]:
        """The parameters of `initialize`."""
        return {
            "processId": os.getpid(),
            "clientInfo": {"name": "ghostwright"},
            "rootUri": self._root.as_uri(),
            "rootPath": sendable(str(self._root)),
            "workspaceFolders": self._folders(),
            "capabilities": _CAPABILITIES,
            "initializationOptions": self._options,
        }

    def answer(self, method: str, parameters: msgspec.Raw) -> object:
        """What it asks of us. An error would end some servers, so what nobody knows is answered with null."""
        if method == "workspace/configuration":
            wanted = msgspec.json.decode(parameters, type=ConfigurationRequest)
            return [_section(self.settings, item.section or "") for item in wanted.items]
        if method == "client/registerCapability":
            registrations = msgspec.json.decode(parameters, type=Registrations).registrations
            self.registered |= {each.method for each in registrations}
        if method == "workspace/workspaceFolders":
            return self._folders()
        return {"applied": False} if method == "workspace/applyEdit" else None

    def notice(self, method: str, parameters: msgspec.Raw) -> None:
        """What it tells of its work."""
        if method == "$/progress":
            self._follow(msgspec.json.decode(parameters, type=Progress))
        elif method in ("experimental/serverStatus", "language/status"):
            status = msgspec.json.decode(parameters, type=Status)
            if status.quiescent or status.type in ("Started", "ServiceReady"):
                self._worked = True
                self._working.clear()

    def _follow(self, progress: Progress) -> None:
        kind = progress.value.get("kind") if isinstance(progress.value, dict) else None
        if kind == "begin":
            self._working.add(progress.token)
        elif kind == "end":
            self._working.discard(progress.token)
            self._worked = True

    def _folders(self) -> list[dict[str, str]]:
        return [{"uri": self._root.as_uri(), "name": sendable(self._root.name)}]


def _section(settings: Any, name: str) -> Any:
    """The settings of a section: `python.analysis` lies in `python`. None where nothing is set."""
    for part in filter(None, name.split(".")):
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings


_CAPABILITIES = {
    "general": {"positionEncodings": ["utf-32", "utf-8", "utf-16"]},
    "window": {"workDoneProgress": True},
    "experimental": {"serverStatusNotification": True},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "didChangeConfiguration": {"dynamicRegistration": True},
    },
    "textDocument": {
        "synchronization": {},
        "completion": {
            "completionItem": {"snippetSupport": False, "documentationFormat": ["plaintext"]},
            "completionItemKind": {"valueSet": list(range(1, 26))},
            "contextSupport": True,
        },
        "signatureHelp": {
            "signatureInformation": {
                "activeParameterSupport": True,
                "documentationFormat": ["plaintext"],
                "noActiveParameterSupport": True,
                "parameterInformation": {"labelOffsetSupport": True},
            },
            "contextSupport": True,
        },
        "hover": {"contentFormat": ["plaintext"]},
        "typeDefinition": {"linkSupport": True},
        "documentSymbol": {
            "hierarchicalDocumentSymbolSupport": True,
            "symbolKind": {"valueSet": list(range(1, 27))},
        },
        "diagnostic": {"dynamicRegistration": True},
        "publishDiagnostics": {"versionSupport": True},
    },
}
"""Dynamic registration has some servers answer for diagnostics instead of publishing them."""
