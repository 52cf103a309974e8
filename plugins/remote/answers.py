"""What servers answer, line by line: OpenAI's completions, llama.cpp's infill, Ollama's generate."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.types import Chunk

NEVER = -100.0
"""A log-probability that is as good as none, and can be computed with."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer: text, the tokens that it is of if they are told, and why it ends if it does.

    `stop` is what was met, `read` and `wrote` are the server's counts of tokens, where it tells them. `is_last` says
    that nothing comes behind it.
    """

    text: str
    tokens: tuple[Chunk, ...] = ()
    finish: str = ""
    stop: str = ""
    read: int | None = None
    wrote: int | None = None
    is_last: bool = False

    def ending(self, before: Part | None) -> Part:
        """What is known of the end with this part, beside what was known before."""
        if before is None:
            return self
        read = before.read if self.read is None else self.read
        wrote = before.wrote if self.wrote is None else self.wrote
        return Part("", (), self.finish or before.finish, self.stop or before.stop, read, wrote, self.is_last)


def part(line: str) -> Part | None:
    """A part of an answer from a line of it; None if the line holds none. Raises ValueError for what is no answer."""
    data = line.removeprefix("data:").strip()
    if not data or line.startswith((":", "event:", "id:", "retry:")):
        return None
    if data == "[DONE]":
        return Part("", is_last=True)
    try:
        answer = json.loads(data)
        if answer.get("error"):
            raise ValueError(f"it says: {_sentence(answer['error'])}")
        return _part(answer)
    except (AttributeError, KeyError, IndexError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"it sent what is no completion ({type(error).__name__}): {data[:80]!r}") from None


class Chunks:
    """Makes chunks of parts, a token each where tokens are told: their texts may come a little later than they do."""

    def __init__(self) -> None:
        self._text = ""
        self._waiting = deque[Chunk]()

    def on(self, part: Part) -> Iterator[Chunk]:
        """The chunks that are complete with a part."""
        self._text += part.text
        self._waiting += part.tokens
        while self._text and self._waiting and self._text.startswith(self._waiting[0].text):
            chunk = self._waiting.popleft()
            self._text = self._text[len(chunk.text) :]
            if chunk.text:
                yield chunk
        if self._text and (part.finish or not (self._waiting and self._waiting[0].text.startswith(self._text))):
            yield self._together()

    def _together(self) -> Chunk:
        """A text that is not that of the tokens told: of a character that two write, or cut where it was to stop."""
        chunk = _one(self._text, self._waiting)
        self._waiting.clear()
        self._text = ""
        return chunk


def prompt_tokens(prompt: str, told: Part) -> list[Chunk]:
    """The tokens of a prompt with which an answer begins; none if it does not begin so.

    A token that a server puts before every text is left out. Those that write parts of characters, whose texts nobody
    can tell, are one.
    """
    tokens = told.tokens[: told.read] if told.text.startswith(prompt) else ()
    if tokens and not prompt.startswith(tokens[0].text.removesuffix("\ufffd")):
        tokens = tokens[1:]
    found, begin, parts = list[Chunk](), 0, list[Chunk]()
    for token in tokens:
        place = prompt.find(token.text, begin) if token.text else -1
        if begin < place and parts:
            found.append(_one(prompt[begin:place], parts))
            begin, parts = place, []
        parts.append(token)
        if place == begin:
            found.append(_one(token.text, parts) if parts[1:] else token)
            begin, parts = begin + len(token.text), []
        if begin == len(prompt):
            return found
    return [*found, _one(prompt[begin:], parts)] if parts else []


def _one(text: str, tokens: Sequence[Chunk]) -> Chunk:
    """A text that some tokens have written."""
    logprobs = [token.logprob for token in tokens if token.logprob is not None]
    return Chunk(text, sum(logprobs) if logprobs else None)


def _part(answer: Mapping[str, Any]) -> Part:
    if "choices" in answer:
        choice = answer["choices"][0] if answer["choices"] else {"text": ""}  # counts of tokens come so
        finish, told = choice.get("finish_reason") or "", choice.get("logprobs")
        read, wrote = _counts(answer.get("usage") or {}, "prompt_tokens", "completion_tokens")
        return Part(_text(choice["text"]), tuple(_tokens(told)), finish, _word(choice.get("stop_reason")), read, wrote)
    if "response" in answer:
        finish = (answer.get("done_reason") or "stop") if answer.get("done") else ""
        read, wrote = _counts(answer, "prompt_eval_count", "eval_count")
        return Part(_text(answer["response"]), tuple(_tokens(answer.get("logprobs"))), finish, "", read, wrote)
    finish = {"limit": "length"}.get(answer.get("stop_type", ""), "stop") if answer.get("stop") else ""
    read, wrote = _counts(answer if finish else {}, "tokens_evaluated", "tokens_predicted")
    tokens = tuple(_tokens(answer.get("completion_probabilities")))
    return Part(_text(answer["content"]), tokens, finish, _word(answer.get("stopping_word")), read, wrote)


def _word(told: Any) -> str:
    return told if isinstance(told, str) else ""


def _counts(told: Mapping[str, Any], read: str, wrote: str) -> tuple[int | None, int | None]:
    return _count(told.get(read)), _count(told.get(wrote))


def _count(told: Any) -> int | None:
    return told if isinstance(told, int) else None


def _text(text: Any) -> str:
    """A text without halves of surrogate pairs, which JSON can hold and files cannot."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no text")
    return text.encode("utf-8", "replace").decode()


def _tokens(told: Any) -> Iterator[Chunk]:
    """Tokens with their probabilities: as OpenAI's completions tell them, or as its chat and llama.cpp do."""
    if isinstance(told, Mapping) and "content" in told:
        told = told["content"]
    if isinstance(told, Mapping) and "tokens" in told:
        tops = told.get("top_logprobs") or [{}] * len(told["tokens"])
        for text, logprob, top in zip(told["tokens"], told["token_logprobs"], tops, strict=True):
            yield _token(text, logprob, (top or {}).items())
    elif isinstance(told, list):
        for each in told:
            top = [(other["token"], other["logprob"]) for other in each.get("top_logprobs") or ()]
            yield _token(each["token"], each["logprob"], top)


def _token(text: Any, logprob: Any, told: Iterable[tuple[Any, Any]]) -> Chunk:
    """A token, and those others that are text: neither special ones nor halves of characters. The likeliest first."""
    others = [(_text(other), max(chance, NEVER)) for other, chance in told if other and other != text]
    others = [(other, chance) for other, chance in others if "\ufffd" not in other]
    own = None if logprob is None else max(logprob, NEVER)
    return Chunk(_text(text), own, tuple(sorted(others, key=lambda each: -each[1])))


def _sentence(error: Any) -> str:
    return str(error.get("message", error) if isinstance(error, Mapping) else error)[:200]
