"""The command `ghostwright.explain`: what an editor is told about the last completion."""

from __future__ import annotations

import asyncio
import subprocess

import pytest
from editor import PATIENCE, UNCHECKED

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOOKS = "def quarterly_revenue(company, year):\n    return company.books[year].revenue\n"
BASKET = """class Basket:
    def __init__(self) -> None:
        self.zx_fruits = 3


def count(basket: Basket) -> int:
    return basket.‸
"""
POINT = "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.‸"


async def test_before_the_first_completion_there_is_nothing_to_explain(start_editor):
    editor = await start_editor()
    assert await editor.execute("ghostwright.explain") is None


async def test_the_last_completion_is_explained_with_the_files_it_was_made_of(start_editor, tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "books.py").write_text(BOOKS)
    editor = await start_editor()
    editor.open(BOOKS, "books.py")
    (item,) = await editor.open("def show(company, year):\n    print(quarterly_‸", "show.py").ghost()
    told = await editor.execute("ghostwright.explain")
    assert (told["text"], told["line"], told["reason"]) == (item.insert_text, 1, "")
    assert told["uri"] == (tmp_path / "show.py").as_uri()
    assert told["timings"]["decode"] > 0
    files = {part["uri"] for part in told["prompt"] if part.get("uri")}
    assert files == {(tmp_path / "books.py").as_uri()}


async def test_what_a_guard_allowed_is_told(start_editor):
    editor = await start_editor()
    buffer = editor.open(BASKET, "basket.py")

    async def told():
        buffer.type("z")  # another place each time, so that the model is asked
        buffer.delete(1)
        await buffer.ghost(invoked=True)
        return (await editor.execute("ghostwright.explain"))["rulings"]

    async with asyncio.timeout(PATIENCE):  # until the language server has come
        while not (rulings := await told()):
            buffer.type("(basket.")
    assert rulings[0]["monitors"] == ["members"]
    assert "zx_fruits" in rulings[0]["written"]


async def test_typing_along_keeps_the_explanation_of_what_was_shown(start_editor):
    editor = await start_editor(options=UNCHECKED)
    buffer = editor.open(POINT, "along.py")
    shown = await buffer.ghost_text()
    buffer.type(shown[0])
    assert await buffer.ghost_text() == shown[1:]
    assert (await editor.execute("ghostwright.explain"))["text"] == shown
