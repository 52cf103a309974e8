"""The benchmarks' own arithmetic, the cursors that they cut, and that each runs by one command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import packages
import pytest
import quality
import scores
import trigger_coverage
from cursors import Place, cursors, neighbours, sites, workspace
from fakes import ByteModel, Names, request
from mask_cost import attribute_names
from pygtrie_masks import TrieMasks
from quality_masks import masks_at
from quality_report import Shot, is_broken

from assistant.decoding.vocabulary import Vocabulary
from assistant.decoding.watch import Watch
from assistant.patterns import Masks

BENCHMARKS = Path(quality.__file__).parent

MODULE = '''"""A package's only module."""

import os


class Basket:
    """What is bought."""

    owner = os.environ

    def total(self, rates):
        é = "größer", self.lines
        text = f"{self.hidden}"  # self.commented
        for line in self.lines:
            text += line.price(rates)
        return text

    def first(self):
        self.written = 1
        return (
            self
            .lines
        )
'''


@pytest.fixture
def corpus(tmp_path) -> Path:
    package = tmp_path / "corpus" / "shop"
    (package / "tests").mkdir(parents=True)
    padding = "".join(f"NAME_{number} = {number}\n" for number in range(60))
    (package / "basket.py").write_text(MODULE + padding, encoding="utf-8")
    (package / "other.py").write_text(padding, encoding="utf-8")
    (package / "tests" / "test_basket.py").write_text(MODULE + padding, encoding="utf-8")
    return tmp_path / "corpus"


# cursors


def test_members_that_functions_read_are_found():
    found = [(site.name, MODULE[site.offset :].split("\n")[0]) for site in sites(MODULE)]
    assert sorted(found) == [
        ("lines", "lines"),
        ("lines", "lines"),
        ("lines", "lines:"),
        ("price", "price(rates)"),
    ]


def test_a_cursor_takes_the_rest_of_its_line_away(corpus, tmp_path):
    found = cursors(corpus, ["shop"], tmp_path / "work", 10, 1)
    assert len(found) == 2, "one in each function"
    for cursor in found:
        asked = cursor.request()
        assert asked.prefix.endswith(".")
        assert asked.suffix.startswith("\n")
        assert cursor.truth.startswith(cursor.name)
        assert cursor.completed(cursor.truth) == cursor.text
        assert cursor.path.relative_to(cursor.root).as_posix() == "shop/basket.py"


def test_the_same_seed_cuts_the_same_cursors(corpus, tmp_path):
    one, other = (cursors(corpus, ["shop"], tmp_path / "work", 2, 7) for _ in range(2))
    assert one == other


def test_a_cursor_at_the_beginning_of_its_line_takes_all_of_it(corpus, tmp_path):
    found = cursors(corpus, ["shop"], tmp_path / "work", 2, 1, Place.LINE)
    for cursor in found:
        assert not cursor.request().prefix.rpartition("\n")[2].strip()
        assert cursor.name in cursor.truth


def test_files_beside_the_cursors_are_open(corpus, tmp_path):
    cursor = cursors(corpus, ["shop"], tmp_path / "work", 1, 1)[0]
    assert [file.path.name for file in neighbours(cursor, 3)] == ["other.py"]


def test_what_the_corpus_holds_is_installed_in_a_workspace(corpus, tmp_path):
    root = workspace(corpus, "shop", tmp_path / "work")
    code = "import sys; print([each for each in sys.path if each.endswith('site-packages')])"
    python = root / ".venv" / "bin" / "python"
    said = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert str(root / ".venv") in said


def test_a_package_that_is_not_there_is_named(corpus, tmp_path):
    with pytest.raises(SystemExit, match=r"no package “absent” in .*pip install --target"):
        workspace(corpus, "absent", tmp_path / "work")


# scores


@pytest.mark.parametrize(
    ("text", "truth", "expected"),
    [
        ("name(x)", "name", 1),
        ("name", "names", 0),
        ("naïve.x", "naïve", 1),
        ("", "name", 0),
        ("(x)", "(x)", 0),
    ],
)
def test_the_next_identifier_is_right_or_wrong(text, truth, expected):
    assert scores.next_identifier(text, truth) == expected


@pytest.mark.parametrize(
    ("text", "truth", "expected"),
    [
        ("get(key, default)", "get(key, None)", 2 / 3),
        ("pop(key, None)", "get(key, None)", 0),
        ("get(key)\nother", "get(key)", 1),
        ("get", "get(a, b, c)", 1 / 4),
    ],
)
def test_identifiers_count_up_to_the_first_that_differs(text, truth, expected):
    assert scores.identifiers(text, truth) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "truth", "expected"), [("abc", "abc", 1), ("abc", "axc", 2 / 3), ("", "ab", 0), ("abcd", "ab", 1 / 2)]
)
def test_similarity_counts_edits(text, truth, expected):
    assert scores.similarity(text, truth) == pytest.approx(expected)


def test_only_the_first_line_is_compared():
    assert scores.exact("  name(x)\nmore", "name(x)") == 1
    assert scores.exact("name(y)", "name(x)") == 0


def test_a_difference_that_all_packages_show_is_clear():
    packages = ["a", "a", "b", "b", "c", "c"]
    base = np.zeros(6)
    better = np.array([1.0, 0, 1, 0, 1, 0])
    estimate = scores.mean_difference(packages, better, base)
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.5, 0.5)
    assert estimate.is_clear


def test_a_difference_in_one_package_alone_is_not_clear():
    packages = ["a"] * 50 + ["b"] * 2 + ["c"] * 2
    better = np.array([1.0] * 50 + [0.0] * 4)
    estimate = scores.mean_difference(packages, better, np.zeros(54))
    assert estimate.low == 0
    assert not estimate.is_clear


def test_a_share_is_taken_of_what_is_marked():
    marked = np.array([True, True, True, True, False])
    wrong = np.array([True, False, False, False, True])
    assert scores.share(["a", "b", "c", "d", "e"], wrong, marked).value == 0.25


# quality


def test_a_mask_that_forbids_the_truth_is_false():
    asked = request("x = value.‸")
    monitors = [Names({"first", "second"}, name="right"), Names({"second"}, name="wrong")]
    mask = masks_at(monitors, asked, "first(1)")
    assert mask.masking == ("right", "wrong")
    assert mask.wrong == ("wrong",)


def test_what_cannot_be_parsed_is_broken(corpus, tmp_path):
    cursor = cursors(corpus, ["shop"], tmp_path / "work", 1, 1)[0]
    assert is_broken(cursor, Shot("lines((:"))
    assert not is_broken(cursor, Shot(cursor.truth))


def test_conditions_that_nobody_knows_are_named():
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "quality.py", "--conditions", "nothing"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no condition is called “nothing”; there are no monitor" in done.stderr


def test_no_package_is_both_tuned_on_and_reported_of():
    assert not set(packages.TUNING) & set(packages.REPORTING)


def test_quality_is_measured_by_one_command(corpus, tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, BENCHMARKS / "quality.py", "--corpus", corpus, "--packages", "shop", "--cursors", "2"]
    done = subprocess.run([*command, "--json", figures], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["cursors"] == 2
    assert set(found["metrics"]["next identifier"]["means"]) == {"no monitor", "monitors"}
    assert found["masks"]["ty, members"]["coverage"]["value"] > 0
    assert "next identifier" in done.stdout


# masks and triggers


def test_the_published_masks_allow_what_ours_do():
    pieces = [*(bytes([byte]) for byte in range(128)), b"", b"na", b"name", b"name(", b"names", b"me", b"(x"]
    ours, theirs = Vocabulary(pieces), TrieMasks(pieces)
    for names in ({"name", "other"}, {"", "s"}, {"me"}, {""}):
        expected = set(ours.spelling(frozenset(name.encode() for name in names)).tolist())
        assert theirs.allowed(names) == expected


def test_names_of_attributes_are_collected(corpus):
    assert attribute_names(corpus, 1) == ["environ", "hidden", "lines", "price", "written"]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("é = a.b.c\n'a.b'\n1.5\n", "python", ["b", "c"]),
        ("const x = a?.b.c(); // a.b\n", "typescript", ["b", "c"]),
        ("import a.b\n@c.d\ndef f(): ...\n", "python", ["d"]),
    ],
)
def test_member_accesses_are_found(text, language, expected):
    assert [text[offset] for offset in sorted(trigger_coverage.accesses(text, language))] == expected


def test_members_in_fused_tokens_are_seen():
    model = ByteModel(words=(".name", "x.", ").f"))
    text = "a.name\nx.b\nf(é).f\n"
    source = trigger_coverage.Source(Path("a.py"), "python", text, frozenset(trigger_coverage.accesses(text, "python")))
    asked, ids = trigger_coverage.Asked(), model.tokenize(text)
    vocabulary, masks = Vocabulary(model.pieces), Masks(model.pieces, min(model.ends))
    trigger_coverage.replay(source, ids, lambda: Watch((asked,), vocabulary, model.ends, lambda: masks))
    assert asked.offsets == source.accesses
    published = source.accesses & set(trigger_coverage.boundaries(ids, model.pieces))
    assert {text[offset] for offset in published} == {"b"}, "the published trigger sees only what is not fused"


def test_triggers_are_measured_by_one_command(corpus, tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, BENCHMARKS / "monitors.py", "--parts", "triggers", "--sources", corpus]
    done = subprocess.run([*command, "--json", figures], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [row] = json.loads(figures.read_text(encoding="utf-8"))["triggers"]
    assert (row["vocabulary"], row["language"], row["ours"]) == ("embedded", "python", 1.0)


@pytest.mark.parametrize(
    "name",
    [
        "monitors.py",
        "quality.py",
        "latency.py",
        "ranking_recall.py",
        "fit_ranking.py",
        "search.py",
        "search_speed.py",
        "http_speed.py",
        "remote.py",
        "backends.py",
    ],
)
def test_help_shows_an_example(name):
    done = subprocess.run([sys.executable, BENCHMARKS / name, "--help"], capture_output=True, text=True, check=True)
    assert f"python benchmarks/{name}" in done.stdout
