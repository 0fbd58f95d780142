"""One volume through every format: the voxels and the affine that its NIfTI original gives, in RAS+."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.files import read_path, scan_file
from spinecho.encoders.reading.headers import FileFailure, VolumeRead
from spinecho.encoders.tasks.image_tasks import digests_of

_PHILIPS = Path(nib.__file__).parent / "tests" / "data"


def _original(shape: tuple[int, ...] = (5, 7, 6)) -> nib.Nifti1Image:
    """Oblique, of uneven voxels, with no symmetry to hide a flip."""
    turn = np.array([[0.96, -0.2, 0.19], [0.22, 0.97, -0.1], [-0.16, 0.14, 0.977]])
    turn, _ = np.linalg.qr(turn)
    turn = turn * np.sign(np.diag(turn))
    affine = np.eye(4)
    affine[:3, :3] = turn * np.array([0.9, 1.1, 3.0])
    affine[:3, 3] = (-31.0, 12.5, 40.0)
    values = np.random.default_rng(7).integers(0, 1500, shape).astype(np.int16)
    return nib.Nifti1Image(values, affine)


def _as_nifti(image: nib.Nifti1Image, folder: Path) -> None:
    nib.save(image, folder / "scan.nii")


def _as_pair(image: nib.Nifti1Image, folder: Path) -> None:
    nib.save(nib.Nifti1Pair.from_image(image), folder / "scan.img")


def _as_pair_2(image: nib.Nifti1Image, folder: Path) -> None:
    nib.save(nib.Nifti2Pair.from_image(image), folder / "scan.img.gz")


def _as_mgz(image: nib.Nifti1Image, folder: Path) -> None:
    nib.save(nib.MGHImage(np.asarray(image.dataobj).astype(np.int32), image.affine), folder / "scan.mgz")


def _as_mgh(image: nib.Nifti1Image, folder: Path) -> None:
    nib.save(nib.MGHImage(np.asarray(image.dataobj).astype(np.float32), image.affine), folder / "scan.mgh")


def _nrrd_header(image: nib.Nifti1Image, encoding: str) -> dict[str, object]:
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    return {
        "space": "left-posterior-superior",
        "space directions": lps[:3, :3].T,
        "space origin": lps[:3, 3],
        "encoding": encoding,
        "kinds": ["domain"] * 3,
    }


def _as_nrrd(image: nib.Nifti1Image, folder: Path) -> None:
    nrrd.write(str(folder / "scan.nrrd"), np.asarray(image.dataobj), _nrrd_header(image, "gzip"))


def _as_nrrd_bzip2(image: nib.Nifti1Image, folder: Path) -> None:
    nrrd.write(str(folder / "scan.nrrd"), np.asarray(image.dataobj), _nrrd_header(image, "bzip2"))


def _as_nrrd_text(image: nib.Nifti1Image, folder: Path) -> None:
    nrrd.write(str(folder / "scan.nrrd"), np.asarray(image.dataobj), _nrrd_header(image, "ascii"))


def _as_nhdr(image: nib.Nifti1Image, folder: Path) -> None:
    header = _nrrd_header(image, "raw")
    nrrd.write(str(folder / "scan.nhdr"), np.asarray(image.dataobj), header, detached_header=True)


_BY_ITK = """
import sys, SimpleITK
SimpleITK.WriteImage(SimpleITK.ReadImage(sys.argv[1]), sys.argv[2], useCompression=sys.argv[3] == "compressed")
"""


def _by_itk(image: nib.Nifti1Image, path: Path, how: str) -> None:
    """In a process of its own: where SimpleITK was imported FAISS takes its vectors for SimpleITK's."""
    given = path.parent / "for_itk.nii"
    nib.save(image, given)
    subprocess.run([sys.executable, "-c", _BY_ITK, str(given), str(path), how], check=True)
    given.unlink()


def _as_mha(image: nib.Nifti1Image, folder: Path) -> None:
    _by_itk(image, folder / "scan.mha", "compressed")


def _as_mhd(image: nib.Nifti1Image, folder: Path) -> None:
    _by_itk(image, folder / "scan.mhd", "plain")


def _as_mhd_zraw(image: nib.Nifti1Image, folder: Path) -> None:
    _by_itk(image, folder / "scan.mhd", "compressed")


