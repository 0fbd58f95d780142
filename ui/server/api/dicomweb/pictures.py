"""WADO-RS: frames as stored values, and as pictures for the eye."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from spinecho.encoders.tasks.object_tasks import frames_task, rendered_task
from spinecho.search.access.objects import ObjectFile
from spinecho.setup.wiring import read_objects
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.dicomweb.accept import JPEG, MULTIPART, OCTETS, PNG, Offer, chosen
from spinecho.ui.server.api.dicomweb.addresses import ANSWERS, PREFIX, InstanceUid, SeriesUid, StudyUid
from spinecho.ui.server.api.dicomweb.files import files_of, named, raise_unsound
from spinecho.ui.server.api.dicomweb.multipart import Part, related

router = APIRouter(prefix=PREFIX, tags=["dicomweb"], responses=ANSWERS)
Reads = Annotated[Asked, Depends(Needs("read", what="open a study"))]
_INSTANCE = "/studies/{study}/series/{series}/instances/{instance}"
PLAIN = "1.2.840.10008.1.2.1"
_OFFERS = (Offer(MULTIPART, OCTETS, PLAIN), Offer(OCTETS, syntax=PLAIN))
_FRAMES: dict[int | str, dict[str, Any]] = {
    200: {"content": {MULTIPART: {}, OCTETS: {}}, "description": "Stored values, little-endian, not compressed."}
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {JPEG: {}, PNG: {}}, "description": "A picture."}
}  # fmt: skip
Frame = Annotated[int, Path(ge=1, le=200_000, description="From 1.")]
Window = Annotated[str, Query(max_length=60, description="centre,width,linear in the values that the file means.")]
Viewport = Annotated[str, Query(max_length=20, description="At most so many columns,rows.")]
Quality = Annotated[int, Query(ge=1, le=100, description="Of a JPEG.")]
_NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,6})?"
_WINDOW = re.compile(rf"({_NUMBER}),({_NUMBER})(?:,linear)?", re.IGNORECASE)
_VIEWPORT = re.compile(r"([0-9]{1,4}),([0-9]{1,4})")


@router.get(_INSTANCE + "/frames/{frames}", response_class=Response, responses=_FRAMES)
def frames_of(
    asked: Reads, study: StudyUid, series: SeriesUid, instance: InstanceUid,
    frames: Annotated[str, Path(max_length=4000, pattern=r"^[1-9][0-9]{0,5}(,[1-9][0-9]{0,5})*$", description="1,2,5")],
) -> Response:  # fmt: skip
    """Some frames, each a part, in the order asked for."""
    numbers = [int(one) for one in frames.split(",")]
    if len({*numbers}) < len(numbers):
        raise HTTPException(400, "a frame is named more than once; name each once (PS3.18, 10.4)")
    offer = chosen(asked.request, _OFFERS if len(numbers) == 1 else _OFFERS[:1])
    file = _file(asked, study, series, instance, max(numbers), "dicom-frames")
    return _sent(file, numbers, offer)


@router.get(_INSTANCE + "/bulkdata/" + "7FE00010", response_class=Response, responses=_FRAMES)
def pixels(asked: Reads, study: StudyUid, series: SeriesUid, instance: InstanceUid) -> Response:
    """All pixels, frame by frame."""
    offer = chosen(asked.request, _OFFERS)
    return _sent(_file(asked, study, series, instance, 1, "dicom-frames"), [], offer)


@router.get(_INSTANCE + "/rendered", response_class=Response, responses=_PICTURE)
def rendered(
    asked: Reads, study: StudyUid, series: SeriesUid, instance: InstanceUid, window: Window = "",
    viewport: Viewport = "", quality: Quality = 90,
) -> Response:  # fmt: skip
    """The first frame for the eye, JPEG or PNG."""
    return _rendered(asked, study, series, instance, 1, window, viewport, quality)


@router.get(_INSTANCE + "/frames/{frame}/rendered", response_class=Response, responses=_PICTURE)
def rendered_frame(
    asked: Reads, study: StudyUid, series: SeriesUid, instance: InstanceUid, frame: Frame, window: Window = "",
    viewport: Viewport = "", quality: Quality = 90,
) -> Response:  # fmt: skip
    """A frame for the eye, JPEG or PNG."""
    return _rendered(asked, study, series, instance, frame, window, viewport, quality)


def _rendered(
    asked: Asked, study: str, series: str, instance: str, number: int, window: str, viewport: str, quality: int
) -> Response:
    offer = chosen(asked.request, [Offer(JPEG), Offer(PNG)])
    options: dict[str, Any] = {"media": offer.media, "quality": quality}
    if window:
        centre, width = _two(_WINDOW, window, "window is CENTRE,WIDTH,linear with a width of 1 or more")
        options["window"] = (centre, width)
        if width < 1:
            raise HTTPException(400, "window is CENTRE,WIDTH,linear with a width of 1 or more")
    if viewport:
        across, down = _two(_VIEWPORT, viewport, "viewport is COLUMNS,ROWS, from 1 to 9999")
        if not (across and down):
            raise HTTPException(400, "viewport is COLUMNS,ROWS, from 1 to 9999")
        options["viewport"] = (int(across), int(down))
    file = _file(asked, study, series, instance, number, "dicom-picture")
    facts, held = read_objects(rendered_task(named(file), number, options))[0]
    raise_unsound(facts)
    _within(number, facts.get("beyond", number))
    return Response(held[0], media_type=offer.media)


def _sent(file: ObjectFile, numbers: list[int], offer: Offer) -> Response:
    messages = read_objects(frames_task(named(file), numbers))
    for facts, _ in messages:
        raise_unsound(facts)
        _within(max(numbers, default=1), facts.get("beyond", max(numbers, default=1)))
    if not offer.within:
        return Response(b"".join(held[0] for _, held in messages), media_type=OCTETS)
    parts = (Part(f"{OCTETS}; transfer-syntax={PLAIN}", len(held[0]), [held[0]]) for _, held in messages)
    return related(parts, OCTETS)


def _file(asked: Asked, study: str, series: str, instance: str, number: int, action: str) -> ObjectFile:
    (file, *_) = files_of(asked, study, series, instance, action=action)
    _within(number, file.frames)
    return file


def _within(number: int, count: int) -> None:
    if number > count:
        raise Unknown(f"there is no frame {number}: there are 1 to {count}")


def _two(pattern: re.Pattern[str], text: str, usage: str) -> tuple[float, float]:
    found = pattern.fullmatch(text)
    if found is None:
        raise HTTPException(400, usage)
    return float(found[1]), float(found[2])
