"""What llama.cpp says goes to our log; its first error while loading is the only reason that it gives."""

from __future__ import annotations

import ctypes
import logging
from typing import Any

log = logging.getLogger(__name__)

_ERROR = 4  # GGML_LOG_LEVEL_ERROR


class Messages:
    """Listens to llama.cpp from its first start on. `error` is the first error since the last one."""

    def __init__(self) -> None:
        self.error = ""
        self._callback: Any = None

    def start(self) -> None:
        """Forgets the last error."""
        import llama_cpp

        self.error = ""
        if self._callback is None:
            self._callback = llama_cpp.llama_log_callback(self._write)
            llama_cpp.llama_log_set(self._callback, ctypes.c_void_p(0))

    @property
    def reason(self) -> str:
        """Why something failed."""
        return self.error or "it gave no reason"

    def _write(self, level: int, text: bytes, _user: object) -> None:
        line = text.decode("utf-8", "replace").strip()
        log.debug("llama.cpp: %s", line)
        if level == _ERROR and not self.error:
            self.error = line


messages = Messages()