_WRITERS: dict[str, Callable[[nib.Nifti1Image, Path], None]] = {
    name.removeprefix("_as_"): function for name, function in list(globals().items()) if name.startswith("_as_")
}
_OTHERS = [name for name in _WRITERS if name != "nifti"]


def _volumes(folder: Path) -> list[VolumeRead]:
    items = list(read_path(folder))
    failures = [item for item in items if isinstance(item, FileFailure) and not item.reason.ignorable]
    assert not failures, failures
    return [item for item in items if isinstance(item, VolumeRead)]


def _compare(tmp_path: Path, name: str, image: nib.Nifti1Image) -> None:
    folders = tmp_path / "nifti", tmp_path / name
    for folder, writer in zip(folders, ("nifti", name), strict=True):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _WRITERS[writer](image, folder)
    (expected,), (found,) = _volumes(folders[0]), _volumes(folders[1])
    np.testing.assert_array_equal(found.volume.voxels, expected.volume.voxels)
    np.testing.assert_allclose(found.volume.affine, expected.volume.affine, atol=2e-4)
    assert found.paths[0].startswith(str(folders[1]))


@pytest.mark.parametrize("name", _OTHERS)
def test_a_volume_is_the_same_in_every_format(tmp_path: Path, name: str) -> None:
    _compare(tmp_path, name, _original())


@pytest.mark.parametrize("name", ["pair", "mgz", "nrrd", "mha"])
def test_axes_in_any_order_and_direction_come_out_in_the_same_place(tmp_path: Path, name: str) -> None:
    image = _original()
    for order, signs in list(product(permutations(range(3)), product((1, -1), repeat=3)))[::5]:
        orientation = np.array([[axis, sign] for axis, sign in zip(order, signs, strict=True)])
        _compare(tmp_path, name, image.as_reoriented(orientation))


@pytest.mark.parametrize("name", _OTHERS)
def test_a_real_scan_is_the_same_in_every_format(tmp_path: Path, testdata: Path, name: str) -> None:
    found = sorted((testdata / "nifti").glob("msd_task04_hippocampus/**/*.nii.gz"))
    original = nib.load(found[0])
    values = np.asarray(original.dataobj)
    _compare(tmp_path, name, nib.Nifti1Image(np.round(values / values.max() * 2000).astype(np.int16), original.affine))


@pytest.mark.parametrize("where", ["directions", "spacings"])
@pytest.mark.parametrize(
    ("unit", "mm", "known"),
    [("mm", 1, True), ("cm", 10, True), ("m", 1000, True), ("um", 1e-3, True), ("", 1, True), ("furlong", 1, False)],
)
def test_lengths_in_nrrd_are_in_its_units(tmp_path: Path, where: str, unit: str, mm: float, known: bool) -> None:
    image = _original()
    header = _nrrd_header(image, "raw")
    lengths = np.linalg.norm(image.affine[:3, :3], axis=0)
    if where == "directions":
        header |= {"space directions": header["space directions"] / mm, "space origin": header["space origin"] / mm}
        header["space units"] = [unit] * 3
    else:
        header = {"spacings": lengths / mm, "units": [unit] * 3, "encoding": "raw"}
    nrrd.write(str(tmp_path / "scan.nrrd"), np.asarray(image.dataobj), header)
    (read,) = _volumes(tmp_path)
    np.testing.assert_allclose(sorted(read.volume.spacing_mm), sorted(lengths), rtol=1e-3)
    if where == "directions":
        expected = nib.as_closest_canonical(image)
        np.testing.assert_allclose(read.volume.affine, expected.affine, atol=2e-3)
        assert ("GEOMETRY_SUSPECT" in read.flags, "units" in read.notes) == (not known, not known)


def test_a_metaimage_of_another_modality_is_none_of_mr(tmp_path: Path) -> None:
    _as_mha(_original(), tmp_path)
    plain = (tmp_path / "scan.mha").read_bytes()
    for modality, reason in (("MET_MOD_MR", None), ("MET_MOD_CT", Reason.NOT_MR), ("MET_MOD_NM", Reason.NOT_MR)):
        named = plain.replace(b"ElementType", b"Modality = " + modality.encode() + b"\nElementType", 1)
        (tmp_path / "scan.mha").write_bytes(named)
        (found,) = read_path(tmp_path)
        assert getattr(found, "reason", None) is reason


