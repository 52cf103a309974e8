"""The application: every dialect's routes, and what is told of mistakes. The only place that knows all dialects."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from assistant.errors import GhostwrightError
from assistant.http import batch, completions, llama_cpp, native, ollama, questions, status, tabby
from assistant.http.bodies import sentence
from assistant.http.boundary import BODY_SECONDS, Admission, Boundary
from assistant.http.problems import Problem, problem_of, shape_of
from assistant.http.service import Service

DIALECTS = (native, batch, questions, completions, llama_cpp, ollama, tabby, status)

DESCRIPTION = """Code completion by Ghostwright: our own dialect, and those of OpenAI, llama.cpp, Ollama and Tabby."""


def create(service: Service, admission: Admission, body_seconds: float = BODY_SECONDS) -> ASGIApp:
    """An ASGI application that serves all dialects to those who are admitted."""
    app = application()
    app.state.service = service
    service.metrics.paths = frozenset(app.openapi()["paths"])
    return Boundary(app, admission, service.metrics, body_seconds)


def application() -> FastAPI:
    """All dialects, for a service that its state is to have."""
    app = FastAPI(
        title="Ghostwright",
        version=version("ghostwright"),
        description=DESCRIPTION,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},  # it would hold code
    )
    for dialect in DIALECTS:
        app.include_router(dialect.router)
    app.add_exception_handler(GhostwrightError, _on_purpose)
    app.add_exception_handler(RequestValidationError, _wrong_body)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)
    _describe_token(app)
    return app


def _on_purpose(request: Request, error: Exception) -> Response:
    assert isinstance(error, GhostwrightError)
    return shape_of(request.url.path, getattr(request.state, "dialect", ""))(problem_of(error))


def _wrong_body(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    message, field = sentence(errors)
    dialect = "tabby" if any("tabby" in each["loc"] for each in errors) else ""
    return shape_of(request.url.path, dialect)(Problem(400, message, field))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    is_body = error.status_code == 400  # FastAPI's only reason for that
    told = "The body is not JSON in UTF-8" if is_body else f"{error.detail}: {request.method} {request.url.path}"
    problem = Problem(error.status_code, f"{told}.")
    problem.headers |= error.headers or {}
    return shape_of(request.url.path)(problem)


def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours or of a plugin's. What it says may be code: it stands in the log only if that is asked for."""
    return shape_of(request.url.path)(
        Problem(500, f"Something failed here: {type(error).__name__}. `ghostwright -v serve` logs where.")
    )


def _describe_token(app: FastAPI) -> None:
    """Says in the description that a token may be needed."""
    schema: dict[str, Any] = app.openapi()
    schema.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{}, {"token": []}]
