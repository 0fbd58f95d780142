"""The NIfTI files of one series to volumes: usually one file, with one volume for each index of its trailing axes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.acquisition.evidence import Evidence, component_of
from spinecho.encoders.acquisition.facts import Component
from spinecho.encoders.acquisition.rules import describe
from spinecho.encoders.acquisition.whole_words import words_of_folder, words_of_name
from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.formats.known import values_of
from spinecho.encoders.reading.formats.names import image_stem
from spinecho.encoders.reading.geometry import Matrix, canonical_axes, flipped, named_plane, permuted
from spinecho.encoders.reading.headers import FileFailure, Flag, Header, SeriesFacts, StudyFacts, VolumeRead
from spinecho.encoders.reading.nifti.bids import kept_entities
from spinecho.encoders.reading.nifti.kinds import Kind, kind_of, kind_of_values
from spinecho.encoders.reading.nifti.scan import TYPES
from spinecho.encoders.reading.opening import open_file, values_at
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.reading.volume_sampling import sampled

_UNIT_MM = {1: 1000.0, 3: 0.001}
_ISOTROPIC = 1.3
_ELSEWHERE = 0.7
"""Cosine of the angle, 45 degrees, by which an axis may differ between sform and qform."""
_OTHER_LENGTH = 0.05
_HALF_TURN = 3 * float(np.finfo(np.float32).eps)
"""What rounding may leave of 1 - b*b - c*c - d*d where the quaternion turns by 180 degrees, as in nibabel."""
_PARTS: dict[str, Component] = {"mag": "magnitude", "phase": "phase", "real": "real", "imag": "imaginary"}
"""Of the BIDS entity `part`."""
_ENTITIES = re.compile(
    r"(?<![A-Za-z0-9])(?:sub|ses|run|echo|part|space|res|den|dir|split|hemi|from|to|mode|cohort|sample|chunk|tpl|task)-"
    r"[A-Za-z0-9]+"
)


@dataclass(frozen=True, slots=True)
class _Plan:
    header: Header
    index: tuple[int, ...]
    key: str
    kind: Kind


def read_nifti_series(headers: Sequence[Header], *, max_volumes: int) -> Iterator[VolumeRead | FileFailure]:
    """The volumes of one series, one at a time, and a failure for each file that is in none of them."""
    plans: list[tuple[tuple[str, ...], _Plan]] = []
    for header in sorted(headers, key=lambda h: h.path):
        kind = kind_of_header(header)
        trailing = [range(d) for d in header.detail["dims"][3:]]
        many = any(len(axis) > 1 for axis in trailing)
        for index in product(*trailing):
            key = "v" + "-".join(str(i + 1) for i in index) if many else ""
            if len(headers) > 1:
                key = f"{Path(header.path).name}{'_' if key else ''}{key}"
            plans.append(((header.path,), _Plan(header, index, key, kind)))
    file = _OpenFile()
    yield from sampled(plans, lambda plan: (_read(plan, file), []), max_volumes=max_volumes)


class _OpenFile:
    """The inflated bytes of the file that was read last, since its volumes are asked for one after the other."""

    def __init__(self) -> None:
        self._path = ""
        self._data = b""
        self._values: tuple[str, NDArray[Any]] | None = None

    def values(self, header: Header) -> NDArray[Any]:
        """All stored values of a file of another format. Raises ReadError."""
        if self._values is None or self._values[0] != header.path:
            self._values = None
            self._values = header.path, values_of(Path(header.path), header.detail)
        return self._values[1]

    def inflated(self, path: str, size: int) -> bytes:
        """The first `size` bytes that a gzip file holds, never more. Raises ReadError."""
        if path != self._path:
            self._path, self._data = "", b""
            self._data = _inflate(Path(path), size)
            self._path = path
        return self._data


def _inflate(path: Path, size: int) -> bytes:
    parts: list[bytes] = []
    got = 0
    inflater = zlib.decompressobj(31)
    try:
        with open_file(path) as file:
            data = file.read(1 << 20)
            while got < size and data:
                part = inflater.decompress(data, size - got)
                parts.append(part)
                got += len(part)
                data = inflater.unconsumed_tail
                if inflater.eof:
                    data = inflater.unused_data or file.read(1 << 20)
                    inflater = zlib.decompressobj(31)
                elif not data:
                    data = file.read(1 << 20)
    except zlib.error as e:
        raise ReadError(Reason.DECODE_FAILED, f"the gzip stream is broken after {got} bytes") from e
    except OSError as e:
        raise ReadError(Reason.UNREADABLE, f"the file could not be read: {e.strerror}") from e
    if got < size:
        raise ReadError(Reason.TRUNCATED, f"{got} bytes where {size} were announced")
    return b"".join(parts)


def _voxels(header: Header, index: tuple[int, ...], file: _OpenFile) -> NDArray[Any]:
    """Stored values (i, j, k) of the volume at `index` of the trailing axes."""
    detail = header.detail
    dims = [*detail["dims"], 1][:3]
    if "format" in detail:
        place: Any = (..., *index)
        volume: NDArray[Any] = file.values(header)[place].reshape(dims, order="F")
        return volume
    dtype = np.dtype(detail["order"] + TYPES[detail["datatype"]])
    number, stride = 0, 1
    for i, d in zip(index, detail["dims"][3:], strict=True):
        number += i * stride
        stride *= d
    count = dims[0] * dims[1] * dims[2]
    start = detail["offset"] + number * count * dtype.itemsize
    if detail["gzip"]:
        whole = detail["offset"] + stride * count * dtype.itemsize
        values = np.frombuffer(file.inflated(header.path, whole), dtype, count, start)
    else:
        try:
            values = values_at(Path(header.path), dtype, count, start)
        except OSError as e:
            raise ReadError(Reason.UNREADABLE, f"the file could not be read: {e.strerror}") from e
        if values.size < count:
            raise ReadError(Reason.TRUNCATED, "the file is shorter than when its header was read")
    return values.reshape(dims, order="F")


def _read(plan: _Plan, file: _OpenFile) -> VolumeRead:
    header = plan.header
    detail = header.detail
    if plan.kind.reason is not None:  # a header that an earlier release kept
        raise ReadError(plan.kind.reason, plan.kind.message)
    stored = _voxels(header, plan.index, file)
    affine, affine_flags, notes = affine_of(detail)
    flags = {*detail.get("flags", ()), *affine_flags}
    order, flips = canonical_axes(affine)
    turned = stored[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    voxels = np.array(turned, np.float32, order="F")
    slope, intercept = detail["slope"], detail["intercept"]
    if slope and (slope, intercept) != (1.0, 0.0):
        voxels *= np.float32(slope)
        voxels += np.float32(intercept or 0.0)
    if not np.isfinite(voxels).all():
        notes["non_finite_voxels"] = int((~np.isfinite(voxels)).sum())
        np.nan_to_num(voxels, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        flags.add(Flag.NON_FINITE)
    if voxels.min() == voxels.max():
        raise ReadError(Reason.EMPTY_VOLUME, "every voxel has the same value")
    found = kind_of_values(stored, plan.kind, slope=slope or 1.0, intercept=(intercept or 0.0) if slope else 0.0)
    if isinstance(found, tuple):
        raise ReadError(*found)
    if found:
        flags.add(Flag.FEW_VALUES)
    notes |= detail.get("notes", {})
    if labels := detail.get("subject", {}).get("labels"):
        notes["labels"], notes["label_numbers"] = labels, detail["subject"].get("numbers", {})
    if entities := kept_entities(Path(header.path).name):
        notes["entities"] = entities
    if "sidecar_lost" in detail:
        notes["sidecar_lost"] = detail["sidecar_lost"]
    volume = Volume(voxels.transpose(order), permuted(flipped(affine, voxels.shape, flips), order))
    evidence = nifti_evidence(header, affine, stored.shape, plan.kind)
    return VolumeRead(
        study=nifti_study_facts(header),
        series=nifti_series_facts(header),
        key=plan.key,
        volume=volume,
        acquisition=describe(evidence),
        paths=(header.path,),
        flags=tuple(sorted(flags)),
        notes=notes,
    )


def kind_of_header(header: Header) -> Kind:
    """What a stored header says the file holds; see `nifti_kinds`."""
    return kind_of(header.detail["name"], header.detail, header.detail.get("sidecar", {}))


def nifti_study_facts(header: Header) -> StudyFacts:
    """Study-level facts: the subject of a BIDS name, and what the sidecar and the data set's tables say."""
    subject: dict[str, Any] = header.detail.get("subject", {})
    return StudyFacts(
        uid=header.study_uid,
        patient_id=header.detail.get("patient", subject_in(header.path)),  # of a de-identified archive a pseudonym
        description=str(header.detail.get("sidecar", {}).get("StudyDescription", "")),
        sex=subject.get("sex"),
        age_years=subject.get("age_years"),
    )


