"""Parses a file whatever it holds, while other threads run."""

from __future__ import annotations

import re
import time

from tree_sitter import Node, Parser

from retrieval.grammars import parser

LONG = 50_000
"""Bytes that a parser may hold all threads for: about ten milliseconds."""
PATIENCE = 5.0
"""Seconds of the processor that a file may take; only what nobody wrote takes as long."""

_COMMENTS = re.compile(rb"^(?:[ \t]*+(?:#[^\n]*+)?\r?\n){50,}+", re.MULTILINE)


def parsed(text: str, language: str) -> tuple[Node, bytes] | None:
    """The root of a file's tree, and the code that its nodes' bytes count in, whose lines are those of the text.

    None for a language without a grammar, and for a file that takes too long.
    """
    grammar, code = parser(language), text.encode("utf-8", "replace")
    if grammar is None:
        return None
    if language == "python":  # its grammar's time for a run of comments is quadratic: seconds for 5,000 lines
        code = _COMMENTS.sub(lambda comments: b"\n" * comments[0].count(b"\n"), code)
    root = grammar.parse(code).root_node if len(code) < LONG else _interruptibly(grammar, code)
    return (root, code) if root is not None else None


def _interruptibly(grammar: Parser, code: bytes) -> Node | None:
    """Lets other threads run when the parser calls back, and so uses a parser that none of them has.

    The binding never frees what a callback has given, so it gets views that are taken back.
    """
    views: list[memoryview] = []
    end = time.thread_time() + PATIENCE

    def read(start: int, _: object) -> memoryview:
        views.append(memoryview(code)[start:])
        return views[-1]

    try:
        return Parser(grammar.language).parse(read, progress_callback=lambda *_: time.thread_time() > end).root_node
    except ValueError:  # the parser was stopped
        return None
    finally:
        for view in views:
            view.release()
