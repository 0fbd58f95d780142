"""Studies of a few small slices, made in a moment: what is sent, fetched and counted, not what is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

ROOT = "1.2.826.0.1.3680043.10.1.77"


def study_uid(number: int) -> str:
    """The UID of the study of this number."""
    return f"{ROOT}.{number}"


def small_study(folder: Path, number: int, *, series: int = 2, slices: int = 3, first: int = 0) -> list[Path]:
    """The files of a study; first: the number of its first series. The same numbers make the same bytes."""
    return [_written(folder, number, one, place) for one in range(first, first + series) for place in range(slices)]


def _written(folder: Path, study: int, series: int, place: int) -> Path:
    one = Dataset()
    one.SOPClassUID, one.SOPInstanceUID = MRImageStorage, f"{ROOT}.{study}.{series}.{place + 1}"
    one.StudyInstanceUID, one.SeriesInstanceUID = study_uid(study), f"{ROOT}.{study}.{series}"
    one.PatientName, one.PatientID, one.AccessionNumber = f"Sample^{study}", f"SAMPLE{study}", f"ACC{study}"
    one.StudyDate, one.StudyTime, one.Modality, one.StudyID = f"202401{study + 1:02d}", "101500", "MR", str(study)
    one.SeriesNumber, one.InstanceNumber = str(series + 1), str(place + 1)
    one.SeriesDescription, one.BodyPartExamined = ("t2_tse_tra", "t1_se_tra")[series % 2], "BRAIN"
    one.EchoTime, one.RepetitionTime, one.SliceThickness = ("95", "12")[series % 2], ("4200", "520")[series % 2], "4"
    one.ImageOrientationPatient, one.PixelSpacing = [1, 0, 0, 0, 1, 0], [4, 4]
    one.ImagePositionPatient = [0, 0, 4 * place]
    one.Rows = one.Columns = 48
    one.BitsAllocated = one.BitsStored = 16
    one.HighBit, one.PixelRepresentation, one.SamplesPerPixel = 15, 0, 1
    one.PhotometricInterpretation = "MONOCHROME2"
    noise = np.random.default_rng([study, series, place])
    one.PixelData = noise.integers(0, 900, (48, 48), dtype="<u2").tobytes()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID, one.file_meta.MediaStorageSOPInstanceUID = (
        one.SOPClassUID,
        one.SOPInstanceUID,
    )
    path = folder / str(study) / str(series) / f"{place}.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    one.save_as(path, enforce_file_format=True)
    return path
