"""What bodies have in common: types as they are written, no NaN, no text that is not Unicode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from assistant.engine import MAX_CHARACTERS

Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]
"""A text of code."""

Name = Annotated[str, Field(max_length=4_096)]
"""A path, or the name of something."""


class Body(BaseModel):
    """Of a dialect that others define: what is not known is passed over."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class OwnBody(BaseModel):
    """Of our own dialect: what is not known is a mistake."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")


def sentence(errors: Iterable[Any]) -> tuple[str, str]:
    """What is wrong with a body, in a sentence, and the first field that is. Values are not repeated: they are code."""
    found = [(_field(error["loc"]), _message(error)) for error in errors]
    told = "; ".join(f"{field}: {message}" if field else message for field, message in found[:5])
    return f"The request is not right: {told}.", found[0][0] if found else ""


def _message(error: Any) -> str:
    if error["type"] == "json_invalid":
        return f"the body is not JSON ({error['ctx']['error']})"
    return str(error["msg"]).removeprefix("Value error, ")


def _field(place: tuple[Any, ...]) -> str:
    """`("body", "others", 0, "path")` → `others.0.path`; a place in the text of a body is no field."""
    if len(place) == 2 and isinstance(place[1], int):
        return ""
    return ".".join(str(part) for part in place if part not in ("body", "openai", "tabby"))
