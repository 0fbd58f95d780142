"""The snapshot of facts: what it answers, when it is refused, how it follows what happens, and facet counts."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import SENTENCES, FilterArchive, about, assert_same, facts

from spinecho.db.errors import FilterError
from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.filters.algebra import ALL, And, Between, Contains, Filter, Is, Not, Or, Says, parse_filter, visible
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.engines import Location


@pytest.fixture
def archive(tmp_path: Path, location: Location) -> Iterator[FilterArchive]:
    made = FilterArchive(tmp_path, location)
    yield made
    made.close()


def small(archive: FilterArchive, n: int = 6) -> None:
    draw = random.Random(4)
    for number in range(1, n + 1):
        uid = f"1.{number}"
        archive.store(about(draw, uid), f"{uid}.1", [facts(draw), {**facts(draw), "sequence": "T2"}])
        archive.report(number, SENTENCES[number % 3 : number % 3 + 1], study_uid=uid)
    archive.end_run()


def studies_by_sql(archive: FilterArchive, where: Filter) -> list[int]:
    return Selection(archive.database, Path("/none")).studies(where).tolist()


def test_without_a_snapshot_sql_answers(archive: FilterArchive) -> None:
    small(archive)
    selection = Selection(archive.database, archive.builds)
    assert_same(archive, selection, Is("sequence", ("T2",)))
    assert selection.source == "SQL"
    assert not selection.warnings


@pytest.mark.parametrize("damage", ["flip", "manifest", "missing", "pointer"])
def test_a_damaged_snapshot_is_refused_and_the_answer_is_the_same(archive: FilterArchive, damage: str) -> None:
    small(archive)
    make_snapshot(archive.database, archive.builds)
    folder = archive.builds / "facts" / "000001"
    codes = folder / "code.sequence.npy"
    match damage:
        case "flip":
            content = bytearray(codes.read_bytes())
            content[-1] ^= 1
            codes.write_bytes(content)
        case "manifest":
            (folder / "manifest.json").write_text('{"snapshot": "000001"}', encoding="utf-8")
        case "missing":
            codes.unlink()
        case "pointer":
            (archive.builds / "facts" / "CURRENT").unlink()
    selection = Selection(archive.database, archive.builds)
    for text in ("sequence=T2", "age>=40 or sex=F", "archive=/data/a"):
        assert_same(archive, selection, parse_filter(text))
    assert selection.source == ("snapshot 000001" if damage == "pointer" else "SQL")
    assert [("fact snapshot 000001" in warning) for warning in selection.warnings] == [True] * (damage != "pointer")
    make_snapshot(archive.database, archive.builds)
    selection.refresh()
    assert selection.source == "snapshot 000002"


def test_the_last_good_snapshot_answers_for_a_damaged_one(archive: FilterArchive) -> None:
    small(archive)
    make_snapshot(archive.database, archive.builds)
    archive.store(about(random.Random(1), "1.9"), "1.9.1", [facts(random.Random(2))])
    make_snapshot(archive.database, archive.builds)
    path = archive.builds / "facts" / "000002" / "values.json"
    path.write_text(path.read_text(encoding="utf-8").replace("T2", "T3"), encoding="utf-8")
    selection = Selection(archive.database, archive.builds)
    assert_same(archive, selection, Is("sequence", ("T2",)))
    assert_same(archive, selection, ALL)
    assert selection.source == "snapshot 000001"
    assert "changed on disk" in selection.warnings[0]


def test_only_two_snapshots_are_kept_and_leftovers_go(archive: FilterArchive) -> None:
    small(archive, 1)
    (archive.builds / "facts" / "000009.partial").mkdir(parents=True)
    for _ in range(4):
        make_snapshot(archive.database, archive.builds)
    assert sorted(path.name for path in (archive.builds / "facts").iterdir()) == ["000003", "000004", "CURRENT"]


def test_the_snapshot_of_another_database_does_not_answer(archive: FilterArchive, tmp_path: Path) -> None:
    small(archive)
    (tmp_path / "other").mkdir()
    other = FilterArchive(tmp_path / "other")
    small(other, 3)
    make_snapshot(archive.database, other.builds)
    selection = Selection(other.database, other.builds)
    assert_same(other, selection, Is("sequence", ("T2",)))
    assert selection.source == "SQL"
    other.close()


def test_a_study_that_came_and_went_since_is_followed(archive: FilterArchive) -> None:
    small(archive)
    make_snapshot(archive.database, archive.builds)
    archive.begin_run()
    selection = Selection(archive.database, archive.builds)
    draw = random.Random(3)
    for volumes in ([facts(draw)], [], [facts(draw), facts(draw)], []):
        archive.store(about(draw, "1.9"), "1.9.1", volumes)
        assert_same(archive, selection, Not(Is("sequence", ("T2",))))
        assert selection.source == "snapshot 000001"
    archive.store(about(draw, "1.9"), "1.9.1", [facts(draw)])
    archive.store(about(draw, "1.9"), "1.9.1", [])  # nobody looked in between
    assert_same(archive, selection, Not(Is("sequence", ("T2",))))
    assert selection.source == "SQL"


def test_a_folder_that_is_found_under_another_root_changes_its_archive(archive: FilterArchive) -> None:
    small(archive)
    make_snapshot(archive.database, archive.builds)
    selection = Selection(archive.database, archive.builds)
    where = Is("archive", ("/DATA/A",))
    before = selection.studies(where).tolist()
    assert len(before) == 6
    assert before == studies_by_sql(archive, where)
    archive.begin_run()
    archive.walk("/data")
    assert selection.studies(where).tolist() == studies_by_sql(archive, where) == []
    assert [(one.value, one.shown) for one in selection.facets(ALL, ["archive"])["archive"]] == [("/data", 6)]
    assert_same(archive, selection, Is("sequence", ("T2",)))
    assert selection.source == "snapshot 000001"


def test_a_report_that_finds_its_study_later_is_found_under_it(archive: FilterArchive) -> None:
    small(archive)
    archive.report(9, [("A bleed.", "present")], accession_number="A7", match=False)
    archive.end_run()
    make_snapshot(archive.database, archive.builds)
    selection = Selection(archive.database, archive.builds)
    before = len(selection.passages(archive.text, ALL))
    with archive.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE studies SET accession_number = 'A7' WHERE uid = '1.3'")
    archive.match()
    assert len(selection.passages(archive.text, ALL)) == before + 1
    assert_same(archive, selection, Is("accession_number", ("a7",)))
    assert selection.source == "snapshot 000001"


def test_more_changes_than_are_worth_following_go_to_sql_until_the_next_snapshot(
    archive: FilterArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(archive)
    make_snapshot(archive.database, archive.builds)
    monkeypatch.setattr("spinecho.db.facts.fact_changes._MOST", 3)
    selection = Selection(archive.database, archive.builds)
    assert_same(archive, selection, Is("sequence", ("T2",)))
    assert selection.source == "snapshot 000001"
    archive.store(about(random.Random(1), "1.9"), "1.9.1", [facts(random.Random(2))] * 2)
    assert_same(archive, selection, Is("sequence", ("T2",)))
    assert selection.source == "SQL"
    make_snapshot(archive.database, archive.builds)
    assert_same(archive, selection, Is("sequence", ("T2",)))
    assert selection.source == "snapshot 000002"


def test_an_assertion_is_of_a_sentence_that_names_the_finding(archive: FilterArchive) -> None:
    for number, sentences in enumerate(
        [
            [("A bleed.", "present")],
            [("No bleeding.", "absent"), ("Mass effect.", "present")],
            [],
            [("Calm.", "present")],
        ]
    ):
        uid = f"1.{number}"
        archive.store(about(random.Random(number), uid), f"{uid}.1", [facts(random.Random(number))])
        archive.report(number, sentences, study_uid=uid)
    archive.end_run()
    make_snapshot(archive.database, archive.builds)
    selection = Selection(archive.database, archive.builds)

    def found(text: str) -> list[int]:
        where = parse_filter(text, expand={"haemorrhage": ("bleed",), "effect*": ()}.get)  # type: ignore[arg-type]
        assert studies_by_sql(archive, where) == selection.studies(where).tolist()
        return [study - 1 for study in selection.studies(where).tolist()]

    assert found("says:present(haemorrhage)") == [0]
    assert found("says:absent(haemorrhage)") == [1]
    assert found("says:any(haemorrhage)") == [0, 1]
    assert found("not says:any(haemorrhage)") == [2, 3]
    assert found('says("effect*")') == [1]
    with pytest.raises(FilterError, match="no word to look for"):
        selection.studies(Says(("?!",), "present", "?!"))
    with pytest.raises(FilterError, match="no assertion 'maybe'"):
        selection.studies(Says(("bleed",), "maybe"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (Is("sequenc", ("T2",)), "did you mean 'sequence'"),
        (Is("age", ("x",)), "age needs a number"),
        (Between("age", float("nan")), "age needs a number"),
        (Between("date", "2020-01-01"), "date needs a date"),
        (Is("sex", (1.0,)), "sex needs a text"),
        (Is("derived", ("yes",)), "derived needs yes or no"),
        (Contains("description", "x" * 60_000), "60000 characters"),
        (Or((Between("predicted.score", 0.5), Is("predicted.finding", ("cyst",)))), "not within"),
    ],
    ids=str,
)
def test_wrong_filters_are_refused_by_both_in_the_same_words(
    archive: FilterArchive, where: Filter, message: str
) -> None:
    small(archive, 2)
    make_snapshot(archive.database, archive.builds)
    for selection in (Selection(archive.database, archive.builds), Selection(archive.database, Path("/none"))):
        with pytest.raises(FilterError, match=message):
            selection.volumes(archive.image, where)
        with pytest.raises(FilterError, match=message):
            selection.facets(where, ["sex"])


def test_many_values_at_once_are_no_error(archive: FilterArchive) -> None:
    small(archive)
    make_snapshot(archive.database, archive.builds)
    selection = Selection(archive.database, archive.builds)
    where = Is("study_uid", (*(f"9.{number}" for number in range(40_000)), "1.2"))
    assert_same(archive, selection, where)
    assert len(selection.volumes(archive.image, where)) == 2


def test_facets_show_what_choosing_another_value_would_give(archive: FilterArchive) -> None:
    plain = facts(random.Random(1)) | {"derived": False}
    for number, (sequence, sex, age) in enumerate([("T1", "F", 40.5), ("T2", "F", 71.0), ("T2", "M", None)]):
        uid = f"1.{number}"
        study = about(random.Random(1), uid) | {"sex": sex, "age_years": age}
        archive.store(study, f"{uid}.1", [plain | {"sequence": sequence}, plain | {"sequence": "FLAIR"}])
    archive.store(about(random.Random(1), "1.9"), "1.9.1", [plain | {"sequence": "localizer"}])
    archive.end_run()
    make_snapshot(archive.database, archive.builds)
    selection = Selection(archive.database, archive.builds)
    where = visible(And((Is("sex", ("F",)), Contains("description", ""))))
    found = selection.facets(where, ["sequence", "sex", "age"], base=visible(ALL))
    told = {field: [(one.value, one.shown, one.total) for one in facets] for field, facets in found.items()}
    assert told["sequence"] == [("FLAIR", 2, 3), ("T2", 1, 2), ("T1", 1, 1)]
    assert told["sex"] == [("F", 2, 2), ("M", 1, 1)]
    assert told["age"] == [("40-49", 1, 1), ("70-79", 1, 1), ("", 0, 1)]
    few = selection.facets(where, ["sex"], studies=np.array([3], dtype=np.int64), base=visible(ALL))["sex"]
    assert [(one.value, one.shown) for one in few] == [("F", 0), ("M", 1)]


def test_facets_of_what_cannot_be_counted_are_refused(archive: FilterArchive) -> None:
    selection = Selection(archive.database, archive.builds)
    with pytest.raises(FilterError, match="'patient_id' cannot be counted"):
        selection.facets(ALL, ["patient_id"])
    with pytest.raises(FilterError, match="did you mean 'sequence'"):
        selection.facets(ALL, ["sequenc"])
    assert selection.facets(ALL, ["sex"]) == {"sex": ()}
