"""What is asked and answered, as JSON. Names are those of the front door's values and of the commands' --json."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from spinecho.search.access.searching import MOST_VERDICTS
from spinecho.ui.server.api.around.limits import MOST_DEEP, MOST_RESULTS

Words = Annotated[str, Field(max_length=200_000)]
Where = Annotated[str, Field(max_length=1_000_000, description="A filter, as docs/filters.md has it.")]
Uid = Annotated[str, Field(max_length=64, pattern=r"^[0-9.]+$", examples=["1.2.840.113619.2.1"])]
K = Annotated[int, Field(ge=1, le=MOST_RESULTS, description="Hits on a page.")]
Cursor = Annotated[str | None, Field(max_length=400, description="`next` of the page before, of the same question.")]
Count = Annotated[int | str, Field(description='A count, or "<5" where small ones are hidden.')]


class Asks(BaseModel):
    """A body; what is unknown in it is refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str | None = None
    request_id: str | None = None


class SearchAsked(Asks):
    """A search with words, and without words the list that a filter leaves."""

    words: Words = ""
    where: Where = ""
    k: K = 10
    by: Literal["everything", "words", "scans"] = "everything"
    like: Uid | None = None
    include_derived: bool = False
    want: Literal["study", "report"] = "study"
    on: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=50)
    off: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=50)
    good: list[Uid] = Field(default=[], max_length=100)
    bad: list[Uid] = Field(default=[], max_length=100)
    as_typed: bool = False
    refine: bool = False
    cursor: Cursor = None


class ScanAsked(SearchAsked):
    """The same beside a scan that is sent, which is not kept: all hits are on one page."""

    k: Annotated[int, Field(ge=1, le=MOST_DEEP, description="Hits, on one page.")] = 10


class SimilarAsked(Asks):
    """Studies that look like one that is here, or its spot."""

    study: Uid
    box: Annotated[str | None, Field(max_length=200, description="R0,A0,S0,R1,A1,S1 in fractions.")] = None
    series: Uid | None = None
    where: Where = ""
    k: K = 10
    other_patients: bool = False
    reports: bool = False
    cursor: Cursor = None


class StudySummary(BaseModel):
    """A study: what its headers say of it."""

    uid: str
    accession_number: str
    date: date | None
    description: str
    sex: str | None
    age_years: float | None


class SeriesHit(BaseModel):
    """A series of a hit."""

    uid: str
    series_uid: str
    description: str
    sequence: str
    plane: str
    body_region: str
    contrast: str
    flags: list[str]
    similarity: float | None
    region: dict[str, Any] | None
    predicted: list[dict[str, Any]]


class Sentence(BaseModel):
    """A sentence that speaks for a hit."""

    text: str
    section: str
    assertion: str
    contradicts: str
    similarity: float | None


class Hit(BaseModel):
    """One place in the list."""

    rank: int
    score: float
    fits: bool
    study: StudySummary | None
    study_uid: str | None
    report_id: int | None
    accession_number: str
    date: date | None
    same_exam: list[str]
    series: list[SeriesHit]
    sentences: list[Sentence]
    passages: list[dict[str, Any]]
    report: str | None
    channels: dict[str, float]
    key_image: Annotated[str | None, Field(description="Address of the PNG of the series that was found.")]


class Hits(BaseModel):
    """Hits, best first, and what to know beside them."""

    hits: list[Hit]
    warnings: list[str]
    plan: dict[str, Any]
    query: dict[str, Any]
    seconds: dict[str, float]
    encoder: dict[str, Any]
    build: dict[str, Any]
    searched: int
    relevance: list[dict[str, Any]]
    weights: dict[str, Any]
    left_out: Annotated[list[str], Field(description="Of a scan that was sent: why files of it were left out.")]
    next: Annotated[str | None, Field(description="Cursor of the next page; null on the last.")]


class Report(BaseModel):
    """A report as it came."""

    text: str
    accession_number: str
    match: str


class Series(BaseModel):
    """A series of a study."""

    uid: str
    number: int | None
    description: str
    sequence: str
    plane: str
    body_region: str
    contrast: str
    field_strength_t: float | None
    vendor: str
    derived: bool
    flags: list[str]
    volumes: int
    key_image: str | None


class GroupedSeries(BaseModel):
    """A series of a group, and which part of it the series is."""

    series_uid: str
    part: str


class SeriesGroup(BaseModel):
    """Series that belong together."""

    kind: Literal["one acquisition", "dynamic phases", "before and after contrast"]
    what: Annotated[list[str], Field(description="In what its series differ.")]
    by: Annotated[list[str], Field(description="What all of them have in common: the rule's grounds.")]
    members: list[GroupedSeries]


