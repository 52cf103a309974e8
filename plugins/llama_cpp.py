"""Models in GGUF files, run by llama.cpp through its low-level API.

The high-level `llama_cpp.Llama` reads whole prompts anew when their middle changes, cannot be cancelled and takes
one row of logits at a time; here the cache keeps the longest common beginning, whatever is asked next.
"""

from __future__ import annotations

import ctypes
import logging
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

import assistant
from assistant.cancellation import Cancellation
from assistant.errors import Cancelled, ModelError
from assistant.formats import FORMATS, Format, detect
from assistant.hookspecs import hookimpl
from assistant.settings import Settings
from assistant.threads import Threads, usable_cores
from assistant.types import NEVER, Model

log = logging.getLogger(__name__)

WEIGHTS = Path(assistant.__file__).parent / "weights" / "ghostwright-python-58m.Q5_K_M.gguf"
"""The embedded model, which needs no download and no setting."""

MAX_CONTEXT = 4096
"""Tokens: more would cost memory and seconds of reading on a CPU, for context that a completion seldom needs."""

BATCH_SECONDS = 0.03
"""How long a batch may take if nothing but its end lets a cancel be noticed."""

LARGE_BATCH = 128
"""Tokens in a batch that a cancel ends by itself: a third faster than small ones."""

SPINS = "4000"
"""How often a thread looks for its next piece of work before it sleeps. Fewer make every operation wait for threads to
wake up; OpenMP's own choice, many times as much, leaves one or two tokens a second when other processes want the cores.
"""

_LEAD = "\x01"
"""Stands before a text so that SentencePiece's blank goes there; no vocabulary has it in a token with others."""

_ABORTED = 2  # llama_decode's status
_CONTROL, _USER_DEFINED = 8, 16  # LLAMA_TOKEN_ATTR_…


@hookimpl
def ghostwright_model(settings: Settings) -> Model | None:
    if not settings.model:
        return LlamaCpp(WEIGHTS, threads=settings.threads, languages=frozenset({"python"}))
    path = Path(settings.model).expanduser()
    return LlamaCpp(path, threads=settings.threads) if path.suffix == ".gguf" else None


class LlamaCpp:
    """A GGUF file as a model. Nothing is loaded until it is needed."""

    def __init__(self, path: Path, threads: int = 0, languages: frozenset[str] | None = None) -> None:
        self.path = path
        self.name = path.name
        self.languages = languages
        self.evaluated = 0
        self._threads = Threads(threads or usable_cores(), fixed=bool(threads))
        self._weights: _Weights | None = None

    @property
    def format(self) -> Format:
        return self._loaded.format[0]

    @property
    def format_reason(self) -> str:
        """Why that format was chosen, in a sentence."""
        return self._loaded.format[1]

    @property
    def context_length(self) -> int:
        return self._loaded.context_length

    @property
    def ends(self) -> frozenset[int]:
        return self._loaded.vocabulary.ends

    @property
    def pieces(self) -> Sequence[bytes]:
        return self._loaded.vocabulary.pieces

    @property
    def loaded(self) -> bool:
        return self._weights is not None

    @property
    def _loaded(self) -> _Weights:
        self.load()
        assert self._weights is not None
        return self._weights

    def load(self) -> None:
        if self._weights is None:
            self._weights = _Weights(self.path)

    def unload(self) -> None:
        if self._weights is not None:
            self._weights.close()
            self._weights = None

    def tokenize(self, text: str) -> list[int]:
        return list(self._loaded.vocabulary.tokenize(text))

    def special(self, text: str) -> int:
        try:
            return self._loaded.vocabulary.specials[text]
        except KeyError:
            raise ModelError(f"{self.name} has no special token {text!r}") from None

    def detokenize(self, tokens: Sequence[int]) -> bytes:
        return b"".join(map(self._loaded.vocabulary.piece, tokens))

    def logits(self, tokens: Sequence[int], last: int = 1, cancelled: Event = NEVER) -> NDArray[np.float32]:
        weights = self._loaded
        if len(tokens) > weights.context_length:
            raise ModelError(f"{len(tokens)} tokens are more than the {weights.context_length} that {self.name} reads")
        if not 0 < last <= len(tokens):
            raise ValueError(f"{last} positions were asked for of {len(tokens)} tokens")
        rows = np.empty((last, weights.vocabulary.size), np.float32)
        first = len(tokens) - last
        position = weights.keep(tokens[: _common(weights.seen, tokens, first)])
        while position < len(tokens):
            if cancelled.is_set():
                raise Cancelled("the completion was given up while the model was reading")
            most = LARGE_BATCH if weights.watch(cancelled) else self._threads.batch(BATCH_SECONDS)
            count = min(most, len(tokens) - position)
            batch = tokens[position : position + count]
            wanted = range(max(first - position, 0), count)
            begin = time.perf_counter()
            if not weights.decode(batch, position, wanted, self._threads.count):
                continue  # given up on the way
            for row in wanted:
                rows[position + row - first] = weights.row(row)
            self._threads.observe(count, time.perf_counter() - begin)
            self.evaluated += count
            position += count
        return rows


