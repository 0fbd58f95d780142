"""What is not in the index, as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field


class Failure(BaseModel):
    """A file that is not in the index."""

    path: str
    ordinal: int
    reason: str
    ignorable: bool
    message: str
    remedy: str


class ReportWithoutStudy(BaseModel):
    """A report that belongs to no study, or to several. ordinal: its place in the file."""

    path: str
    ordinal: int
    match: Annotated[str, Field(description="unmatched, ambiguous and others: how its keys were taken.")]
    accession_number: str
    study_uid: str
    reason: str
    studies: Annotated[list[str], Field(description="UIDs of the studies that its keys name.")]


class ReportOutOfSearch(BaseModel):
    """A report that is kept and never found: another version stands in its place, or it was withdrawn."""

    path: str
    ordinal: int
    standing: Annotated[str, Field(description="superseded, duplicate or withdrawn.")]
    status: str
    dated: str
    study_uid: str


class ReportGuessed(BaseModel):
    """A report whose character set had to be guessed."""

    path: str
    ordinal: int
    charset: str


class Failures(BaseModel):
    """What is not in the index. Pages go through all four lists at once."""

    by_reason: list[dict[str, Any]]
    failures: list[Failure]
    reports_without_study: list[ReportWithoutStudy]
    reports_out_of_search: list[ReportOutOfSearch]
    reports_charset_guessed: list[ReportGuessed]
    next: str | None = None
