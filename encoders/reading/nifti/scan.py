"""A NIfTI file's header to a `Header` (NIfTI-1 and NIfTI-2, nifti.nimh.nih.gov).

The header is read here, without nibabel, since every file of an archive passes through; voxels are read later.
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.headers import Flag, Header
from spinecho.encoders.reading.nifti.bids import is_derivative
from spinecho.encoders.reading.nifti.kinds import kind_of
from spinecho.encoders.reading.nifti.sidecar import read_sidecar
from spinecho.encoders.reading.nifti.subject_tables import as_json, subject_of
from spinecho.encoders.reading.opening import open_file, stamp_of
from spinecho.encoders.reading.uids import derived_uid, relative_name

_SIZES = {348: 1, 540: 2}
_GZIP = b"\x1f\x8b"
_COLOURS = frozenset({128, 2304})
# datatype code -> numpy type
TYPES: dict[int, str] = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_COMPLEX = frozenset({32, 1792, 2048})
_MAX_BYTES = 1 << 33
_MOST_VOLUMES = 100_000
_BIDS_NAME = re.compile(r"(sub-[A-Za-z0-9]+)(?:_(ses-[A-Za-z0-9]+))?(?:_|\.)")


def has_nifti_name(path: Path) -> bool:
    """True for .nii and .nii.gz."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def looks_like_nifti(head: bytes) -> bool:
    """True for a NIfTI header in a single file (magic n+1 or n+2), in either byte order."""
    return head[344:348] == b"n+1\0" or head[4:8] == b"n+2\0"


def scan_nifti(path: Path, *, root: Path) -> Header:
    """The header of a NIfTI file. Raises ReadError."""
    with open_file(path) as file:
        start = file.read(2)
        file.seek(0)
        is_gzip = start == _GZIP
        head = _inflated_head(file.read(1 << 14)) if is_gzip else file.read(544)
        file.seek(0, 2)
        size = file.tell()
    if not looks_like_nifti(head):
        if path.name.lower().endswith(".gz") and not is_gzip:
            raise ReadError(Reason.NOT_GZIP, "named .gz, but neither gzip nor plain NIfTI")
        raise ReadError(Reason.NOT_NIFTI, "without the NIfTI magic (n+1 or n+2)")
    fields = _fields(head)
    _check(fields, None if is_gzip else size)
    return image_header(path, root=root, fields={**fields, "gzip": is_gzip})


def scan_other_format(path: Path, *, root: Path, fields: dict[str, Any]) -> Header:
    """The header of a file of another format, whose fields are named as those of NIfTI. Raises ReadError."""
    _check(fields, None)
    if "data" in fields:  # else a header that stays the same would hide that its voxels have changed
        fields = {**fields, "data_stamp": stamp_of(path.parent / fields["data"])}
    return image_header(path, root=root, fields=fields)


def image_header(path: Path, *, root: Path, fields: dict[str, Any]) -> Header:
    """A `Header` of what the file says, what its sidecar says, and what its name says. Raises ReadError."""
    name = relative_name(path, root)
    sidecar = read_sidecar(path)
    kind = kind_of(name, fields, sidecar.values)
    if kind.reason is not None:
        raise ReadError(kind.reason, kind.message)
    study, is_linked = _study_name(name)
    detail: dict[str, Any] = {**fields, "name": name}
    known = {**detail.pop("facts", {}), **sidecar.values}  # what a header of another format says, and what is beside it
    if known:
        detail["sidecar"] = known
    if subject := as_json(subject_of(path)):
        detail["subject"] = subject
    if is_derivative(path):
        detail["derivative"] = True
    if sidecar.lost:
        detail["sidecar_lost"] = list(sidecar.lost)
    flags = {
        Flag.NO_STUDY_LINK: not is_linked,
        Flag.CHARSET_GUESSED: sidecar.charset_guessed,
        Flag.SIDECAR_SUSPECT: bool(sidecar.lost),
        Flag.GEOMETRY_SUSPECT: "notes" in fields,
    }
    if any(flags.values()):
        detail["flags"] = [str(flag) for flag, is_set in flags.items() if is_set]
    return Header(
        path=str(path),
        kind="nifti",
        study_uid=derived_uid("study", study),
        series_uid=derived_uid("series", name),
        sop_uid=derived_uid("instance", name),
        detail=detail,
    )