def subject_in(path: str) -> str:
    """The subject of a BIDS name, '' for another."""
    found = re.match(r"sub-([A-Za-z0-9]+)", Path(path).name)
    return found.group(1) if found else ""


def nifti_series_facts(header: Header) -> SeriesFacts:
    """Series-level facts: what the sidecar says, with the file's name for want of a description."""
    sidecar = header.detail.get("sidecar", {})
    return SeriesFacts(
        uid=header.series_uid,
        number=sidecar.get("SeriesNumber") if isinstance(sidecar.get("SeriesNumber"), int) else None,
        description=str(sidecar.get("SeriesDescription") or title_of(header)),
        protocol=str(sidecar.get("ProtocolName", "")),
    )


def title_of(header: Header) -> str:
    """The name of its file, as a title; of an archive that is de-identified what the door left of it."""
    return str(header.detail.get("title", image_stem(Path(header.path).name)))


def affine_of(detail: dict[str, Any]) -> tuple[Matrix, set[Flag], dict[str, Any]]:
    """The affine in mm: the sform, else the qform, else the voxel sizes alone (flagged when a code promised more).

    Raises ReadError AFFINE_INVALID where not even the voxel sizes make sense.
    """
    scale = _UNIT_MM.get(detail["units"] & 7, 1.0)
    flags: set[Flag] = set()
    if detail["sform"] > 0:
        rows = detail["rows"]
        if None not in rows:
            affine = np.vstack([np.array(rows, np.float64).reshape(3, 4) * scale, [0, 0, 0, 1]])
            if is_usable(affine):
                disagreement = _disagreement(affine, detail, scale)
                return affine, {Flag.GEOMETRY_SUSPECT} if disagreement else flags, disagreement
        flags.add(Flag.AFFINE_INVALID)
    sizes = detail["pixdim"][1:4]
    if detail["qform"] > 0:
        quaternion = _from_quaternion(detail, scale)
        if quaternion is not None:
            return quaternion, flags, {"affine_from": "qform"} if flags else {}
        flags.add(Flag.AFFINE_INVALID)
    usable = [abs(v) * scale for v in sizes if v]
    if len(usable) < min(3, len(detail["dims"])):
        raise ReadError(Reason.AFFINE_INVALID, "neither sform, qform nor voxel sizes can be used")
    spacing = np.array([*usable, 1.0, 1.0][:3])
    affine = np.diag([*spacing, 1.0])
    shape = np.array([*detail["dims"], 1, 1][:3])
    affine[:3, 3] = -(shape - 1) / 2 * spacing
    if not is_usable(affine):
        raise ReadError(Reason.AFFINE_INVALID, f"voxel sizes {sizes} cannot be")
    flags.add(Flag.AFFINE_INVALID if flags else Flag.GEOMETRY_SUSPECT)
    return affine, flags, {"affine_from": "voxel sizes"}


