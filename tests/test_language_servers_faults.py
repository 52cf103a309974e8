"""Language servers that fail, as real processes: questions end, the log tells it once, the server is back."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from language_server_tools import LONG, QUICK, SCRIPT, eventually, fake, marked, until

from language_servers.analyzer import Document, NoAnswer
from language_servers.client import LanguageServer
from language_servers.rpc import Connection, ConnectionLost

TEXT = "one = 1\ntwo = 2\nthing.‸\n"


@pytest.fixture
def servers() -> Iterator[list[LanguageServer]]:
    started: list[LanguageServer] = []
    yield started
    for server in started:
        server.close()


@pytest.fixture
def start(servers: list[LanguageServer], tmp_path: Path) -> Any:
    def start(*arguments: str, **limits: Any) -> LanguageServer:
        server = fake(tmp_path, *arguments, limits=replace(QUICK, **limits))
        servers.append(server)
        return server

    return start


def members(server: LanguageServer, deadline: float = LONG) -> list[str]:
    document, offset = marked(server.root / "a.fake", TEXT)
    return sorted(server.members(document, offset, deadline).names)


def failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def fails_and_comes_back(server: LanguageServer, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    """A question gets no answer, for a reason; later ones do; the log tells it once."""
    assert server.wait_until_ready(LONG)
    with pytest.raises(NoAnswer):
        members(server)
    assert eventually(lambda: members(server)) == ["one", "two"]
    assert [message for message in failures(caplog) if reason in message] == failures(caplog)
    assert len(failures(caplog)) == 1


def test_who_asks_does_not_wait_for_the_start(start: Any) -> None:
    server = start()
    with pytest.raises(NoAnswer, match="fake is starting"):
        members(server, deadline=0)
    assert eventually(lambda: members(server)) == ["one", "two"]


def test_a_server_that_is_killed_comes_back(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = start()
    assert server.wait_until_ready(LONG)
    first = server.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: server.pid != first)
    assert eventually(lambda: members(server)) == ["one", "two"]
    (message,) = failures(caplog)
    assert "it was killed by SIGKILL" in message


def test_a_server_that_is_stopped_is_replaced(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = start(patience=0.2)
    assert server.wait_until_ready(LONG)
    first = server.pid
    os.kill(first, signal.SIGSTOP)
    for number in range(3):
        with pytest.raises(NoAnswer, match="fake took more than 10 ms"):
            server.members(*marked(server.root / "a.fake", f"n{number} = 0\n‸"), deadline=0.01)
    until(lambda: server.pid != first)
    assert eventually(lambda: members(server)) == ["one", "two"]
    assert not psutil.pid_exists(first)
    (message,) = failures(caplog)
    assert "it was silent for 0.2 s" in message


def test_a_stopped_server_takes_no_text_and_nobody_waits(start: Any) -> None:
    """A pipe holds 64 KB. Whoever writes into it would wait for a reader."""
    server = start(patience=60)
    assert server.wait_until_ready(LONG)
    os.kill(server.pid, signal.SIGSTOP)
    document, offset = marked(server.root / "a.fake", "one = 1\n‸" + "# filling\n" * 200_000)
    for number in range(3):
        with pytest.raises(NoAnswer):
            server.members(replace(document, text=f"{number}{document.text}"), offset, deadline=0.01)
    os.kill(server.pid, signal.SIGCONT)
    assert eventually(lambda: members(server)) == ["one", "two"]


def test_what_nobody_reads_is_not_kept_for_ever() -> None:
    reading, writing = os.pipe()
    reasons: list[str] = []
    answers, _ = os.pipe()
    connection = Connection(
        os.fdopen(answers, "rb"), os.fdopen(writing, "wb"), lambda *_: None, lambda *_: None, reasons.append
    )
    connection.start()
    _, reply = connection.request("question", {})
    for _ in range(9):
        connection.notify("change", {"text": "x" * (8 << 20)})
    assert reasons == ["it no longer reads what it is sent"]
    with pytest.raises(ConnectionLost, match="it no longer reads what it is sent"):
        reply.result(0)
    with pytest.raises(ConnectionLost, match="it no longer reads what it is sent"):
        connection.request("question", {})
    os.close(reading)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("garbage", "it wrote what is no message: b'Segmentation fault, sorry.\\n'"),
        ("huge", "it wrote what is no message: a message of 99999999999 bytes"),
        ("closed", "it closed its output"),
    ],
)
def test_what_a_server_must_not_write(
    start: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, failure: str, reason: str
) -> None:
    fails_and_comes_back(start("--fail", failure, "--once", str(tmp_path / "failed")), caplog, reason)


def test_an_answer_that_cannot_be_read_is_none(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = start("--fail", "nonsense")
    assert server.wait_until_ready(LONG)
    with pytest.raises(NoAnswer, match="the answer cannot be read: Expected `array`"):
        members(server)
    assert server.wait_until_ready(0)
    assert failures(caplog) == []


def test_a_flood_of_diagnostics_drowns_nobody(start: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = start("--fail", "flood", "--once", str(tmp_path / "failed"), patience=0.5)
    assert server.wait_until_ready(LONG)
    for _ in range(5):
        with pytest.raises(NoAnswer, match="fake took more than 20 ms"):
            members(server, deadline=0.02)
    assert eventually(lambda: members(server, deadline=0.02)) == ["one", "two"]
    (message,) = failures(caplog)
    assert "it left a question unanswered for 3 s" in message


def test_a_server_that_grows_is_replaced(start: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = start("--fail", "grow", "--once", str(tmp_path / "failed"), memory=150 << 20)
    assert server.wait_until_ready(LONG)
    first = server.pid
    with suppress(NoAnswer):
        members(server)
    until(lambda: server.pid != first)
    assert eventually(lambda: members(server)) == ["one", "two"]
    (message,) = failures(caplog)
    assert "MB of memory, and 150 are allowed" in message


def test_a_server_that_is_not_there_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    known = fake(tmp_path)
    server = LanguageServer(known.entry, tmp_path / "nowhere", tmp_path, QUICK)
    assert not server.wait_until_ready(LONG)
    with pytest.raises(NoAnswer, match=r"nowhere cannot be started \(No such file or directory\)"):
        members(server)
    assert len(failures(caplog)) == QUICK.failures


def test_a_server_that_exits_again_and_again_is_given_up(
    start: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = start("--fail", "exit")
    assert not server.wait_until_ready(LONG)
    reason = "fake was given up: it ended with code 1"
    for _ in range(3):
        with pytest.raises(NoAnswer, match=reason):
            members(server)
    assert server.silences[reason] == 3
    *retries, last = failures(caplog)
    assert len(retries) == 4
    assert last == f"{reason}. It wrote: There is no such thing as a good start."


def test_who_was_given_up_may_be_started_again(start: Any, tmp_path: Path) -> None:
    once = tmp_path / "failed"
    server = start("--fail", "exit", "--once", str(once), failures=1)
    assert not server.wait_until_ready(LONG)
    server.restart()
    assert eventually(lambda: members(server)) == ["one", "two"]


def test_a_server_that_never_answers_initialize(start: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = start("--fail", "mute", "--once", str(tmp_path / "failed"), starting=2)
    with pytest.raises(NoAnswer, match="fake is starting"):
        members(server, deadline=0)
    assert eventually(lambda: members(server)) == ["one", "two"]
    (message,) = failures(caplog)
    assert "it did not answer within 2 s" in message


def test_a_good_answer_makes_up_for_failures(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = start(failures=2)
    for _ in range(3):
        assert eventually(lambda: members(server)) == ["one", "two"]
        first = server.pid
        os.kill(first, signal.SIGKILL)
        until(lambda first=first: server.pid != first)
    assert eventually(lambda: members(server)) == ["one", "two"]
    assert len(failures(caplog)) == 3


def test_closing_waits_for_nobody(start: Any) -> None:
    for how in ("--fail=mute", "--slow=0"):
        server = start(how)
        server.wait_until_ready(0.5)
        process = psutil.Process(server._started.pid) if server._started else None
        if server.pid:
            os.kill(server.pid, signal.SIGSTOP)
        server.close()
        assert process is None or not process.is_running()
        with pytest.raises(NoAnswer, match="fake was closed"):
            members(server)


def _are_stopped(pid: int) -> bool:
    """Whether all threads of a process are: the kernel wakes only those that are stopped when we die."""
    states = [each.read_text().rpartition(")")[2].split()[0] for each in Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) == {"T"}


@pytest.mark.parametrize("stopped", [False, True])
def test_no_server_outlives_us(tmp_path: Path, stopped: bool) -> None:
    program = (
        "import sys, time; from pathlib import Path; from language_server_tools import fake, LONG\n"
        f"server = fake(Path({str(tmp_path)!r})); assert server.wait_until_ready(LONG)\n"
        "print(server.pid, flush=True); time.sleep(60)"
    )
    folder = SCRIPT.parent
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=folder) as ours:
        assert ours.stdout is not None
        server = psutil.Process(int(ours.stdout.readline()))
        if stopped:
            server.suspend()
            until(lambda: _are_stopped(server.pid))
        ours.kill()
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)


def test_the_last_words_of_a_server_are_logged(start: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = start("--fail", "exit", "--once", str(tmp_path / "failed"))
    assert eventually(lambda: members(server)) == ["one", "two"]
    (message,) = failures(caplog)
    assert message.startswith(
        "fake failed: it ended with code 1. It starts again in 0.05 s. It wrote: There is no such"
    )


def test_everything_that_a_server_asks_is_answered(servers: list[LanguageServer], tmp_path: Path) -> None:
    server = fake(tmp_path, "--ask", fake={"part": 7})
    servers.append(server)
    assert server.wait_until_ready(LONG)
    document, offset = marked(tmp_path / "a.fake", "‸x")
    until(
        lambda: (
            len(json.loads(server.type_at(Document(document.path, "fake", os.urandom(4).hex()), 0, LONG))["replies"])
            == 5
        )
    )
    known = json.loads(server.type_at(document, offset, LONG))
    assert known["replies"] == [[7, None, {"fake": {"part": 7}}], None, None, None, None]


def test_a_folder_whose_name_is_no_text_has_its_server(servers, tmp_path):
    root = tmp_path / os.fsdecode(b"caf\xe9")
    root.mkdir()
    servers.append(fake(root, python="{interpreter}"))
    assert eventually(lambda: members(servers[0]))
