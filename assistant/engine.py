"""A completion from request to answer, in the order in which it happens."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event

from assistant.context import gather
from assistant.decoding.decode import Draft, Writer, typed_before
from assistant.decoding.vocabulary import Vocabulary
from assistant.decoding.watch import Watch
from assistant.drafting import Drafted, Drafting
from assistant.errors import ServerError
from assistant.guards import Monitor, Prior
from assistant.knowledge import Knowledge
from assistant.models import Models
from assistant.plugins import guarded
from assistant.prompt import Budget, build
from assistant.recall import Recall
from assistant.review import Review
from assistant.rounds import resolved
from assistant.settings import Settings
from assistant.types import (
    NEVER,
    Answer,
    Check,
    CompletionRequest,
    ContextSource,
    File,
    Model,
    PostProcessor,
    Prompt,
    TextModel,
    Trigger,
)

PROMPT_TOKENS = 1024
"""What the model reads at most: on two cores one to two seconds where nothing of it is known, in a new file."""

DEADLINE = 8.0
"""Seconds after which a completion keeps what it has."""

MAX_CHARACTERS = 5_000_000
"""Larger texts are data."""

Excluded = Callable[[Path, Path | None], str]
"""Why a file must not be read into a prompt, in a sentence; empty if it may."""


class Assistant:
    """Completes. One thread at a time may use it: the model's."""

    def __init__(
        self,
        model: Model | TextModel,
        settings: Settings,
        sources: Sequence[ContextSource] = (),
        monitors: Sequence[Monitor] = (),
        post_processors: Sequence[PostProcessor] = (),
        checks: Sequence[Check] = (),
        excluded: Excluded = lambda path, root: "",
        knowledge: Knowledge | None = None,
        priors: Sequence[Prior] = (),
        stand_in: Model | TextModel | None = None,
    ) -> None:
        self._models = Models(model, stand_in)
        self.settings = settings
        self.sources = tuple(sources)
        self.monitors = tuple(monitors)
        self._review = Review(post_processors, checks)
        self.knowledge = knowledge
        self.priors = tuple(priors)
        self._excluded = excluded
        self._recall = Recall()

    @property
    def models(self) -> tuple[Model | TextModel, ...]:
        """The chosen model and, if there is one, the one that stands in for it."""
        return self._models.all

    @property
    def model(self) -> Model | TextModel:
        """The model that is asked now: the chosen one or, while its servers do not answer, the one that stands in."""
        return self._models.current

    @property
    def problem(self) -> str:
        """Why the chosen model is not asked now, in sentences; empty if it is."""
        return self._models.problem

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens of the model that is asked now."""
        return self._models.vocabulary(self.model)

    def complete(
        self,
        request: CompletionRequest,
        cancelled: Event = NEVER,
        tell: Callable[[str], None] = lambda text: None,
        fresh: bool = False,
    ) -> Answer:
        """What may be inserted at the cursor, best first. Raises Cancelled, ModelError.

        `tell` hears what the model has written so far, again and again: it may turn back, and less may be shown of it.
        A `fresh` answer is not made of what is remembered.
        """
        if reason := self.inactive(request):
            return Answer(reason=reason, inactive=True)
        if not fresh and (recalled := self._remembered(request)):
            return recalled
        watch = _Stopwatch()
        model = self._models.ready()
        watch.lap("load")
        try:
            return self._completed(request, model, watch, cancelled, tell)
        except ServerError:
            if self.model is model:
                raise
            return self.complete(request, cancelled, tell, fresh)

    def _completed(
        self,
        request: CompletionRequest,
        model: Model | TextModel,
        watch: _Stopwatch,
        cancelled: Event,
        tell: Callable[[str], None],
    ) -> Answer:
        before, waited, deadline = model.evaluated, self._waited, time.monotonic() + DEADLINE
        vocabulary, masks = self._models.vocabulary(model), partial(self._models.masks, model)
        monitoring = Watch(self.monitors, vocabulary, model.ends, masks, self.priors)
        drafting = Drafting(request, model, monitoring, self.settings.max_lines, deadline, cancelled, tell)
        written = drafting.write(self._prompt(request, model, watch))
        watch.lap("decode")
        if prompt := self._prompt_again(request, written, model, watch):
            again = drafting.write(prompt)
            written = again if again.says_something else written
            watch.lap("decode again")
        drafts, rounds = self._resolved(request, written.writer, written.drafts)
        if rounds:
            watch.lap("error rounds")
        answer = self._answer(request, drafts, watch)
        if not (answer.completions or rounds) and (mended := self._mended(request, written.writer, drafts)):
            drafts = (*drafts, mended)
            watch.lap("decode again")
            answer = self._answer(request, drafts, watch)
        if not (monitoring.is_early or request.refused):  # else it may be written better with the next key
            self._recall.remember(request, drafts)
        return replace(
            answer,
            prompt=written.prompt,
            rounds=rounds,
            silences=tuple(monitoring.silences),
            waited=self._waited - waited,
            evaluated=model.evaluated - before,
        )

    def load(self) -> None:
        """Gets the model ready, and what is made of its tokens. Raises ModelError."""
        self._models.vocabulary(self._models.ready())

    def unload(self) -> None:
        """Gives the model's memory back; it loads again when it is needed."""
        self._models.unload()

    def open(self, request: CompletionRequest, patience: float = 0.0) -> None:
        """Starts what a file needs, its language server first, and waits for each so many seconds at most."""
        if self.inactive(request):
            return
        if self.knowledge:
            self.knowledge.open(request, patience)
        self._tell_sources("open", request, patience)

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Says that files have changed on the disk."""
        if self.knowledge:
            self.knowledge.files_changed(paths)
        self._tell_sources("files_changed", paths)

    def close(self) -> None:
        """Ends the language servers, and what the sources have begun."""
        if self.knowledge:
            self.knowledge.close()
        self._tell_sources("close")

    def _tell_sources(self, event: str, *arguments: object) -> None:
        """Calls a method of those sources and priors that have it."""
        plugins: tuple[ContextSource | Prior, ...] = (*self.sources, *self.priors)
        for plugin in plugins:
            if told := getattr(plugin, event, None):
                guarded(plugin.name, told, *arguments, otherwise=None)

    def recalled(self, request: CompletionRequest) -> Answer | None:
        """The answer that needs no model, if there is one: the rest of a completion that the user types along."""
        return None if self.inactive(request) else self._remembered(request)

    def inactive(self, request: CompletionRequest) -> str:
        """Why Ghostwright stays out of this file, in a sentence; empty if it does not."""
        if len(request.text) > MAX_CHARACTERS:
            return f"{request.path.name} has more than {MAX_CHARACTERS:,} characters: too large to be code."
        if reason := self._excluded(request.path, request.root):
            return reason
        if request.trigger is Trigger.INVOKED:
            return ""
        if request.language in self.settings.disabled_languages:
            return f"Completion is off for {request.language} (setting `disabled_languages`)."
        return self.unfamiliar(request.language)

    def unfamiliar(self, language: str) -> str:
        """That the model does not know a language, and what to do about it; empty if it does."""
        known = self.model.languages
        if known is None or language in known:
            return ""
        return (
            f"The embedded model knows {', '.join(sorted(known)).title()} only. For {language}, set `model` to the "
            "path of a GGUF file, e.g. of Qwen2.5-Coder; or ask on request."
        )

    def _remembered(self, request: CompletionRequest) -> Answer | None:
        drafts = None if request.refused else self._recall.find(request)
        if drafts is None:
            return None
        return replace(self._answer(request, drafts, _Stopwatch()), recalled=True)

    def _prompt(self, request: CompletionRequest, model: Model | TextModel, watch: _Stopwatch) -> Prompt:
        """The prompt for a request without what its user has typed of a word, with context for all of it."""
        cut = request.cut(len(typed_before(request)))
        snippets, late = gather(self.sources, replace(request, others=tuple(self._visible(request))))
        watch.lap("context")
        total = min(getattr(model, "prompt_tokens", PROMPT_TOKENS), model.context_length * 3 // 4)
        prompt = build(cut, snippets, model, Budget.of(total))
        watch.lap("prompt")
        return replace(prompt, left_out=(*late, *prompt.left_out))

    def _visible(self, request: CompletionRequest) -> list[File]:
        """The other files that may enter the prompt."""
        others = request.others if self.settings.open_files else ()
        return [file for file in others if not self._excluded(file.path, request.root)]

    def _prompt_again(
        self, request: CompletionRequest, written: Drafted, model: Model | TextModel, watch: _Stopwatch
    ) -> Prompt | None:
        """The prompt with what is like the first draft, on request; None where no source finds other context by it.

        RepoCoder, Zhang et al. 2023, with two iterations.
        """
        draft = written.drafts[0].text
        if not (draft.strip() and request.trigger is Trigger.INVOKED and any(map(_wants_draft, self.sources))):
            return None
        prompt = self._prompt(replace(request, draft=draft), model, watch)
        return None if prompt.tokens == written.prompt.tokens else prompt

    @property
    def _waited(self) -> float:
        return self.knowledge.waited if self.knowledge else 0.0

    def _probable(self, request: CompletionRequest, drafts: Sequence[Draft]) -> list[Draft]:
        """The drafts that the model was sure enough of, and that hold anything."""
        least = self.settings.min_probability if request.trigger is Trigger.AUTOMATIC else 0.0
        return [draft for draft in drafts if draft.text.strip() and math.exp(draft.logprob) >= least]

    def _resolved(
        self, request: CompletionRequest, writer: Writer, drafts: tuple[Draft, ...]
    ) -> tuple[tuple[Draft, ...], tuple[str, ...]]:
        """The drafts, and on request what error rounds make of them, with the errors that each round was for."""
        if request.trigger is not Trigger.INVOKED:
            return drafts, ()
        return resolved(writer, drafts, lambda draft: self._review.trial(draft, request))

    def _mended(self, request: CompletionRequest, writer: Writer, drafts: Sequence[Draft]) -> Draft | None:
        """The first draft that a check objects to, written anew from the fault on."""
        for draft in self._probable(request, drafts):
            if fault := self._review.fault(draft, request):
                mended = writer.mended(draft, fault)
                return mended and mended.confident()
        return None

    def _answer(self, request: CompletionRequest, drafts: Sequence[Draft], watch: _Stopwatch) -> Answer:
        probable = self._probable(request, drafts)
        completions, droppers = self._review.passed(probable, request)
        ranked = tuple(completions[: request.candidates])
        watch.lap("post-process")
        return Answer(ranked, "" if ranked else self._why_nothing(drafts, probable, droppers), timings=watch.laps)

    def _why_nothing(self, drafts: Sequence[Draft], probable: Sequence[Draft], droppers: Sequence[str]) -> str:
        if abandoned := next((draft.abandoned for draft in drafts if draft.abandoned and not draft.text.strip()), ""):
            return abandoned
        if not any(draft.text.strip() for draft in drafts):
            return "The model has nothing to add here."
        if not probable:
            return f"The model is less sure than {self.settings.min_probability:.0%} (setting `min_probability`)."
        return f"What the model wrote was left out by {' and '.join(dict.fromkeys(droppers))}."


def _wants_draft(source: ContextSource) -> bool:
    return getattr(source, "wants_draft", False)


@dataclass(slots=True)
class _Stopwatch:
    """Seconds by stage; those of a stage that comes twice are added."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = self.laps.get(stage, 0.0) + now - self._last
        self._last = now
