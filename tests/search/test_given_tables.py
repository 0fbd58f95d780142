"""Tables that people hand in: the same in every dialect a spreadsheet writes, studies by whatever a user calls them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from archives import copy_of_home
from sqlalchemy import text as sql
from taught_home import ENCODER, make_home, parts

import spinecho
from spinecho.archive import Archive
from spinecho.db.people.concepts import ConceptError
from spinecho.encoders.registry import ENCODERS
from spinecho.search.concepts.sources import read_table
from spinecho.search.evaluation.judgements import JudgementError, read_judgements
from spinecho.search.given_tables import table_cells

CELLS = [["Accession Number", "note", "label"], ["A1", "big, bad; worse", "ja"], ["A2", 'so "called"', "nein"]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("tables") / "home", studies=16)


@pytest.fixture
def archive(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setitem(ENCODERS, ENCODER, parts)
    copy_of_home(home, tmp_path / "home")
    with spinecho.open(tmp_path / "home", encoder=ENCODER, device="cpu") as opened:
        yield opened


def written(path: Path, rows: list[list[str]], *, between: str = ",", head: str = "", end: str = "\n") -> Path:
    lines = [between.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    path.write_bytes((head + end.join([*lines, ""])).encode())
    return path


@pytest.mark.parametrize("between", list(",;\t"))
def test_a_table_is_the_same_in_every_dialect(tmp_path: Path, between: str) -> None:
    for end, first, empty, code in product(
        ("\n", "\r\n"), ("", f"sep={between}\n", "\r\n\n"), ("", between * 2), ("utf-8", "utf-8-sig", "utf-16")
    ):
        path = written(tmp_path / "t.csv", CELLS, between=between, head=first, end=empty + end)
        path.write_bytes(path.read_bytes().decode().encode(code))
        found = table_cells(path, ConceptError, called="t.csv")
        assert [row[:3] for _, row in found] == CELLS
        assert [line for line, _ in found] == [n + first.count("\n") for n in (1, 2, 3)]


def test_a_comma_that_is_not_quoted_moves_no_label(tmp_path: Path, archive: Archive) -> None:
    path = tmp_path / "t.csv"
    path.write_text("study_uid,note,label\n1.2.1,small,yes\n1.2.2,big, bad,yes\n")
    with pytest.raises(ConceptError, match=r"t\.csv, line 3: 4 values for 3 columns"):
        read_table(archive._database(), path, name="tumour", positive="yes")


@pytest.mark.parametrize(
    ("yes", "no"),
    [("ja", "nein"), ("Positiv", "negativ"), ("oui", "non"), ("TRUE", "FALSE"), ("1,0", "0,0"), ("vrai", "faux")],
)
@pytest.mark.parametrize("column", ["study", "study_uid", "Accession Number"])
def test_labels_and_studies_are_read_as_they_are_called(
    archive: Archive, tmp_path: Path, column: str, yes: str, no: str
) -> None:
    rows = [[column, "label"], ["A1", yes], ["1.2.2", no], [" a 3 ", no], ["A4", "unclear"], ["1.2", yes]]
    path = written(tmp_path / "t.csv", rows)
    for positive in (None, yes):
        found = read_table(archive._database(), path, name="tumour", positive=positive)
        assert (set(found.positives), set(found.negatives)) == ({"1.2.1"}, {"1.2.2", "1.2.3"})
        assert (found.unmatched, found.unlabelled) == (1, 1)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKD"])
def test_an_accent_is_a_letter_however_a_program_writes_it(archive: Archive, tmp_path: Path, form: str) -> None:
    for name, yes, no, positive in (
        ("Größe", "sí", "não", None), ("label", "sì", "négatif", None), ("label", "né", "absent", "né"),
        ("Größe", "läsion  groß", "né", "Läsion groß"),
    ):  # fmt: skip
        rows = [["study", name], ["A1", yes], ["A2", no]]
        path = written(tmp_path / "t.csv", [[unicodedata.normalize(form, cell) for cell in row] for row in rows])
        found = read_table(archive._database(), path, name="Größe", positive=positive)
        assert (set(found.positives), set(found.negatives)) == ({"1.2.1"}, {"1.2.2"})


@pytest.mark.parametrize(
    "twice", [["study", "label", "Label"], ["study", "Study", "label"], ["study", "tumour", "label", " TUMOUR "]]
)
def test_of_two_columns_of_one_name_none_is_taken(archive: Archive, tmp_path: Path, twice: list[str]) -> None:
    path = written(tmp_path / "t.csv", [twice, ["A1", "yes", "no", "no"][: len(twice)]])
    with pytest.raises(ConceptError, match=r"t\.csv has 2 columns"):
        read_table(archive._database(), path, name="tumour")


@pytest.mark.parametrize("twice", ["query", "Study_UID", "Grade", "set", "topic", "negates", "accession"])
def test_of_two_columns_of_one_name_no_judgement_is_taken(tmp_path: Path, twice: str) -> None:
    names = ["query", "study_uid", "grade", "accession", "set", "topic", "negates", twice]
    path = written(tmp_path / "q.csv", [names, ["a tumour", "1.2.1", "1", "A1", "", "", "", "2"]])
    with pytest.raises(JudgementError, match="has 2 columns"):
        read_judgements(path)


def test_columns_that_nobody_asks_for_may_share_a_name(archive: Archive, tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", [["study", "label", "note", "note", "", ""], ["A1", "yes", "a", "b", "c", "d"]])
    assert read_table(archive._database(), path, name="tumour").positives == {"1.2.1"}


@pytest.mark.parametrize("begins", [b"PK\x03\x04\x14\x00", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_workbook_is_told_from_text_in_another_code(tmp_path: Path, begins: bytes) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(begins + bytes(range(256)))
    for error in (ConceptError, JudgementError):
        with pytest.raises(error, match=r"t\.xlsx is a workbook .* save its sheet as CSV"):
            table_cells(path, error, called="t.xlsx")


def test_a_judged_study_is_whatever_a_user_calls_it(archive: Archive, tmp_path: Path) -> None:
    answers = {n: 1 + n % 3 for n in range(0, 16, 2)}
    forms = {
        "study_uid": ("1.2.{n}", "1.2.999"), "Accession Number": ("a{n}", "Z9"), "study": ("A{n}", "1.2"),
    }  # fmt: skip
    figures = []
    for column, (form, unknown) in forms.items():
        rows = [["a bright tumour", form.format(n=n), str(grade)] for n, grade in answers.items()]
        path = written(
            tmp_path / "q.csv", [["query", column, "grade"], *rows, ["a bright tumour", unknown, "1"]], between=";"
        )
        found = archive.evaluate(judgements=path, resamples=50)
        figures.append({one.name: one.measured and one.measured.to_json() for one in found.asked})
        assert found.unknown_studies == (unknown,)
        assert any("1 of 9 studies named are not in the index" in said for said in found.warnings)
    assert figures[0] == figures[1] == figures[2]
    assert figures[0]["text to study"]


def test_a_name_of_several_studies_or_two_names_of_one_are_said(archive: Archive, tmp_path: Path) -> None:
    two = written(tmp_path / "q.csv", [["query", "study", "grade"], ["tumour", "A2", "1"], ["tumour", "1.2.2", "2"]])
    with pytest.raises(JudgementError, match="another name of a study that has grade 1"):
        archive.evaluate(judgements=two)
    with archive._database().begin() as session:
        session.execute(sql("UPDATE studies SET accession_number = 'A2' WHERE uid = '1.2.3'"))
    for head, option in (("query", "judgements"), ("text", "pairs")):
        path = written(tmp_path / "q.csv", [[head, "accession_number"], ["tumour", "A2"]])
        with pytest.raises(JudgementError, match="'A2' is the accession number of 2 studies"):
            archive.evaluate(**{option: path})  # type: ignore[arg-type]


def test_a_row_is_named_by_the_surest_key_that_it_holds(tmp_path: Path) -> None:
    rows = [["query", "accession", "StudyInstanceUID"], ["tumour", "A1", ""], ["tumour", "A2", "1.2.2"]]
    (one,) = read_judgements(written(tmp_path / "q.csv", rows))
    assert set(one.grades) == {"A1", "1.2.2"}
