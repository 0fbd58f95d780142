"""The list of results: one component that draws every row, so that a list is one element and keys work at once.

Words from outside reach the browser as JSON and are set as text nodes (parts/results.js): never Markdown, never HTML.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spinecho.db.values import PredictedFact
from spinecho.search.access.desk import Desk
from spinecho.search.answers.hits import Hit, PassageHit, Results, SeriesHit
from spinecho.search.planning.query_plan import PlanChip, Way
from spinecho.search.query import Kind
from spinecho.ui.views.components.component import registered
from spinecho.ui.views.study.page import study_title

_NOTHING = "nothing relevant found"
_SHOWN = 4
_FAINT = 0.6
"""A sentence with less than this share of the best one's similarity is not what put the study there."""
_NEUTRAL = frozenset({"header", "technique", "comparison"})
"""Sections that affirm and deny nothing; a sentence of theirs is shown for the words in it."""
_BARS = {"scan": ("image", "regions", "spot"), "text": ("report", "header"), "words": ("words",)}
_AGAINST = {
    "absent": "the report denies it", "side": "the other side", "opposite": "the opposite grade",
    "place": "another place", "size": "another size", "family": "of a relative", "abnormal": "the report finds one",
}  # fmt: skip
SHORTCUTS = (
    ("/", "to the search box"),
    ("j  k  or  ↓  ↑", "next, previous result"),
    ("Enter", "open the study"),
    ("m", "more like this one"),
    ("x", "pick for comparing (up to four)"),
    ("u  d", "fits, does not fit"),
)
"""(key, what it does), for the sheet of shortcuts."""


def result_list(data: Mapping[str, Any], on_act: Callable[[], None]) -> None:
    """Draw the list; what a person does there is in `done("results")` while `on_act` runs."""
    registered("results", '<div class="results"></div>')(key="results", data=dict(data), on_act_change=on_act)


def list_data(
    results: Results,
    desk: Desk,
    *,
    filters: Sequence[Mapping[str, str]],
    verdicts: Mapping[str, int],
    refined: bool,
    picked: Sequence[int],
    most: int,
    place: str = "",
) -> dict[str, Any]:
    """Everything the list shows. verdicts: this person's thumbs by study UID; place: the token of the search, by which
    a browser finds the place again where the list was left.
    """
    beside = desk.listed(results, most=_SHOWN)
    tops = {
        bar: max((_channel(hit, names) for hit in results.hits), default=0.0) or 1.0 for bar, names in _BARS.items()
    }
    if results.plan is not None and results.plan.way is Way.EXCLUSIONS:
        tops = {}  # a list is no ranking: nothing to compare
    want = str(results.query.get("want", Kind.STUDY))
    fitting = int(results.query.get("fitting", most))
    nothing = any(warning.startswith(_NOTHING) for warning in results.warnings)
    return {
        "want": want,
        "chips": [_chip(chip) for chip in (results.plan.chips if results.plan else ())],
        "filters": [dict(one) for one in filters],
        "corrected": results.plan.corrected if results.plan else "",
        "ignored": [f"{one.text}: {one.why}" for one in (results.plan.ignored if results.plan else ())],
        "place": place,
        "no_thumbs": _why_no_thumbs(results, want),
        "nothing": nothing,
        "notes": [warning for warning in results.warnings if not warning.startswith(_NOTHING)],
        "said": _summary(results, want),
        "weighed": results.weights.get("why", ""),
        "thumbs": sum(1 for verdict in verdicts.values() if verdict),
        "refined": refined,
        "picked": list(picked),
        "more": len(results.hits) == int(results.query.get("k", 0)) < min(most, fitting),
        "hits": [
            _row(
                hit,
                beside.pictures,
                beside.priors.get(hit.study.id, 0) if hit.study else 0,
                verdicts,
                tops,
                ranked=results.plan is not None and results.plan.way is Way.WORDS,
            )
            for hit in results.hits
        ],
    }


def _chip(chip: PlanChip) -> dict[str, Any]:
    return {
        "kind": chip.kind, "text": chip.text, "label": chip.field.replace("_", " "), "key": chip.key, "on": chip.on,
        "why": chip.why,
    }  # fmt: skip


def _why_no_thumbs(results: Results, want: str) -> str:
    """Why a thumb would do nothing here; '' where it does something."""
    if want == Kind.REPORT:
        return "Thumbs refine searches for studies"
    if results.plan is None:
        return "Thumbs refine words: type some beside the example"
    return _NO_THUMBS.get(results.plan.way, "")


_NO_THUMBS = {
    Way.IDENTIFIERS: "These studies were named: there is nothing to refine",
    Way.FILTERS: "Thumbs refine words: type some beside the filters",
    Way.EXCLUSIONS: "Thumbs refine what is looked for; this search only leaves out",
    Way.REPORT: "Thumbs refine words; this was a whole report",
}


def study_name(hit: Hit) -> str:
    """Date, age, sex, description and accession number, as far as they are known."""
    if hit.study is None:
        number = hit.report.accession_number if hit.report else ""
        return f"Report without a study {number}".strip()
    return study_title(hit.study)


