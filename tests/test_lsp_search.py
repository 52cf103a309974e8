"""`ghostwright.search` and `ghostwright.rebuildIndex` of a real server, and what it tells while it indexes."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command import ghostwright
from editor import SURE, Editor, capabilities, eventually
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams, JsonRpcRequestCancelled

pytestmark = pytest.mark.asyncio(loop_scope="module")

CART = '''\
# é😀
class Cart:
    def __init__(self) -> None:
        self.items = []

    def total_price(
        self,
        tax: float = 0.0,
    ) -> float:
        """What all items in the cart cost together."""
        return sum(item.price for item in self.items)
'''


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / "cart.py").write_text(CART, encoding="utf-8")
    (root / "other.py").write_text("".join(f"def other_{n}(x):\n    return x + {n}\n" for n in range(30)))
    return root


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def many_files(root: Path, count: int = 400) -> None:
    for number in range(count):
        text = "".join(f"def times_{number}_{n}(x):\n    return x * {n}\n\n\n" for n in range(40))
        (root / f"module_{number}.py").write_text(text, encoding="utf-8")


def plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {key: plain(each) for key, each in value._asdict().items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


async def searched(editor: Editor, *arguments: object) -> dict[str, Any]:
    return plain(await editor.execute("ghostwright.search", *arguments))


async def test_a_search_answers_with_locations(start_editor, shop, env):
    editor = await start_editor(shop, env=env)
    answer = await searched(editor, "how much do the items cost")
    name = {"start": {"line": 5, "character": 8}, "end": {"line": 5, "character": 19}}
    assert answer["hits"][0] == {
        "name": "Cart.total_price",
        "kind": "method",
        "signature": "def total_price(self, tax: float = 0.0) -> float",
        "location": {"uri": (shop / "cart.py").as_uri(), "range": name},
    }
    assert (answer["left_out"], answer["reason"]) == ([], "")


async def test_what_is_saved_is_found_at_once(start_editor, shop, env):
    editor = await start_editor(shop, env=env)
    await searched(editor, "cart")
    buffer = editor.open("def weigh_parcel(parcel): ...\n", "parcels.py")
    (shop / "parcels.py").write_text(buffer.text, encoding="utf-8")
    editor.client.text_document_did_save(lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(buffer.uri)))
    assert (await searched(editor, "weigh a parcel"))["hits"][0]["name"] == "weigh_parcel"


async def test_in_a_buffer_that_is_not_saved_everything_is_where_the_buffer_has_it(start_editor, shop, env):
    editor = await start_editor(shop, env=env)
    saved = await searched(editor, "total_price")
    buffer = editor.open(CART, "cart.py")
    assert await searched(editor, "total_price") == saved
    buffer.replace(0, 0, "def total_price_of(cart):\n    return cart.total_price()\n\n\n")
    hits = (await searched(editor, "total_price"))["hits"]
    assert hits[0]["name"] == "Cart.total_price"
    name = {"start": {"line": 9, "character": 8}, "end": {"line": 9, "character": 19}}
    assert hits[0]["location"] == {"uri": buffer.uri, "range": name}
    assert "total_price_of" in [hit["name"] for hit in hits]
    start = buffer.text.index("    def total_price(")
    buffer.replace(start, len(buffer.text), "    def weigh_parcel(self):\n        return self.grams\n")
    hits = (await searched(editor, "total price of all items in the cart"))["hits"]
    assert {hit["name"] for hit in hits if hit["location"]["uri"] == buffer.uri} == {
        "Cart",
        "Cart.__init__",
        "Cart.weigh_parcel",
        "total_price_of",
    }
    assert (await searched(editor, "how heavy is a parcel to weigh"))["hits"][0]["name"] == "Cart.weigh_parcel"
    buffer.close()
    assert await searched(editor, "total_price") == saved


async def test_what_was_never_saved_is_found_unless_git_ignores_it(start_editor, shop, env):
    (shop / ".gitignore").write_text("secret*\n")
    editor = await start_editor(shop, env=env)
    for name in ("parcels@home.py", "secret.py", "notes.bin"):
        editor.open("def weigh_parcel(parcel): ...\n", f"{shop.as_uri()}/{name}")
    editor.open("def weigh_parcel(parcel): ...\n", "untitled:Untitled-1")
    hits = (await searched(editor, "weigh_parcel"))["hits"]
    assert [hit["name"] for hit in hits].count("weigh_parcel") == 1
    assert hits[0]["location"]["range"]["end"] == {"line": 0, "character": 16}


async def test_who_does_not_keep_the_index_finds_what_is_not_saved_as_well(start_editor, shop, env):
    first, second = await start_editor(shop, env=env), await start_editor(shop, env=env)
    await searched(first, "cart")
    buffer = second.open(f"import decimal\n\n\ndef weigh_parcel(parcel): ...\n\n\n{CART}", "cart.py")
    assert (await searched(second, "weigh_parcel"))["hits"][0]["location"]["uri"] == buffer.uri
    name = {"start": {"line": 11, "character": 8}, "end": {"line": 11, "character": 19}}
    assert (await searched(second, "total_price"))["hits"][0]["location"]["range"] == name
    assert "weigh_parcel" not in [hit["name"] for hit in (await searched(first, "weigh_parcel"))["hits"]]


async def test_of_several_repositories_the_one_in_use_is_searched(start_editor, shop, env, tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path / "inner"], check=True)
    (tmp_path / "inner" / "zebra.py").write_text("def paint_zebra(): ...\n", encoding="utf-8")
    editor = await start_editor(tmp_path, env=env)
    editor.open(CART, "shop/cart.py")
    assert (await searched(editor, "paint_zebra"))["hits"][0]["name"] != "paint_zebra"
    editor.open("", "inner/other.py")
    assert (await searched(editor, "paint_zebra"))["hits"][0]["name"] == "paint_zebra"


async def test_an_answer_without_hits_has_the_reason(start_editor, shop, env):
    editor = await start_editor(shop, env=env)
    assert (await searched(editor, "?!"))["reason"].startswith("The query '?!' has no words")
    (shop / "cart.py").unlink()
    (shop / "other.py").unlink()
    empty = await searched(editor, "how much do the items cost")
    assert (empty["hits"], empty["reason"]) == ([], "Nothing was found among 0 definitions.")


@pytest.mark.parametrize("arguments", [(), (3,), ("a", "b")])
async def test_wrong_arguments_are_told(start_editor, shop, env, arguments):
    editor = await start_editor(shop, env=env)
    with pytest.raises(JsonRpcInvalidParams):
        await searched(editor, *arguments)


async def test_the_status_tells_how_far_indexing_has_come(start_editor, shop, env):
    many_files(shop)
    editor = await start_editor(shop, env=env)
    await editor.until_status("Normal", "Ready")
    answer = await searched(editor, "multiply by 7 in module 3")
    assert answer["hits"]
    told = [status for status in editor.statuses if status["message"].startswith("Indexing: ")]
    assert told
    assert all(status["message"].endswith(" % of shop") and status["busy"] for status in told)
    await editor.until_status("Normal", "Ready")


async def test_a_client_that_shows_progress_is_told_and_may_end_it(start_editor, shop, env):
    many_files(shop, 1200)
    announced = capabilities()
    announced.window = lsp.WindowClientCapabilities(work_done_progress=True)
    editor = await start_editor(shop, env=env, announced=announced)
    search = asyncio.ensure_future(searched(editor, "multiply by 7"))

    def begun() -> tuple[Any, lsp.WorkDoneProgressBegin] | None:
        values = ((token, each) for token, several in editor.client.progress_reports.items() for each in several)
        return next(((token, each) for token, each in values if getattr(each, "title", "") == "Indexing shop"), None)

    token, report = await eventually(begun, "a report of indexing")
    assert report.cancellable
    editor.client.window_work_done_progress_cancel(lsp.WorkDoneProgressCancelParams(token))
    await eventually(lambda: editor.client.progress_reports[token][-1].kind == "end", "the end of the reports")
    await editor.until_status("Normal", "Ready")
    await search
    (left_out,) = (await searched(editor, "multiply by 7"))["left_out"]
    assert re.fullmatch(r"Indexing was ended with [\d,]+ of 1,202 files; it goes on after a restart\.", left_out)
    assert "Another process" in ghostwright("index", cwd=shop, env=env).err
    await editor.close()
    assert ghostwright("index", "--json", cwd=shop, env=env).json["files"] == 1202


async def test_a_search_can_be_given_up(start_editor, shop, env):
    many_files(shop, 1200)
    editor = await start_editor(shop, env=env)
    arguments = lsp.ExecuteCommandParams("ghostwright.search", ["multiply by 7"])
    sent = editor.client.protocol.send_request_async(lsp.WORKSPACE_EXECUTE_COMMAND, arguments, msg_id="given up")
    request = asyncio.ensure_future(sent)
    await editor.until_status("Normal", "Indexing")
    editor.client.cancel_request(lsp.CancelParams("given up"))
    with pytest.raises(JsonRpcRequestCancelled):
        await request


async def test_an_index_is_built_anew_on_request(start_editor, shop, env):
    editor = await start_editor(shop, env=env)
    before = await searched(editor, "how much do the items cost")
    assert plain(await editor.execute("ghostwright.rebuildIndex")) == {"reason": ""}
    assert await searched(editor, "how much do the items cost") == before


async def test_what_another_process_indexes_can_be_searched_and_not_rebuilt(start_editor, shop, env):
    ghostwright("index", cwd=shop, env=env)
    first, second = await start_editor(shop, env=env), await start_editor(shop, env=env)
    assert (await searched(first, "how much do the items cost"))["hits"]
    assert (await searched(second, "how much do the items cost"))["hits"]
    reason = plain(await second.execute("ghostwright.rebuildIndex"))["reason"]
    assert "another process" in reason
    await eventually(lambda: any(reason in message for message in second.messages), "a message")


async def test_nothing_is_indexed_before_somebody_wants_it(start_editor, shop, env, tmp_path):
    editor = await start_editor(shop, env=env)
    await editor.open(CART + "\n\nx = ‸", "cart.py").ghost(invoked=True)
    assert not (tmp_path / "cache" / "ghostwright" / "index").exists()


async def test_code_search_indexes_what_is_opened(start_editor, shop, env, tmp_path):
    editor = await start_editor(shop, env=env, options={**SURE, "code_search": True})
    editor.open(CART, "cart.py")
    await eventually((tmp_path / "cache" / "ghostwright" / "index").exists, "an index")
