"""Text search over the real volumes, whose text comes from headers and labels: what words and scans each find.

    SPINECHO_TESTDATA=FOLDER python -m benchmarks.answers.volumes --home DIR [--show]

No volume here has a real report. Every second study is given a text made of the manifest's labels ("MRI of the heart.
Normal heart."), the others have their headers and pixels alone. Right is decided by the manifest, never by the text: a
study answers in full (2) where one of its volumes has region, sequence and plane as asked, in part (1) where the plane
is another. Regions and sources are confounded (see the data's README), and scans may seem to know more than they do.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.answers.corpus import Series, Text
from benchmarks.answers.measure import K, chance, interval, ndcg
from benchmarks.answers.systems import Bm25, BySentence
from benchmarks.common import machine
from spinecho.db.schema.database import Database
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.pipeline import index_archive
from spinecho.search.engine import Engine
from spinecho.search.query import Evidence, Kind, TextQuery

Row = dict[str, str]


@dataclass(frozen=True)
class Wanted:
    """A question, and what the manifest's row of a volume that answers it has, as expressions."""

    kind: str
    words: str
    region: str = ""
    sequence: str = ""
    plane: str = ""
    diagnosis: str = ""

    def grade(self, rows: Sequence[Row]) -> int:
        """Of a study with these volumes."""
        return max((self._grade(row) for row in rows), default=0)

    def _grade(self, row: Row) -> int:
        asked = (
            (self.region, "body_region"),
            (self.sequence, "sequence"),
            (self.diagnosis, "diagnosis"),
        )
        if not all(re.search(pattern, row[name], re.IGNORECASE) for pattern, name in asked):
            return 0
        return 2 if re.search(self.plane, row["plane"], re.IGNORECASE) else 1


