"""The list of results: one component that draws every row, so that a list is one element and keys work at once.

Words from outside reach the browser as JSON and are set as text nodes (parts/results.js): never Markdown, never HTML.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spinecho.answering.results import Hit, Hits, Prediction, Sentence, SeriesSummary
from spinecho.queries import Kind, PlanChip, Way, fits_line
from spinecho.shown import NEUTRAL
from spinecho.ui.views.components.component import registered
from spinecho.ui.views.session.whole import whole
from spinecho.ui.views.study.page import study_title

_NOTHING = "nothing relevant found"
_SHOWN = 4
_FAINT = 0.6
"""A sentence with less than this share of the best one's similarity is not what put the study there."""
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
    """Draw the list. What a person does there is in `done("results")` while `on_act` runs: {"acts": [...]}, in their
    order, also those that were there before; each with its number `n` and the words that the list had been drawn for.
    """
    registered("results", '<div class="results"></div>', "hand.js")(
        key="results", data=dict(data), on_act_change=whole(on_act)
    )


def list_data(
    hits: Hits,
    *,
    filters: Sequence[Mapping[str, str]],
    verdicts: Mapping[str, int],
    refined: bool,
    picked: Sequence[int],
    most: int,
    words: str = "",
    heard: int = 0,
    place: str = "",
) -> dict[str, Any]:
    """Everything the list shows. verdicts: this person's thumbs by study UID; words: those that were asked, which come
    back with what is done; heard: the number of the last thing done; place: the token of the search, by which a browser
    finds the place again where the list was left.
    """
    plan = hits.understood
    tops = {bar: max((_channel(hit, names) for hit in hits), default=0.0) or 1.0 for bar, names in _BARS.items()}
    if plan is not None and plan.way is Way.EXCLUSIONS:
        tops = {}  # a list is no ranking: nothing to compare
    want = str(hits.plan.get("want", Kind.STUDY))
    fitting = int(hits.plan.get("fitting", most))
    nothing = any(warning.startswith(_NOTHING) for warning in hits.warnings)
    return {
        "want": want,
        "words": words,
        "heard": heard,
        "chips": [_chip(chip) for chip in (plan.chips if plan else ())],
        "filters": [dict(one) for one in filters],
        "corrected": plan.corrected if plan else "",
        "ignored": [f"{one.text}: {one.why}" for one in (plan.ignored if plan else ())],
        "place": place,
        "no_thumbs": _why_no_thumbs(hits, want),
        "nothing": nothing,
        "notes": [warning for warning in hits.warnings if not warning.startswith(_NOTHING)],
        "said": _summary(hits, want),
        "weighed": hits.weights.get("why", ""),
        "thumbs": sum(1 for verdict in verdicts.values() if verdict),
        "refined": refined,
        "picked": list(picked),
        "more": len(hits) == int(hits.plan.get("k", 0)) < min(most, fitting),
        "hits": [_row(hit, verdicts, tops, ranked=plan is not None and plan.way is Way.WORDS) for hit in hits],
    }


def _chip(chip: PlanChip) -> dict[str, Any]:
    return {
        "kind": chip.kind, "text": chip.text, "label": chip.field.replace("_", " "), "key": chip.key, "on": chip.on,
        "why": chip.why,
    }  # fmt: skip


def _why_no_thumbs(hits: Hits, want: str) -> str:
    """Why a thumb would do nothing here; '' where it does something."""
    if want == Kind.REPORT:
        return "Thumbs refine searches for studies"
    if hits.understood is None:
        return "Thumbs refine words: type some beside the example"
    return _NO_THUMBS.get(hits.understood.way, "")


_NO_THUMBS = {
    Way.IDENTIFIERS: "These studies were named: there is nothing to refine",
    Way.FILTERS: "Thumbs refine words: type some beside the filters",
    Way.EXCLUSIONS: "Thumbs refine what is looked for; this search only leaves out",
    Way.REPORT: "Thumbs refine words; this was a whole report",
}


def study_name(hit: Hit) -> str:
    """Date, age, sex, description and accession number, as far as they are known."""
    if hit.study is None:
        return f"Report without a study {hit.accession_number}".strip()
    return study_title(hit.study)


