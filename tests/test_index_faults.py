"""What happens to an index when processes are killed, disks full, and files damaged: real processes and files."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from index_tools import SHOP, BagOfWords, Opened, names, write

from retrieval.index import CodeIndex, CodeIndexError, Source
from retrieval.index_local import opened

pytest_plugins = ["index_fixtures"]

WRITER = Path(__file__).with_name("index_writer.py")
MOMENTS = 50


class Writers:
    """Starts processes that change and save one index for as long as they live, one at a time."""

    def __init__(self, code: Path, folder: Path) -> None:
        code.mkdir()
        command = [sys.executable, str(WRITER), str(code), str(folder)]
        self._forking = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def begin(self, seed: int) -> int:
        assert self._forking.stdin
        assert self._forking.stdout
        self._forking.stdin.write(f"{seed}\n".encode())
        self._forking.stdin.flush()
        return int(self._forking.stdout.readline())

    def close(self) -> None:
        self._forking.communicate(timeout=60)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[[int], int]]:
    writers = Writers(tmp_path / "code", tmp_path / "index")
    yield writers.begin
    writers.close()


def ended(process: int) -> None:
    """Kills a process, and waits until its lock is free."""
    os.kill(process, signal.SIGKILL)
    while Path(f"/proc/{process}").exists():
        time.sleep(0.005)


def holds_together(index: CodeIndex, code: Path) -> None:
    """What is found stands so in its file, and what the index has of files that are as they were is found."""
    for path, known in index.files.items():
        source = Source(path, "python", (code / path).read_text())
        if known.digest == source.digest:
            for each in source.definitions():
                assert (path, each.name) in {(hit.path, hit.name) for hit in index.search(each.name, 10)}
    for hit in index.search(" ".join(f"file{number}" for number in range(6)), 100):
        assert hit.text == (code / hit.path).read_text()[hit.start : hit.end]


def test_killed_at_any_moment_it_is_as_it_was_saved_last(tmp_path: Path, begin: Callable[[int], int]):
    chance, code, folder = random.Random(7), tmp_path / "code", tmp_path / "index"
    generations = set()
    for moment in range(MOMENTS):
        process = begin(moment)
        time.sleep(chance.uniform(0, 0.8))
        ended(process)
        index = opened(code, BagOfWords(), folder)
        assert index.refresh()
        assert index.notes == ()
        holds_together(index, code)
        generations.add(max((int(name) for name in os.listdir(folder) if name.isdecimal()), default=0))
        index.close()
    assert len(generations) > 5
    assert len(list(folder.rglob("*"))) < 200


def test_a_process_reads_while_another_writes_and_is_killed(tmp_path: Path, begin: Callable[[int], int]):
    code, folder = tmp_path / "code", tmp_path / "index"
    process = begin(3)
    reader, found = opened(code, BagOfWords(), folder), 0
    while found < 200:
        assert not reader.refresh()
        hits = reader.search("file0 file1 file2 file3", 20)
        assert all(hit.text == f"def {hit.name}(): ..." for hit in hits)
        found += len(hits)
    ended(process)
    assert reader.refresh()
    assert reader.notes == ()
    holds_together(reader, code)
    reader.close()


def flip(file: Path) -> None:
    """Changes one bit in the middle."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)


HARMS = (lambda file: os.truncate(file, file.stat().st_size // 2), flip, Path.unlink)


def test_a_damaged_file_is_noticed_and_the_index_is_built_anew(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "many.py", "".join(f"def name{number}(): ...\n" for number in range(11_000)))])
    index.update([write(tmp_path, "a.py", SHOP)])
    index.close()
    sound, folder = tmp_path / "sound", tmp_path / "cache" / "index"
    os.rename(folder / "1", sound)
    files = sorted(path.relative_to(sound) for path in sound.rglob("*") if path.is_file() and path.stat().st_size)
    assert {"base.vectors", "recent.rows.npy", "files", "manifest.json", "words/meta.json"} < {*map(str, files)}
    for file, harm in product(files, HARMS):
        shutil.rmtree(folder)
        shutil.copytree(sound, folder / "1")
        harm(folder / "1" / file)
        index = open_index()
        [note] = index.notes
        assert note.endswith(": it is built anew.")
        assert f"damaged ({file})" in note or file.name == "manifest.json"
        assert index.search("price") == []
        index.close()
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    index.close()
    assert names(open_index().search("price"))[0] == "Item.total"


