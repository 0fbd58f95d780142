"""WADO-RS: files as they are stored, their headers as JSON, and large values by themselves."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from spinecho.db.errors import FilesChanged
from spinecho.encoders.tasks.object_tasks import check_task, metadata_task, value_task, wrapped_task
from spinecho.search.access.objects import SEES_PATIENTS, ObjectFile
from spinecho.setup.wiring import read_objects
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.dicomweb.accept import DICOM, JSON, MULTIPART, OCTETS, Offer, accepted, chosen
from spinecho.ui.server.api.dicomweb.addresses import (
    ANSWERS,
    PREFIX,
    InstanceUid,
    SeriesUid,
    StudyUid,
    base_of,
    objects_of,
)
from spinecho.ui.server.api.dicomweb.files import files_of, named, partly, raise_unsound, sound
from spinecho.ui.server.api.dicomweb.multipart import Part, related
from spinecho.ui.server.api.dicomweb.searches import Dicom

router = APIRouter(prefix=PREFIX, tags=["dicomweb"], responses=ANSWERS)
Reads = Annotated[Asked, Depends(Needs("read", what="open a study"))]
Retrieves = Annotated[Asked, Depends(Needs("read", SEES_PATIENTS, "retrieve files, which say whose they are"))]
_PARTIAL = "Some of it: a Warning header says how many objects cannot be read."
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {MULTIPART: {}}, "description": "DICOM files as stored (PS3.10)."},
    206: {"content": {MULTIPART: {}}, "description": _PARTIAL},
}
_HEADERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSON: {}}, "description": "DICOM JSON (PS3.18, F.2)."},
    206: {"content": {JSON: {}}, "description": _PARTIAL},
}
_VALUE: dict[int | str, dict[str, Any]] = {
    200: {"content": {MULTIPART: {}, OCTETS: {}}, "description": "The bytes of the element."}
}
_CHUNK = 1 << 20
PIXELS = "7FE00010"


@router.get("/studies/{study}", response_class=Response, responses=_FILES)
def study_files(asked: Retrieves, study: StudyUid) -> Response:
    """All files of a study."""
    return _retrieved(asked, study, None, None)


@router.get("/studies/{study}/series/{series}", response_class=Response, responses=_FILES)
def series_files(asked: Retrieves, study: StudyUid, series: SeriesUid) -> Response:
    """All files of a series."""
    return _retrieved(asked, study, series, None)


@router.get("/studies/{study}/series/{series}/instances/{instance}", response_class=Response, responses=_FILES)
def instance_file(asked: Retrieves, study: StudyUid, series: SeriesUid, instance: InstanceUid) -> Response:
    """One file."""
    return _retrieved(asked, study, series, instance)


@router.get("/studies/{study}/metadata", response_class=Dicom, responses=_HEADERS)
def study_metadata(asked: Reads, study: StudyUid) -> Response:
    """Headers of a study."""
    return _metadata(asked, study, None, None)


@router.get("/studies/{study}/series/{series}/metadata", response_class=Dicom, responses=_HEADERS)
def series_metadata(asked: Reads, study: StudyUid, series: SeriesUid) -> Response:
    """Headers of a series."""
    return _metadata(asked, study, series, None)


@router.get(
    "/studies/{study}/series/{series}/instances/{instance}/metadata", response_class=Dicom, responses=_HEADERS
)  # fmt: skip
def instance_metadata(asked: Reads, study: StudyUid, series: SeriesUid, instance: InstanceUid) -> Response:
    """The header of one object."""
    return _metadata(asked, study, series, instance)


@router.get(
    "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{tag}", response_class=Response, responses=_VALUE
)  # fmt: skip
def value(
    asked: Retrieves, study: StudyUid, series: SeriesUid, instance: InstanceUid,
    tag: Annotated[str, Path(pattern="^[0-9A-F]{8}$", description="As BulkDataURI has it; pixels: 7FE00010.")],
) -> Response:  # fmt: skip
    """A large value of a header. Pixels are given to all who may open the study, by /frames."""
    offer = chosen(asked.request, [Offer(MULTIPART, OCTETS), Offer(OCTETS)])
    (file, *_) = files_of(asked, study, series, instance, action="dicom-value")
    facts, held = read_objects(value_task(named(file), int(tag, 16)))[0]
    raise_unsound(facts)
    if facts.get("missing"):
        raise Unknown("this object has no such binary element")
    if not offer.within:
        return Response(held[0], media_type=OCTETS)
    return related([Part(OCTETS, len(held[0]), [held[0]])], OCTETS)


def _retrieved(asked: Asked, study: str, series: str | None, instance: str | None) -> Response:
    takes = accepted(asked.request)
    offer = takes.chosen([Offer(MULTIPART, DICOM)])
    files = files_of(asked, study, series, instance, action="dicom-files")
    facts = [value for value, _ in read_objects(check_task([named(one) for one in files]))]
    status, headers = partly(facts)
    kept = [(file, value) for file, value in zip(files, facts, strict=True) if sound(value)]
    if not all(takes.takes(offer, value["syntax"]) for _, value in kept):
        stored = ", ".join(sorted({value["syntax"] for _, value in kept}))
        raise HTTPException(406, f"files are given as they are stored, in {stored}: ask with transfer-syntax=*")
    parts = (_part(file, value["syntax"], bare=value["bare"]) for file, value in kept)
    return related(parts, DICOM, status=status, headers=headers)


def _part(file: ObjectFile, syntax: str, *, bare: bool) -> Part:
    media = f"{DICOM}; transfer-syntax={syntax}"
    if bare:
        facts, held = read_objects(wrapped_task(named(file)))[0]
        raise_unsound(facts)
        return Part(media, len(held[0]), [held[0]])
    return Part(media, file.size, _pieces(file))


def _pieces(file: ObjectFile) -> Iterator[bytes]:
    """The bytes of a file that has been looked at; raises `FilesChanged` where it changes meanwhile."""
    try:
        with os.fdopen(os.open(file.path, os.O_RDONLY | os.O_NONBLOCK), "rb") as held:
            about = os.fstat(held.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size != file.size:
                raise FilesChanged("a file changed while it was sent")
            left = file.size
            while left and (piece := held.read(min(_CHUNK, left))):
                left -= len(piece)
                yield piece
    except OSError:
        raise FilesChanged("a file changed while it was sent") from None
    if left:
        raise FilesChanged("a file changed while it was sent")


def _metadata(asked: Asked, study: str, series: str | None, instance: str | None) -> Response:
    chosen(asked.request, [Offer(JSON)])
    files = files_of(asked, study, series, instance, action="dicom-headers")
    everything = objects_of(asked).names_patients
    task = metadata_task([named(one) for one in files], base=base_of(asked), everything=everything)
    facts = [value for value, _ in read_objects(task)]
    status, headers = partly(facts)
    return Dicom([value["metadata"] for value in facts if sound(value)], status, headers)
