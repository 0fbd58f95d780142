"""What de-identification and consoles tear apart: a series UID for every slice, an exam under several study UIDs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from archives import Home
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from spinecho.db.schema.engines import Location
from spinecho.search.answers.hits import results_json
from spinecho.search.query import TextQuery


def write(folder: Path, *, study: str, series: str, place: int, number: int = 4, **facts: Any) -> None:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, f"{study}.{number}.{place + 1}"
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID = study, series
    data.Modality, data.SeriesNumber, data.InstanceNumber = "MR", number, place + 1
    data.SeriesDescription, data.BodyPartExamined = "t1_se_tra", "BRAIN"
    data.PatientID, data.StudyDate, data.AccessionNumber = "P1", "20240102", "A7"
    for name, value in facts.items():
        setattr(data, name, value)
    data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 5.0 * place]
    data.PixelSpacing, data.SliceThickness = [2, 2], 5
    data.Rows = data.Columns = 16
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.PixelData = (np.arange(256, dtype="<u2") + 100 * place).tobytes()
    folder.mkdir(parents=True, exist_ok=True)
    data.save_as(folder / f"{study}-{number}-{place}.dcm", enforce_file_format=True)


def volumes(home: Home) -> list[tuple[Any, ...]]:
    rows = home.query(
        "SELECT studies.uid, series.uid, volumes.shape, volumes.flags FROM volumes JOIN series ON series.id = series_id"
        " JOIN studies ON studies.id = study_id ORDER BY 1, 2"
    )
    return [
        (study, series, *(json.loads(v) if isinstance(v, str) else v for v in rest)) for study, series, *rest in rows
    ]


def test_slices_with_a_series_uid_each_are_joined_once_and_for_all(tmp_path: Path, location: Location) -> None:
    home = Home(tmp_path, server=location if isinstance(location, str) else "")
    archive = tmp_path / "archive"
    for place in range(2):
        write(archive, study="1.2.1", series=f"1.2.1.{place + 50}", place=place)
    write(archive, study="1.2.1", series="1.2.1.9", place=0, number=9)
    home.index(archive)
    assert len(volumes(home)) == 3  # too few to tell
    for place in (2, 3):
        write(archive, study="1.2.1", series=f"1.2.1.{place + 50}", place=place)
    home.index(archive)
    joined = [row for row in volumes(home) if row[2] == [16, 16, 4]]
    assert [row[3] for row in joined] == [["SERIES_JOINED"]]
    assert len(volumes(home)) == 2
    assert home.query("SELECT count(*) FROM series") == [(2,)]
    write(archive, study="1.2.1", series="1.2.1.70", place=4)  # one that was forgotten
    home.index(archive, again=True)
    again = [row for row in volumes(home) if row[2] == [16, 16, 5]]
    assert [row[:2] for row in again] == [row[:2] for row in joined]
    assert len(volumes(home)) == 2
    archive.rename(tmp_path / "moved")
    counts = home.index(tmp_path / "moved").counts
    assert (counts["moved"], counts.get("series", 0)) == (6, 0)  # nothing is read again
    assert home.index(tmp_path / "moved").counts["unchanged"] == 6
    assert [row for row in volumes(home) if row[2] == [16, 16, 5]] == again


def test_an_exam_in_several_studies_is_linked(tmp_path: Path) -> None:
    """By patient, day and accession number; by no two of these, and not by what stands in for a number."""
    home, archive = Home(tmp_path), tmp_path / "archive"
    others = [{}, {"AccessionNumber": "B"}, {"StudyDate": "20240103"}, {"PatientID": "Q"}, {"PatientID": ""}]
    cases: list[tuple[dict[str, str], dict[str, str]]] = [({}, other) for other in others]
    cases += [({"AccessionNumber": number},) * 2 for number in ("", "0", "00000000", "UNKNOWN", "N/A")]
    for case, pair in enumerate(cases, 1):
        for half, own in enumerate(pair, 1):
            facts = {"PatientID": f"P{case}", "AccessionNumber": f"A{case}", **own}
            write(archive, study=f"1.2.{case}.{half}", series=f"1.2.{case}.{half}.9", place=0, **facts)
    home.index(archive)
    told = results_json(home.engine().search(TextQuery("MRI of the brain"), k=50))
    links = {hit["study_uid"]: hit["same_exam"] for hit in told["hits"]}
    assert len(links) == 2 * len(cases)
    assert {uid: also for uid, also in links.items() if also} == {"1.2.1.1": ["1.2.1.2"], "1.2.1.2": ["1.2.1.1"]}
