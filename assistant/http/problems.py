"""What goes wrong, as each dialect's clients expect to hear of it: a sentence, in the dialect's own shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response

from assistant.errors import Cancelled, GhostwrightError, ModelError, NoFillInTheMiddle, RequestError


class Problem(GhostwrightError):  # noqa: N818 - not an error of ours, but what a client is told
    """A request that is not answered: an HTTP status, a sentence, the field that is wrong, and when to come again."""

    def __init__(self, status: int, message: str, field: str = "", retry: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.headers = {"Retry-After": str(math.ceil(retry))} if retry else {}
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"


def refuse(body: BaseModel, fields: Iterable[str], hint: str = "leave it out") -> None:
    """Raises Problem for what is given though it is not offered: nobody should think that it had an effect."""
    for field in fields:
        if getattr(body, field):
            raise Problem(400, f"{field} is not offered here: {hint}.", field)


def problem_of(error: GhostwrightError) -> Problem:
    """What anything that is raised on purpose means to a client."""
    if isinstance(error, Problem):
        return error
    statuses = {RequestError: 400, NoFillInTheMiddle: 501, ModelError: 503, Cancelled: 503}
    return Problem(next((status for kind, status in statuses.items() if isinstance(error, kind)), 500), str(error))


class Error(BaseModel):
    """An error in our own dialect, and in Ollama's."""

    error: str


class OpenAIErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    error: OpenAIErrorDetail


class LlamaCppErrorDetail(BaseModel):
    code: int
    message: str
    type: str


class LlamaCppError(BaseModel):
    error: LlamaCppErrorDetail


_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "unavailable_error",
    504: "timeout_error",
}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}

Shape = Callable[[Problem], Response]


def native(problem: Problem) -> Response:
    return JSONResponse({"error": problem.message}, problem.status, problem.headers)


def openai(problem: Problem) -> Response:
    return JSONResponse(openai_error(problem), problem.status, problem.headers)


def openai_error(problem: Problem) -> dict[str, Any]:
    code = "model_not_found" if problem.status == 404 and problem.field == "model" else _CODES.get(problem.status)
    detail = {"message": problem.message, "type": _type(problem), "param": problem.field or None, "code": code}
    return {"error": detail}


def llama_cpp(problem: Problem) -> Response:
    return JSONResponse(llama_cpp_error(problem), problem.status, problem.headers)


def llama_cpp_error(problem: Problem) -> dict[str, Any]:
    return {"error": {"code": problem.status, "message": problem.message, "type": _type(problem)}}


def tabby(problem: Problem) -> Response:
    return PlainTextResponse(problem.message, problem.status, problem.headers)


_SHAPES: Mapping[str, Shape] = {
    "/v1/completions": openai,
    "/v1/models": openai,
    "/v1/events": tabby,
    "/v1/health": tabby,
    "/infill": llama_cpp,
    "/completion": llama_cpp,
}


def shape_of(path: str, dialect: str = "") -> Shape:
    """How clients of a path expect errors; two dialects share one path, where the body's `dialect` decides."""
    return tabby if dialect == "tabby" else _SHAPES.get(path, native)


def documented(model: type[BaseModel] | None, *others: str) -> dict[int | str, dict[str, Any]]:
    """What a dialect's description says of its errors: objects, or `others`, by their media types."""
    shape: dict[str, Any] = {"model": model} if model else {}
    if others:
        shape["content"] = {media: {"schema": {"type": "string"}} for media in others}
    return {
        "4XX": {"description": "The request cannot be answered as it is; the sentence says why.", **shape},
        "5XX": {"description": "It took too long, or something failed here.", **shape},
    }


def _type(problem: Problem) -> str:
    return _TYPES.get(problem.status, "invalid_request_error" if problem.status < 500 else "server_error")