def test_a_manifest_that_is_no_text_is_noticed(tmp_path: Path, open_index: Opened):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    index.close()
    manifest = tmp_path / "cache" / "index" / "1" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"bag of words", b"b\xf0g of words"))
    assert list(open_index().notes) == ["The saved index is damaged (manifest.json): it is built anew."]


@pytest.mark.parametrize("many", [2_000, 11_000])
def test_on_a_full_disk_it_goes_on_in_memory(many: int, tmp_path: Path, open_index: Opened, grow_to):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    index.save()
    index.update([write(tmp_path, "b.py", "".join(f"def name{number}(): ...\n" for number in range(many)))])
    grow_to(10_000)
    index.save()
    grow_to(-1)
    [note] = index.notes
    assert note.startswith("The index could not be saved (")
    assert note.endswith("): it goes on in memory, and saving is tried again.")
    assert sorted(os.listdir(tmp_path / "cache" / "index")) == ["1", "live", "lock"]
    assert "Item.total" in names(index.search("price", 2))
    assert "name7" in names(index.search("name7", 2))
    index.close()
    assert open_index().counts.files == 2


def test_on_a_full_disk_what_is_new_is_found_by_meaning_and_later_by_words_too(
    tmp_path: Path, open_index: Opened, grow_to
):
    index = open_index()
    index.update([write(tmp_path, "a.py", SHOP)])
    source = write(tmp_path, "a.py", "".join(f"def name{number}(): ...\n" for number in range(2000)))
    grow_to(5_000)
    with pytest.raises(CodeIndexError, match="cannot be written"):
        index.update([source])
    grow_to(-1)
    [note] = index.notes
    assert note.endswith("What is new is found by meaning only, until they can be written.")
    assert "Item.total" not in names(index.search("price"))
    assert "name7" in names(index.search("name7", 10))
    assert index.files["a.py"].digest == b""
    assert index.refresh()
    index.update([source])
    assert "name7" in names(index.search("name7", 2))


def test_a_cache_that_cannot_be_written_leaves_the_index_in_memory(tmp_path: Path, open_index: Opened):
    (tmp_path / "cache").write_text("a file in the place of a folder")
    index = open_index()
    [note] = index.notes
    assert note.startswith("The folder of the index cannot be written (")
    assert note.endswith("): what changes is kept in memory only.")
    index.update([write(tmp_path, "a.py", SHOP)])
    index.save()
    assert names(index.search("price"))[0] == "Item.total"


READ_ONLY = """
import sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from index_tools import BagOfWords
from retrieval.index import Source
from retrieval.index_local import opened
index = opened(Path({code!r}), BagOfWords(), Path({folder!r}))
print(len(index.notes), index.refresh(), [hit.name for hit in index.search("price", 1)])
index.update([Source("b.py", "python", Path({code!r}, "b.py").read_text())])
print([hit.name for hit in index.search("invoice", 1)], index.counts.files)
index.close()
"""


def test_a_read_only_cache_is_read(tmp_path: Path, open_index: Opened):
    index, code, folder = open_index(), tmp_path / "code", tmp_path / "cache" / "index"
    index.update([write(tmp_path, "a.py", SHOP)])
    index.close()
    write(tmp_path, "b.py", "def invoice(): ...\n")
    program = READ_ONLY.format(tests=str(WRITER.parent), code=str(code), folder=str(folder))
    mounted = f'mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && exec {sys.executable} -c "$0"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted, program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=WRITER.parent.parent, timeout=120)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no folder can be mounted here: {done.stderr.strip()}")
    assert (done.stdout.splitlines(), done.returncode) == (["1 True ['Item.total']", "['invoice'] 2"], 0), done.stderr
    assert open_index().counts.files == 1
