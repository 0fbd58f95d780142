"""Jobs: what is asked of them and what is said of one, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from spinecho.search.planning.long_text import MOST_POINTED
from spinecho.ui.server.api.as_json.shapes import Asks, Uid, Where


class ExportAsked(Asks):
    """A version to export."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    formats: list[Literal["csv", "parquet", "bids", "copy"]] | None = None
    pseudonyms: bool = True


OwnFile = Annotated[
    str | None, Field(max_length=900_000, description="CSV with a line of names, or JSON Lines: docs/evaluation.md.")
]


class EvaluationAsked(Asks):
    """An evaluation of the archive."""

    where: Where = ""
    queries: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    resamples: Annotated[int, Field(ge=10, le=100_000)] = 1000
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    exclude: Literal["patient", "study"] = "patient"
    copies: Annotated[int, Field(ge=0, le=10_000, description="Scans that are read again and changed.")] = 0
    judgements: OwnFile = None
    pairs: OwnFile = None


class EvidenceAsked(Asks):
    """A series and words."""

    series: Uid
    words: Annotated[str, Field(min_length=1, max_length=MOST_POINTED)]


class Job(BaseModel):
    """A job in the background."""

    id: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    stage: str
    done: int
    known: int
    created_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    result: dict[str, Any] | None
    problem: dict[str, Any] | None
    file: Annotated[str | None, Field(description="Where what it made is fetched.")]


class Jobs(BaseModel):
    """Your latest jobs."""

    jobs: list[Job]
