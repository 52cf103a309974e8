"""What cannot be used is answered by a sentence that names it, or by nothing; the process lives on."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import ghostwright
from distributions import unpack, wheel, with_plugins
from editor import Editor
from gguf_files import chat_model, embedding_model
from lsprotocol import types as lsp

from plugins.llama_cpp import WEIGHTS

pytestmark = pytest.mark.asyncio(loop_scope="module")

POINT = "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.‸"
CODE = POINT.replace("‸", "")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """A folder of files that are no model for completion."""
    folder = tmp_path_factory.mktemp("models")
    weights = WEIGHTS.read_bytes()
    (folder / "half.gguf").write_bytes(weights[: len(weights) // 2])
    (folder / "head.gguf").write_bytes(weights[:2000])
    (folder / "stub.gguf").write_bytes(weights[:3])
    (folder / "page.gguf").write_bytes(b"<html>Not found</html>")
    (folder / "folder.gguf").mkdir()
    (folder / "model.onnx").write_bytes(b"")
    embedding_model(folder / "embedding.gguf")
    chat_model(folder / "chat.gguf")
    return folder


MODELS = {
    "none.gguf": "There is no model file",
    "folder.gguf": "There is no model file",
    "half.gguf": "Get the file again",
    "head.gguf": "Get the file again",
    "stub.gguf": "not a GGUF file",
    "page.gguf": "not a GGUF file",
    "embedding.gguf": "embedding model",
    "chat.gguf": "no fill-in-the-middle tokens",
    "model.onnx": "Name a .gguf file",
}


def complaint(*arguments: object, **options: object) -> str:
    """What the command says that cannot do what it was asked, as text and as JSON."""
    plain = ghostwright(*arguments, **options)
    assert (plain.code, plain.out) == (1, "")
    assert "Traceback" not in plain.err
    as_json = ghostwright(*arguments, "--json", **options)
    assert as_json.code == 1
    error = as_json.json["error"]
    assert error.encode("ascii", "backslashreplace").decode() in plain.err or error in plain.err
    return error


@pytest.mark.parametrize(
    ("name", "data", "place", "sentence"),
    [
        ("none.py", None, "1:1", "There is no file"),
        ("folder.py", "", "1:1", "directory"),
        ("binary.py", b"\x7fELF\0\0", "1:1", "binary"),
        ("latin.py", "x = 1\n# é".encode("latin-1"), "1:1", "not UTF-8: byte 8 is 0xe9"),
        ("short.py", b"a = 1\n", "3:1", "2 lines"),
        ("short.py", b"a = 1\n", "1:7", "COL goes to 6, not 7"),
        ("short.py", b"a = 1\n", "0:1", "no line 0"),
        ("short.py", b"a = 1\n", "1:0", "not 0"),
        ("short.py", b"a = 1\n", "1", "FILE:LINE:COL"),
        ("short.py", b"a = 1\n", "one:two", "FILE:LINE:COL"),
        ("short.py", b"a = 1\n", "1:" + "9" * 5000, "FILE:LINE:COL"),
    ],
)
async def test_the_command_says_what_is_wrong_with_a_file_or_place(tmp_path, name, data, place, sentence):
    path = tmp_path / name
    if data == "":
        path.mkdir()
    elif data is not None:
        path.write_bytes(data)
    error = complaint("complete", f"{path}:{place}")
    assert sentence in error
    assert name in error


async def test_a_file_name_that_is_not_utf_8_is_told_too(tmp_path):
    assert "There is no file" in complaint("complete", f"{tmp_path}/\udcff.py:1:1")


@pytest.mark.parametrize(("text", "line"), [("", 1), ("\n", 2), ("x = [" + "1, " * 350_000 + "]\n", 1)])
async def test_the_command_survives_texts_of_any_shape(tmp_path, text, line):
    path = tmp_path / "shape.py"
    path.write_text(text)
    result = ghostwright("complete", f"{path}:{line}:1", "--json")
    assert result.code in (0, 1)
    assert result.json["text"] or result.json["reason"]


async def test_the_command_leaves_a_file_of_20_megabytes_alone(tmp_path):
    path = tmp_path / "data.py"
    path.write_text("value = 1\n" * 2_000_000)
    result = ghostwright("complete", f"{path}:1:1", "--json")
    assert result.code == 1
    assert "too large" in result.json["reason"]


@pytest.mark.parametrize("name", MODELS)
async def test_the_command_says_what_is_wrong_with_a_model(tmp_path, models, name):
    path = tmp_path / "point.py"
    path.write_text(CODE)
    error = complaint("complete", f"{path}:4:14", "--model", models / name)
    assert MODELS[name] in error
    assert str(models / name) in error


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('debounce = "soon"', ["debounce", "'soon'", "int"]),
        ("max_lines = 0", ["max_lines", "= 0", ">= 1"]),
        ('disabled_languages = "python"', ["disabled_languages", "array"]),
        ("min_probabilty = 0.5", ["min_probabilty", "min_probability"]),
        ("model = ", ["cannot be read", "TOML"]),
    ],
)
async def test_the_command_says_what_is_wrong_with_the_settings(tmp_path, settings, words):
    path, file = tmp_path / "point.py", tmp_path / "ghostwright.toml"
    path.write_text(CODE)
    file.write_text(settings)
    error = complaint("complete", f"{path}:4:14")
    assert all(word in error for word in [str(file), *words])
    doctor = ghostwright("doctor", "--json", cwd=tmp_path)
    assert doctor.code == 1
    assert any(error == check["finding"] and check["remedy"] for check in doctor.json)


async def still_answers(editor: Editor, name: str) -> bool:
    return await editor.open(POINT, f"after_{name}.py").ghost_text() == "y = y"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty", "‸"),
        ("line", "x = [" + "1, " * 350_000 + "‸]\n"),
        ("begin", "‸x = [" + "1, " * 350_000 + "]\n"),
        ("controls", "a = '\0\x1b\ufeff\u2028'\n‸"),
        ("brackets", "(" * 20_000 + "‸"),
        ("specials", "x = '<|fim_middle|><|fim_prefix|><|endoftext|>'\n‸"),
    ],
)
async def test_the_server_survives_texts_of_any_shape(editor, name, text):
    buffer = editor.open(text, f"{name}.py")
    for invoked in (False, True):
        for item in await buffer.ghost(invoked):
            assert "<|" not in item.insert_text
    assert await still_answers(editor, name)
    assert editor.messages == []


async def test_the_server_survives_half_a_surrogate_pair(editor):
    half = editor.open("a = 'x‸'\n", "half.py")
    half.text = half.text.replace("x", "\ud83d")
    editor.client.text_document_did_change(
        lsp.DidChangeTextDocumentParams(
            lsp.VersionedTextDocumentIdentifier(2, half.uri), [lsp.TextDocumentContentChangeWholeDocument(half.text)]
        )
    )
    await half.ghost(invoked=True)
    pair = editor.open("a = '😀‸'\n", "pair.py")
    params = pair.request(invoked=True)
    params.position.character -= 1
    await editor.client.text_document_inline_completion_async(params)
    assert await still_answers(editor, "half")
    assert editor.messages == []


async def test_the_server_leaves_a_file_of_20_megabytes_alone(editor):
    evaluated = (await editor.state())["evaluated"]
    buffer = editor.open("‸" + "value = 1\n" * 2_000_000, "data.py")
    assert await buffer.ghost() == []
    await editor.until_status("Inactive", "too large")
    buffer.type("x")
    assert await buffer.ghost(invoked=True) == []
    assert (await editor.state())["evaluated"] == evaluated
    buffer.close()
    assert await still_answers(editor, "data")


@pytest.mark.parametrize(("line", "character"), [(1_000_000, 0), (3, 1_000_000), (1_000_000, 1_000_000)])
async def test_a_cursor_outside_the_text_means_its_end(editor, line, character):
    buffer = editor.open(POINT, f"outside{line}_{character}.py")
    params = buffer.request()
    params.position = lsp.Position(line, character)
    (item,) = (await editor.client.text_document_inline_completion_async(params)).items
    assert item.insert_text == "y = y"
    assert item.range.start == buffer.cursor


@pytest.mark.parametrize("data", [None, "", b"\x7fELF\0\0", "# é".encode("latin-1")])
async def test_a_file_that_is_not_open_and_cannot_be_read_is_answered_by_nothing(editor, tmp_path, data):
    path = tmp_path / "closed.py"
    if data == "":
        path.mkdir()
    elif data is not None:
        path.write_bytes(data)
    identifier = lsp.TextDocumentIdentifier(path.as_uri())
    context = lsp.InlineCompletionContext(lsp.InlineCompletionTriggerKind.Invoked)
    ghost = lsp.InlineCompletionParams(context, identifier, lsp.Position(0, 0))
    assert not (await editor.client.text_document_inline_completion_async(ghost)).items
    popup = lsp.CompletionParams(identifier, lsp.Position(0, 0))
    assert not (await editor.client.text_document_completion_async(popup)).items
    assert await still_answers(editor, tmp_path.name)


async def test_a_file_that_is_not_open_is_read_from_disk(editor):
    (editor.root / "on_disk.py").write_text(CODE)
    buffer = editor.open(POINT, "on_disk.py")
    buffer.close()
    assert await buffer.ghost_text() == "y = y"


@pytest.mark.parametrize("name", MODELS)
async def test_the_server_says_what_is_wrong_with_a_model_and_goes_on_with_another(editor, models, name):
    editor.configure(model=str(models / name))
    status = await editor.until_status("Error", MODELS[name])
    assert str(models / name) in status["message"]
    if name != "model.onnx":  # there the old model stays in force
        assert await editor.open(POINT, f"without_{name}.py").ghost() == []
    editor.configure()
    await editor.until_status("Normal", "Ready")
    assert await still_answers(editor, name)
    assert sum(status["message"] in message for message in editor.messages) == 1
    editor.client.messages.clear()


@pytest.mark.parametrize(
    "settings",
    [
        {"debounce": "soon"},
        {"debounce": -1},
        {"disabled_languages": "python"},
        {"disabled_languages": [1]},
        {"model": {"path": "x"}},
        {"automatic": "yes"},
        {"dissabled_plugins": []},
    ],
)
async def test_the_server_says_what_is_wrong_with_a_setting(editor, settings):
    editor.configure(**settings)
    (name,) = settings
    await editor.until_status("Error", name)
    assert await editor.open(POINT, f"wrong_{len(editor.messages)}.py").ghost_text() == "y = y"
    editor.configure()
    await editor.until_status("Normal", "Ready")
    editor.client.messages.clear()


@pytest.mark.parametrize("options", [{"ghostwright": []}, ["automatic"], "automatic", {"automatic": "yes"}, {"": 1}])
async def test_a_server_that_is_started_with_nonsense_works(start_editor, options):
    editor = await start_editor(options=options)
    assert await editor.open(POINT).ghost_text(invoked=True) == "y = y"


RAISING_PLUGIN = """
from assistant.hookspecs import hookimpl

