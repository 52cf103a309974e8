"""Which files of a repository are read for its index, and that the index follows what changes."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import pytest

from assistant.languages import language_of
from retrieval.repository import MAX_BYTES
from retrieval.survey import Limits, Survey, code_files

Surveyed = Callable[..., Survey]


@pytest.fixture
def surveyed(tmp_path: Path) -> Iterator[Surveyed]:
    """Begins a survey of the temporary folder and waits until it has read what is there."""
    surveys: list[Survey] = []

    def begin(**limits: float) -> Survey:
        surveys.append(Survey(tmp_path, language_of, Limits(**limits)))  # type: ignore[arg-type]
        assert surveys[-1].wait(60)
        return surveys[-1]

    yield begin
    for survey in surveys:
        survey.close()


def write(root: Path, **files: str | bytes) -> None:
    """`write(root, shop__a="…")` writes `shop/a.py`."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def found(root: Path) -> list[str]:
    return sorted(code_files(root, language_of))


def test_code_is_found_in_all_folders(tmp_path: Path):
    write(tmp_path, a="", shop__b="", shop__parts__c="")
    (tmp_path / "notes.md").write_text("")
    (tmp_path / "data.json").write_text("")
    assert found(tmp_path) == ["a.py", "shop/b.py", "shop/parts/c.py"]


def test_outer_folders_come_first(tmp_path: Path):
    write(tmp_path, a__a__a="", b="", c__c="")
    assert list(code_files(tmp_path, language_of)) == ["b.py", "c/c.py", "a/a/a.py"]


def test_what_was_installed_or_built_is_not_entered(tmp_path: Path):
    write(
        tmp_path, a="", node_modules__x="", web__node_modules__x="", environment__lib__x="", out__x="", __pycache__x=""
    )
    write(tmp_path / ".git", x="")
    (tmp_path / "environment" / "pyvenv.cfg").write_text("")
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / ".aws").mkdir()
    write(tmp_path / ".aws", x="")
    assert [path for path in found(tmp_path) if "pycache" not in path] == ["a.py"]


def test_a_repository_in_a_virtual_environment_is_read(tmp_path: Path):
    write(tmp_path, a="")
    (tmp_path / "pyvenv.cfg").write_text("")
    assert found(tmp_path) == ["a.py"]


