"""Encoders in GGUF files, run by llama.cpp through its low-level API."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from retrieval.encoding_errors import EncoderError
from retrieval.encoding_pooling import Vectors, aggregated, normalised, pooling

MOST_TOKENS = 512
"""Of a block or a query: what follows is not read. A block has about 200."""


class LlamaCppEncoder:
    """A definition is the mean of its blocks.

    A text's vector is what the file's metadata says (mean, first or last token), the mean over tokens where they say
    nothing. `query` stands before queries; the model's page tells whether one is needed. Raises EncoderError.
    """

    def __init__(self, path: Path, query: str = "", threads: int = 0) -> None:
        if not path.is_file():
            raise EncoderError(f"There is no encoder {path}: name the path of a .gguf file, or none.")
        import llama_cpp

        self._api: Any = llama_cpp
        self._query, self._lock = query, Lock()
        llama_cpp.llama_backend_init()
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), llama_cpp.llama_model_default_params())
        if not self._model:
            raise EncoderError(f"llama.cpp cannot load the encoder {path}: get the file again, or name another one.")
        self._context = self._new_context(threads or max(1, len(os.sched_getaffinity(0)) - 1))
        if not self._context:
            llama_cpp.llama_model_free(self._model)
            raise EncoderError(f"llama.cpp cannot make vectors with {path}: name an embedding model.")
        self._batch = llama_cpp.llama_batch_init(self._most, 0, 1)
        self._encodes = llama_cpp.llama_model_has_encoder(self._model)
        self.name = f"{path.name}:{_fingerprint(path)}:{query}"
        self.dimension = int(llama_cpp.llama_model_n_embd_out(self._model))

    def _new_context(self, threads: int) -> Any:
        api = self._api
        self._most = min(MOST_TOKENS, api.llama_model_n_ctx_train(self._model))
        params = api.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = self._most
        params.n_threads = params.n_threads_batch = threads
        params.embeddings = True
        params.no_perf = True
        context = api.llama_init_from_model(self._model, params)
        if context and api.llama_pooling_type(context) == api.LLAMA_POOLING_TYPE_NONE:  # as of a model that writes
            api.llama_free(context)
            params.pooling_type = api.LLAMA_POOLING_TYPE_MEAN
            context = api.llama_init_from_model(self._model, params)
        return context

    def blocks(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        with self._lock:
            for row, text in enumerate(texts):
                if text.strip():
                    vectors[row] = self._encoded(text)
        return normalised(vectors)

    def definitions(self, definitions: Sequence[Sequence[str]]) -> Vectors:
        return aggregated(self.blocks, definitions, pooling("mean", {}))

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.blocks([self._query + text for text in texts])

    def close(self) -> None:
        """Gives back the model's memory."""
        self._api.llama_batch_free(self._batch)
        self._api.llama_free(self._context)
        self._api.llama_model_free(self._model)

    def _encoded(self, text: str) -> Any:
        api, batch = self._api, self._batch
        tokens = self._tokens(text)
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = 1
        if memory := api.llama_get_memory(self._context):
            api.llama_memory_clear(memory, True)
        status = (api.llama_encode if self._encodes else api.llama_decode)(self._context, batch)
        if status:
            raise EncoderError(f"llama.cpp could not encode {len(tokens)} tokens (status {status}).")
        pointer = api.llama_get_embeddings_seq(self._context, 0)
        return np.ctypeslib.as_array(pointer, shape=(self.dimension,))

    def _tokens(self, text: str) -> list[int]:
        """With the special tokens that the model expects around a text; the end is cut."""
        encoded = text.encode("utf-8", "replace")
        buffer = (self._api.llama_token * (len(encoded) + 8))()
        vocabulary = self._api.llama_model_get_vocab(self._model)
        count = self._api.llama_tokenize(vocabulary, encoded, len(encoded), buffer, len(buffer), True, False)
        tokens = list(buffer[:count])
        return tokens if count <= self._most else [*tokens[: self._most - 1], tokens[-1]]


def _fingerprint(path: Path) -> str:
    """Of a file's size, beginning and end: whole models are too large to read twice."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        found = hashlib.blake2b(str(size).encode(), digest_size=8)
        for start in (0, max(0, size - (1 << 20))):
            file.seek(start)
            found.update(file.read(1 << 20))
    return found.hexdigest()
