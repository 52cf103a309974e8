"""Ghostwright: the engine of a local code-completion assistant, and its faces.

Read `types.py`, then `engine.py`, then one plugin.
"""

from assistant.guards import FREE, Free, Guard, Matching, Monitor, OneOf, View
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
    "FREE",
    "Answer",
    "Completion",
    "CompletionRequest",
    "ContextSource",
    "Free",
    "Guard",
    "Matching",
    "Model",
    "Monitor",
    "OneOf",
    "PostProcessor",
    "Snippet",
    "Trigger",
    "View",
]
