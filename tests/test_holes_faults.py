"""What is wrong with a text that was not wrong before, asked of real servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hole_tools import in_method, write_repository
from language_server_tools import LONG

from language_servers.analyzer import Diagnostic, Document, Fault
from language_servers.holes import error_report, expectation, new_errors


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tmp_path_factory.mktemp("project"))


def test_only_new_errors_are_reported_with_what_was_expected(ty):
    before = in_method("wrong_before\n        return []").replace("‸", "")
    after = in_method("wrong_before\n        return [3]").replace("‸", "")
    path = ty.root / "main.py"
    said = error_report(ty, Document(path, "python", after), Document(path, "python", before), LONG)
    assert said.startswith("line 11: expected list[Point], but got list[")
    assert "wrong_before" not in said


def test_unmatched_brackets_are_reported_first(ty):
    path = ty.root / "main.py"
    before, after = in_method("return []"), in_method("join([place, nonsense)\n        return []")
    said = error_report(ty, Document(path, "python", after), Document(path, "python", before), LONG).splitlines()
    assert said[0] == "line 10: “(” has no counterpart"
    assert any("nonsense" in line for line in said[1:])


def test_a_text_without_new_errors_has_no_report(checker):
    path = checker.root / "main.py"
    document = Document(path, "python", in_method("return [origin()]"))
    assert error_report(checker, document, Document(path, "python", in_method("return []")), LONG) == ""


def test_errors_are_counted_not_only_known():
    one = Diagnostic(Fault.NAME, "no x", 1, 2, "name")
    twice = (one, Diagnostic(Fault.NAME, "no x", 5, 6, "name"))
    assert new_errors(twice, (one,)) == [twice[1]]
    assert new_errors((one,), twice) == []


@pytest.mark.parametrize(
    ("message", "types"),
    [
        ("Argument is incorrect: Expected `Point`, found `str`", ("Point", "str")),
        ("Returned type `list[int]` is not assignable to declared return type `list[str]`", ("list[str]", "list[int]")),
        ("`str` is not assignable to attribute `x` with type `int`", ("int", "str")),
        ('Type "str" is not assignable to declared type "int"', ("int", "str")),
        ("Type 'string' is not assignable to type 'Point'.", ("Point", "string")),
        ("Name `x` used when not defined", ("", "")),
    ],
)
def test_what_was_expected_is_read_from_every_checker(message, types):
    assert expectation(message) == types
