"""Columns of reports' tables over runs: kept, changed and forgotten, and files are read again by what stands now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from archives import Home

from spinecho.db.files import runs
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.reports.parsing.given_columns import ReportColumnsError

TABLE = "Auftrag;Worte;Zweitmeinung\nA1;Kein Tumor im Gehirn.;Ein Kavernom links.\n"


def test_named_columns_stay_until_they_are_forgotten(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    (root / "a.csv").write_text(TABLE, encoding="utf-8")
    (root / "b.txt").write_text("accession: A2\n\nKein Infarkt.\n", encoding="utf-8")
    dual = open_encoder()
    home = Home(tmp_path / "home", lambda: dual)

    def texts() -> list[str]:
        return [str(row[0]) for row in home.query("SELECT text FROM reports ORDER BY accession_number")][:-1]

    assert home.index(root).report_columns == {}
    assert texts() == []
    first = home.index(root, report_columns="accession=Auftrag,report=Worte")
    assert first.report_columns == {"accession": {"Auftrag": 1}, "report": {"Worte": 1}}
    assert first.counts["unchanged"] == 1  # the text has no columns
    assert texts() == ["Kein Tumor im Gehirn."]

    stat = (root / "a.csv").stat()
    os.utime(root / "a.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    assert home.index(root).report_columns == first.report_columns  # without being named again
    assert texts() == ["Kein Tumor im Gehirn."]

    with pytest.raises(ReportColumnsError):
        home.index(root, report_columns="accession=")
    home.index(root, report_columns="accession=Auftrag,report=Zweitmeinung")
    assert texts() == ["Ein Kavernom links."]
    wrong = home.index(root, report_columns="accession=Auftrag,report=Meinung")
    assert (wrong.reasons, wrong.mendable) == ({"BAD_REPORT": 1}, 1)
    assert texts() == []
    forgotten = home.index(root, report_columns="")
    assert (forgotten.reasons, forgotten.report_columns) == ({"NOT_READ": 1}, {})
    assert home.query("SELECT count(*) FROM files WHERE mtime_ns = -2") == [(0,)]


def test_a_run_that_is_killed_has_kept_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    (root / "a.csv").write_text(TABLE, encoding="utf-8")
    dual = open_encoder()
    home = Home(tmp_path / "home", lambda: dual)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "finish_run", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr("spinecho.indexer.pending.PendingFiles.index_reports", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            home.index(root, report_columns="accession=Auftrag,report=Worte")
    assert home.index(root).report_columns == {"accession": {"Auftrag": 1}, "report": {"Worte": 1}}
