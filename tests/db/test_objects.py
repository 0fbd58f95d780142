"""What DICOMweb asks of the database, on both kinds."""

from __future__ import annotations

import json
from datetime import date

import pytest

from spinecho.db.queries.objects import Match, has_study, matching_series, matching_studies, object_files
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.schema.models import File, Folder, Series, Study, Volume

STUDIES = (("1.1", "A_1", "P1", date(2024, 1, 2), "Head"), ("1.2", "AB1", "p1", date(2024, 3, 4), "Knee 50%"),
           ("1.3", "a%1", "P2", None, "Head"))  # fmt: skip


@pytest.fixture
def database(location: Location) -> Database:
    """Three studies of two series with two files each, and one of NIfTI."""
    found = Database.open(location)
    with found.begin() as session:
        folder = Folder(root="/a", path="/a/b", seen_run=1)
        session.add(folder)
        session.flush()
        for uid, accession, patient, day, about in (*STUDIES, ("1.9", "N", "P9", None, "nifti")):
            study = Study(uid=uid, accession_number=accession, patient_id=patient, date=day, description=about,
                          sex=None, age_years=None, patient=None, disagreeing="")  # fmt: skip
            session.add(study)
            session.flush()
            for number in (1, 2):
                series = Series(study_id=study.id, uid=f"{uid}.{number}", number=number, description="", protocol="",
                                study_facts=None)  # fmt: skip
                session.add(series)
                session.flush()
                session.add(Volume(series_id=series.id, key="", sequence="T1", plane="axial", body_region="head",
                                   contrast="no", side="", technique=("",), b_value=None, dixon="", component="",
                                   computed="", field_strength_t=None, vendor="", model="", derived=False,
                                   acquisition={}, shape=[1, 1, 1], flags=[], notes={}))  # fmt: skip
                for place in (3, 1):
                    kind = "nifti" if uid == "1.9" else "dicom"
                    detail = {"facts": {"instance": place}, "pixels": {"rows": 4, "columns": 5, "frames": 2}}
                    session.add(File(folder_id=folder.id, name=f"{uid}.{number}.{place}", size=9, mtime_ns=1, kind=kind,
                                     state="indexed", study_uid=uid, series_uid=f"{uid}.{number}",
                                     sop_uid=f"{uid}.{number}.{place}", header=json.dumps({"detail": detail}),
                                     digest=None, companion=None))  # fmt: skip
    return found


def studies(database: Database, **match: object) -> list[str]:
    return [one.card.uid for one in matching_studies(database, Match(**match), limit=10, offset=0)]  # type: ignore[arg-type]


def test_studies_are_matched_alike(database: Database) -> None:
    assert studies(database) == ["1.2", "1.1", "1.3"], "newest first, those without a date last"
    assert studies(database, accession_number="A_*") == ["1.1"], "an underscore is itself"
    assert studies(database, accession_number="a%?") == ["1.3"]
    assert studies(database, accession_number="*1") == ["1.2", "1.1", "1.3"]
    assert studies(database, description="*50%") == ["1.2"]
    assert studies(database, patient_id="P1") == ["1.1"], "as it is written"
    assert studies(database, dates=(date(2024, 1, 2), date(2024, 1, 2))) == ["1.1"]
    assert studies(database, dates=(date(2024, 1, 3), None)) == ["1.2"]
    assert studies(database, study_uids=("1.3", "1.9", "7")) == ["1.3"]
    assert studies(database, nothing=True) == []
    (first, *_) = matching_studies(database, Match(), limit=1, offset=1)
    assert (first.card.uid, first.series, first.instances) == ("1.1", 2, 4)


def test_series_and_files_are_those_of_dicom(database: Database) -> None:
    found = matching_series(database, Match(), limit=10, offset=0)
    assert [one.card.uid for one in found] == ["1.2.1", "1.2.2", "1.1.1", "1.1.2", "1.3.1", "1.3.2"]
    assert {one.instances for one in found} == {2}
    (one,) = matching_series(database, Match(study_uids=("1.1",)), number=2, limit=10, offset=0)
    assert one.card.uid == "1.1.2"
    assert not matching_series(database, Match(), series_uids=["1.9.1"], limit=10, offset=0)
    files = object_files(database, "1.1")
    assert [one.sop_uid for one in files] == ["1.1.1.1", "1.1.1.3", "1.1.2.1", "1.1.2.3"]
    assert (files[0].number, files[0].rows, files[0].columns, files[0].frames) == (1, 4, 5, 2)
    assert [one.path for one in object_files(database, "1.1", "1.1.2", "1.1.2.3")] == ["/a/b/1.1.2.3"]
    assert object_files(database, "1.9") == []
    assert object_files(database, "1.2", "1.1.1") == []
    assert has_study(database, "1.9")
    assert not has_study(database, "7")
