"""How the server is: whether it is there, what model it has, figures, and a page on what can be asked."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse, Response

from assistant.http.naming import NAME
from assistant.http.pages import described
from assistant.http.problems import OpenAIError, documented
from assistant.http.service import Serving

router = APIRouter(tags=["status"])


class Health(BaseModel):
    """`status` is `ok` once requests are taken."""

    status: str
    model: str
    waiting: int


class Model(BaseModel):
    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = NAME


class Models(BaseModel):
    object: str = "list"
    data: list[Model]


@router.get("/health")
async def health(service: Serving) -> Health:
    """Whether the server takes requests. Needs no token."""
    return Health(status="ok", model=service.model, waiting=service.queue.waiting)


@router.get("/v1/models", responses=documented(OpenAIError))
async def models(service: Serving) -> Models:
    """The one model there is, as OpenAI lists it."""
    return Models(data=[Model(id=service.model)])


@router.get("/metrics", responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
async def metrics(service: Serving) -> Response:
    """Figures for Prometheus."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """What can be asked, for people."""
    return HTMLResponse(described(request.app.openapi()))
