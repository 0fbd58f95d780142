"""What all routes of DICOMweb have in common: where they stand, UIDs, and what they answer beside the usual."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Path

from spinecho.errors import SettingsError
from spinecho.search.access.objects import Objects
from spinecho.ui.server.api.around.asking import Asked
from spinecho.ui.server.api.around.problems import MEDIA

PREFIX = "/dicomweb"
ADDRESS = "SPINECHO_DICOMWEB_URL"
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
    return Objects(asked.archive)


def base_of(asked: Asked) -> str:
    """The address under which studies stand: by SPINECHO_DICOMWEB_URL, else as the client calls this server."""
    given: str = asked.request.app.state.dicomweb_url
    return given or f"{str(asked.request.base_url).rstrip('/')}{PREFIX}"


def read_address(environment: Mapping[str, str] = os.environ) -> str:
    """SPINECHO_DICOMWEB_URL, '' without. Raises `SettingsError`."""
    given = environment.get(ADDRESS, "").rstrip("/")
    if given and not re.fullmatch(rf"https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._/-]*)?{PREFIX}", given):
        raise SettingsError(f"{ADDRESS}={given[:200]!r}: give https://NAME{PREFIX}, as viewers call it")
    return given
