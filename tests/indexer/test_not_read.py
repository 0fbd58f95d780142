"""What could hold a study or a report and is not read counts; known noise does not. Bytes decide before names."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from structured_reports import SR as STRUCTURED
from structured_reports import coded, number, tracked

from spinecho.db.files import not_indexed, runs
from spinecho.db.schema.database import Database
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading import other_files

HL7 = "\r".join(["MSH|^~\\&|RIS|H|X|Y|20240102||ORU^R01|1|P|2.5", "PID|1||1^^^H||DOE^JANE", "OBX|1|TX|F||FINDINGS: x"])


def dicom(sop_class: str, **values: object) -> bytes:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = sop_class, f"2.25.{abs(hash((sop_class, str(values))))}"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.Modality = "2.25.1", "2.25.2", "MR"
    for name, value in values.items():
        setattr(made, name, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = sop_class, made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, data)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    return out.getvalue()


SR = dicom("1.2.840.10008.5.1.4.1.1.88.11")
IMAGE = dicom("1.2.840.10008.5.1.4.1.1.4", Rows=2, Columns=2)
ANALYZE = (348).to_bytes(4, "little") + bytes(344)
FILES: dict[str, tuple[bytes, Reason, str]] = {
    # could hold a study
    "sr.dcm": (SR, Reason.NOT_READ, "structured report"),
    "pdf.dcm": (dicom("1.2.840.10008.5.1.4.1.1.104.1"), Reason.NOT_READ, "encapsulated"),
    "slice.dcm.gz": (gzip.compress(IMAGE), Reason.TRUNCATED, ""),
    "slice": (gzip.compress(IMAGE), Reason.NOT_READ, "compressed DICOM"),
    "study.zip": (zipped("a.txt", b""), Reason.ARCHIVE, "it holds 1 files"),
    "torn.zip": (zipped("a.dcm", IMAGE)[:-30], Reason.TRUNCATED, "damaged"),
    "empty.zip": (zipped("a/", b""), Reason.NOT_READ, "without a file"),
    "study": (zipped("a.dcm", IMAGE), Reason.NOT_READ, "zip archive"),
    "study.tar": (tarred(), Reason.ARCHIVE, "it holds 1 files"),
    "study.tgz": (gzip.compress(tarred()), Reason.ARCHIVE, "it holds 1 files"),
    "study.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(40), Reason.NOT_READ, "7z"),
    "study.rar": (b"Rar!\x1a\x07" + bytes(40), Reason.NOT_READ, "RAR"),
    "media.iso": (bytes(4000), Reason.NOT_READ, "archive"),
    "pair.hdr": (ANALYZE, Reason.NOT_NIFTI, "datatype"),
    "pair.img": (bytes(4000), Reason.UNSUPPORTED_TYPE, "the voxels that pair.hdr"),
    "T1.mgz": (gzip.compress(bytes(400)), Reason.NOT_READ, "FreeSurfer"),
    "a.nrrd": (b"NRRD0004\ntype: short\n", Reason.DECODE_FAILED, "NRRD"),
    "b.mha": (b"ObjectType = Image\nNDims = 3\n", Reason.TRUNCATED, "voxels"),
    "c.PAR": (b"# === DATA DESCRIPTION FILE ===\n", Reason.DECODE_FAILED, "PAR header"),
    "c.REC": (bytes(4000), Reason.UNSUPPORTED_TYPE, "the voxels that c.PAR"),
    "d.REC": (bytes(4000), Reason.NOT_READ, "PAR/REC"),
    "d.mnc": (b"CDF\x01" + bytes(40), Reason.NOT_READ, "MINC"),
    "shot.png": (b"\x89PNG\r\n\x1a\n" + bytes(40), Reason.NOT_READ, "picture"),
    "shot.jpg": (b"\xff\xd8\xff\xe0" + bytes(40), Reason.NOT_READ, "picture"),
    "shot.tif": (b"II*\0" + bytes(40), Reason.NOT_READ, "picture"),
    "film.mp4": (b"\0\0\0\x18ftypmp42" + bytes(40), Reason.NOT_READ, "film"),
    "what.xyz": (b"anything at all", Reason.NOT_READ, "no kind that is known"),
    # could hold a report
    "r.json": (json.dumps([{"accession": "A1", "name": "x"}]).encode(), Reason.NOT_READ, "JSON"),
    "task-rest_bold.json": (b'{"EchoTime": 0.03}', Reason.NOT_READ, "sidecar"),
    "participants.tsv": (b"participant_id\tage\tsex\nsub-1\t34\tF\n", Reason.NOT_READ, "subjects"),
    "fr.csv": (b"Numero;Compte\nA1;normal\n", Reason.NOT_READ, "columns were not understood"),
    "r.xlsx": (zipped("xl/workbook.xml", b"x"), Reason.NOT_READ, "Excel"),
    "r.docx": (zipped("word/document.xml", b"x"), Reason.NOT_READ, "Word"),
    "r.odt": (zipped("content.xml", b"x"), Reason.NOT_READ, "text document"),
    "r.rtf": (b"{\\rtf1 x}", Reason.NOT_READ, "rich text"),
    "r.pdf": (b"%PDF-1.4\n%%EOF", Reason.NOT_READ, "PDF"),
    "r.doc": (b"\xd0\xcf\x11\xe0" + bytes(600), Reason.NOT_READ, "Office"),
    "r.html": (b"<h1>About us</h1>", Reason.NOT_READ, "document"),
    "r.md": (b"# FINDINGS\n", Reason.NOT_READ, "document"),
    "a.hl7": (HL7.encode(), Reason.NOT_READ, "HL7"),
    "A12345.txt": (HL7.encode(), Reason.NOT_READ, "HL7"),
    "x1.txt": (b"\x0b" + HL7.encode(), Reason.NOT_READ, "HL7"),
    "x2.txt": (HL7.encode("utf-16"), Reason.NOT_READ, "HL7"),
    "x3.csv": (HL7.encode(), Reason.NOT_READ, "HL7"),
    "cda.xml": (b'<?xml version="1.0"?><ClinicalDocument/>', Reason.NOT_READ, "CDA"),
    "x4.txt": (b"{\\rtf1 x}", Reason.NOT_READ, "rich text"),
    "A12347.txt": (IMAGE, Reason.NOT_READ, "DICOM"),
    "r.parquet": (b"PAR1" + bytes(100) + b"PAR1", Reason.NOT_READ, "Parquet"),
    "prose.txt": (b"nothing that says what it is", Reason.NOT_READ, "no report was found"),
    "notes_1.txt": (b"FINDINGS: a cavernoma.\nIMPRESSION: cavernoma.\n", Reason.NOT_READ, "no report was found"),
    # nothing in it
    "empty.dcm": (b"", Reason.EMPTY_FILE, "empty"),
    "IM0001": (b"", Reason.EMPTY_FILE, "empty"),
    "empty.nii.gz": (b"", Reason.EMPTY_FILE, "empty"),
    "A99999.txt": (b"", Reason.BAD_REPORT, "empty"),
    "empty.csv": (b"", Reason.BAD_REPORT, "empty"),
}
NOISE: dict[str, tuple[bytes, str]] = {
    "Thumbs.db": (b"\xd0\xcf\x11\xe0" + bytes(600), "a system file"),
    "desktop.ini": (b"[x]", "a system file"),
    "MD5SUMS": (b"x  a.dcm", "a checksum"),
    "a.dcm.md5": (b"x", "a checksum"),
    "a.sha256": (b"x", "a checksum"),
    "convert.py": (b"import os", "code"),
    "run.sh": (b"#!/bin/sh\n", "code"),
    "__init__.py": (b"", "code"),
    "viewer.exe": (b"MZ" + bytes(60), "code"),
    "README": (b"x", "a note about the data"),
    "README.md": (b"x", "a note about the data"),
    "readme.txt": (b"x", "a note about the data"),
    "LICENSE": (b"x", "a note about the data"),
    "CHANGES": (b"x", "a note about the data"),
    "dataset_description.json": (b"{}", "a table of the experiment"),
    "sub-1_task-a_events.tsv": (b"onset\tduration\n1\t2\n", "a table of the experiment"),
    "sub-1_dwi.bval": (b"0 1000", "a gradient table"),
    "sub-1_dwi.bvec": (b"0 1", "a gradient table"),
    "sub-1_T1w.json": (b'{"EchoTime": 0.03}', "the sidecar of an image"),
    "dcm2niix.log": (b"x", "a log"),
}
HIDDEN = (".DS_Store", "._0001.dcm", ".bidsignore")
NO_IMAGE = {
    "raw.dcm": dicom("1.2.840.10008.5.1.4.1.1.66", Rows=256, Columns=256),
    "key.dcm": dicom("1.2.840.10008.5.1.4.1.1.88.59"),
    "DICOMDIR": dicom("1.2.840.10008.1.3.10"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Everything at once in one archive, indexed."""
    folder = tmp_path_factory.mktemp("kinds")
    root = folder / "archive"
    write_nifti(root / "sub-1_T1w.nii.gz", brain(1))
    for name, (data, *_) in {**FILES, **NOISE}.items():
        (root / name).write_bytes(data)
    for name, data in NO_IMAGE.items():
        (root / name).write_bytes(data)
    for name in HIDDEN:
        (root / name).write_bytes(b"\0\5\x16\7")
    (root / ".git").mkdir()
    (root / ".git" / "a.dcm").write_bytes(IMAGE)
    home = Home(folder / "home", parts_dual)
    home.index(root)
    return home


