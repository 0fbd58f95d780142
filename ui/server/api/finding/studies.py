"""Studies, their series and reports, and the picture of a series."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse, Response

from spinecho.db.values import SeriesCard
from spinecho.search.access.studies import OpenedSeries, OpenedStudy
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.paging import held
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.as_json import shapes
from spinecho.ui.server.api.finding.searching import study_plain

router = APIRouter(tags=["studies"])
Reads = Annotated[Asked, Depends(Needs("read", what="open a study"))]
Uid = Annotated[str, Path(max_length=64, pattern=r"^[0-9.]+$", description="StudyInstanceUID or SeriesInstanceUID")]
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "A PNG."}}


@router.get("/studies/{uid}", response_model=shapes.Study)
def study(asked: Reads, uid: Uid) -> Response:
    """A study with its series, which of them belong together, its reports, and its patient's other studies."""
    opened = _opened(asked, uid)
    found = study_plain(opened.card) | {
        "series": [series_plain(one, pictured=one.volume_id in opened.pictures) for one in opened.series],
        **_reports(opened),
        "same_exam": [study_plain(one) for one in opened.same_exam],
        "groups": [dataclasses.asdict(one) for one in opened.groups],
        "others": [
            study_plain(one.card)
            | {"days": one.days, "body_regions": list(one.regions), "same_region": one.same_region}
            for one in opened.others
        ],
    }
    return held(asked, JSONResponse(found))


@router.get("/studies/{uid}/series", response_model=list[shapes.Series])
def series_of(asked: Reads, uid: Uid) -> Response:
    """The series of a study, scans before computed images."""
    opened = _opened(asked, uid)
    found = [series_plain(one, pictured=one.volume_id in opened.pictures) for one in opened.series]
    return held(asked, JSONResponse(found))


@router.get("/studies/{uid}/reports", response_model=shapes.Reports)
def reports(asked: Reads, uid: Uid) -> Response:
    """The reports of a study as they came; withdrawn: how many are kept and not searched, by why."""
    return held(asked, JSONResponse({"study_uid": uid, **_reports(_opened(asked, uid))}))


@router.get("/series/{uid}", response_model=shapes.SeriesOpened)
def series(asked: Reads, uid: Uid) -> Response:
    """A series: what its headers say of how it was acquired, by which rule, and what heads predict of it."""
    opened = opened_series(asked, uid)
    found = series_plain(opened.card, pictured=True) | {
        "acquisition": {name: value for name, value in opened.acquisition.items() if name not in ("why", "rules")},
        "why": opened.acquisition.get("why", {}),
        "predicted": [dataclasses.asdict(one) for one in opened.predicted],
        "spots": opened.spots,
    }
    return held(asked, JSONResponse(found))


@router.get("/series/{uid}/thumbnail", response_class=Response, responses=PNG)
def thumbnail(asked: Reads, uid: Uid) -> Response:
    """The middle slice of a series."""
    png = asked.by_uid.picture(uid)
    if png is None:
        raise Unknown("there is no picture of such a series in this archive; search gives UIDs")
    return held(asked, Response(png, media_type="image/png"))


def opened_series(asked: Asked, uid: str) -> OpenedSeries:
    """Raises `Unknown`."""
    opened = asked.by_uid.series(uid)
    if opened is None:
        raise Unknown("no series of this UID is in the archive; the study's address lists its series")
    return opened


def series_plain(card: SeriesCard, *, pictured: bool) -> dict[str, Any]:
    """A series as JSON values."""
    return {
        "uid": card.uid, "number": card.number, "description": card.description, "sequence": card.sequence,
        "plane": card.plane, "body_region": card.body_region, "contrast": card.contrast,
        "field_strength_t": card.field_strength_t, "vendor": card.vendor, "derived": card.derived,
        "flags": list(card.flags), "volumes": card.n_volumes,
        "key_image": f"/api/v1/series/{card.uid}/thumbnail" if pictured else None,
    }  # fmt: skip


def _opened(asked: Asked, uid: str) -> OpenedStudy:
    opened = asked.by_uid.study(uid)
    if opened is None:
        raise Unknown("no study of this UID is in the archive; search gives UIDs as hits[0].study.uid")
    return opened


def _reports(opened: OpenedStudy) -> dict[str, Any]:
    found = [{"text": one.text, "accession_number": one.accession_number, "match": one.match} for one in opened.reports]
    return {"reports": found, "withdrawn": dict(opened.withdrawn)}
