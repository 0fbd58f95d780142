"""DICOM structured reports as bytes, put together item by item. Patients are invented."""

from __future__ import annotations

import io
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

UID = "1.2.840.99.7.1"


def code(meaning: str, value: str = "1") -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, "DCM", meaning
    return made


def item(kind: str, name: str, relation: str = "CONTAINS", *inner: Dataset, **values: Any) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType = relation, kind
    made.ConceptNameCodeSequence = [code(name, values.pop("code", "1"))]
    if inner:
        made.ContentSequence = list(inner)
    for key, value in values.items():
        setattr(made, key, value)
    return made


def number(name: str, value: str, unit: str) -> Dataset:
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = value, [code(unit, unit)]
    return item("NUM", name, MeasuredValueSequence=[measured])


def dicom(sop_class: str, **values: Any) -> bytes:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID, made.StudyInstanceUID = sop_class, "1.2.840.99.8", UID
    made.AccessionNumber, made.PatientID, made.ContentDate, made.ContentTime = "A100", "4711", "20240102", "101010"
    made.PatientName = "DOE^JANE"
    for key, value in values.items():
        setattr(made, key, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = (
        made.SOPClassUID,
        made.SOPInstanceUID,
    )
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


SR = "1.2.840.10008.5.1.4.1.1.88."


def coded(name: str, value: str, relation: str = "CONTAINS", *inner: Dataset, **values: Any) -> Dataset:
    return item("CODE", name, relation, *inner, ConceptCodeSequence=[code(value)], **values)


def tracked(*parts: Dataset, name: str = "L1") -> Dataset:
    """A group of measurements with the lesion that it is of."""
    lesion = item("TEXT", "Tracking Identifier", "HAS OBS CONTEXT", TextValue=name, code="112039")
    return item("CONTAINER", "Measurement Group", "CONTAINS", lesion, *parts, code="125007")


TITLE = [code("Imaging Measurement Report", "126000")]
