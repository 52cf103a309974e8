"""`ghostwright search` over a real repository, with the index that it makes and keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import ghostwright

SHOP = '''\
class Cart:
    def __init__(self) -> None:
        self.items = []

    def total_price(self) -> float:
        """What all items in the cart cost together."""
        return sum(item.price for item in self.items)


def read_configuration(path: str) -> dict[str, str]:
    """Reads settings from a file."""
    return dict(line.split("=", 1) for line in open(path))
'''


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / ".git").mkdir(parents=True)
    (root / "cart.py").write_text(SHOP, encoding="utf-8")
    (root / "other.py").write_text("".join(f"def other_{n}(x):\n    return x + {n}\n" for n in range(30)))
    return root


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_what_is_described_comes_first(repository, env):
    found = ghostwright("search", "how much do the items cost", "--json", cwd=repository, env=env)
    assert found.code == 0
    first = found.json["hits"][0]
    assert (first["name"], first["line"]) == ("Cart.total_price", 5)
    assert SHOP[first["start"] : first["end"]].strip().startswith("def total_price")
    assert ghostwright("index", "--json", cwd=repository, env=env).json["files"] == 2


def test_the_index_is_kept_and_follows_the_files(repository, env):
    ghostwright("search", "settings", cwd=repository, env=env)
    (repository / "cart.py").unlink()
    (repository / "new.py").write_text("def parse_settings(text):\n    return text\n", encoding="utf-8")
    found = ghostwright("search", "settings", "--json", cwd=repository, env=env)
    assert {hit["path"] for hit in found.json["hits"]} <= {str(repository / "new.py"), str(repository / "other.py")}
    assert found.json["hits"][0]["name"] == "parse_settings"


def test_people_see_places_and_the_first_lines(repository, env):
    found = ghostwright("search", "read settings from a file", "-n", "1", cwd=repository, env=env)
    assert found.out.splitlines()[0].split() == ["cart.py:10", "function", "read_configuration"]
    assert "    def read_configuration(path: str)" in found.out


@pytest.mark.parametrize(("query", "told"), [("?!", "has no words"), ("", "has no words")])
def test_a_query_without_words_is_refused(repository, env, query, told):
    found = ghostwright("search", query, cwd=repository, env=env)
    assert found.code == 1
    assert told in found.err


def test_outside_of_a_repository_it_says_so(tmp_path, env):
    found = ghostwright("search", "settings", "--json", cwd=tmp_path, env=env)
    assert found.code == 1
    assert "belongs to no repository" in found.json["error"]


def test_secrets_and_ignored_files_are_not_found(repository, env):
    (repository / ".gitignore").write_text("build/\n", encoding="utf-8")
    (repository / "build").mkdir()
    (repository / "build" / "made.py").write_text("def zebra_stripes(): ...\n", encoding="utf-8")
    (repository / ".env").write_text("ZEBRA_STRIPES=secret\n", encoding="utf-8")
    found = ghostwright("search", "zebra stripes", "--json", cwd=repository, env=env)
    assert not any("zebra" in hit["text"].lower() for hit in found.json["hits"])


def test_an_index_on_a_server_is_filled_by_one_command_and_searched_by_others(repository, env, tmp_path):
    pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")
    settings = tmp_path / "ghostwright.toml"
    settings.write_text(f'index = "milvus:{tmp_path}/team.db#shop"\n')
    env["GHOSTWRIGHT_CONFIG"] = str(settings)
    assert "There is no index shop" in ghostwright("search", "settings", cwd=repository, env=env).err
    assert "2 files with" in ghostwright("index", cwd=repository, env=env).out
    found = ghostwright("search", "how much do the items cost", "--json", cwd=repository, env=env)
    assert found.json["hits"][0]["name"] == "Cart.total_price"
    assert found.json["reason"] == ""
