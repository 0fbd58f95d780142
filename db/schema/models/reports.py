"""Tables of reports, their sentences and what the clauses of these say."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from spinecho.db.schema.clean import CleanText
from spinecho.db.schema.models.base import Base, Sealed


class Report(Sealed, Base):
    """A report as it came, matched to its study or kept unmatched with the keys that were tried."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("file_id", "ordinal"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    ordinal: Mapped[int]
    study_id: Mapped[int | None] = mapped_column(ForeignKey("studies.id"), index=True)
    match: Mapped[str] = mapped_column(CleanText, index=True)
    """matched, unmatched or ambiguous."""
    accession_number: Mapped[str]
    study_uid: Mapped[str]
    text: Mapped[str]
    reason: Mapped[str]
    """Why it has no study, '' for one that has; see `db.reports.study_matching.WHY`."""
    standing: Mapped[str] = mapped_column(CleanText, index=True)
    """stands, addendum; or out of search: superseded, duplicate, withdrawn."""
    named_study_id: Mapped[int | None] = mapped_column(index=True)
    """The study of a report that is out of search: `study_id` is None then, so that nothing finds it by its study."""
    patient_id: Mapped[str]
    """As the report names its patient, '' where it does not."""
    status: Mapped[str]
    """preliminary, final, corrected, addendum, cancelled, superseded, '' where nothing tells."""
    dated: Mapped[str]
    """When the report was made, as ISO 8601, '' where nothing tells."""
    version: Mapped[int | None]
    exam: Mapped[str]
    """The body parts that its exam names, '' where it names none: tells reports of two exams under one number apart."""
    charset: Mapped[str]
    """The character set that was guessed, '' where the file's own was certain."""
    digest: Mapped[str]
    """Of the text without regard to line ends and blanks; '' where an older version stored it."""
    read_by: Mapped[int] = mapped_column(default=0, index=True)
    """The number of the rules by which its sentences and clauses were told, 0 for those of before clauses."""


class WithdrawnPassage(Sealed, Base):
    """A sentence, with its vector, of a report that is out of search: kept to be found again when it stands again."""

    __tablename__ = "withdrawn_passages"
    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), index=True)
    section: Mapped[str]
    ordinal: Mapped[int]
    start: Mapped[int]
    stop: Mapped[int]
    text: Mapped[str]
    assertion: Mapped[str]
    sides: Mapped[str]
    space_id: Mapped[int | None] = mapped_column(ForeignKey("spaces.id"))
    """None for a sentence without a vector; one with vectors in two spaces has two rows."""
    data: Mapped[bytes | None]


class Passage(Sealed, Base):
    """A sentence that can be found: of a report, or put together from a volume's header."""

    __tablename__ = "passages"
    __table_args__ = (Index("ix_passages_report", "report_id", "ordinal"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int | None] = mapped_column(ForeignKey("reports.id"))
    volume_id: Mapped[int | None] = mapped_column(ForeignKey("volumes.id"), index=True)
    section: Mapped[str]
    """A report's section, or 'header'."""
    ordinal: Mapped[int]
    start: Mapped[int]
    stop: Mapped[int]
    text: Mapped[str]
    assertion: Mapped[str]
    sides: Mapped[str]
    """Comma-separated, '' where no side is named."""


class Clause(Sealed, Base):
    """A clause of a report's sentence, with what it says. Derived from the report's text; never searched by meaning.

    It belongs to the sentence `sentence` of its report, whether that can be found now or is withdrawn.
    """

    __tablename__ = "clauses"
    __table_args__ = (Index("ix_clauses_report", "report_id", "sentence"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"))
    sentence: Mapped[int]
    """The ordinal of its passage."""
    ordinal: Mapped[int]
    start: Mapped[int]
    stop: Mapped[int]
    """In characters of the sentence."""
    text: Mapped[str]
    assertion: Mapped[str]
    decided_by: Mapped[str]
    """The kind of rule that decided: negation, normal, hedge, question, history, family, nothing."""
    cue: Mapped[str]
    """The words that decided, as they stand in the sentence; '' for none."""
    sides: Mapped[str]
    places: Mapped[str]
    concepts: Mapped[str]
    """Names of places and findings, each with what it is a kind of; one a line, '' for none."""
    low_mm: Mapped[float | None]
    high_mm: Mapped[float | None]
    """Its largest size, from and to, in mm."""