class OtherStudy(StudySummary):
    """Another study of the patient, those of the same body region first, of these the nearest in time."""

    days: Annotated[int | None, Field(description="From the study to this one, negative before it; null: no date.")]
    body_regions: list[str]
    same_region: bool


class Study(StudySummary):
    """A study with all that is stored of it."""

    series: list[Series]
    reports: list[Report]
    withdrawn: dict[str, int]
    same_exam: list[StudySummary]
    groups: list[SeriesGroup]
    others: list[OtherStudy]


class Reports(BaseModel):
    """The reports of a study."""

    study_uid: str
    reports: list[Report]
    withdrawn: dict[str, int]


class Ground(BaseModel):
    """Why a fact is what it is: the rule that gave it, how sure that is from 0 to 1, and what others say against it."""

    rule: str
    confidence: float
    against: list[dict[str, Any]] = []


class SeriesOpened(Series):
    """A series with what is known of it."""

    study_uid: str | None = None
    acquisition: dict[str, Any]
    why: Annotated[dict[str, Ground], Field(description="By fact of `acquisition`.")]
    predicted: list[dict[str, Any]]
    spots: bool


class VolumeHeader(BaseModel):
    """What it takes to read the bytes: value = intercept + slope * stored, [i, j, k] in C order, RAS+."""

    series_uid: str
    volume: Annotated[int, Field(description="Its place in the series, from 0.")]
    volumes: Annotated[int, Field(description="How many the series has.")]
    shape: list[int]
    affine: list[list[float]]
    spacing_mm: list[float]
    slice_axis: int
    order: Literal["C"]
    byte_order: Literal["little"]
    data: dict[str, dict[str, Any]]


class Facet(BaseModel):
    """Of how many studies a value is."""

    value: str
    shown: Count
    total: Count


class Facets(BaseModel):
    """Counts by field."""

    where: str
    facets: dict[str, list[Facet]]
    more: dict[str, int]
    studies: Annotated[Count, Field(description="How many pass the filter.")]
    source: str
    warnings: list[str]


class Version(BaseModel):
    """A version of a cohort."""

    name: str
    version: int
    description: str
    owner: str
    frozen_at: datetime
    studies: Count
    patients: Count
    attrition: list[dict[str, Any]]
    balance: list[dict[str, Any]]
    definition: dict[str, Any]
    made_with: dict[str, Any]


class Member(BaseModel):
    """A study of a version; patient: for those who may see IDs."""

    study_uid: str
    patient: str | None
    part: str
    facts: dict[str, Any]
    person: int | None


class Versions(BaseModel):
    """Every version of every cohort."""

    cohorts: list[Version]


class Cohort(Version):
    """A version with its members."""

    members: list[Member]
    next: str | None = None


class CohortAsked(Asks):
    """A definition: its TOML, or the same as JSON."""

    toml: Annotated[str | None, Field(max_length=500_000)] = None
    definition: dict[str, Any] | None = None


class CohortCount(BaseModel):
    """What a definition leaves now."""

    cohort: str
    studies: Count
    patients: Count
    attrition: list[dict[str, Any]]
    parts: dict[str, Count]
    balance: Annotated[list[dict[str, Any]], Field(description="How alike cases and controls are, a row a fact.")] = []
    warnings: list[str]


class FrozenNow(Version):
    """A version that was frozen, and what its definition left."""

    count: CohortCount


class Changed(BaseModel):
    """A study that came, went or moved."""

    study_uid: str
    patient: str | None
    why: str


class Changes(BaseModel):
    """Between two lists."""

    added: list[Changed]
    removed: list[Changed]
    moved: list[Changed]
    kept: int
    definition: list[str]


class Rerun(Changes):
    """A version's definition against the archive as it is now."""

    count: CohortCount


class ThumbsAsked(Asks):
    """Thumbs by study UID: 1 fits, -1 does not, 0 takes it back."""

    words: Words
    where: Where = ""
    verdicts: dict[Uid, Literal[-1, 0, 1]] = Field(max_length=MOST_VERDICTS)


class VerdictsAsked(Asks):
    """A search of yours."""

    words: Words
    where: Where = ""


class Verdicts(BaseModel):
    """Your thumbs for a search."""

    verdicts: dict[str, int]


class Me(BaseModel):
    """Who you are here."""

    name: str
    role: str
    scopes: list[str]


class FacetsAsked(Asks):
    """Fields to count under a filter."""

    where: Where = ""
    fields: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=200)
    most: Annotated[int, Field(ge=1, le=10_000)] = 20
