"""What is wrong with a text that was not wrong before: ChatLSP's error report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial

from language_servers import python
from language_servers.analyzer import Analyzer, Diagnostic, Document, Fault
from language_servers.holes.inquiry import DEADLINE, Inquiry
from language_servers.holes.trees import descendants, tree_of

_BRACKETS = {"(": ")", "[": "]", "{": "}"}


def error_report(analyzer: Analyzer, document: Document, baseline: Document, deadline: float = DEADLINE) -> str:
    """What is wrong with a text that was not wrong with another one, as text; empty if nothing is, or is known.

    What is unmatched comes first: what follows it may only follow from it.
    """
    inquiry = Inquiry.of(analyzer, document, None, deadline)
    before = inquiry.ask(partial(analyzer.diagnostics, baseline))
    after = inquiry.ask(partial(analyzer.diagnostics, document))
    errors = new_errors(after or (), before) if before is not None else []
    unmatched = _unmatched(document)
    if len(unmatched) > len(_unmatched(baseline)):
        errors = [each for each in errors if each.fault is not Fault.SYNTAX]
    else:
        unmatched = []
    lines = [f"line {_line_of(document, at)}: “{mark}” has no counterpart" for mark, at in unmatched]
    return "\n".join(dict.fromkeys([*lines, *(_complaint(document, each) for each in errors)]))


def new_errors(after: Iterable[Diagnostic], before: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The errors that were not there before, wherever they stand; faults of syntax first."""
    known = Counter((each.code, each.message) for each in before)
    new = list[Diagnostic]()
    for each in after:
        if each.error and known[each.code, each.message] <= 0:
            new.append(each)
        known[each.code, each.message] -= 1
    return sorted(new, key=lambda each: each.fault is not Fault.SYNTAX)


def expectation(message: str) -> tuple[str, str]:
    """The types that a complaint names, the expected one and what was there instead; empty where it names none."""
    for pattern in python.MISMATCHES:
        if match := pattern.search(message):
            return match["expected"], match["found"]
    return "", ""


def _unmatched(document: Document) -> list[tuple[str, int]]:
    """The brackets without a counterpart, with their offsets."""
    tree = tree_of(document)
    if tree is None:
        return []
    openers, closers = list[tuple[str, int]](), list[tuple[str, int]]()
    for node in descendants(tree.root, *"()[]{}"):
        if node.is_missing:
            continue
        if node.type in _BRACKETS:
            openers.append((node.type, tree.start(node)))
        elif openers and _BRACKETS[openers[-1][0]] == node.type:
            openers.pop()
        else:
            closers.append((node.type, tree.start(node)))
    return sorted([*openers, *closers], key=lambda each: each[1])


def _complaint(document: Document, diagnostic: Diagnostic) -> str:
    """`line 3: expected Point, but got str: name`"""
    line = _line_of(document, diagnostic.start)
    term = " ".join(document.text[diagnostic.start : diagnostic.end].split())[:80]
    wanted, got = expectation(diagnostic.message) if diagnostic.fault is not Fault.SYNTAX else ("", "")
    said = f"expected {wanted}, but got {got}" if wanted and got else diagnostic.message.split("\n")[0].rstrip(".")
    return f"line {line}: {said}: {term}" if term else f"line {line}: {said}"


def _line_of(document: Document, offset: int) -> int:
    return document.text.count("\n", 0, offset) + 1
