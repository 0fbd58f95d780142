"""Many small DICOM files that differ in their UIDs and places alone, made in a moment."""

from __future__ import annotations

import io
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

_ROOT = "1.2.826.0.1.3680043.10.1.78"
_A_SERIES, _A_FOLDER = 50, 1000


def small_files(folder: Path, amount: int) -> None:
    """Write so many, fifty a series, a thousand a folder."""
    whole = _template()
    for number in range(amount):
        series, place = divmod(number, _A_SERIES)
        data = whole.replace(b"10000000", str(10_000_000 + series).encode())
        data = data.replace(b"99999999", str(20_000_000 + number).encode()).replace(b"7777", f"{place:04d}".encode())
        target = folder / f"{number // _A_FOLDER:04d}"
        if number % _A_FOLDER == 0:
            target.mkdir()
        (target / f"{number:08d}.dcm").write_bytes(data)


def _template() -> bytes:
    """A header of the usual length, with the numbers that are put in as letters of one length."""
    one = Dataset()
    one.SOPClassUID, one.SOPInstanceUID = MRImageStorage, f"{_ROOT}.3.99999999"
    one.StudyInstanceUID, one.SeriesInstanceUID = f"{_ROOT}.1.10000000", f"{_ROOT}.2.10000000"
    one.PatientName, one.PatientID, one.AccessionNumber = "Sample", "S10000000", "A10000000"
    one.StudyDate, one.StudyTime, one.Modality, one.Manufacturer = "20240101", "101500", "MR", "SIEMENS"
    one.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"]
    one.StudyDescription, one.SeriesDescription, one.BodyPartExamined = "MRI Brain", "t2_tse_tra_4mm", "HEAD"
    one.SeriesNumber, one.InstanceNumber, one.EchoTime, one.RepetitionTime = "3", "7777", "95", "4200"
    one.FlipAngle, one.SliceThickness, one.SpacingBetweenSlices, one.MagneticFieldStrength = "150", "4", "4.4", "3"
    one.ScanningSequence, one.SequenceVariant, one.ScanOptions, one.MRAcquisitionType = "SE", ["SK", "SP"], "PFP", "2D"
    one.ImageOrientationPatient, one.PixelSpacing = [1, 0, 0, 0, 1, 0], [8, 8]
    one.ImagePositionPatient = ["0", "0", "7777"]
    one.Rows = one.Columns = 24
    one.BitsAllocated = one.BitsStored = 16
    one.HighBit, one.PixelRepresentation, one.SamplesPerPixel = 15, 0, 1
    one.PhotometricInterpretation, one.PixelData = "MONOCHROME2", bytes(24 * 24 * 2)
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    out = io.BytesIO()
    one.save_as(out, enforce_file_format=True)
    return out.getvalue()
