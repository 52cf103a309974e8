"""What one editor's session consists of: its settings, its assistant, and what it has been told so far."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant import app
from assistant import settings as settings_files
from assistant.errors import Cancelled, GhostwrightError
from assistant.indexes import Progress
from assistant.knowledge import Knowledge
from assistant.plugins import Plugins
from assistant.settings import Settings
from assistant.status import Kind, Status
from assistant.types import Answer, CompletionRequest, Trigger
from assistant.worker import Worker

log = logging.getLogger(__name__)

DEADLINE = 60.0
"""Seconds after which a model that does not answer is given up and started anew; it includes loading a large one."""

STARTING = Status(Kind.NORMAL, "Starting")

SUPERSEDED = Answer(reason="A newer request has come.")


class Session:
    """Answers requests by what is cheapest: not at all, from memory, after a pause in typing, from the model.

    `tell` passes a status on to the editor, `complain` shows a message; each is called once for each cause.
    """

    def __init__(self, tell: Callable[[Status], None], complain: Callable[[str], None]) -> None:
        self.settings = Settings()
        self.counts: Counter[str] = Counter()
        self.status = STARTING
        self._tell = tell
        self._complain = complain
        self._complaints: set[str] = set()
        self._worker: Worker | None = None
        self._folder = Path.cwd()
        self._editor: Mapping[str, Any] = {}
        self._tickets = itertools.count()
        self._newest = -1
        self._writing = 0
        self._hurried = False  # the last request was given up: the user types faster than the model writes
        self._problem = ""
        self._snooze = self._snoozed_until = 0.0

    @property
    def evaluated(self) -> int:
        """How many tokens the model has computed."""
        return self._worker.assistant.model.evaluated if self._worker else 0

    @property
    def knowledge(self) -> Knowledge | None:
        """What is known of the code, as long as these settings are in force."""
        return self._worker.assistant.knowledge if self._worker else None

    @property
    def indexing(self) -> Progress | None:
        """How far the indexing of a repository has come; None if there is none."""
        return self.knowledge.indexes.progress if self.knowledge else None

    def configure(self, folder: Path | None = None, editor: Mapping[str, Any] | None = None) -> None:
        """Takes over settings from the files of a folder and `editor`, all that are set there.

        Wrong ones leave the old ones in force.
        """
        self._folder = folder or self._folder
        editor = self._editor if editor is None else editor
        try:
            settings = settings_files.load(self._folder, editor)
            if self._worker is None or settings != self.settings:
                self._replace_worker(settings)
            self._editor, self._problem = editor, ""
        except GhostwrightError as error:
            self._problem = str(error)
            self._fail(error)
            if self._worker is None:
                self._start_with_defaults()

    async def load(self) -> None:
        """Gets the model ready."""
        if self._worker is None:
            return
        try:
            await self._worker.load()
        except Cancelled:  # a request came meanwhile, which loads it
            return
        except Exception as error:
            self._fail(error)
        else:
            if not self._writing and self.status.kind is not Kind.INACTIVE:
                self._set_status(self._at_rest())

    def open(self, request: CompletionRequest) -> None:
        """Gets ready for a file that the user has opened: its language server starts."""
        if self._worker:
            self._worker.assistant.open(request)

    def focus(self, request: CompletionRequest) -> None:
        """Has the status say whether anything is offered in the file that the user has turned to."""
        is_told = self.status.kind in (Kind.NORMAL, Kind.INACTIVE) and time.monotonic() >= self._snoozed_until
        if self._worker is None or self._writing or self.status == STARTING or not is_told:
            return
        if reason := self._worker.assistant.inactive(request):
            self._set_status(Status(Kind.INACTIVE, reason))
        elif self.status.kind is Kind.INACTIVE:
            self._set_status(self._at_rest())

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk: were created, written or deleted. From any thread."""
        if worker := self._worker:
            worker.assistant.files_changed(paths)

    def closed(self, path: Path) -> None:
        """Says that the user has closed a file, whether saved or not."""
        if self.knowledge:
            self.knowledge.repositories.file_closed(path)

    def show_indexing(self) -> None:
        """Has the status say how far indexing has come, unless there is something else to say."""
        if self.status.kind is Kind.NORMAL and self.status != STARTING and not self._writing:
            self._set_status(self._at_rest())

    async def complete(self, request: CompletionRequest) -> Answer:
        """The answer to a request; an empty one with a reason if there is nothing to show, whatever went wrong."""
        ticket = self._newest = next(self._tickets)
        if self._worker is None:
            return Answer(reason=self.status.message)
        if reason := self._silent(request):
            return Answer(reason=reason, inactive=True)
        if reason := self._worker.assistant.inactive(request):
            self._worker.cancel()
            self._set_status(Status(Kind.INACTIVE, reason))
            return Answer(reason=reason, inactive=True)
        if recalled := self._worker.assistant.recalled(request):
            self._worker.cancel()
            self._set_status(self._at_rest())
            return recalled
        hurried, self._hurried = self._hurried, True
        if hurried and request.trigger is Trigger.AUTOMATIC:
            await asyncio.sleep(self.settings.debounce / 1000)
        if ticket != self._newest:
            return SUPERSEDED
        answer = await self._ask(request)
        self._hurried = answer is SUPERSEDED
        return answer

    def recalled(self, request: CompletionRequest) -> Answer:
        """What can be answered without the model."""
        if self._worker is None or (reason := self._silent(request)):
            return Answer(reason=reason if self._worker else self.status.message)
        return self._worker.assistant.recalled(request) or Answer(reason="The model is asked on request only.")

    def snooze(self, minutes: float) -> None:
        """Stays silent while the user types for so long; 0 ends it."""
        self._snooze, self._snoozed_until = minutes, time.monotonic() + minutes * 60
        self._set_status(self._at_rest())

    def close(self) -> None:
        """Ends what is running."""
        if self._worker:
            self._worker.close()
            self._worker = None

    async def _ask(self, request: CompletionRequest) -> Answer:
        assert self._worker is not None
        worker = self._worker
        self._writing += 1
        self._set_status(Status(Kind.NORMAL, "Writing", busy=True))
        try:
            return await asyncio.wait_for(worker.complete(request), DEADLINE)
        except Cancelled:
            return SUPERSEDED
        except TimeoutError:
            self._revive()
        except Exception as error:
            self._fail(error)
        finally:
            self._writing -= 1
            if self.status.busy and not self._writing:
                self._set_status(self._at_rest())
        return Answer(reason=self.status.message)

    def _silent(self, request: CompletionRequest) -> str:
        """Why nothing is shown although the file is no reason."""
        if request.trigger is Trigger.INVOKED:
            return ""
        if not self.settings.automatic:
            return "Completion comes on request only (setting `automatic`)."
        return "Snoozed." if time.monotonic() < self._snoozed_until else ""

    def _replace_worker(self, settings: Settings) -> None:
        kept = self._worker.assistant.models if self._worker and _same_model(settings, self.settings) else ()
        assistant = app.assemble(settings, Plugins(settings.disabled_plugins), kept)
        if self._worker:
            self._worker.close(unload=not kept)
        self._worker = Worker(assistant, settings.idle_minutes * 60)
        self.settings = settings

    def _start_with_defaults(self) -> None:
        try:
            self._replace_worker(Settings())
        except GhostwrightError as error:
            self._fail(error)

    def _revive(self) -> None:
        """Leaves a thread that hangs to itself and starts anew."""
        log.error("The model did not answer within %g seconds and is started anew", DEADLINE)
        assert self._worker is not None
        self._worker.abandon()
        self._worker = None
        self._set_status(Status(Kind.WARNING, "The model hung and is started anew."))
        self._replace_worker(self.settings)

    def _fail(self, error: Exception) -> None:
        """What is not one of ours comes from a plugin, or is a fault of ours: the log has the rest."""
        message = str(error) if isinstance(error, GhostwrightError) else f"Something failed, see the log: {error!r}"
        self._set_status(Status(Kind.ERROR, message))
        if message not in self._complaints:
            self._complaints.add(message)
            log.error("%s", message, exc_info=None if isinstance(error, GhostwrightError) else error)
            self._complain(message)

    def _at_rest(self) -> Status:
        """The status while nothing is written; wrong settings are told until they are corrected."""
        if self._problem or self._worker is None:
            return Status(Kind.ERROR, self._problem or "There is no model.")
        if time.monotonic() < self._snoozed_until:
            return Status(Kind.INACTIVE, f"Snoozed for {self._snooze:g} minutes.")
        if progress := self.indexing:
            return Status(Kind.NORMAL, f"Indexing: {int(progress.share * 100)} % of {progress.root.name}", busy=True)
        if problem := self._worker.assistant.problem:
            return Status(Kind.WARNING, problem)
        return Status(Kind.NORMAL, f"Ready: {self._worker.assistant.model.name}")

    def _set_status(self, status: Status) -> None:
        if status != self.status:
            self.status = status
            self._tell(status)


def _same_model(one: Settings, other: Settings) -> bool:
    return (one.model, one.threads, one.disabled_plugins) == (other.model, other.threads, other.disabled_plugins)
