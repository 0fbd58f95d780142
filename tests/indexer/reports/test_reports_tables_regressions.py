"""Tables of reports as spreadsheets write them."""

from __future__ import annotations

from pathlib import Path

from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports


def test_a_separator_line_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\nAccession;Report\n1;No mass.\n")
    (read,) = parse_reports(tmp_path / "a.csv")
    assert isinstance(read, RawReport)
    assert (read.accession_number, read.text) == ("1", "No mass.")


def test_an_open_quotation_never_joins_two_patients(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('accession,report\n1,"fine\nstill"\n2,"open\n3,other patient\n4,another\n')
    first, second = parse_reports(tmp_path / "a.csv")
    assert isinstance(first, RawReport)
    assert first.text == "fine\nstill"
    assert isinstance(second, ReportFailure)
    assert "never closed" in second.message


def test_a_last_row_without_a_line_end(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('accession,report\n1,"a ""b"" c"')
    (read,) = parse_reports(tmp_path / "a.csv")
    assert isinstance(read, RawReport)
    assert read.text == 'a "b" c'
