"""A small language server that serves, or fails in the way that its arguments say.

A line `name = …` defines a member of everything. Hovering tells what the server knows: the whole text with its
position, how often it was asked, the documents that are open, and the replies to what it has asked itself.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import sys
import time
from pathlib import Path
from typing import Any

PARSER = argparse.ArgumentParser()
PARSER.add_argument("--encoding", default="utf-16")
PARSER.add_argument("--sync", type=int, default=2)
PARSER.add_argument("--slow", type=float, default=0, help="seconds before each answer")
PARSER.add_argument("--once", type=Path, help="fail only if this file does not exist, and create it")
PARSER.add_argument(
    "--fail", default="", help="exit, mute, garbage, huge, flood, grow, ignore, nonsense, closed, outdated"
)
PARSER.add_argument("--push", action="store_true", help="publish diagnostics")
PARSER.add_argument("--work", type=float, default=0, help="seconds of work at start, which is told of")
PARSER.add_argument("--lazy", action="store_true", help="answer only when there is nothing more to read")
PARSER.add_argument("--hang", default="", help="never answer about a text that has this in it")
PARSER.add_argument("--ask", action="store_true", help="send requests of its own")
OPTIONS = PARSER.parse_args()

texts: dict[str, str] = {}
asked = 0
replies: list[Any] = []
hoard: list[bytearray] = []


def fails(how: str) -> bool:
    return how == OPTIONS.fail


def send(**message: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    sys.stdout.buffer.flush()


def receive() -> dict[str, Any] | None:
    size = 0
    while line := sys.stdin.buffer.readline():
        if line == b"\r\n":
            return json.loads(sys.stdin.buffer.read(size))
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    return None


def offset(text: str, position: dict[str, int]) -> int:
    """Found the slow way: line by line, and then unit by unit."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    line = lines[position["line"]]
    for column in range(len(line) + 1):
        if units(line[:column]) == position["character"]:
            return sum(map(len, lines[: position["line"]])) + column
    raise SystemExit(f"there is no {position} in {text!r}")


def units(text: str) -> int:
    encoding = OPTIONS.encoding if OPTIONS.encoding == "utf-8" else f"{OPTIONS.encoding}-le"
    return len(text.encode(encoding)) * 8 // int(OPTIONS.encoding.removeprefix("utf-"))


def change(parameters: dict[str, Any]) -> None:
    uri = parameters["textDocument"]["uri"]
    for each in parameters["contentChanges"]:
        if "range" not in each:
            texts[uri] = each["text"]
            continue
        start, end = (offset(texts[uri], each["range"][side]) for side in ("start", "end"))
        texts[uri] = texts[uri][:start] + each["text"] + texts[uri][end:]
    publish(uri, parameters["textDocument"]["version"])


def publish(uri: str, version: int) -> None:
    if OPTIONS.push:
        place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
        complaint = {"range": place, "severity": 1, "code": "name-defined", "message": texts[uri]}
        parameters = {"uri": uri, "version": version, "diagnostics": [complaint]}
        send(method="textDocument/publishDiagnostics", params=parameters)


def greet() -> dict[str, Any]:
    return {
        "capabilities": {
            "positionEncoding": OPTIONS.encoding,
            "textDocumentSync": {"openClose": True, "change": OPTIONS.sync},
            "completionProvider": {"triggerCharacters": ["."]},
            "hoverProvider": True,
        }
    }


def work(kind: str) -> None:
    send(method="$/progress", params={"token": "work", "value": {"kind": kind, "title": "Indexing"}})


def complete(text: str) -> list[dict[str, Any]]:
    return [{"label": name, "kind": 5} for name in re.findall(r"^(\w+) =", text, re.MULTILINE)]


def hover(text: str, position: dict[str, int]) -> dict[str, Any]:
    known = {
        "text": text,
        "offset": offset(text, position),
        "asked": asked,
        "open": sorted(texts),
        "replies": replies,
        "pid": os.getpid(),
    }
    return {"contents": {"kind": "plaintext", "value": json.dumps(known)}}


def misbehave() -> None:
    """At the first question."""
    if fails("garbage"):
        sys.stdout.buffer.write(b"Segmentation fault, sorry.\n" * 3)
        sys.stdout.buffer.flush()
    if fails("huge"):
        sys.stdout.buffer.write(b"Content-Length: 99999999999\r\n\r\n")
        sys.stdout.buffer.flush()
    if fails("closed"):
        os.close(1)
        time.sleep(60)
    if fails("grow"):
        hoard.append(bytearray(os.urandom(1 << 20)) * 200)
    while fails("flood"):
        for uri, text in texts.items():
            position = {"line": 0, "character": 0}
            item = {"range": {"start": position, "end": position}, "message": text, "severity": 1}
            send(method="textDocument/publishDiagnostics", params={"uri": uri, "diagnostics": [item] * 100})


def answer(message: dict[str, Any]) -> None:
    global asked
    method, parameters = message["method"], message.get("params") or {}
    if method == "initialize":
        send(id=message["id"], result=greet())
        return
    if method == "shutdown":
        send(id=message["id"], result=None)
        return
    asked += 1
    time.sleep(OPTIONS.slow)
    misbehave()
    if fails("ignore"):
        return
    if fails("outdated") and asked == 1:
        send(id=message["id"], error={"code": -32801, "message": "content modified"})
        return
    text = texts[parameters["textDocument"]["uri"]]
    if OPTIONS.hang and OPTIONS.hang in text:
        return
    if fails("nonsense"):
        send(id=message["id"], result={"items": 3})
    elif method == "textDocument/completion":
        send(id=message["id"], result=complete(text))
    else:
        send(id=message["id"], result=hover(text, parameters["position"]))


def take(message: dict[str, Any]) -> None:
    method, parameters = message.get("method"), message.get("params") or {}
    if method is None:
        replies.append(message.get("result", message.get("error")))
    elif "id" in message:
        answer(message)
    elif method == "initialized" and OPTIONS.work:
        work("begin")
        time.sleep(OPTIONS.work)
        work("end")
    elif method == "initialized" and OPTIONS.ask:
        for number, (own, params) in enumerate(
            (
                ("workspace/configuration", {"items": [{"section": "fake.part"}, {"section": "none"}, {}]}),
                ("client/registerCapability", {"registrations": [{"id": "1", "method": "textDocument/hover"}]}),
                ("workspace/diagnostic/refresh", None),
                ("window/workDoneProgress/create", {"token": 1}),
                ("made/up", [1, 2]),
            )
        ):
            send(id=f"own {number}", method=own, params=params)
    elif method == "textDocument/didOpen":
        document = parameters["textDocument"]
        texts[document["uri"]] = document["text"]
        publish(document["uri"], document["version"])
    elif method == "textDocument/didChange":
        change(parameters)
    elif method == "textDocument/didClose":
        del texts[parameters["textDocument"]["uri"]]
    elif method == "exit":
        raise SystemExit


def is_more() -> bool:
    """Whether something can be read, or comes soon."""
    return bool(select.select([sys.stdin], [], [], 0.02)[0])


def main() -> None:
    if OPTIONS.once:
        if OPTIONS.once.exists():
            OPTIONS.fail = ""
        OPTIONS.once.touch()
    if fails("exit"):
        sys.exit("There is no such thing as a good start.")
    waiting = []
    while message := receive():
        if OPTIONS.lazy and message.get("method", "").startswith("textDocument/") and "id" in message:
            waiting.append(message)
        elif not fails("mute"):
            take(message)
        while waiting and not is_more():
            answer(waiting.pop(0))


main()
