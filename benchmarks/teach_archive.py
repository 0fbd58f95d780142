"""Studies of made-up vectors with parts, as many as an archive of a hospital has, for the time that teaching takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spinecho.db.files import file_index, runs
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import Listing, NewPassage, NewRegions, NewSeries, NewVolume, Scanned, Stat
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.registry import open_encoder

_FACTS = {
    "body_region": "brain", "plane": "axial", "contrast": "no", "field_strength_t": 3.0, "vendor": "GE", "model": "",
    "derived": False,
}  # fmt: skip


def write_archive(folder: Path, studies: int) -> list[str]:
    """Write a home of so many studies, two scans each; UIDs of the half that shows something in one part."""
    folder.mkdir(mode=0o700)
    database, dual = Database.open(folder / "spinecho.sqlite"), open_encoder()
    first, second = (
        storing.serve(
            database, role, model=one.model, revision=one.revision, preprocessing=one.preprocessing, dim=one.dim,
            encoder=dual.name,
        )
        for role, one in (("image", dual.image.space), ("text", dual.text.space))
    )  # fmt: skip
    run = runs.start_run(database, ["/data"])
    file_index.compare(database, root="/data", run=run, listings=[Listing("/data/x", ())])
    file_index.record(database, run, [Scanned("/data/x", Stat("0.dcm", 1, 1), "dicom")])
    random, dim = np.random.default_rng(0), first.dim
    look, words = random.normal(size=dim), pack(np.eye(1, second.dim, dtype=np.float32)[0])
    for n in range(studies):
        volumes = []
        for key, sequence in enumerate(("T1", "FLAIR")):
            cells = 1.0 + random.normal(size=(27, dim))
            cells[13] += 0.6 * look * (n % 2)
            cells /= np.linalg.norm(cells, axis=1, keepdims=True)
            whole = cells.mean(axis=0) / np.linalg.norm(cells.mean(axis=0))
            volumes.append(
                NewVolume(
                    str(key), _FACTS | {"sequence": sequence}, (8, 8, 8), (), {}, (1,), b"",
                    pack(whole.astype(np.float32)), NewPassage("header", 0, 0, 2, sequence, "present", "", words),
                    NewRegions((3, 3, 3), pack(cells.astype(np.float32))),
                )
            )  # fmt: skip
        study = {
            "uid": f"1.2.{n}", "accession_number": "", "patient_id": f"P{n}", "date": None, "description": "",
            "sex": None, "age_years": None,
        }  # fmt: skip
        series = {"uid": f"1.2.{n}.1", "number": 1, "description": "", "protocol": ""}
        storing.store_series(
            database, run, NewSeries(study, series, volumes), image_space=first.id, text_space=second.id
        )  # fmt: skip
    database.close()
    return [f"1.2.{n}" for n in range(1, studies, 2)]
