"""The C-STORE receiver: who may send, what is kept, and that nothing is lost that was acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from orthancs import free_port
from pydicom import dcmread
from pynetdicom import AE
from small_studies import small_study, study_uid

from spinecho.archive import Archive
from spinecho.indexer.sources.pacs.receiver import CANNOT_UNDERSTAND, OUT_OF_RESOURCES, Receiver
from spinecho.indexer.sources.spool import Spool

pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
"""Of sockets that pynetdicom leaves to the garbage collector."""
MR = "1.2.840.10008.5.1.4.1.1.4"
LISTENING = """
import sys, threading
from pathlib import Path
from spinecho.indexer.sources.pacs.receiver import Receiver
from spinecho.indexer.sources.spool import Spool
Receiver({"ae": "SPINECHO", "port": int(sys.argv[1]), "from_ae": ["SCANNER"]}, Spool(Path(sys.argv[2])))
print("listening", flush=True)
threading.Event().wait()
"""


def send(port: int, files: list[Path], *, calling: str = "SCANNER", called: str = "SPINECHO") -> list[int | None]:
    """The status of each file that was sent, None without an answer; [] where the association was refused."""
    entity = AE(ae_title=calling)
    entity.add_requested_context(MR)
    association = entity.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        return []
    statuses = []
    for path in files:
        if not association.is_established:
            break
        statuses.append(getattr(association.send_c_store(dcmread(path)), "Status", None))
    if association.is_established:
        association.release()
    return statuses


def test_who_may_send_and_what_is_kept(tmp_path: Path) -> None:
    files = small_study(tmp_path / "sent", 0)
    spool = Spool(tmp_path / "spool")
    settings = {"ae": "SPINECHO", "port": 0, "from_ae": ["SCANNER"], "most_object_mb": 1}
    receiver = Receiver(settings, spool)
    try:
        assert send(receiver.port, files, calling="STRANGER") == []
        assert send(receiver.port, files, called="SOMEBODY") == []
        assert send(receiver.port, files) == [0] * len(files)
        large, torn = dcmread(files[0]), dcmread(files[1])
        large.add_new(0x00091010, "OB", bytes(2 << 20))
        del torn.StudyInstanceUID
        large.save_as(tmp_path / "large.dcm")
        torn.save_as(tmp_path / "torn.dcm")
        sent = send(receiver.port, [tmp_path / "large.dcm", tmp_path / "torn.dcm"])
        assert sent == [OUT_OF_RESOURCES, CANNOT_UNDERSTAND]
    finally:
        receiver.close()
    assert spool.objects(study_uid(0)) == {str(dcmread(path).SOPInstanceUID) for path in files}
    assert not list((tmp_path / "spool").glob("[!.]*")), "nothing is indexed before its study is stable"
    newest = max(path.stat().st_mtime for path in (tmp_path / "spool").rglob("*.dcm"))
    assert spool.settle_stable(60, now=newest + 59) == 0
    assert spool.settle_stable(60, now=newest + 60) == 1
    assert len(list((tmp_path / "spool").glob("[!.]*/*/*.dcm"))) == len(files)


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    files, port, after = small_study(tmp_path / "sent", 0), free_port(), 4
    command = [sys.executable, "-c", LISTENING, str(port), str(tmp_path / "spool")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as receiver:
        assert receiver.stdout is not None
        receiver.stdout.readline()
        entity = AE(ae_title="SCANNER")
        entity.add_requested_context(MR)
        entity.dimse_timeout = entity.network_timeout = 2
        association = entity.associate("127.0.0.1", port, ae_title="SPINECHO")
        acknowledged = set()
        for number, path in enumerate(files):
            if number == after:
                os.kill(receiver.pid, signal.SIGKILL)
            if not association.is_established:
                break
            try:
                answer = association.send_c_store(one := dcmread(path))
            except RuntimeError:  # the receiver is gone, and the association with it
                break
            if getattr(answer, "Status", None) == 0:
                acknowledged.add(str(one.SOPInstanceUID))
        association.abort()
    assert len(acknowledged) >= after
    assert acknowledged <= Spool(tmp_path / "spool").objects(study_uid(0))


def test_what_is_no_uid_leads_nowhere(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for uid in ("../../x", "..", ".", "", "/etc", "1.2/3", "1.2\0", "1" * 65):
        assert spool.put(uid, uid, uid, b"x").resolve().is_relative_to(tmp_path / "spool")


def test_a_stable_study_is_indexed_by_a_watch(archive: Archive, tmp_path: Path) -> None:
    port = free_port()
    archive.sources.add("scanner", "receive", port=port, ae="SPINECHO", from_ae="SCANNER,OTHER", stable_seconds=0)
    passes = archive.watch(every=0.1, workers=1).passes()
    assert next(passes).studies == 0
    assert send(port, small_study(tmp_path / "sent", 3, series=1, slices=2), calling="OTHER") == [0] * 2
    assert next(passes).indexed["series"] == 1
    passes.close()
    assert [one.study.uid for one in archive.search("brain") if one.study] == [study_uid(3)]
