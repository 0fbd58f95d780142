"""Versions, copies and disagreements of reports, from files on a disk to what a search finds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from archives import Home, copy_of
from sqlalchemy import create_engine
from typer.testing import CliRunner

from spinecho.db.filters.algebra import Says
from spinecho.db.reports import study_matching
from spinecho.db.schema.database import Database
from spinecho.search.query import Kind, TextQuery
from spinecho.ui.cli.app import app

MIGRATIONS = Path(__file__).parents[2] / "db" / "schema" / "migrations"
OLD = "IMPRESSION: Acute zebrafoot infarct in the left MCA territory.\n"
NEW = "IMPRESSION: No zebrafoot infarct. Quaggaform changes only.\n"


def standings(home: Home) -> dict[str, tuple[str, str]]:
    query = (
        "SELECT d.path, f.name, r.ordinal, r.standing, r.match FROM reports r JOIN files f ON f.id = r.file_id"
        " JOIN folders d ON d.id = f.folder_id WHERE d.path LIKE '%/more%'"
    )
    return {f"{Path(path).name}/{name} {n}": (kind, match) for path, name, n, kind, match in home.query(query)}


def found(home: Home, words: str) -> set[str]:
    """Every sentence that any way of searching shows for these words."""
    engine = home.engine()
    told: set[str] = set()
    for want in Kind:
        for where in (None, Says("zebrafoot")):
            hits = engine.search(TextQuery(words), k=50, want=want, **({"where": where} if where else {})).hits
            told |= {sentence.passage.text for hit in hits for sentence in hit.passages}
            told |= {hit.report.text for hit in hits if hit.report}
    return told


def test_the_latest_version_is_found_and_the_one_before_comes_back(
    indexed: Home, archive: Path, tmp_path: Path
) -> None:
    home, more = copy_of(indexed, tmp_path / "home"), tmp_path / "more"
    (more / "copies").mkdir(parents=True)
    number, patient = home.query("SELECT accession_number, patient_id FROM studies ORDER BY uid")[0]
    other = home.query("SELECT uid FROM studies ORDER BY uid")[1][0]
    (more / "v1.txt").write_text(f"Accession: {number}\nEXAM: MRI orbit\n{OLD}")
    (more / "copies" / "v1.txt").write_bytes(f"Accession: {number}\r\nEXAM: MRI orbit\r\n{OLD}".encode())
    (more / "unknown.csv").write_text(
        f"accession,study uid,mrn,report\n{number},,NOBODY,Of another patient.\n"
        f"{number},{other},,Of two exams.\nN/A,,,None.\n"
    )
    home.index(more)
    assert standings(home) == {
        "copies/v1.txt 0": ("stands", "matched"),
        "more/v1.txt 0": ("duplicate", "matched"),
        "more/unknown.csv 2": ("stands", "unmatched"),
        "more/unknown.csv 3": ("stands", "ambiguous"),
        "more/unknown.csv 4": ("stands", "unmatched"),
    }
    assert any("Acute zebrafoot" in one for one in found(home, "acute zebrafoot infarct"))
    (more / "v2.txt").write_text(f"Accession: {number}\nMRN: {patient}\nEXAM: MRI orbit\nCORRECTED REPORT\n{NEW}")
    (more / "add.txt").write_text(
        f"Accession: {number}\nEXAM: MRI orbit\nADDENDUM: Okapian cyst on review.\n", "cp1252"
    )
    summary = home.index(more)
    assert summary.counts["reports_superseded"] == 1
    seen = found(home, "acute zebrafoot infarct")
    assert not any("Acute zebrafoot" in one for one in seen)
    assert any("Quaggaform" in one for one in seen)
    assert any("Okapian" in one for one in found(home, "okapian cyst"))
    assert standings(home)["more/add.txt 0"] == ("addendum", "matched")
    listed = CliRunner().invoke(app, ["failures", "--home", str(home.folder)], env={"COLUMNS": "60"}).output
    assert listed.count("report superseded") == 1
    assert "its patient is not the patient" in listed
    assert "name different exams" in listed
    assert "a placeholder" in listed
    status = CliRunner().invoke(app, ["status", "--home", str(home.folder)], env={"COLUMNS": "200"})
    assert "reports superseded" in status.output
    for name in ("v2.txt", "copies/v1.txt"):
        (more / name).unlink()
    home.index(more, prune=True, yes=True)
    assert standings(home)["more/v1.txt 0"] == ("stands", "matched")
    assert any("Acute zebrafoot" in one for one in found(home, "acute zebrafoot infarct"))
    assert home.query("SELECT count(*) FROM withdrawn_passages") == [(0,)]


def test_a_guessed_charset_is_told_in_the_run_and_kept(indexed: Home, tmp_path: Path) -> None:
    home, more = copy_of(indexed, tmp_path / "home"), tmp_path / "more"
    more.mkdir()
    (more / "a.txt").write_bytes("Accession: Q777\n所見: 左視床に海綿状血管腫を認める。\n".encode("cp932"))
    assert any("cp932 1" in warning for warning in home.index(more).warnings)
    assert not home.index(more).warnings
    listed = CliRunner().invoke(app, ["failures", "--home", str(home.folder)], env={"COLUMNS": "60"}).output
    assert "CHARSET_GUESSED" in listed
    assert "cp932" in listed
    assert home.query("SELECT charset FROM reports WHERE accession_number = 'Q777'") == [("cp932",)]


def test_a_report_that_its_text_withdraws_is_told(indexed: Home, tmp_path: Path) -> None:
    home, more = copy_of(indexed, tmp_path / "home"), tmp_path / "more"
    more.mkdir()
    number = home.query("SELECT accession_number FROM studies ORDER BY uid")[0][0]
    (more / "a.txt").write_text(f"Accession: {number}\nEXAM: MRI orbit\nREPORT CANCELLED\n{OLD}")
    (more / "b.csv").write_text(f"accession,status,exam,report\n{number},cancelled,MRI knee,{NEW.strip()}\n")
    (more / "c.txt").write_text(f"Accession: {number}\nEXAM: MRI hip\nRetracted to the level of the glenoid.\n")
    summary = home.index(more)
    assert summary.counts["reports_withdrawn"] == 2
    assert [one for one in summary.warnings if one.startswith("1 report calls itself cancelled")]
    listed = CliRunner().invoke(app, ["failures", "--home", str(home.folder)], env={"COLUMNS": "200"}).output
    assert listed.count("report withdrawn") == 2
    assert "every report has its study." not in listed
    assert "every report has its study; 2 reports are kept and not found." in listed


def old_database(path: Path) -> None:
    """A database of the schema before versions: two text files of one exam, and a table."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        run = connection.exec_driver_sql
        run("INSERT INTO studies VALUES (1, '1.2', 'R1', 'P1', NULL, 'MRI', 'F', 40)")
        run("INSERT INTO spaces VALUES (1, 'm', '1', '1', 1)")
        run("INSERT INTO folders VALUES (1, '/gone', '/gone', 1)")
        texts = {
            "a.txt": f"Accession: R1\n{OLD}",
            "b.txt": f"Accession: R1\nCORRECTED REPORT\n{NEW}",
            "c.txt": f"Accession: R1\nMRN: P2\n{OLD}",
            "two.txt": f"Accession: R1\n{OLD}\n\nAccession: R2\n{OLD}",
            "t.csv": "IMPRESSION: From a table.",
        }
        for n, (name, text) in enumerate(texts.items(), 1):
            run(f"INSERT INTO files VALUES ({n}, 1, '{name}', 9, {n}, 'report', 'indexed', NULL, NULL, NULL, NULL)")
            run("INSERT INTO reports VALUES (?, ?, 0, 1, 'matched', 'R1', '', ?)", (n, n, text))
            run(
                "INSERT INTO passages (id, report_id, section, ordinal, start, stop, text, assertion, sides)"
                " VALUES (?, ?, 'impression', 0, 0, 1, ?, 'present', '')",
                (n, n, text),
            )
            run("INSERT INTO vectors (space_id, passage_id, data) VALUES (1, ?, x'0000')", (n,))
    engine.dispose()


