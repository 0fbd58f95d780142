"""What similarity means nothing, by space and channel, as it was last measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Background
from spinecho.db.values import SpaceRecord


def get_background(database: Database, space: SpaceRecord, channel: str) -> tuple[int, dict[str, Any]] | None:
    """(vectors that the space held, figures), None where it was never measured."""
    query = select(Background.count, Background.figures).where(
        Background.space_id == space.id, Background.channel == channel
    )
    with database.begin() as session:
        row = session.execute(query).one_or_none()
    return None if row is None else (int(row[0]), dict(row[1]))


def put_background(
    database: Database, space: SpaceRecord, channel: str, *, count: int, figures: Mapping[str, Any]
) -> None:
    """Keep a measurement in place of the one before; where nothing can be kept it is measured again next time."""
    if database.read_only:
        return
    with database.begin() as session:
        session.execute(delete(Background).where(Background.space_id == space.id, Background.channel == channel))
        session.add(Background(space_id=space.id, channel=channel, count=count, figures=dict(figures)))
