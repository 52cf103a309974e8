"""The path that two dialects share: a body with `segments` is Tabby's, any other OpenAI's."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Discriminator, Tag
from starlette.responses import Response

from assistant.http import openai, tabby
from assistant.http.openai import OpenAIAnswer, OpenAIBody
from assistant.http.problems import OpenAIError, documented
from assistant.http.service import Asking, Serving
from assistant.http.streams import SERVER_SENT, streamed
from assistant.http.tabby import TabbyAnswer, TabbyBody

router = APIRouter(tags=["openai", "tabby"], responses=documented(OpenAIError, "text/plain"))


def _dialect(body: Any) -> str:
    has_segments = "segments" in body if isinstance(body, dict) else isinstance(body, TabbyBody)
    return "tabby" if has_segments else "openai"


Either = Annotated[Annotated[OpenAIBody, Tag("openai")] | Annotated[TabbyBody, Tag("tabby")], Discriminator(_dialect)]


@router.post(
    "/v1/completions",
    response_model=OpenAIAnswer | TabbyAnswer,
    responses=streamed(SERVER_SENT, "One object, or events."),
)
async def completions(body: Either, request: Request, service: Serving, client: Asking) -> Response:
    """Completes for clients of OpenAI's and of Tabby's protocol.

    With a `suffix` the cursor stands between `prompt` and that. Without one the prompt is passed on unchanged, special
    tokens included. With `segments` the answer is the engine's, as of `/v1/complete`.
    """
    if isinstance(body, TabbyBody):
        request.state.dialect = "tabby"
        return await tabby.complete(body, service, client)
    return await openai.complete(body, service, client)
