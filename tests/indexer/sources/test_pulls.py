"""Every way to take studies from a real Orthanc ends in the files that were sent to it, and in the same once more."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from orthancs import USER, Orthanc, free_port, orthanc
from pydicom import dcmread

from spinecho.archive import Archive
from spinecho.indexer.sources.source import SourceDown, SourceSettings, Stopped

pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
"""Of sockets that pynetdicom leaves to the garbage collector."""
SIGN_IN = {"user": USER, "password_env": "TEST_PACS_PASSWORD", "attempts": 1, "connect_timeout": 2}
KINDS = ("dicomweb", "orthanc", "get", "move")


def add(archive: Archive, server: Orthanc, kind: str, name: str, **more: Any) -> Path:
    """Add a source that leads to the server; the folder of its objects."""
    network = {"host": "127.0.0.1", "port": server.dicom_port, "ae": "ORTHANC", "connect_timeout": 2, **more}
    settings: dict[str, dict[str, Any]] = {
        "dicomweb": {"url": server.web, **SIGN_IN, **more},
        "orthanc": {"url": server.url, **SIGN_IN, **more},
        "get": network,
        "move": {**network, "retrieve": "move", "move_port": server.move_port},
    }
    taken = kind if kind in ("dicomweb", "orthanc") else "dicom"
    return archive.sources.add(name, taken, **settings[kind]).folder


def pixels(files: Iterable[Path]) -> Counter[tuple[str, str]]:
    """(SOP Instance UID, digest of the pixels) of files."""
    read = [dcmread(path) for path in files]
    return Counter((str(one.SOPInstanceUID), hashlib.sha256(one.PixelData).hexdigest()) for one in read)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pull_takes_everything_once_and_a_source_that_is_down_takes_nothing_away(
    pulling: Archive, held: Orthanc, phantoms: list[Path], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"once-{kind}"
    folder = add(pulling, held, kind, name)
    assert pulling.sources.test(name)
    first, second = pulling.sources.pull(name), pulling.sources.pull(name)
    assert pixels(folder.glob("[!.]*/*/*.dcm")) == pixels(phantoms)
    assert (first.taken, first.instances, first.short) == (3, len(phantoms), 0)
    assert (second.taken, second.instances, second.unchanged) == (0, 0, 0 if kind == "orthanc" else 3)

    there = sorted(folder.rglob("*.dcm"))
    monkeypatch.setattr(held, "dicom_port", free_port())
    monkeypatch.setattr(held, "web", f"http://127.0.0.1:{free_port()}/dicom-web")
    monkeypatch.setattr(held, "url", f"http://127.0.0.1:{free_port()}")
    pulling.sources.remove(name)
    add(pulling, held, kind, name)
    with pytest.raises(SourceDown):
        pulling.sources.pull(name)
    with pytest.raises(SourceDown):
        pulling.sources.test(name)
    assert sorted(folder.rglob("*.dcm")) == there


@pytest.mark.parametrize("kind", KINDS)
def test_a_pull_takes_no_more_than_its_source_may_be_asked_for(
    pulling: Archive, held: Orthanc, phantoms: list[Path], kind: str
) -> None:
    folder = add(pulling, held, kind, f"slow-{kind}", most_mb_per_second=0.1)
    began = time.monotonic()
    pulling.sources.pull(f"slow-{kind}")
    seconds = time.monotonic() - began
    came = list(folder.glob("[!.]*/*/*.dcm"))
    assert len(came) == len(phantoms)
    assert seconds > sum(len(dcmread(path).PixelData) for path in came) / 100_000


@pytest.mark.parametrize("kind", ["dicomweb", "orthanc", "get"])
def test_a_pull_that_was_stopped_goes_on(pulling: Archive, held: Orthanc, phantoms: list[Path], kind: str) -> None:
    name = f"stopped-{kind}"
    folder = add(pulling, held, kind, name)
    stop = threading.Event()
    with pytest.raises(Stopped):
        pulling.sources.pull(name, stop=stop, on_study=lambda *_: stop.set())
    before = {path: path.stat().st_mtime_ns for path in folder.glob("[!.]*/*/*.dcm")}
    assert 0 < len(before) < len(phantoms)
    done = pulling.sources.pull(name)
    assert pixels(folder.glob("[!.]*/*/*.dcm")) == pixels(phantoms)
    assert done.instances == len(phantoms) - len(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("kind", ["dicomweb", "orthanc"])
def test_a_wrong_password_is_told_without_a_word_of_it(
    pulling: Archive, held: Orthanc, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(pulling, held, kind, f"refused-{kind}", modality="")  # the settings of another source are refused before
    monkeypatch.setenv("TEST_PACS_PASSWORD", "not-the-password")
    with pytest.raises(SourceDown, match="401") as told:
        pulling.sources.pull(f"refused-{kind}")
    assert "not-the-password" not in str(told.value)


@pytest.mark.parametrize("secret", ["password", "token"])
def test_secrets_are_not_taken(pulling: Archive, secret: str) -> None:
    before = pulling.sources.list()
    with pytest.raises(SourceSettings, match="_env=") as told:
        pulling.sources.add("secret", "dicomweb", url="https://pacs.example", **{secret: "swordfish"})
    assert "swordfish" not in str(told.value)
    with pytest.raises(SourceSettings) as told:
        pulling.sources.add("secret", "dicomweb", url="https://me:swordfish@pacs.example")
    assert "swordfish" not in str(told.value)
    assert pulling.sources.list() == before


def test_real_files_come_as_they_were_sent(pulling: Archive, testdata: Path, tmp_path: Path) -> None:
    """Of every set of real data the first file that it takes, of many vendors and transfer syntaxes, by HTTP."""
    sets = sorted(path for path in (testdata / "dicom").iterdir() if path.is_dir() and path.name != "broken")
    with orthanc(tmp_path / "server") as server:
        sent = {}
        for one in sets:
            for path in [path for path in sorted(one.rglob("*")) if path.is_file()][:3]:
                if server.client.post("/instances", content=path.read_bytes()).is_success:
                    sent[str(dcmread(path, stop_before_pixels=True, force=True).SOPInstanceUID)] = path
                    if one.name != "dcm_qa_ts":  # transfer syntaxes
                        break
        server.wait_stable()
        assert len(sent) > len(sets) // 2
        for kind in ("orthanc", "dicomweb"):
            folder = add(pulling, server, kind, f"real-{kind}", modality="")
            short = pulling.sources.pull(f"real-{kind}").short
            came = {path.stem: path for path in folder.glob("[!.]*/*/*.dcm")}
            assert {uid: path.parts[-3:] for uid, path in sent.items() if uid not in came} == {}
            assert short == 0
            differ = [uid for uid in sent if came[uid].read_bytes() != sent[uid].read_bytes()]
            assert differ == []
