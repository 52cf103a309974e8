"""What an editor may show of Ghostwright's state: the notification `didChangeStatus` of the Copilot language server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """`INACTIVE` is for a file or a time in which nothing is offered, and its message says why."""

    NORMAL = "Normal"
    WARNING = "Warning"
    ERROR = "Error"
    INACTIVE = "Inactive"


@dataclass(frozen=True, slots=True)
class Status:
    """A state with a sentence for the user; `busy` while the model works, or code is indexed."""

    kind: Kind
    message: str
    busy: bool = False

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind.value, "message": self.message, "busy": self.busy}
