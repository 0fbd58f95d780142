"""An evaluation as sentences for those who read no tables: what is found, what chance gives, what cannot be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["better", "worse", "chance", "few", "missing"]
FEWEST = 20
"""Patients, or queries, of which fewer are not spoken of: an interval of so few is drawn from the same few answers."""
_SMALLEST_ROOM = 0.05
"""What the best can be above chance: of a pool where it is less, nothing can be seen."""
_CLAIMS: Mapping[str, str] = {
    "label: body region": "the scan most like another shows the same body region",
    "label: sequence": "the scan most like another of its body region is of the same sequence",
    "label: plane": "the scan most like another lies in the same plane",
    "report to study, by sentences": "an impression finds its study among the first ten by the rest of its report",
    "report to study, by sentences, same region":
        "an impression finds its study among the first ten of the same body regions by the rest of its report",
    "report to study, by headers": "a report finds its study among the first ten by the words of its headers",
    "report to study, by scans": "a report finds its study among the first ten by the scans alone",
    "scan to report": "a scan finds its report among the first ten",
    "report to study, by scans, same region and sequence":
        "a report finds its study among the first ten of the same region and sequence by the scans alone",
    "scan to report, same region and sequence":
        "a scan finds its report among the first ten of the same region and sequence",
    "text to study": "one of the first five answers to a judged question, drawn at random, is right",
    "text to study, by scans":
        "one of the first five answers to a judged question, drawn at random, is right, by the scans alone",
    "text to study, by reports": "a text finds its study among the first ten by the reports",
    "text to study, by headers": "a text finds its study among the first ten by the words of its headers",
    "finding to studies, by scans, same region":
        "a study that the name of a finding puts first in its body region, by the scans alone, has that finding",
    "findings to study, by scans, same region":
        "what a report affirms finds its study among the first ten of the same body region by the scans alone",
    "robust: varied copy": "a scan that was changed a little finds its original before any other",
    "robust: other scanner":
        "a scan finds its patient on another scanner among the first ten of the same body region and sequence",
    "text of a scan to scan, same sequence": "the text of a scan finds it among the first ten of the same sequence",
}  # fmt: skip
_LABEL = "label: "
_MEASURES = ("Recall@10", "P@1", "P@5", "Recall@R")
"""The first of these that a question has: pairs, labels, judgements, findings."""
_OWN_MEASURE = {"robust: varied copy": "Recall@1"}


@dataclass(frozen=True, slots=True)
class Headline:
    """kind: whether it is shown to be better or worse than chance, or why neither can be told."""

    kind: Kind
    text: str


def headlines(results: Sequence[Mapping[str, Any]]) -> tuple[Headline, ...]:
    """Of an evaluation's results as plain values (`Asked.to_json`), in their order; of other questions nothing."""
    return tuple(_headlines(results))


def summary(results: Sequence[Mapping[str, Any]]) -> str:
    """One sentence of them: which of region, reports, findings and copies are found; "" where none can be spoken of."""
    told = {str(one.get("name", "")): one for one in results}
    said = [text for name, words in _SUMMARY for text in _short(told.get(name), *words)]
    return f"{'; '.join(said)[0].upper()}{'; '.join(said)[1:]}." if said else ""


_SUMMARY = (
    ("label: body region", ("finds the right body region", "finding the right body region")),
    ("report to study, by scans", ("finds a report's study among the first ten", "finding the study of a report")),
    ("finding to studies, by scans, same region", ("finds findings by words alone", "finding findings by words alone")),
    ("robust: varied copy", ("finds the original of a changed copy", "finding the original of a changed copy")),
)
"""(question, (what it does, the same as a noun)), in the order in which they are told."""


def _short(one: Mapping[str, Any] | None, does: str, doing: str) -> Iterator[str]:
    """What the summary says of a question: nothing of one that was not asked, or of too few."""
    if one is None or (figure := _figure(one)) is None:
        return
    match _of("", figure, int(one.get("units", 0)), str(one.get("resampled", "patients"))).kind:
        case "better":
            yield f"{does} in {_share(figure['value'])} of 100 (by chance in {_share(figure['chance'])})"
        case "chance" | "worse":
            yield f"is not shown to be better than chance at {doing}"


def _headlines(results: Sequence[Mapping[str, Any]]) -> Iterator[Headline]:
    for one in results:
        claim = _claim(str(one.get("name", "")))
        if claim is None:
            continue
        figure = _figure(one)
        yield (
            Headline("missing", f"Not measured: {claim}: {one.get('why', '')}")
            if figure is None
            else _of(claim, figure, int(one.get("units", 0)), str(one.get("resampled", "patients")))
        )


def _claim(name: str) -> str | None:
    if name not in _CLAIMS and name.startswith(_LABEL):
        return f"the scan most like another is of the same {name.removeprefix(_LABEL)}"
    return _CLAIMS.get(name)


def _figure(one: Mapping[str, Any]) -> Mapping[str, Any] | None:
    figures = one.get("figures") or {}
    own = _OWN_MEASURE.get(str(one.get("name", "")))
    return next((figures[name] for name in ((own,) if own else _MEASURES) if name in figures), None)


def _of(claim: str, figure: Mapping[str, Any], units: int, resampled: str) -> Headline:
    value, chance, best, bounds = figure["value"], figure["chance"], figure["best"], figure["ci95"]
    if value is None or chance is None or bounds is None or None in bounds or units < FEWEST:
        return Headline("few", f"Too few to tell whether {claim}: {units:,} {resampled}, and {FEWEST} are the least.")
    if best is not None and best - chance < _SMALLEST_ROOM:
        pool = f"a pool of {figure['pool']:,.0f} is too small, by chance it is {_share(chance)} of 100"
        return Headline("few", f"It cannot be told whether {claim}: {pool}.")
    low, high = bounds
    often = f"in {_share(value)} of 100 ({_share(low)} to {_share(high)}), by chance in {_share(chance)}"
    if best is not None and _share(best) != "100":  # few right answers leave places that nothing could fill
        often += f", at best in {_share(best)}"
    pool = f"{figure['queries']:,} asked, of {units:,} {resampled}; pool of {figure['pool']:,.0f}"
    if low > chance:
        return Headline("better", f"{claim[:1].upper()}{claim[1:]} {often} ({pool}).")
    if high < chance:
        return Headline("worse", f"Worse than by chance {claim}: {often} ({pool}).")
    return Headline("chance", f"Not shown to be better than chance: {claim} {often} ({pool}).")


def _share(value: float) -> str:
    """Of a hundred; in tenths near the ends, where whole numbers would say all or nothing."""
    hundredths = 100 * value
    return f"{hundredths:.1f}" if 0 < hundredths < 1 or 99 < hundredths < 100 else f"{hundredths:.0f}"
