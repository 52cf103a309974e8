"""An answer as JSON, for programs: what `ghostwright complete --json` prints, and what editors are told."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from assistant.types import Answer, Completion


def as_json(answer: Answer, explain: bool = False) -> dict[str, Any]:
    """The best completion, the others, and how they came about; `explain` adds the prompt and what monitors did."""
    best = answer.completions[0] if answer.completions else None
    return {
        **_completion(best or Completion("", logprob=float("-inf"))),
        "candidates": [
            {**_completion(each), "guards": list(each.guards), "cut": each.is_cut} for each in answer.completions
        ],
        "sources": list(answer.sources),
        "timings": {stage: round(seconds, 6) for stage, seconds in answer.timings.items()},
        "reason": answer.reason,
        "rounds": list(answer.rounds),
        **(_explanation(answer, best) if explain and answer.prompt else {}),
    }


def _completion(completion: Completion) -> dict[str, Any]:
    return {
        "text": completion.text,
        "replaces": completion.replaces,
        "probability": round(completion.probability, 4),
    }


def _explanation(answer: Answer, best: Completion | None) -> dict[str, Any]:
    assert answer.prompt is not None
    return {
        "prompt": [{"source": part.source, "tokens": part.tokens, "text": part.text} for part in answer.prompt.parts],
        "left_out": list(answer.prompt.left_out),
        "rulings": [asdict(ruling) for ruling in best.rulings] if best else [],
        "silences": [{"monitor": monitor, "reason": reason} for monitor, reason in answer.silences],
        "waited": round(answer.waited, 6),
    }
