"""Helix with this server: the popup, and the file once its entry is taken."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal, program, saved

POINT = "class Point:\n    def __init__(self, x, y):\n        self.x = x\n"

LANGUAGES = """
[language-server.ghostwright]
command = %s
args = ["-m", "assistant", "lsp"]
config = { min_probability = 0 }

[[language]]
name = "python"
language-servers = ["ghostwright"]
"""


@pytest.fixture
def helix(tmp_path: Path) -> Iterator[Terminal]:
    """A Helix in which a Python file is open."""
    hx = program("hx", "helix")
    (tmp_path / ".git").mkdir()
    (tmp_path / "point.py").write_text(POINT)
    settings = tmp_path / "config" / "helix" / "languages.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(LANGUAGES % json.dumps(sys.executable))
    homes = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "CACHE", "DATA")}
    terminal = Terminal(tmp_path, [hx, "point.py"], homes)
    try:
        terminal.wait(lambda: terminal.shows("class Point"), "the file")
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("before", ["", "a = 'é😀'; "])
def test_the_popup_offers_the_completion_and_inserts_it(helix, tmp_path, before):
    helix.type(f"geo{before}self.")
    helix.wait(lambda: helix.shows(f"{before}self."), "what was typed")
    helix.press_until("C-x", lambda: helix.shows("y = y"), "the popup")
    helix.press("C-n", "Enter", "Escape")
    helix.wait(lambda: helix.shows(f"        {before}self.y = y"), "the entry in the text")
    helix.type(":w\r")
    file = tmp_path / "point.py"
    helix.wait(lambda: saved(file).startswith(f"{POINT}        {before}self.y = y"), "the entry in the file")
