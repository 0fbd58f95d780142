"""`spinecho facets`, and filters as they are typed on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from typer.testing import CliRunner, Result

from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.schema.database import Database
from spinecho.ui.cli.app import app


def run(*arguments: str | Path, home: Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--home", str(home)], env={"COLUMNS": "200"})


def as_json(*arguments: str, home: Path) -> dict[str, Any]:
    result = run(*arguments, "--json", home=home)
    assert result.exit_code == 0, result.output
    value: dict[str, Any] = json.loads(result.stdout)
    return value


def test_counts_are_those_of_the_archive_with_a_snapshot_or_without(indexed: Home, tmp_path: Path) -> None:
    mine = copy_of(indexed, tmp_path / "home")
    sql = "SELECT count(DISTINCT s.study_id) FROM series s JOIN volumes v ON v.series_id = s.id JOIN studies t"
    sql += " ON t.id = s.study_id WHERE NOT v.derived AND v.sequence <> 'localizer' AND "
    women = mine.query(f"{sql} t.sex = 'F'")[0][0]
    shutil.rmtree(mine.folder / "builds" / "facts", ignore_errors=True)
    told = as_json("facets", "--sex", "F", home=mine.folder)
    assert told["source"] == "SQL"
    assert told["studies"] == women
    database = Database.open(mine.database)
    make_snapshot(database, mine.folder / "builds")
    database.close()
    again = as_json("facets", "--sex", "F", home=mine.folder)
    assert again == told | {"source": "snapshot 000001"}
    by_sex = {facet["value"]: facet for facet in told["facets"]["sex"]}
    assert by_sex["F"] == {"value": "F", "shown": women, "total": women}
    assert sum(facet["shown"] for facet in by_sex.values()) == 5  # its own condition does not count
    for facet in told["facets"]["sequence"]:
        assert mine.query(f"{sql} v.sequence = '{facet['value']}'")[0][0] == facet["total"]
        assert mine.query(f"{sql} v.sequence = '{facet['value']}' AND t.sex = 'F'")[0][0] == facet["shown"]


def test_the_table_names_fields_and_values(indexed: Home) -> None:
    told = run("facets", "body_region", "age", "--most", "1", home=indexed.folder)
    assert told.exit_code == 0
    assert "5 studies pass" in told.stdout
    assert "body region" in told.stdout
    assert "more (--most)" in told.stdout


def test_what_can_never_hold_is_an_empty_answer_with_a_note(indexed: Home) -> None:
    told = as_json("facets", "sex", "--where", "age>=60 and age<40", home=indexed.folder)
    assert told["studies"] == 0
    assert told["warnings"] == ["nothing can pass: age cannot be at least 60 and at most 40"]
    assert all(facet["shown"] == 0 for facet in told["facets"]["sex"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sequenc",), "did you mean 'sequence'"),
        (("patient_id",), "cannot be counted"),
        (("--where", "sequence=T2 and"), "at character 16"),
        (("--where", "regon=brain"), "did you mean 'body_region'"),
        (("--where", "predicted.diagnosis=x"), "nothing in this index has a predicted 'diagnosis'"),
        (("--where", "says:perhaps(stroke)"), "one of present, absent"),
    ],
)
def test_what_cannot_be_counted_or_read_is_one_line_and_status_2(
    indexed: Home, arguments: tuple[str, ...], message: str
) -> None:
    told = run("facets", *arguments, home=indexed.folder)
    assert told.exit_code == 2
    assert message in told.stderr
    assert "Traceback" not in told.output


def test_conditions_joined_by_words_filter_a_search(indexed: Home) -> None:
    plain = as_json(
        "search", "text", "brain", "--where", "sex=F or sex=M", "--where", "not age>200", home=indexed.folder
    )
    assert len(plain["hits"]) == 5
    women = as_json("search", "text", "brain", "--where", "(sex=F) and not (sex=M)", home=indexed.folder)
    sexes = {row[0] for row in indexed.query("SELECT uid FROM studies WHERE sex = 'F'")}
    assert {hit["study_uid"] for hit in women["hits"]} == sexes


def test_small_counts_are_hidden_by_the_setting(indexed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_SMALLEST_COUNT", "5")
    everything = as_json("facets", "sex", home=indexed.folder)
    assert everything["studies"] == 5
    assert {(one["shown"], one["total"]) for one in everything["facets"]["sex"]} == {("<5", "<5")}
    uid = indexed.query("SELECT uid FROM studies")[0][0]
    one = as_json("facets", "sex", "sequence", "--where", f"study_uid={uid}", home=indexed.folder)
    assert one["studies"] == "<5"
    assert {facet["shown"] for some in one["facets"].values() for facet in some} == {"<5"}
    status = as_json("status", home=indexed.folder)
    assert set(status["facets"]["sequence"].values()) <= {"<5", 5}
