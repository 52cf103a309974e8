"""What is known of a hole: the expected type, the types it is made of, what in scope gives it, and what went wrong.

ChatLSP, as in “Statically Contextualizing Large Language Models with Typed Holes” (Blinn et al. 2024), over whatever a
standard language server answers. Every question has a deadline; what is known is given even where the rest is not.
"""

from language_servers.holes.candidates import Candidate
from language_servers.holes.context import (
    HoleContext,
    expected_type,
    hole_context,
    relevant_headers,
    relevant_types,
    stages,
)
from language_servers.holes.expected import Expected
from language_servers.holes.faults import error_report, expectation, new_errors
from language_servers.holes.headers import Header
from language_servers.holes.slots import Source
from language_servers.holes.stubs import Stub

__all__ = [
    "Candidate",
    "Expected",
    "Header",
    "HoleContext",
    "Source",
    "Stub",
    "error_report",
    "expectation",
    "expected_type",
    "hole_context",
    "new_errors",
    "relevant_headers",
    "relevant_types",
    "stages",
]