def said(home: Home) -> dict[str, tuple[str, str]]:
    database = Database.open(home.database)
    found = {Path(one.path).name: (one.reason, one.message) for one in not_indexed.failures(database)}
    database.close()
    return found


def test_what_is_not_read_says_what_it_is(home: Home) -> None:
    found = said(home)
    assert {name: found.get(name, ("", ""))[0] for name in FILES} == {name: one[1] for name, one in FILES.items()}
    assert [name for name, (_, _, words) in FILES.items() if words not in found[name][1]] == []


def test_known_noise_is_counted_by_kind(home: Home) -> None:
    found = said(home)
    assert {name: found[name] for name in NOISE} == {
        name: (Reason.UNSUPPORTED_TYPE, kind) for name, (_, kind) in NOISE.items()
    }
    assert {name: found[name][0] for name in NO_IMAGE} == dict.fromkeys(NO_IMAGE, Reason.NO_PIXELS)
    assert not set(HIDDEN) & set(found)
    database = Database.open(home.database)
    kinds = not_indexed.messages_of(database, Reason.UNSUPPORTED_TYPE)
    last = runs.last_run(database)
    database.close()
    assert kinds["a checksum"] == 3
    assert last is not None
    assert last["counts"]["hidden"] == len(HIDDEN) + 1


