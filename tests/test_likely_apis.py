"""Weights of members by the ranking of a repository's APIs, read off the files on the disk."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from assistant import app
from assistant.guards import View
from assistant.repositories import Repositories
from assistant.settings import Settings
from assistant.types import CompletionRequest
from plugins.likely_apis import FURTHEST, SHARE, LikelyApis, ghostwright_priors

CART = """\
class Cart:
    def add(self, name: str) -> None: ...

    def remove(self, name: str) -> None: ...

    def total_price(self) -> float: ...
"""
NAMES = frozenset({"add", "remove", "total_price", "never_heard_of"})


@pytest.fixture
def repositories():
    with closing(Repositories()) as repositories:
        yield repositories


def weights(repositories: Repositories, root: Path, marked: str, names: frozenset[str] = NAMES) -> dict[str, float]:
    text = marked.replace("‸", "")
    request = CompletionRequest(root / "app.py", "python", text, marked.index("‸"), root=root)
    repositories.open(request, 20)
    return dict(LikelyApis(repositories).weights(View(request), names))


def test_the_likeliest_member_weighs_nothing_and_others_less(tmp_path, repositories):
    (tmp_path / "cart.py").write_text(CART, encoding="utf-8")
    found = weights(repositories, tmp_path, "from cart import Cart\n\ncart = Cart()\ntotal_price = cart.‸")
    assert found["total_price"] == 0.0
    assert all(-SHARE * FURTHEST <= found[name] < 0 for name in NAMES - {"total_price"})
    assert found["never_heard_of"] == min(found.values())


def test_members_of_nobody_in_the_repository_are_not_weighed(tmp_path, repositories):
    (tmp_path / "cart.py").write_text(CART, encoding="utf-8")
    assert weights(repositories, tmp_path, "text = 'a'\ntext.‸", frozenset({"upper", "lower"})) == {}


def test_a_file_without_a_repository_has_no_weights(repositories):
    request = CompletionRequest(Path("/nowhere/app.py"), "python", "cart.", 5)
    assert LikelyApis(repositories).weights(View(request), NAMES) == {}


def test_it_is_offered():
    with closing(app.knowledge(Settings())) as known:
        assert [each.name for each in ghostwright_priors(Settings(), known)] == ["likely_apis"]
