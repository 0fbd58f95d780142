"""What lies between us and a PostgreSQL server and fails: it cuts connections at a message, is away, or is silent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from servers import short_folder

BEFORE, AFTER = "before", "after"
"""The server never has the message; or it does as it says, and nobody hears of it."""
_NAME = ".s.PGSQL.5432"


class Cutting:
    """Passes on what clients and the server say, and counts what clients send: the first message of each is no one."""

    def __init__(self, url: str, folder: Path) -> None:
        """url: of a database on a socket of this machine."""
        self._real = Path(url.split("host=")[1]) / _NAME
        self.url = url.replace(str(self._real.parent), str(folder))
        self._lock, self._pairs = threading.Lock(), list[tuple[socket.socket, socket.socket]]()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / _NAME))
        self._listening.listen(64)
        self._up, self._how, self._at, self._every, self._stays = True, BEFORE, 0, False, False
        self._silent = False
        self.seen = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, at: int = 0, how: str = BEFORE, *, every: bool = False, stays: bool = False) -> None:
        """Count anew, and cut at that message, from 1; 0 for none. every: whatever else is connected is cut too.

        stays: and there are no connections to be had from then on.
        """
        with self._lock:
            self.seen, self._at, self._how, self._every, self._stays = 0, at, how, every, stays

    def pause(self) -> int:
        """Cut no more; how many messages there were."""
        with self._lock:
            self._at = 0
            return self.seen

    def down(self) -> None:
        """Every connection is cut, and there are none to be had."""
        self._up = False
        self._cut_all()

    def up(self) -> None:
        self._up, self._silent = True, False

    def silent(self) -> None:
        """What is said goes nowhere, and new connections hear nothing, until `up`."""
        self._silent = True

    def close(self) -> None:
        self.down()
        _close(self._listening)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if not self._up:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            pair = client, server
            with self._lock:
                self._pairs.append(pair)
            if self._silent:
                continue
            try:
                server.connect(str(self._real))
            except OSError:  # it is being started anew
                _close(*pair)
                continue
            deaf = threading.Event()
            threading.Thread(target=self._forth, args=(*pair, deaf), daemon=True).start()
            threading.Thread(target=self._back, args=(*pair, deaf), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            server.sendall(client.recv(65536))
            while data := client.recv(1 << 20):
                with self._lock:
                    self.seen += data[:1] != b"X"
                    is_cut = self.seen == self._at and data[:1] != b"X"
                if self._silent:
                    continue
                self._up = self._up and not (is_cut and self._stays)
                if is_cut and self._how == BEFORE:
                    break
                if is_cut:
                    deaf.set()
                server.sendall(data)
        self._ended(client, server, deaf)

    def _back(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 20):
                if deaf.is_set():
                    break
                client.sendall(data)
        self._ended(client, server, deaf)

    def _ended(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        if self._every and (deaf.is_set() or self.seen >= self._at > 0):
            self._cut_all()
        _close(client, server)

    def _cut_all(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _close(*pair)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@contextmanager
def cutting(url: str) -> Iterator[Cutting]:
    """Between us and the database of this URL, for as long as the block lasts."""
    folder = short_folder("spinecho-cut-")
    made = Cutting(url, folder)
    try:
        yield made
    finally:
        made.close()
        rmtree(folder, ignore_errors=True)
