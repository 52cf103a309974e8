"""A hub in a thread: what huggingface_hub asks of the real one to fetch a model, and faults on the way."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "a" * 40
LARGE = ".safetensors"


@dataclass
class Hub:
    """The files of one model, `org/tiny`. `asked` are the files that were fetched, with where each began.

    Large files lie elsewhere, to where the hub redirects; `tokens` are those that the two were shown.
    A file in `damaged` comes with other bytes. Of one in `stalled` the first half comes, and then nothing: `stalling`
    is set, and the rest waits for `go_on`.
    """

    files: Mapping[str, bytes]
    address: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    tokens: set[tuple[str, str]] = field(default_factory=set)
    damaged: set[str] = field(default_factory=set)
    stalled: set[str] = field(default_factory=set)
    stalling: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def content(self, name: str) -> bytes:
        return self.files[name][::-1] if name in self.damaged else self.files[name]

    @property
    def fetched(self) -> set[str]:
        return {name for name, _ in self.asked}

    @property
    def about(self) -> dict[str, object]:
        return {"id": "org/tiny", "sha": COMMIT, "siblings": [{"rfilename": name} for name in self.files]}

    @property
    def tree(self) -> list[dict[str, object]]:
        return [
            {"type": "file", "path": name, "size": len(content), "oid": git_sha(content), **lfs(name, content)}
            for name, content in self.files.items()
        ]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def git_sha(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def lfs(name: str, content: bytes) -> dict[str, object]:
    if not name.endswith(LARGE):
        return {}
    return {"lfs": {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}}


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        place = "elsewhere" if self.path.startswith("/elsewhere/") else "hub"
        self.hub.tokens |= {(place, token) for token in self.headers.get_all("Authorization", [])}
        if re.match(r"/api/models/org/tiny(/revision/\w+)?(\?|$)", self.path):
            self._send_json(self.hub.about)
        elif self.path.startswith("/api/models/org/tiny/tree/"):
            self._send_json(self.hub.tree)
        elif name := self._file(r"/elsewhere/(.+)"):
            self._send_file(name)
        elif name := self._file(r"/org/tiny/resolve/\w+/(.+)"):
            self._send_head(302, name, 0) if name.endswith(LARGE) else self._send_file(name)
        else:
            self._refuse()

    def do_HEAD(self) -> None:
        if name := self._file(r"/org/tiny/resolve/\w+/(.+)"):
            self._send_head(302 if name.endswith(LARGE) else 200, name, len(self.hub.files[name]))
        else:
            self._refuse()

    def _file(self, path: str) -> str | None:
        match = re.fullmatch(path, self.path)
        return match[1] if match and match[1] in self.hub.files else None

    def _send_file(self, name: str) -> None:
        begin = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        self.hub.asked.append((name, begin))
        content = self.hub.content(name)[begin:]
        self._send_head(206 if begin else 200, name, len(content), begin)
        if name in self.hub.stalled:
            self.wfile.write(content[: len(content) // 2])
            self.hub.stalling.set()
            self.hub.go_on.wait()
        else:
            self.wfile.write(content)

    def _send_head(self, status: int, name: str, length: int, begin: int = 0) -> None:
        content = self.hub.files[name]
        self.send_response(status)
        if name.endswith(LARGE):
            self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("ETag", f'"{git_sha(content)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(length))
        if status == 302:
            self.send_header("Location", f"http://localhost:{self.server.server_address[1]}/elsewhere/{name}")
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()

    def _send_json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "EntryNotFound" if "/org/tiny/" in self.path else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
