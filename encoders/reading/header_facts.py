"""What a header says of its study and series, without its pixels, whatever kind of file it is of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinecho.encoders.acquisition.facts import Acquisition
from spinecho.encoders.acquisition.rules import describe
from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.dicom.dicom_facts import dicom_evidence, series_facts, study_facts
from spinecho.encoders.reading.dicom.frames import frames_of
from spinecho.encoders.reading.dicom.stacks import stacks_of
from spinecho.encoders.reading.headers import Header, SeriesFacts, StudyFacts
from spinecho.encoders.reading.nifti.series import (
    affine_of,
    kind_of_header,
    nifti_evidence,
    nifti_series_facts,
    nifti_study_facts,
)


def study_facts_of(header: Header) -> StudyFacts:
    """Study-level facts of a file."""
    return nifti_study_facts(header) if header.kind == "nifti" else study_facts(header)


def series_facts_of(header: Header) -> SeriesFacts:
    """Series-level facts of a file."""
    return nifti_series_facts(header) if header.kind == "nifti" else series_facts(header)


def acquisition_of(
    header: Header,
    *,
    key: str,
    spacing_mm: tuple[float, float, float] | None,
    n_echoes: int,
    is_localizer: bool,
) -> Acquisition | None:
    """How a stored volume was acquired, by one of its files' headers; None where the header does not tell which it is.

    is_localizer: slices in three planes, which one header cannot tell. Raises ReadError for a header without sense.
    """
    if header.kind == "nifti":
        affine, *_ = affine_of(header.detail)
        return describe(nifti_evidence(header, affine, tuple(header.detail["dims"]), kind_of_header(header)))
    frames = frames_of(header)
    if len(frames) > 1 and frames[0].tile < 0:
        frames = list(dict(stacks_of(frames))[key].frames) if key in dict(stacks_of(frames)) else []
    if not frames:
        return None
    frame = frames[len(frames) // 2]
    affine = np.eye(4)
    if frame.orientation is not None:
        affine[:3, 2] = np.cross(frame.orientation[:3], frame.orientation[3:])
    evidence = dicom_evidence(
        frame.facts,
        affine=affine,
        spacing_mm=spacing_mm or (1.0, 1.0, 1.0),
        sop_class=header.detail.get("sop_class", ""),
        is_three_plane=is_localizer,
        n_echoes=n_echoes,
    )
    return replace(describe(evidence), spacing_mm=spacing_mm)


def reads_alike(one: Header, other: Header) -> bool:
    """Whether two headers of the same bytes at two paths give the same volumes, facts and sentences.

    Names and folders are evidence of what a NIfTI file holds; False where it cannot be told.
    """
    if one.kind != other.kind or series_facts_of(one) != _with_uid(series_facts_of(other), one.series_uid):
        return False
    if one.kind == "dicom":
        return one.detail == other.detail
    if any(one.detail.get(name) != other.detail.get(name) for name in ("subject", "derivative", "data_stamp")):
        return False
    try:
        (one_affine, *_), (other_affine, *_) = affine_of(one.detail), affine_of(other.detail)
    except ReadError:
        return False
    shapes = [tuple(header.detail["dims"]) for header in (one, other)]
    kinds = [kind_of_header(header) for header in (one, other)]
    compared = [
        nifti_evidence(header, affine, shape, kind)
        for header, affine, shape, kind in zip((one, other), (one_affine, other_affine), shapes, kinds, strict=True)
    ]
    same = shapes[0] == shapes[1] and np.array_equal(one_affine, other_affine)
    return same and kinds[0] == kinds[1] and compared[0] == compared[1]


def _with_uid(facts: SeriesFacts, uid: str) -> SeriesFacts:
    return SeriesFacts(uid, facts.number, facts.description, facts.protocol)
