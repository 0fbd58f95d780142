"""An archive of the corpus through the project's own doors: each text is the report of a study of its own.

No study has pixels. Image vectors are zero, so that scans answer nothing and words are what is measured. A study of a
report has one volume whose header sentence is empty and whose facts are what the project's rules read in the text; a
study of headers has a volume a series, with the header sentence that the indexer would write.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.answers.corpus import Series, Text, digest
from benchmarks.common import SentenceVectors, report_of, serve
from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.files import file_index, runs
from spinecho.db.reports import study_matching
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import Listing, NewPassage, NewSeries, NewVolume, Scanned, Stat
from spinecho.db.vectors.build import build_index
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import Acquisition
from spinecho.encoders.acquisition.rules import describe
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.findings import RULES
from spinecho.indexer.caption import caption

_ROOT = "1.2.826.0.1.3680043.10.741"
_VERSION = 3
"""Raised when other facts are stored of the same texts; the rules by which clauses are read count for themselves."""
_FIRST = date(2019, 1, 7)


@dataclass(frozen=True, slots=True)
class Entry:
    """What identifies the study of a text."""

    text: Text
    uid: str
    accession: str
    patient: str
    day: date

    @property
    def series_uid(self) -> str:
        """Of its first series."""
        return f"{self.uid}.1"


def entries(texts: Sequence[Text]) -> tuple[Entry, ...]:
    """Invented identifiers for each text, the same in every run: accession numbers of three hospitals' kinds."""
    drawn = random.Random(14)
    numbers = drawn.sample(range(1_000_000, 9_999_999), 2 * len(texts))
    made = []
    for at, one in enumerate(texts):
        number, patient = numbers[2 * at], numbers[2 * at + 1]
        accession = (f"{number:07d}", f"MR{number:07d}", f"RA-{number // 100:05d}-{number % 100:02d}")[at % 3]
        day = _FIRST + timedelta(days=drawn.randrange(2400))
        made.append(Entry(one, f"{_ROOT}.{at + 1}", accession, f"PID{patient}" if at % 2 else f"{patient}", day))
    return tuple(made)


def open_home(folder: Path, texts: Sequence[Text], dual: DualEncoder) -> tuple[Database, Path]:
    """The archive of these texts in this folder, stored where it is not there yet: (database, builds)."""
    home = folder / f"answers-{_VERSION}.{RULES}-{digest(texts)}"
    done = home / "stored"
    if not done.exists():
        if home.exists():
            raise SystemExit(f"{home} is half stored; remove it, and run again")
        home.mkdir(parents=True)
        _store(home, texts, dual)
        done.touch()
    return Database.open(home / "spinecho.sqlite"), home / "builds"


def _store(home: Path, texts: Sequence[Text], dual: DualEncoder) -> None:
    database = Database.open(home / "spinecho.sqlite")
    image = serve(database, "image", dual.image.space, dual.name)
    text = serve(database, "text", dual.text.space, dual.name)
    run = runs.start_run(database, [str(home)])
    file_index.compare(database, root=str(home), run=run, listings=[Listing(str(home), ())])
    file_index.record(database, run, [Scanned(str(home), Stat("all.jsonl", 1, 1), "report")])
    file = file_index.pending_reports(database)[0].id
    vectors = SentenceVectors(dual)
    zero = pack(np.zeros(dual.image.space.dim, np.float32)), pack(np.zeros(dual.text.space.dim, np.float32))
    known = entries(texts)
    for entry in known:
        for new in _series(entry, zero, vectors):
            storing.store_series(database, run, new, image_space=image.id, text_space=text.id)
    reports = [
        report_of(at, entry.accession, entry.uid, entry.text.text, vectors)
        for at, entry in enumerate(known)
        if entry.text.is_report
    ]
    storing.store_reports(database, run, file, reports, (), text_space=text.id, first=True, last=True)
    study_matching.match_reports(database)
    for space in (image, text):
        build_index(database, home / "builds", space)
    make_snapshot(database, home / "builds")
    database.close()


def _series(entry: Entry, zero: tuple[bytes, bytes], vectors: SentenceVectors) -> list[NewSeries]:
    study = {
        "uid": entry.uid, "accession_number": entry.accession, "patient_id": entry.patient,
        "date": entry.day.isoformat(), "description": entry.text.study,
        "sex": entry.text.sex, "age_years": entry.text.age,
    }  # fmt: skip
    if entry.text.is_report:
        facts = describe(Evidence(series_text=entry.text.text[:400]))
        empty = NewPassage("header", 0, 0, 0, "", "present", "", zero[1])
        return [_one(entry, 1, "", facts, study, zero[0], empty)]
    found = []
    for number, one in enumerate(entry.text.series, start=1):
        facts = describe(_evidence(entry.text, one))
        words = caption(facts, series=one.description, study=entry.text.study)
        passage = NewPassage("header", 0, 0, len(words), words, "present", "", vectors.of([words])[0])
        found.append(_one(entry, number, one.description, facts, study, zero[0], passage))
    return found


def _evidence(text: Text, series: Series) -> Evidence:
    return Evidence(
        series_text=series.description, study_text=text.study, body_part=series.body_part, manufacturer=series.vendor
    )


def _one(
    entry: Entry, number: int, description: str, facts: Acquisition, study: dict[str, Any], vector: bytes,
    passage: NewPassage,
) -> NewSeries:  # fmt: skip
    known = {**asdict(facts), "derived": False}
    known = {name: value for name, value in known.items() if name != "spacing_mm"}
    if facts.sequence == "localizer":
        known["sequence"] = "unknown"
    volume = NewVolume("", known, (8, 8, 8), (), {}, (), b"", vector, passage)
    series = {"uid": f"{entry.uid}.{number}", "number": number, "description": description, "protocol": ""}
    return NewSeries(study, series, [volume])