def _common(seen: Sequence[int], tokens: Sequence[int], most: int) -> int:
    """How many tokens two sequences begin with in common, at most `most`."""
    limit = min(len(seen), most)
    for index in range(limit):
        if seen[index] != tokens[index]:
            return index
    return limit


class _Weights:
    """A loaded file: the only place that holds llama.cpp's pointers."""

    def __init__(self, path: Path) -> None:
        _check(path)
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # read once, when the library is loaded
        import llama_cpp

        self._api: Any = llama_cpp
        self.path = path
        self.seen: list[int] = []
        self._watched: Cancellation | None = None
        self._threads = 0
        llama_cpp.llama_backend_init()
        _log.start()
        params = llama_cpp.llama_model_default_params()
        params.use_mmap = True
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            reason = _log.error or "it gave no reason"
            raise ModelError(f"llama.cpp cannot load {path}: {reason}. Get the file again, or name another one.")
        try:
            self._prepare()
        except BaseException:
            llama_cpp.llama_model_free(self._model)
            raise

    def _prepare(self) -> None:
        api = self._api
        self.metadata = self._read_metadata()
        architecture = self.metadata.get("general.architecture", "")
        if f"{architecture}.pooling_type" in self.metadata or not api.llama_model_has_decoder(self._model):
            raise ModelError(f"{self.path} is an embedding model ({architecture}); it cannot write. Name a base model.")
        self.vocabulary = _Vocabulary(api, api.llama_model_get_vocab(self._model))
        self.format = detect(self.vocabulary.specials, self.metadata, str(self.path))
        self._context = self._new_context()
        self._memory = api.llama_get_memory(self._context)
        self._batch = api.llama_batch_init(self.context_length, 0, 1)
        self._strlen = ctypes.cast(ctypes.CDLL(None).strlen, api.ggml_abort_callback)
        self._never = api.ggml_abort_callback()

    def _new_context(self) -> Any:
        api = self._api
        params = api.llama_context_default_params()
        params.n_ctx = min(api.llama_model_n_ctx_train(self._model), MAX_CONTEXT)
        params.n_batch = params.n_ubatch = 256
        params.no_perf = True
        params.flash_attn_type = self._api.LLAMA_FLASH_ATTN_TYPE_DISABLED  # on a CPU it slows writing to two thirds
        _log.start()
        context = api.llama_init_from_model(self._model, params)
        if not context:
            raise ModelError(f"llama.cpp cannot run {self.path}: {_log.error or 'it gave no reason'}")
        return context

    @cached_property
    def context_length(self) -> int:
        return int(self._api.llama_n_ctx(self._context))

    def _read_metadata(self) -> Mapping[str, str]:
        api, values = self._api, {}
        for index in range(api.llama_model_meta_count(self._model)):
            key, value = (
                _string(read, self._model, index)
                for read in (api.llama_model_meta_key_by_index, api.llama_model_meta_val_str_by_index)
            )
            values[key] = value
        return values

    def keep(self, tokens: Sequence[int]) -> int:
        """Drops from the cache what does not begin with these tokens; how many are kept."""
        count = len(tokens)
        if count < len(self.seen) and not self._api.llama_memory_seq_rm(self._memory, 0, count, -1):
            self._api.llama_memory_clear(self._memory, True)  # a recurrent memory cannot drop its end
            count = 0
        del self.seen[count:]
        return count

    def watch(self, cancelled: Event) -> bool:
        """Lets llama.cpp itself look for a cancel between two operations; whether it can."""
        if not isinstance(cancelled, Cancellation):
            self._api.llama_set_abort_callback(self._context, self._never, None)
            return False
        self._watched = cancelled  # whose flag llama.cpp reads from now on
        flag = ctypes.cast(cancelled.flag, ctypes.c_void_p)
        self._api.llama_set_abort_callback(self._context, self._strlen, flag)
        return True

    def decode(self, tokens: Sequence[int], position: int, wanted: Iterable[int], threads: int) -> bool:
        """Evaluates tokens at a position; `wanted` are those, counted from 0, whose logits will be read.

        False if a cancel that is watched has ended it before.
        """
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = 0
        for index in wanted:
            batch.logits[index] = 1
        if threads != self._threads:
            self._api.llama_set_n_threads(self._context, threads, threads)
            self._threads = threads
        status = self._api.llama_decode(self._context, batch)
        if status == _ABORTED:
            self._api.llama_memory_seq_rm(self._memory, 0, position, -1)
            return False
        if status:
            self._api.llama_memory_clear(self._memory, True)
            self.seen.clear()
            raise ModelError(f"llama.cpp could not evaluate {len(tokens)} tokens at {position} (status {status})")
        self.seen += tokens
        return True

    def row(self, index: int) -> NDArray[np.float32]:
        """float32[vocabulary]: llama.cpp's own memory, valid until the next decode."""
        pointer = self._api.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary.size,))

    def close(self) -> None:
        self._api.llama_batch_free(self._batch)
        self._api.llama_free(self._context)
        self._api.llama_model_free(self._model)


