"""Files that change outside of the editor, which tells a real server of them if that has asked it to."""

from __future__ import annotations

import asyncio
import subprocess
from itertools import count
from pathlib import Path

import pytest
from editor import PATIENCE, Editor, capabilities, describing
from lsprotocol import types as lsp

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATED, CHANGED, DELETED = lsp.FileChangeType.Created, lsp.FileChangeType.Changed, lsp.FileChangeType.Deleted
KINDS = {"A": CREATED, "M": CHANGED, "D": DELETED}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository with a branch `light`, where `heavy.py` is gone, `new.py` is new and `parcels.py` is another."""
    root = tmp_path / "shop"
    git(tmp_path, "init", "-q", "-b", "main", "shop")
    offers(root, "parcels.py", "weigh_parcel")
    offers(root, "heavy.py", "weigh_crate")
    (root / ".gitignore").write_text("generated/\n")
    commit(root)
    git(root, "checkout", "-q", "-b", "light")
    offers(root, "parcels.py", "weigh_letter")
    offers(root, "new.py", "weigh_feather")
    (root / "heavy.py").unlink()
    commit(root)
    git(root, "checkout", "-q", "main")
    return root


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "-q", "-m", "What is there")


def check_out(editor: Editor, branch: str) -> None:
    """Turns to a branch, which the editor notices."""
    changed = git(editor.root, "diff", "--name-status", "--no-renames", "HEAD", branch)
    git(editor.root, "checkout", "-q", branch)
    editor.notice({name: KINDS[kind] for kind, name in (line.split("\t") for line in changed.splitlines())})


def offers(root: Path, name: str, function: str) -> str:
    """Writes a file that offers a function. Its text."""
    (root / name).parent.mkdir(exist_ok=True)
    text = f"def {function}(thing): ...\n"
    (root / name).write_text(text, encoding="utf-8")
    return text


async def offered(editor: Editor, wish: str = "weigh something") -> set[str]:
    """The names of what the repository offers for a wish."""
    answer = await editor.execute("ghostwright.ask", wish)
    return {api["name"] for api in answer["apis"]}


async def until_offered(editor: Editor, *names: str, wish: str = "weigh something") -> set[str]:
    """What is offered once these are: what the server is told it reads in its own time."""
    with describing(f"{names} among what is offered"):
        async with asyncio.timeout(PATIENCE):
            while not set(names) <= (found := await offered(editor, wish)):
                pass
            return found


async def until_completed(editor: Editor, text: str, beginning: str) -> None:
    """Until a completion begins so; each is asked for in a new file, for none is written twice for the same text."""
    with describing(f"a completion that begins with {beginning}"):
        async with asyncio.timeout(PATIENCE):
            for number in count():
                buffer = editor.open(text, f"{beginning}_{number}.py")
                if (await buffer.ghost_text(invoked=True)).startswith(beginning):
                    return
                buffer.close()


async def watching(start_editor, root: Path) -> Editor:
    return await start_editor(root, announced=capabilities(watch=True))


async def test_files_of_the_languages_that_are_read_are_asked_for(start_editor, tmp_path):
    editor = await watching(start_editor, tmp_path)
    assert len(editor.globs) == 1
    assert all(editor.watches(f"file:///a/b/{name}") for name in ("a.py", "b.pyi", "c.tsx", "d.hpp", "Gemfile"))
    assert not any(editor.watches(f"file:///a/b/{name}") for name in ("a.md", "b.json", "Makefile", ".gitignore"))


@pytest.mark.parametrize("watch", [None, False])
async def test_an_editor_that_takes_no_registrations_is_not_asked(start_editor, tmp_path, watch):
    editor = await start_editor(tmp_path, announced=capabilities(watch=watch))
    await editor.until_status("Normal", "Ready")  # which comes after registering
    assert editor.registered == []


async def test_after_a_checkout_the_branchs_apis_are_offered(start_editor, shop):
    editor = await watching(start_editor, shop)
    assert await offered(editor) == {"weigh_parcel", "weigh_crate"}
    check_out(editor, "light")
    assert await until_offered(editor, "weigh_feather") == {"weigh_letter", "weigh_feather"}
    check_out(editor, "main")
    assert await until_offered(editor, "weigh_crate") == {"weigh_parcel", "weigh_crate"}


async def test_excluded_files_stay_excluded_and_what_is_no_file_is_passed_over(start_editor, shop):
    editor = await watching(start_editor, shop)
    assert await offered(editor) == {"weigh_parcel", "weigh_crate"}
    for name, function in (("generated/a.py", "weigh_ghost"), ("node_modules/b.js", "weigh_module")):
        offers(shop, name, function)
    offers(shop, "after.py", "weigh_feather")
    elsewhere = ("vscode-remote://host/c.py", "untitled:/d.py", (shop.parent / "outside.py").as_uri())
    editor.notice(dict.fromkeys(["generated/a.py", "node_modules/b.js", *elsewhere, "after.py"], CREATED))
    assert await until_offered(editor, "weigh_feather") == {"weigh_parcel", "weigh_crate", "weigh_feather"}


async def test_a_file_that_is_open_counts_as_the_editor_shows_it(start_editor, shop):
    editor = await watching(start_editor, shop)
    buffer = editor.open("def weigh_letter(thing): ...\n", "parcels.py")
    assert await offered(editor) == {"weigh_letter", "weigh_crate"}
    saved = offers(shop, "parcels.py", "weigh_brick")
    offers(shop, "first.py", "weigh_feather")
    editor.notice({"parcels.py": CHANGED, "first.py": CREATED})
    assert await until_offered(editor, "weigh_feather") == {"weigh_letter", "weigh_crate", "weigh_feather"}
    (shop / "parcels.py").unlink()
    (shop / "first.py").unlink()
    offers(shop, "second.py", "weigh_stone")
    editor.notice({"parcels.py": DELETED, "first.py": DELETED, "second.py": CREATED})
    assert await until_offered(editor, "weigh_stone") == {"weigh_letter", "weigh_crate", "weigh_stone"}
    (shop / "parcels.py").write_text(saved, encoding="utf-8")
    buffer.close()
    assert await until_offered(editor, "weigh_brick") == {"weigh_brick", "weigh_crate", "weigh_stone"}


async def test_thousands_of_files_may_change_at_once(start_editor, shop):
    editor = await watching(start_editor, shop)
    assert await offered(editor, "wrap a gift") == set()
    names = [f"part_{number % 50}/module_{number}.py" for number in range(3000)]
    for number, name in enumerate(names):
        offers(shop, name, f"pack_{number}")
    offers(shop, "last.py", "wrap_gift")
    editor.notice(dict.fromkeys([*names, "last.py"], CREATED))
    assert "wrap_gift" in await until_offered(editor, "wrap_gift", wish="wrap a gift")
    assert editor.messages == []


async def test_a_language_server_is_told_as_well(start_editor, shop):
    editor = await watching(start_editor, shop)
    text = "from baskets import Basket\n\n\ndef count(basket: Basket) -> int:\n    return basket.zx_‸\n"
    for member in ("fruits", "owner"):
        (shop / "baskets.py").write_text(f"class Basket:\n    zx_{member}: int = 3\n", encoding="utf-8")
        editor.notice({"baskets.py": CHANGED})
        await until_completed(editor, text, member)
