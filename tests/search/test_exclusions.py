"""Searches that only leave out: everything that passes, less what affirms it; and lists of what passes filters."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from archives import Home

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.db.filters.algebra import Is
from spinecho.encoders.language.query_words import EmptyQuery
from spinecho.search.answers.hits import Results
from spinecho.search.engine import Engine
from spinecho.search.query import Evidence, Kind, StudyQuery, TextQuery

SCANS = [
    Scan(1, "FINDINGS: Acute infarct of the left frontal lobe.", date="20240101"),
    Scan(2, "FINDINGS: No infarct. Meningioma.", sex="M", date="20200101"),
    Scan(3, "FINDINGS: Glioblastoma of the right temporal lobe.", date="20210101"),
    Scan(4, "", sex="M", date="20230101"),
    Scan(5, "INDICATION: Infarct?\nFINDINGS: Normal.", date="20220101"),
    Scan(6, "FINDINGS: No stroke. No tumour.", date="20190101"),
]
NAMED_IN_PARTS = [
    Scan(21, "FINDINGS: Spleen enlarged at 17 cm."), Scan(22, "FINDINGS: The spleen is normal in size."),
    Scan(23, "FINDINGS: Infarct of the right frontal lobe."), Scan(24, "FINDINGS: A liver lesion of 8 mm."),
    Scan(25, "FINDINGS: A liver lesion of 42 mm."),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    home = Home(tmp_path_factory.mktemp("home"))
    home.index(write_scans(tmp_path_factory.mktemp("scans"), SCANS))
    return home.engine()


def numbers(results: Results) -> list[int]:
    return [int(hit.study.uid.rsplit(".", 1)[1]) for hit in results.hits if hit.study]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("no infarct", [2, 6, 4, 5, 3]), ("-infarct", [2, 6, 4, 5, 3]), ("without stroke", [2, 6, 4, 5, 3]),
        ("no tumour", [6, 1, 4, 5]),  # meningioma and glioblastoma are tumours
        ("no infarct, no tumour", [6, 4, 5]), ("-zebra", [1, 4, 5, 3, 2, 6]),
        ("no infarct, sex:M", [2, 4]), ("men without infarct", [2, 4]),
    ],
)  # fmt: skip
def test_only_exclusions_give_the_rest_denials_first_then_the_newest(
    engine: Engine, typed: str, found: list[int]
) -> None:
    assert numbers(engine.search(TextQuery(typed))) == found


def test_it_is_told_what_reports_cannot_tell(engine: Engine) -> None:
    said = " ".join(engine.search(TextQuery("no infarct")).warnings)
    assert "1 of 6 studies affirm it" in said
    assert "2 deny it in words" in said
    assert "1 of 6 studies have no report" in said
    silent = " ".join(engine.search(TextQuery("no infarct"), where=Is("accession_number", ("A4",))).warnings)
    assert "so that this answer says little" in silent


def test_reports_that_do_not_affirm_it(engine: Engine) -> None:
    results = engine.search(TextQuery("no infarct"), want=Kind.REPORT, where=Is("sex", ("F",)))
    assert [hit.study.uid[-1] for hit in results.hits if hit.study] == ["6", "5", "3"]


def test_bad_thumbs_are_left_out_and_scans_alone_cannot_tell(engine: Engine) -> None:
    assert 5 not in numbers(engine.search(TextQuery("no infarct", bad=(SCANS[4].uid,))))
    with pytest.raises(Exception, match="only says what is not wanted"):
        engine.search(TextQuery("no infarct", by=Evidence.SCANS))


def test_beside_an_example_it_only_leaves_out(engine: Engine) -> None:
    found = numbers(engine.search(TextQuery("no infarct", like=StudyQuery(SCANS[3].uid))))
    assert set(found) == {2, 3, 5, 6}


@pytest.mark.parametrize("typed", ["", "sex:M", "men", "sex:male", "-sex:F"])
def test_filters_alone_list_what_passes_the_newest_first(engine: Engine, typed: str) -> None:
    where = Is("sex", ("M",))
    results = engine.search(TextQuery(typed), where=where)
    assert numbers(results) == [4, 2]
    assert results.query["way"] == "filters"
    assert results.query["fitting"] == 2
    assert numbers(engine.search(TextQuery(typed), where=where, k=1)) == [4]


def test_without_words_and_filters_nothing_is_asked(engine: Engine) -> None:
    with pytest.raises(EmptyQuery):
        engine.search(TextQuery(""))


def test_why_no_report_came_back_is_told(engine: Engine) -> None:
    results = engine.search(TextQuery("infarct"), want=Kind.REPORT, where=Is("accession_number", ("A4",)))
    assert results.hits == ()
    assert "1 study passes the filters, and none has a report: search for studies instead" in results.warnings


@pytest.mark.parametrize(
    ("typed", "left_out"),
    [
        ("no splenomegaly", {21}), ("liver -splenomegaly", {21}), ("no right infarct", {23}),
        ("no left infarct", set()),
        ("no lesion > 2 cm", {25}), ("no lesion < 1 cm", {24}), ("no liver lesion", {24, 25}),
    ],
)  # fmt: skip
def test_what_is_left_out_is_what_is_affirmed_in_parts_on_that_side_of_that_size(
    typed: str, left_out: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = Home(tmp_path_factory.getbasetemp() / "named-in-parts")
    if not home.folder.exists():
        home.index(write_scans(tmp_path_factory.mktemp("parts"), NAMED_IN_PARTS))
    found = set(numbers(home.engine().search(TextQuery(typed), k=20)))
    assert left_out.isdisjoint(found)
    assert {21, 22, 23, 24, 25} - left_out <= found or not typed.startswith("no ")
