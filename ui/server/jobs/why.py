"""The slices of a study that speak for some words, as a job: series as JSON, their pictures as a zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from spinecho.ui.server.jobs.context import Context


def why(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """As `Archive.why`. Each series names its picture in the zip, where one was drawn."""
    from spinecho.answering.evidence import evidence_of  # noqa: PLC0415

    archive, words, draw = context.archive(), str(asked["words"]), bool(asked["pictures"])
    cards = archive.series_of(asked["study"])
    found = []
    for number, card in enumerate(cards):
        context.tell("comparing", number, len(cards))
        found.append(evidence_of(archive, card, words, slices=int(asked["slices"]), draw=draw))
    packed, series = io.BytesIO(), []
    with zipfile.ZipFile(packed, "w") as pictures:
        for number, one in enumerate(sorted(found, key=lambda one: -one.cosine)):
            name = None if one.picture is None else f"{number:03d}.png"
            if name is not None and one.picture is not None:
                pictures.writestr(name, one.picture)
            series.append({
                "uid": one.uid, "description": one.description, "plane": one.plane, "cosine": one.cosine,
                "score": one.score, "floor": one.floor, "stands_out": one.stands_out,
                "slices": [list(some) for some in one.slices], "picture": name,
            })  # fmt: skip
    if not draw:
        return {"series": series}
    file = context.queue.write(context.job.id, "zip", packed.getvalue())
    named = {"file_name": "pictures.zip", "bytes": len(packed.getvalue()), "media": "application/zip"}
    return {"series": series, "file": file, **named}
