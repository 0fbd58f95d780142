"""What a header says of its study and series, without its pixels, whatever kind of file it is of."""

from __future__ import annotations

import numpy as np

from spinecho.encoders.acquisition.evidence import series_facts, study_facts
from spinecho.encoders.errors import ReadError
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


def reads_alike(one: Header, other: Header) -> bool:
    """Whether two headers of the same bytes at two paths give the same volumes, facts and sentences.

    Names and folders are evidence of what a NIfTI file holds; False where it cannot be told.
    """
    if one.kind != other.kind or series_facts_of(one) != _with_uid(series_facts_of(other), one.series_uid):
        return False
    if one.kind == "dicom":
        return one.detail == other.detail
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