def _disagreement(affine: Matrix, detail: dict[str, Any], scale: float) -> dict[str, Any]:
    """Notes where the rest of the header contradicts the sform: left and right may be the other way round, or lengths
    be others. Voxel sizes that were left at 0 or 1 say nothing.
    """
    notes: dict[str, Any] = {}
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    sizes = np.array([abs(v or 0.0) for v in detail["pixdim"][1:4]]) * scale
    is_long = np.array([*detail["dims"], 1, 1][:3]) > 1
    is_other = is_long & (np.abs(sizes / lengths - 1) > _OTHER_LENGTH)
    if sizes.min() > 0 and not (sizes == scale).all() and is_other.any():
        notes["voxel_sizes"] = f"the header says {_by(sizes)} mm, its sform {_by(lengths)} mm: the sform was taken"
    other = _from_quaternion(detail, scale) if detail["qform"] > 0 else None
    if other is not None:
        turns = [affine[:3, :3] / lengths, other[:3, :3] / np.linalg.norm(other[:3, :3], axis=0)]
        if float((turns[0] * turns[1]).sum(axis=0).min()) < _ELSEWHERE:
            here, there = ("".join(_axis_names(turn)) for turn in turns)
            notes["orientation"] = f"the sform says {here}, the qform {there}: the sform was taken"
    return notes


def _by(sizes: NDArray[np.float64]) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes)


def _axis_names(directions: Matrix) -> list[str]:
    """Towards which side of the patient each voxel axis runs, as in "RAS"."""
    strongest = np.abs(directions).argmax(axis=0)
    return [("LR", "PA", "IS")[row][int(directions[row, axis] > 0)] for axis, row in enumerate(strongest)]


