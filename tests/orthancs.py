"""An Orthanc of the tests' own, with its DICOMweb plugin, on loopback in a temporary folder."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

PROGRAM = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
PLUGINS = Path("/usr/share/orthanc/plugins")
USER, PASSWORD = "reader", "a-password-of-tests"


class Orthanc:
    """A running server, filled over its REST API."""

    def __init__(self, folder: Path) -> None:
        self.http_port, self.dicom_port, self.move_port = free_port(), free_port(), free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.web = f"{self.url}/dicom-web"
        self.client = httpx.Client(base_url=self.url, auth=(USER, PASSWORD), timeout=30, trust_env=False)
        self.start()

    def start(self) -> None:
        """Start it, with what it held before; returns when it answers."""
        storage = str(self._folder / "db")
        settings = {
            "Name": "tests", "StorageDirectory": storage, "IndexDirectory": storage, "Plugins": [str(PLUGINS)],
            "HttpPort": self.http_port, "HttpBindAddresses": ["127.0.0.1"], "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True, "RegisteredUsers": {USER: PASSWORD},
            "DicomPort": self.dicom_port, "DicomAet": "ORTHANC", "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowFind": True, "DicomAlwaysAllowMove": True,
            "DicomModalities": {"us": ["SPINECHO", "127.0.0.1", self.move_port]},
            "StableAge": 1, "OverwriteInstances": True, "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }  # fmt: skip
        file = self._folder / "orthanc.json"
        file.write_text(json.dumps(settings))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, str(file)], stdout=log, stderr=log)
        for _ in range(300):
            try:
                self.client.get("/system").raise_for_status()
                return
            except httpx.HTTPError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)  # nothing tells when it listens
        raise RuntimeError((self._folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        """End it; what it holds stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def fill(self, files: Sequence[Path]) -> None:
        """Send it files."""
        for path in files:
            self.client.post("/instances", content=path.read_bytes()).raise_for_status()

    def wait_stable(self) -> None:
        """Until it calls every study stable, as it does a second after the last object."""
        for _ in range(200):
            found = self.client.get("/studies", params={"expand": ""}).json()
            if all(one["IsStable"] for one in found):
                return
            time.sleep(0.1)
        raise RuntimeError("Orthanc calls no study stable")

    def study(self, uid: str) -> str:
        """Orthanc's own name for a study."""
        found: list[str] = self.client.post("/tools/lookup", content=uid).json()
        return next(one["ID"] for one in found if one["Type"] == "Study")  # type: ignore[index]


def free_port() -> int:
    """A port that nothing listens on now."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def orthanc(folder: Path) -> Iterator[Orthanc]:
    """A server within the block, or a skip that says what to install."""
    if not Path(PROGRAM).is_file() or not list(PLUGINS.glob("*DicomWeb*")):
        pytest.skip("no Orthanc with DICOMweb: install the Debian packages orthanc and orthanc-dicomweb")
    folder.mkdir(parents=True, exist_ok=True)
    server = Orthanc(folder)
    try:
        yield server
    finally:
        server.client.close()
        server.stop()