WANTED = (
    Wanted("acquisition", "axial T2 of the prostate", "prostate", "^T2 TSE", "axial"),
    Wanted("acquisition", "ADC map prostate", "prostate", "ADC"),
    Wanted("acquisition", "cine SSFP heart", "heart", "cine"),
    Wanted("acquisition", "short axis cine of the left ventricle", "heart", "cine", "short axis"),
    Wanted("acquisition", "sagittal T2 lumbar spine", "lumbar|^spine", "T2|^$", "sagittal"),
    Wanted("acquisition", "FLAIR brain", "brain", "FLAIR"),
    Wanted("acquisition", "sagittal MPRAGE brain", "brain$", "MPRAGE", "sagittal"),
    Wanted("acquisition", "BOLD fMRI", "brain|spine", "BOLD"),
    Wanted("acquisition", "arterial spin labelling", "brain", "ASL"),
    Wanted("acquisition", "diffusion tensor imaging of the brain", "brain", "DWI/DTI|DWI b0|FA map"),
    Wanted("acquisition", "SWI", "brain", "SWI"),
    Wanted("acquisition", "dynamic contrast enhanced breast", "breast", "DCE"),
    Wanted("acquisition", "cervical spine T2", "cervical", "T2"),
    Wanted("acquisition", "in phase and opposed phase abdomen", "abdomen", "phase"),
    Wanted("acquisition", "fetal MRI single shot T2", "fetal", "T2"),
    Wanted("acquisition", "hippocampus T1", "hippocampus", "T1"),
    Wanted("acquisition", "shoulder T1 sagittal", "shoulder", "T1", "sagittal"),
    Wanted("anatomy", "heart", "heart"),
    Wanted("anatomy", "female pelvis", "pelvis"),
    Wanted("anatomy", "thigh or leg", "extremity|thigh"),
    Wanted("anatomy", "liver and kidneys", "abdomen"),
    Wanted("anatomy", "neck spine", "cervical"),
    Wanted("finding", "multiple sclerosis", diagnosis="multiple sclerosis"),
    Wanted("finding", "soft tissue sarcoma", diagnosis="sarcoma"),
    Wanted("finding", "heart failure after infarction", diagnosis="heart failure with infarction"),
    Wanted("finding", "left ventricular hypertrophy", diagnosis="hypertrophy"),
    Wanted("finding", "brain tumour with enhancement", diagnosis="brain tumour"),
    Wanted("finding", "breast cancer", diagnosis="breast"),
    Wanted("finding", "spina bifida in a fetus", diagnosis="spina bifida"),
    Wanted("finding", "cancer of the cervix or uterus", diagnosis="uterine"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of real data, else SPINECHO_TESTDATA")
    parser.add_argument("--home", type=Path, required=True, help="kept, and used again: indexing takes minutes")
    parser.add_argument("--show", action="store_true", help="print each question's figures")
    given = parser.parse_args()
    folder = given.data or Path(os.environ.get("SPINECHO_TESTDATA", "../shared/data"))
    if not (folder / "manifest.csv").is_file():
        raise SystemExit(f"no manifest.csv in {folder}; set SPINECHO_TESTDATA to the folder of real data")
    given.home.mkdir(parents=True, exist_ok=True)
    database, builds = Database.open(given.home / "spinecho.sqlite"), given.home / "builds"
    if not (given.home / "labels").exists():
        index_archive(database, builds, [folder / "dicom", folder / "nifti"], open_encoder)
    studies = _rows_of_studies(database, _manifest(folder), folder)
    labelled = _label(given.home / "labels", studies)
    index_archive(database, builds, [given.home / "labels"], open_encoder)
    dual = open_encoder()
    engine = Engine(database, builds, dual)
    engine.calibrate()

    def by(evidence: Evidence) -> Callable[[str], Sequence[str]]:
        def ask(words: str) -> Sequence[str]:
            hits = engine.search(TextQuery(words, evidence), want=Kind.STUDY, k=K).hits
            return [hit.study.uid for hit in hits if hit.study]

        return ask

    texts = _texts(database, studies, labelled)
    bm25, sentence = Bm25(texts), BySentence(texts, dual)
    systems: dict[str, Callable[[str], Sequence[str]]] = {
        "engine, everything": by(Evidence.EVERYTHING),
        "engine, words": by(Evidence.WORDS),
        "engine, scans": by(Evidence.SCANS),
        "BM25": lambda words: bm25.ask(words).keys,
        "best sentence": lambda words: sentence.ask(words).keys,
    }
    print(machine())
    print(f"{len(studies)} studies of real volumes, {len(labelled)} with a text made of labels; no real report")
    found = [(one, {uid: one.grade(rows) for uid, rows in studies.items()}) for one in WANTED]
    found = [(one, grades) for one, grades in found if any(grades.values())]
    lists = [{name: ask(one.words) for name, ask in systems.items()} for one, _ in found]
    values = {
        name: [
            ndcg([grades.get(uid, 0) for uid in grades_of[name]], list(grades.values()))
            for (_, grades), grades_of in zip(found, lists, strict=True)
        ]
        for name in systems
    }
    print(f"nDCG@{K} (95 %)\n| kind | questions | chance | " + " | ".join(systems) + " |")
    print("|---" * (3 + len(systems)) + "|")
    for kind in ("all", *dict.fromkeys(one.kind for one, _ in found)):
        at = [number for number, (one, _) in enumerate(found) if kind in ("all", one.kind)]
        cells = []
        for name in systems:
            some = [values[name][number] for number in at]
            low, high = interval(some)
            cells.append(f"{statistics.mean(some):.2f} ({low:.2f} to {high:.2f})")
        by_chance = statistics.mean(chance(list(found[number][1].values())) for number in at)
        print(f"| {kind} | {len(at)} | {by_chance:.2f} | " + " | ".join(cells) + " |")
    if given.show:
        for number, (one, grades) in enumerate(found):
            grades_of = ", ".join(f"{name} {values[name][number]:.2f}" for name in systems)
            print(f"{one.words} ({sum(map(bool, grades.values()))} answer): {grades_of}")
    database.close()


def _manifest(folder: Path) -> dict[str, Row]:
    """By path below the folder."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file) if row["content"] == "human"}


def _rows_of_studies(database: Database, manifest: dict[str, Row], folder: Path) -> dict[str, list[Row]]:
    """By study UID the manifest's rows of its volumes; studies without one are left out."""
    query = (
        "SELECT DISTINCT t.uid, d.path, f.name FROM studies t JOIN series s ON s.study_id = t.id"
        " JOIN volumes v ON v.series_id = s.id JOIN volume_files w ON w.volume_id = v.id"
        " JOIN files f ON f.id = w.file_id JOIN folders d ON d.id = f.folder_id ORDER BY 1, 2, 3"
    )
    with database.begin() as session:
        rows = session.connection().exec_driver_sql(query).all()
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    for uid, place, name in rows:
        file = Path(place, name)
        for path in (file, *file.parents):
            key = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else ""
            if key in manifest:
                found[uid][key] = manifest[key]
                break
    return {uid: list(by_uid.values()) for uid, by_uid in sorted(found.items())}


def _label(folder: Path, studies: dict[str, list[Row]]) -> dict[str, str]:
    """Every second study's text, written as a table of reports where it is not there yet."""
    text_by_uid = {uid: label_text(rows) for at, (uid, rows) in enumerate(studies.items()) if at % 2 == 0}
    text_by_uid = {uid: text for uid, text in text_by_uid.items() if text}
    if not folder.exists():
        folder.mkdir()
        with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("study_uid", "report"), *text_by_uid.items()])
    return text_by_uid


def label_text(rows: Sequence[Row]) -> str:
    """What the labels of a study's volumes say, in sentences."""
    regions = dict.fromkeys(row["body_region"].strip(" ?") for row in rows if row["body_region"])
    parts = [f"MRI of the {region}." for region in regions if region not in {"", "unknown"}]
    names = dict.fromkeys(re.sub(r"\(.*?\)", "", row["diagnosis"]).strip() for row in rows)
    return " ".join([*parts, *(f"{name[0].upper()}{name[1:]}." for name in names if name)])


def _texts(database: Database, studies: dict[str, list[Row]], labelled: dict[str, str]) -> list[Text]:
    """What is stored of each study in words: its header sentences, and its labels."""
    query = (
        "SELECT t.uid, p.text FROM passages p JOIN volumes v ON v.id = p.volume_id JOIN series s ON s.id = v.series_id"
        " JOIN studies t ON t.id = s.study_id ORDER BY 1, p.id"
    )
    with database.begin() as session:
        rows = session.connection().exec_driver_sql(query).all()
    headers: dict[str, list[str]] = defaultdict(list)
    for uid, text in rows:
        headers[uid].append(text)
    made = []
    for uid in studies:
        parts = [*dict.fromkeys(headers[uid]), labelled.get(uid, "")]
        made.append(Text(uid, "volumes", "\n".join(part for part in parts if part), series=_as_series(parts)))
    return made


def _as_series(parts: Sequence[str]) -> tuple[Series, ...]:
    return tuple(Series(part) for part in parts if part)


if __name__ == "__main__":
    main()
