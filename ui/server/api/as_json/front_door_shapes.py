"""What is asked and answered beside `shapes`, so that a client has all that the front door has."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from spinecho.search.planning.long_text import MOST_POINTED
from spinecho.ui.server.api.as_json.shapes import Asks, Rerun, Uid, Version, Where, Words


class KeptRerun(Rerun):
    """A rerun whose list was kept."""

    frozen: Version


class Codes(BaseModel):
    """A table: its first row names the columns."""

    rows: list[list[str]]


class Forgotten(BaseModel):
    """How many are gone."""

    forgotten: int


class Thumb(BaseModel):
    """A thumb of yours on a study; at: UTC."""

    words: str
    study_uid: str
    verdict: int
    at: datetime


class Thumbs(BaseModel):
    """Your thumbs, oldest first."""

    thumbs: list[Thumb]


class ForgetAsked(Asks):
    """A search of yours whose thumbs are taken back."""

    words: Words
    where: Where = ""


class Judgement(BaseModel):
    """Whether a study answers a query: 1, or 0 where it does not."""

    query: str
    study_uid: str
    grade: int


class Judgements(BaseModel):
    """Thumbs as judgements."""

    judgements: list[Judgement]


class WhyAsked(Asks):
    """A study and words."""

    study: Uid
    words: Annotated[str, Field(min_length=1, max_length=MOST_POINTED)]
    slices: Annotated[int, Field(ge=1, le=50)] = 3
    pictures: bool = False


class EntriesAsked(Asks):
    """Which acts to list; by POST, so that nobody's name stands in an address."""

    user: Annotated[str | None, Field(max_length=200)] = None
    action: Annotated[str | None, Field(max_length=40)] = None
    most: Annotated[int, Field(ge=1, le=10_000)] = 50


class Entry(BaseModel):
    """One act; at: UTC."""

    number: int
    at: datetime
    user: str
    role: str
    action: str
    subject: str
    facts: dict[str, Any]
    digest: str


class Entries(BaseModel):
    """Acts, newest first."""

    record: list[Entry]


class CheckAsked(Asks):
    """since: (rows, head) as an earlier check gave them."""

    since: tuple[
        Annotated[int, Field(ge=0, le=2**53)], Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    ] | None = None  # fmt: skip


class Checked(BaseModel):
    """Whether the record is whole: rows, the last digest, what is broken."""

    rows: int
    head: str
    broken: list[str]
