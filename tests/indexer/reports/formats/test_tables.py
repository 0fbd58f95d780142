"""Workbooks, Parquet and tables whose header is not where or what one would expect, in four languages."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from spinecho.encoders.errors import ReadError
from spinecho.indexer.reports.parsing.column_names import find_columns
from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports

Rows = list[list[object]]


def workbook(path: Path, *sheets: Rows) -> None:
    book = Workbook()
    book.remove(book.worksheets[0])
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)


def table(path: Path, rows: Rows) -> None:
    """The rows as the kind of table that the path's name says."""
    if path.suffix == ".xlsx":
        workbook(path, rows)
    elif path.suffix == ".parquet":
        names, *values = rows
        pq.write_table(pa.table({str(name): [row[n] for row in values] for n, name in enumerate(names)}), path)
    else:
        out = io.StringIO()
        csv.writer(out, delimiter=";").writerows(rows)
        path.write_text(out.getvalue(), encoding="utf-8")


def found(path: Path) -> list[tuple[str, str]]:
    return [(one.accession_number, one.text) for one in parse_reports(path) if isinstance(one, RawReport)]


HEADERS = {
    "en": ("Accession #", "Report Text", "Report Status"),
    "de": ("Auftragsnummer", "Befundtext", "Befundstatus"),
    "fr": ("N° accession", "Compte rendu", "Statut"),
    "es": ("Número de acceso", "Informe", "Estado"),
}
CORRECTED = {"en": "corrected", "de": "korrigiert", "fr": "corrigé", "es": "corregido"}


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
@pytest.mark.parametrize("language", HEADERS)
def test_columns_are_known_in_four_languages(tmp_path: Path, suffix: str, language: str) -> None:
    path = tmp_path / f"r{suffix}"
    table(path, [list(HEADERS[language]), ["A1", "First.", CORRECTED[language]], ["A2", "Second.", ""]])
    reports = [one for one in parse_reports(path) if isinstance(one, RawReport)]
    assert [(one.accession_number, one.text, one.status) for one in reports] == [
        ("A1", "First.", "corrected"), ("A2", "Second.", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_titles_above_and_headers_within(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"r{suffix}"
    header: list[object] = ["Accession", "Report"]
    table(path, [["Export of the RIS"], [], ["Printed", "2024-01-02"], header, ["A1", "First."], header,
                 ["A2", "Second."]])  # fmt: skip
    assert found(path) == [("A1", "First."), ("A2", "Second.")]
    assert len({one.ordinal for one in parse_reports(path)}) == len(list(parse_reports(path)))


def test_a_workbook_of_several_sheets_and_odd_cells(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    workbook(path, [["Notes"], ["nothing"]], [["Accession", "Report"], [1234567, "First."], [7.5, None]],
             [["Accession", "Report"], ["A2", "Second."]])  # fmt: skip
    assert found(path) == [("1234567", "First."), ("A2", "Second.")]
    rows = list(parse_reports(path))
    assert len({one.ordinal for one in rows}) == len(rows) == 3
    workbook(tmp_path / "none.xlsx", [["Name", "Age"], ["x", 3]])
    with pytest.raises(ReadError, match="no sheet"):
        list(parse_reports(tmp_path / "none.xlsx"))


RULES = ("\n-----\n", " || ", "\n||\n", "\n* * * * *\n", "\n\n========\n", "\f")
HEADS = ("Report date: 2024-01-02", "Report date: 2024-02-03", "MRI BRAIN\nReport date: 2024-03-04")


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".jsonl"])
@pytest.mark.parametrize(
    "heads", [HEADS, HEADS[::-1], ("PRELIMINARY REPORT", "FINAL REPORT"), ("MRI BRAIN", "MRI KNEE")]
)
def test_reports_of_one_cell_are_told_apart_by_their_heads(tmp_path: Path, suffix: str, heads: tuple[str, ...]) -> None:
    path = tmp_path / f"r{suffix}"
    for rule in RULES:
        if suffix == ".xlsx" and rule == "\f":
            continue  # no character of a workbook
        cell = rule.join(f"{head}\nFINDINGS: A mass of {n} mm.\nIMPRESSION: Mass." for n, head in enumerate(heads, 3))
        rows: Rows = [["A1", cell], ["A2", "B."]]
        if suffix == ".jsonl":
            path.write_text("".join(json.dumps({"accession": a, "report": t}) + "\n" for a, t in rows))
        else:
            table(path, [["Accession", "Report"], *rows])
        read = [one for one in parse_reports(path) if isinstance(one, RawReport)]
        assert [one.accession_number for one in read] == ["A1"] * len(heads) + ["A2"]
        assert [f"mass of {n} mm" in one.text for n, one in enumerate(read[:-1], 3)] == [True] * len(heads)
        assert len({one.ordinal for one in read}) == len(read)
        assert len({(one.dated, one.exam, one.status) for one in read[:-1]}) == len(heads)


@pytest.mark.parametrize(
    "cell",
    [
        "MRI BRAIN\nReport date: 2024-01-02\n-----\nFINDINGS: A mass.\n-----\nIMPRESSION: Mass.\n-----\nDr. House",
        "Report date: 2024-01-02\nFINDINGS: A mass.\n-----\nFINDINGS: A cyst.\nIMPRESSION: Cyst.",
        "FINDINGS: A mass.\nIMPRESSION: Mass.\nFINDINGS: A cyst.\nIMPRESSION: Cyst.",
        "Report date: 2024-01-02\nFINDINGS: Page one.\fReport date: 2024-01-02\nIMPRESSION: Page two.",
        "Report date: 2024-01-02\nFINDINGS: A mass.\n-----\nReport date: 2024-02-02\nSigned by nobody.",
    ],
)
def test_a_cell_that_may_be_one_report_is_one(tmp_path: Path, cell: str) -> None:
    table(tmp_path / "r.csv", [["Accession", "Report"], ["A1", cell]])
    assert found(tmp_path / "r.csv") == [("A1", cell)]


def test_heads_that_name_exams_decide_and_one_must_be_the_rows(tmp_path: Path) -> None:
    def both(line: str = "") -> str:
        body = "FINDINGS: Reading {0} is normal.\nIMPRESSION: Normal."
        return "\n\n".join(f"Accession: A{n}\n{line}{body}".format(n) for n in (1, 2))

    path = tmp_path / "r.csv"
    table(path, [["Accession", "Report", "MRN"], ["A1", both(), ""], ["A2", both(), ""], ["A9", both(), ""],
                 ["A1", both("MRN: 77{0}\n"), "771"], ["A3", "Third.", ""]])  # fmt: skip
    rows = list(parse_reports(path))
    assert [one.accession_number for one in rows if isinstance(one, RawReport)] == ["A1", "A2", "A1", "A2", "A3"]
    assert [one.ordinal for one in rows if isinstance(one, ReportFailure)] == [4, 5]
    assert all("several reports" in one.message for one in rows if isinstance(one, ReportFailure))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_tables_end_in_reports_or_typed_errors(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / f"r{data.draw(st.sampled_from(['.csv', '.xlsx', '.parquet']))}"
    table(path, [["Accession", "Report"], ["A1", "First."], ["A2", "Second."]])
    content = path.read_bytes()
    at = data.draw(st.integers(0, 10_000)) % (len(content) + 1)  # the length of a workbook changes with the hour
    path.write_bytes(content[:at] + data.draw(st.binary(max_size=12)) + content[at + data.draw(st.integers(0, 30)) :])
    with contextlib.suppress(ReadError):
        list(parse_reports(path))


def sheet_of(path: Path, rows: Rows, formats: dict[str, str] | None = None, **options: Any) -> Path:
    """A workbook of one sheet, with number formats by cell. merged: ranges; epoch: of its dates."""
    book = Workbook()
    book.epoch = options.get("epoch", WINDOWS_EPOCH)
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    for place, number_format in (formats or {}).items():
        sheet[place].number_format = number_format
    for cells in options.get("merged", ()):
        sheet.merge_cells(cells)
    sheet.row_dimensions[2].hidden = sheet.column_dimensions["B"].hidden = options.get("hidden", False)
    if options.get("hidden"):
        book.create_sheet()
        sheet.sheet_state = "hidden"
        book.active = 1
    book.save(path)
    return path


HEADER: list[object] = ["Accession", "Report", "Report date"]


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (123, "0000000", "0000123"), (123, "00-0000", "00-0123"), (1234567, "000", "1234567"), (123, "General", "123"),
        (123, "0", "123"), (123, "0.00", "123"), (123, "#,##0", "123"), (123.0, "0000000;-0", "0000123"),
        (123, '"MR"00000', "MR00123"), (123, "\\R0000", "R0123"), (123, "[Red]00000", "00123"), (123, "@", "123"),
        (12345678901, "General", "12345678901"), ("0000123", "General", "0000123"), (0, "0000000", "0000000"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_its_format_shows_it(tmp_path: Path, value: object, number_format: str, shown: str) -> None:
    path = sheet_of(tmp_path / "r.xlsx", [HEADER, [value, "First.", None]], {"A2": number_format})
    assert found(path) == [(shown, "First.")]


@pytest.mark.parametrize("epoch", [WINDOWS_EPOCH, MAC_EPOCH], ids=["1900", "1904"])
def test_dates_are_read_by_their_format_and_system(tmp_path: Path, epoch: datetime.datetime) -> None:
    moment = datetime.datetime(2024, 1, 2, 0, 0)
    for number_format, dated in (("dd.mm.yyyy", "2024-01-02"), ("yyyy-mm-dd hh:mm", "2024-01-02T00:00:00"),
                                 ('d "h" mmm yy', "2024-01-02")):  # fmt: skip
        path = sheet_of(tmp_path / "r.xlsx", [HEADER, ["A1", "First.", moment]], {"C2": number_format}, epoch=epoch)
        (read,) = parse_reports(path)
        assert isinstance(read, RawReport)
        assert read.dated == dated


def test_merged_and_hidden_cells_hold_for_their_rows(tmp_path: Path) -> None:
    rows: Rows = [
        ["Export", None, None],
        HEADER,
        ["A1", "First.", None],
        [None, "Second.", None],
        ["A2", "Third.", None],
    ]
    path = sheet_of(tmp_path / "r.xlsx", rows, merged=["A1:C1", "A3:A4"], hidden=True)
    assert found(path) == [("A1", "First."), ("A1", "Second."), ("A2", "Third.")]


@pytest.mark.parametrize("column", ["A", "B"])
@pytest.mark.parametrize("formula", ['=CONCATENATE("A",1)', "=1/0", "=SUM(D1:D9)"])
def test_a_formula_without_a_value_is_told_and_not_read_as_empty(tmp_path: Path, column: str, formula: str) -> None:
    rows: Rows = [HEADER, ["A1", "First.", "=TODAY()"], ["A2", "Second.", None]]
    rows[1]["AB".index(column)] = formula
    first, second = parse_reports(sheet_of(tmp_path / "r.xlsx", rows))
    assert isinstance(first, ReportFailure)
    assert "formula" in first.message
    assert isinstance(second, RawReport)
    path = tmp_path / "r.xlsx"
    for stored, read in ((b't="str"><f>x</f><v>A7</v>', "A7"), (b't="str"><f>x</f><v></v>', ""),
                         (b't="e"><f>x</f><v>#REF!</v>', None)):  # fmt: skip
        path = sheet_of(tmp_path / "s.xlsx", [HEADER, ["A1", "First.", None]])
        with zipfile.ZipFile(path) as whole:
            parts = {name: whole.read(name) for name in whole.namelist()}
        sheet = parts["xl/worksheets/sheet1.xml"]
        place = f'<c r="{column}2" '.encode()
        old = sheet[sheet.index(place) : sheet.index(b"</c>", sheet.index(place))]
        parts["xl/worksheets/sheet1.xml"] = sheet.replace(old, place + stored)
        with zipfile.ZipFile(path, "w") as whole:
            for name, content in parts.items():
                whole.writestr(name, content)
        (row,) = parse_reports(path)
        if read:
            assert isinstance(row, RawReport)
            assert read in (row.accession_number, row.text)
        else:
            assert isinstance(row, ReportFailure)
            assert ("formula" in row.message) == (read is None)


NUMBERS = {
    "accession": [
        "N° d'accession", "No. d\u2019accession", "Nº de acceso", "Núm. de acceso", "Accession No", "Número de acceso",
    ],
    "order": [
        "Anforderungs-Nr.", "Anforderungsnummer", "Untersuchungs-Nr", "Numéro de l'examen", "N° d\u2019examen",
        "Número de petición", "N.º de petición", "Exam number",
    ],
    "patient": ["Patienten-Nr.", "Patient-No.", "Numéro du patient", "N° de patient", "Número de paciente"],
}  # fmt: skip


@pytest.mark.parametrize(("meaning", "name"), [(key, name) for key, names in NUMBERS.items() for name in names])
def test_a_number_is_known_by_whatever_word_for_one_stands_in_its_name(meaning: str, name: str) -> None:
    found = find_columns([name, "Report"])
    assert found is not None
    assert dict(found.by_meaning())[meaning] == (name,)


@pytest.mark.parametrize(
    "name", ["No", "N°", "Date de naissance", "Nr", "Name of the patient", "Note", "Nombre", "de", ""]
)
def test_words_that_connect_make_no_column_of_what_is_none(name: str) -> None:
    found = find_columns([name, "Report", "Accession"])
    assert found is not None
    assert all(name not in names for _, names in found.by_meaning() if names)


@pytest.mark.parametrize(
    ("report", "impression", "text"),
    [
        ("Small lesion.", "A tear.", "Small lesion.\n\nIMPRESSION:\nA tear."),
        ("Small lesion. IMPRESSION: A  tear", "A tear.", "Small lesion. IMPRESSION: A  tear"),
        ("Small lesion.", "", "Small lesion."), ("", "A tear.", "IMPRESSION:\nA tear."),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "names", ["Compte-rendu;Conclusion", "Informe;Impresión diagnóstica", "Befundtext;Beurteilung"]
)
def test_an_impression_in_a_column_of_its_own_is_not_lost_beside_a_report(
    tmp_path: Path, names: str, report: str, impression: str, text: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"Accession;{names}\nA1;{report};{impression}\n", encoding="utf-8")
    (found,) = parse_reports(path)
    assert isinstance(found, RawReport)
    assert found.text == text


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("name", ["Report date", "Befunddatum", "Date du compte rendu", "Fecha del informe"])
def test_days_as_a_spreadsheet_counts_them(tmp_path: Path, kind: str, name: str) -> None:
    """A date column whose cells lost their format; a number that is no such day says nothing."""
    serials = {"45293": "2024-01-02", "45293.5": "2024-01-02T12:00:00", "45293.999999": "2024-01-03T00:00:00",
               "12345": "", "99999": "", "20240102": "2024-01-02", "45293 ": "2024-01-02"}  # fmt: skip
    path = tmp_path / f"a.{kind}"
    table(path, [["Accession", "Report", name], *(["A1", f"Text {n}.", one] for n, one in enumerate(serials))])
    dates = [one.dated for one in parse_reports(path) if isinstance(one, RawReport)]
    assert dates == list(serials.values())
    if kind == "xlsx":
        table(path, [["Accession", "Report", name], ["A1", "Text.", 45293], ["A1", "Text.", 45293.5]])
        dates = [one.dated for one in parse_reports(path) if isinstance(one, RawReport)]
        assert dates == ["2024-01-02", "2024-01-02T12:00:00"]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_cells_that_hold_json_are_their_text_or_told(tmp_path: Path, kind: str) -> None:
    """Braces and names of fields, the patient's among them, are nobody's words."""
    patient = {"patientName": "Quandt", "birthDate": "1950-02-03"}
    path = tmp_path / f"a.{kind}"
    cells = {
        json.dumps({"report": "A lesion.", **patient}): "A lesion.",
        json.dumps([{"Befundtext": "Ein Herd.", **patient}], indent=1): "Ein Herd.",
        json.dumps({"findings": "Lesion.", "impression": "Glioma."}): "FINDINGS:\nLesion.\n\nIMPRESSION:\nGlioma.",
        json.dumps({"resourceType": "DiagnosticReport", "conclusion": "Glioma.", **patient}): None,
        json.dumps({**patient}): None,
        "[1] No lesion.": "[1] No lesion.", "{see above}": "{see above}",
    }  # fmt: skip
    table(path, [["Accession", "Report"], *([f"A{n}", cell] for n, cell in enumerate(cells))])
    rows = list(parse_reports(path))
    for row, expected in zip(rows, cells.values(), strict=True):
        if expected is None:
            assert isinstance(row, ReportFailure)
            assert "the cell holds" in row.message
            assert "Quandt" not in row.message
        else:
            assert isinstance(row, RawReport)
            assert row.text == expected


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("title", [[], [["Export", "of the RIS", ""]]])
@pytest.mark.parametrize(
    ("second", "names"),
    [
        (["Auftragsnummer", "Befund", "Datum"], True), (["(text)", "(text)", "(date)"], True),
        (["Number", "Text", "Date"], True), (["Accession", "Report", ""], True),
        (["A0", "Normal", ""], False), (["ABC", "No lesion.", ""], False), (["ABC", "Normal", "2024-01-01"], False),
        (["", "Text", ""], False),
    ],
)  # fmt: skip
def test_a_second_line_of_names_is_no_report(
    tmp_path: Path, kind: str, title: Rows, second: list[object], names: bool
) -> None:
    path = tmp_path / f"a.{kind}"
    table(path, [*title, ["Accession", "Report", "Report date"], second, ["A1", "Lesion.", "2024-01-02"]])
    rows = list(parse_reports(path))
    assert [row.text for row in rows if isinstance(row, RawReport)][-1] == "Lesion."
    told = [row.message for row in rows if isinstance(row, ReportFailure)]
    assert [("second line of names" in one) for one in told] == ([True] if names else [False] * len(told))
    assert len(rows) == 2