def test_nothing_of_it_is_in_the_index(home: Home) -> None:
    assert home.query("SELECT count(*) FROM reports") == [(0,)]
    assert home.query("SELECT count(*) FROM volumes") == [(1,)]
    assert home.query("SELECT count(*) FROM files WHERE state = 'pending'") == [(0,)]
    stored = str(home.query("SELECT header FROM files")) + str(home.query("SELECT message FROM failures"))
    assert "DOE" not in stored


@pytest.mark.parametrize("reason", list(Reason))
def test_what_is_not_read_is_never_ignorable(reason: Reason) -> None:
    loud = {Reason.NOT_READ, Reason.EMPTY_FILE, Reason.LINK_OUTSIDE, Reason.LINK_BROKEN, Reason.NOT_STORED}
    assert not (reason in loud and reason.ignorable)
    assert reason.ignorable == reason.remedy.startswith("Nothing to do")


def test_noise_alone_is_a_clean_run(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    write_nifti(root / "sub-1_T1w.nii.gz", brain(1))
    for name, (data, _) in NOISE.items():
        (root / name).write_bytes(data)
    for name, data in NO_IMAGE.items():
        (root / name).write_bytes(data)
    assert Home(tmp_path / "home", parts_dual).index(root).mendable == 0


def test_what_a_later_version_can_read_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    write_nifti(root / "a.nii", brain(1))
    os.rename(root / "a.nii", root / "a.mif")  # noqa: PTH104
    data = (root / "a.mif").read_bytes()
    (root / "a.mif").write_bytes(b"mrtrix image\n")
    home = Home(tmp_path / "home", parts_dual)
    assert home.index(root).reasons == {"NOT_READ": 1}
    stat = (root / "a.mif").stat()
    assert home.index(root).counts["unchanged"] == 1
    monkeypatch.setattr("spinecho.indexer.discovery.READER", other_files.READER + 1)
    monkeypatch.setattr("spinecho.indexer.pipeline.READER", other_files.READER + 1)
    (root / "a.mif").write_bytes(data)
    os.utime(root / "a.mif", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert home.index(root).counts["series"] == 1
    assert home.index(root).counts["unchanged"] == 1


def test_reports_that_are_read_otherwise_are_read_again_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    group = tracked(coded("Finding", "Mass"), number("Long Axis", "42", "mm"))
    (root / "IM0001").write_bytes(dicom(f"{STRUCTURED}34", ContentSequence=[group], AccessionNumber="A100"))
    (root / "A200.txt").write_text("FINDINGS: A mass of 30 mm.\n")
    home = Home(tmp_path / "home", parts_dual)
    assert home.index(root).counts["reports"] == 2
    assert home.query("SELECT max(high_mm) FROM clauses WHERE text LIKE '%mass%'") == [(42.0,)]
    assert home.index(root).counts["unchanged"] == 2
    for module in ("discovery", "pipeline", "reports.read_otherwise"):
        monkeypatch.setattr(f"spinecho.indexer.{module}.READER", other_files.READER + 1)
    again = home.index(root).counts
    assert (again["reports"], again["unchanged"]) == (1, 1), "a plain text is read as it ever was"
    assert home.index(root).counts["unchanged"] == 2
