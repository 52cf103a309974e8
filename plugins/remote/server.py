"""One server: what it writes, what it says of itself, and what is wrong with it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from assistant.errors import ServerError
from assistant.passing import Ending
from assistant.types import Chunk
from plugins.remote.answers import Chunks, Part, part, prompt_tokens
from plugins.remote.connections import connections
from plugins.remote.dialects import Ask, Shape, body, path, scoring
from plugins.remote.reasons import reason, sentence
from plugins.remote.traits import Traits, Waits

log = logging.getLogger(__name__)

DOUBLINGS = 16
"""How often the time at most doubles for which a server is not asked: after days the number would be too large."""


class Trouble(ServerError):  # noqa: N818 - says that something is wrong
    """What is wrong with the server at an address; `is_ours` if it minds what it was asked for, and `after` how many
    seconds it may be asked again if it says so.
    """

    def __init__(self, url: str, reason: str, is_ours: bool = False, after: float = 0.0) -> None:
        super().__init__(f"The model's server at {url} cannot be used: {reason}.")
        self.reason = reason
        self.is_ours = is_ours
        self.after = after


class Interrupted(Trouble):
    """It has ended an answer before it was over, and did so on purpose: it said that nothing more comes.

    llama-cpp-python's server does it when another request comes (its setting `interrupt_requests`). An answer that is
    cut off lacks that last word.
    """


@dataclass(slots=True)
class Server:
    """A server that runs a model. `url` is the address of its OpenAI part: `http://host:8000/v1`.

    `problem` says in a sentence why it is not asked now; it is tried again at the time `until`.
    """

    url: str
    wanted: str = ""
    key: str = ""
    waits: Waits = field(default_factory=Waits)
    traits: Traits | None = None
    problem: str = ""
    until: float = 0.0
    busy: int = 0
    _failures: int = 0
    _client: httpx.AsyncClient | None = None

    @property
    def root(self) -> str:
        return self.url.removesuffix("/v1")

    @property
    def shown(self) -> str:
        """The address without a name and a password that it may hold."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @property
    def is_up(self) -> bool:
        return self.traits is not None and not self.problem

    async def look(self) -> None:
        """Whether it is still there, with the same model. Raises Trouble."""
        self.chosen([str(each["id"]) for each in await self.listed()])

    async def write(self, ask: Ask) -> AsyncGenerator[Chunk]:
        """What it writes, and an Ending. Raises Trouble."""
        assert self.traits is not None
        self.busy += 1
        try:
            async for chunk in self.written(self.traits, self._completed(ask)):
                yield chunk
            self._failures = 0
        finally:
            self.busy -= 1

    async def scored(self, ask: Ask) -> list[Chunk]:
        """The tokens of a prompt with their probabilities; none if it does not tell them. Raises Trouble."""
        assert self.traits is not None
        if self.traits.reads is not Shape.COMPLETIONS:
            return []
        async with self._answer(Shape.COMPLETIONS, scoring(self.traits.rule, self._completed(ask))) as (answer, _):
            await answer.aread()
        with suppress(ValueError):
            told = part(answer.text)
            return prompt_tokens(ask.prefix, told) if told else []
        return []

    def _completed(self, ask: Ask) -> Ask:
        """What is asked for, with what is known of this server."""
        assert self.traits is not None
        told = self.traits.told if ask.told is None else min(ask.told, self.traits.told)
        return replace(ask, model=self.traits.model, told=told, ends=tuple((self.traits.specials or {}).values()))

    def failed(self, problem: str, after: float = 0.0) -> None:
        """Is not asked for a while: each time a longer one, or as long as it wishes."""
        self._failures += 1
        wait = after or 0.5 * 2 ** min(self._failures, DOUBLINGS)
        self.until = time.monotonic() + min(wait, self.waits.again)
        if problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem

    def mended(self) -> None:
        """Is asked again."""
        log.info("The model's server at %s answers.", self.shown)
        self.problem = ""

    async def close(self) -> None:
        if self._client:
            await self._client.aclose()
            self._client = None

    async def written(self, traits: Traits, ask: Ask) -> AsyncGenerator[Chunk]:
        """What it writes, and an Ending, if it is what these traits say. Raises Trouble."""
        shape = traits.reads if ask.verbatim else traits.shape
        try:
            asked = body(shape, traits.rule, ask)
        except ValueError as error:
            log.debug("An expression is not sent: %s", error)
            asked = body(shape, traits.rule, replace(ask, expression=""))
        made, end, count = Chunks(), None, 0
        try:
            async with aclosing(self._parts(shape, asked)) as parts:
                async for found in parts:
                    for chunk in made.on(found):
                        count += 1
                        yield chunk
                    end = found.ending(end)
                    if end.is_last or (end.finish and not ask.for_client):
                        break
        except Trouble:
            if not _is_whole(end, count, ask):
                raise
        if end is None and ask.for_client:
            await self._explain(shape, asked)
        if end is None or not _is_whole(end, count, ask):
            if end and end.is_last:
                raise Interrupted(self.shown, "other requests interrupt it")
            raise self._error("it broke off in the middle of its answer")
        yield Ending("", None, (), end.finish not in ("", "length"), end.stop, end.read, end.wrote)

    async def _parts(self, shape: Shape, asked: Mapping[str, Any]) -> AsyncGenerator[Part]:
        """The parts of an answer, each within its time. Raises Trouble."""
        async with self._answer(shape, asked) as (answer, limit):
            async for line in _lines(answer):
                if not line or line.startswith(":"):  # such lines say only that it is still there
                    continue
                limit.reschedule(asyncio.get_running_loop().time() + self.waits.next)
                try:
                    found = part(line)
                except ValueError as error:
                    raise self._error(str(error)) from None
                if found:
                    yield found

    async def _explain(self, shape: Shape, asked: Mapping[str, Any]) -> None:
        """Raises Trouble with the reason for an empty answer: llama-cpp-python's server tells it of whole ones only."""
        if shape is not Shape.COMPLETIONS:
            return
        whole = {name: value for name, value in asked.items() if name != "stream_options"}
        whole |= {"stream": False, "max_tokens": 1}
        async with self._connections() as http, self._answer(shape, whole, http):
            pass  # it is about to close the connection on which it failed

    @asynccontextmanager
    async def _answer(
        self, shape: Shape, asked: Mapping[str, Any], http: httpx.AsyncClient | None = None
    ) -> AsyncIterator[tuple[httpx.Response, asyncio.Timeout]]:
        """An answer that has begun, and the time that it may take. Raises Trouble."""
        address = self.root + path(shape).format(base=self._tail)
        try:
            async with asyncio.timeout(self.waits.first) as limit:
                async with (http or self._http).stream("POST", address, json=asked) as response:
                    if not response.is_success:
                        await response.aread()
                        raise self._refusal(response)
                    yield response, limit
        except TimeoutError:
            raise self._error("it is too slow") from None
        except httpx.HTTPError as error:
            raise self._error(reason(error)) from None

    @property
    def _tail(self) -> str:
        return self.url[len(self.root) :]

    @property
    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = self._connections()
        return self._client

    def _connections(self) -> httpx.AsyncClient:
        return connections(self.url, self.key, self.waits)

    async def listed(self) -> list[dict[str, Any]]:
        """What it says of its models. Raises Trouble."""
        try:
            async with asyncio.timeout(self.waits.first):
                response = await self._http.get(f"{self.url}/models")
            if not response.is_success:
                raise self._refusal(response)
            return [each for each in response.json()["data"] if isinstance(each, dict) and "id" in each]
        except TimeoutError:
            raise self._error("it does not answer in time") from None
        except httpx.HTTPError as error:
            raise self._error(reason(error)) from None
        except (KeyError, TypeError, ValueError):
            raise self._error("it is no server of OpenAI's kind: it does not list its models") from None

    def chosen(self, models: list[str]) -> str:
        """The model that is wanted, or the first. Raises Trouble."""
        if not models:
            raise self._error("it has no model")
        if not self.wanted:
            return models[0]
        found = next((model for model in models if self.wanted in (model, model.rsplit("/", 1)[-1])), None)
        if found is None:
            raise self._error(f"it has {', '.join(models[:5])}, not {self.wanted}; correct `model=` or the server")
        return found

    async def json(self, method: str, url: str, **body: Any) -> Any:
        """What a server says that may know this address; None if it does not."""
        try:
            async with asyncio.timeout(self.waits.first):
                response = await self._http.request(method, url, **body)
                return response.json() if response.is_success else None
        except (httpx.HTTPError, TimeoutError, ValueError):
            return None

    def _refusal(self, response: httpx.Response) -> Trouble:
        status, wish = response.status_code, response.headers.get("retry-after", "")
        if status in (401, 403):
            return self._error("it refuses the key; put the right one into the environment variable that `key=` names")
        if response.has_redirect_location:
            return self._error(f"it leads to {response.headers['location']}; correct its address in the settings")
        said = f"it answers {status} {response.reason_phrase} {sentence(response)}".rstrip()
        return self._error(said, status in (400, 413, 422), float(wish) if wish.isdigit() else 0.0)

    def _error(self, reason: str, is_ours: bool = False, after: float = 0.0) -> Trouble:
        return Trouble(self.shown, reason, is_ours, after)


def _is_whole(end: Part | None, chunks: int, ask: Ask) -> bool:
    """Whether nothing is missing of a text: the server has said why it ends, or all tokens are there."""
    return end is not None and (bool(end.finish) or (ask.tokens is not None and chunks >= ask.tokens))


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """The lines of an answer. Line feeds alone end them: what else ends lines may stand within the texts of a JSON."""
    rest = b""
    async for data in response.aiter_bytes():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").strip()
    yield rest.decode("utf-8", "replace").strip()


def address(url: str) -> str:
    """An address as servers have it, with `/v1`. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address of a server; write for example http://gpu:8000/v1")
    return url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"
