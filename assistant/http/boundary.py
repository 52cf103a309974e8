"""What every request passes before any dialect sees it: who may come in, how large it may be, how slow.

It also ends the work for a client that goes away.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.http.metrics import Metrics
from assistant.http.problems import Problem, shape_of
from assistant.http.turns import Client

MAX_BODY = 16_000_000
"""Bytes: more than the largest text that is completed takes as JSON."""

MAX_BODIES = 8 * MAX_BODY
"""Bytes of all bodies that are held at a time."""

BODY_SECONDS = 20.0
"""How long a body may take to come in."""

READING_SECONDS = 30.0
"""How long a client may let a piece of its answer lie before it is let go."""

OPEN_PATHS = frozenset(("/health", "/docs", "/openapi.json"))
"""Those that need no token: they tell nothing of anybody's code."""

NAME = 64
"""Characters of a client's name that count."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may come in: who has the `token`; where there is none, who calls the machine by a loopback name.

    A web page whose name has been bound anew to 127.0.0.1 (DNS rebinding) still sends its own name, and has no token.
    """

    token: str = ""

    def check(self, headers: Headers, path: str) -> None:
        """Raises Problem."""
        if not self.token and not is_loopback(hostname(headers.get("host", ""))):
            raise Problem(421, "Only local names lead here: send the Host header 127.0.0.1 or localhost.")
        if headers.get("sec-fetch-site", "none") == "cross-site" or self._is_foreign(headers.get("origin", "")):
            raise Problem(403, "Web pages of other sites may not ask.")
        if self.token and path not in OPEN_PATHS and not self._is_known(headers.get("authorization", "")):
            raise Problem(401, "This server needs its token: send the header “Authorization: Bearer TOKEN”.")

    def _is_foreign(self, origin: str) -> bool:
        return bool(origin) and not is_loopback(hostname(origin.rpartition("/")[2]))

    def _is_known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(_digest(token.strip()), _digest(self.token))


def hostname(host: str) -> str:
    """`[::1]:8765` → `::1`, `localhost:8765` → `localhost`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".").lower()


def is_loopback(host: str) -> bool:
    """Whether nobody else can reach an address, or `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Boundary:
    """An ASGI application around the dialects."""

    def __init__(
        self, app: ASGIApp, admission: Admission, metrics: Metrics, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._app = app
        self._admission = admission
        self._metrics = metrics
        self._body_seconds = body_seconds
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, body = Headers(scope=scope), bytearray()
        with self._metrics.counting(scope) as counted:
            try:
                self._admission.check(headers, scope["path"])
                await self._read(body, headers, receive)
                scope = {**scope, "headers": _as_json(scope["headers"])}
                scope["state"] = {**scope.get("state", {}), "client": client_of(scope, headers)}
                await _unless_gone(self._app(scope, _replaying(bytes(body)), _watching(send, counted)), receive)
            except Problem as problem:
                counted(problem.status)
                await shape_of(scope["path"])(problem)(scope, receive, send)
            except asyncio.CancelledError:  # the server ends before the answer is there
                ending = Problem(503, "The server was ended before the answer was there.", retry=1)
                with suppress(RuntimeError):  # of an answer that has begun
                    await shape_of(scope["path"])(ending)(scope, receive, send)
            except Exception as error:  # has been answered; what it says may be code
                log.error("%s ended early: %s", scope["path"], type(error).__name__)
                log.debug("%s", scope["path"], exc_info=error)
            finally:
                self._held -= len(body)

    async def _read(self, body: bytearray, headers: Headers, receive: Receive) -> None:
        """Reads all of a body. Raises Problem for one that is too large or too slow."""
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > MAX_BODY:
            raise _too_large()
        try:
            async with asyncio.timeout(self._body_seconds):
                while (message := await receive())["type"] == "http.request":
                    part = message.get("body", b"")
                    body += part
                    self._held += len(part)
                    if len(body) > MAX_BODY:
                        raise _too_large()
                    if self._held > MAX_BODIES:
                        raise Problem(503, "Too much is being read at once. Come again later.", retry=1)
                    if not message.get("more_body"):
                        break
        except TimeoutError:
            raise Problem(408, f"The body did not come within {self._body_seconds:g} seconds.") from None


def client_of(scope: Scope, headers: Headers) -> Client:
    """Who asks, as far as turns are concerned: an address, and on it a name of the client's choice."""
    address = scope["client"][0] if scope.get("client") else "local"
    return Client(address, (headers.get("x-client-id") or headers.get("user-agent") or "")[:NAME])


def _digest(token: str) -> bytes:
    """Of one length for all tokens: comparing them tells nothing, not even how long the right one is."""
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def _too_large() -> Problem:
    return Problem(413, f"The body has more than {MAX_BODY:,} bytes.")


def _as_json(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Headers that call the body JSON, which `curl -d` calls a form."""
    others = [(name, value) for name, value in headers if name != b"content-type"]
    return [*others, (b"content-type", b"application/json")]


def _replaying(body: bytes) -> Receive:
    """Gives the application a body that has come, and then nothing: who goes away is looked for elsewhere."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    return receive


def _watching(send: Send, counted: Callable[[int], None]) -> Send:
    async def watch(message: Message) -> None:
        if message["type"] == "http.response.start":
            counted(message["status"])
        async with asyncio.timeout(READING_SECONDS):
            await send(message)

    return watch


async def _unless_gone(answering: Awaitable[None], receive: Receive) -> None:
    """Answers, unless the client goes away before the end."""
    answer = asyncio.ensure_future(answering)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            await answer
            return
        log.debug("A client went away before its answer was there")
    finally:
        gone.cancel()
        answer.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
