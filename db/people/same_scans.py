"""Studies that share a scan, whoever they are said to be of: one person under two names, or a copy with another header.

An encoder that reads scans one by one, as on a CPU, gives the same voxels the same vector, bit for bit, whatever their
header says. On a GPU it reads several at once, whose vectors differ in the last bits by what they stood beside: there
some are missed. What was cut, resampled or compressed anew is another scan here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Series, Study, Vector, Volume
from spinecho.db.store.patients import PERSON
from spinecho.db.store.storing import serving

MOST_PEOPLE = 5
"""What more people share is nobody's scan: it is blank, or of a phantom."""


def same_scans(database: Database, studies: Sequence[int]) -> list[tuple[int, ...]]:
    """Of these studies (ids) the groups of different patients that have a scan in common, each by ascending id.

    Computed images and localizers do not count. Of a short list what is blank joins patients too: whether others
    share it is not looked up. Nothing before an encoder answers.
    """
    space = serving(database, "image")
    if space is None:
        return []
    query = (
        select(Study.id, PERSON, Vector.data)
        .join(Series, Series.study_id == Study.id)
        .join(Volume, Volume.series_id == Series.id)
        .join(Vector, Vector.volume_id == Volume.id)
        .where(Vector.space_id == space.id, Volume.derived.is_(False), Volume.sequence != "localizer")
    )
    sharing: dict[bytes, dict[int, int]] = defaultdict(dict)
    with database.begin() as session:
        for some in chunks(list(studies)):
            for study, person, data in session.execute(query.where(Study.id.in_(some))):
                sharing[hashlib.blake2b(data, digest_size=16).digest()][study] = person
    found = {tuple(sorted(of)) for of in sharing.values() if 1 < len(set(of.values())) <= MOST_PEOPLE}
    return sorted(found)
