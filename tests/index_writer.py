"""Processes that change and save an index until they are killed: `index_writer.py CODE FOLDER`.

For each line that it reads, a seed, one is forked; it says its process's number when it has begun.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import faiss  # noqa: F401
import tantivy  # noqa: F401
from index_tools import BagOfWords

from retrieval.index import Source
from retrieval.index_local import opened


def write(code: Path, folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    index = opened(code, BagOfWords(), folder)
    assert index.refresh()
    print(os.getpid(), flush=True)  # noqa: T201
    while True:
        path = f"file{chance.randrange(6)}.py"
        text = "".join(
            f"def {path[:-3]}_name{chance.randrange(10**6)}(): ...\n\n\n" for _ in range(chance.randrange(40))
        )
        (code / path).write_text(text)
        index.update([Source(path, "python", text)])
        if chance.random() < 0.1:
            index.update([], gone=[f"file{chance.randrange(6)}.py"])
        if chance.random() < 0.7:
            index.save()


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if not child:
            write(Path(sys.argv[1]), Path(sys.argv[2]), int(line))
        os.waitpid(child, 0)
