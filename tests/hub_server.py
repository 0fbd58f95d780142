"""A model hub on this machine: what huggingface_hub asks of one, answered from a folder."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "c0ffee" + "0" * 34


class Hub:
    """One repository. asked: the paths of files that were asked for; lies: by file, the sha256 that is stated."""

    def __init__(self, repository: str, folder: Path, *, licence: str = "mit", gated: bool = False) -> None:
        self.repository, self.folder, self.licence, self.gated = repository, folder, licence, gated
        self.asked: list[str] = []
        self.lies: dict[str, str] = {}
        self.address = ""

    def listing(self) -> dict[str, Any]:
        siblings = []
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            name, content = path.relative_to(self.folder).as_posix(), path.read_bytes()
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
            one: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": blob}
            if path.suffix in {".bin", ".safetensors", ".model"}:
                stated = self.lies.get(name, hashlib.sha256(content).hexdigest())
                one["lfs"] = {"sha256": stated, "size": len(content), "pointerSize": 134}
            siblings.append(one)
        return {
            "id": self.repository, "modelId": self.repository, "sha": COMMIT, "private": False, "tags": [],
            "gated": "manual" if self.gated else False, "downloads": 0, "likes": 0, "siblings": siblings,
            "cardData": {"license": self.licence} if self.licence else {},
        }  # fmt: skip


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            path = self.path.partition("?")[0]
            files = f"/{hub.repository}/resolve/{COMMIT}/"
            if path.startswith(f"/api/models/{hub.repository}"):
                self._send(json.dumps(hub.listing()).encode(), body=body, kind="application/json")
            elif path.startswith(files) and (hub.folder / path.removeprefix(files)).is_file():
                hub.asked.append(path.removeprefix(files))
                self._send((hub.folder / path.removeprefix(files)).read_bytes(), body=body)
            else:
                self.send_error(404)

        def _send(self, content: bytes, *, body: bool, kind: str = "application/octet-stream") -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
