"""An archive of facts for cohorts: patients with studies on known days."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))

from filter_archive import FilterArchive

from spinecho.db.queries.selection import Selection
from spinecho.search.cohorts.attrition import Evaluation, evaluate
from spinecho.search.cohorts.definition import Definition, read_definition
from spinecho.search.likeness import Likeness


def no_likeness() -> Likeness:
    raise AssertionError("no rule here compares anything")


@dataclass
class CohortArchive:
    """`put` stores a study, `run` evaluates a definition."""

    facts: FilterArchive
    folder: Path

    def put(
        self, uid: str, patient: str, *, day: str = "", sex: str | None = "F", age: float | None = 50.0,
        sequence: str | Sequence[str] = "T2", vendor: str = "GE", region: str = "brain",
        says: Sequence[tuple[str, str]] = (),
    ) -> None:  # fmt: skip
        study = {
            "uid": uid,
            "accession_number": f"=A{uid}",
            "patient_id": patient,
            "date": date.fromisoformat(day) if day else None,
            "description": "head",
            "sex": sex,
            "age_years": age,
        }
        volumes: list[dict[str, Any]] = [
            {"body_region": region, "sequence": one, "plane": "axial", "contrast": "no", "field_strength_t": 1.5,
             "vendor": vendor, "model": "Signa", "derived": False}
            for one in ([sequence] if isinstance(sequence, str) else sequence)
        ]  # fmt: skip
        self.facts.store(study, f"{uid}.1", volumes)
        if says:
            self.facts.report(abs(hash(uid)), says, study_uid=uid)

    def read(self, text: str) -> Definition:
        path = self.folder / "definition.toml"
        path.write_text(text, encoding="utf-8")
        return read_definition(path)

    def run(self, text: str) -> Evaluation:
        selection = Selection(self.facts.database, self.facts.builds)
        return evaluate(self.read(text), self.facts.database, selection, no_likeness)


def uids(found: Evaluation) -> list[str]:
    return [member.study_uid for member in found.members]