def test_an_older_database_is_settled_without_the_files(tmp_path: Path) -> None:
    path = tmp_path / "spinecho.sqlite"
    old_database(path)
    result = CliRunner().invoke(app, ["db", "upgrade", "--home", str(tmp_path)])
    assert result.exit_code == 0, result.output
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT f.name, r.standing, r.match, r.reason, r.status, count(p.id), f.mtime_ns = -2 FROM reports r"
            " JOIN files f ON f.id = r.file_id LEFT JOIN passages p ON p.report_id = r.id GROUP BY r.id ORDER BY r.id"
        ).fetchall()
    connection.close()
    assert rows == [
        ("a.txt", "superseded", "matched", "", "", 0, 0),
        ("b.txt", "stands", "matched", "", "corrected", 1, 0),
        ("c.txt", "stands", "unmatched", "patient_disagrees", "", 1, 0),
        ("two.txt", "superseded", "matched", "", "", 0, 1),  # read again where it is found
        ("t.csv", "superseded", "matched", "", "", 0, 1),
    ]
    database = Database.open(path)
    again = study_matching.match_reports(database)
    assert again.counts["superseded"] == 3
    database.close()


@pytest.mark.parametrize("status", ["F", "Final"])
def test_rows_of_one_table(indexed: Home, tmp_path: Path, status: str) -> None:
    home, more = copy_of(indexed, tmp_path / "home"), tmp_path / "more"
    more.mkdir()
    (more / "r.csv").write_text(
        "Accession No.,Report Status,Report Date,Report\n"
        f"Q1,P,2024-01-02,Preliminary.\nQ1,{status},2024-01-03,Final.\nQ1,A,2024-01-04,Addendum.\n"
        "Q2,,,One.\nQ2,,,Other.\nQ3,,2024-01-02,First.\nQ3,,2024-01-05,Second.\n"
    )
    summary = home.index(more)
    kinds = [kind for _, (kind, _) in sorted(standings(home).items())]
    assert kinds == ["superseded", "stands", "addendum", "stands", "stands", "superseded", "stands"]
    assert len([one for one in summary.warnings if "later version" in one or "by their dates" in one]) == 2