class _Vocabulary:
    """A model's tokens: `specials` by their texts, and `ends`, those with which it ends what it writes."""

    def __init__(self, api: Any, pointer: Any) -> None:
        self._api, self._pointer = api, pointer
        self.size: int = api.llama_vocab_n_tokens(pointer)
        self.specials = self._read_specials()
        eogs = (token for token in range(self.size) if api.llama_vocab_is_eog(pointer, token))
        self.ends = frozenset(self.specials.values()).union(eogs)
        self._inside_special = re.compile(
            "|".join(f"(?<={re.escape(t[0])})(?={re.escape(t[1:])})" for t in self.specials)
        )
        puts_blank = api.llama_vocab_type(pointer) == api.LLAMA_VOCAB_TYPE_SPM
        self._lead = _LEAD if puts_blank else ""
        self._lead_tokens = len(self._raw(self._lead))
        self._pieces: dict[int, bytes] = {}
        self.tokenize = lru_cache(maxsize=128)(self._tokenize)  # most parts of a prompt are those of the last one

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """The bytes of all tokens."""
        return tuple(map(self.piece, range(self.size)))

    def piece(self, token: int) -> bytes:
        """The bytes of one token; none for a special one."""
        if token in self.ends:
            return b""
        if token not in self._pieces:
            buffer = ctypes.create_string_buffer(256)
            count = self._api.llama_token_to_piece(self._pointer, token, buffer, len(buffer), 0, False)
            self._pieces[token] = buffer.raw[: max(count, 0)]
        return self._pieces[token]

    def _tokenize(self, text: str) -> list[int]:
        """Tokens of a text in which nothing is special, and before which SentencePiece puts no blank."""
        tokens = self._raw(self._lead + text)[self._lead_tokens :]
        if self.ends.isdisjoint(tokens):
            return tokens
        halves = self._inside_special.split(text)  # llama.cpp finds user-defined tokens in any text: take them apart
        return [token for half in halves for token in self._raw(self._lead + half)[self._lead_tokens :]]

    def _raw(self, text: str) -> list[int]:
        encoded = text.encode("utf-8", "replace")
        buffer = (self._api.llama_token * (len(encoded) + 2))()
        count = self._api.llama_tokenize(self._pointer, encoded, len(encoded), buffer, len(buffer), False, False)
        return list(buffer[:count])

    def _read_specials(self) -> dict[str, int]:
        """Control tokens, and those of our formats that a model calls “user-defined”."""
        known = frozenset().union(*(form.specials for form in FORMATS))
        found = {}
        for token in range(self.size):
            attribute = self._api.llama_vocab_get_attr(self._pointer, token)
            if not attribute & (_CONTROL | _USER_DEFINED):
                continue
            text = self._api.llama_vocab_get_text(self._pointer, token).decode("utf-8", "replace")
            if text and (attribute & _CONTROL or text in known):
                found[text] = token
        return found


def _check(path: Path) -> None:
    """Finds what llama.cpp would only say in its log. Raises ModelError."""
    if not path.is_file():
        raise ModelError(f"There is no model file {path}. Set `model` to the path of a .gguf file, or to nothing.")
    with path.open("rb") as file:
        magic = file.read(4)
    if magic != b"GGUF":
        raise ModelError(f"{path} is not a GGUF file: it begins with {magic!r}, not with b'GGUF'.")


def _string(read: Any, model: Any, index: int) -> str:
    buffer = ctypes.create_string_buffer(4096)
    read(model, index, buffer, len(buffer))
    return buffer.value.decode("utf-8", "replace")


class _Log:
    """What llama.cpp says goes to our log; its first error while loading is the only reason that it gives."""

    def __init__(self) -> None:
        self.error = ""
        self._callback: Any = None

    def start(self) -> None:
        """Listens from now on, and forgets the last error."""
        import llama_cpp

        self.error = ""
        if self._callback is None:
            self._callback = llama_cpp.llama_log_callback(self._write)
            llama_cpp.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _write(self, level: int, text: bytes, _user: object) -> None:
        line = text.decode("utf-8", "replace").strip()
        log.debug("llama.cpp: %s", line)
        if level == _ERROR and not self.error:
            self.error = line


_ERROR = 4  # GGML_LOG_LEVEL_ERROR
_log = _Log()
