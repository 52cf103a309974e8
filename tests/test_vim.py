"""Vim with the script in examples/editors: what is on the screen, and what is in the file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal, program, saved

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
    first = getattr(request, "param", "")
    command = [vim, "-n", "--cmd", first, "-u", "vimrc", "point.py"]
    terminal = Terminal(tmp_path, command, {"HOME": str(tmp_path)})
    try:
        terminal.wait(lambda: terminal.shows("Ready: "), "the server")
        yield terminal
    finally:
        terminal.close()


def text(folder: Path, name: str = "point.py") -> str:
    return saved(folder / name)


def ends_the_server(vim: Terminal) -> None:
    vim.type(":call job_stop(job_info()[0], 'kill')\r")
    vim.wait(lambda: vim.shows("the server ended"), "the end of the server")


@pytest.mark.parametrize("before", ["", "a = 'é😀'; "])
def test_ghost_text_is_shown_and_tab_takes_it(vim, tmp_path, before):
    vim.type(f"Go{before}self.")
    vim.wait(lambda: vim.shows(f"        {before}self.y = y"), "ghost text")
    vim.press("Tab", "Escape")
    vim.type(":w\r")
    vim.wait(lambda: text(tmp_path).startswith(f"{POINT}        {before}self.y = y"), "the accepted text in the file")


@pytest.mark.parametrize("vim", ["set encoding=latin1"], indirect=True)
def test_it_is_right_in_a_vim_that_does_not_use_utf_8(vim, tmp_path):
    vim.type("Goa = 'éé'; self.")
    vim.wait(lambda: vim.shows("y = y"), "ghost text")
    vim.press("Tab", "Escape")
    vim.type(":w\r")
    vim.wait(lambda: "; self.y = y" in text(tmp_path), "the accepted text in the file")


def test_the_server_is_told_of_what_was_taken(vim):
    vim.type("Goself.")
    vim.wait(lambda: vim.shows("self.y = y"), "ghost text")
    vim.press("Tab", "Escape")
    status = "#{method: 'workspace/executeCommand', params: #{command: 'ghostwright.status'}}"
    vim.type(f":echo ch_evalexpr(job_info()[0], {status}, #{{timeout: 60000}}).result.counts\r")
    vim.wait(lambda: vim.shows("{'accepted': 1}"), "the count")


def test_what_is_drawn_around_a_bracket_is_what_comes(vim, tmp_path):
    vim.type("Go[self.x, ]\x1biself.")
    vim.wait(lambda: vim.shows("] = "), "ghost text")
    drawn = next(line for line in vim.screen.splitlines() if "] = " in line)
    vim.press("Tab", "Escape")
    vim.type(":w\r")
    vim.wait(lambda: text(tmp_path) == f"{POINT}{drawn}\n", "the accepted text in the file")


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


def test_it_goes_with_the_user_to_another_window(vim, tmp_path):
    vim.type(":set mouse=a ttymouse=sgr\r:new\r\x17pGoself.")
    vim.wait(lambda: vim.shows("self.y = y"), "ghost text")
    vim.type("\x1b[<0;1;1M\x1b[<0;1;1m")  # a click into the upper window
    vim.wait(lambda: not vim.shows("self.y = y"), "the end of it")


def test_it_does_not_stand_behind_what_a_popup_inserts(vim):
    vim.type("Goself.")
    vim.wait(lambda: vim.shows("self.y = y"), "ghost text")
    vim.press("C-n")
    vim.wait(lambda: vim.shows("match 1 of"), "the popup")
    vim.wait(lambda: not vim.shows("y = y"), "the end of it")


RENAMED = [("", "/point.py"), (":enew\r:set filetype=python\r:0read point.py\r", "untitled:2")]


@pytest.mark.parametrize(("before", "old"), RENAMED)
def test_a_buffer_with_another_name_is_another_document(vim, tmp_path, before, old):
    vim.type(f"{before}:call ch_logfile('channel')\r:saveas other.py\r")
    vim.wait(lambda: text(tmp_path, "other.py").startswith(POINT), "the other file")
    vim.type("3Goself.")
    vim.wait(lambda: vim.shows("self.y = y"), "ghost text")
    told = (tmp_path / "channel").read_text(errors="replace")
    assert re.search(rf'didClose[^\n]*{old}"', told)
    assert re.search(r'didOpen[^\n]*/other.py"', told)


def test_after_the_end_of_the_server_typing_goes_on_and_edit_starts_it_again(vim, tmp_path):
    ends_the_server(vim)
    vim.type("ggO# a\x1b:w\r")
    vim.wait(lambda: text(tmp_path) == f"# a\n{POINT}", "what was typed, in the file")
    vim.type(":edit\r")
    vim.wait(lambda: vim.shows("Ready: "), "the server")
    vim.type("Goself.")
    vim.wait(lambda: vim.shows("self.y = y"), "ghost text")


def test_tab_indents_where_there_is_none(vim, tmp_path):
    vim.type("ggO\tx\x1b:w\r")  # at once: what is typed behind the Tab stays behind it
    vim.wait(lambda: text(tmp_path) == f"    x\n{POINT}", "the indented line")


def test_tab_expands_an_abbreviation_as_ever(vim, tmp_path):
    vim.type(":iabbrev ct count\rggOct\tx\x1b:w\r")
    vim.wait(lambda: text(tmp_path) == f"count   x\n{POINT}", "the expanded word")


@pytest.mark.parametrize("vim", ["let g:ghostwright_key = '<C-J>'"], indirect=True)
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
