"""Searching: with words, with a study or a spot of it, with a scan that is sent."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, File, Form, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from spinecho.answering.connection import read_where
from spinecho.answering.results import Hit, hits_of
from spinecho.db.filters.algebra import Filter
from spinecho.errors import QueryError, SpinechoError
from spinecho.search.access.personal_archive import digest_of
from spinecho.search.answers.hits import Results, results_json
from spinecho.search.query import Evidence, ImageQuery, Kind, Query, SpotQuery, StudyQuery, TextQuery
from spinecho.setup.boxes import read_box
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.limits import MOST_DEEP
from spinecho.ui.server.api.around.metrics import stages_seen
from spinecho.ui.server.api.around.paging import Place, cursor_of, place_of
from spinecho.ui.server.api.around.turns import taken_in_turn
from spinecho.ui.server.api.as_json import shapes
from spinecho.ui.server.api.finding.uploads import read_upload

router = APIRouter(tags=["searching"])
Reads = Annotated[Asked, Depends(Needs("read", what="search"))]
Answer = TypeVar("Answer")
_PICTURES = 3


async def asked_in_turn(asked: Asked, work: Callable[[], Answer]) -> Answer:
    """What `work` makes in a thread, once it is its turn. The seconds waited are in `asked.request.state.waited`."""

    def timed(waited: float) -> Answer:
        asked.request.state.waited = waited
        return work()

    return await taken_in_turn(asked.service, timed)


def in_turn(endpoint: Callable[..., Answer]) -> Callable[..., Awaitable[Answer]]:
    """An endpoint, with the parameter `asked`, that waits for its turn."""

    @functools.wraps(endpoint)
    async def waits(asked: Asked, **given: Any) -> Answer:
        return await asked_in_turn(asked, functools.partial(endpoint, asked, **given))

    return waits


@router.post("/search", response_model=shapes.Hits)
@in_turn
def search(asked: Reads, body: shapes.SearchAsked) -> JSONResponse:
    """Studies, or reports, that fit words, best first; without words those that pass the filter, newest first.

    "no X" and -X leave out what affirms X; accession numbers, UIDs and dates are answered by exact match. refine: by
    your thumbs on the same words and filter. on, off: conditions that `plan` offered, turned on or off.
    """
    where = read_where(body.where, include_derived=body.include_derived)
    good, bad = thumbs_for(asked, body, where)
    query = TextQuery(
        body.words, Evidence(body.by), like=None if body.like is None else StudyQuery(body.like), good=good, bad=bad,
        on=keys_of(body.on), off=keys_of(body.off), as_typed=body.as_typed,
    )  # fmt: skip
    return page_of(asked, query, where, Kind(body.want), body.k, body.cursor, body.model_dump(exclude={"cursor", "k"}))


def thumbs_for(asked: Asked, body: shapes.SearchAsked, where: Filter) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(what fits, what does not): those that the body names, and with refine those that are kept."""
    good, bad = tuple(body.good), tuple(body.bad)
    if body.refine:
        verdicts = asked.archive.verdicts(body.words, where)
        good += tuple(uid for uid, verdict in verdicts.items() if verdict > 0)
        bad += tuple(uid for uid, verdict in verdicts.items() if verdict < 0)
    return good, bad


@router.post("/similar", response_model=shapes.Hits)
@in_turn
def similar(asked: Reads, body: shapes.SimilarAsked) -> JSONResponse:
    """Studies that look like one that is here, or like a spot of it; with `reports` the reports of such studies."""
    query: Query = StudyQuery(body.study, body.other_patients)
    if body.box is not None:
        query = SpotQuery(_box(body.box), study_uid=body.study, series_uid=body.series)
    want = Kind.REPORT if body.reports else Kind.STUDY
    question = body.model_dump(exclude={"cursor", "k"})
    return page_of(asked, query, read_where(body.where), want, body.k, body.cursor, question)