def _summary(hits: Hits, want: str) -> str:
    count = len(hits)
    noun = {"study": "studies", "report": "reports"}[want] if count != 1 else want
    way = hits.understood.way if hits.understood else Way.WORDS
    fitting = int(hits.plan.get("fitting", count))
    of = f"{count} of {fitting:,}" if fitting > count else f"{count}"
    noun = {"study": "studies", "report": "reports"}[want] if fitting != 1 else want
    if way is Way.IDENTIFIERS:
        return f"{of} {noun}, as named"
    if way is Way.FILTERS:
        return f"{of} {noun} that pass, newest first" if fitting else f"no {noun} pass"
    if way is Way.EXCLUSIONS:
        return f"{of} {noun} that do not affirm it: those that deny it in words first, then the newest"
    milliseconds = sum(hits.seconds.values()) * 1000
    learned = hits.plan.get("learned")
    also = f" · from your thumbs: {', '.join(learned)}" if learned else ""
    counted = fits_line(hits.plan) or f"{count} {noun}"
    weighed = f" · scans count {hits.weights['scans']:.2f} ({hits.weights['from']})" if hits.weights else ""
    return f"{counted} · {hits.searched:,} vectors · {milliseconds:.0f} ms{weighed}{also}"


def _row(hit: Hit, verdicts: Mapping[str, int], tops: Mapping[str, float], *, ranked: bool) -> dict[str, Any]:
    study = hit.study
    return {
        "rank": hit.rank,
        "fits": hit.fits,
        "study": study.number if study else None,
        "uid": study.uid if study else "",
        "name": study_name(hit),
        "priors": hit.priors,
        "verdict": verdicts.get(study.uid, 0) if study else 0,
        "report": hit.report or "",
        "series": [_series(series) for series in hit.series[:_SHOWN]],
        "more_series": max(len(hit.series) - _SHOWN, 0),
        "sentences": [_sentence(found, ranked=ranked) for found in _telling(hit.sentences)],
        "where": _where(hit.series[0]) if hit.series else "",
        "bars": [
            {"name": bar, "value": round(value, 3), "share": round(max(value, 0.0) / tops[bar], 3)}
            for bar, names in _BARS.items()
            if bar in tops and (value := _channel(hit, names))
        ],
    }


def _series(series: SeriesSummary) -> dict[str, Any]:
    facts = [fact for fact in (series.sequence, series.plane, series.body_region) if fact != "unknown"]
    facts += ["contrast"] if series.contrast == "yes" else []
    facts += ["computed"] if series.derived else []
    field = f"{series.field_strength_t:g} T" if series.field_strength_t else ""
    return {
        "png": base64.b64encode(series.picture).decode() if series.picture else "",
        "name": series.description,
        "facts": facts,
        "scanner": " ".join(part for part in (series.vendor if series.vendor != "unknown" else "", field) if part),
        "told": _predictions(series),
        "similarity": None if series.similarity is None else round(series.similarity, 2),
    }


def _predictions(series: SeriesSummary) -> str:
    """What heads say beyond, or against, what is recorded."""
    recorded = {"sequence": series.sequence, "plane": series.plane, "body_region": series.body_region}
    return ", ".join(
        f"{fact.task.replace('_', ' ')} {_value(fact)} ({fact.score:.2f})"
        for fact in series.predicted
        if recorded.get(fact.task) != fact.value
    )


def _value(fact: Prediction) -> str:
    return fact.value if fact.number is None else f"{fact.number:.3g}"


def _where(series: SeriesSummary) -> str:
    """The slices that fit best, of the plane that was acquired where it is known."""
    region = series.region
    if region is None or not region.slices:
        return ""
    plane = series.plane if series.plane in region.slices else next(iter(region.slices))
    first, last = (number + 1 for number in region.slices[plane])
    return f"fits best in {plane} slices {first} to {last} ({region.similarity:.2f})"


def _sentence(found: Sentence, *, ranked: bool) -> dict[str, Any]:
    """In pieces, marked and not: offsets would mean other places in a browser, which counts in UTF-16.

    ranked: whether words ranked it; then it tells nothing of what was asked where it holds no word of it.
    """
    text, at, pieces = found.text, 0, []
    for start, stop in sorted(found.highlights):
        if start >= at:
            pieces += [{"t": text[at:start], "hit": False}, {"t": text[start:stop], "hit": True}]
            at = stop
    pieces.append({"t": text[at:], "hit": False})
    return {
        "pieces": [piece for piece in pieces if piece["t"]],
        "assertion": "" if found.section in NEUTRAL or (ranked and not found.highlights) else found.assertion,
        "normal": found.normal,
        "section": found.section,
        "against": _AGAINST.get(found.contradicts, "contradicts") if found.contradicts else "",
    }


def _telling(passages: Sequence[Sentence]) -> list[Sentence]:
    """Without sentences that are far behind the best and only happen to be in the same report."""
    best = max((found.similarity for found in passages if found.similarity is not None), default=0.0)
    near = [found for found in passages if found.similarity is None or found.similarity >= _FAINT * best]
    return [found for found in near if found.highlights or found.section not in NEUTRAL] or near[:1]


def _channel(hit: Hit, names: Sequence[str]) -> float:
    return max((hit.channels[name] for name in names if name in hit.channels), default=0.0)
