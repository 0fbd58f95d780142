"""What the front door gives as the shapes of the tools: limited in size, and plain about what was not found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from spinecho.ui.mcp import shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spinecho.answering import facet_counts, lists, results, studies

MOST_REPORT = 20_000
"""Characters of a report in one answer."""
MOST_QUOTE = 2_000
"""Characters of a sentence, or of a header."""
_PLAN = ("wanted", "unwanted", "sides", "where", "identifiers", "corrected", "ignored")
MOST_SENTENCES = 10
MOST_SERIES = 20
MOST_IN_ALL = 60_000
"""Characters of all reports of an answer."""


def hits(found: results.Hits, *, by: Literal["words", "filter", "scans"]) -> shapes.Hits:
    """Hits with their evidence, and in words whether anything relevant was found. by: what they were found by."""
    listed = [_hit(one) for one in found]
    fitting = sum(one.fits for one in listed)
    kind, message = _found(len(listed), fitting, by)
    if listed and "fit" in found.plan:
        message += f" {_of_compared(found.plan)}"
    return shapes.Hits(
        found=kind, message=message, hits=listed, warnings=list(found.warnings),
        understood={name: _short(json.dumps(found.plan[name], ensure_ascii=False, default=str)) for name in _PLAN
                    if found.plan.get(name)},
        encoder=_short(str(found.encoder.get("name", ""))),
    )  # fmt: skip


def _found(listed: int, fitting: int, by: str) -> tuple[Any, str]:
    if not listed:
        return "nothing", (
            "Nothing was found. Use other words, or take a condition out of `where`; facets tells which values occur."
        )
    if by == "filter":
        return "relevant", f"{listed} studies that pass the filter, newest first; no words were asked for."
    if by == "scans":
        return "relevant", (
            f"{listed} studies, that whose scans are most alike first; `similarity` of the series says how alike. That "
            "scans look alike does not say that they show the same: read the reports."
        )
    if not fitting:
        return "only_alike", (
            f"Nothing relevant was found: none of these {listed} says what was asked. They are merely the most alike; "
            "do not present them as matches."
        )
    return "relevant", f"{fitting} of {listed} hits have evidence that says what was asked (`fits`)."


def _of_compared(plan: Mapping[str, Any]) -> str:
    """How many fit of all that were compared, of which the hits are the first; others may fit in a large archive."""
    return f"Of all {plan['compared']:,} that were compared, {plan['fit']:,} {'fits' if plan['fit'] == 1 else 'fit'}."


def reports(study: studies.Study, start: int) -> shapes.Reports:
    """The reports of a study, from a character on."""
    found = _reports(study, start)
    message = f"{len(found)} reports." if found else "No report of this study is in the archive."
    if any(one.next_start is not None for one in found):
        message += " Some are longer than one answer: ask again with start = next_start."
    if start and found and not any(one.quote for one in found):
        message = f"No report of this study is longer than {start} characters; give a smaller start."
    return shapes.Reports(study=summary(study), reports=found, message=message)


def opened(study: studies.Study) -> shapes.OpenedStudy:
    """A study with its series and the beginning of its reports."""
    return shapes.OpenedStudy(
        study=summary(study), series=[_series(one, None) for one in study.series], reports=_reports(study, 0)
    )


def count(found: lists.CohortCount) -> shapes.CohortCount:
    """A cohort's sizes, line by line."""
    steps = [
        shapes.Step(
            what=_short(str(one["what"])), kind=str(one["kind"]), studies=one["studies"], patients=one["patients"]
        )
        for one in found.attrition
    ]
    message = f"{found.studies} studies of {found.patients} patients pass every rule."
    if found.studies == 0:
        message = "No study passes every rule; steps tells which rule left none."
    return shapes.CohortCount(
        studies=found.studies, patients=found.patients, steps=steps, message=message, warnings=list(found.warnings)
    )


def facets(found: facet_counts.Facets, most: int) -> shapes.Facets:
    """Values by field, the first so many of each."""
    fields = [
        shapes.FieldValues(
            field=name,
            values=[
                shapes.Value(value=_short(str(one.value)), shown=one.shown, total=one.total) for one in some[:most]
            ],
            more=max(0, len(some) - most),
        )
        for name, some in found.items()
    ]
    message = f"{found.studies} studies pass the filter."
    if found.studies == 0:
        message = "No study passes the filter."
    return shapes.Facets(
        where=found.where, studies=found.studies, fields=fields, message=message, warnings=list(found.warnings)
    )


def summary(study: results.StudySummary) -> shapes.Study:
    """A study's own facts."""
    return shapes.Study(
        uid=study.uid, accession_number=study.accession_number, date=study.date.isoformat() if study.date else None,
        description=_short(study.description), sex=study.sex, age_years=study.age_years,
    )  # fmt: skip


def _hit(hit: results.Hit) -> shapes.Hit:
    return shapes.Hit(
        rank=hit.rank, score=hit.score, fits=hit.fits, study=None if hit.study is None else summary(hit.study),
        sentences=[
            shapes.Sentence(
                quote=_short(one.text), section=one.section, assertion=one.assertion, contradicts=one.contradicts,
                similarity=one.similarity,
            )
            for one in hit.sentences[:MOST_SENTENCES]
        ],
        series=[_series(one, one.similarity) for one in hit.series[:MOST_SERIES]],
        channels=dict(hit.channels), same_exam=list(hit.same_exam),
    )  # fmt: skip


def _series(one: results.SeriesSummary | studies.Series, similarity: float | None) -> shapes.Series:
    return shapes.Series(
        uid=one.uid, description=_short(one.description), sequence=one.sequence, plane=one.plane,
        body_region=one.body_region, contrast=one.contrast, similarity=similarity,
    )  # fmt: skip


def _reports(study: studies.Study, start: int) -> list[shapes.Report]:
    """Each from `start` on, until the answer is full: what has no room any more is empty, and says where it begins."""
    found, room = [], MOST_IN_ALL
    for one in study.reports:
        piece = one.text[start : start + min(MOST_REPORT, room)]
        room -= len(piece)
        end = start + len(piece)
        found.append(
            shapes.Report(
                quote=piece,
                characters=len(one.text),
                starts_at=start,
                next_start=end if end < len(one.text) else None,
                accession_number=one.accession_number,
                match=one.match,
            )
        )
    return found


def _short(text: str) -> str:
    """The same, cut where a header or a sentence is longer than any should be."""
    return text if len(text) <= MOST_QUOTE else text[: MOST_QUOTE - 1] + "…"
