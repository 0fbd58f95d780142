"""What a search gives: hits with their evidence as plain values, and the same as a table for notebooks."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any, overload

from spinecho.search.answers import hits as answers

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from spinecho.db.values import StudyCard
    from spinecho.search.planning.query_plan import QueryPlan


@dataclass(frozen=True, slots=True)
class StudySummary:
    """A study: what its headers say of it. `age_years` is the patient's age at the study; None where not recorded.

    number: of its row, by which the pages of its machine name it; 0 from afar.
    """

    uid: str
    accession_number: str
    date: date | None
    description: str
    sex: str | None
    age_years: float | None
    number: int = field(default=0, repr=False, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Region:
    """Where in a series the query fits best: a region, not a slice, as coarse as the cells that are stored.

    box: low R, A, S, then high R, A, S, as fractions of the volume. slices: by plane the first and the last, both
    inside, from 0. similarity: the cosine with what was asked.
    """

    box: tuple[float, ...]
    slices: Mapping[str, tuple[int, int]]
    similarity: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a head says of a volume, from its pixels: never recorded. number: of a quantity, as years; score: 0 to 1."""

    task: str
    value: str
    score: float
    number: float | None


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """A series of a hit. similarity: the cosine of its scan with what was asked; None where it was not compared.

    paths: its files; region: where it fits best, where its parts are stored; predicted: what heads are sure of.
    picture: a PNG of its middle slice, of the first series of a hit. It, vendor, field_strength_t (in tesla) and
    derived are not sent from afar, where a study's `series` has them.
    """

    uid: str
    description: str
    sequence: str
    plane: str
    body_region: str
    contrast: str
    similarity: float | None = None
    paths: tuple[str, ...] = field(default=(), repr=False)
    region: Region | None = None
    predicted: tuple[Prediction, ...] = ()
    vendor: str = "unknown"
    field_strength_t: float | None = None
    derived: bool = False
    picture: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a report, or of a header, that speaks for a hit.

    assertion: what its clause says of what was asked: present, absent, uncertain, historical, or '' where it is about
    something else. contradicts: why it does not count, '' where it does. similarity: cosine, None where not compared.
    highlights: (start, stop) of what was asked in the text, in characters. normal: it says that something is normal.
    """

    text: str
    section: str
    assertion: str
    contradicts: str
    similarity: float | None
    highlights: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    normal: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in the list. `study` is None for a report that belongs to none; `report` is its text where asked for.

    fits: whether a piece of evidence says what was asked; what does not is merely alike. key_image: a PNG of the middle
    slice of the series that was found, None where there is none. channels: the best similarity that each way found.
    accession_number: of the study, or of the report that belongs to none. same_exam: UIDs of other studies that hold
    parts of the same examination. priors: how many other studies its patient has; 0 where no pictures were asked for,
    and from afar.
    """

    rank: int
    score: float
    fits: bool
    study: StudySummary | None
    series: tuple[SeriesSummary, ...]
    sentences: tuple[Sentence, ...]
    report: str | None = None
    channels: Mapping[str, float] = field(default_factory=dict)
    key_image: bytes | None = field(default=None, repr=False)
    accession_number: str = ""
    same_exam: tuple[str, ...] = ()
    priors: int = field(default=0, repr=False)

    @property
    def why(self) -> str:
        """The evidence as plain text, a line each."""
        lines = [_line_of(one) for one in self.sentences]
        lines += [
            f"scan alike, {one.similarity:.2f}: {_named(one)}" for one in self.series if one.similarity is not None
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Hits(Sequence[Hit]):
    """Hits, best first, and what to know beside them. plan: how the words were understood, as plain values.

    encoder: what compared; searched: vectors, or studies, that passed the filter; weights: what each channel counted
    and why; seconds: by stage. understood: the plan as a value, for words that were asked on this machine.
    """

    hits: tuple[Hit, ...]
    warnings: tuple[str, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    encoder: Mapping[str, Any] = field(default_factory=dict)
    searched: int = 0
    weights: Mapping[str, Any] = field(default_factory=dict)
    _plain: Mapping[str, Any] = field(default_factory=dict, repr=False)
    understood: QueryPlan | None = field(default=None, repr=False)

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, place: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[place]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def to_json(self) -> dict[str, Any]:
        """Everything that was found as one plain object, as `spinecho search --json` prints it."""
        return dict(self._plain)

    def rows(self) -> list[dict[str, Any]]:
        """One plain row a hit: its study, its first series, and why."""
        return [_row(hit) for hit in self.hits]

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a data frame."""
        import pandas as pd  # noqa: PLC0415

        return pd.DataFrame(self.rows(), columns=list(_COLUMNS))

    def to_arrow(self) -> pyarrow.Table:
        """The rows as an Arrow table; its columns are there where nothing was found, too."""
        import pyarrow as pa  # noqa: PLC0415

        types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), date: pa.date32()}
        schema = pa.schema([(name, types[kind]) for name, kind in _COLUMNS.items()])
        return pa.Table.from_pylist(self.rows(), schema=schema)

    def _repr_html_(self) -> str:
        return _html(self)


_STYLE = (
    "<style>.spinecho-hits{border-collapse:collapse;font:13px/1.45 system-ui,sans-serif}"
    ".spinecho-hits td{vertical-align:top;text-align:left;padding:8px 12px;border-top:1px solid #8884}"
    ".spinecho-hits img{display:block;width:96px;height:96px;object-fit:contain;background:#000}"
    ".spinecho-hits .dim{opacity:.65}.spinecho-hits p{margin:0 0 2px}</style>"
)
"""Readable on white and on black."""
_COLUMNS: dict[str, type] = {
    "rank": int, "score": float, "fits": bool, "study_uid": str, "accession_number": str, "date": date,
    "description": str, "sex": str, "age_years": float, "sequence": str, "plane": str, "body_region": str, "why": str,
    "report": str,
}  # fmt: skip


def hits_of(results: answers.Results, pictures: Mapping[int, bytes], priors: Mapping[int, int] | None = None) -> Hits:
    """What the engine gave, without what a caller cannot use: no ids of volumes, and no patient IDs.

    pictures: PNG by volume id. priors: other studies of the patient, by the number of a study's row.
    """
    return Hits(
        tuple(_hit(one, pictures, priors or {}) for one in results.hits), results.warnings, results.query,
        results.seconds, results.encoder, results.searched, results.weights, answers.results_json(results),
        results.plan,
    )  # fmt: skip


def summary_of(card: StudyCard) -> StudySummary:
    """A study as results show it."""
    return StudySummary(
        card.uid, card.accession_number, card.date, card.description, card.sex, card.age_years, number=card.id
    )


def _hit(hit: answers.Hit, pictures: Mapping[int, bytes], priors: Mapping[int, int]) -> Hit:
    series = tuple(_series(one, pictures) for one in hit.series)
    return Hit(
        rank=hit.rank,
        score=hit.score,
        fits=hit.fits,
        study=None if hit.study is None else summary_of(hit.study),
        series=series,
        sentences=tuple(
            Sentence(
                one.passage.text,
                one.passage.section,
                one.assertion,
                one.contradicts,
                one.similarity,
                one.highlights,
                normal=one.clause is not None and one.clause.decided_by == "normal",
            )
            for one in hit.passages
        ),
        report=None if hit.report is None else hit.report.text,
        channels=dict(hit.channels),
        key_image=next((one.picture for one in series if one.picture is not None), None),
        accession_number=next((one.accession_number for one in (hit.study, hit.report) if one is not None), ""),
        same_exam=hit.same_exam,
        priors=0 if hit.study is None else priors.get(hit.study.id, 0),
    )


def _series(hit: answers.SeriesHit, pictures: Mapping[int, bytes]) -> SeriesSummary:
    card, region = hit.card, hit.region
    return SeriesSummary(
        card.uid, card.description, card.sequence, card.plane, card.body_region, card.contrast, hit.similarity,
        paths=hit.paths,
        region=None if region is None else Region(region.box, region.slices, region.similarity),
        predicted=tuple(Prediction(one.task, one.value, one.score, one.number) for one in hit.predicted_facts),
        vendor=card.vendor, field_strength_t=card.field_strength_t, derived=card.derived,
        picture=pictures.get(card.volume_id),
    )  # fmt: skip


def _line_of(sentence: Sentence) -> str:
    marks = [part for part in (sentence.section, sentence.assertion) if part]
    if sentence.contradicts:
        marks.append(f"does not count: {sentence.contradicts}")
    return f"{sentence.text} ({', '.join(marks)})" if marks else sentence.text


def _named(series: SeriesSummary) -> str:
    known = [part for part in (series.sequence, series.plane, series.body_region) if part and part != "unknown"]
    return " ".join(known) or series.description


def _row(hit: Hit) -> dict[str, Any]:
    study, first = hit.study, hit.series[0] if hit.series else None
    return {
        "rank": hit.rank,
        "score": hit.score,
        "fits": hit.fits,
        "study_uid": study.uid if study else None,
        "accession_number": study.accession_number if study else None,
        "date": study.date if study else None,
        "description": study.description if study else None,
        "sex": study.sex if study else None,
        "age_years": study.age_years if study else None,
        "sequence": first.sequence if first else None,
        "plane": first.plane if first else None,
        "body_region": first.body_region if first else None,
        "why": hit.why,
        "report": hit.report,
    }


def _html(hits: Hits) -> str:
    """HTML of a list of hits; every text from outside is escaped."""
    notes = "".join(f'<p class="dim">{escape(one)}</p>' for one in hits.warnings)
    if not hits:
        return f'{_STYLE}<div class="spinecho-hits">{notes or "<p>nothing was found</p>"}</div>'
    rows = "".join(_html_row(hit) for hit in hits)
    return f'{_STYLE}<div class="spinecho-hits">{notes}<table class="spinecho-hits">{rows}</table></div>'


def _html_row(hit: Hit) -> str:
    image = ""
    if hit.key_image is not None:
        data = base64.b64encode(hit.key_image).decode("ascii")
        image = f'<img alt="key image" src="data:image/png;base64,{data}">'
    study = hit.study
    facts: list[str] = []
    if study is not None:
        facts = [study.accession_number or study.uid, str(study.date or ""), study.description]
    seen = [_joined((one.sequence, one.plane, one.body_region)) for one in hit.series]
    fit = "" if hit.fits else '<p class="dim">less alike</p>'
    return (
        f"<tr><td>{hit.rank}</td><td>{image}</td>"
        f"<td>{_lines(facts)}{_lines(dict.fromkeys(seen), dim=True)}{fit}</td>"
        f"<td>{_lines(hit.why.splitlines())}</td></tr>"
    )


def _joined(parts: Iterable[str]) -> str:
    return " · ".join(part for part in parts if part and part != "unknown")


def _lines(texts: Iterable[str], *, dim: bool = False) -> str:
    start = '<p class="dim">' if dim else "<p>"
    return "".join(f"{start}{escape(text)}</p>" for text in texts if text)
