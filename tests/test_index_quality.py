"""The benchmark of search: what it asks, and how it counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from index_tools import BagOfWords
from search import Comparison, pooled
from search_systems import BASE, CUT, encoded, indexed, max_sim

ORDERS = '''"""Orders."""


class Order:
    """Something that was ordered by somebody."""

    def total(self):
        """The sum of all the prices."""
        return sum(line.price for line in self.lines)


def cancel(order):
    """Takes back what was ordered."""
    order.lines.clear()


def short(order):
    """Too short."""
    return order
'''


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Two packages, one of which has a copy of what the other has."""
    found = {name: tmp_path / name for name in ("orders", "shop")}
    for name, folder in found.items():
        folder.mkdir()
        (folder / f"{name}.py").write_text(ORDERS)
    (found["shop"] / "more.py").write_text(
        'def refund(order):\n    """Gives the money back."""\n    return -order.paid\n'
    )
    return found


def test_docstrings_are_asked_for_and_stand_nowhere_and_copies_count_once(folders: dict[str, Path]):
    pool, asked = pooled(folders)
    docstrings = asked["docstrings"]
    names = [pool.definitions[answer].name for answer in docstrings.answers]
    assert dict(zip(names, docstrings.queries, strict=True)) == {
        "Order": "Something that was ordered by somebody.",
        "Order.total": "The sum of all the prices.",
        "cancel": "Takes back what was ordered.",
        "refund": "Gives the money back.",
    }
    code = "".join(block for each in pool.definitions for block in each.blocks)
    assert not any(query in code for query in docstrings.queries)
    assert sorted(each.name for each in pool.definitions) == ["Order", "Order.total", "cancel", "refund", "short"]
    assert sorted(asked["names"].queries) == ["Order", "cancel", "refund", "short", "total"]
    assert pool.languages == {"orders": "python", "shop": "python"}


def test_an_answer_is_behind_all_that_are_as_good():
    encoder = BagOfWords()
    blocks = ["price of an order", "order", "price of an order", "mail"]
    vectors = encoder.blocks(blocks)
    ranks = encoded(encoder, vectors)(["price of an order", "mail"], [0, 3])
    assert ranks.tolist() == [2, 1]
    assert max_sim(encoder, [blocks[:2], blocks[2:]])(["mail", "order"], [1, 0]).tolist() == [1, 1]


def test_the_index_is_asked_as_it_is_used(folders: dict[str, Path], tmp_path: Path):
    pool, asked = pooled(folders)
    ranks = indexed(pool.definitions, BagOfWords(), tmp_path)
    names = asked["names"]
    assert ranks(names.queries, names.answers).tolist() == [1] * len(names.queries)
    assert ranks(["nowhere"], [0]).tolist() != [1]


def test_figures_are_means_of_inverse_ranks_and_paired_differences(folders: dict[str, Path]):
    pool, asked = pooled(folders)
    comparison = Comparison(pool, asked["docstrings"])
    for name, ranks in ((BASE, [2, 2, 2, 2]), (CUT, [1, 1, 1, 1]), ("other", [1, 4, 0, 20])):
        comparison.add(name, np.array(ranks))
    other = comparison.figures()["other"]
    assert other["mrr"] == pytest.approx((1 + 0.25 + 0 + 0.05) / 4, abs=1e-4)
    assert (other["r@1"], other["r@10"]) == (0.25, 0.5)
    assert other["above BM25"]["value"] == pytest.approx(other["mrr"] - 0.5, abs=1e-4)
    assert other["times BM25"]["value"] == pytest.approx(other["mrr"] / 0.5, abs=1e-3)
    assert {package: each["queries"] for package, each in other["by package"].items()} == {"orders": 3, "shop": 1}
