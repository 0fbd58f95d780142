"""The doors to reading: a file to its `Header`, the headers of one series to volumes, a path to volumes.

Light on purpose (numpy and the standard library, and a codec when a file needs one): these run in short-lived worker
processes. Only `ReadError` leaves `scan_file`, and `read_series` raises nothing about files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.dicom.directory import is_directory, refuse_directory
from spinecho.encoders.reading.dicom.scan import looks_like_dicom, scan_dicom
from spinecho.encoders.reading.dicom.series import read_dicom_series
from spinecho.encoders.reading.formats.known import format_of, header_of_voxels
from spinecho.encoders.reading.headers import FileFailure, Header, VolumeRead
from spinecho.encoders.reading.nifti.scan import has_nifti_name, looks_like_nifti, scan_nifti, scan_other_format
from spinecho.encoders.reading.nifti.series import read_nifti_series
from spinecho.encoders.reading.opening import GZIP, inflated_head, open_file
from spinecho.encoders.reading.other_files import noise_kind, refuse
from spinecho.encoders.reading.torn import joined

_DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima", ".dic"})
_HEAD = 540  # holds the DICOM preamble and a NIfTI-2 header


def scan_file(path: Path, *, root: Path) -> Header:
    """The header of one file; its pixels are not read.

    root: the archive's folder; UIDs of files that bring none are derived from the path below it.
    Raises ReadError with the Reason why this file cannot be indexed.
    """
    try:
        with open_file(path) as file:
            head = file.read(_HEAD)
        if not head:
            refuse(path, head)
        if has_nifti_name(path) or looks_like_nifti(head):
            return scan_nifti(path, root=root)
        if is_directory(head):
            refuse_directory(path)
        if looks_like_dicom(head):
            return scan_dicom(path, root=root)
        if path.suffix.lower() == ".gz" and head.startswith(GZIP) and looks_like_dicom(inflated_head(head, _HEAD)):
            return scan_dicom(path, root=root)
        if (other := format_of(path, head)) is not None:
            return scan_other_format(path, root=root, fields=other.fields(path))
        if (header := header_of_voxels(path)) is not None:
            raise ReadError(Reason.UNSUPPORTED_TYPE, f"the voxels that {header} describes, and read with it")
    except OSError as e:
        raise ReadError(Reason.UNREADABLE, f"the file could not be opened: {e.strerror}") from e
    if noise_kind(path, head):
        refuse(path, head)
    if path.suffix.lower() in _DICOM_SUFFIXES:
        raise ReadError(Reason.NOT_DICOM, "named like DICOM, but neither its preamble nor its first element are")
    refuse(path, head)


def read_series(headers: Sequence[Header], *, max_volumes: int = 8) -> Iterator[VolumeRead | FileFailure]:
    """The volumes of one series, one at a time, and a failure for every file that is in none.

    headers: all of one series (equal study_uid and series_uid), in any order, which changes nothing.
    max_volumes: of a longer series an evenly spaced subset is read, flagged VOLUMES_SAMPLED with the total in
    `notes["volumes_total"]`; the other files go with the nearest volume that is read.
    Every path comes out exactly once, in one `VolumeRead.paths` or one `FileFailure`. Where one file holds several
    volumes it comes with the first; the others have no paths and name the first in `notes["files_of"]`.
    """
    if max_volumes < 1:
        raise ValueError(f"max_volumes must be at least 1, not {max_volumes}")
    yield from read_dicom_series([h for h in headers if h.kind == "dicom"], max_volumes=max_volumes)
    yield from read_nifti_series([h for h in headers if h.kind == "nifti"], max_volumes=max_volumes)


def read_path(path: Path, *, max_volumes: int = 8) -> Iterator[VolumeRead | FileFailure]:
    """All volumes of a file, or of the files in a folder and below it, series by series."""
    if not path.is_dir() and not path.is_file():
        yield FileFailure(str(path), Reason.NOT_A_FILE, "neither a file nor a folder")
        return
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    root = path if path.is_dir() else path.parent
    series: dict[tuple[str, str], list[Header]] = defaultdict(list)
    for file in files:
        try:
            header = scan_file(file, root=root)
        except ReadError as e:
            yield FileFailure(str(file), e.reason, str(e))
            continue
        series[header.study_uid, header.series_uid].append(header)
    lone = {headers[0].path: headers[0] for headers in series.values() if len(headers) == 1}
    for header in joined(list(lone.values())):
        del series[header.study_uid, lone[header.path].series_uid]
        series[header.study_uid, header.series_uid].append(header)
    for headers in series.values():
        yield from read_series(headers, max_volumes=max_volumes)
