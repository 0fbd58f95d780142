"""QIDO-RS: studies, series and objects by what is stored of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.dicomweb.accept import JSON, Offer, chosen
from spinecho.ui.server.api.dicomweb.addresses import ANSWERS, PREFIX, SeriesUid, StudyUid, base_of, objects_of
from spinecho.ui.server.api.dicomweb.attributes import instance_attributes, series_attributes, study_attributes
from spinecho.ui.server.api.dicomweb.matching import read_matching

router = APIRouter(prefix=PREFIX, tags=["dicomweb"], responses=ANSWERS)
Reads = Annotated[Asked, Depends(Needs("read", what="list studies"))]
Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many; a Warning header says that there are more.")]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Fuzzy = Annotated[str, Query(pattern="^(true|false)$", description="true is refused.")]
_JSON: dict[int | str, dict[str, Any]] = {200: {"content": {JSON: {}}, "description": "DICOM JSON (PS3.18, F.2)."}}


class Dicom(JSONResponse):
    """DICOM JSON."""

    media_type = JSON


@router.get("/studies", response_class=Dicom, responses=_JSON)
def studies(asked: Reads, limit: Limit = 100, offset: Offset = 0, fuzzymatching: Fuzzy = "false") -> Response:
    """Studies with DICOM files, newest first, by StudyInstanceUID, PatientID, AccessionNumber, StudyDate and others."""
    _json_only(asked)
    wanted, mine = read_matching(asked.request.query_params, "study"), objects_of(asked)
    found = mine.studies(wanted.match, limit=limit + 1, offset=offset)
    base = base_of(asked)
    return _page([study_attributes(one, base, patients=mine.names_patients) for one in found], limit)


@router.get("/series", response_class=Dicom, responses=_JSON)
def every_series(asked: Reads, limit: Limit = 100, offset: Offset = 0, fuzzymatching: Fuzzy = "false") -> Response:
    """Series of any study, with what their studies are."""
    return _series(asked, "", limit, offset)


@router.get("/studies/{study}/series", response_class=Dicom, responses=_JSON)
def series_of(
    asked: Reads, study: StudyUid, limit: Limit = 100, offset: Offset = 0, fuzzymatching: Fuzzy = "false"
) -> Response:
    """Series of a study."""
    return _series(asked, study, limit, offset)


@router.get("/instances", response_class=Dicom, responses=_JSON)
def every_instance(asked: Reads, limit: Limit = 1000, offset: Offset = 0, fuzzymatching: Fuzzy = "false") -> Response:
    """Objects of the one study that StudyInstanceUID names."""
    return _instances(asked, "", "", limit, offset)


@router.get("/studies/{study}/instances", response_class=Dicom, responses=_JSON)
def instances_of(
    asked: Reads, study: StudyUid, limit: Limit = 1000, offset: Offset = 0, fuzzymatching: Fuzzy = "false"
) -> Response:
    """Objects of a study."""
    return _instances(asked, study, "", limit, offset)


@router.get("/studies/{study}/series/{series}/instances", response_class=Dicom, responses=_JSON)
def instances_of_series(
    asked: Reads, study: StudyUid, series: SeriesUid, limit: Limit = 1000, offset: Offset = 0,
    fuzzymatching: Fuzzy = "false",
) -> Response:  # fmt: skip
    """Objects of a series."""
    return _instances(asked, study, series, limit, offset)


def _series(asked: Asked, study: str, limit: int, offset: int) -> Response:
    _json_only(asked)
    wanted, mine = read_matching(asked.request.query_params, "series", study=study), objects_of(asked)
    found = mine.series(wanted.match, uids=wanted.series, number=wanted.number, limit=limit + 1, offset=offset)
    base, patients = base_of(asked), mine.names_patients
    return _page([series_attributes(one, base, patients=patients, whole=not study) for one in found], limit)


def _instances(asked: Asked, study: str, series: str, limit: int, offset: int) -> Response:
    _json_only(asked)
    wanted = read_matching(asked.request.query_params, "instance", study=study, series=series)
    if len(wanted.match.study_uids) != 1:
        asked.access.note("dicom-instances", files=0)
        raise HTTPException(400, "objects are listed of one study: name its StudyInstanceUID")
    mine, (uid,) = objects_of(asked), wanted.match.study_uids
    those = mine.series(wanted.match, uids=wanted.series, number=wanted.number, limit=1000, offset=0)
    known = {one.card.uid for one in those}
    files = [
        one
        for one in mine.files(uid, series or None, action="dicom-instances")
        if one.series_uid in known and (not wanted.instances or one.sop_uid in wanted.instances)
    ]
    base = base_of(asked)
    return _page([instance_attributes(one, base) for one in files[offset : offset + limit + 1]], limit)


def _json_only(asked: Asked) -> None:
    chosen(asked.request, [Offer(JSON)])


def _page(found: list[Any], limit: int) -> Response:
    more = {"Warning": '299 spinecho "there are more; ask on with offset"'} if len(found) > limit else None
    return Dicom(found[:limit], headers=more)
