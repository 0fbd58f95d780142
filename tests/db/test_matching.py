"""Which study a report belongs to and which version of it stands, whatever came first."""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text, update

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive, about, assert_same, facts

from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.filters.algebra import Says
from spinecho.db.queries.learning.evaluating import count_reports, report_texts
from spinecho.db.queries.learning.training_rows import training_rows
from spinecho.db.queries.lookup import reports_of
from spinecho.db.queries.selection import Selection
from spinecho.db.queries.sentences import report_passages
from spinecho.db.reports import study_matching
from spinecho.db.reports.full_text import expression, find_words
from spinecho.db.reports.versions import Version, settle
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.schema.models import Study


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without rows: copied faster than it is made."""
    path = tmp_path_factory.mktemp("empty") / "spinecho.sqlite"
    Database.open(path).close()
    return path


def copied(empty: Path, folder: Path) -> FilterArchive:
    folder.mkdir(exist_ok=True)
    shutil.copy(empty, folder / empty.name)
    return FilterArchive(folder)


@pytest.fixture
def made(tmp_path: Path, location: Location) -> Iterator[FilterArchive]:
    """An empty archive in a file, and one on a server."""
    archive = FilterArchive(tmp_path, location)
    yield archive
    archive.close()


def store(archive: FilterArchive, uid: str, accession: str = "", patient: str = "") -> None:
    """A study with these keys now, whatever they were before."""
    draw = random.Random(1)
    keys = {"accession_number": accession, "patient_id": patient}
    archive.store({**about(draw, uid), **keys}, f"{uid}.1", [facts(draw)])
    with archive.database.begin() as session:
        session.execute(update(Study).where(Study.uid == uid).values(**keys))


def state(archive: FilterArchive) -> dict[str, tuple[Any, ...]]:
    """What became of each report, by its text."""
    query = (
        "SELECT r.text, r.match, r.reason, r.standing, s.uid, n.uid, count(p.id), count(v.id) FROM reports r "
        "LEFT JOIN studies s ON s.id = r.study_id LEFT JOIN studies n ON n.id = r.named_study_id "
        "LEFT JOIN passages p ON p.report_id = r.id LEFT JOIN vectors v ON v.passage_id = p.id "
        "GROUP BY r.text, r.match, r.reason, r.standing, s.uid, n.uid, r.file_id ORDER BY r.text, r.standing"
    )
    with archive.database.begin() as session:
        return {f"{row[0]} #{n}": tuple(row[1:]) for n, row in enumerate(session.execute(text(query)))}


def standing(archive: FilterArchive) -> dict[str, str]:
    with archive.database.begin() as session:
        query = text("SELECT f.name, r.standing FROM reports r JOIN files f ON f.id = r.file_id ORDER BY f.name")
        return {name.split("-")[1].split(".")[0]: kind for name, kind in session.execute(query)}


def match(archive: FilterArchive) -> tuple[str, str, str | None]:
    """Match, reason and study of the one report."""
    study_matching.match_reports(archive.database)
    ((found, reason, _, uid, *_rest),) = state(archive).values()
    return found, reason, uid


Step = Callable[[FilterArchive], None]


def _report(name: int, said: str, **given: Any) -> Step:
    return lambda archive: archive.report(name, [(f"{said}.", "present")], match=False, text=said, **given)


def _study(*given: str) -> Step:
    return lambda archive: store(archive, *given)


def _gone(uid: str) -> Step:
    return lambda archive: archive.store({"uid": uid}, f"{uid}.1", [])


ENTITIES: list[list[Step]] = [
    [_study("1.1", "AX", "p1")],
    [_study("1.2", "Y", "p1"), _study("1.2", "AX", "p1")],  # corrected: now two studies have X
    [_study("1.3", "Z", "p3"), _gone("1.3")],
    [_study("1.4", "OLD", "p4"), _study("1.4", "new 4", "p4")],
    [_study("1.5", "N5", "p5")],
    [_report(1, "of two studies", accession_number="AX")],
    [_report(2, "preliminary of five", accession_number="n5", status="preliminary")],
    [_report(3, "final of five", accession_number="N5 ", status="final")],
    [_report(4, "corrected of five", study_uid="1.5", status="corrected"), lambda archive: archive.remove_report(4)],
    [_report(5, "addendum of five", accession_number="N5", status="addendum")],
    [_report(6, "of a study that goes", study_uid="1.3")],
    [_report(7, "by the new number", accession_number="NEW4"), _report(7, "seven again", accession_number="NEW4")],
    [_report(8, "by the old number", accession_number="OLD")],
    [_report(9, "seven again", accession_number="NEW4")],
    [_report(10, "of another patient", accession_number="N5", patient_id="p6")],
]
WORDS = sorted({"study", "studies", "preliminary", "final", "corrected", "addendum", "number", "seven", "patient"})


def test_the_order_of_arrival_never_matters(empty: Path, tmp_path: Path) -> None:
    """Studies and reports come, change their keys and go in any order, with runs ending anywhere between."""
    expected: dict[str, Any] = {}
    draw = random.Random(7)
    for number in range(5):
        archive = copied(empty, tmp_path / str(number))
        left = [list(steps) for steps in ENTITIES]
        selection: Selection | None = None
        while any(left):
            steps = draw.choice([steps for steps in left if steps]) if number else next(s for s in left if s)
            steps.pop(0)(archive)
            if number and draw.random() < 0.25:
                study_matching.match_reports(archive.database)
                if selection is None:
                    archive.end_run()
                    make_snapshot(archive.database, archive.builds)
                    selection = Selection(archive.database, archive.builds)
                for word in draw.sample(WORDS, 2):
                    assert_same(archive, selection, Says(word))
        study_matching.match_reports(archive.database)
        found = state(archive)
        words = {
            word: len(find_words(archive.database, archive.text, expression([(word,)]), limit=99)) for word in WORDS
        }
        expected = expected or {"state": found, "words": words}
        assert {"state": found, "words": words} == expected
        archive.close()
    kinds = {key.split(" #")[0]: row for key, row in expected["state"].items()}
    assert kinds["of two studies"][:2] == ("ambiguous", "several_studies")
    assert kinds["preliminary of five"][2:5] == ("superseded", None, "1.5")
    assert kinds["final of five"][2:4] == ("stands", "1.5")
    assert kinds["addendum of five"][2:4] == ("addendum", "1.5")
    assert kinds["of a study that goes"][:2] == ("unmatched", "no_study")
    assert kinds["by the old number"][:2] == ("unmatched", "no_study")
    assert kinds["of another patient"][:2] == ("unmatched", "patient_disagrees")
    assert sorted(row[2] for key, row in expected["state"].items() if key.startswith("seven")) == [
        "duplicate",
        "stands",
    ]


def test_an_ambiguous_report_gets_its_study_when_the_other_goes(made: FilterArchive) -> None:
    store(made, "1.1", "AX")
    made.report(1, [("A cyst.", "present")], accession_number="AX")
    assert match(made) == ("matched", "", "1.1")
    store(made, "1.2", "AX")
    assert match(made) == ("ambiguous", "several_studies", None)
    (listed,) = study_matching.unmatched_reports(made.database)
    assert (listed.studies, listed.accession_number) == (("1.1", "1.2"), "AX")
    store(made, "1.2", "Y")
    assert match(made) == ("matched", "", "1.1")
    store(made, "1.1", "Y2")
    assert match(made) == ("unmatched", "no_study", None)


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "00000000",
        "UNKNOWN",
        "n/a",
        "N.A.",
        "none",
        "-",
        "--",
        "XXX",
        "xxxxxxxx",
        "Anonymized",
        "not available",
        "?",
    ],
)
def test_a_placeholder_names_no_exam(empty: Path, tmp_path: Path, number: str) -> None:
    archive = copied(empty, tmp_path)
    store(archive, "1.1", number)
    archive.report(1, [("A cyst.", "present")], accession_number=number)
    assert match(archive) == ("unmatched", "placeholder", None)
    archive.report(1, [("A cyst.", "present")], accession_number=number, study_uid="1.1")
    assert match(archive) == ("matched", "", "1.1")
    archive.close()


@pytest.mark.parametrize(
    ("of_study", "of_report", "expected"),
    [
        ("R12ab", " r12AB ", ("matched", "")),
        ("12345678901", "12345678901.0", ("matched", "")),
        ("12345", '="12345"', ("matched", "")),
        ("R 12", "R12", ("matched", "")),
        ("\uff11\uff12\uff13\uff14", "1234", ("matched", "")),
        ("0012345", "12345", ("unmatched", "lost_zeros")),
        ("12345678901", "1.23457E+10", ("unmatched", "damaged_number")),
        ("A1", "A2", ("unmatched", "no_study")),
    ],
)
def test_spellings_of_a_number(
    empty: Path, tmp_path: Path, of_study: str, of_report: str, expected: tuple[str, str]
) -> None:
    archive = copied(empty, tmp_path)
    store(archive, "1.1", of_study)
    archive.report(1, [("A cyst.", "present")], accession_number=of_report)
    assert match(archive)[:2] == expected
    archive.close()


@pytest.mark.parametrize(
    ("keys", "patient", "expected"),
    [
        ({"study_uid": "1.1", "accession_number": "X1"}, "", ("matched", "", "1.1")),
        ({"study_uid": "1.1", "accession_number": "X2"}, "", ("ambiguous", "keys_disagree", None)),
        ({"study_uid": "1.1", "accession_number": "X9"}, "", ("unmatched", "keys_disagree", None)),
        ({"study_uid": "1.9", "accession_number": "X1"}, "", ("unmatched", "keys_disagree", None)),
        ({"study_uid": "1.3", "accession_number": "X1"}, "", ("ambiguous", "keys_disagree", None)),
        ({"study_uid": "1.3", "accession_number": "X9"}, "", ("matched", "", "1.3")),
        ({"study_uid": "1.1", "accession_number": "UNKNOWN"}, "", ("matched", "", "1.1")),
        ({"accession_number": "X1"}, " PAT1 ", ("matched", "", "1.1")),
        ({"accession_number": "X1"}, "pat2", ("unmatched", "patient_disagrees", None)),
        ({"study_uid": "1.1"}, "pat2", ("unmatched", "patient_disagrees", None)),
        ({"accession_number": "X1"}, "anonymous", ("matched", "", "1.1")),
        ({"accession_number": "X3"}, "007", ("matched", "", "1.4")),
        ({"accession_number": "SHARED"}, "", ("ambiguous", "several_studies", None)),
        ({"accession_number": "SHARED"}, "pat6", ("matched", "", "1.6")),
        ({"accession_number": "SHARED"}, "pat7", ("unmatched", "patient_disagrees", None)),
    ],
)
def test_keys_and_patients_that_disagree_are_listed(
    empty: Path, tmp_path: Path, keys: dict[str, str], patient: str, expected: tuple[str, str, str | None]
) -> None:
    archive = copied(empty, tmp_path)
    for uid, number, who in [
        ("1.1", "X1", "pat1"), ("1.2", "X2", "pat2"), ("1.3", "", ""), ("1.4", "X3", "7"), ("1.5", "SHARED", "pat5"),
        ("1.6", "SHARED", "pat6"),
    ]:  # fmt: skip
        store(archive, uid, number, who)
    archive.report(1, [("A cyst.", "present")], patient_id=patient, **keys)
    assert match(archive) == expected
    listed = study_matching.unmatched_reports(archive.database)
    assert [one.reason for one in listed] == ([study_matching.WHY[expected[1]]] if expected[1] else [])
    archive.close()


def test_what_is_withdrawn_is_found_by_no_reader_and_comes_back(made: FilterArchive) -> None:
    store(made, "1.1", "AX")
    made.report(1, [("An acute infarct.", "present"), ("Old scar.", "present")], accession_number="AX", text="infarct")
    made.report(2, [("Chronic changes.", "present")], accession_number="AX", text="chronic", status="corrected")
    selection = Selection(made.database, made.builds)

    def seen() -> list[Any]:
        with made.database.begin() as session:
            (study,) = session.execute(text("SELECT id FROM studies")).scalars()
            reports = session.execute(text("SELECT id FROM reports ORDER BY id")).scalars().all()
        by_report = report_passages(made.database, reports, by_report=True)
        return [
            len(find_words(made.database, made.text, expression([("infarct",)]), limit=9)),
            len(selection.passages(made.text, Says("infarct"))),
            [card.text for card in reports_of(made.database, [study]).get(study, [])],
            sorted(card.text for cards in report_passages(made.database, [study]).values() for card in cards),
            sorted(card.text for cards in by_report.values() for card in cards),
            report_texts(made.database, ["1.1"]).get("1.1", []),
            [row.reports for row in training_rows(made.database, derived=True)],
            count_reports(made.database),
        ]

    only = ["Chronic changes."]
    assert seen() == [0, 0, ["chronic"], only, only, ["chronic"], [("chronic",)], 1]
    (kept,) = study_matching.withdrawn_reports(made.database)
    assert (kept.standing, kept.study_uid) == ("superseded", "1.1")
    with made.database.begin() as session:
        assert session.scalar(text("SELECT count(*) FROM withdrawn_passages WHERE data IS NOT NULL")) == 2
    made.remove_report(2)
    made.match()
    both = ["An acute infarct.", "Old scar."]
    assert seen()[0] == 1
    assert seen()[2:] == [["infarct"], both, both, ["infarct"], [("infarct",)], 1]
    assert study_matching.withdrawn_reports(made.database) == ()
    made.remove_report(1)
    with made.database.begin() as session:
        assert session.scalar(text("SELECT count(*) FROM withdrawn_passages")) == 0


P, F, C, A, X, S, N = "preliminary", "final", "corrected", "addendum", "cancelled", "superseded", ""
CASES: list[tuple[str, list[dict[str, Any]], str]] = [
    ("nothing tells", [{}, {}], "stands stands"),
    ("final over preliminary", [{"status": P}, {"status": F}], "superseded stands"),
    ("plain over preliminary", [{"status": P}, {}], "superseded stands"),
    ("corrected over plain", [{}, {"status": C}], "superseded stands"),
    ("the third of three", [{"status": P}, {"status": F}, {"status": C}], "superseded superseded stands"),
    ("addenda stay", [{"status": F}, {"status": A}, {"status": A, "digest": "b"}], "stands addendum addendum"),
    ("an addendum alone", [{"status": A}], "addendum"),
    ("the last of two corrected", [{"status": C}, {"status": C}], "superseded stands"),
    ("by date", [{"dated": "2024-01-02"}, {"dated": "2024-01-03"}], "superseded stands"),
    ("by hour", [{"dated": "2024-01-02T10:00:00"}, {"dated": "2024-01-02T09:00:00"}], "stands superseded"),
    ("a day tells no hour", [{"dated": "2024-01-02T10:00:00"}, {"dated": "2024-01-02"}], "stands stands"),
    ("hours in UTC", [{"dated": "2024-01-02T10:00:00Z"}, {"dated": "2024-01-02T09:00:00Z"}], "stands superseded"),
    ("an hour of UTC and one of some clock", [{"dated": "2024-01-02T10:00:00Z"}, {"dated": "2024-01-02T11:30:00"}],
     "stands stands"),
    ("of some clock, later by a day and more", [{"dated": "2024-01-02T10:00:00Z"}, {"dated": "2024-01-03T11:30:00"}],
     "superseded stands"),
    ("a day is one of some place", [{"dated": "2024-01-02T23:30:00Z"}, {"dated": "2024-01-03"}], "stands stands"),
    ("a day long after UTC", [{"dated": "2024-01-02T23:30:00Z"}, {"dated": "2024-01-05"}], "superseded stands"),
    ("a day long before UTC", [{"dated": "2024-01-02T23:30:00Z"}, {"dated": "2023-12-31"}], "stands superseded"),
    ("one date of two tells nothing", [{"dated": "2024-01-02"}, {}], "stands stands"),
    ("status before date", [{"status": P, "dated": "2024-02-02"}, {"status": F, "dated": "2024-01-01"}],
     "superseded stands"),
    ("signed again after the correction", [{"status": C, "dated": "2024-01-01"}, {"status": F, "dated": "2024-01-02"}],
     "superseded stands"),
    ("by version", [{"number": 2}, {"number": 1}], "stands superseded"),
    ("cancelled", [{"status": F}, {"status": X}], "superseded withdrawn"),
    ("replaced after it was cancelled", [{"status": X, "dated": "2024-01-01"}, {"status": F, "dated": "2024-01-02"}],
     "superseded stands"),
    ("two exams", [{"exam": "head"}, {"exam": "lumbar", "status": C}], "stands stands"),
    ("two exams, one of them corrected", [{"exam": "head"}, {"exam": "lumbar"}, {"exam": "head", "status": C}],
     "superseded stands stands"),
    ("no exam named", [{"exam": "head"}, {"status": C}], "superseded stands"),
    ("no exam named of two", [{"exam": "head"}, {"exam": "lumbar"}, {"status": C}], "stands stands stands"),
    ("two numbers of one study", [{"accession": "a"}, {"accession": "b", "status": C}], "stands stands"),
    ("two folders", [{"digest": "same"}, {"digest": "same"}], "stands duplicate"),
    ("taken back, by date", [{"digest": "t", "status": F, "dated": "2024-01-01"}, {"status": F, "dated": "2024-01-02"},
     {"digest": "t", "status": F, "dated": "2024-01-03"}], "duplicate superseded stands"),
    ("taken back, by version", [{"digest": "t", "number": 1}, {"number": 2}, {"digest": "t", "number": 3}],
     "duplicate superseded stands"),
    ("taken back, of a status", [{"digest": "t", "status": F, "dated": "2024-01-01"},
     {"status": C, "dated": "2024-01-02"}, {"digest": "t", "status": F, "dated": "2024-01-03"}],
     "duplicate superseded stands"),
    ("copies equally new", [{"digest": "t", "dated": "2024-01-02"}, {"digest": "t", "dated": "2024-01-02"}],
     "stands duplicate"),
    ("a draft with the words of the final", [{"digest": "same", "status": P}, {"digest": "same", "status": F}],
     "superseded stands"),
    ("superseded, and nothing else came", [{"status": S, "dated": "2024-01-01"}], "superseded"),
    ("superseded, the successor says no more than final", [{"status": S}, {"status": F}], "superseded stands"),
    ("superseded after it was final", [{"status": F, "digest": "t"}, {"status": S, "digest": "t"}],
     "superseded superseded"),
    ("superseded takes no other words", [{"status": F}, {"status": S, "dated": "2024-01-02"}], "stands superseded"),
    ("said anew after it was superseded", [{"status": S, "digest": "t", "dated": "2024-01-01"},
     {"status": F, "digest": "t", "dated": "2024-01-02"}], "superseded stands"),
    ("an addendum that was superseded", [{"status": F}, {"status": A, "digest": "t"}, {"status": S, "digest": "t"}],
     "stands superseded superseded"),
    ("superseded beside a withdrawal", [{"status": X}, {"status": S}], "withdrawn superseded"),
]  # fmt: skip


@pytest.mark.parametrize(("reports", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_versions(reports: list[dict[str, Any]], expected: str) -> None:
    plain = {"accession": "a", "exam": "", "status": "", "dated": "", "number": None}
    versions = [
        Version(**{**plain, "id": n, "digest": f"text {n}", "place": (n, f"{n}.txt", 0), **given})
        for n, given in enumerate(reports)
    ]
    for order in permutations(versions):
        found = settle(order).standings
        assert " ".join(found[n] for n in range(len(versions))) == expected


_VERSIONS = st.lists(
    st.builds(
        dict,
        accession=st.sampled_from(["", "a", "b"]),
        exam=st.sampled_from(["", "head", "knee"]),
        status=st.sampled_from([P, F, C, A, X, S, N]),
        dated=st.sampled_from(["", "2024-01-02", "2024-01-02T10:00:00", "2024-01-02T10:00:00Z", "2024-01-03"]),
        number=st.sampled_from([None, 1, 2]),
        digest=st.sampled_from(["x", "y", "z"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=80)
@given(_VERSIONS, st.randoms())
def test_versions_in_any_order(given_versions: list[dict[str, Any]], draw: random.Random) -> None:
    """The same for every order; something stands, and addenda are kept, unless they were cancelled or superseded."""
    versions = [Version(id=n, place=(1, f"{n}", 0), **one) for n, one in enumerate(given_versions)]
    shuffled = draw.sample(versions, len(versions))
    assert settle(shuffled) == settle(versions)
    standings = settle(versions).standings
    assert standings.keys() == {one.id for one in versions}
    assert {"stands", "addendum", "withdrawn"} & set(standings.values()) or S in {one.status for one in versions}
    for one in versions:
        assert (standings[one.id] == "addendum") <= (one.status == A)
        taken = any(other.status == S and other.digest == one.digest for other in versions)
        assert (one.status == A and not taken) <= (standings[one.id] in ("addendum", "duplicate"))
        assert (one.status == S) <= (standings[one.id] in ("superseded", "duplicate"))


@settings(max_examples=80)
@given(st.lists(st.sampled_from("xyz"), min_size=1, max_size=7), st.sampled_from(["dated", "number", "place"]))
def test_the_words_that_came_last_stand(said: list[str], told_by: str) -> None:
    """However often a text comes again: what stands is what was said last, and nothing else does."""
    versions = [
        Version(
            n, "a", "", C if told_by == "place" else F, f"2024-01-{n + 1:02d}" if told_by == "dated" else "",
            n if told_by == "number" else None, words,
            (1, "a.csv", n) if told_by == "place" else (9 - n, f"{9 - n}.txt", 0),
        )
        for n, words in enumerate(said)
    ]  # fmt: skip
    standings = settle(versions).standings
    assert {said[n] for n, standing in standings.items() if standing == "stands"} == {said[-1]}
    assert Counter(standings.values())["stands"] == 1


def test_matching_takes_a_handful_of_statements(empty: Path, tmp_path: Path) -> None:
    archive = copied(empty, tmp_path)
    for number in range(30):
        archive.report(number, [], accession_number=f"N{number}", match=False)
    archive.match()
    count: list[str] = []
    event.listen(archive.database.engine, "before_cursor_execute", lambda *said: count.append(said[2]))
    archive.match()
    assert len(count) <= 4
    archive.close()


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=20))
def test_any_number_has_a_key(number: str) -> None:
    from spinecho.db.keys import accession_key, known_patient, uid_key  # noqa: PLC0415

    for key in (accession_key, known_patient, uid_key):
        once = key(number)
        assert key(f" {number}\t") == once
        assert key(once) == once
