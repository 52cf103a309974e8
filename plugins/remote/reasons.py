"""Why a server cannot be used, in words that say what to do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx


def sentence(response: httpx.Response) -> str:
    """What a server says is wrong, where it says so in a sentence: elsewhere there may be the code that it was sent."""
    try:
        answer = response.json()
        error = answer.get("error") or answer
        said = error if isinstance(error, str) else error.get("message") or error.get("detail")
    except (AttributeError, ValueError):
        return ""
    return f"(“{said[:200]}”)" if isinstance(said, str) else ""


def reason(error: httpx.HTTPError) -> str:
    """Why no answer has come, or not all of one."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                hint = "a private authority's goes into SSL_CERT_FILE"
                return f"its certificate is not trusted here ({cause.verify_message}; {hint})"
            case ssl.SSLError():
                return f"no encrypted connection to it can be made ({cause.reason}); its address may begin with http:"
            case socket.gaierror():
                return "no machine of that name is found; correct the address, or look whether the network is there"
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return "it does not answer"
        case httpx.TimeoutException():
            return "it is too slow"
        case httpx.RemoteProtocolError() | httpx.ReadError():
            return "it broke off in the middle of its answer"
        case _:
            return f"{type(error).__name__} {error}".strip()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What has led to an error, itself first."""
    while error:
        yield error
        error = error.__cause__ or error.__context__