def _summary(results: Results, want: str) -> str:
    count = len(results.hits)
    noun = {"study": "studies", "report": "reports"}[want] if count != 1 else want
    way = results.plan.way if results.plan else Way.WORDS
    fitting = int(results.query.get("fitting", count))
    of = f"{count} of {fitting:,}" if fitting > count else f"{count}"
    noun = {"study": "studies", "report": "reports"}[want] if fitting != 1 else want
    if way is Way.IDENTIFIERS:
        return f"{of} {noun}, as named"
    if way is Way.FILTERS:
        return f"{of} {noun} that pass, newest first" if fitting else f"no {noun} pass"
    if way is Way.EXCLUSIONS:
        return f"{of} {noun} that do not affirm it: those that deny it in words first, then the newest"
    milliseconds = sum(results.seconds.values()) * 1000
    learned = results.query.get("learned")
    also = f" · from your thumbs: {', '.join(learned)}" if learned else ""
    fit = sum(hit.fits for hit in results.hits)
    told = f"{count} {noun}" if fit == count else f"{fit} of {count} {noun} fit"
    weighed = f" · scans count {results.weights['scans']:.2f} ({results.weights['from']})" if results.weights else ""
    return f"{told} · {results.searched:,} vectors compared · {milliseconds:.0f} ms{weighed}{also}"


def _row(
    hit: Hit,
    pictures: Mapping[int, bytes],
    priors: int,
    verdicts: Mapping[str, int],
    tops: Mapping[str, float],
    *,
    ranked: bool,
) -> dict[str, Any]:
    study = hit.study
    return {
        "rank": hit.rank,
        "fits": hit.fits,
        "study": study.id if study else None,
        "uid": study.uid if study else "",
        "name": study_name(hit),
        "priors": priors,
        "verdict": verdicts.get(study.uid, 0) if study else 0,
        "report": hit.report.text if hit.report else "",
        "series": [_series(series, pictures) for series in hit.series[:_SHOWN]],
        "more_series": max(len(hit.series) - _SHOWN, 0),
        "sentences": [_sentence(found, ranked=ranked) for found in _telling(hit.passages)],
        "where": _where(hit.series[0]) if hit.series else "",
        "bars": [
            {"name": bar, "value": round(value, 3), "share": round(max(value, 0.0) / tops[bar], 3)}
            for bar, names in _BARS.items()
            if bar in tops and (value := _channel(hit, names))
        ],
    }


def _series(series: SeriesHit, pictures: Mapping[int, bytes]) -> dict[str, Any]:
    card = series.card
    png = pictures.get(card.volume_id)
    facts = [fact for fact in (card.sequence, card.plane, card.body_region) if fact != "unknown"]
    facts += ["contrast"] if card.contrast == "yes" else []
    facts += ["computed"] if card.derived else []
    field = f"{card.field_strength_t:g} T" if card.field_strength_t else ""
    return {
        "png": base64.b64encode(png).decode() if png else "",
        "name": card.description,
        "facts": facts,
        "scanner": " ".join(part for part in (card.vendor if card.vendor != "unknown" else "", field) if part),
        "told": _told(series),
        "similarity": None if series.similarity is None else round(series.similarity, 2),
    }


def _told(series: SeriesHit) -> str:
    """What heads say beyond, or against, what is recorded."""
    recorded = {"sequence": series.card.sequence, "plane": series.card.plane, "body_region": series.card.body_region}
    return ", ".join(
        f"{fact.task.replace('_', ' ')} {_value(fact)} ({fact.score:.2f})"
        for fact in series.told
        if recorded.get(fact.task) != fact.value
    )


def _value(fact: PredictedFact) -> str:
    return fact.value if fact.number is None else f"{fact.number:.3g}"


def _where(series: SeriesHit) -> str:
    """The slices that fit best, of the plane that was acquired where it is known."""
    region = series.region
    if region is None or not region.slices:
        return ""
    plane = series.card.plane if series.card.plane in region.slices else next(iter(region.slices))
    first, last = (number + 1 for number in region.slices[plane])
    return f"fits best in {plane} slices {first} to {last} ({region.similarity:.2f})"


def _sentence(found: PassageHit, *, ranked: bool) -> dict[str, Any]:
    """In pieces, marked and not: offsets would mean other places in a browser, which counts in UTF-16.

    ranked: whether words ranked it; then it tells nothing of what was asked where it holds no word of it.
    """
    text, at, pieces = found.passage.text, 0, []
    for start, stop in sorted(found.highlights):
        if start >= at:
            pieces += [{"t": text[at:start], "hit": False}, {"t": text[start:stop], "hit": True}]
            at = stop
    pieces.append({"t": text[at:], "hit": False})
    return {
        "pieces": [piece for piece in pieces if piece["t"]],
        "assertion": "" if found.passage.section in _NEUTRAL or (ranked and not found.highlights) else found.assertion,
        "normal": found.clause is not None and found.clause.decided_by == "normal",
        "section": found.passage.section,
        "against": _AGAINST.get(found.contradicts, "contradicts") if found.contradicts else "",
    }


def _telling(passages: Sequence[PassageHit]) -> list[PassageHit]:
    """Without sentences that are far behind the best and only happen to be in the same report."""
    best = max((found.similarity for found in passages if found.similarity is not None), default=0.0)
    near = [found for found in passages if found.similarity is None or found.similarity >= _FAINT * best]
    return [found for found in near if found.highlights or found.passage.section not in _NEUTRAL] or near[:1]


def _channel(hit: Hit, names: Sequence[str]) -> float:
    return max((hit.channels[name] for name in names if name in hit.channels), default=0.0)
