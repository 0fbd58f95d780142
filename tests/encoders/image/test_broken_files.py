"""The broken files of the real data, each with what is to become of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.files import read_path, read_series, scan_file
from spinecho.encoders.reading.headers import FileFailure, VolumeRead

EXPECTED: dict[str, Reason | None] = {
    "ExplVR_LitEndNoMeta.dcm": Reason.NOT_MR,
    "MR_truncated.dcm": Reason.TRUNCATED,
    "badVR.dcm": Reason.NOT_MR,
    "bad_sequence.dcm": Reason.NOT_MR,
    "emri_small_j2k_too_short.dcm": None,  # only the closing delimiter is gone, all ten frames are whole
    "meta_missing_tsyntax.dcm": Reason.NOT_DICOM,
    "no_meta.dcm": Reason.NOT_DICOM,
    "no_meta_group_length.dcm": Reason.NOT_MR,
    "not_dicom_text.dcm": Reason.NOT_DICOM,
    "not_image_sr.dcm": Reason.NOT_READ,
    "not_mr_ct_small.dcm": Reason.NOT_MR,
    "rtplan_truncated_not_mr.dcm": Reason.NOT_MR,
    "slicecount_0.dcm": None,
    "slicecount_1.dcm": None,
    "sliceincrement_0.dcm": Reason.NOT_MR,
    "sliceincrement_1.dcm": Reason.NOT_MR,
    "sliceincrement_2.dcm": Reason.NOT_MR,
    "sliceorientation_0.dcm": None,
    "sliceorientation_1.dcm": None,
    "sliceorientation_2.dcm": None,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_broken_file(testdata: Path, name: str) -> None:
    results = list(read_path(testdata / "dicom" / "broken" / name))
    reasons = {r.reason if isinstance(r, FileFailure) else None for r in results}
    assert reasons == {EXPECTED[name]}


def test_mixed_orientations_are_parted(testdata: Path) -> None:
    files = [testdata / "dicom" / "broken" / f"sliceorientation_{i}.dcm" for i in range(3)]
    headers = [scan_file(f, root=testdata) for f in files]
    results = [r for r in read_series(headers) if isinstance(r, VolumeRead)]
    assert sorted(len(r.paths) for r in results) == [1, 2]


REAL = (
    "dicom/dcm_qa/trio/sag_mosaic",
    "dicom/dcm_qa_enh/vida_phantom/xa10_6_4",
    "dicom/pydicom_data/emri_small/emri_small_jpeg_ls_lossless",
    "dicom/pydicom_test_files/MR_small/MR_small_bigendian",
)


@pytest.mark.parametrize("folder", REAL)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_to_real_files_gives_typed_errors(
    testdata: Path, tmp_path: Path, folder: str, data: st.DataObject
) -> None:
    source = min(p for p in (testdata / folder).iterdir() if p.suffix != ".md")
    raw = bytearray(source.read_bytes())
    reach = min(len(raw), data.draw(st.sampled_from([4_000, len(raw)])))
    for _ in range(data.draw(st.integers(0, 8))):
        raw[data.draw(st.integers(0, reach - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        raw = raw[: data.draw(st.integers(0, len(raw)))]
    path = tmp_path / "a.dcm"
    path.write_bytes(raw)
    try:
        header = scan_file(path, root=tmp_path)
    except ReadError:
        return
    assert len(list(read_series([header]))) >= 1
