"""The commands `ghostwright.search` and `ghostwright.rebuildIndex`, and what an editor is told while code is indexed.

    ghostwright.search(query)   → {hits: [{name, kind, signature, location}], left_out, reason}
    ghostwright.rebuildIndex()  → {reason}

Both are about the repository of the document that was used last.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

from lsprotocol import types as lsp
from pygls.progress import Progress as Reports

from assistant import searching
from assistant.errors import RequestError
from assistant.lsp_locations import Documents, location
from assistant.searching import Searched
from assistant.session import Session
from retrieval.encoding_errors import EncoderError
from retrieval.index import CodeIndexError, Hit

log = logging.getLogger(__name__)

SEARCH, REBUILD = "ghostwright.search", "ghostwright.rebuildIndex"

COUNT = 20
"""Hits that are answered."""

INDEXING = 10.0
"""Seconds that a search waits for the repository to be indexed; what is indexed by then is searched."""

TICK, MOMENT = 0.5, 1.0
"""Seconds between two reports of how far indexing has come, and before the first to a client that shows progress."""

CREATING = 5.0
"""Seconds that such a client has to answer."""

LONGEST, MOST_LINES = 160, 12
"""Code points of a signature, and lines that it may be written in."""


def begin(session: Session, root: Path | None) -> None:
    """Has a repository indexed that is to be searched."""
    if session.knowledge and root:
        session.knowledge.indexes.begin(root)


async def search(
    session: Session, documents: Documents, shown: Mapping[Path, str], root: Path | None, query: str
) -> dict[str, Any]:
    """What a search has found, in the open files as they are shown; an answer without hits has the reason."""
    if session.knowledge is None:
        return {"hits": [], "left_out": [], "reason": session.status.message}
    cancelled = Event()
    try:
        indexes = session.knowledge.indexes
        searched = await asyncio.to_thread(
            searching.search, indexes, root, query, COUNT, INDEXING, cancelled, shown=shown
        )
    except RequestError as error:
        searched = Searched(reason=str(error))
    finally:
        cancelled.set()
    hits = [_told(hit, root, documents) for hit in searched.hits if root]
    return {"hits": hits, "left_out": list(searched.left_out), "reason": searched.reason}


def _told(hit: Hit, root: Path, documents: Documents) -> dict[str, Any]:
    name = hit.name.rpartition(".")[2]
    return {
        "name": hit.name or hit.path,
        "kind": hit.kind,
        "signature": _signature(hit, name),
        "location": location(root / hit.path, hit.line, name, documents),
    }


def _signature(hit: Hit, name: str) -> str:
    """The lines from its name on to the end of its parameters, in one: `def total(self) -> float`.

    The path of what has no name.
    """
    if not name:
        return hit.path
    lines = [line.strip() for line in hit.text.splitlines()]
    start = next((number for number, line in enumerate(lines) if name in line), 0)
    text = ""
    for line in lines[start : start + MOST_LINES]:
        text = f"{text} {line}" if text else line
        if text.count("(") <= text.count(")"):
            break
    return text.replace("( ", "(").replace(", )", ")").rstrip(" {:")[:LONGEST]


async def rebuilt(session: Session, root: Path | None) -> str:
    """Forgets what is indexed of a repository and begins anew; why that cannot be, or an empty text."""
    if session.knowledge is None:
        return session.status.message
    if root is None:
        return "No folder is open whose code could be indexed."
    try:
        await asyncio.to_thread(session.knowledge.indexes.rebuild, root)
    except (CodeIndexError, EncoderError) as error:
        return str(error)
    return ""


async def follow(session: Session, reports: Reports | None) -> None:
    """Tells how far indexing has come until it is over: in the status, and to a client that shows progress."""
    reporting = asyncio.create_task(_report(session, reports)) if reports else None
    while session.indexing:
        session.show_indexing()
        await asyncio.sleep(TICK)
    session.show_indexing()
    if reporting:
        await reporting


async def _report(session: Session, reports: Reports) -> None:
    """Reports what takes longer than a moment, with a button that ends it."""
    await asyncio.sleep(MOMENT)
    progress, token = session.indexing, str(uuid.uuid4())
    if progress is None or not await _is_created(reports, token):
        return
    reports.begin(token, lsp.WorkDoneProgressBegin(f"Indexing {progress.root.name}", cancellable=True, percentage=0))
    while progress := session.indexing:
        reports.report(token, lsp.WorkDoneProgressReport(percentage=int(progress.share * 100)))
        if reports.tokens[token].cancelled() and session.knowledge:
            await asyncio.to_thread(session.knowledge.indexes.stop, progress.root)
        await asyncio.sleep(TICK)
    reports.end(token, lsp.WorkDoneProgressEnd())


async def _is_created(reports: Reports, token: str) -> bool:
    """Whether a client makes room for reports."""
    try:
        await asyncio.wait_for(reports.create_async(token), CREATING)
    except Exception as error:
        log.warning("The client shows no progress: %s", error or type(error).__name__)
        return False
    return True
