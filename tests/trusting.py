"""Archives on which heat maps are shown, small as they are: as if the encoder had passed the test of pointing there."""

from __future__ import annotations

from dataclasses import replace

from spinecho.db.queries.learning.self_tests import holdings
from spinecho.db.queries.learning.sided_findings import some_volumes
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.store import storing
from spinecho.db.store.part_vectors import stored_regions
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.measuring.figures import Figure
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
        volumes = stored_regions(database, space, some_volumes(database, space, 400))
        scale = measured([one.rows for one in volumes.values()], aligned.encode(UNRELATED))
        assert scale is not None
        told = {"left": 40, "right": 40}
        keep(database, space, Tested(TEST, "", holdings(database, space), told, sides, replace(scale, floor=floor)))
    finally:
        database.close()
