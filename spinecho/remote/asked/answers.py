"""JSON of the API as the frozen values of the front door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from spinecho.answering.results import Hit, Hits, Prediction, Region, Sentence, SeriesSummary, StudySummary

Plain = Mapping[str, Any]


def hits_of(body: Plain, pictures: Mapping[str, bytes]) -> Hits:
    """Hits with their evidence; paths of files are never sent. pictures: PNG by address."""
    return Hits(
        tuple(_hit(one, pictures) for one in body["hits"]), tuple(body["warnings"]), body["plan"], body["seconds"],
        body["encoder"], body["searched"], body["weights"],
        {name: value for name, value in body.items() if name not in ("plan", "next", "left_out", "hits")}
        | {"hits": [_plain_hit(one) for one in body["hits"]]},
    )  # fmt: skip


def study_facts(one: Plain) -> tuple[str, str, date | None, str, str | None, float | None]:
    """The facts of a `StudySummary`, in its order."""
    return (
        one["uid"], one["accession_number"], None if one["date"] is None else date.fromisoformat(one["date"]),
        one["description"], one["sex"], one["age_years"],
    )  # fmt: skip


def _plain_hit(one: Plain) -> dict[str, Any]:
    """A hit as `Hits.to_json` has it: what the API adds is left out, and paths are empty."""
    series = [{name: value for name, value in some.items() if name != "uid"} | {"paths": []} for some in one["series"]]
    added = ("study", "sentences", "report", "key_image", "series")
    return {name: value for name, value in one.items() if name not in added} | {"series": series}


def _hit(one: Plain, pictures: Mapping[str, bytes]) -> Hit:
    return Hit(
        rank=one["rank"],
        score=one["score"],
        fits=one["fits"],
        study=None if one["study"] is None else StudySummary(*study_facts(one["study"])),
        series=tuple(_series(some) for some in one["series"]),
        sentences=tuple(
            Sentence(
                some["text"], some["section"], some["assertion"], some["contradicts"], some["similarity"],
                tuple((first, last) for first, last in passage.get("highlights", ())),
            )
            for some, passage in zip(one["sentences"], one["passages"], strict=True)
        ),
        report=one["report"],
        channels=dict(one["channels"]),
        key_image=pictures.get(one["key_image"] or ""),
        accession_number=one["accession_number"],
        same_exam=tuple(one["same_exam"]),
    )  # fmt: skip


def _series(one: Plain) -> SeriesSummary:
    region = one["region"]
    return SeriesSummary(
        one["uid"], one["description"], one["sequence"], one["plane"], one["body_region"], one["contrast"],
        one["similarity"],
        region=None if region is None else Region(
            tuple(region["box"]), {plane: (first, last) for plane, (first, last) in region["slices"].items()},
            region["similarity"],
        ),
        predicted=tuple(
            Prediction(some["task"], some["value"], some["score"], some["number"]) for some in one["predicted"]
        ),
    )  # fmt: skip
