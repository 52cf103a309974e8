"""The server as a process with the embedded model: many clients at once, and what it knows of a repository."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from http_tools import PATIENCE, process, until

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
CLIENTS, EACH = 8, 4


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("shop")
    shutil.copytree(EXAMPLES, root, dirs_exist_ok=True)
    (root / ".git").mkdir()
    return root


@pytest.fixture(scope="module")
def url(root, tmp_path_factory):
    with process("--parallel", "2", cwd=root, env={"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}) as (
        _,
        url,
    ):
        yield url


def cursor(root: Path, number: int) -> dict[str, object]:
    """A cursor behind a dot, in a file that no other request has."""
    text = (root / "report.py").read_text().replace("report", f"report{number}")
    place = "        lines."
    return {"path": f"report{number}.py", "text": text, "offset": text.index(place) + len(place)}


def test_eight_clients_at_once_lose_nothing_and_none_is_served_over_and_over_before_another(root, url):
    events: list[tuple[str, int]] = []

    def work(client: int) -> list[int]:
        statuses = []
        with httpx.Client(base_url=url, timeout=PATIENCE, headers={"X-Client-Id": f"client {client}"}) as http:
            for number in range(EACH):
                body = cursor(root, client * EACH + number)
                events.append(("asked", client))
                response = http.post("/v1/complete", json=body)
                events.append(("answered", client))
                statuses.append(response.status_code)
                assert "text" in response.json()
        return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = [status for each in pool.map(work, range(CLIENTS)) for status in each]
    assert statuses == [200] * CLIENTS * EACH
    waits = [most_answers_of_another(events, begin) for begin, (kind, _) in enumerate(events) if kind == "asked"]
    assert max(waits) <= 3, "one that was under way, one in turn, and one that is noticed late"


def most_answers_of_another(events: list[tuple[str, int]], begin: int) -> int:
    """How many answers another client has had while one waited for its own."""
    client = events[begin][1]
    end = events.index(("answered", client), begin)
    answered = Counter(other for kind, other in events[begin:end] if kind == "answered")
    return max(answered.values(), default=0)


def test_a_batch_is_answered_as_a_whole(root, url):
    cursors = [cursor(root, 100 + number % 3) for number in range(9)]
    response = httpx.post(f"{url}/v1/batch", json={"cursors": cursors}, timeout=PATIENCE)
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert sorted(line["index"] for line in lines) == list(range(9))
    assert all(line["text"] or line["reason"] for line in lines)


def test_code_is_found_by_its_description(root, url):
    answer = httpx.post(f"{url}/v1/search", json={"query": "find an item by its name"}, timeout=PATIENCE).json()
    assert "Inventory.find" in [hit["name"] for hit in answer["hits"]]
    assert httpx.post(f"{url}/v1/search", json={"query": "?!"}, timeout=PATIENCE).status_code == 400


def test_a_request_in_words_is_answered_with_apis_and_a_call(root, url):
    place = {"path": "shipping.py", "line": 27, "column": 5}
    body = {"request": "how do I find an item by its name", "cursor": place}
    answer = httpx.post(f"{url}/v1/ask", json=body, timeout=PATIENCE).json()
    assert answer["apis"][0]["name"] == "Inventory.find"
    assert "find(" in answer["code"]


def test_what_a_hole_expects_is_told(root, url):
    text = "def double(number: int) -> int:\n    return number * 2\n\n\ndouble()\n"
    body = {"path": "new.py", "text": text, "offset": len(text) - 2}
    answer = httpx.post(f"{url}/v1/hole", json=body, timeout=PATIENCE).json()
    assert answer["expected"] == "int"


def test_what_changes_on_the_disk_is_noticed(root, url):
    text = "from boxes import Box\n\nbox = Box()\nprint(box.w)\n"
    body = {"path": "uses_boxes.py", "text": text, "offset": len(text) - 2, "explain": True}

    def completed() -> str:
        return text[: len(text) - 2] + httpx.post(f"{url}/v1/complete", json=body, timeout=PATIENCE).json()["text"]

    for name in ("width", "weight"):
        (root / "boxes.py").write_text(f"class Box:\n    {name} = 1\n")
        until(lambda name=name: f"box.{name}" in completed(), f"the member {name}")
