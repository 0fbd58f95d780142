"""Archives on which heat maps are shown, small as they are: as if the encoder had passed the test of pointing there."""

from __future__ import annotations

from dataclasses import replace

from spinecho.db.queries.learning.self_tests import holdings
from spinecho.db.queries.learning.sided_findings import some_volumes, volume_vectors
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.store import storing
from spinecho.db.store.part_vectors import stored_regions
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.measuring.figures import Figure
from spinecho.encoders.networks.parts_of_volumes import added_by_stored
from spinecho.encoders.registry import open_encoder
from spinecho.search.channels.background import UNRELATED
from spinecho.search.evidence.scale import measured
from spinecho.search.evidence.trust import TEST, Tested, keep

PASSED = Figure(0.9, 0.5, (0.8, 0.97), 2.0, 80)
FAILED = Figure(0.52, 0.5, (0.41, 0.63), 2.0, 80)


def trust(location: Location, dual: DualEncoder | None = None, *, floor: float = 0.25, sides: Figure = PASSED) -> None:
    """The scale is measured on what is stored; `floor` is one that scans of any archive reach, or that none does."""
    database = Database.open(location)
    try:
        space = storing.serving(database, "image")
        aligned = (dual or open_encoder()).aligned_text
        assert space is not None
        assert aligned is not None
        some, unrelated = some_volumes(database, space, 400), aligned.encode(UNRELATED)
        vectors, stored = volume_vectors(database, space, some), stored_regions(database, space, some)
        cells = measured([one.rows for one in stored.values()], unrelated)
        scale = measured([added_by_stored(vectors[key], one.rows) for key, one in stored.items()], unrelated)
        assert scale is not None
        assert cells is not None
        found = (replace(one, floor=floor) for one in (scale, cells))
        keep(database, space, Tested(TEST, "", holdings(database, space), {"left": 40, "right": 40}, sides, *found))
    finally:
        database.close()