def is_usable(affine: Matrix) -> bool:
    """Finite, with voxels between a micrometre and a metre that span a volume."""
    if not np.isfinite(affine).all():
        return False
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() < 1e-3 or spacing.max() > 1e3:
        return False
    return abs(float(np.linalg.det(affine[:3, :3] / spacing))) > 1e-2


def _from_quaternion(detail: dict[str, Any], scale: float) -> Matrix | None:
    """Method 2 of the NIfTI standard; None where the fields cannot be used."""
    given, sizes = detail["quaternion"], detail["pixdim"]
    if None in given or None in sizes[:4]:
        return None
    b, c, d = given[:3]
    squared = 1.0 - (b * b + c * c + d * d)
    if squared < -1e-3:
        return None
    a = np.sqrt(squared) if squared > _HALF_TURN else 0.0
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    handed = np.array([1.0, 1.0, -1.0 if sizes[0] < 0 else 1.0])
    affine = np.eye(4)
    affine[:3, :3] = rotation * (np.abs(sizes[1:4]) * handed * scale)  # a sign here means nothing, but of the first
    affine[:3, 3] = np.array(given[3:]) * scale
    return affine if is_usable(affine) else None


def nifti_evidence(header: Header, affine: Matrix, shape: tuple[int, ...], kind: Kind) -> Evidence:
    """What a NIfTI file says about its acquisition: its sidecar, then, weakly, the words of its name and folders."""
    detail = header.detail
    sidecar: dict[str, Any] = detail.get("sidecar", {})

    def text(name: str) -> str:
        return str(sidecar.get(name, ""))

    def number(name: str, factor: float = 1.0) -> float | None:
        value = sidecar.get(name)
        return float(value) * factor if isinstance(value, int | float) and value > 0 else None

    def codes(name: str) -> tuple[str, ...]:
        return tuple(part for part in re.split(r"[\\_]", text(name).upper()) if part)

    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    axis = int(np.argmax(spacing))
    is_flat = spacing[axis] > _ISOTROPIC * np.delete(spacing, axis).max() or min(shape[:3]) == 1
    if min(shape[:3]) == 1:
        axis = int(np.argmin(shape[:3]))
    folder, _, file = detail["name"].rpartition("/")
    entities = kept_entities(file)
    return Evidence(
        series_text=text("SeriesDescription"),
        protocol=text("ProtocolName"),
        study_text=text("StudyDescription"),
        file_text=_file_text(folder, file),
        suffix_sequence=kind.sequence,
        is_computed=kind.is_computed or bool(detail.get("derivative")),
        body_part=text("BodyPartExamined"),
        coil=text("ReceiveCoilName"),
        agent=text("ContrastBolusIngredient") or _agent(file),
        image_type=codes("ImageType"),
        scanning_sequence=frozenset(codes("ScanningSequence")),
        variant=frozenset(codes("SequenceVariant")),
        options=frozenset(codes("ScanOptions")),
        sequence_name=text("SequenceName") or text("PulseSequenceName"),
        acquisition_type=text("MRAcquisitionType"),
        tr_ms=number("RepetitionTime", 1000.0),
        te_ms=number("EchoTime", 1000.0),
        ti_ms=number("InversionTime", 1000.0),
        flip_deg=number("FlipAngle"),
        echo_train=number("EchoTrainLength"),
        field=number("MagneticFieldStrength"),
        manufacturer=text("Manufacturer"),
        model=text("ManufacturersModelName"),
        plane=named_plane(affine[:3, axis].tolist()) if is_flat else "unknown",
        spacing_mm=tuple(float(v) for v in spacing),  # type: ignore[arg-type]
        component=_PARTS.get(entities.get("part", "")) or component_of({"image_type": "\\".join(codes("ImageType"))}),
        n_echoes=2 if "echo" in entities else 1,
    )


def _agent(file: str) -> str:
    """The contrast agent that a BIDS name declares (`ce-gadolinium`)."""
    agent = kept_entities(file).get("ce", "")
    return "" if agent.lower() in ("none", "no", "pre", "without", "0") else agent


def _file_text(folder: str, file: str) -> str:
    """The two nearest folders and the file name, in this order, each as words that are evidence in names."""
    parts = [words_of_folder(_ENTITIES.sub(" ", part)) for part in folder.split("/")[-2:]]
    return " | ".join([*parts, words_of_name(_ENTITIES.sub(" ", image_stem(Path(file).name)))])
