"""What the benchmarks share: the machine's line, and an archive of many studies without pixels."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.files import file_index, runs
from spinecho.db.reports import study_matching
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import (
    Listing,
    NewPassage,
    NewRegions,
    NewReport,
    NewSeries,
    NewVolume,
    Role,
    Scanned,
    SpaceRecord,
    Stat,
)
from spinecho.db.vectors.build import build_index
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.findings import RULES
from spinecho.encoders.language.passages import passages
from spinecho.encoders.space import Space
from spinecho.indexer.phantom import Case, plan_cases
from spinecho.indexer.phantom.model import SeriesPlan
from spinecho.indexer.reports.parsing.reading_task import sentence
from spinecho.indexer.reports.store import new_passage


def machine() -> str:
    """Processor, cores and date, to stand beside every number."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"


def store_cases(home: Path, dual: DualEncoder, n: int, *, seed: int) -> tuple[Database, tuple[Case, ...]]:
    """A home with n planned studies: their facts and reports as planned, image vectors drawn at random."""
    database = Database.open(home / "spinecho.sqlite")
    image = serve(database, "image", dual.image.space, dual.name)
    text = serve(database, "text", dual.text.space, dual.name)
    run = runs.start_run(database, [str(home)])
    cases = plan_cases(n, seed=seed)
    file_index.compare(database, root=str(home), run=run, listings=[Listing(str(home), ())])
    file_index.record(database, run, [Scanned(str(home), Stat("all.jsonl", 1, 1), "report")])
    file = file_index.pending_reports(database)[0].id
    vectors = SentenceVectors(dual)
    random = np.random.default_rng(seed)
    for number, case in enumerate(cases):
        row = random.normal(size=dual.image.space.dim).astype(np.float32)
        new = series_of(case, case.series[0], pack(row / np.linalg.norm(row)), vectors)
        storing.store_series(database, run, new, image_space=image.id, text_space=text.id)
        storing.store_reports(
            database,
            run,
            file,
            [report_of(number, case.accession_number, case.study_uid, case.report, vectors)],
            (),
            text_space=text.id,
            first=number == 0,
            last=number == n - 1,
        )
    study_matching.match_reports(database)
    for space in (image, text):
        build_index(database, home / "builds", space)
    make_snapshot(database, home / "builds")
    return database, cases


class SentenceVectors:
    """Sentences repeat; each is encoded once."""

    def __init__(self, dual: DualEncoder) -> None:
        self._dual = dual
        self._known: dict[str, bytes] = {}

    def of(self, texts: Sequence[str]) -> list[bytes]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, map(pack, self._dual.text.encode(new)), strict=True))
        return [self._known[text] for text in texts]


def series_of(
    case: Case, plan: SeriesPlan, vector: bytes, vectors: SentenceVectors, *, regions: NewRegions | None = None
) -> NewSeries:
    """A planned series without pixels; `vector` is its packed image vector."""
    facts = {
        "sequence": plan.sequence,
        "plane": plan.plane,
        "body_region": "brain",
        "contrast": "yes" if plan.contrast else "no",
        "field_strength_t": case.field_t,
        "vendor": "Siemens",
        "model": "",
        "derived": False,
    }
    words = f"{plan.plane} {plan.sequence} MRI of the brain. {plan.description}"
    caption = NewPassage("header", 0, 0, len(words), words, "present", "", vectors.of([words])[0])
    volume = NewVolume("", facts, (8, 8, 8), (), {}, (), b"", vector, caption, regions)
    study = {
        "uid": case.study_uid,
        "accession_number": case.accession_number,
        "patient_id": case.patient_id,
        "date": None,
        "description": "MRI Brain",
        "sex": case.sex,
        "age_years": case.age_years,
    }
    series = {"uid": plan.series_uid, "number": plan.number, "description": plan.description, "protocol": ""}
    return NewSeries(study, series, [volume])


def report_of(number: int, accession: str, study_uid: str, text: str, vectors: SentenceVectors) -> NewReport:
    """A report as an indexing run stores it, clauses included."""
    found = passages(text)
    rows = vectors.of([passage.text for passage in found])
    stored = [new_passage(sentence(one), one.text, row) for one, row in zip(found, rows, strict=True)]
    return NewReport(number, accession, study_uid, text, stored, read_by=RULES)


def serve(database: Database, role: Role, space: Space, encoder: str) -> SpaceRecord:
    """The space, answering for the role."""
    values = {"model": space.model, "revision": space.revision, "preprocessing": space.preprocessing, "dim": space.dim}
    return storing.serve(database, role, encoder=encoder, **values)