class Raises:
    name = "raising"
    def snippets(self, request): raise RuntimeError("no snippets")
    def process(self, completion, request): raise RuntimeError("no process")

@hookimpl
def ghostwright_context_sources(settings): return [Raises()]
@hookimpl
def ghostwright_post_processors(settings): return (each for each in [Raises(), Raises()])
@hookimpl
def ghostwright_model(settings): raise RuntimeError("no model")
"""
RAISING_HOOKS = """
from assistant.hookspecs import hookimpl

def late():
    raise RuntimeError("late")
    yield

@hookimpl
def ghostwright_context_sources(settings): return late()
@hookimpl
def ghostwright_post_processors(settings): return 1
"""
NAMELESS = """
from assistant.hookspecs import hookimpl

class Nameless:
    def snippets(self, request): return []
    def process(self, completion, request): return completion

@hookimpl
def ghostwright_context_sources(settings): return [Nameless()]
@hookimpl
def ghostwright_post_processors(settings): return [Nameless()]
"""
RAISING_MODEL = """
from assistant.hookspecs import hookimpl

class Broken:
    name = "broken"
    languages = None
    evaluated = 0
    def load(self): raise RuntimeError("no load")
    def unload(self): raise RuntimeError("no unload")
    def tokenize(self, text): raise RuntimeError("no tokenize")

