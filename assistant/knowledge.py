"""What is known of the code beside its text: by language servers, of typed holes, of what repositories hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.analysis import Analysis
from assistant.holes import Holes
from assistant.indexes import Indexes, opener
from assistant.repositories import Repositories
from assistant.settings import Settings
from assistant.types import CompletionRequest


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Who knows it. Each begins to look when a file is opened, or when it is first asked, and remembers."""

    analysis: Analysis
    holes: Holes
    repositories: Repositories
    indexes: Indexes

    @classmethod
    def of(cls, analysis: Analysis, settings: Settings) -> Knowledge:
        """What some language servers know, and what can be read."""
        return cls(analysis, Holes(analysis), Repositories(), Indexes(opener(settings)))

    @property
    def waited(self) -> float:
        """The seconds in which language servers were waited for."""
        return self.analysis.waited + self.holes.waited

    def open(self, request: CompletionRequest, patience: float = 0.0) -> None:
        """Gets ready for a file, and waits so many seconds at most for each who knows."""
        self.analysis.open(request, patience)

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk: what is known may hold no longer."""
        self.analysis.files_changed(paths)
        self.holes.files_changed(paths)
        self.repositories.files_changed(paths)
        self.indexes.files_changed(paths)

    def close(self) -> None:
        """Ends the language servers and the threads."""
        self.holes.close()
        self.analysis.close()
        self.repositories.close()
        self.indexes.close()
