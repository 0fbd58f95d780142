"""The files behind an address, and what reading them says: typed answers for what is not here, changed or broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spinecho.db.errors import FilesChanged
from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.tasks.object_tasks import Named
from spinecho.search.access.objects import ObjectFile
from spinecho.ui.server.api.around.asking import Asked
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.dicomweb.addresses import objects_of

_CHANGED = "the file is no longer the one that was indexed; run 'spinecho index' again"


def files_of(
    asked: Asked, study: str, series: str | None = None, instance: str | None = None, *, action: str
) -> list[ObjectFile]:
    """At least one, with a row of the record. Raises `Unknown`."""
    mine = objects_of(asked)
    found = mine.files(study, series, instance, action=action)
    if found:
        return found
    if mine.known(study) and not mine.files(study, action=action):
        raise Unknown(
            "this study has no DICOM files: its scans came as NIfTI, which /api/v1/series/UID/volume.nii gives"
        )
    raise Unknown("nothing of this UID is in the archive; a search under /dicomweb/studies gives UIDs")


def named(file: ObjectFile) -> Named:
    """As reading processes are told of it."""
    return file.path, file.size, file.study_uid, file.series_uid, file.sop_uid


def sound(value: dict[str, Any]) -> bool:
    """Whether a message is about a file that could be read."""
    return not value.get("changed") and "reason" not in value


def raise_unsound(value: dict[str, Any]) -> None:
    """Raise `FilesChanged` or `ReadError` for a message that is about another."""
    if value.get("changed"):
        raise FilesChanged(_CHANGED)
    if "reason" in value:
        raise ReadError(Reason(value["reason"]), str(value["message"]))


def partly(values: Sequence[dict[str, Any]]) -> tuple[int, dict[str, str]]:
    """(status, headers) of an answer about several files: 206 where some are left out. Raises where all are."""
    lost = [one for one in values if not sound(one)]
    if not lost:
        return 200, {}
    if len(lost) == len(values):
        raise_unsound(lost[0])
    return 206, {"Warning": f'299 spinecho "{len(lost)} of {len(values)} objects cannot be read and are left out"'}
