"""Whom a report's row or object names beside its text: asked for where reports are de-identified.

(kind, value) by the kinds of `deidentifying.known`. Every format that has fields beside the text gives them: rows and
JSON by the names of their fields here, HL7, FHIR and CDA in modules of their own; of DICOM the door asks for all.
"""

from __future__ import annotations

import re
from typing import Any

from spinecho.encoders.reading.personal_fields import Named, named_in_fields
from spinecho.indexer.reports.report_facts import exam_key

_MODALITY = re.compile(r"\b(?:mri?|mrt|irm|rmn?|ct|magnet\w*)\b", re.IGNORECASE)


def people_of_row(row: Any) -> tuple[Named, ...]:
    """Of a row by its columns, or a JSON object; a `name` that is an exam's is nobody's."""
    return tuple(
        (kind, value)
        for kind, value in named_in_fields(row)
        if not (kind == "name" and _MODALITY.search(value) and exam_key(value))
    )
