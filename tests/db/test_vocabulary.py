"""The words that full text knows, as stems and as they are written, in either kind of database."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive

from spinecho.db.filters.algebra import ALL, Is
from spinecho.db.queries.identifiers import (
    accession_shapes,
    shape_of,
    studies_by_accession,
    studies_by_date,
    studies_by_uid,
)
from spinecho.db.queries.listing import newest_first, newest_reports_first, reported_studies
from spinecho.db.queries.selection import Selection
from spinecho.db.queries.sentences import passages_saying, report_passages
from spinecho.db.queries.vocabulary import passages_count, sentences_with, stems_of
from spinecho.db.reports.full_text import expression
from spinecho.db.schema.engines import Location
from spinecho.search.planning.spelling import Spelling


def filled(folder: Path, location: Location) -> FilterArchive:
    made = FilterArchive(folder, location)
    for number, (day, accession) in enumerate(
        [("2020-01-01", "AB 12 34"), ("2022-05-05", "ab1235"), ("", "X-1"), ("2021-01-01", "UNKNOWN")]
    ):
        study = {
            "uid": f"1.2.3.{number}", "accession_number": accession, "patient_id": f"p{number}", "date": day or None,
            "description": "head", "sex": "F", "age_years": 50.0,
        }  # fmt: skip
        facts = {
            "sequence": "T2", "plane": "axial", "body_region": "brain", "contrast": "no", "vendor": "GE", "model": "",
            "field_strength_t": 3.0, "derived": False,
        }  # fmt: skip
        made.store(study, f"1.2.3.{number}.9", [facts])
    made.report(
        1, [("Transmantle signs of a dysplasia.", "present"), ("No dysplasias.", "absent")], study_uid="1.2.3.0"
    )
    made.report(2, [("A meningioma.", "present")], study_uid="1.2.3.1")
    return made


def test_stems_lead_back_to_words(tmp_path: Path, location: Location) -> None:
    made = filled(tmp_path, location)
    stems = stems_of(made.database)
    stem = next(one for one in stems if one.startswith("dysplas"))
    assert stems[stem] == 2
    assert "Transmantle signs of a dysplasia." in sentences_with(made.database, [stem])
    assert passages_count(made.database) >= 3
    assert [(one.typed, one.taken) for one in Spelling(made.database).corrections("transmantel dysplasai")] == [
        ("transmantel", "transmantle"), ("dysplasai", "dysplasia")
    ]  # fmt: skip
    made.close()


def test_identifiers_are_compared_as_their_keys_are(tmp_path: Path, location: Location) -> None:
    made = filled(tmp_path, location)
    found = studies_by_accession(made.database, {"ab1234", "ab1235", "x-1", "unknown", ""})
    assert {key: len(studies) for key, studies in found.items()} == {"ab1234": 1, "ab1235": 1, "x-1": 1}
    assert accession_shapes(made.database) == {"a0000", "a-0"}
    assert shape_of("RX0012-7") == "a0000-0"
    uids = studies_by_uid(made.database, {"1.2.3.0", "1.2.3.1.9", "9.9"})
    assert {uid: kind for uid, (kind, _) in uids.items()} == {"1.2.3.0": "study", "1.2.3.1.9": "series"}
    from datetime import date  # noqa: PLC0415

    assert len(studies_by_date(made.database, {date(2022, 5, 5), date(1999, 1, 1)})) == 1
    made.close()


def test_lists_are_by_date_the_newest_first(tmp_path: Path, location: Location) -> None:
    made = filled(tmp_path, location)
    every = Selection(made.database, made.builds).studies(ALL)
    uids = {study: f"1.2.3.{number}" for number, study in enumerate(every.tolist())}
    assert [uids[study] for study in newest_first(made.database, every)] == ["1.2.3.1", "1.2.3.3", "1.2.3.0", "1.2.3.2"]
    assert len(newest_reports_first(made.database, None)) == 2
    some = Selection(made.database, made.builds).studies(Is("study_uid", ("1.2.3.0",)))
    assert len(newest_reports_first(made.database, some)) == 1
    assert len(reported_studies(made.database)) == 2
    said = passages_saying(made.database, expression([("dysplasia",)]))
    told = report_passages(made.database, list(said))
    assert all(set(cards) <= set(told[study]) for study, cards in said.items())  # read as one text, and row by row
    assert [[card.assertion for card in cards] for cards in said.values()] == [["present", "absent"]]
    made.close()