def _inflated_head(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(data, 544)
    except zlib.error as e:
        raise ReadError(Reason.NOT_GZIP, "the gzip stream is broken at its start") from e


def _fields(head: bytes) -> dict[str, Any]:
    """The header's fields that reading needs, as plain JSON values."""
    for order in "<>":
        version = _SIZES.get(struct.unpack(order + "i", head[:4])[0])
        if version is not None:
            break
    else:
        raise ReadError(Reason.NOT_NIFTI, "a header size that is neither 348 nor 540")
    if len(head) < (348 if version == 1 else 540):
        raise ReadError(Reason.TRUNCATED, "the file ends within its header")

    def take(form: str, at: int) -> list[Any]:
        return list(struct.unpack_from(order + form, head, at))

    if version == 1:
        dims, (intent,), (datatype,) = take("8h", 40), take("h", 68), take("h", 70)
        pixdim, (offset, slope, intercept) = take("8f", 76), take("3f", 108)
        qform, sform, quaternion, rows = *take("2h", 252), take("6f", 256), take("12f", 280)
        units, description, aux = head[123], head[148:228], head[228:252]
    else:
        (datatype,), dims, pixdim = take("h", 12), take("8q", 16), take("8d", 104)
        (offset,), (slope, intercept) = take("q", 168), take("2d", 176)
        qform, sform, quaternion, rows = *take("2i", 344), take("6d", 352), take("12d", 400)
        (units,), (intent,), description = take("i", 500), take("i", 504), head[240:320]
        aux = head[320:344]
    return {
        "order": order,
        "dims": dims[1 : 1 + max(0, min(7, dims[0]))],
        "datatype": datatype,
        "pixdim": [_json(v) for v in pixdim],
        # In a single file the voxels cannot start within the header: some writers leave the offset at 0.
        "offset": max(int(offset), 352 if version == 1 else 544) if 0 <= offset < 1 << 40 else -1,
        "slope": _json(slope),
        "intercept": _json(intercept),
        "qform": qform,
        "sform": sform,
        "quaternion": [_json(v) for v in quaternion],
        "rows": [_json(v) for v in rows],
        "units": int(units),
        "intent": intent,
        "description": description.split(b"\0")[0].decode("ascii", "replace").strip(),
        "aux": aux.split(b"\0")[0].decode("ascii", "replace").strip(),
    }


def _json(value: float) -> float | None:
    """A finite number, None for what JSON cannot say."""
    return float(value) if abs(value) < float("inf") else None


def _check(fields: dict[str, Any], size: int | None) -> None:
    dims, datatype = fields["dims"], fields["datatype"]
    if datatype in _COLOURS:
        raise ReadError(Reason.COLOUR_IMAGE, "a colour picture, not MR intensities")
    if datatype not in TYPES and datatype not in _COMPLEX:
        raise ReadError(Reason.NOT_NIFTI, f"datatype {datatype} is none that Spinecho reads")
    if len(dims) < 2 or any(d < 1 for d in dims) or fields["offset"] < 0:
        raise ReadError(Reason.NOT_NIFTI, f"dimensions {dims} cannot be")
    samples = 1
    for d in dims:
        samples *= d
    width = int(TYPES[datatype][1]) if datatype in TYPES else 8
    if samples * width > _MAX_BYTES:
        raise ReadError(Reason.TOO_LARGE, f"{samples} voxels: more than {_MAX_BYTES >> 20} MB")
    if samples // (dims[0] * dims[1] * (dims[2] if len(dims) > 2 else 1)) > _MOST_VOLUMES:
        raise ReadError(Reason.TOO_LARGE, f"dimensions {dims}: more than {_MOST_VOLUMES} volumes")
    if datatype in _COMPLEX:
        raise ReadError(Reason.UNSUPPORTED_TYPE, "complex-valued NIfTI; store magnitude instead")
    if size is not None and fields["offset"] + samples * width > size:
        raise ReadError(Reason.TRUNCATED, f"{size} bytes where {fields['offset'] + samples * width} were announced")


def _study_name(name: str) -> tuple[str, bool]:
    """What the study UID derives from, and whether it links files: BIDS subject and session, else the lone file."""
    folders, _, file = name.rpartition("/")
    match = _BIDS_NAME.match(file)
    if match is None:
        return name, False
    subject, session = match.groups()
    parts = folders.split("/") if folders else []
    data_set = parts[: parts.index(subject)] if subject in parts else parts
    return "/".join([*data_set, subject, *([session] if session else [])]), True