@router.post("/similar/scan", response_model=shapes.Hits)
async def similar_scan(
    asked: Reads,
    files: Annotated[list[UploadFile], File(description="DICOM files, a zip of them, or one NIfTI file.")],
    words: Annotated[str, Form(max_length=20_000, description="What hits are to fit besides.")] = "",
    box: Annotated[str, Form(max_length=200, description="R0,A0,S0,R1,A1,S1, or i0:i1,j0:j1,k0:k1.")] = "",
    where: Annotated[str, Form(max_length=1_000_000)] = "",
    k: Annotated[int, Form(ge=1, le=MOST_DEEP)] = 10,
    reports: Annotated[bool, Form()] = False,
) -> JSONResponse:
    """Studies that look like a scan that is sent, which is read in a child process and not kept: all on one page."""
    chosen = read_where(where)
    if box and words.strip():
        raise QueryError("a spot is searched for without words; leave one of box and words out")
    scan, left_out = await run_in_threadpool(scan_of, asked, files, box or None)
    query: Query = TextQuery(words, like=scan) if words.strip() and isinstance(scan, ImageQuery) else scan
    want = Kind.REPORT if reports else Kind.STUDY
    return await asked_in_turn(asked, functools.partial(page_of, asked, query, chosen, want, k, None, None, left_out))


def scan_of(asked: Asked, files: list[UploadFile], box: str | None) -> tuple[ImageQuery | SpotQuery, list[str]]:
    """The query that files make, and why some were left out; reading takes no turn. Raises as `read_upload`."""
    try:
        return read_upload(files, box, asked.archive.preparation)
    except SpinechoError as error:
        asked.archive.note("search", kind="scan", failed=type(error).__name__)
        raise


def page_of(
    asked: Asked, query: Query, where: Filter, want: Kind, k: int, cursor: str | None,
    question: Mapping[str, Any] | None, left_out: list[str] | None = None,
) -> JSONResponse:  # fmt: skip
    """A page of hits. question: what its cursors belong to, None where there is one page alone."""
    place = Place() if question is None else place_of(asked, question, cursor)
    until = min(place.offset + k, MOST_DEEP)  # the last page may be a shorter one
    results, beside = asked.archive.search_listed(query, want=want, k=until, where=where, most=_PICTURES)
    moment = _moment(results, query)
    place.require(moment)
    hits = hits_of(results, beside.pictures)
    state = asked.request.state
    state.stages = {"waiting": getattr(state, "waited", 0.0), **results.seconds}
    state.plan = str(results.plan.way) if results.plan is not None else type(query).__name__
    stages_seen(results.seconds)
    body = _body(results, hits.hits, place.offset)
    more = results.more and until < MOST_DEEP
    body["next"] = cursor_of(asked, question, until, moment) if more and question is not None else None
    body["left_out"] = left_out or []
    return JSONResponse(body)


def _moment(results: Results, query: Query) -> str:
    """What decides the order of an answer besides its question: the archive's moment, and the thumbs that moved it.

    Which builds serve a moment changes no answer, see `Engine.reading`.
    """
    rated = (query.good, query.bad) if isinstance(query, TextQuery) else ()
    return digest_of(repr((results.snapshot.partition("@")[0], rated)))


def _body(results: Results, hits: tuple[Hit, ...], offset: int) -> dict[str, Any]:
    """As `spinecho search --json`, with what the front door's hits have; without paths, which may say who it is."""
    plain = results_json(results)
    plain["plan"] = plain["query"]
    plain["hits"] = [_hit(one, hit) for one, hit in zip(plain["hits"][offset:], hits[offset:], strict=True)]
    return plain


def _hit(plain: dict[str, Any], hit: Hit) -> dict[str, Any]:
    series = [{name: value for name, value in one.items() if name != "paths"} for one in plain["series"]]
    pictured = hit.key_image is not None and series
    return plain | {
        "study": None if hit.study is None else study_plain(hit.study),
        "series": [{"uid": one["series_uid"], **one} for one in series],
        "sentences": [
            {"text": one.text, "section": one.section, "assertion": one.assertion, "contradicts": one.contradicts,
             "similarity": one.similarity} for one in hit.sentences
        ],
        "report": hit.report,
        "key_image": f"/api/v1/series/{series[0]['series_uid']}/thumbnail" if pictured else None,
    }  # fmt: skip


def study_plain(study: Any) -> dict[str, Any]:
    """A study's own facts, without the patient's ID."""
    return {
        "uid": study.uid, "accession_number": study.accession_number, "date": study.date and study.date.isoformat(),
        "description": study.description, "sex": study.sex, "age_years": study.age_years,
    }  # fmt: skip


def _box(text: str) -> Any:
    if ":" in text:
        raise QueryError(
            f"box={text[:80]!r} is in voxels: of an indexed study give fractions, as in 0.5,0.4,0.3,0.7,0.6,0.5"
        )
    return read_box(text, (1, 1, 1))


def keys_of(given: list[str]) -> tuple[str, ...]:
    """Conditions as they are compared."""
    return tuple(" ".join(key.casefold().split()) for key in given)
