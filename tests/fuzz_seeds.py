"""A small whole file of every format that is read, and what lies beside it, as bytes; patients are invented."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import nibabel as nib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from docx import Document
from hl7_messages import oru
from openpyxl import Workbook
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless
from small_pdf import pdf
from small_studies import small_study

Files: TypeAlias = dict[str, bytes]
"""By name; the first is the one that is asked for."""
LINES = ("Accession: A100", "FINDINGS: A lesion of 5 mm in the left thalamus.", "IMPRESSION: Meningioma.")
REPORT = "\n".join(LINES)
_SR = "1.2.840.10008.5.1.4.1.1.88.11"
_PDF_OBJECT = "1.2.840.10008.5.1.4.1.1.104.1"


def images() -> dict[str, Files]:
    """Files of volumes, by the name of their format."""
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above)
        plain = small_study(folder, 0, series=1, slices=1)[0]
        made = {
            "dicom": {"a.dcm": plain.read_bytes()},
            "dicom-gz": {"a.dcm.gz": gzip.compress(plain.read_bytes())},
            "dicom-deflated": {"a.dcm": _again(plain, DeflatedExplicitVRLittleEndian)},
            "dicom-rle": {"a.dcm": _again(plain, RLELossless)},
            "dicom-enhanced": {"a.dcm": _enhanced(plain)},
            "dicom-mosaic": {"a.dcm": _mosaic(plain)},
            **_niftis(folder),
        }
    voxels = (np.arange(5 * 6 * 7, dtype="<i2") % 97).tobytes()
    nrrd = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 6 7\nendian: little\n"
        "space directions: (2,0,0) (0,2,0) (0,0,3)\nspace origin: (0,0,0)\nkinds: domain domain domain\nencoding: "
    )
    meta = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n{}TransformMatrix = "
        "1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 2 2 3\nDimSize = 5 6 7\nElementType = MET_SHORT\n"
        "ElementDataFile = {}\n"
    )
    numbers = " ".join(map(str, np.frombuffer(voxels, "<i2")))
    return made | {
        "nrrd": {"a.nrrd": f"{nrrd}gzip\n\n".encode() + gzip.compress(voxels)},
        "nrrd-text": {"a.nrrd": f"{nrrd}ascii\n\n{numbers}".encode()},
        "nhdr": {"a.nhdr": f"{nrrd}raw\ndata file: a.raw\n".encode(), "a.raw": voxels},
        "mha": {"a.mha": meta.format("", "LOCAL").encode() + voxels},
        "mha-zlib": {"a.mha": meta.format("CompressedData = True\n", "LOCAL").encode() + _zlib(voxels)},
        "mhd": {"a.mhd": meta.format("", "a.raw").encode(), "a.raw": voxels},
        "par": _par(),
    }


def archives() -> dict[str, Files]:
    """Zip and tar with images and an archive in them, and what a medium's directory names."""
    with tempfile.TemporaryDirectory() as above:
        image = small_study(Path(above), 0, series=1, slices=1)[0].read_bytes()
    inner = _zip({"c.dcm": image, "r.txt": REPORT.encode()})
    held = {"a/b.dcm": image, "r.txt": REPORT.encode(), "inner.zip": inner}
    return {
        "zip": {"a.zip": _zip(held)},
        "zip-stored": {"a.zip": _zip(held, zipfile.ZIP_STORED)},
        "tar": {"a.tar": _tar(held, "w")},
        "tar-gz": {"a.tar.gz": _tar(held, "w:gz")},
    }


def reports() -> dict[str, Files]:
    """Files of reports, by the name of their format."""
    rows = [["Accession", "Report", "Study UID"], ["A1", REPORT, "1.2.3"], ["A2", "No lesion.", "1.2.4"]]
    table = "\n".join(",".join(json.dumps(cell) for cell in row) for row in rows)
    lines = [json.dumps({"accession_number": one[0], "report": one[1]}) for one in rows[1:]]
    resource = {
        "resourceType": "DiagnosticReport", "status": "final", "conclusion": REPORT,
        "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "value": "A100"}],
        "presentedForm": [{"contentType": "application/rtf", "data": "e1xydGYxIE5vIGxlc2lvbi59"}],
        "contained": [{"resourceType": "Observation", "valueString": "A cyst."}],
    }  # fmt: skip
    bundle = {"resourceType": "Bundle", "entry": [{"resource": resource}]}
    return {
        "text": {"A100.txt": REPORT.encode()},
        "text-utf16": {"A100.txt": REPORT.encode("utf-16")},
        "csv": {"r.csv": table.encode()},
        "tsv": {"r.tsv": table.replace(",", "\t").encode()},
        "jsonl": {"r.jsonl": "\n".join(lines).encode()},
        "json": {"r.json": f"[{','.join(lines)}]".encode()},
        "fhir": {"r.json": json.dumps(bundle).encode()},
        "fhir-lines": {"r.ndjson": (json.dumps(resource) + "\n" + json.dumps(resource)).encode()},
        "hl7": {"r.hl7": (oru(*LINES) + oru("~".join(LINES), "{\\rtf1 No lesion.}", number="A101")).encode()},
        "cda": {"r.xml": _cda().encode()},
        "pdf": {"A100.pdf": pdf(*LINES)},
        "word": {"A100.docx": _word()},
        "rtf": {"A100.rtf": ("{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}} " + "\\par ".join(LINES) + "}").encode()},
        "html": {"A100.html": ("<html><body><p>" + "</p><p>".join(LINES) + "</p></body></html>").encode()},
        "workbook": {"r.xlsx": _workbook(rows)},
        "parquet": {"r.parquet": _parquet(rows)},
        "sr": {"r.dcm": _object(_SR, ContentSequence=Sequence([_item("Finding", "A lesion."), _item("Side", "left")]))},
        "pdf-object": {"p.dcm": _object(_PDF_OBJECT, EncapsulatedDocument=_even(pdf(*LINES)))},
    }


