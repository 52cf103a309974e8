"""A completion from request to answer, in the order in which it happens."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from assistant.context import gather
from assistant.decoding.decode import Draft, Writer, typed_before
from assistant.decoding.stopping import extent
from assistant.decoding.vocabulary import Vocabulary
from assistant.decoding.watch import Watch
from assistant.errors import ServerError
from assistant.guards import Monitor, Prior
from assistant.knowledge import Knowledge
from assistant.patterns import Masks
from assistant.plugins import guarded
from assistant.prompt import Budget, build
from assistant.recall import Recall
from assistant.rounds import Trial, resolved
from assistant.settings import Settings
from assistant.types import (
    NEVER,
    Answer,
    Check,
    Completion,
    CompletionRequest,
    ContextSource,
    File,
    Model,
    PostProcessor,
    Prompt,
    TextModel,
    Trigger,
    writes_text,
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
        self.models = (model, stand_in) if stand_in else (model,)
        self.settings = settings
        self.sources = tuple(sources)
        self.monitors = tuple(monitors)
        self.post_processors = tuple(post_processors)
        self.checks = tuple(checks)
        self.knowledge = knowledge
        self.priors = tuple(priors)
        self._excluded = excluded
        self._recall = Recall()
        self._vocabularies: dict[Model | TextModel, Vocabulary] = {}
        self._masks_made: dict[Model | TextModel, Masks] = {}

    @property
    def model(self) -> Model | TextModel:
        """The model that is asked now: the chosen one or, while its servers do not answer, the one that stands in."""
        chosen, last = self.models[0], self.models[-1]
        return last if writes_text(chosen) and not chosen.is_up else chosen

    @property
    def problem(self) -> str:
        """Why the chosen model is not asked now, in sentences; empty if it is."""
        if self.model is self.models[0] or not writes_text(self.models[0]):
            return ""
        return f"{self.models[0].problem} The local model is used."

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
        model = self._ready()
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
        before, waited = model.evaluated, self._waited
        typed = typed_before(request)
        prompt = self._prompt(request, request.cut(len(typed)), model, watch)
        monitoring = Watch(self.monitors, self._vocabulary(model), model.ends, lambda: self._masks(model), self.priors)
        writer = self._writer(request, typed, prompt, model, monitoring, cancelled, tell)
        drafts = self._drafts(request, writer)
        watch.lap("decode")
        drafts, rounds = self._resolved(request, writer, drafts)
        if rounds:
            watch.lap("error rounds")
        answer = self._answer(request, drafts, watch)
        if not (answer.completions or rounds) and (mended := self._mended(request, writer, drafts)):
            drafts = (*drafts, mended)
            watch.lap("decode again")
            answer = self._answer(request, drafts, watch)
        if not (monitoring.is_early or request.refused):  # else it may be written better with the next key
            self._recall.remember(request, drafts)
        return replace(
            answer,
            prompt=prompt,
            rounds=rounds,
            silences=tuple(monitoring.silences),
            waited=self._waited - waited,
            evaluated=model.evaluated - before,
        )

    def load(self) -> None:
        """Gets the model ready, and what is made of its tokens. Raises ModelError."""
        self._vocabulary(self._ready())

    def unload(self) -> None:
        """Gives the model's memory back; it loads again when it is needed."""
        for model in self.models:
            model.unload()

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

    def _prompt(
        self, request: CompletionRequest, cut: CompletionRequest, model: Model | TextModel, watch: _Stopwatch
    ) -> Prompt:
        """The prompt for a request without what its user has typed of a word, with context for all of it."""
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

    @property
    def vocabulary(self) -> Vocabulary:
        """The model's tokens."""
        return self._vocabulary(self.model)

    def _ready(self) -> Model | TextModel:
        """The model that is asked now, loaded."""
        model = self.model
        try:
            model.load()
        except ServerError:
            if self.model is model:
                raise
            return self._ready()
        return model

    def _vocabulary(self, model: Model | TextModel) -> Vocabulary:
        if model not in self._vocabularies:
            self._vocabularies[model] = Vocabulary(model.pieces)
        return self._vocabularies[model]

    @property
    def _waited(self) -> float:
        return self.knowledge.waited if self.knowledge else 0.0

    def _masks(self, model: Model | TextModel) -> Masks:
        if model not in self._masks_made:
            self._masks_made[model] = Masks(model.pieces, min(model.ends))
        return self._masks_made[model]

    def _writer(
        self,
        request: CompletionRequest,
        typed: str,
        prompt: Prompt,
        model: Model | TextModel,
        monitoring: Watch,
        cancelled: Event,
        tell: Callable[[str], None],
    ) -> Writer:
        limit = extent(request, self.settings.max_lines)
        deadline = time.monotonic() + DEADLINE
        cut = request.cut(len(typed))
        return Writer(model, prompt.tokens, cut, typed, limit, monitoring, cancelled, deadline, tell)

    def _drafts(self, request: CompletionRequest, writer: Writer) -> tuple[Draft, ...]:
        first = writer.write().confident()
        count = request.candidates if request.candidates > 1 else 0
        return (first, *self._others(writer, first, count))

    def _others(self, writer: Writer, first: Draft, count: int) -> list[Draft]:
        return [draft.confident() for draft in writer.others(first, count)]

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
        return resolved(writer, drafts, lambda draft: self._tried(draft, request))

    def _tried(self, draft: Draft, request: CompletionRequest) -> Trial | None:
        """A draft with what the checks find wrong in it; None if nothing would be shown of it."""
        completion = self._processed(_completion(draft), request, []) if draft.text.strip() else None
        if completion is None:
            return None
        fault = self._fault(completion, request)
        return Trial(draft, fault, self._errors(completion, fault, request) if fault else "")

    def _mended(self, request: CompletionRequest, writer: Writer, drafts: Sequence[Draft]) -> Draft | None:
        """The first draft that a check objects to, written anew from the fault on."""
        for draft in self._probable(request, drafts):
            completion = self._processed(_completion(draft), request, [])
            if completion and (fault := self._fault(completion, request)):
                mended = writer.mended(draft, fault)
                return mended and mended.confident()
        return None

    def _answer(self, request: CompletionRequest, drafts: Sequence[Draft], watch: _Stopwatch) -> Answer:
        probable = self._probable(request, drafts)
        droppers: list[str] = []
        processed = [self._processed(_completion(draft), request, droppers) for draft in probable]
        checked = [self._checked(completion, request, droppers) for completion in processed if completion]
        best_first = sorted(filter(None, checked), key=lambda completion: -completion.logprob)
        unique: dict[tuple[str, int], Completion] = {}
        for completion in best_first:
            unique.setdefault((_without_blanks(completion.text), completion.replaces), completion)
        ranked = tuple(unique.values())[: request.candidates]
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

    def _processed(self, completion: Completion, request: CompletionRequest, droppers: list[str]) -> Completion | None:
        """A post-processor that fails is left out; what it was given goes on. One that drops it joins the droppers."""
        for processor in self.post_processors:
            result = guarded(processor.name, processor.process, completion, request, otherwise=completion)
            if result is None or not result.text.strip():
                droppers.append(processor.name)
                return None
            completion = result
        return completion

    def _checked(self, completion: Completion, request: CompletionRequest, droppers: list[str]) -> Completion | None:
        """The completion up to the line in which a check finds a fault; None if nothing is left of it."""
        fault = self._fault(completion, request)
        if fault is None:
            return completion
        kept = completion.text[: max(completion.text.rfind("\n", 0, fault.start), 0)].rstrip()
        if kept.strip() and not completion.replaces:
            return replace(completion, text=kept)
        droppers += [check.name for check in self.checks]
        return None

    def _fault(self, completion: Completion, request: CompletionRequest) -> range | None:
        """The first fault that a check finds; what the request refuses is one from its beginning on."""
        if refused := next((text for text in request.refused if completion.text.startswith(text)), ""):
            return range(len(refused))
        found = (guarded(check.name, check.fault, completion, request, otherwise=None) for check in self.checks)
        return min(filter(None, found), key=lambda fault: fault.start, default=None)

    def _errors(self, completion: Completion, fault: range, request: CompletionRequest) -> str:
        """All errors that the checks tell of, an error a line; where they tell of none, what stands at the fault."""
        reports = [getattr(check, "report", None) for check in self.checks]
        told = [
            guarded(check.name, report, completion, request, otherwise="")
            for check, report in zip(self.checks, reports, strict=True)
            if report
        ]
        return "\n".join(filter(None, told)) or f"not right: {completion.text[fault.start : fault.stop].strip()}"


def _without_blanks(text: str) -> str:
    """What differs in blanks only is one choice for whoever chooses."""
    return "".join(text.split())


def _completion(draft: Draft) -> Completion:
    return Completion(draft.text, logprob=draft.logprob, rulings=draft.rulings)


@dataclass(slots=True)
class _Stopwatch:
    """Seconds by stage."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = now - self._last
        self._last = now
