"""Ghostwright: the engine of a local code-completion assistant, and its faces.

Read `types.py`, then `engine.py`, then one plugin.
"""

from assistant.types import (
    Answer,
    Completion,
    CompletionRequest,
    ContextSource,
    Model,
    PostProcessor,
    Snippet,
    Trigger,
)

__all__ = [
    "Answer",
    "Completion",
    "CompletionRequest",
    "ContextSource",
    "Model",
    "PostProcessor",
    "Snippet",
    "Trigger",
]
