"""A loaded GGUF file: what it has seen, and what it says of what follows. The only place with llama.cpp's pointers."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.cancellation import Cancellation
from assistant.errors import Cancelled, ModelError
from assistant.formats import detect
from assistant.threads import Threads
from assistant.types import NEVER
from plugins.llama_cpp.messages import messages
from plugins.llama_cpp.vocabulary import Vocabulary

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

_ABORTED = 2  # llama_decode's status


class Weights:
    """A model that has been loaded from a file. `seen` are the tokens in its cache."""

    def __init__(self, path: Path) -> None:
        _check(path)
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # read once, when the library is loaded
        import llama_cpp

        self._api: Any = llama_cpp
        self.path = path
        self.seen: list[int] = []
        self._watched = NEVER
        self._threads = 0
        llama_cpp.llama_backend_init()
        messages.start()
        params = llama_cpp.llama_model_default_params()
        params.use_mmap = True
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelError(
                f"llama.cpp cannot load {path}: {messages.reason}. Get the file again, or name another one."
            )
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
        self.vocabulary = Vocabulary(api, api.llama_model_get_vocab(self._model))
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
        messages.start()
        context = api.llama_init_from_model(self._model, params)
        if not context:
            raise ModelError(f"llama.cpp cannot run {self.path}: {messages.reason}")
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

    def keep(self, count: int) -> int:
        """Drops all but the first tokens from the cache; how many are kept, which may be none."""
        if count < len(self.seen) and not self._api.llama_memory_seq_rm(self._memory, 0, count, -1):
            self._api.llama_memory_clear(self._memory, True)  # a recurrent memory cannot drop its end
            count = 0
        del self.seen[count:]
        return count

    def most(self, threads: Threads, cancelled: Event) -> int:
        """How many tokens to evaluate at once, so that a cancel is noticed soon."""
        return LARGE_BATCH if isinstance(cancelled, Cancellation) else threads.batch(BATCH_SECONDS)

    def evaluate(
        self, tokens: Sequence[int], wanted: int, threads: int, cancelled: Event = NEVER
    ) -> NDArray[np.float32]:
        """float32[wanted, vocabulary]: scores of what follows each of the last tokens. Raises Cancelled, ModelError."""
        position = len(self.seen)
        self._fill(tokens, position, len(tokens) - wanted)
        self._watch(cancelled)
        if threads != self._threads:
            self._api.llama_set_n_threads(self._context, threads, threads)
            self._threads = threads
        status = self._api.llama_decode(self._context, self._batch)
        if status == _ABORTED:
            self._api.llama_memory_seq_rm(self._memory, 0, position, -1)
            raise Cancelled("the completion was given up while the model was reading")
        if status:
            self._api.llama_memory_clear(self._memory, True)
            self.seen.clear()
            raise ModelError(f"llama.cpp could not evaluate {len(tokens)} tokens at {position} (status {status})")
        self.seen += tokens
        rows = np.empty((wanted, self.vocabulary.size), np.float32)
        for row in range(wanted):
            rows[row] = self._row(len(tokens) - wanted + row)
        return rows

    def _fill(self, tokens: Sequence[int], position: int, first: int) -> None:
        """Puts tokens into the batch; scores are wanted from the first on, counted from 0."""
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index >= first

    def _watch(self, cancelled: Event) -> None:
        """Lets llama.cpp itself look for a cancel between two operations, if it can."""
        if not isinstance(cancelled, Cancellation):
            self._api.llama_set_abort_callback(self._context, self._never, None)
            return
        self._watched = cancelled  # whose flag llama.cpp reads from now on
        flag = ctypes.cast(cancelled.flag, ctypes.c_void_p)
        self._api.llama_set_abort_callback(self._context, self._strlen, flag)

    def _row(self, index: int) -> NDArray[np.float32]:
        """float32[vocabulary]: llama.cpp's own memory, valid until the next evaluation."""
        pointer = self._api.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary.size,))

    def close(self) -> None:
        self._api.llama_batch_free(self._batch)
        self._api.llama_free(self._context)
        self._api.llama_model_free(self._model)


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
