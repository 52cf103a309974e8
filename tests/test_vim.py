"""Vim with the script in examples/editors: what is on the screen, and what is in the file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal, program

SCRIPT = Path(__file__).parents[1] / "examples" / "editors" / "ghostwright.vim"

POINT = "class Point:\n    def __init__(self, x, y):\n        self.x = x\n"

VIMRC = """
set nocompatible nomore shortmess+=I autoindent laststatus=2 statusline=%%{get(g:,'ghostwright_status','')}
filetype plugin indent on
let g:ghostwright_command = %s
let g:ghostwright_settings = #{min_probability: 0, debounce: 0}
source %s
"""


@pytest.fixture
def vim(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """A Vim in which a Python file is open and the server is ready."""
    vim = program("vim")
    check = [vim, "-Nu", "NONE", "-es", "+if has('patch-9.0.0067') && has('channel') | quit | else | cquit | endif"]
    if subprocess.run(check, capture_output=True).returncode:
        pytest.skip("this Vim is too old, or built without channels")
    (tmp_path / ".git").mkdir()
    (tmp_path / "point.py").write_text(POINT)
    (tmp_path / "vimrc").write_text(VIMRC % (json.dumps([sys.executable, "-m", "assistant", "lsp"]), SCRIPT))
    key = getattr(request, "param", "<Tab>")
    command = [vim, "-n", "--cmd", f"let g:ghostwright_key = '{key}'", "-u", "vimrc", "point.py"]
    terminal = Terminal(tmp_path, command, {"HOME": str(tmp_path)})
    try:
        terminal.wait(lambda: terminal.shows("Ready: "), "the server")
        yield terminal
    finally:
        terminal.close()


def text(folder: Path) -> str:
    return (folder / "point.py").read_text()


@pytest.mark.parametrize("before", ["", "a = 'é😀'; "])
def test_ghost_text_is_shown_and_tab_takes_it(vim, tmp_path, before):
    vim.type(f"Go{before}self.")
    vim.wait(lambda: vim.shows(f"        {before}self.y = y"), "ghost text")
    vim.press("Tab", "Escape")
    vim.type(":w\r")
    vim.wait(lambda: text(tmp_path).startswith(f"{POINT}        {before}self.y = y"), "the accepted text in the file")


def test_it_is_not_in_the_file_and_goes_with_insert_mode(vim, tmp_path):
    vim.type("Goself.")
    vim.wait(lambda: vim.shows("self.y = y"), "ghost text")
    vim.press("Escape")
    vim.wait(lambda: not vim.shows("self.y = y"), "the end of it")
    vim.type(":w\r")
    vim.wait(lambda: text(tmp_path) == f"{POINT}        self.\n", "the text in the file")


def test_typing_along_keeps_the_rest(vim, tmp_path):
    vim.type("Goself.")
    vim.wait(lambda: vim.shows("self.y = y"), "ghost text")
    vim.type("y =")
    vim.wait(lambda: vim.shows("self.y = y"), "the rest of it")
    vim.press("Tab", "Escape")
    vim.type(":w\r")
    vim.wait(lambda: text(tmp_path) == f"{POINT}        self.y = y\n", "the accepted text in the file")


def test_tab_indents_where_there_is_none(vim, tmp_path):
    vim.type("ggO\tx\x1b:w\r")  # at once: what is typed behind the Tab stays behind it
    vim.wait(lambda: text(tmp_path) == f"    x\n{POINT}", "the indented line")


@pytest.mark.parametrize("vim", ["<C-J>"], indirect=True)
def test_another_key_may_take_it(vim, tmp_path):
    vim.type("Goself.")
    vim.wait(lambda: vim.shows("self.y = y"), "ghost text")
    vim.press("C-j", "C-j")  # the second starts a line, as it does in Vim
    vim.type("x\t\x1b:w\r")
    vim.wait(lambda: text(tmp_path) == f"{POINT}        self.y = y\n        x   \n", "the accepted text in the file")


def test_what_was_typed_since_is_kept_and_nothing_else_comes(vim, tmp_path):
    vim.type("Goself.")
    vim.wait(lambda: vim.shows("self.y = y"), "ghost text")
    vim.type("z\t\x1b:w\r")  # at once: the Tab comes before Vim says that the text changed
    vim.wait(lambda: text(tmp_path) == f"{POINT}        self.z  \n", "what was typed, in the file")
