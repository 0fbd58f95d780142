"""An archive without names, and copies without names: what a fault may leave of them, and what they come to."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydicom
from noting import spinecho_command
from small_studies import ROOT, small_study

from spinecho.db.identities import key as keys
from spinecho.db.identities.mapping import Identities

NAMING = (b"Quillfeather", b"SAMPLE", b"ACC0", b"ACC1", ROOT.encode())
"""Of these no byte may lie where nobody is named."""


def named_files(work: Path) -> None:
    """Two studies of people with names, and a report of one of them."""
    for number in range(2):
        for path in small_study(work / "archive", number, series=1, slices=2):
            one = pydicom.dcmread(path)
            one.PatientName, one.StudyDescription = "Quillfeather^Hanna", f"MR head Quillfeather ACC{number}"
            one.save_as(path)
    report = "Patient: Hanna Quillfeather\nAccession: ACC0\nFINDINGS: There is a pituitary tumour.\n"
    (work / "archive" / "r.txt").write_text(report)


def index_without_names(work: Path) -> int:
    """With one key in every trial, so that pseudonyms are the same; with another where one was lost that was used."""
    made = "a5" if (work / "home" / "identities.sqlite").exists() else "5a"
    keys.secrets = SimpleNamespace(token_hex=lambda count: made * count)  # type: ignore[assignment]
    return spinecho_command(
        "index", work / "archive", "--home", work / "home", "--workers", 1, "--deidentify", "--json"
    )  # fmt: skip


def names_in_home(work: Path) -> dict[str, Any]:
    """What a fault may not leave: files of the home that name somebody, pseudonyms that nothing can turn back."""
    with suppress(sqlite3.OperationalError), closing(_opened(work / "home" / "spinecho.sqlite")) as connection:
        held = [
            *(code for row in connection.execute("SELECT DISTINCT study_uid, series_uid FROM files") for code in row),
            *(code for row in connection.execute("SELECT patient_id, accession_number FROM studies") for code in row),
            *(code for row in connection.execute("SELECT patient_id, accession_number FROM reports") for code in row),
        ]
        return {"named": naming(work / "home"), "unknown": unknown(work, held)}
    return {"named": naming(work / "home"), "unknown": []}


def names_in_copies(work: Path) -> dict[str, Any]:
    """The same of copies, those that are not finished too."""
    held: list[str] = []
    for path in (work / "copies").rglob("*.dcm"):
        with suppress(Exception):  # half a file
            one = pydicom.dcmread(path, stop_before_pixels=True)
            held += [one.StudyInstanceUID, one.SeriesInstanceUID, one.PatientID, one.AccessionNumber]
    return {"named": naming(work / "copies"), "unknown": unknown(work, [*map(str, held)])}


def copied(work: Path) -> dict[str, Any]:
    """Names and UIDs are by a key that is another one in each home; pixels, and whose they are, are as they were."""
    found = [pydicom.dcmread(path).PixelData for path in (work / "copies").rglob("*.dcm")]
    return {
        "pixels": sorted(map(zlib.crc32, found)),
        "whose": sorted(" ".join(one.split()[::2]) for one in whose(work)),
    }


def naming(folder: Path) -> list[str]:
    """Files in which a byte of somebody's lies, and those that are called so."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    named = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return [name for name, data in named.items() if any(secret in data + name.encode() for secret in NAMING)]


def unknown(work: Path, codes: list[str | None]) -> list[str]:
    """The pseudonyms among these that the mapping does not know."""
    wanted = {code for code in codes if code}
    if not wanted:
        return []
    with _identities(work) as identities:
        return sorted(code for code in wanted if not identities.find(code))


def whose(work: Path) -> list[str]:
    """Everything that the mapping holds, opened."""
    path = work / "home" / "identities.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        codes = sorted(row[0] for row in connection.execute("SELECT DISTINCT code FROM identities"))
        patients = sorted(row[0] for row in connection.execute("SELECT DISTINCT patient FROM names"))
    with _identities(work) as identities:
        found = [f"{one.kind} {one.code} {one.value} {one.patient}" for code in codes for one in identities.find(code)]
        return found + [f"{patient} {pair}" for patient in patients for pair in sorted(identities.names_of(patient))]


def _identities(work: Path) -> Identities:
    home = work / "home"
    return Identities.open(home / "identities.sqlite", keys.read_key(home / "identities.key"))


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=rw", uri=True)
