"""Identifiers typed or pasted: recognised by the archive's own values, and answered by exact match alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from archives import Home
from pydicom import dcmread

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.db.filters.algebra import Is
from spinecho.db.people.record import Record
from spinecho.errors import QueryError
from spinecho.search.access.personal_archive import Person, PersonalArchive, Role
from spinecho.search.answers.hits import Results, results_json
from spinecho.search.engine import Engine
from spinecho.search.query import Kind, TextQuery

LEFT = "FINDINGS: Acute infarct in the left middle cerebral artery territory."
SCANS = [
    Scan(1, LEFT, patient="PAT 0001"),
    Scan(2, "FINDINGS: Acute infarct in the right MCA territory. Accession 2023-0003.", sex="M", date="20220301"),
    Scan(3, "FINDINGS: Mass in the right frontal lobe.", patient="PAT 0001", date="20220301"),
    Scan(4, "", date="20210712"),
]
NUMBERS = {1: "RX 2023 0001", 2: "rx20230002", 3: "RX20230003", 4: "T2"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = write_scans(tmp_path_factory.mktemp("scans"), SCANS)
    for number, accession in NUMBERS.items():  # as hospitals write them: blanks, and letters of either case
        data = dcmread(folder / f"{number}.dcm")
        data.AccessionNumber = accession
        data.save_as(folder / f"{number}.dcm")
    made = Home(tmp_path_factory.mktemp("home"))
    assert made.index(folder).mendable == 0
    return made


@pytest.fixture(scope="module")
def engine(home: Home) -> Engine:
    return home.engine()


def numbers(results: Results) -> list[int]:
    return [int(hit.study.uid.rsplit(".", 1)[1]) for hit in results.hits if hit.study]


UID = SCANS[2].uid


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("RX20230003", [3]), ("rx20230003", [3]), (" RX20230003\t", [3]), ("RX 2023 0003", [3]), ("RX20230001", [1]),
        ("RX20230002", [2]), ('"RX20230003"', [3]), ("accession RX20230003", [3]), ("accession:RX20230003", [3]),
        ("acc# RX20230003.", [3]), ("please open RX20230003 (infarct?)", [3]), ("infarct RX20230003", [3]),
        ("accession T2", [4]), ("T2", [4]), (UID, [3]), (f"{UID}.1", [3]), (f"infarct {UID}", [3]),
        ("2021-07-12", [4]), ("12.07.2021", [4]), ("20210712", [4]), ("12 July 2021", [4]), ("July 12, 2021", [4]),
        ("infarct 2021-07-12", [4]), ("2022-03-01", [2, 3]), ("03/01/2022", [2, 3]),
    ],
)  # fmt: skip
def test_an_identifier_answers_first_and_alone(engine: Engine, typed: str, found: list[int]) -> None:
    results = engine.search(TextQuery(typed))
    assert numbers(results) == found
    assert results.query["way"] == "identifiers"
    assert results_json(results)["query"]["identifiers"][0]["studies"] == len(found)


@pytest.mark.parametrize("separator", [",", ", ", ";", "; ", "\n", "\r\n", "\t", " ", " | ", ",\n"])
def test_a_list_of_any_separator_is_answered_in_the_order_typed(engine: Engine, separator: str) -> None:
    typed = separator.join(["RX20230003", SCANS[0].uid, "rx20230002", "RX20239999"])
    results = engine.search(TextQuery(typed))
    assert numbers(results) == [3, 1, 2]
    assert "no study has the accession number 'RX20239999'" in results.warnings


@pytest.mark.parametrize(
    "typed",
    ["RX20239999", "accession RX20239999", "infarct RX20239999", "99999999", "accession 7", "2.25.123456789012345678"],
)
def test_what_no_study_has_is_told_and_brings_no_neighbour(engine: Engine, typed: str) -> None:
    results = engine.search(TextQuery(typed))
    assert results.hits == ()
    assert any(warning.startswith("no study has the ") for warning in results.warnings), results.warnings
    assert not any("no study fits" in warning for warning in results.warnings)


@pytest.mark.parametrize(
    "typed",
    ["T2 hyperintense lesion of 42 mm", "L4/5 disc", "b1000 DWI", "infarct, 3 cm", "TR 4500 TE 100", "C5-C6", "1p19q",
     "WHO grade 4", "A1 segment aneurysm", "infarct 2.5 x 1.2 cm", "IDH1 R132H", "PI-RADS 5", "T2 lesion"],
)  # fmt: skip
def test_numbers_of_the_trade_are_words(engine: Engine, typed: str) -> None:
    assert engine.search(TextQuery(typed)).query["way"] == "words"


def test_filters_do_not_hide_what_was_named_and_that_is_told(engine: Engine) -> None:
    results = engine.search(TextQuery("RX20230003"), where=Is("sex", ("M",)))
    assert numbers(results) == [3]
    assert "filters" in [one["text"] for one in results.query["ignored"]]


def test_reports_of_what_was_named(engine: Engine) -> None:
    results = engine.search(TextQuery("RX20230003 RX20230002"), want=Kind.REPORT)
    assert [hit.study.uid[-1] for hit in results.hits if hit.study] == ["3", "2"]


class _PersonalArchives:
    def __init__(self, home: Home, engine: Engine) -> None:
        self._home, self._engine = home, engine

    def ask(self, role: Role, typed: str) -> Results:
        return PersonalArchive(self._engine, Person("ada", role)).search(TextQuery(typed))


@pytest.mark.parametrize("typed", ["PAT 0001", "pat 0001", "patient id PAT 0001", "MRN: PAT0001X", "infarct PAT 0001"])
def test_patient_ids_are_for_those_who_may_see_them(home: Home, engine: Engine, typed: str) -> None:
    archives = _PersonalArchives(home, engine)
    exists = "PAT0001X" not in typed
    for role in (Role.RESEARCHER, Role.MANAGER):
        assert sorted(numbers(archives.ask(role, typed))) == ([1, 3] if exists else [])
    seen = archives.ask(Role.VIEWER, typed)
    other = archives.ask(Role.VIEWER, typed.replace("0001", "0007"))  # nobody's
    assert [hit.study.uid for hit in seen.hits if hit.study] == [hit.study.uid for hit in other.hits if hit.study]
    near = "nothing relevant found"  # by how near the words are to others, whatever they stand for
    told, others = ([one for one in of.warnings if not one.startswith(near)] for of in (seen, other))
    assert [one.replace("0001", "0007") for one in told] == others
    assert seen.query["way"] == other.query["way"]


def test_a_filter_by_patient_is_for_them_too(home: Home, engine: Engine) -> None:
    from spinecho.search.access.personal_archive import Refused  # noqa: PLC0415

    viewer = PersonalArchive(engine, Person("ada", Role.VIEWER))
    for act in (
        lambda: viewer.search(TextQuery("infarct"), where=Is("patient_id", ("PAT 0001",))),
        lambda: viewer.facets(Is("patient_id", ("PAT 0001",))),
    ):
        with pytest.raises(Refused, match="researcher"):
            act()


def test_nothing_of_an_identifier_is_on_record(home: Home, engine: Engine) -> None:
    _PersonalArchives(home, engine).ask(Role.MANAGER, "RX20230003 PAT 0001")
    record = Record.open(Path(home.folder) / "record.sqlite", write=False)
    try:
        said = repr(record.entries(user=None, most=1000))
    finally:
        record.close()
    assert "search" in said
    assert "RX2023" not in said
    assert "PAT" not in said


def test_a_pasted_table_of_numbers_is_a_list_however_long(engine: Engine) -> None:
    rows = "".join(f"RX2023{number:04d}\t2022-01-{1 + number % 28:02d}\tMRI\n" for number in range(1, 60))
    results = engine.search(TextQuery(f"Accession number\tdate\n{rows}"), k=100)
    assert results.query["way"] == "identifiers"
    assert set(numbers(results)) == {1, 2, 3}


@pytest.mark.parametrize("no", ["not", "everything except", "leave out", "without"])
def test_a_study_that_is_denied_by_name_is_not_shown(engine: Engine, no: str) -> None:
    """Words leave out what reports affirm; what a number names is left out by a filter, which the error writes."""
    for named in ("accession RX20230003", "RX20230003"):
        with pytest.raises(QueryError, match='give the filter not accession_number="RX20230003"'):
            engine.search(TextQuery(f"{no} {named}"))
