"""A small archive that tests change as they like, an encoder that costs nothing, and what a home says of it.

What is compared has no row ids in it: a home that followed the changes has to say what a fresh one says.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from archives import Home
from parts_encoder import Words
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.preparing.preparation import CompactPreparation, Prepared, digest
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Space, Vectors
from spinecho.indexer.pipeline import Summary


class Sums:
    """An image encoder that says of a volume what its greys come to."""

    batch = 8

    def __init__(self) -> None:
        self.preparation = CompactPreparation()
        self.space = Space("sums", "1", digest(self.preparation), 8)

    def encode(self, items: Sequence[Volume], /) -> Vectors:
        return self.encode_prepared([self.preparation(volume) for volume in items])

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        rows = np.array([np.histogram(one.pixels, bins=8, range=(0, 256))[0] + 1.0 for one in items], np.float32)
        rows = rows.reshape(-1, 8)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cheap() -> DualEncoder:
    return DualEncoder("sums", Sums(), Words())


class Quick(Home):
    """A home that indexes with one reading process: what these tests wait for is its start."""

    def index(self, *roots: Path, **options: Any) -> Summary:
        summary = super().index(*roots, **{"workers": 1, **options})
        return dataclasses.replace(summary, counts=Counter(summary.counts))


def home(folder: Path, server: str = "") -> Home:
    return Quick(folder, cheap, server)


def uid(*parts: object) -> str:
    return f"1.2.840.99999.{zlib.crc32('/'.join(map(str, parts)).encode())}"


def slices(
    folder: Path, study: str, series: str = "s1", n: int = 2, seed: int = 0, names: str = "{}.dcm", **tags: Any
) -> list[Path]:
    """An MR series of tiny slices; tags by keyword, None leaves one out."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(n):
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = MRImageStorage
        data.SOPInstanceUID = uid(study, series, number)
        data.StudyInstanceUID, data.SeriesInstanceUID = uid(study), uid(study, series)
        data.Modality, data.Manufacturer = "MR", "SIEMENS"
        data.PatientID, data.PatientSex, data.PatientAge = f"P-{study}", "F", "045Y"
        data.AccessionNumber, data.StudyDate, data.StudyDescription = f"A-{study}", "20240102", "MRI brain"
        data.SeriesDescription, data.ProtocolName, data.SeriesNumber = f"t1 {series}", "t1_se_tra", 1
        data.ImageType, data.ScanningSequence = ["ORIGINAL", "PRIMARY"], "SE"
        data.RepetitionTime, data.EchoTime, data.SliceThickness = "500", "10", "5"
        data.InstanceNumber, data.ImageOrientationPatient = number + 1, [1, 0, 0, 0, 1, 0]
        data.ImagePositionPatient, data.PixelSpacing = [0, 0, 5 * number], [1, 1]
        data.Rows = data.Columns = 16
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        greys = np.random.default_rng([seed, number]).integers(0, 4000, (16, 16), dtype="<u2")
        data.PixelData = greys.tobytes()
        for name, value in tags.items():
            if value is None:
                del data[name]
            else:
                setattr(data, name, value)
        data.file_meta.MediaStorageSOPInstanceUID = data.get("SOPInstanceUID", "1.2.3")
        path = folder / names.format(number + 1)
        data.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def nifti(path: Path, seed: int = 0, **sidecar: Any) -> Path:
    """A small volume, with a JSON sidecar where there is something to say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.random.default_rng(seed).integers(0, 900, (12, 12, 6)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 1.0, 2.0, 1.0])), path)
    if sidecar:
        path.with_name(path.name.split(".")[0] + ".json").write_text(json.dumps(sidecar), encoding="utf-8")
    return path


@dataclass
class Clock:
    """Gives files times that differ, however quickly they are written."""

    now: int = 1_700_000_000
    seen: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def tick(self, root: Path) -> None:
        """Have every file that was written since the last tick be a second younger than all before."""
        import os  # noqa: PLC0415

        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            stat = path.stat()
            if self.seen.get(path) != (stat.st_ino, stat.st_mtime_ns):
                if stat.st_mtime_ns >= 1_750_000_000 * 10**9:  # not one that was moved
                    self.now += 1
                    os.utime(path, (self.now, self.now))
                self.seen[path] = (stat.st_ino, path.stat().st_mtime_ns)


def stored(home: Home, *, uids: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a home says, by natural keys. Without `uids`, studies are named by what they hold."""
    volume = "volumes v JOIN series s ON s.id = v.series_id JOIN studies t ON t.id = s.study_id"
    study = "t.uid" if uids else "t.patient_id"
    series = "s.uid" if uids else "s.description"
    facts = "t.accession_number, t.patient_id, CAST(t.date AS VARCHAR), t.description, t.sex, t.age_years"
    return {
        "studies": home.query(
            f"SELECT {study}, {facts}, t.disagreeing, p.key FROM studies t LEFT JOIN patients p ON p.id = t.patient"
            " ORDER BY 1, 2, 3, 4, 5, 6"
        ),
        "series": home.query(
            f"SELECT {study}, {series}, s.number, s.description, s.protocol FROM series s"
            " JOIN studies t ON t.id = s.study_id ORDER BY 1, 2, 3"
        ),
        "volumes": home.query(
            f"SELECT {study}, {series}, v.key, v.sequence, v.plane, v.body_region, CAST(v.acquisition AS VARCHAR),"
            f" CAST(v.shape AS VARCHAR), CAST(v.flags AS VARCHAR), {home.hex('e.data')} FROM {volume}"
            " JOIN vectors e ON e.volume_id = v.id ORDER BY 1, 2, 3, 10"
        ),
        "sentences": home.query(
            f"SELECT {study}, {series}, v.key, p.text, {home.hex('e.data')} FROM {volume} JOIN passages p"
            " ON p.volume_id = v.id JOIN vectors e ON e.passage_id = p.id ORDER BY 1, 2, 3, 4"
        ),
        "objects": home.query(
            f"SELECT {study}, {series}, v.key, {'f.sop_uid' if uids else 'f.size'}, f.digest FROM {volume}"
            " JOIN volume_files w ON w.volume_id = v.id JOIN files f ON f.id = w.file_id ORDER BY 1, 2, 3, 4, 5"
        ),
        "files": home.query(
            "SELECT d.path, f.name, f.size FROM files f JOIN folders d ON d.id = f.folder_id ORDER BY 1, 2"
        ),
        "states": home.query(
            "SELECT f.kind, f.state, x.reason, count(*) FROM files f LEFT JOIN failures x ON x.file_id = f.id"
            " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ),
        "reports": home.query(
            f"SELECT r.text, p.text, {home.hex('e.data')}, r.match, {study} FROM reports r"
            " JOIN passages p ON p.report_id = r.id JOIN vectors e ON e.passage_id = p.id"
            " LEFT JOIN studies t ON t.id = r.study_id ORDER BY 1, 2, 4, 5"
        ),
        "patients": home.query("SELECT key FROM patients WHERE key IS NOT NULL ORDER BY 1"),
        "counts": home.query(
            "SELECT (SELECT count(*) FROM vectors), (SELECT count(*) FROM thumbnails), (SELECT count(*) FROM passages)"
        ),
    }


def traces(home: Home, *words: str) -> list[str]:
    """Files of a home in whose bytes one of these words stands, in UTF-8, UTF-16 or as the full-text index has it."""
    found = []
    for path in sorted(path for path in home.folder.rglob("*") if path.is_file()):
        content = path.read_bytes().lower()
        for word in words:
            low = word.lower()
            if any(low.encode(code) in content for code in ("utf-8", "utf-16-le", "utf-16-be")):
                found.append(f"{path.relative_to(home.folder)}: {word}")
    return found


def full_text_words(home: Home) -> set[str]:
    """The words that the full-text index knows, of whatever row."""
    with closing(sqlite3.connect(home.folder / "spinecho.sqlite")) as connection:
        found = set()
        for table in ("passages_fts", "clauses_fts"):
            connection.execute(f"CREATE VIRTUAL TABLE temp.{table}_words USING fts5vocab('main', '{table}', 'row')")
            found |= {row[0] for row in connection.execute(f"SELECT term FROM temp.{table}_words")}
        return found
