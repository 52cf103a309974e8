"""The words of the project: what travels through a completion, and what takes part in it.

    CompletionRequest → [Snippet] → Prompt → tokens → Completion

Positions are offsets in code points. Lines, UTF-16 units and JSON exist only in the faces.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.formats import Format

if TYPE_CHECKING:
    from typing_extensions import TypeIs

NEVER = Event()
"""A cancellation that nobody sets."""


class Trigger(StrEnum):
    """Why a completion was asked for: on request, or because the user typed."""

    INVOKED = "invoked"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class File:
    """Another file that the user has open or has edited lately."""

    path: Path
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A cursor in a text.

    `path` is absolute and need not exist; `root` is the folder of the repository it belongs to. `language` is the
    language's LSP identifier. `others` are open files, the one used last first. `indent` is one level of
    indentation, for a file that shows none of its own. No completion begins with one of the texts `refused`. `given`
    is context that whoever asks has found already; `draft` is what the model has written first, for sources that look
    for what is like it.
    """

    path: Path
    language: str
    text: str
    offset: int
    trigger: Trigger = Trigger.INVOKED
    root: Path | None = None
    others: tuple[File, ...] = ()
    candidates: int = 1
    indent: str = "    "
    refused: tuple[str, ...] = ()
    given: tuple[Snippet, ...] = ()
    draft: str = ""

    @property
    def prefix(self) -> str:
        return self.text[: self.offset]

    @property
    def suffix(self) -> str:
        return self.text[self.offset :]

    @property
    def name(self) -> str:
        """The path as a prompt shows it."""
        return name_in(self.root, self.path)

    def cut(self, count: int) -> CompletionRequest:
        """The request as if the last `count` code points before the cursor had not been typed."""
        offset = self.offset - count
        return replace(self, text=self.text[:offset] + self.suffix, offset=offset)


def name_in(root: Path | None, path: Path) -> str:
    """A path as a prompt shows it: relative to the repository's root if it lies there, with forward slashes."""
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.name


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of context, and why it is worth showing: `score` in 0 to 1, `source` the plugin that found it."""

    text: str
    score: float
    source: str
    path: str


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A stretch of a prompt: `source` is a plugin's name, or `file`, `suffix`, `prefix`."""

    source: str
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads, and what it is made of. `left_out` has a sentence for each thing that did not fit."""

    tokens: tuple[int, ...]
    parts: tuple[PromptPart, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What monitors made of one place: `place` is the end of the line before it, `written` what followed.

    `legal` is how many texts might follow, None if they were not counted. `mass`, 0 to 1, is the share of the model's
    probability that they had; `refused` is what it would rather have written.
    """

    monitors: tuple[str, ...]
    place: str
    legal: int | None
    mass: float
    refused: tuple[str, ...]
    written: str


@dataclass(frozen=True, slots=True)
class Completion:
    """Text to insert at the cursor, and how many code points behind the cursor it replaces.

    `logprob` is the mean log-probability of its tokens, in nats, among those that the guards allowed. `is_cut` says
    that the rest of its line was wrong and is left out.
    """

    text: str
    replaces: int = 0
    logprob: float = 0.0
    rulings: tuple[Ruling, ...] = ()
    is_cut: bool = False

    @property
    def guards(self) -> tuple[str, ...]:
        """The monitors that had a say, each once."""
        return tuple(dict.fromkeys(name for ruling in self.rulings for name in ruling.monitors))

    @property
    def probability(self) -> float:
        """The geometric mean of the tokens' probabilities, 0 to 1."""
        return math.exp(self.logprob)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request led to: completions, best first, or the reason why there are none.

    `inactive` says that Ghostwright stays out of this file, as against having nothing to say at this cursor.
    `timings` are seconds by stage; `silences` are monitors that were asked and knew nothing, with the reasons;
    `waited` are the seconds in which nothing but the language servers was waited for; `evaluated` counts the tokens
    that the model read and wrote. `rounds` has for each error round the errors that it was made for, one a line.
    """

    completions: tuple[Completion, ...] = ()
    reason: str = ""
    inactive: bool = False
    prompt: Prompt | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    silences: tuple[tuple[str, str], ...] = ()
    waited: float = 0.0
    evaluated: int = 0
    recalled: bool = False
    rounds: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the prompt's context came from, each once."""
        if self.prompt is None:
            return ()
        return tuple(dict.fromkeys(part.source for part in self.prompt.parts if part.tokens))


