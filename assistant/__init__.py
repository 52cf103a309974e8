"""Ghostwright: the engine of a local code-completion assistant, and its faces.

Read `types.py`, then `engine.py`, then one plugin.
"""

from assistant.guards import FREE, Free, Guard, Matching, Monitor, OneOf, View
from assistant.types import (
    Answer,
    Chunk,
    Completion,
    CompletionRequest,
    ContextSource,
    Model,
    Order,
    PostProcessor,
    Snippet,
    TextModel,
    Trigger,
)

__all__ = [
    "FREE",
    "Answer",
    "Chunk",
    "Completion",
    "CompletionRequest",
    "ContextSource",
    "Free",
    "Guard",
    "Matching",
    "Model",
    "Monitor",
    "OneOf",
    "Order",
    "PostProcessor",
    "Snippet",
    "TextModel",
    "Trigger",
    "View",
]
