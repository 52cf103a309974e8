"""What may be shown of what the model has written: post-processors improve or drop it, checks object to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.cutting import whole_part
from assistant.decoding.decode import Draft
from assistant.plugins import guarded
from assistant.rounds import Trial
from assistant.types import Check, Completion, CompletionRequest, PostProcessor, Trigger


class Review:
    """The post-processors, in their order, and the checks. A stranger's that fails is left out."""

    def __init__(self, post_processors: Sequence[PostProcessor], checks: Sequence[Check]) -> None:
        self._post_processors = tuple(post_processors)
        self._checks = tuple(checks)

    def passed(self, drafts: Sequence[Draft], request: CompletionRequest) -> tuple[list[Completion], list[str]]:
        """What is left of drafts, each once, the best first and what is cut last; and who has dropped something."""
        droppers: list[str] = []
        processed = [self._processed(_completion(draft), request, droppers) for draft in drafts]
        checked = [self._checked(completion, request, droppers) for completion in processed if completion]
        unique: dict[tuple[str, int], Completion] = {}
        for completion in sorted(filter(None, checked), key=lambda each: (each.is_cut, -each.logprob)):
            unique.setdefault((_without_blanks(completion.text), completion.replaces), completion)
        return list(unique.values()), droppers

    def trial(self, draft: Draft, request: CompletionRequest) -> Trial | None:
        """A draft with what the checks find wrong in it; None if nothing would be shown of it."""
        completion = self._processed(_completion(draft), request, []) if draft.text.strip() else None
        if completion is None:
            return None
        fault = self._fault(completion, request)
        return Trial(draft, fault, self._errors(completion, fault, request) if fault else "")

    def fault(self, draft: Draft, request: CompletionRequest) -> range | None:
        """The first fault of a draft; None as well if nothing would be shown of it."""
        completion = self._processed(_completion(draft), request, [])
        return self._fault(completion, request) if completion else None

    def _processed(self, completion: Completion, request: CompletionRequest, droppers: list[str]) -> Completion | None:
        """A post-processor that fails is left out; what it was given goes on. One that drops it joins the droppers."""
        for processor in self._post_processors:
            result = guarded(processor.name, _result, processor, completion, request, otherwise=completion)
            if result is None or not result.text.strip():
                droppers.append(processor.name)
                return None
            completion = result
        return completion

    def _checked(self, completion: Completion, request: CompletionRequest, droppers: list[str]) -> Completion | None:
        """The completion up to the line in which a check finds a fault; None if nothing is left of it.

        On request, of a single line that part is left which passes for itself.
        """
        fault = self._fault(completion, request)
        if fault is None:
            return completion
        lines = completion.text[: max(completion.text.rfind("\n", 0, fault.start), 0)].rstrip()
        if lines.strip() and not completion.replaces:
            return replace(completion, text=lines)
        if request.trigger is Trigger.INVOKED and not lines.strip():
            part = replace(completion, text=whole_part(completion.text, fault.start, request), replaces=0, is_cut=True)
            cut = self._processed(part, request, droppers) if part.text.strip() else None
            if cut and len(cut.text) < len(completion.text):
                return self._checked(cut, request, droppers)
        droppers += [check.name for check in self._checks]
        return None

    def _fault(self, completion: Completion, request: CompletionRequest) -> range | None:
        """The first fault that a check finds; what the request refuses is one from its beginning on."""
        if refused := next((text for text in request.refused if completion.text.startswith(text)), ""):
            return range(len(refused))
        found = (guarded(check.name, _found, check, completion, request, otherwise=None) for check in self._checks)
        return min(filter(None, found), key=lambda fault: fault.start, default=None)

    def _errors(self, completion: Completion, fault: range, request: CompletionRequest) -> str:
        """All errors that the checks tell of, an error a line; where they tell of none, what stands at the fault."""
        told = [guarded(check.name, _report, check, completion, request, otherwise="") for check in self._checks]
        return "\n".join(filter(None, told)) or f"not right: {completion.text[fault.start : fault.stop].strip()}"


def _result(processor: PostProcessor, completion: Completion, request: CompletionRequest) -> Completion | None:
    """What a post-processor makes of a completion. Raises TypeError if that is none."""
    result = processor.process(completion, request)
    if result is None:
        return None
    if not (isinstance(result, Completion) and isinstance(result.text, str) and isinstance(result.replaces, int)):
        raise TypeError(f"{result!r:.200} is not a Completion")
    return result


def _found(check: Check, completion: Completion, request: CompletionRequest) -> range | None:
    """The fault that a check finds. Raises TypeError if that is no range."""
    fault = check.fault(completion, request)
    if fault is None or isinstance(fault, range):
        return fault
    raise TypeError(f"{fault!r:.200} is not a range")


def _report(check: Check, completion: Completion, request: CompletionRequest) -> str:
    """All that a check says is wrong; nothing if it has no report."""
    report = getattr(check, "report", None)
    return str(report(completion, request)) if report else ""


def _completion(draft: Draft) -> Completion:
    return Completion(draft.text, logprob=draft.logprob, rulings=draft.rulings)


def _without_blanks(text: str) -> str:
    """What differs in blanks only is one choice for whoever chooses."""
    return "".join(text.split())
