"""Tells on what a server writes, as it comes, up to a stop. What `sampling.generate` is for models that show logits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from threading import Event

from assistant.decoding.sampling import Finish, Stops, Stretch, Token
from assistant.http.problems import Problem
from assistant.passing import Ending, Errand, Passing, passed_on
from assistant.types import Chunk


def echoed(model: Passing, errand: Errand, stopped: Event) -> Stretch:
    """The prompt, with how probable its tokens are if that is wanted. Raises Problem where the server does not say."""
    if errand.alternatives is None:
        return Stretch(errand.prompt)
    told = model.scored(errand.prompt, errand.alternatives, stopped)
    if not told:
        raise Problem(
            501, f"The server of {model.name} does not tell how probable a prompt is: leave echo out.", "echo"
        )
    return Stretch(errand.prompt, tuple(_token(chunk, errand.alternatives) for chunk in told))


def relayed(
    model: Passing, errand: Errand, indent: int, deadline: float, stopped: Event
) -> Iterator[tuple[Stretch, Ending | None]]:
    """Stretch after stretch of what a server writes; with the last one what it says of the end, if it has come there.

    `deadline` is a time of the monotonic clock. Raises Cancelled, ServerError, RequestError.
    """
    stops, held, text, finish, end = Stops(errand.stops, indent), list[Token](), "", Finish.LENGTH, None
    begin, read = time.monotonic(), 0.0
    with closing(passed_on(model, errand, stopped)) as chunks:
        for chunk in chunks if errand.tokens != 0 else ():
            read = read or time.monotonic()
            if isinstance(chunk, Ending):
                end, finish = chunk, _finish(chunk)
                break
            held.append(_token(chunk, errand.alternatives))
            text = stops.push(chunk.text)
            if stops.found is not None:
                finish, held = Finish.STOP, _covering(held, text)
                break
            if text:
                yield Stretch(text, tuple(held)), None
                held = []
            if time.monotonic() > deadline:
                finish = Finish.TIME
                break
    rest = stops.rest() if stops.found is None else text
    stop = stops.found or (end.stop if end else "")
    done = time.monotonic()
    yield Stretch(rest, tuple(held), finish, stop, (read or done) - begin, done - (read or done)), end


def _finish(end: Ending) -> Finish:
    if end.stop:
        return Finish.STOP
    return Finish.END if end.is_end else Finish.LENGTH


def _token(chunk: Chunk, alternatives: int | None) -> Token:
    """A chunk as a token, with its place among the others."""
    if chunk.logprob is None or alternatives is None:
        return Token(chunk.text.encode())
    told = sorted(((chunk.text, chunk.logprob), *chunk.others), key=lambda each: -each[1])[:alternatives]
    return Token(chunk.text.encode(), chunk.logprob, tuple((text.encode(), logprob) for text, logprob in told))


def _covering(tokens: Sequence[Token], text: str) -> list[Token]:
    """The first tokens, as many as it takes to write a text."""
    found, missing = [], len(text.encode())
    for token in tokens:
        if missing <= 0:
            break
        found.append(token)
        missing -= len(token.piece)
    return found