@hookimpl
def ghostwright_model(settings): return Broken() if settings.model == "broken" else None
"""


@pytest.fixture
def broken_plugins(tmp_path):
    """The environment in which plugins are installed that fail in every hook and every method."""
    site = tmp_path / "site"
    sources = {"always_raising": RAISING_PLUGIN, "hooks": RAISING_HOOKS, "nameless": NAMELESS, "broken": RAISING_MODEL}
    for name, source in sources.items():
        unpack(wheel(tmp_path, name, source), site)
    return with_plugins(site)


async def test_plugins_that_fail_everywhere_cost_the_command_nothing(tmp_path, broken_plugins):
    path = tmp_path / "point.py"
    path.write_text(CODE)
    result = ghostwright("complete", f"{path}:4:14", "--json", env=broken_plugins)
    assert result.json["text"] == "y = y"
    for words in (
        "“always_raising” failed",
        "no snippets",
        "no process",
        "no model",
        "“hooks” failed",
        "“nameless” failed",
    ):
        assert words in result.err
    failed = ghostwright("complete", f"{path}:4:14", "--json", "--model", "broken", env=broken_plugins)
    assert failed.code == 1
    assert "no load" in failed.json["error"]


async def test_plugins_that_fail_everywhere_cost_the_server_nothing(start_editor, broken_plugins):
    editor = await start_editor(env=broken_plugins)
    assert await editor.open(POINT).ghost_text() == "y = y"
    editor.configure(model="broken")
    await editor.until_status("Error", "no load")
    assert await editor.open(POINT, "broken.py").ghost() == []
    editor.configure()
    await editor.until_status("Normal", "Ready")
    assert await still_answers(editor, "broken")
