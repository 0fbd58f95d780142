"""Columns that a person names for tables whose own names say nothing: checked, kept for later runs, and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from openpyxl import Workbook
from pyarrow import parquet

from spinecho.indexer.reports.parsing.given_columns import GivenColumns, ReportColumnsError, read_columns
from spinecho.indexer.reports.parsing.reading_task import read_reports

GIVEN = "accession=Auftrag,report=Worte"
ROWS = [("Auftrag", "Worte", "Text"), ("A1", "Kein Tumor.", "Meier"), ("A2", "Kein Infarkt.", "Huber")]


def write_csv(path: Path, rows: list[tuple[str, ...]]) -> None:
    path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")


def write_titled(path: Path, rows: list[tuple[str, ...]]) -> None:
    path.write_text("Export\n\n" + "\n".join(",".join(row) for row in rows), encoding="utf-8")


def write_book(path: Path, rows: list[tuple[str, ...]]) -> None:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(path)


def write_parquet(path: Path, rows: list[tuple[str, ...]]) -> None:
    columns = {name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])}
    parquet.write_table(pyarrow.table(columns), path)


def write_json(path: Path, rows: list[tuple[str, ...]]) -> None:
    path.write_text(json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]]), encoding="utf-8")


def write_lines(path: Path, rows: list[tuple[str, ...]]) -> None:
    lines = [json.dumps(dict(zip(rows[0], row, strict=True))) for row in rows[1:]]
    path.write_text("\n".join(lines), encoding="utf-8")


FORMATS: dict[str, Callable[[Path, list[tuple[str, ...]]], None]] = {
    "a.csv": write_csv, "titled.csv": write_titled, "a.xlsx": write_book, "a.parquet": write_parquet,
    "a.json": write_json, "a.jsonl": write_lines,
}  # fmt: skip


def read(path: Path, columns: str = "") -> list[dict[str, Any]]:
    return [value for value, _ in read_reports({"path": str(path), "columns": columns})]


@pytest.mark.parametrize("name", FORMATS)
def test_named_columns_are_taken_in_every_format(tmp_path: Path, name: str) -> None:
    FORMATS[name](tmp_path / name, ROWS)
    *reports, told = read(tmp_path / name, GIVEN)
    assert [(one["accession_number"], one["text"]) for one in reports] == [
        ("A1", "Kein Tumor."),
        ("A2", "Kein Infarkt."),
    ]
    assert told == {"columns": {"accession": ["Auftrag"], "report": ["Worte"]}}
    assert not [one for one in read(tmp_path / name) if one.get("text") == "Kein Tumor."]  # and what was named is over


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_without_one_of_them_is_refused_and_its_columns_listed(tmp_path: Path, name: str) -> None:
    FORMATS[name](tmp_path / name, ROWS)
    (failure,) = read(tmp_path / name, "accession=Auftrag,report=Wort")
    assert "no column 'Wort'" in failure["message"]
    assert "'Auftrag', 'Worte', 'Text'" in failure["message"]
    assert "Meier" not in failure["message"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_with_none_of_them_is_read_by_its_own_names(tmp_path: Path, name: str) -> None:
    FORMATS[name](tmp_path / name, [("accession", "report"), *[row[:2] for row in ROWS[1:]]])
    *reports, told = read(tmp_path / name, GIVEN)
    assert [one["accession_number"] for one in reports] == ["A1", "A2"]
    assert told == {"columns": {"accession": ["accession"], "report": ["report"]}}


def test_the_first_row_of_a_table_without_a_header_is_in_no_message(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [("Meier", "12.03.1961", "Kein Tumor.")])
    (failure,) = read(tmp_path / "a.csv", GIVEN)
    assert "'Auftrag', 'Worte'" in failure["message"]
    assert "Meier" not in failure["message"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("accession", "names no column"), ("accession=", "names no column"), ("key=A", "'key' is none of"),
        ("report=A,report=B", "given twice"), ("accession=A,report=A", "two meanings"), (",", "names no column"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ReportColumnsError, match=fault):
        read_columns(text)


@pytest.mark.parametrize("name", ["Auftrag", "Befund, lang", "a = b", 'say "x"', "Größe"])
def test_a_columns_name_is_kept_as_it_is(name: str) -> None:
    given = GivenColumns((("accession", "Nr"), ("report", name)))
    assert read_columns(str(given)) == given
