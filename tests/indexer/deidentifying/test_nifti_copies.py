"""A copy of a NIfTI file has its voxels where they were, and no byte of its header that nothing reads."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from spinecho.indexer.deidentifying.nifti import _KEPT, clean_nifti

AFFINE = np.array([[0.9, -0.3, 0.2, -80], [0.25, 1.1, -0.4, -95.5], [-0.1, 0.35, 2.2, 12.25], [0, 0, 0, 1]])


def opened(data: bytes, path: Path) -> Any:
    path.write_bytes(data)
    return nibabel.load(path)


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_every_place_of_a_header_that_nobody_reads_is_empty(kind: Any, endian: str, tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).normal(300, 40, (5, 6, 7)).astype(f"{endian}f4")
    image = kind(voxels, AFFINE, header=kind.header_class(endianness=endian))
    image.set_sform(AFFINE, 1)
    image.header.set_xyzt_units("mm", "sec")
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"Quillfeather" * 3))
    path = tmp_path / "one.nii"
    nibabel.save(image, path)
    whole = bytearray(path.read_bytes())
    layout = kind.header_class.template_dtype
    planted = 0
    for name in layout.names:
        if name in _KEPT or name in {"sizeof_hdr", "magic", "eol_check", "vox_offset"}:
            continue
        begin, size = layout.fields[name][1], layout.fields[name][0].itemsize
        whole[begin : begin + size] = (b"Quillfeather" * 7)[:size]
        planted += size
    for name in ("dim", "pixdim"):  # beyond the dimensions that there are
        begin, size = layout.fields[name][1], layout.fields[name][0].itemsize
        whole[begin + size // 8 * 5 : begin + size] = (b"Qu" * 99)[: size // 8 * 3]
    path.write_bytes(bytes(whole) + b"Quillfeather")
    assert planted > 110
    data = clean_nifti(path)
    plain = gzip.decompress(data)
    assert b"Qu" not in plain[:540]
    assert b"Quill" not in plain
    copy = opened(data, tmp_path / "copy.nii.gz")
    assert np.array_equal(copy.get_fdata(), voxels)
    assert np.array_equal(copy.affine, image.affine)
    for name in ("get_sform", "get_qform", "get_zooms", "get_xyzt_units"):
        assert np.array_equal(getattr(copy.header, name)(), getattr(image.header, name)()), name


def test_real_scans_lie_where_they_lay(testdata: Path, tmp_path: Path) -> None:
    paths = [next(iter(sorted(folder.rglob("*.nii*"))), None) for folder in sorted((testdata / "nifti").iterdir())]
    small = [path for path in paths if path is not None and path.stat().st_size < 1 << 20]
    assert len(small) > 2
    for path in small:
        source, copy = nibabel.load(path), opened(clean_nifti(path), tmp_path / "copy.nii.gz")
        assert np.array_equal(copy.affine, source.affine)
        assert np.array_equal(np.asarray(copy.dataobj), np.asarray(source.dataobj), equal_nan=True)
        assert copy.header["qform_code"] == source.header["qform_code"]