class ContextSource(Protocol):
    """Finds what the model should see beside the current file. Asked on the model's thread: it answers at once.

    It may also have `open(request, patience)`, called when a file is opened, `files_changed(paths)` and `close()`. One
    with `wants_draft = True` is asked once more where the user has asked, with the model's first `request.draft`.
    """

    name: str

    def snippets(self, request: CompletionRequest) -> Iterable[Snippet]: ...


class PostProcessor(Protocol):
    """Improves a completion, or drops it by returning None."""

    name: str

    def process(self, completion: Completion, request: CompletionRequest) -> Completion | None: ...


class Check(Protocol):
    """Finds what cannot be right in a completion that would otherwise be shown.

    It may also have `report(completion, request) -> str`, asked on request only: all that is wrong, an error a line.
    """

    name: str

    def fault(self, completion: Completion, request: CompletionRequest) -> range | None:
        """Where in its text the first such thing stands; None if there is none, or nothing is known in time."""


class Reader(Protocol):
    """What models of both kinds have in common: they read prompts, whose tokens are theirs.

    `languages` are LSP identifiers that a model is good at, or None for any. One thread at a time may call it.
    """

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def languages(self) -> frozenset[str] | None: ...

    @property
    def format(self) -> Format:
        """How it reads fill-in-the-middle prompts. Raises NoFillInTheMiddle."""

    @property
    def context_length(self) -> int:
        """How many tokens it reads and writes at most."""

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes of all its tokens by id, empty for special ones."""

    @property
    def evaluated(self) -> int:
        """How many tokens it has computed since it was made."""

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end what it writes: every special one."""

    def load(self) -> None:
        """Gets ready, if it is not. Raises ModelError."""

    def tokenize(self, text: str) -> list[int]:
        """Tokens of a user's text; what looks like a special token in it stays text."""

    def special(self, text: str) -> int:
        """The special token written `text`. Raises ModelError if there is none."""

    def detokenize(self, tokens: Sequence[int]) -> bytes:
        """The bytes of tokens, which may end within a character. Special tokens have none."""

    def unload(self) -> None:
        """Gives its memory back; it loads again when it is needed."""


class Model(Reader, Protocol):
    """A function from tokens to logits. Which part of a sequence it has seen before is its own business.

    One that comes from elsewhere may also have `download() -> Path`, which fetches it.
    """

    def logits(self, tokens: Sequence[int], last: int = 1, cancelled: Event = NEVER) -> NDArray[np.float32]:
        """float32[last, vocabulary]: scores of what follows each of the `last` positions. Raises Cancelled."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a text model writes at a time: mostly one token's text.

    `logprob`, in nats, is that before any expression held; None if it is not told. `others` are the texts of other
    probable tokens with theirs. The last chunk of a text that the model has ended is empty, and `is_end`.
    """

    text: str
    logprob: float | None = None
    others: tuple[tuple[str, float], ...] = ()
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """What a text model is to write: at most so many tokens behind a prompt and what is `written` of its middle.

    They match `expression`, unless that is empty: a regular expression without look-around or back-references.
    `line` ends them with the line. A `chance` of 0 takes the most probable tokens, others are seeds of a draw.
    """

    prompt: tuple[int, ...]
    written: str
    tokens: int
    expression: str = ""
    line: bool = False
    chance: int = 0


class TextModel(Reader, Protocol):
    """A model that writes text by itself, as a server does: it shows no logits, but may be told what may come.

    Its tokens are texts that have been seen so far, and their number grows.
    """

    @property
    def obeys(self) -> bool:
        """Whether it keeps to expressions."""

    @property
    def tells(self) -> bool:
        """Whether it tells how probable what it writes is, and what else is."""

    @property
    def is_up(self) -> bool:
        """Whether it may be asked now."""

    @property
    def problem(self) -> str:
        """Why it may not, in a sentence; empty if it may."""

    @property
    def stand_in(self) -> str:
        """The model that stands in for it meanwhile, as the setting `model` names it."""

    def token(self, text: str) -> int:
        """The token that stands for a text."""

    def chunks(self, order: Order, cancelled: Event = NEVER) -> Iterator[Chunk]:
        """Chunk after chunk, as they are written. Closing it ends the writing. Raises Cancelled, ServerError."""


def writes_text(model: Model | TextModel) -> TypeIs[TextModel]:
    """Whether a model writes text by itself."""
    return hasattr(model, "chunks")
