"""A home without pixels in which half of the studies show something that can be taught, and reports say which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from parts_encoder import BINS, Greys, PartsEncoder, Words
from sqlalchemy import text as sql

from spinecho.db.files import file_index, runs
from spinecho.db.reports import study_matching
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import (
    Listing,
    NewClause,
    NewPassage,
    NewRegions,
    NewReport,
    NewSeries,
    NewVolume,
    Scanned,
    SpaceRecord,
    Stat,
)
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.networks.parts_of_volumes import GRID
from spinecho.setup.private import private_files

STUDIES = 64
FACTS = {
    "body_region": "brain", "sequence": "FLAIR", "plane": "axial", "contrast": "no", "field_strength_t": 3.0,
    "vendor": "GE", "model": "", "derived": False,
}  # fmt: skip
ENCODER = "parts"


def parts(_: str) -> DualEncoder:
    image = PartsEncoder()
    return DualEncoder(ENCODER, image, Words(), Greys(image.space))


def has_it(number: int) -> bool:
    """Whether the study shows it: patients of two studies have it in both or in none."""
    return number // 2 % 2 == 0


def serve(
    database: Database, encoder: str = ENCODER, *, revision: str | None = None
) -> tuple[SpaceRecord, SpaceRecord]:
    image, words = PartsEncoder().space, Words().space
    first, second = (
        storing.serve(
            database, role, model=one.model, revision=revision or one.revision, preprocessing=one.preprocessing,
            dim=one.dim, encoder=encoder,
        )
        for role, one in (("image", image), ("text", words))
    )  # fmt: skip
    return first, second


def store(
    database: Database, run: int, spaces: tuple[SpaceRecord, SpaceRecord], numbers: range, *, strength: float = 1.1,
    said: bool = True,
) -> None:  # fmt: skip
    """Studies 1.2.N of patients PN/2; where it is, one part of the scan looks another way. said: with reports."""
    look = np.random.default_rng(2).normal(size=BINS)
    names = [*(f"{n}.dcm" for n in numbers), f"reports-{numbers.start}.csv"]
    file_index.compare(database, root="/data", run=run, listings=[Listing("/data/x", ())])
    file_index.record(database, run, [Scanned("/data/x", Stat(name, 1, 1), "dicom") for name in names])
    with database.begin() as session:
        ids = {str(name): number for name, number in session.execute(sql("SELECT name, id FROM files"))}
    reports, meaning = [], pack(Words().encode(["x"])[0])
    for n in numbers:
        rng = np.random.default_rng((3, n))
        cells = 1.0 + 0.5 * rng.normal(size=(27, BINS))
        cells[4] += strength * look * has_it(n)
        cells /= np.linalg.norm(cells, axis=1, keepdims=True)
        whole = cells.mean(axis=0) / np.linalg.norm(cells.mean(axis=0))
        volumes = [
            NewVolume(
                str(key), FACTS | {"sequence": sequence, "derived": sequence == "ADC"}, (8, 8, 8), (), {},
                (ids[f"{n}.dcm"],), b"", pack(whole.astype(np.float32)),
                NewPassage("header", 0, 0, 5, sequence, "present", "", meaning),
                NewRegions(GRID, pack(cells.astype(np.float32))),
            )
            for key, sequence in enumerate(("FLAIR", "ADC"))
        ]  # fmt: skip
        study = {
            "uid": f"1.2.{n}", "accession_number": f"A{n}", "patient_id": f"P{n // 2}", "date": None,
            "description": "", "sex": "F" if n % 4 else "M", "age_years": None,
        }  # fmt: skip
        series = {"uid": f"1.2.{n}.1", "number": 1, "description": "", "protocol": ""}
        storing.store_series(
            database, run, NewSeries(study, series, volumes), image_space=spaces[0].id, text_space=spaces[1].id
        )
        text = "There is a pituitary tumour." if has_it(n) else "No pituitary tumour."
        clause = NewClause(0, len(text), text, "present" if has_it(n) else "absent")
        passage = NewPassage("findings", 0, 0, len(text), text, clause.assertion, "", meaning, (clause,))
        reports += [NewReport(n + 1, "", f"1.2.{n}", text, [passage])] if said else []
    storing.store_reports(
        database, run, ids[names[-1]], reports, (), text_space=spaces[1].id, first=True, last=True
    )  # fmt: skip
    study_matching.match_reports(database)


def make_home(folder: Path, *, studies: int = STUDIES) -> Path:
    with private_files():
        folder.mkdir(mode=0o700)
        database = Database.open(folder / "spinecho.sqlite")
        run = runs.start_run(database, ["/data"])
        store(database, run, serve(database), range(studies))
        database.close()
    return folder
