"""Synthetic DICOM and NIfTI files, written by pydicom and nibabel, and helpers that read them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.files import read_series, scan_file
from spinecho.encoders.reading.headers import FileFailure, VolumeRead

AXIAL = [1.0, 0, 0, 0, 1.0, 0]
CORONAL = [1.0, 0, 0, 0, 0, -1.0]
SAGITTAL = [0, 1.0, 0, 0, 0, -1.0]


def slice_dataset(number: int = 0, *, series: str = "1.2.3.2", position: Sequence[float] | None = None) -> Dataset:
    """An axial slice, 6 rows x 5 columns of ramps, at z = 3 * number."""
    data = Dataset()
    data.SOPClassUID = MRImageStorage
    data.SOPInstanceUID = f"{series}.{number + 1}"
    data.StudyInstanceUID = "1.2.3.1"
    data.SeriesInstanceUID = series
    data.Modality = "MR"
    data.PatientName = "Secret^Name"
    data.PatientID = "p1"
    data.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    data.InstanceNumber = 1
    data.Rows, data.Columns = 6, 5
    data.ImagePositionPatient = list(position) if position is not None else [-10.0, -20.0, 3.0 * number]
    data.ImageOrientationPatient = AXIAL
    data.PixelSpacing = [2.0, 1.5]
    data.SliceThickness = 3.0
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = (np.arange(30, dtype="<u2") + 100 * number).tobytes()
    return data


def enhanced_dataset(positions: Sequence[float], *, slopes: Sequence[float] | None = None) -> Dataset:
    """An enhanced multi-frame object, its frames at the given z in the given order, per-frame rescale."""
    data = slice_dataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(data, name)
    data.NumberOfFrames = len(positions)
    shared = Dataset()
    orientation, measures = Dataset(), Dataset()
    orientation.ImageOrientationPatient = AXIAL
    measures.PixelSpacing, measures.SliceThickness = [2.0, 1.5], 3.0
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Items([orientation]), Items([measures])
    data.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    for index, z in enumerate(positions):
        frame, plane, value, content = Dataset(), Dataset(), Dataset(), Dataset()
        plane.ImagePositionPatient = [-10.0, -20.0, z]
        value.RescaleSlope, value.RescaleIntercept = (slopes[index] if slopes else 1.0), 5.0
        content.DimensionIndexValues = [1, index + 1]
        frame.PlanePositionSequence, frame.PixelValueTransformationSequence = Items([plane]), Items([value])
        frame.FrameContentSequence = Items([content])
        frames.append(frame)
    data.PerFrameFunctionalGroupsSequence = Items(frames)
    data.PixelData = np.stack([np.arange(30, dtype="<u2") + 100 * i for i in range(len(positions))]).tobytes()
    return data


def write(path: Path, data: Dataset, *, syntax: str = ExplicitVRLittleEndian, preamble: bool = True) -> Path:
    """Write a data set as a DICOM file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.get("SOPClassUID", MRImageStorage)
    meta.MediaStorageSOPInstanceUID = data.get("SOPInstanceUID", "1.2.3.9")
    meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    file = FileDataset(str(path), data, file_meta=meta, preamble=b"\0" * 128 if preamble else None)
    if preamble:
        pydicom.dcmwrite(path, file, enforce_file_format=True)
    else:
        pydicom.dcmwrite(path, data, implicit_vr=False, little_endian=True, enforce_file_format=False)
    return path


def write_nifti(path: Path, voxels: np.ndarray[Any, Any], affine: np.ndarray[Any, Any] | None = None) -> Path:
    """Write a NIfTI-1 file."""
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine), path)
    return path


def read_all(paths: Sequence[Path], root: Path, **options: Any) -> list[VolumeRead | FileFailure]:
    """Scan and read files that make up one series."""
    headers, results = [], list[VolumeRead | FileFailure]()
    for path in paths:
        try:
            headers.append(scan_file(path, root=root))
        except ReadError as e:
            results.append(FileFailure(str(path), e.reason, str(e)))
    results += read_series(headers, **options)
    came_out = sorted(p for r in results for p in (r.paths if isinstance(r, VolumeRead) else (r.path,)))
    assert came_out == sorted(map(str, paths))
    return results


Reader = Callable[..., list[VolumeRead | FileFailure]]


@pytest.fixture
def series_of(tmp_path: Path) -> Callable[[Sequence[Dataset]], list[VolumeRead | FileFailure]]:
    """Write data sets, read them back as one series."""

    def read(sets: Sequence[Dataset], **options: Any) -> list[VolumeRead | FileFailure]:
        paths = [write(tmp_path / f"{index:03d}.dcm", data) for index, data in enumerate(sets)]
        return read_all(paths, tmp_path, **options)

    return read


class Kit:
    """The helpers of this file, for test modules (which cannot import a conftest)."""

    slice_dataset = staticmethod(slice_dataset)
    enhanced_dataset = staticmethod(enhanced_dataset)
    write = staticmethod(write)
    write_nifti = staticmethod(write_nifti)
    read_all = staticmethod(read_all)
    coronal, sagittal = CORONAL, SAGITTAL


@pytest.fixture(scope="session")
def kit() -> type[Kit]:
    """The helpers of this file."""
    return Kit
