"""Workbooks, Parquet and tables whose header is not where or what one would expect, in four languages."""

from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from spinecho.encoders.errors import ReadError
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


def test_a_cell_of_several_reports_is_nobodys(tmp_path: Path) -> None:
    both = "\n\n".join(f"Accession: A{n}\nFINDINGS: Reading {n} is normal.\nIMPRESSION: Normal." for n in (1, 2))
    path = tmp_path / "r.csv"
    table(path, [["Accession", "Report"], ["A1", both], ["A3", "Third."]])
    first, second = parse_reports(path)
    assert isinstance(first, ReportFailure)
    assert "several reports" in first.message
    assert isinstance(second, RawReport)


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
