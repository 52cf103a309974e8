"""What repositories offer: each is read in the background, from the first file of it that is opened on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from assistant.languages import language_of
from assistant.types import CompletionRequest
from retrieval.survey import Limits, Survey


class Repositories:
    """One survey for each repository. Files that are open in the editor count as they are there."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits
        self._surveys: dict[Path, Survey] = {}
        self._shown: dict[Path, str] = {}
        self._lock = Lock()

    def open(self, request: CompletionRequest, patience: float = 0.0) -> None:
        """Begins to read a request's repository, and waits for it so many seconds at most."""
        if (survey := self.survey(request)) and patience:
            survey.wait(patience)

    def survey(self, request: CompletionRequest) -> Survey | None:
        """The survey of the repository that a request's file belongs to, if it does to one.

        What the editor shows is read soon, not at once.
        """
        root = request.root
        if root is None or not request.path.is_relative_to(root):
            return None
        with self._lock:
            if root not in self._surveys:
                self._surveys[root] = Survey(root, language_of, self._limits)
            survey = self._surveys[root]
        for file in request.others:
            self._show(survey, file.path, file.text)
        self._show(survey, request.path, request.text)
        return survey

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk."""
        for survey in list(self._surveys.values()):
            survey.files_changed(paths)

    def file_closed(self, path: Path) -> None:
        """Says that an editor shows a file no more: it counts as it is saved, if it is."""
        self._shown.pop(path, None)
        for survey in list(self._surveys.values()):
            survey.edited(path, None)

    def close(self) -> None:
        for survey in list(self._surveys.values()):
            survey.close()
        self._surveys.clear()

    def _show(self, survey: Survey, path: Path, text: str) -> None:
        if self._shown.get(path) != text:
            self._shown[path] = text
            survey.edited(path, text)
