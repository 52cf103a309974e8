"""The encoder's words, and where their vectors start: at the embedded model's own, in fewer dimensions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.encoding_words import Vocabulary, words_of
from retrieval.training.corpus import Package

LARGEST = 40_000
"""Words at most."""
_LONGEST = 24
"""Characters of a word; longer ones are data."""
_PACKAGES = 3
"""A word is one if so many packages have it."""
_IDENTIFIER = re.compile(r"\w+")
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def chosen(packages: Sequence[Package], pieces: Iterable[str]) -> tuple[Vocabulary, NDArray[np.float32]]:
    """The words that most texts have, with `pieces` for all others; and their rarity.

    float32[words]: the logarithm of the inverse of the share of texts that have each.
    """
    texts, places = _counted(packages)
    always = {*_CHARACTERS, *pieces}
    frequent = (word for word, _ in texts.most_common() if places[word] >= _PACKAGES and len(word) <= _LONGEST)
    others = [word for word in frequent if word not in always]
    words = sorted(always.union(others[: max(0, LARGEST - len(always))]))
    total = sum(len(package.definitions) + len(package.docstrings) for package in packages)
    return Vocabulary(words), np.array([np.log(total / (1 + texts[word])) for word in words], np.float32)


def _counted(packages: Sequence[Package]) -> tuple[Counter[str], Counter[str]]:
    """How many texts have each word, and how many packages."""
    texts: Counter[str] = Counter()
    places: Counter[str] = Counter()
    words: dict[str, list[str]] = {}
    for package in packages:
        own: Counter[str] = Counter()
        for text in _texts_of(package):
            identifiers = set(_IDENTIFIER.findall(text))
            for identifier in identifiers.difference(words):
                words[identifier] = words_of(identifier)
            own.update({word for identifier in identifiers for word in words[identifier]})
        texts += own
        places.update(own.keys())
    return texts, places


def _texts_of(package: Package) -> Iterator[str]:
    yield from ("\n".join(each.blocks) for each in package.definitions)
    yield from (each.text for each in package.docstrings)


class Model:
    """What the embedded model knows of words: its tokens and their vectors."""

    def __init__(self, path: Path) -> None:
        from gguf import GGUFReader
        from gguf.quants import dequantize

        reader = GGUFReader(path)
        self._tokens: list[str] = reader.fields["tokenizer.ggml.tokens"].contents()
        self._merges: list[str] = reader.fields["tokenizer.ggml.merges"].contents()
        tensor = next(each for each in reader.tensors if each.name == "token_embd.weight")
        self._table = _normalised(dequantize(tensor.data, tensor.tensor_type).astype(np.float32))

    def pieces(self) -> list[str]:
        """Its tokens that are letters: what words that are not known are cut into."""
        written = (token.lstrip("Ġ._").lower() for token in self._tokens)
        return sorted({token for token in written if re.fullmatch(rf"[a-z]{{2,{_LONGEST}}}", token)})

    def vectors(self, words: Sequence[str], dimension: int) -> NDArray[np.float32]:
        """float32[words, dimension], of length 1: the mean of each word's tokens, along the directions that vary most.

        A word is written as it may stand in code; the ways that take fewest tokens count.
        """
        forms = [form for word in words for form in (f" {word}", f"_{word}", f".{word}", word.capitalize())]
        ids = self._tokenized(forms)
        found = np.zeros((len(words), self._table.shape[1]), np.float32)
        for row in range(len(words)):
            own = ids[4 * row : 4 * row + 4]
            shortest = min(map(len, own))
            found[row] = np.mean([self._table[each].mean(0) for each in own if len(each) == shortest], axis=0)
        centred = found - found.mean(0)
        _, axes = np.linalg.eigh(centred.T @ centred)
        return _normalised(centred @ axes[:, : -dimension - 1 : -1])

    def _tokenized(self, texts: Sequence[str]) -> list[list[int]]:
        from tokenizers import Tokenizer, models, pre_tokenizers

        numbers = {token: number for number, token in enumerate(self._tokens)}
        tokenizer = Tokenizer(
            models.BPE(numbers, [(left, right) for left, _, right in (each.partition(" ") for each in self._merges)])
        )
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        return [each.ids for each in tokenizer.encode_batch(texts)]


def _normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), np.float32)
