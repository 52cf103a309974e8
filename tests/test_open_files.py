"""Context from open files: what resembles the lines before the cursor, and the same while the user types them."""

from __future__ import annotations

import itertools

from fakes import file, request

from assistant.settings import Settings
from plugins import open_files
from plugins.open_files import CHUNK, MAX_CHARACTERS, MOST, QUERY_LINES, QUERY_STEP, OpenFiles

PRICES = "def read_prices(path):\n    return parse_prices(path)\n"
WEATHER = "class Weather:\n    temperature = 3\n    humidity = 80\n"
BEFORE = "".join(f"prices = read_prices(folder_{number})\n" for number in range(40))


def found(marked: str, *others, **fields):
    return list(OpenFiles().snippets(request(marked, others=others, **fields)))


def test_what_shares_words_with_the_lines_before_the_cursor_is_shown():
    snippets = found("from shop import read_prices\n‸", file("prices.py", PRICES), file("weather.py", WEATHER))
    assert [(each.path, each.text, each.source) for each in snippets] == [("prices.py", PRICES, "open_files")]
    assert 0 < snippets[0].score <= 1


def test_an_imported_file_comes_before_one_that_shares_as_much():
    others = (file("a_copy.py", PRICES + "# copy\n"), file("shop/prices.py", PRICES))
    for line in ("from shop.prices import read_prices", "import shop.prices", "const p = require('./shop/prices')"):
        assert next(each.path for each in found(f"{line}\nread_prices(path)\n‸", *others)) == "shop/prices.py"


def test_the_current_file_is_no_context_of_itself():
    assert found(BEFORE + "‸", file("app.py", PRICES)) == []


def test_large_files_are_left_out():
    large = file("large.py", PRICES + "#" * MAX_CHARACTERS)
    assert [each.path for each in found(BEFORE + "‸", large, file("prices.py", PRICES))] == ["prices.py"]


def test_without_words_in_common_there_is_nothing_to_say():
    assert found(BEFORE + "‸", file("weather.py", WEATHER)) == []
    assert found("‸", file("prices.py", PRICES)) == []
    assert found(BEFORE + "‸") == []


def test_words_within_names_count():
    assert found("readPrices\n‸", file("prices.py", PRICES))
    assert open_files.words("read_fileName HTTPServer x1") == {"read", "file", "name", "httpserver"}


def test_a_long_file_comes_in_chunks_of_whole_lines():
    text = "".join(f"def read_prices_{number}(path):\n    return {number}\n" for number in range(200))
    snippets = found(BEFORE + "‸", file("prices.py", text))
    assert 0 < len(snippets) <= MOST
    assert all(len(each.text) <= CHUNK and each.text.endswith("\n") and each.text in text for each in snippets)


def test_a_long_line_is_cut():
    snippets = found(BEFORE + "‸", file("prices.js", "read_prices " + "x" * 100_000))
    assert [len(each.text) for each in snippets] == [CHUNK]


def typed_lines(start: int, count: int) -> list:
    """The snippets at every few characters of so many lines typed behind `start` others."""
    others = (file("prices.py", PRICES * 3), file("weather.py", WEATHER * 30))
    typed = "".join(f"humidity = temperature_{line} + read_prices\n" for line in range(count))
    before = BEFORE.splitlines(keepends=True)[:start]
    return [found("".join(before) + typed[:end] + "‸\n", *others) for end in range(0, len(typed), 5)]


def test_while_eight_lines_are_typed_the_snippets_stay():
    start = QUERY_LINES + 8 - (QUERY_LINES + 8) % QUERY_STEP
    answers = typed_lines(start, QUERY_STEP)
    assert answers[0]
    assert all(answer == answers[0] for answer in answers)


def test_over_many_lines_they_change_seldom():
    answers = typed_lines(QUERY_STEP, 4 * QUERY_STEP)
    changes = sum(one != other for one, other in itertools.pairwise(answers))
    assert changes <= 4


def test_crlf_and_lf_lead_to_the_same_snippets():
    others = (file("prices.py", PRICES),)
    assert found(BEFORE + "‸", *others) == found(BEFORE.replace("\n", "\r\n") + "‸", *others)


def test_files_are_cut_and_compared_once_while_the_user_types(monkeypatch):
    calls = []
    overlap = open_files._overlap
    monkeypatch.setattr(open_files, "_overlap", lambda *arguments: calls.append(1) or overlap(*arguments))
    others = tuple(file(f"many_{number}.py", PRICES * 20 + f"# {number}\n") for number in range(10))
    text = BEFORE.splitlines(keepends=True)[:QUERY_STEP]
    for end in range(20):
        found("".join(text) + "x = read"[:end] + "‸\n", *others)
    assert len(calls) <= 10 * (len(PRICES) * 20 // CHUNK + 2)


def test_it_comes_through_the_door():
    assert [source.name for source in open_files.ghostwright_context_sources(Settings())] == ["open_files"]
