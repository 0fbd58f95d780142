"""Whom a report's row or object names beside its text: asked for where reports are de-identified.

(kind, value) by the kinds of `deidentifying.known`. Every format that has fields beside the text gives them: rows and
JSON by the names of their fields here, HL7, FHIR and CDA in modules of their own; of DICOM the door asks for all.
"""

from __future__ import annotations

import re
from typing import Any

from spinecho.encoders.reading.personal_fields import Named, named_in_fields
from spinecho.indexer.reports.report_facts import exam_key

_AN_EXAM = re.compile(
    r"\b(?:(?-i:MR)|mri|mrt|irm|rmn?|ct|magnet\w*|left|right|links|rechts|contrast|nativ\w*|kontrastmittel|scans?|stud(?:y|ies)|exam\w*)\b",
    re.IGNORECASE,
)
"""Beside a part of the body, in a `name`: "Mr Hand" is somebody."""


def people_of_row(row: Any) -> tuple[Named, ...]:
    """Of a row by its columns, or a JSON object; a `name` that is an exam's is nobody's."""
    return tuple(
        (kind, value)
        for kind, value in named_in_fields(row)
        if not (kind == "name" and _AN_EXAM.search(value) and exam_key(value))
    )
