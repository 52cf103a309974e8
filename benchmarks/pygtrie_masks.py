"""Masks as the published implementation of monitor-guided decoding makes them (Agrawal et al. 2023): the baseline.

A trie of the tokens' texts is searched for each legal name: tokens that begin it, and tokens that hold all of it and
a character behind it that ends a name. Where a name is complete already, every token is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pygtrie import CharTrie

from assistant.guards import ends_name


class TrieMasks:
    """The tokens of a model by their texts. Tokens that are no whole characters share the replacement character."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._trie = CharTrie()
        for token, piece in enumerate(pieces):
            if piece:
                self._trie.setdefault(piece.decode("utf-8", "replace"), []).append(token)

    def allowed(self, names: Collection[str]) -> set[int]:
        """The tokens that may follow where the rest of one of these names is still to be written."""
        found: set[int] = set()
        for name in names:
            if name:
                for _, tokens in self._trie.prefixes(name):
                    found.update(tokens)
            if not name or self._trie.has_node(name):
                for text, tokens in self._trie.iteritems(prefix=name):
                    if len(text) > len(name) and ends_name(text[len(name)]):
                        found.update(tokens)
        return found
