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
def vim(tmp_path: Path) -> Iterator[Terminal]:
    """A Vim in which a Python file is open and the server is ready."""
    vim = program("vim")
    check = [vim, "-Nu", "NONE", "-es", "+if has('patch-9.0.0067') && has('channel') | quit | else | cquit | endif"]
    if subprocess.run(check, capture_output=True).returncode:
        pytest.skip("this Vim is too old, or built without channels")
    (tmp_path / ".git").mkdir()
    (tmp_path / "point.py").write_text(POINT)
    (tmp_path / "vimrc").write_text(VIMRC % (json.dumps([sys.executable, "-m", "assistant", "lsp"]), SCRIPT))
    terminal = Terminal(tmp_path, [vim, "-n", "-u", "vimrc", "point.py"], {"HOME": str(tmp_path)})
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
    vim.type("ggO")
    vim.press("Tab")
    vim.type("x")
    vim.press("Escape")
    vim.type(":w\r")
    vim.wait(lambda: text(tmp_path) == f"    x\n{POINT}", "the indented line")
