"""Voxels and affines against dcm2niix, on every real series that it can convert."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import nibabel
import numpy as np
import pytest

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.files import read_series, scan_file
from spinecho.encoders.reading.geometry import canonical_axes, flipped, permuted
from spinecho.encoders.reading.headers import VolumeRead
from spinecho.encoders.reading.volume import Volume

pytestmark = pytest.mark.slow

# Series that the two tools rightly see differently. Every other one has to agree, voxel by voxel.
NO_GEOMETRY = "the object has no position and no orientation, so each tool invents an origin"
EXCEPTIONS: dict[str, str] = {
    f"pydicom_data/emri_small/emri_small{suffix}": NO_GEOMETRY
    for suffix in ("", "_RLE", "_big_endian", "_jpeg_2k_lossless", "_jpeg_ls_lossless")
}


def _converter() -> Path:
    path = Path(sys.executable).parent / "dcm2niix"
    if not path.exists():
        pytest.skip("dcm2niix is not installed (pip install dcm2niix)")
    return path


def _canonical(voxels: np.ndarray, affine: np.ndarray) -> Volume:
    order, flips = canonical_axes(affine)
    turned = voxels[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    return Volume(turned.transpose(order), permuted(flipped(affine, voxels.shape, flips), order))


def _converted(folder: Path, out: Path) -> list[Volume]:
    arguments = ["-z", "n", "-b", "n", "-p", "n", "-m", "n", "-d", "0", "-f", "%s_%e_%r", "-o", str(out), str(folder)]
    subprocess.run([str(_converter()), *arguments], capture_output=True, check=False)
    volumes = []
    for file in sorted(out.glob("*.nii")):
        image = nibabel.load(file)
        data = np.asarray(image.dataobj, np.float32)
        data = data.reshape(*data.shape[:3], -1)
        volumes += [_canonical(data[..., i], image.affine) for i in range(data.shape[3])]
    return volumes


def _read(folder: Path) -> list[VolumeRead]:
    series = defaultdict(list)
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        try:
            header = scan_file(path, root=folder)
        except ReadError:
            continue
        series[header.study_uid, header.series_uid].append(header)
    results = [r for headers in series.values() for r in read_series(headers, max_volumes=1000)]
    return [r for r in results if isinstance(r, VolumeRead)]


def _agree(ours: Volume, theirs: Volume) -> str:
    """'' where they agree, else the first difference."""
    if ours.voxels.shape != theirs.voxels.shape:
        return f"shape {ours.voxels.shape} and {theirs.voxels.shape}"
    # The far corners, in mm: what a wrong spacing, direction or origin moves most.
    shape = np.array(ours.voxels.shape) - 1
    corners = np.array([[i, j, k, 1] for i in (0, shape[0]) for j in (0, shape[1]) for k in (0, shape[2])])
    apart = float(np.abs((ours.affine - theirs.affine) @ corners.T).max())
    if apart > 0.05:
        return f"corners {apart:.3f} mm apart"
    scale = max(1.0, float(np.abs(theirs.voxels).max()))
    off = float(np.abs(ours.voxels - theirs.voxels).max()) / scale
    return "" if off < 1e-5 else f"values {off:.2g} of the range apart"


def _folders(testdata: Path) -> list[Path]:
    return sorted(
        {p.parent for p in (testdata / "dicom").rglob("*") if p.is_file() and p.suffix != ".md"}
        - {testdata / "dicom" / "broken"}
    )


def test_volumes_agree_with_dcm2niix(testdata: Path, tmp_path: Path) -> None:
    _converter()
    report: dict[str, list[str]] = {}
    compared = 0
    for number, folder in enumerate(_folders(testdata)):
        name = folder.relative_to(testdata / "dicom").as_posix()
        out = tmp_path / str(number)
        out.mkdir()
        theirs = _converted(folder, out)
        ours = [r.volume for r in _read(folder)]
        problems = []
        if not theirs:
            problems.append("dcm2niix converts nothing")
        elif len(ours) != len(theirs):
            problems.append(f"{len(ours)} volumes and {len(theirs)}")
        unmatched = list(theirs)
        for volume in ours if theirs else ():
            differences = [_agree(volume, other) for other in unmatched]
            if "" in differences:
                unmatched.pop(differences.index(""))
                compared += 1
            elif differences:
                problems.append(differences[0])
        if problems:
            report[name] = problems
    unexpected = {name: problems for name, problems in report.items() if name not in EXCEPTIONS}
    assert not unexpected, json.dumps(unexpected, indent=1)
    assert set(EXCEPTIONS) <= set(report), "an exception that is none any more"
    assert compared >= 60
