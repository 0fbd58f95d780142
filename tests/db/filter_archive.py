"""An archive of facts without pixels, to which everything can happen that indexing does."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from spinecho.db.files import file_index, runs
from spinecho.db.filters.algebra import Filter
from spinecho.db.queries.lookup import allowed_passages, allowed_volumes
from spinecho.db.queries.selection import Selection
from spinecho.db.reports import study_matching
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.schema.models import File, Folder, Volume
from spinecho.db.store import storing as archive
from spinecho.db.store.predictions import store_parts
from spinecho.db.store.removal import remove_reports_of_files
from spinecho.db.values import (
    Listing,
    NewClause,
    NewPassage,
    NewReport,
    NewSeries,
    NewVolume,
    PredictedFact,
    Scanned,
    SpaceRecord,
    Stat,
)
from spinecho.db.vectors.stored_rows import pack

WORDS = {
    "body_region": ["brain", "Knee", "unknown"],
    "sequence": ["T1", "t1", "T2", "localizer"],
    "side": ["left", "RIGHT", ""],
    "technique": ["Dixon", "EPI", "epi", 'a "b\\', ""],
    "dixon": ["water", "W", ""],
    "component": ["phase", "MAGNITUDE", ""],
    "computed": ["ADC map", "adc", ""],
    "vendor": ["GE", "SIEMENS", "Ärzte", "ärzte", "straße", ""],
    "sex": ["F", "M", "O"],
    "description": ["head a", "HEAD", "50%_x", "neck"],
    "archive": ["/data/a", "/data/B", "/data"],
    "study_uid": ["1.1", "1.2", "1.3"],
    "patient_id": ["p1", "P1", "p2"],
}
AGES = [0.0, 0.1, 39.999999999999, 40.0, 40.1, 71.25]
DAYS = [date(1999, 12, 31), date(2020, 2, 29), date(2021, 1, 1)]
SENTENCES = [("No bleed.", "absent"), ("A bleed, no mass effect.", "present"), ("Mass  effect?", "uncertain")]
TOLD = {
    SENTENCES[1][0]: {"sides": ("left",), "places": ("brain:lobe",), "concepts": ("bleed", "brain", "brain:lobe")},
    SENTENCES[2][0]: {"sides": ("left", "right"), "concepts": ("mass effect",)},
}
"""What is found in the clauses of these sentences."""
ROW = pack(np.array([1.0, 0.0], dtype=np.float32))


class FilterArchive:
    """A database with an image and a text space of two dimensions."""

    def __init__(self, folder: Path, location: Location | None = None) -> None:
        """In the database at `location`, else in a file in the folder."""
        self.builds = folder / "builds"
        self.database = Database.open(location or folder / "spinecho.sqlite")
        self.image, self.text = self._serve("image"), self._serve("text")
        self.run = runs.start_run(self.database, ["/data"])
        self._files = 0

    def store(
        self, study: Mapping[str, Any], series_uid: str, volumes: Sequence[Mapping[str, Any]], *, root: str = "/data/a"
    ) -> None:
        """Store a series in place of what was stored of it; without volumes it goes."""
        made = [
            NewVolume(
                str(number), facts, (8, 8, 8), (), {}, (self.file(root),), b"", ROW,
                NewPassage("header", 0, 0, 4, f"{facts['sequence']} {facts['plane']}", "present", "", ROW),
            )
            for number, facts in enumerate(volumes)
        ]  # fmt: skip
        series = {"uid": series_uid, "number": 1, "description": f"Ax {series_uid[-1]}", "protocol": ""}
        new = NewSeries(study, series, made)
        archive.store_series(self.database, self.run, new, image_space=self.image.id, text_space=self.text.id)

    def report(
        self,
        name: int,
        sentences: Sequence[tuple[str, str]],
        *,
        study_uid: str = "",
        accession_number: str = "",
        match: bool = True,
        text: str = "",
        mtime: int = 1,
        **facts: Any,
    ) -> None:
        """Store a report file in place of what it held; with `match`, join reports to studies.

        facts: status, date and so on, as in `NewReport`; without a text of its own each file has another.
        """
        said = [
            NewPassage(
                "findings",
                number,
                0,
                len(text),
                text,
                assertion,
                "",
                ROW,
                (NewClause(0, len(text), text, assertion, **TOLD.get(text, {})),),
            )
            for number, (text, assertion) in enumerate(sentences)
        ]
        new = NewReport(0, accession_number, study_uid, text or f"text {name}", said, **facts)
        file = self.file("/data/a", name=f"report-{name}.txt", mtime=mtime)
        archive.store_reports(
            self.database, self.run, file, [new], (), text_space=self.text.id, first=True, last=True
        )  # fmt: skip
        if match:
            self.match()

    def match(self) -> None:
        """Join reports to studies."""
        study_matching.match_reports(self.database)

    def remove_report(self, name: int) -> None:
        """Forget a report file."""
        with self.database.begin() as session:
            remove_reports_of_files(session, [self.file("/data/a", name=f"report-{name}.txt")])

    def predict(self, value: str) -> None:
        """Let a head say something of every second volume."""
        with self.database.begin() as session:
            volumes = session.scalars(select(Volume.id).where(Volume.id % 2 == 0)).all()
        fact = PredictedFact("finding", value, 0.9, None, {}, "head", "1")
        store_parts(self.database, self.image, [(volume, None, [fact]) for volume in volumes])

    def walk(self, root: str) -> None:
        """Find the first folder again, under another root."""
        with self.database.begin() as session:
            path = session.scalar(select(Folder.path).order_by(Folder.id).limit(1))
            names = session.scalars(select(File.name).join(Folder).where(Folder.path == path)).all()
        if path is not None:
            stats = [Stat(name, 1, 1) for name in names]
            file_index.compare(self.database, root=root, run=self.run, listings=[Listing(path, stats)])

    def begin_run(self) -> None:
        """Another run."""
        self.run = runs.start_run(self.database, ["/data"])

    def end_run(self) -> None:
        """The run has come to its end."""
        runs.finish_run(self.database, self.run, counts={}, seconds={})

    def file(self, root: str, name: str | None = None, *, mtime: int = 1) -> int:
        """The id of a file below a root, a new one where none is named."""
        self._files += name is None
        name = name or f"{self._files}.dcm"
        file_index.compare(self.database, root=root, run=self.run, listings=[Listing(f"{root}/x", ())])
        file_index.record(self.database, self.run, [Scanned(f"{root}/x", Stat(name, 1, mtime), "dicom")])
        with self.database.begin() as session:
            found = session.scalar(select(File.id).join(Folder).where(File.name == name, Folder.path == f"{root}/x"))
        assert found is not None
        return found

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def _serve(self, role: Any) -> SpaceRecord:
        return archive.serve(
            self.database, role, model=role, revision="1", preprocessing="1", dim=2, encoder="test"
        )  # fmt: skip


def facts(draw: random.Random) -> dict[str, Any]:
    pick = draw.choice
    return {
        "body_region": pick(WORDS["body_region"]),
        "sequence": pick(WORDS["sequence"]),
        "plane": pick(["axial", "sagittal"]),
        "contrast": pick(["yes", "no", "unknown"]),
        "field_strength_t": pick([None, 1.5, 2.8936, 3.0]),
        "vendor": pick(WORDS["vendor"]),
        "model": pick(["", "Signa"]),
        "derived": pick([False, False, True]),
        "side": pick([None, *WORDS["side"]]),
        **{name: pick([None, *WORDS[name]]) for name in ("dixon", "component", "computed")},
        "b_value": pick([None, 0.0, 50.0, 929.75, 1000.0]),
        "technique": draw.sample(WORDS["technique"][:-1], draw.randint(0, 3)),
    }


def about(draw: random.Random, uid: str) -> dict[str, Any]:
    pick = draw.choice
    return {
        "uid": uid,
        "accession_number": f"A{pick('12')}",
        "patient_id": pick(WORDS["patient_id"]),
        "date": pick([None, *DAYS]),
        "description": pick(WORDS["description"]),
        "sex": pick([None, *WORDS["sex"]]),
        "age_years": pick([None, *AGES]),
    }


def act(archive: FilterArchive, draw: random.Random) -> None:
    """Something that indexing does."""
    uid = f"1.{draw.randint(1, 4)}"
    match draw.choice(["series", "series", "series", "report", "report", "drop", "match", "prune", "predict", "root"]):
        case "series":
            volumes = [facts(draw) for _ in range(draw.randint(1, 2))]
            archive.store(about(draw, uid), f"{uid}.{draw.randint(1, 2)}", volumes, root=draw.choice(WORDS["archive"]))
        case "drop":
            archive.store(about(draw, uid), f"{uid}.{draw.randint(1, 2)}", [])
        case "report":
            name = draw.randint(1, 3)
            key = {"study_uid": uid} if draw.random() < 0.6 else {"accession_number": f"A{draw.choice('12')}"}
            archive.report(name, draw.sample(SENTENCES, draw.randint(0, 2)), match=draw.random() < 0.5, **key)
        case "match":
            archive.match()
        case "prune":
            archive.remove_report(draw.randint(1, 3))
        case "predict":
            archive.predict(draw.choice(["cyst", "mass", "unknown"]))
        case "root":
            archive.walk(draw.choice(WORDS["archive"]))


def assert_same(archive: FilterArchive, selection: Selection, where: Filter) -> None:
    for space, quick, slow in (
        (archive.image, selection.volumes, allowed_volumes),
        (archive.text, selection.passages, allowed_passages),
    ):
        found, expected = quick(space, where), slow(archive.database, space, where)
        assert found.dtype == np.int64
        assert found.tolist() == expected.tolist()
