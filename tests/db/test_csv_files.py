"""Tables that leave as text: no cell is a formula, and nothing else writes CSV."""

from __future__ import annotations

import ast
import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.db.csv_files import as_given, csv_text, disarmed, write_csv

ROOT = Path(__file__).parents[2]
_LEADS = ["", " ", "\t", '"', "'", "\u00a0", "\ufeff", "\u200b", ' "', "\r", "\n", "\x00"]
_BODIES = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", '=HYPERLINK("http://x")', "＝1", "－hemorrhage"]


@pytest.mark.parametrize("lead", _LEADS)
@pytest.mark.parametrize("body", _BODIES)
def test_whatever_could_run_begins_with_an_apostrophe(lead: str, body: str) -> None:
    assert disarmed(lead + body) == f"'{lead}{body}"


@pytest.mark.parametrize("value", ["\tx", "\rx", "\nx", "=", "-", "'=1", "-5 mm"])
def test_so_does_what_a_spreadsheet_may_strip(value: str) -> None:
    assert str(disarmed(value)).startswith("'")


@pytest.mark.parametrize("value", [-5, -0.5, "-5", "+3.25", "-1e-3", "1.2.840.10008", "", "a-b", "it's", None, True])
def test_numbers_and_words_stay_as_they_are(value: object) -> None:
    assert disarmed(value) == value
    assert type(disarmed(value)) is type(value)


@given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=5))
def test_what_was_written_is_read_again(rows: list[list[str]]) -> None:
    safe = [[cell.replace("\x00", "") for cell in row] for row in rows]
    text = csv_text(safe)
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert [[as_given(cell) for cell in row] for row in read] == safe
    for row in read:
        assert not any(cell and cell[0] in "=+-@\t\r\n" and as_given(cell) != cell for cell in row)


def test_a_file_is_its_owners_also_where_it_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        write_csv(path, [("a", "b"), ("=1", os.fsdecode(b"caf\xe9"))])
    finally:
        os.umask(before)
    assert path.read_bytes() == b"a,b\n'=1,caf\xe9\n"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_csv(path, [("a",)], fresh=True)


def test_nothing_else_writes_csv() -> None:
    found = []
    for folder in ("encoders", "db", "indexer", "search", "ui"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
                if name in ("writer", "DictWriter", "to_csv", "write_csv_file"):
                    found.append(str(path.relative_to(ROOT)))
                if isinstance(node, ast.ImportFrom) and node.module == "csv":
                    found.append(str(path.relative_to(ROOT)))
    assert set(found) == {"db/csv_files.py"}
