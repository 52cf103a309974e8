"""What the types in files may tell: nothing is read of files that never enter a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from hole_tools import context

from language_servers.holes.files import read

HIDDEN = 'class Token:\n    value: str = "abc123"\n\n\nPair = tuple[Token, Token]\n'
SEEN = "class Item:\n    price: int = 3\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / ".git").mkdir()
    (root / ".gitignore").write_text("hidden.py\n.venv/\n")
    (root / "hidden.py").write_text(HIDDEN)
    (root / "seen.py").write_text(SEEN)
    return root


def test_what_is_installed_in_a_repository_is_read(root: Path):
    installed = root / ".venv" / "lib" / "site-packages" / "parcels.py"
    installed.parent.mkdir(parents=True)
    installed.write_text(SEEN)
    found = {path.name: read(path, "python") for path in (installed, root / "seen.py", root / "hidden.py")}
    assert {name for name, document in found.items() if document} == {"parcels.py", "seen.py"}


@pytest.mark.parametrize("expected", ["Token", "Pair"])
def test_types_of_ignored_files_are_not_told(checker, expected):
    text = f"from hidden import Pair, Token\nfrom seen import Item\none: tuple[{expected}, Item] = ‸\n"
    found = context(checker, text)
    assert found.expected == f"tuple[{expected}, Item]"
    assert [stub.name for stub in found.types] == ["Item"]
    assert "abc123" not in "".join(header.text for header in found.headers)
