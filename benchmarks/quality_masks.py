"""What monitors forbid at a cursor, and whether what stands there is among it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from analyzers import PATIENCE, read_so_far
from options import track
from quality_report import Mask, Report

from assistant.analysis import Analysis
from assistant.guards import Monitor, View
from assistant.plugins import Plugins
from assistant.settings import Settings
from assistant.types import Check, Completion, CompletionRequest
from language_servers.analyzer import NoAnswer
from language_servers.servers import Servers


def mask(report: Report, requests: Sequence[CompletionRequest], server: str) -> None:
    """Asks every monitor at every cursor what it forbids there: first with a completion's deadline, then without."""
    servers, plugins, settings = Servers({"python": server}), Plugins(), Settings()
    quick, patient = Analysis(servers), Analysis(servers, PATIENCE)
    hasty, monitors = plugins.monitors(settings, quick), plugins.monitors(settings, patient)
    checks = plugins.checks(settings, patient)
    pairs = list(zip(report.cursors, requests, strict=True))
    for cursor, request in track(pairs, f"masks with {server}"):
        read_so_far(servers, cursor)
        in_time = masks_at(hasty, request, cursor.truth).masking
        found = masks_at(monitors, request, cursor.truth)
        dropping = objectors_to(checks, request, cursor.truth)
        report.masks.setdefault(server, []).append(replace(found, in_time=in_time, dropping=dropping))
    quick.close()


def masks_at(monitors: Iterable[Monitor], request: CompletionRequest, truth: str) -> Mask:
    """What monitors forbid at a request's cursor, and whether the truth is among it."""
    masking, wrong, silences = [], [], {}
    view = View(request)
    for monitor in monitors:
        try:
            guard = monitor.guard(view)
        except NoAnswer as reason:
            silences[monitor.name] = str(reason)
            continue
        if guard.is_free:
            silences[monitor.name] = getattr(guard, "reason", "")
            continue
        masking.append(monitor.name)
        if guard.after(truth) is None:
            wrong.append(monitor.name)
    return Mask(tuple(masking), tuple(wrong), silences)


def objectors_to(checks: Iterable[Check], request: CompletionRequest, truth: str) -> tuple[str, ...]:
    """The checks that object to the truth. They are asked twice: the first answer may be late."""
    completion = Completion(truth)
    for check in checks:
        check.fault(completion, request)
    time.sleep(0.05)
    return tuple(check.name for check in checks if check.fault(completion, request))