def test_ignored_files_are_those_that_git_ignores(tmp_path: Path):
    write(
        tmp_path,
        a="",
        b_generated="",
        c__d="",
        c__keep="",
        c__deep__x="",
        build__y="",
        c__build__z="",
        e__f="",
        e__g__h="",
    )
    (tmp_path / ".gitignore").write_text("*_generated.py\n/build/\nc/*\n!c/keep.py\n!c/deep\n**/h.py\n")
    (tmp_path / "c" / ".gitignore").write_text("!d.py\n")
    (tmp_path / "e" / ".gitignore").write_text("/f.py\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".git" / "info" / "exclude").write_text("deep/x.py\n")
    command = ["git", "ls-files", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert found(tmp_path) == sorted(listed)
    assert "c/d.py" in listed
    assert "build/y.py" not in listed


def test_a_folder_in_the_middle_knows_the_ignore_files_around_it(tmp_path: Path):
    write(tmp_path, shop__parts__a="", shop__parts__b="")
    (tmp_path / ".gitignore").write_text("a.py\n")
    (tmp_path / "shop" / ".gitignore").write_text("b.py\n!a.py\n")
    assert list(code_files(tmp_path, language_of, tmp_path / "shop" / "parts")) == ["shop/parts/a.py"]


def test_links_are_not_followed(tmp_path: Path):
    root, outside = tmp_path / "repository", tmp_path / "outside"
    write(root, shop__a="")
    write(outside, b="")
    (root / "loop").symlink_to(root)
    (root / "shop" / "up").symlink_to("..")
    (root / "out").symlink_to(outside)
    (root / "c.py").symlink_to(outside / "b.py")
    (root / "d.py").symlink_to("nowhere.py")
    (root / "e.py").symlink_to("e.py")
    assert found(root) == ["shop/a.py"]


def test_many_files_and_folders(tmp_path: Path):
    for number in range(60):
        folder = tmp_path / f"folder{number}"
        folder.mkdir()
        for other in range(50):
            (folder / f"file{other}.py").touch()
    (tmp_path / ".gitignore").write_text("folder1*/\n*9.py\n")
    assert len(found(tmp_path)) == 49 * 45


def test_a_survey_has_what_all_files_offer(tmp_path: Path, surveyed: Surveyed):
    write(tmp_path, shop__items="class Item: ...\n", main="from shop.items import Item\nItem()\n")
    survey = surveyed()
    assert survey.is_complete
    assert survey.left_out == ()
    assert [api.qualified for api in survey.apis.named("Item")] == ["shop/items.py:Item"]
    assert survey.apis.uses("Item") == 3


def test_what_cannot_be_read_is_left_out_and_told(tmp_path: Path, surveyed: Surveyed):
    write(tmp_path, a="x = 1\n", latin="x = 'ü'".encode("latin-1"), binary=b"x\0y", large="#" * (MAX_BYTES + 1))
    write(tmp_path, marked="\ufeffy = 1\n")
    survey = surveyed()
    assert sorted(survey.apis.files) == ["a.py", "marked.py"]
    assert [api.name for api in survey.apis] == ["x", "y"]
    assert sorted(survey.left_out) == [
        "1 file was too large to be code (over 2,000,000 bytes): large.py.",
        "2 files were not text in UTF-8: binary.py, latin.py.",
    ]
    write(tmp_path, latin="z = 1\n")
    survey.files_changed([tmp_path / "latin.py"])
    assert survey.wait(60)
    assert "1 file was not text in UTF-8: binary.py." in survey.left_out


@pytest.mark.skipif(os.geteuid() == 0, reason="who may do everything can read every file")
def test_a_file_without_permission_is_left_out(tmp_path: Path, surveyed: Surveyed):
    write(tmp_path, a="x = 1\n", b="")
    (tmp_path / "b.py").chmod(0)
    assert surveyed().left_out == ("1 file was not readable: b.py.",)


def test_a_file_in_whose_place_a_link_is_when_it_is_to_be_read(tmp_path: Path):
    def replacing(path: PurePath) -> str:
        if path == tmp_path / "b.py":
            (tmp_path / "b.py").unlink()
            (tmp_path / "b.py").symlink_to("b.py")
        return language_of(path)

    write(tmp_path, a="x = 1\n", b="")
    survey = Survey(tmp_path, replacing)
    assert survey.wait(60)
    survey.close()
    assert list(survey.apis.files) == ["a.py"]
    assert survey.left_out == ("1 file was not readable: b.py.",)


def test_a_pipe_with_the_name_of_code_holds_nothing_up(tmp_path: Path, surveyed: Surveyed):
    write(tmp_path, a="x = 1\n")
    os.mkfifo(tmp_path / "b.py")
    survey = surveyed()
    survey.files_changed([tmp_path / "b.py"])
    assert survey.wait(60)
    assert list(survey.apis.files) == ["a.py"]


def test_a_file_that_is_gone_when_it_is_to_be_read(tmp_path: Path, surveyed: Surveyed):
    write(tmp_path, a="x = 1\n", b="y = 1\n", c="z = 1\n")

    def forgetful(path: PurePath) -> str:
        if path.name == "b.py":
            (tmp_path / "c.py").unlink(missing_ok=True)
        return language_of(path)

    survey = Survey(tmp_path, forgetful)
    assert survey.wait(60)
    survey.close()
    assert sorted(survey.apis.files) == ["a.py", "b.py"]
    assert survey.left_out == ()


def test_no_more_files_than_allowed_are_read_and_the_outer_ones_first(tmp_path: Path, surveyed: Surveyed):
    write(tmp_path, a="", b="", shop__c="", shop__d="")
    survey = surveyed(files=3)
    assert sorted(survey.apis.files) == ["a.py", "b.py", "shop/c.py"]
    assert survey.left_out == ("Only 3 files were read, those nearest to the repository's root.",)
    (tmp_path / "a.py").unlink()
    survey.files_changed([tmp_path])
    assert survey.wait(60)
    assert sorted(survey.apis.files) == ["b.py", "shop/c.py", "shop/d.py"]


def test_a_survey_that_takes_too_long_ends(tmp_path: Path, surveyed: Surveyed):
    write(tmp_path, a="", b="")
    survey = surveyed(seconds=-1.0)
    assert survey.is_complete
    assert survey.left_out == ("The survey ended after -1 seconds, with 0 files read.",)


def test_changed_new_and_deleted_files(tmp_path: Path, surveyed: Surveyed):
    write(tmp_path, a="def one(): ...\n", b="def two(): ...\n", old__c="def three(): ...\n", old__d="")
    survey = surveyed()
    write(tmp_path, a="def four(): ...\n", new__e="def five(): ...\n")
    (tmp_path / "b.py").unlink()
    for name in ("c.py", "d.py"):
        (tmp_path / "old" / name).unlink()
    (tmp_path / "old").rmdir()
    survey.files_changed(tmp_path / name for name in ("a.py", "b.py", "old", "new"))
    assert survey.wait(60)
    assert sorted(api.name for api in survey.apis) == ["five", "four"]
    assert sorted(survey.apis.files) == ["a.py", "new/e.py"]


def test_changes_of_what_is_not_surveyed_change_nothing(tmp_path: Path, surveyed: Surveyed):
    root = tmp_path
    write(root, a="", node_modules__b="x = 1\n", out__c="x = 1\n", environment__d="x = 1\n")
    (root / ".gitignore").write_text("out/\n")
    (root / "environment" / "pyvenv.cfg").write_text("")
    (root / "notes.txt").write_text("x")
    (root / "link.py").symlink_to("out/c.py")
    survey = surveyed()
    names = (
        "node_modules/b.py",
        "out/c.py",
        "out",
        "environment",
        "environment/d.py",
        "notes.txt",
        "link.py",
        "../x.py",
    )
    survey.files_changed(root / name for name in names)
    assert survey.wait(60)
    assert list(survey.apis.files) == ["a.py"]


@pytest.mark.parametrize("name", [".gitignore", ".ghostwrightignore"])
def test_what_becomes_ignored_is_forgotten(tmp_path: Path, surveyed: Surveyed, name: str):
    write(tmp_path, a="", out__b="x = 1\n")
    survey = surveyed()
    (tmp_path / name).write_text("out/\n")
    survey.files_changed([tmp_path / name])
    assert survey.wait(60)
    assert list(survey.apis.files) == ["a.py"]


def test_an_editors_text_counts_until_the_file_is_closed(tmp_path: Path, surveyed: Surveyed):
    write(tmp_path, a="saved = 1\n")
    survey = surveyed()
    survey.edited(tmp_path / "a.py", "typed = 1\n")
    survey.edited(tmp_path / "new.py", "fresh = 1\n")
    survey.files_changed([tmp_path / "a.py", tmp_path])
    assert survey.wait(60)
    assert sorted(api.name for api in survey.apis) == ["fresh", "typed"]
    survey.edited(tmp_path / "a.py", None)
    survey.edited(tmp_path / "new.py", None)
    assert survey.wait(60)
    assert sorted(api.name for api in survey.apis) == ["saved"]


def test_an_editors_text_of_a_secret_or_of_another_folder_is_not_read(tmp_path: Path, surveyed: Surveyed):
    survey = surveyed()
    survey.edited(tmp_path / ".env", "TOKEN = 1\n")
    survey.edited(tmp_path.parent / "other.py", "x = 1\n")
    assert survey.wait(60)
    assert list(survey.apis.files) == []


def test_a_file_that_fails_is_logged_once_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    def failing(path: PurePath) -> str:
        if path == PurePath("b.py"):  # when it is read, not when it is found
            raise ValueError("no such luck")
        return language_of(path)

    write(tmp_path, a="x = 1\n", b="y = 1\n", c="z = 1\n")
    with caplog.at_level(logging.ERROR):
        survey = Survey(tmp_path, failing)
        assert survey.wait(60)
        survey.close()
    assert sorted(survey.apis.files) == ["a.py", "c.py"]
    assert survey.left_out == ("1 file was left out, for reading failed: b.py.",)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("name", [f"{'x' * 300}.py", "a\0b/c.py"])
def test_a_name_that_no_file_can_have_does_not_end_the_survey(name: str, tmp_path: Path, surveyed: Surveyed):
    survey = surveyed()
    survey.edited(tmp_path / name, "x = 1\n")
    survey.edited(tmp_path / "a.py", "y = 1\n")
    assert survey.wait(60)
    assert "y" in [api.name for api in survey.apis]


def test_a_repository_that_is_not_there(tmp_path: Path):
    survey = Survey(tmp_path / "nowhere", language_of)
    assert survey.wait(60)
    survey.close()
    assert (survey.is_complete, len(survey.apis)) == (True, 0)


def test_a_survey_is_closed_while_it_reads(tmp_path: Path):
    for number in range(300):
        (tmp_path / f"file{number}.py").write_text("x = 1\n" * 200)
    survey = Survey(tmp_path, language_of)
    survey.close()
    survey.close()
    survey.files_changed([tmp_path])
    assert survey.wait(60)
    assert not survey.is_complete


def test_questions_while_the_index_changes(tmp_path: Path):
    for number in range(200):
        (tmp_path / f"file{number}.py").write_text(f"class Item{number % 7}(Base):\n    def total(self): Item1()\n")
    survey = Survey(tmp_path, language_of)
    while not survey.is_complete:
        for cls in survey.apis.named("Item1"):
            assert [api.name for api in survey.apis.members(cls)] == ["total"]
            assert survey.apis.lineage(cls)[0] == cls
        assert survey.apis.uses("total") <= 200
        assert all(api.name for api in survey.apis)
        survey.left_out  # noqa: B018
    survey.close()
    assert len(survey.apis) == 400
