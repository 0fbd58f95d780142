"""Which stored space answers for an encoder's."""

from __future__ import annotations

from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import Role, SpaceRecord
from spinecho.encoders.space import Space, require_stored
from spinecho.errors import SpinechoError


def serving_space(database: Database, role: Role, space: Space, *, refusal: type[SpinechoError]) -> SpaceRecord:
    """The space that serves a role. Raises `refusal` where nothing is indexed, `SpaceMismatch` for another space."""
    record = storing.serving(database, role)
    if record is None:
        raise refusal("nothing is indexed yet; run 'spinecho index FOLDER' first")
    require_stored(record, space, role=role)
    return record
