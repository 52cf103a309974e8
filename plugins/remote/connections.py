"""Connections to a server, several of which are kept for the next requests."""

from __future__ import annotations

import ssl

import httpx

from plugins.remote.traits import Waits

IDLE = 2.0
"""Seconds that an idle connection is kept. vLLM and llama.cpp close it after five, maybe just when it is used again."""


def connections(url: str, key: str, waits: Waits) -> httpx.AsyncClient:
    """Connections that know neither proxies of the environment nor redirections: the code goes to this server."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = httpx.Timeout(waits.first + waits.next, connect=waits.connect)
    context = ssl.create_default_context() if url.startswith("https:") else False
    transport = Transport(verify=context, limits=httpx.Limits(keepalive_expiry=IDLE), trust_env=False)
    return httpx.AsyncClient(headers=headers, timeout=timeout, transport=transport, trust_env=False)


class Transport(httpx.AsyncHTTPTransport):
    """Asks once more where a connection is closed before anything has come: the server had done with it before.

    llama-cpp-python's server closes one a moment after it has refused a request on it.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            return await super().handle_async_request(request)
