"""Neovim 0.12 with this server: what a user sees and what ends up in the file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pynvim
import pytest
from terminal import saved

PATIENCE = 60.0
"""Seconds after which a test gives up waiting."""

POINT = "class Point:\n    def __init__(self, x, y):\n        self.x = x\n"

INIT = """
vim.lsp.config('ghostwright', {
  cmd = %(command)s,
  filetypes = {'python'},
  root_markers = {'.git'},
  init_options = {min_probability = 0, debounce = 0},
})
vim.lsp.enable('ghostwright')
vim.lsp.inline_completion.enable()
vim.keymap.set('i', '<Tab>', function()
  if not vim.lsp.inline_completion.get() then return '<Tab>' end
end, {expr = true})
answers = 0
vim.api.nvim_create_autocmd('LspRequest', {callback = function(event)
  local request = event.data.request
  local is_answered = request.method == 'textDocument/inlineCompletion' and request.type == 'complete'
  answers = is_answered and answers + 1 or answers
end})
statuses = {}
vim.lsp.handlers['didChangeStatus'] = function(_, status) table.insert(statuses, status) end
vim.opt.completeopt = {'menuone', 'noinsert'}
"""


def neovim() -> str:
    """The program of a Neovim with inline completion. Skips the test if there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named = os.environ.get("GHOSTWRIGHT_NEOVIM")
    for program in [named] if named else [cache / "ghostwright" / "neovim" / "nvim", shutil.which("nvim")]:
        if program and Path(program).exists() and _has_inline_completion(str(program)):
            return str(program)
    pytest.skip(f"no Neovim 0.12 here ({named or 'neither in the cache nor on the PATH'}): .ci/editors gets one")


def _has_inline_completion(program: str) -> bool:
    check = "lua vim.cmd(vim.lsp.inline_completion and 'quit' or 'cquit')"
    return subprocess.run([program, "--headless", "--clean", f"+{check}"], capture_output=True).returncode == 0


class Editor:
    """A Neovim without a screen, in which a Python file is open and the server is ready."""

    def __init__(self, program: str, folder: Path) -> None:
        init, self.file = folder / "init.lua", folder / "point.py"
        command = json.dumps([sys.executable, "-m", "assistant", "lsp"]).replace("[", "{").replace("]", "}")
        init.write_text(INIT % {"command": command})
        self.file.write_text(POINT)
        (folder / ".git").mkdir()
        homes = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        env = ["env", *(f"{name}={value}" for name, value in homes.items()), "NVIM_LOG_FILE=/dev/null"]
        options = ["--embed", "--headless", "-n", "--clean", "--cmd", "let g:loaded_python3_provider = 0"]
        self.nvim = pynvim.attach("child", argv=[*env, program, *options, "-u", str(init), str(self.file)])
        self.wait(lambda: self.statuses and self.statuses[-1]["message"].startswith("Ready"), "the server")

    def close(self) -> None:
        self.nvim.command("qall!", async_=True)
        self.nvim.close()

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (result := condition()):
            assert time.monotonic() < deadline, f"waited {PATIENCE:g} seconds for {what}"
            time.sleep(0.05)
        return result

    def type(self, keys: str) -> None:
        self.nvim.input(keys)

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return self.nvim.exec_lua("return statuses")

    @property
    def lines(self) -> list[str]:
        return self.nvim.current.buffer[:]

    @property
    def ghost_text(self) -> str:
        """What is drawn behind the cursor, on its line and below."""
        marks = self.nvim.exec_lua(
            "local space = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']\n"
            "return space and vim.api.nvim_buf_get_extmarks(0, space, 0, -1, {details = true}) or {}"
        )
        details = [mark[3] for mark in marks]
        first = ["".join(chunk[0] for chunk in detail.get("virt_text", [])) for detail in details]
        below = ["".join(chunk[0] for chunk in line) for detail in details for line in detail.get("virt_lines", [])]
        return "\n".join(first + below)

    @property
    def answers(self) -> int:
        """How often the server has answered what ghost text to show."""
        return self.nvim.exec_lua("return answers")

    @property
    def accepted(self) -> int:
        """How often the server was told that its text was accepted."""
        answer = self.nvim.exec_lua(
            "local client = vim.lsp.get_clients({name = 'ghostwright'})[1]\n"
            "return client:request_sync('workspace/executeCommand', {command = 'ghostwright.status'}, 10000, 0)"
        )
        return int(answer["result"]["counts"].get("accepted", 0))


@pytest.fixture
def editor(tmp_path) -> Iterator[Editor]:
    editor = Editor(neovim(), tmp_path)
    yield editor
    editor.close()


@pytest.mark.parametrize("before", ["", "a = 'é😀'; "])
def test_ghost_text_is_shown_and_tab_accepts_it(editor, before):
    editor.type(f"Go{before}self.")
    assert editor.wait(lambda: editor.ghost_text, "ghost text").startswith("y = y")
    shown = editor.ghost_text
    assert editor.lines[-1] == f"        {before}self."
    editor.type("<Tab>")
    editor.wait(lambda: editor.lines[-1] == f"        {before}self.{shown}", "the accepted text")
    editor.wait(lambda: editor.accepted == 1, "the accept command")
    editor.type("<Esc>:write<CR>")
    editor.wait(lambda: saved(editor.file) == f"{POINT}        {before}self.{shown}\n", "the saved file")


def test_typing_along_keeps_the_ghost_text(editor):
    editor.type("Goself.")
    assert editor.wait(lambda: editor.ghost_text, "ghost text") == "y = y"
    before = editor.answers
    editor.type("y")
    editor.wait(lambda: editor.answers > before, "the next answer; until then the rest of the old one is shown")
    assert editor.ghost_text == " = y"
    editor.type("<Tab>")
    editor.wait(lambda: editor.lines[-1] == "        self.y = y", "the accepted text")


@pytest.mark.parametrize("before", ["", "a = 'é😀'; "])
def test_without_ghost_text_the_popup_offers_and_inserts_the_completion(editor, before):
    editor.nvim.exec_lua("vim.lsp.inline_completion.enable(false)")
    editor.type(f"Go{before}self.<C-x><C-o>")
    editor.wait(lambda: editor.nvim.funcs.pumvisible(), "the popup")
    first = editor.nvim.funcs.complete_info(["items"])["items"][0]["word"]
    assert first.startswith("y = y")
    editor.type("<C-n><C-y>" if editor.nvim.funcs.complete_info(["selected"])["selected"] < 0 else "<C-y>")
    editor.wait(lambda: editor.lines[-1] == f"        {before}self.{first}", "the chosen text")
    editor.wait(lambda: editor.accepted == 1, "the accept command")
