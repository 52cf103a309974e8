"""Settings from the user's file, the project's and the editor; what is wrong is said so that it can be put right."""

from __future__ import annotations

import pytest

from assistant.errors import SettingsError
from assistant.settings import FILE, Settings, load, parse, project_file


@pytest.fixture
def user(tmp_path, monkeypatch):
    path = tmp_path / "user.toml"
    monkeypatch.setenv("GHOSTWRIGHT_CONFIG", str(path))
    return path


@pytest.fixture
def project(tmp_path, user):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_without_any_file_the_defaults_hold(project):
    assert load(project) == Settings()


def test_the_project_wins_over_the_user_and_the_editor_over_both(project, user):
    user.write_text("max_lines = 1\ndebounce = 1\nthreads = 1\n")
    (project / FILE).write_text("max_lines = 2\ndebounce = 2\n")
    found = load(project, {"max_lines": 3})
    assert (found.max_lines, found.debounce, found.threads) == (3, 2, 1)


def test_a_project_s_file_holds_in_its_folders(project):
    (project / FILE).write_text("max_lines = 2\n")
    inner = project / "src" / "deep"
    inner.mkdir(parents=True)
    assert load(inner).max_lines == 2
    (inner / FILE).write_text("max_lines = 3\n")
    assert project_file(inner) == inner / FILE


def test_a_project_that_is_not_trusted_chooses_neither_models_nor_language_servers(project, user):
    user.write_text('model = "mine.gguf"\n')
    chosen = 'model = "its.gguf"\nencoder = "its.gguf"\n[language_servers]\npython = "pyrefly"\n'
    (project / FILE).write_text("max_lines = 2\n" + chosen)
    assert load(project).model == "its.gguf"
    found = load(project, {"trust_project": False})
    assert (found.max_lines, found.model, found.encoder, found.language_servers) == (2, "mine.gguf", "", {})


def test_whether_it_is_trusted_is_not_the_project_s_to_say(project, user):
    (project / FILE).write_text('trust_project = true\nmodel = "its.gguf"\n')
    user.write_text("trust_project = false\n")
    assert load(project).model == ""
    assert load(project, {"trust_project": True}).model == "its.gguf"


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("max_line", "max_lines"), ("maxLines", "max_lines"), ("min-probability", "min_probability"), ("modle", "model")],
)
def test_of_an_unknown_key_the_nearest_is_named(key, nearest):
    with pytest.raises(SettingsError, match=f"Unknown setting “{key}” in here. Did you mean “{nearest}”"):
        parse({key: 1}, "here")


def test_where_none_is_near_all_are_named():
    with pytest.raises(SettingsError, match="The settings are model, automatic,"):
        parse({"zzz": 1}, "here")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_lines": "ten"}, r"“max_lines” = 'ten' in here: Expected `int`, got `str`"),
        ({"max_lines": 0}, r"“max_lines” = 0 in here: Expected `int` >= 1"),
        ({"max_lines": 101}, r"“max_lines” = 101 .* <= 100"),
        ({"max_lines": True}, r"“max_lines” = True .*Expected `int`"),
        ({"min_probability": 1.5}, r"“min_probability” = 1.5 .* <= 1"),
        ({"automatic": "yes"}, r"“automatic” = 'yes' .*`bool`"),
        ({"disabled_languages": "python"}, r"“disabled_languages” = 'python' .*`array`"),
        ({"disabled_languages": ["python", 1]}, r"“disabled_languages” .*`str`"),
        ({"idle_minutes": 0}, r"“idle_minutes” = 0 .*> 0"),
        ({"model": None}, r"“model” = None .*`str`"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(values, message):
    with pytest.raises(SettingsError, match=message):
        parse(values, "here")


def test_a_whole_number_will_do_for_a_fraction():
    assert parse({"min_probability": 0, "idle_minutes": 5}, "here").idle_minutes == 5


@pytest.mark.parametrize(
    "content", [b"max_lines = \n", b"max_lines 3\n", b'model = "\xff"\n', "model = 1\n".encode("utf-16")]
)
def test_a_file_that_cannot_be_read_is_named(project, content):
    (project / FILE).write_bytes(content)
    with pytest.raises(SettingsError, match=rf"{project / FILE} cannot be read: .*TOML file in UTF-8"):
        load(project)


def test_a_mark_that_some_editors_begin_a_file_with_does_no_harm(project):
    (project / FILE).write_bytes(b"\xef\xbb\xbfmax_lines = 3\n")
    assert load(project).max_lines == 3


@pytest.mark.parametrize("model", ["~nobody_of_this_name/a.gguf", "a" * 5000])
def test_a_model_where_nothing_can_be_is_left_to_whoever_loads_it(project, model):
    (project / FILE).write_text(f'model = "{model}"\nencoder = "{model}"\n')
    assert load(project).model == model


def test_a_mistake_is_told_with_the_file_that_holds_it(project, user):
    user.write_text("max_line = 1\n")
    with pytest.raises(SettingsError, match=r"user\.toml"):
        load(project, {"max_lines": 2})


def test_a_mistake_of_the_editor_is_told_as_such(project):
    with pytest.raises(SettingsError, match="in the editor's settings"):
        load(project, {"max_lines": "2"})


def test_a_project_names_no_programs_to_start(project, user):
    (project / FILE).write_text('language_servers = { python = "pyrefly" }\n')
    assert load(project).language_servers == {"python": "pyrefly"}
    (project / FILE).write_text('language_servers = { python = ["./evil", "lsp"] }\n')
    with pytest.raises(SettingsError, match=r"names a program to start for python.*user\.toml"):
        load(project)
    (project / FILE).unlink()
    user.write_text('language_servers = { zig = ["zls"] }\n')
    assert load(project).language_servers == {"zig": ["zls"]}


def test_only_the_user_names_a_server_for_the_index(project, user):
    server = 'index = "milvus:http://127.0.0.1:19530#shop"\n'
    (project / FILE).write_text(server)
    with pytest.raises(SettingsError, match="Only the user's own settings may do so"):
        load(project)
    (project / FILE).unlink()
    user.write_text(server)
    assert load(project).index == "milvus:http://127.0.0.1:19530#shop"
    with pytest.raises(SettingsError, match=r"Setting “index” = 'http://127\.0\.0\.1' in here"):
        parse({"index": "http://127.0.0.1"}, "here")
