"""What all routes of DICOMweb have in common: where they stand, UIDs, and what they answer beside the usual."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path

from spinecho.search.access.objects import Objects
from spinecho.ui.server.api.asking import Asked
from spinecho.ui.server.api.problems import MEDIA

PREFIX = "/dicomweb"
_UID = {"max_length": 64, "pattern": r"^[0-9.]+$"}
StudyUid = Annotated[str, Path(**_UID, description="StudyInstanceUID")]
SeriesUid = Annotated[str, Path(**_UID, description="SeriesInstanceUID")]
InstanceUid = Annotated[str, Path(**_UID, description="SOPInstanceUID")]
ANSWERS: dict[int | str, dict[str, Any]] = {
    406: {
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "description": "It is not given as any of the media types in Accept.",
    }
}


def objects_of(asked: Asked) -> Objects:
    """The person's way to DICOM objects."""
    return Objects(asked.desk)


def base_of(asked: Asked) -> str:
    """The address under which studies stand, as the client calls this server."""
    return f"{str(asked.request.base_url).rstrip('/')}{PREFIX}"
