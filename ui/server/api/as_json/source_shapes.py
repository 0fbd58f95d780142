"""Sources that are asked for and answered, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from spinecho.ui.server.api.as_json.shapes import Asks

Setting = Annotated[str, Field(max_length=400)] | int | float
Key = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]


class SourceAsked(Asks):
    """A source to add. settings: as docs/pacs.md lists them."""

    name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    kind: Literal["dicomweb", "orthanc", "dicom", "receive"]
    settings: dict[Key, Setting] = Field(default_factory=dict, max_length=30)


class Source(BaseModel):
    """A source, without secrets. folder: where its objects lie on the archive's machine."""

    name: str
    kind: str
    settings: dict[str, str | float | list[str]]
    folder: str
    added_at: datetime
    pulled_at: datetime | None


class Sources(BaseModel):
    """Every source."""

    sources: list[Source]


class SourceAnswer(BaseModel):
    """What a source answers, or why it does not."""

    source: str
    answers: bool
    answer: str
