"""A cancellation that code without Python can look at."""

from __future__ import annotations

import ctypes
from threading import Event


class Cancellation(Event):
    """An event whose `flag` is a C string: empty, and one character long once it is set.

    A native library that asks a callback between two steps may ask `strlen` with `flag`, which needs no lock of
    Python's and no time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flag = ctypes.create_string_buffer(2)

    def set(self) -> None:
        self.flag[0] = b"\x01"
        super().set()