def test_gradients_that_come_first_in_nrrd_are_volumes(tmp_path: Path) -> None:
    image = _original()
    values = np.stack([np.asarray(image.dataobj), np.asarray(image.dataobj)[::-1]])
    header = _nrrd_header(image, "raw") | {"kinds": ["vector", "domain", "domain", "domain"]}
    header["space directions"] = np.vstack([np.full((1, 3), np.nan), header["space directions"]])  # type: ignore[list-item]
    nrrd.write(str(tmp_path / "dwi.nrrd"), values, header)
    first, second = _volumes(tmp_path)
    np.testing.assert_array_equal(first.volume.voxels, values[0])
    np.testing.assert_array_equal(second.volume.voxels, values[1])


def test_analyze_says_that_its_orientation_is_uncertain(tmp_path: Path) -> None:
    image = _original()
    nib.save(nib.Spm2AnalyzeImage(np.asarray(image.dataobj), np.diag([-2.0, 2.0, 3.0, 1.0])), tmp_path / "old.img")
    (tmp_path / "old.mat").unlink()  # SPM's own, which says more
    (found,) = _volumes(tmp_path)
    assert "GEOMETRY_SUSPECT" in found.flags
    assert "does not say" in found.notes["orientation"]
    assert found.volume.spacing_mm == (2.0, 2.0, 3.0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # nibabel leaves its file open
@pytest.mark.parametrize("par", ["phantom_EPI_asc_CLEAR_2_1.PAR", "phantom_varscale.PAR"])
def test_par_rec_of_a_real_scanner_is_what_nibabel_makes_of_it(tmp_path: Path, par: str) -> None:
    if not (_PHILIPS / par).exists() or not (_PHILIPS / par).with_suffix(".REC").exists():
        pytest.skip("nibabel's own test files are not installed with it")
    for ending in (".PAR", ".REC"):
        shutil.copy((_PHILIPS / par).with_suffix(ending), tmp_path)
    expected = nib.as_closest_canonical(nib.load(_PHILIPS / par))
    found = _volumes(tmp_path)[0]
    whole = np.asarray(expected.dataobj, np.float32)
    np.testing.assert_allclose(found.volume.voxels, whole[..., 0] if whole.ndim == 4 else whole, rtol=1e-5)
    np.testing.assert_allclose(found.volume.affine, expected.affine, atol=1e-3)
    assert found.acquisition.tr_ms == pytest.approx(2000, rel=0.5)


_PAR_HEADERS = sorted({path.stem for path in _PHILIPS.glob("*.PAR")} - {"T1_dual_echo"})  # large, and like others


@pytest.mark.filterwarnings("ignore::UserWarning")  # it warns of headers that announce more than they describe
@pytest.mark.parametrize("name", _PAR_HEADERS or [""])
def test_every_real_par_header_is_read_as_nibabel_reads_it_or_says_why_not(tmp_path: Path, name: str) -> None:
    if not name:
        pytest.skip("nibabel's own test files are not installed with it")
    shutil.copy(_PHILIPS / f"{name}.PAR", tmp_path)
    with (_PHILIPS / f"{name}.PAR").open(encoding="latin-1") as file:
        header = nib.parrec.PARRECHeader.from_fileobj(file, permit_truncated=True, strict_sort=True)
    rows, columns = header.get_data_shape()[:2]
    count = rows * columns * len(header.image_defs)
    (np.arange(count) % 1009).astype(header.get_data_dtype()).tofile(tmp_path / f"{name}.REC")
    items = list(read_path(tmp_path, max_volumes=100))
    if len(set(header.image_defs["slice orientation"].tolist())) > 1:  # of which nibabel makes nothing either
        (why,) = [item for item in items if isinstance(item, FileFailure) and item.path.endswith(".PAR")]
        assert (why.reason, "several directions" in why.message) == (Reason.NOT_READ, True)
        return
    image = nib.parrec.load(tmp_path / f"{name}.PAR", permit_truncated=True, strict_sort=True)
    expected = nib.as_closest_canonical(nib.Nifti1Image(np.asarray(image.dataobj, np.float32), image.affine))
    image.dataobj.file_like.close()
    whole = np.asarray(expected.dataobj).reshape(*expected.shape[:3], -1)
    found = [item for item in items if isinstance(item, VolumeRead)]
    assert len(found) == whole.shape[3]
    for n, volume in enumerate(found):
        np.testing.assert_allclose(volume.volume.voxels, whole[..., n], rtol=1e-5)
        np.testing.assert_allclose(volume.volume.affine, expected.affine, atol=1e-3)


def test_a_compressed_dicom_file_is_the_file(tmp_path: Path, testdata: Path) -> None:
    source = sorted((testdata / "dicom").glob("*/**/*.dcm"))
    read = next(one for one in source if "broken" not in one.parts and _volumes_of(one))
    (tmp_path / "IM1.dcm.gz").write_bytes(gzip.compress(read.read_bytes()))
    (expected,), (found,) = _volumes_of(read), _volumes(tmp_path)
    np.testing.assert_array_equal(found.volume.voxels, expected.volume.voxels)
    assert found.study == expected.study


def _volumes_of(path: Path) -> list[VolumeRead]:
    return [item for item in read_path(path) if isinstance(item, VolumeRead)]


@pytest.mark.parametrize(
    "line", ["ElementDataFile = ../secret.raw", "ElementDataFile = /etc/passwd", "ElementDataFile = LIST"]
)
def test_voxels_elsewhere_are_not_looked_for(tmp_path: Path, line: str) -> None:
    (tmp_path / "secret.raw").write_bytes(bytes(range(8)) * 8)
    folder = tmp_path / "in"
    folder.mkdir()
    header = f"ObjectType = Image\nNDims = 3\nDimSize = 4 4 4\nElementType = MET_UCHAR\n{line}\n"
    (folder / "a.mhd").write_text(header)
    with pytest.raises(ReadError) as error:
        scan_file(folder / "a.mhd", root=folder)
    assert error.value.reason is Reason.NOT_READ


def test_a_header_of_more_than_there_is_costs_no_memory(tmp_path: Path) -> None:
    header = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 4000 4000 100\nencoding: gzip\nendian: little\n\n"
    (tmp_path / "a.nrrd").write_bytes(header + gzip.compress(bytes(1000)))
    (failure,) = list(read_path(tmp_path))
    assert isinstance(failure, FileFailure)
    assert failure.reason is Reason.TRUNCATED
    (tmp_path / "a.nrrd").write_bytes(header.replace(b"4000 4000", b"400000 4000"))
    with pytest.raises(ReadError) as error:
        scan_file(tmp_path / "a.nrrd", root=tmp_path)
    assert error.value.reason is Reason.TOO_LARGE


def test_the_digest_of_a_header_counts_its_voxels_in(tmp_path: Path) -> None:
    _as_pair(_original(), tmp_path)
    path = str(tmp_path / "scan.hdr")
    before = digests_of([path])
    (tmp_path / "scan.img").write_bytes((tmp_path / "scan.img").read_bytes()[::-1])
    assert digests_of([path]) != before


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("name", ["pair", "mgh", "mgz", "nrrd", "nhdr", "mha", "mhd", "par"])
def test_only_typed_errors_leave_a_reader_of_torn_files(tmp_path: Path, name: str, data: st.DataObject) -> None:
    folder = tmp_path / "torn"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if name == "par":
        if not (_PHILIPS / "phantom_EPI_asc_CLEAR_2_1.PAR").exists():
            pytest.skip("nibabel's own test files are not installed with it")
        shutil.copy(_PHILIPS / "phantom_EPI_asc_CLEAR_2_1.PAR", folder)
        (folder / "phantom_EPI_asc_CLEAR_2_1.REC").write_bytes(bytes(4096))
    else:
        _WRITERS[name](_original((3, 4, 3)), folder)
    files = sorted(folder.iterdir())
    path = files[data.draw(st.integers(0, len(files) - 1))]
    content = bytearray(path.read_bytes())
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=6)):
        content[at % len(content)] = value
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]) if data.draw(st.booleans()) else content)
    for item in read_path(folder):
        assert isinstance(item, VolumeRead | FileFailure)
