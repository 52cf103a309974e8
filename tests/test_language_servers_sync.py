"""What a language server is shown, and how often it is asked: in marked text `‸` is the cursor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from language_server_tools import LONG, QUICK, eventually, fake, marked, until

from language_servers.analyzer import Document, Fault, NoAnswer
from language_servers.catalog import Ready
from language_servers.client import LanguageServer
from language_servers.positions import Lines, difference, units

PIECES = ("a", "b", "é", "😀", "\n", "\r\n", "\r", "\x0c", "\u2028", "\ud800")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
ENCODINGS = ("utf-8", "utf-16", "utf-32")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    servers: list[LanguageServer] = []

    def start(*arguments: str, **limits: Any) -> LanguageServer:
        server = fake(tmp_path, *arguments, limits=replace(QUICK, **limits))
        servers.append(server)
        assert server.wait_until_ready(LONG)
        return server

    yield start
    for server in servers:
        server.close()


def known(server: LanguageServer, document: Document, offset: int = 0) -> dict[str, Any]:
    """What the server knows at an offset."""
    return json.loads(server.type_at(document, offset, LONG))


def places(text: str) -> list[int]:
    """Every offset where a cursor can be: not inside `\\r\\n`."""
    return [offset for offset in range(len(text) + 1) if offset == 0 or text[offset - 1 : offset + 1] != "\r\n"]


@given(TEXTS, TEXTS)
def test_the_smallest_change_makes_one_text_of_the_other(old: str, new: str) -> None:
    start, end, text = difference(old, new)
    assert old[:start] + text + old[end:] == new
    assert start <= end
    assert all(old[place - 1 : place + 1] != "\r\n" or place == 0 for place in (start, end))


def test_one_key_in_a_large_text_is_one_character() -> None:
    old = "line\n" * 200_000
    assert difference(old, old[:500_000] + "x" + old[500_000:]) == (500_000, 500_000, "x")
    assert difference(old, old) == (len(old), len(old), "")


def test_a_new_newline_takes_its_carriage_return_along() -> None:
    assert difference("a\r\nb", "a\nb") == (1, 3, "\n")
    assert difference("a\rb", "a\r\nb") == (1, 2, "\r\n")


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXTS, data=st.data())
def test_positions_lead_back_to_their_offsets(encoding: str, text: str, data: st.DataObject) -> None:
    offset = data.draw(st.sampled_from(places(text)))
    lines = Lines(text)
    assert lines.offset(*lines.position(offset, encoding), encoding) == offset


def test_units_of_half_a_pair() -> None:
    assert [units("😀\ud800", encoding) for encoding in ENCODINGS] == [7, 3, 2]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("sync", ["1", "2"])
def test_the_server_has_the_text_that_is_asked_about(start: Any, tmp_path: Path, encoding: str, sync: str) -> None:
    server = start("--encoding", encoding, "--sync", sync)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(TEXTS, st.data())
    def check(text: str, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from(places(text)))
        answer = known(server, Document(tmp_path / "a.fake", "fake", text), offset)
        assert answer["text"] == text.replace("\ud800", "\ufffd")
        assert answer["offset"] == offset

    check()


def test_equal_questions_are_asked_once(start: Any, tmp_path: Path) -> None:
    server = start("--slow", "0.3")
    document, offset = marked(tmp_path / "a.fake", "one = 1\n‸")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: server.members(document, offset, LONG).names, range(8)))
    assert answers == [frozenset({"one"})] * 8
    assert server.members(replace(document, text=str(document.text)), offset, 0).names == {"one"}
    assert known(server, document)["asked"] == 2


def test_a_late_answer_serves_the_next_who_asks(start: Any, tmp_path: Path) -> None:
    server = start("--slow", "0.3")
    document, offset = marked(tmp_path / "a.fake", "one = 1\n‸")
    with pytest.raises(NoAnswer, match="fake took more than 10 ms"):
        server.members(document, offset, 0.01)
    assert eventually(lambda: server.members(document, offset, 0)).names == {"one"}
    assert known(server, document)["asked"] == 2


def test_no_text_changes_while_it_is_asked_about(start: Any, tmp_path: Path) -> None:
    """Who is told of a change amid a question answers it about the new text, at the old place."""
    server = start("--slow", "0.01", "--lazy")
    with ThreadPoolExecutor(8) as threads:

        def ask(number: int) -> set[str]:
            text = f"name{number} = {number}\n‸"
            return set(server.members(*marked(tmp_path / f"{number % 2}.fake", text), LONG).names)

        assert list(threads.map(ask, range(40))) == [{f"name{number}"} for number in range(40)]


def test_who_waits_in_vain_is_not_asked_about(start: Any, tmp_path: Path) -> None:
    """While the user types, what was asked for the last key but one is of no use any more."""
    server = start("--slow", "0.5")
    first, second, third = (marked(tmp_path / "a.fake", f"n{number} = 1\n‸") for number in range(3))
    with pytest.raises(NoAnswer, match="fake took more than 10 ms"):
        server.members(*first, 0.01)
    with pytest.raises(NoAnswer, match="fake took more than 10 ms"):
        server.members(*second, 0.01)
    assert server.members(*third, LONG).names == {"n2"}
    assert known(server, third[0])["asked"] == 3


def test_others_do_not_wait_long_for_a_question_that_hangs(start: Any, tmp_path: Path) -> None:
    server = start("--hang", "n0", blocking=0.1, running=60, patience=60)
    with pytest.raises(NoAnswer, match="fake took more than 10 ms"):
        server.members(*marked(tmp_path / "a.fake", "n0 = 1\n‸"), 0.01)
    assert server.members(*marked(tmp_path / "a.fake", "n1 = 1\n‸"), LONG).names == {"n1"}


def test_long_texts_are_not_asked_about(start: Any, tmp_path: Path) -> None:
    server = start(text=10)
    with pytest.raises(NoAnswer, match=r"a\.fake is too long"):
        server.members(*marked(tmp_path / "a.fake", "long = 1000\n‸"), LONG)


def test_what_takes_too_long_is_given_up(start: Any, tmp_path: Path) -> None:
    server = start("--fail", "ignore", running=0.2, patience=60)
    with pytest.raises(NoAnswer, match=r"fake took more than 0.2 s"):
        server.members(*marked(tmp_path / "a.fake", "one = 1\n‸"), LONG)


def test_a_question_that_an_edit_overtook_is_asked_again(start: Any, tmp_path: Path) -> None:
    server = start("--fail", "outdated")
    assert server.members(*marked(tmp_path / "a.fake", "one = 1\n‸"), LONG).names == {"one"}


def test_few_documents_are_open_at_a_time(start: Any, tmp_path: Path) -> None:
    server = start(documents=3)
    for number, name in enumerate("abcadb"):
        answer = known(server, Document(tmp_path / f"{name}.fake", "fake", str(number)))
    assert [Path(uri).stem for uri in answer["open"]] == ["a", "b", "d"]


def test_a_file_that_changed_on_the_disk_is_read_again(start: Any, tmp_path: Path) -> None:
    server = start()
    path, other = tmp_path / "a.fake", Document(tmp_path / "b.fake", "fake", "")
    known(server, Document(path, "fake", "x"))
    server.files_changed([path])
    assert path.as_uri() not in known(server, other)["open"]
    assert known(server, other)["asked"] == 2
    server.files_changed([])
    assert known(server, other)["asked"] == 3


def test_published_diagnostics_are_those_of_the_text(start: Any, tmp_path: Path) -> None:
    server = start("--push")
    document = Document(tmp_path / "a.fake", "fake", "first")
    for text in ("first", "second", "first"):
        (complaint,) = server.diagnostics(replace(document, text=text), LONG)
        assert (complaint.fault, complaint.message) == (Fault.NAME, text)


def test_what_a_server_does_not_offer_is_not_asked(start: Any, tmp_path: Path) -> None:
    server = start()
    with pytest.raises(NoAnswer, match="fake does not tell call"):
        server.call(*marked(tmp_path / "a.fake", "f(‸)"))
    with pytest.raises(NoAnswer, match="fake does not tell symbols"):
        server.symbols(Document(tmp_path / "a.fake", "fake", ""))


def test_a_server_rests_when_nobody_asks_and_wakes_up(start: Any, tmp_path: Path) -> None:
    server = start(idle=0.1)
    until(lambda: not server.is_running)
    question = marked(tmp_path / "a.fake", "one = 1\n‸")
    with pytest.raises(NoAnswer, match="fake is starting"):
        server.members(*question)
    server.limits = replace(server.limits, idle=600)
    assert eventually(lambda: server.members(*question)).names == {"one"}


def test_a_server_is_ready_when_its_work_at_start_is_done(tmp_path: Path) -> None:
    server = fake(tmp_path, "--work", "1", ready=Ready.PROGRESS)
    question = marked(tmp_path / "a.fake", "one = 1\n‸")
    try:
        assert not server.wait_until_ready(0.1)
        with pytest.raises(NoAnswer, match="fake is starting"):
            server.members(*question)
        assert server.wait_until_ready(LONG)
        assert server.members(*question, LONG).names == {"one"}
        assert server.seconds["members"]
    finally:
        server.close()


def test_a_server_must_have_read_the_file_first(tmp_path: Path) -> None:
    """clangd answers with the words of the file until then."""
    server = fake(tmp_path, "--push", ready=Ready.DIAGNOSTICS)
    question = marked(tmp_path / "a.fake", "one = 1\n‸")
    try:
        assert server.wait_until_ready(LONG)
        with pytest.raises(NoAnswer, match=r"fake is reading a\.fake"):
            server.members(*question, LONG)
        assert eventually(lambda: server.members(*question, LONG)).names == {"one"}
    finally:
        server.close()


def test_relative_paths_lie_in_the_workspace(start: Any, tmp_path: Path) -> None:
    answer = known(start(), Document(Path("sub/ä b.fake"), "fake", "x"))
    assert answer["open"] == [(tmp_path / "sub/ä b.fake").as_uri()]


def test_silences_and_times_are_counted(start: Any, tmp_path: Path) -> None:
    server = start("--slow", "0.05")
    question = marked(tmp_path / "a.fake", "one = 1\n‸")
    with pytest.raises(NoAnswer):
        server.members(*question, 0)
    server.members(*question, LONG)
    assert server.silences == {"fake took more than 0 ms": 1}
    assert len(server.seconds["members"]) == 2