def _again(path: Path, syntax: str) -> bytes:
    held = dcmread(path)
    if syntax == RLELossless:
        held.compress(RLELossless)
    held.file_meta.TransferSyntaxUID = syntax
    return _saved(held)


def _enhanced(path: Path) -> bytes:
    held = dcmread(path)
    held.SOPClassUID = held.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    frames = []
    for place in range(3):
        position, orientation, measures, group = Dataset(), Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, 4 * place]
        orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        measures.PixelSpacing, measures.SliceThickness = [4, 4], "4"
        group.PlanePositionSequence, group.PlaneOrientationSequence = Sequence([position]), Sequence([orientation])
        group.PixelMeasuresSequence = Sequence([measures])
        frames.append(group)
    held.PerFrameFunctionalGroupsSequence = Sequence(frames)
    held.NumberOfFrames, held.PixelData = "3", held.PixelData * 3
    return _saved(held)


def _mosaic(path: Path) -> bytes:
    held = dcmread(path)
    held.ImageType, held.Manufacturer = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"], "SIEMENS"
    block = held.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0A, "US", 9)
    return _saved(held)


def _niftis(folder: Path) -> dict[str, Files]:
    values = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)
    sidecar = json.dumps(
        {"EchoTime": 0.09, "MagneticFieldStrength": 3, "SeriesDescription": "t2", "PatientAge": "050Y"}
    )
    found: dict[str, Files] = {}
    kinds: dict[str, tuple[Callable[..., Any], str, tuple[int, ...]]] = {
        "nifti": (nib.Nifti1Image, "a.nii", (5, 6, 7)),
        "nifti-gz": (nib.Nifti1Image, "a.nii.gz", (5, 6, 7)),
        "nifti-4d": (nib.Nifti1Image, "a.nii", (5, 6, 7, 1)),
        "nifti2": (nib.Nifti2Image, "a.nii", (5, 6, 7)),
        "pair": (nib.Nifti1Pair, "a.hdr", (5, 6, 7)),
        "analyze": (nib.Spm2AnalyzeImage, "a.hdr", (5, 6, 7)),
        "mgh": (nib.MGHImage, "a.mgh", (5, 6, 7)),
        "mgz": (nib.MGHImage, "a.mgz", (5, 6, 7)),
    }
    for kind, (make, name, shape) in kinds.items():
        (folder / kind).mkdir()
        nib.save(make(values.reshape(shape), np.diag([2.0, 2.0, 3.0, 1.0])), folder / kind / name)
        files = sorted((folder / kind).iterdir(), key=lambda path: path.name != name)
        files = [path for path in files if path.suffix != ".mat"]
        found[kind] = {path.name: path.read_bytes() for path in files}
    found["sidecar"] = {"a.json": sidecar.encode(), **found["nifti"]}
    table = "participant_id\tage\tsex\nsub-01\t50\tF\n"
    found["participants"] = {"participants.tsv": table.encode(), "sub-01_T1w.nii": found["nifti"]["a.nii"],
                             "dataset_description.json": b'{"Name": "x", "BIDSVersion": "1.8.0"}'}  # fmt: skip
    return found


def _par() -> Files:
    """A header of nibabel's tests, with as many voxels as there fit into a small file."""
    folder = Path(nib.__file__).parent / "tests" / "data"
    header = folder / "fieldmap.PAR"
    return {"a.PAR": header.read_bytes(), "a.REC": bytes(1 << 16)} if header.is_file() else {}


def _cda() -> str:
    return f"""<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/>
<effectiveTime value="20240102101010"/><inFulfillmentOf><order><id extension="A100"/></order></inFulfillmentOf>
<component><structuredBody><component><section><title>Findings</title><text><paragraph>{LINES[1]}</paragraph></text>
</section></component></structuredBody></component></ClinicalDocument>"""


def _word() -> bytes:
    document, out = Document(), io.BytesIO()
    for line in LINES:
        document.add_paragraph(line)
    document.save(out)
    return out.getvalue()


def _workbook(rows: list[list[str]]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def _parquet(rows: list[list[str]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({name: [row[n] for row in rows[1:]] for n, name in enumerate(rows[0])}), out)
    return out.getvalue()


def _item(name: str, words: str) -> Dataset:
    code, made = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "DCM", name
    made.RelationshipType, made.ValueType, made.TextValue = "CONTAINS", "TEXT", words
    made.ConceptNameCodeSequence = Sequence([code])
    return made


def _object(sop_class: str, **values: Any) -> bytes:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID, made.StudyInstanceUID = sop_class, "1.2.840.99.8", "1.2.840.99.7.1"
    made.AccessionNumber, made.PatientID = "A100", "4711"
    for key, value in values.items():
        setattr(made, key, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = sop_class, made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return _saved(made)


def _saved(held: Dataset) -> bytes:
    out = io.BytesIO()
    held.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def _zlib(data: bytes) -> bytes:
    return zlib.compress(data)


def _zip(held: Files, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return out.getvalue()


def _tar(held: Files, mode: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in held.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
