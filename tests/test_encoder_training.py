"""The training of the encoder: what it learns from, and that its weights are read as they were trained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrieval.encoding_words import Vocabulary, WordEncoder
from retrieval.splitting import Definition
from retrieval.training.corpus import documented, read_package, without, without_docstrings
from retrieval.training.sources import LIST, listed

SHOP = '''"""A shop."""


class Basket:
    """What a customer has chosen."""

    def total(self):
        """The sum of all prices.

        :returns: in euros
        """
        return sum(self.prices)

    def empty(self):
        """Removes all items from it."""

    async def pay(self, card):
        wanted = self.rounded_down_to_cents(self.total())
        charged = await card.charge(wanted)
        return send_receipt_to_customer(charged)


def send_receipt_to_customer(charged):
    r"""Sends an email to the one who paid."""; return mail(charged)
'''


def test_docstrings_become_questions_and_leave_the_code():
    docs = {each.name: (doc, "".join(each.blocks)) for each, doc in documented(SHOP, "python")}
    assert docs["Basket"][0] == "What a customer has chosen."
    assert docs["Basket.total"][0] == "The sum of all prices."
    assert docs["Basket.empty"][1].split() == ["def", "empty(self):", "..."]
    assert docs["send_receipt_to_customer"][1].split() == [
        "def",
        "send_receipt_to_customer(charged):",
        ";",
        "return",
        "mail(charged)",
    ]
    assert all(doc not in code for doc, code in docs.values() if doc)


def test_a_file_without_docstrings_has_the_same_lines():
    text, docs = without_docstrings(SHOP)
    assert text.count("\n") == SHOP.count("\n")
    assert sorted(docs) == [4, 7, 14, 23]


def test_comments_above_become_questions_in_other_languages():
    go = "package shop\n\n// Total adds up\n// all prices.\nfunc Total(b Basket) int {\n\treturn b.sum\n}\n"
    (total,) = documented(go, "go")
    assert total[1] == "Total adds up all prices."
    assert total[0].blocks[0].startswith("func Total")
    javascript = "/**\n * Adds it.\n * @param {Item} item\n */\nfunction add(item) { items.push(item) }\n"
    ((add, doc),) = documented(javascript, "javascript")
    assert doc == "Adds it."
    assert add.blocks[0].startswith("function add")


def test_calls_become_questions_and_duplicates_are_left_out(tmp_path: Path):
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "copy.py").write_text(SHOP.replace("    ", "  "))
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_shop.py").write_text("def test_total(): assert Basket().total()\n")
    package = read_package(tmp_path)
    names = [each.name for each in package.definitions]
    assert sorted(names) == ["Basket", "Basket.empty", "Basket.pay", "Basket.total", "send_receipt_to_customer"]
    (call,) = [each for each in package.calls if names[each.answer] == "send_receipt_to_customer"]
    assert call.text.endswith("return ")
    (other,) = without([package], {_fingerprint(package.definitions[names.index("Basket.total")])})
    assert len(other.definitions) == 4
    assert {other.definitions[each.answer].name for each in other.docstrings} == {
        "Basket", "Basket.empty", "send_receipt_to_customer",
    }  # fmt: skip


def _fingerprint(definition: Definition) -> bytes:
    from retrieval.training.corpus import fingerprint

    return fingerprint(definition)


def test_all_sources_have_permissive_licences():
    packages = list(listed(LIST.read_text(encoding="utf-8")))
    assert len({each.folder for each in packages}) == len(packages) > 100
    with pytest.raises(ValueError, match="GPL-3"):
        list(listed("pip\tgpl\t1\tMIT AND GPL-3\ttrain\n"))


SAID = {
    "add": "zorp",
    "remove": "quib",
    "count": "flim",
    "send": "draz",
    "print": "plok",
    "load": "wimp",
    "merge": "gron",
}
"""Verbs in names, and what docstrings call them instead."""


def made(package: str) -> str:
    """The code of a package, whose docstrings have words of their own."""
    form = (
        'def {verb}_{thing}(x):\n    """To {said} one {thing}, please."""\n    return {package}.{verb}({thing}, x)\n\n'
    )
    things = ("item", "mail", "file", "user", "page")
    functions = ((verb, said, thing) for verb, said in SAID.items() for thing in things)
    return "".join(form.format(verb=verb, said=said, thing=thing, package=package) for verb, said, thing in functions)


def test_the_command_learns_from_packages_what_words_mean_in_another(tmp_path: Path):
    for module in ("torch", "gguf", "tokenizers"):
        pytest.importorskip(module)
    for package in ("django", "numpy", "sympy", "lark"):
        (tmp_path / "sources" / f"pip-{package}").mkdir(parents=True)
        (tmp_path / "sources" / f"pip-{package}" / "code.py").write_text(made(package))
    command = [sys.executable, "-m", "retrieval.training", "--offline", "--epochs", "60"]
    files = ["--sources", tmp_path / "sources", "--out", tmp_path / "encoder.npz"]
    subprocess.run([*command, *files], check=True, timeout=280)
    curve = json.loads((tmp_path / "encoder.json").read_text())["curve"]
    assert curve[0]["mrr"] < 0.8  # what a thing is called is known, what a verb is called is not
    assert curve[-1]["mrr"] > curve[0]["mrr"] + 0.1
    encoder = WordEncoder(tmp_path / "encoder.npz")
    functions = [f"{verb}_item\ndef {verb}_item(x): ..." for verb in SAID]
    nearest = (encoder.queries([f"To {said} it" for said in SAID.values()]) @ encoder.blocks(functions).T).argmax(1)
    assert nearest.tolist() == list(range(len(SAID)))


def test_training_is_repeatable(tmp_path: Path):
    pytest.importorskip("torch")
    from retrieval.training.bags import Corpus
    from retrieval.training.fitting import Recipe, fit
    from retrieval.training.tower import Tower

    (tmp_path / "code.py").write_text(made("shop"))
    words = Vocabulary(["to", "one", "x", "return", "shop", "item", "mail", "file", "user", *SAID, *SAID.values()])
    corpus = Corpus.of([read_package(tmp_path)], words)
    table = np.random.default_rng(0).normal(size=(len(words), 16)).astype(np.float32)
    epochs = []
    for seed in (1, 1, 2):
        tower = Tower(table, np.full(len(words), 3.0))
        epochs.append([each.loss for each in fit(tower, corpus, Recipe(epochs=3, batch=16, seed=seed), corpus)])
    assert epochs[0] == pytest.approx(epochs[1], abs=1e-4)
    assert epochs[0] != pytest.approx(epochs[2], abs=1e-4)


@pytest.mark.parametrize("pooling", ["attention2", "attention1", "mean", "max"])
def test_weights_are_read_as_they_were_trained(tmp_path: Path, pooling: str):
    pytest.importorskip("torch")
    from retrieval.training.bags import Corpus
    from retrieval.training.corpus import Package, Question
    from retrieval.training.tower import Tower

    chance = np.random.default_rng(0)
    words = Vocabulary(["a", "add", "b", "item", "price", "total"])
    tower = Tower(chance.normal(size=(6, 16)).astype(np.float32), chance.uniform(1, 9, 6), pooling, length=0.3).eval()
    tower.save(tmp_path / "encoder.npz", words)
    blocks = ("def total(a): add(a)", "    add(item.price, item.b)")
    package = Package("shop", (Definition("Item.total", "method", 0, 9, 1, blocks),), (Question("add price", 0),), ())
    corpus = Corpus.of([package], words)
    encoder = WordEncoder(tmp_path / "encoder.npz")
    assert encoder.name.endswith(pooling)
    expected = tower.definitions(corpus, np.array([0])).detach().numpy()
    assert np.allclose(encoder.definitions([package.definitions[0].passages]), expected, atol=0.02)
    asked = tower.questions(corpus.questions).detach().numpy()
    assert np.allclose(encoder.queries(["add price"]), asked, atol=0.02)
