"""DICOM objects as DICOMweb gives them: every frame as pydicom has it, and nobody's name for who may not see it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from spinecho.encoders.tasks.object_tasks import check, frames, metadata, rendered, value, wrapped

SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
MARK = "Doe^Jane"


def named(path: Path) -> list[Any]:
    held = pydicom.dcmread(path, force=True)
    return [str(path), path.stat().st_size, "1.2.3", "1.2.3.4", str(held.SOPInstanceUID)]


def headers(path: Path, *, everything: bool) -> dict[str, Any]:
    ((told, _),) = metadata({"files": [named(path)], "base": "https://web", "everything": everything})
    found: dict[str, Any] = told["metadata"]
    return found


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("preamble", [True, False])
def test_every_frame_is_as_pydicom_has_it(kit: Any, tmp_path: Path, syntax: str, preamble: bool) -> None:
    path = kit.write(tmp_path / "a.dcm", kit.enhanced_dataset([0.0, 3.0, 6.0]), syntax=syntax, preamble=preamble)
    held = kit.enhanced_dataset([0.0, 3.0, 6.0])
    meant = np.frombuffer(held.PixelData, "<u2").reshape(3, held.Rows, held.Columns)
    for numbers in ([], [2], [3, 1]):
        told = list(frames({"file": named(path), "numbers": numbers}))
        for number, (_, (content,)) in zip(numbers or [1, 2, 3], told, strict=True):
            assert np.array_equal(np.frombuffer(content, "<u2"), meant[number - 1].ravel())
    assert list(frames({"file": named(path), "numbers": [1, 4]})) == [({"beyond": 3}, ())]
    assert list(rendered({"file": named(path), "number": 4, "options": {}})) == [({"beyond": 3}, ())]
    ((told, _),) = check({"files": [named(path)]})
    assert told["bare"] != preamble
    ((_, (whole,)),) = wrapped({"file": named(path)})
    again = pydicom.dcmread(io.BytesIO(whole))
    assert again.file_meta.TransferSyntaxUID == told["syntax"]
    assert again.PixelData == held.PixelData


def test_a_picture_takes_the_scale_and_window_of_its_own_frame(kit: Any, tmp_path: Path) -> None:
    data = kit.enhanced_dataset([0.0, 3.0], slopes=[1.0, 4.0])
    window = Dataset()
    window.WindowCenter, window.WindowWidth = 500.0, 401.0
    data.PerFrameFunctionalGroupsSequence[1].FrameVOILUTSequence = Items([window])
    path = kit.write(tmp_path / "a.dcm", data)
    ((_, (packed,)),) = rendered({"file": named(path), "number": 2, "options": {"media": "image/png"}})
    values = np.frombuffer(data.PixelData, "<u2").reshape(2, data.Rows, data.Columns)[1] * 4.0 + 5.0
    meant = np.clip((values - 499.5) / 400 + 0.5, 0, 1) * 255
    assert np.abs(np.asarray(Image.open(io.BytesIO(packed)), float) - meant).max() <= 0.51


def test_nothing_of_a_person_is_in_what_a_viewer_is_shown(kit: Any, tmp_path: Path) -> None:
    """Every text that DICOM knows is marked, at the top, in a sequence, and in private elements."""
    data, inner = kit.slice_dataset(), Dataset()
    for tag, (vr, *_) in DicomDictionary.items():
        if vr in ("PN", "LO", "SH", "LT", "ST", "UT", "UC") and tag >> 16 > 2:
            for place in (data, inner):
                place.add_new(tag, vr, f"{MARK} {tag:08X}"[:16])
    data.RequestAttributesSequence = Items([inner])
    data.ReferencedImageSequence = Items([inner])
    data.private_block(0x0019, "VENDOR", create=True).add_new(0x10, "LO", MARK)
    data.private_block(0x0029, "VENDOR", create=True).add_new(0x10, "OB", MARK.encode() + b" " * 2000)
    path = kit.write(tmp_path / "a.dcm", data)
    whole, shown = headers(path, everything=True), headers(path, everything=False)
    assert MARK in json.dumps(whole["00100010"])
    assert "00291010" in whole
    assert set(shown) < set(whole) | {"00100010", "00100020"}
    marked = {tag for tag, told in shown.items() if MARK in json.dumps(told)}
    assert {tag[:4] for tag in marked} <= {"0008", "0018", "0020", "0028"}
    assert {tag for tag in marked if tag[:4] == "0008"} <= {
        "00080050", "00080070", "00080201", "00081030", "0008103E", "00081090", "00081140",
    }  # fmt: skip
    assert not [tag for tag in shown if int(tag[:4], 16) % 2]
    assert "00400275" not in shown
    nested = shown["00081140"]["Value"][0]
    assert not {tag for tag in nested if tag.startswith(("0010", "0032", "0038", "0040"))}
    for tag in marked:
        assert pydicom.datadict.dictionary_VR(int(tag, 16)) not in ("PN", "LT", "ST", "UT"), tag
    for told in (shown["00100010"], shown["00100020"]):
        assert "Value" not in told


def test_large_values_are_fetched_by_themselves(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    content = bytes(range(256)) * 8
    data.private_block(0x0029, "VENDOR", create=True).add_new(0x10, "OB", content)
    path = kit.write(tmp_path / "a.dcm", data)
    told = headers(path, everything=True)["00291010"]
    assert told["BulkDataURI"].startswith("https://web/studies/1.2.3/series/1.2.3.4/instances/")
    assert list(value({"file": named(path), "tag": 0x00291010})) == [({}, (content,))]
    assert list(value({"file": named(path), "tag": 0x00100020})) == [({"missing": True}, ())]
    assert list(value({"file": named(path), "tag": 0x00311010})) == [({"missing": True}, ())]


def test_numbers_that_json_has_not_cost_their_own_element_alone(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.add_new(0x00189087, "FD", float("nan"))
    told = headers(kit.write(tmp_path / "a.dcm", data), everything=True)
    assert "00189087" not in told
    assert told["00280010"]["Value"] == [data.Rows]
    json.dumps(told, allow_nan=False)
