"""Tiny studies with hand-written facts and reports, as a hospital's files would hold them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage


@dataclass(frozen=True)
class Scan:
    """One study of one series of one slice."""

    number: int
    report: str = ""
    sequence: str = "T2"
    description: str = "t2_tse_tra"
    body_part: str = "BRAIN"
    patient: str = ""
    sex: str = "F"
    age: str = "045Y"
    date: str = "20230115"
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M")
    frequency: float = 3.0
    """Stripes across the picture, so that pictures can look more or less alike."""

    @property
    def uid(self) -> str:
        return f"1.2.826.0.1.3680043.10.99.{self.number}"


_TIMES = {"T1": (500, 12), "T2": (4500, 100), "PD": (3000, 20)}


def write_scans(folder: Path, scans: list[Scan]) -> Path:
    """One DICOM file a study, and reports.csv joined by StudyInstanceUID."""
    folder.mkdir(parents=True, exist_ok=True)
    for scan in scans:
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = MRImageStorage
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = f"{scan.uid}.1.1"
        data.StudyInstanceUID, data.SeriesInstanceUID = scan.uid, f"{scan.uid}.1"
        data.Modality, data.Manufacturer, data.MagneticFieldStrength = "MR", "SIEMENS", "3"
        data.PatientID, data.PatientSex, data.PatientAge = scan.patient or f"P{scan.number}", scan.sex, scan.age
        data.StudyDate, data.AccessionNumber, data.SeriesNumber = scan.date, f"A{scan.number}", 1
        data.SeriesDescription, data.BodyPartExamined = scan.description, scan.body_part
        data.ImageType, data.ScanningSequence, data.MRAcquisitionType = list(scan.image_type), "SE", "2D"
        data.RepetitionTime, data.EchoTime = _TIMES[scan.sequence]
        data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-60, -60, 0]
        data.PixelSpacing, data.SliceThickness = [2, 2], 5
        data.Rows = data.Columns = 64
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
        data.SamplesPerPixel, data.PhotometricInterpretation, data.InstanceNumber = 1, "MONOCHROME2", 1
        place = np.linspace(0, np.pi, 64)
        wave = np.sin(scan.frequency * place[:, None]) * np.cos(scan.frequency * place[None, :])
        data.PixelData = (1000 + 900 * wave).astype("<u2").tobytes()
        data.save_as(folder / f"{scan.number}.dcm", enforce_file_format=True)
    with (folder / "reports.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["study_uid", "report"])
        writer.writerows([scan.uid, scan.report] for scan in scans if scan.report)
        writer.writerow(["9.9.9.9", "FINDINGS: Large arachnoid cyst of the posterior fossa."])
    return folder
