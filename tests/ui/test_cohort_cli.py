"""`spinecho cohort`: from a definition to files, over an archive that grows."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of, small_archive
from typer.testing import CliRunner, Result

from spinecho.search.cohorts.definition import read_definition
from spinecho.ui.cli.app import app


def run(*arguments: str | Path, home: Path | None = None, **environment: str) -> Result:
    where = () if home is None else ("--home", str(home))
    return CliRunner().invoke(app, ["cohort", *map(str, arguments), *where], env={"COLUMNS": "200", **environment})


def told(*arguments: str | Path, home: Path, **environment: str) -> dict[str, Any]:
    result = run(*arguments, "--json", home=home, **environment)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def mine(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return copy_of(indexed, tmp_path_factory.mktemp("cohort") / "home")


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(['name = "mine"', *lines]), encoding="utf-8")
    return path


def test_the_example_teaches_and_can_be_counted(mine: Home, tmp_path: Path) -> None:
    assert run("new", tmp_path / "c.toml").exit_code == 0
    again = run("new", tmp_path / "c.toml")
    assert again.exit_code == 2
    assert "there already" in again.stderr
    found = told("count", tmp_path / "c.toml", home=mine.folder)
    assert found["attrition"][0] == {"what": "every study", "kind": "start", "studies": 5, "patients": 5}
    head, body = (tmp_path / "c.toml").read_text().split("description = ", 1)
    every = ("description = " + body).replace("\n# ", "\n")
    every = every[: every.index("[sample]")] + every[every.index("[match]") :]  # it does not go with a match
    (tmp_path / "all.toml").write_text(head + every)
    definition = read_definition(tmp_path / "all.toml")
    assert definition.match is not None
    assert len(definition.include) == 3
    assert definition.window


def test_a_cohort_is_frozen_listed_shown_run_again_and_exported(mine: Home, tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", "[[include]]", 'filter = "sequence=T1,T2,FLAIR"')
    frozen = told("freeze", file, home=mine.folder, SPINECHO_USER="ada")
    assert frozen["version"] == 1
    before = frozen["attrition"][-1]["studies"]
    listed = told("list", home=mine.folder)["cohorts"]
    assert [(one["cohort"], one["owner"], one["studies"]) for one in listed] == [("mine", "ada", before)]
    assert not {"salt"} & set(listed[0]["made_with"])
    shown = told("show", "mine", home=mine.folder)
    assert len(shown["members"]) == before
    more = small_archive(tmp_path / "more", studies=7)  # the first five are those of the archive
    mine.index(more)
    changes = told("rerun", "mine", "--freeze", home=mine.folder)
    assert {one["why"] for one in changes["added"]} == {"new in the archive"}
    assert changes["kept"] == before
    assert changes["frozen"] == 2
    assert len(told("diff", "mine", "1", "2", home=mine.folder)["added"]) == len(changes["added"]) > 0
    table = run("diff", "mine", "1", "2", home=mine.folder)
    assert f"{len(changes['added'])} added" in table.stdout
    made = told("export", "mine", tmp_path / "out", "--version", "1", home=mine.folder)
    assert made["studies"] == before
    assert (tmp_path / "out" / "participants.tsv").is_file()
    with (tmp_path / "out" / "files.csv").open(newline="") as lines:
        files = list(csv.reader(lines))
    assert all(Path(line[-1]).is_file() for line in files[1:])
    assert len(files) > before
    refused = run("export", "mine", tmp_path / "out", home=mine.folder)
    assert refused.exit_code == 2
    assert "not empty" in refused.stderr
    gone = told("delete", "mine", "--yes", home=mine.folder)
    assert gone["versions"] == 2
    assert run("show", "mine", home=mine.folder).exit_code == 2


def test_likeness_chooses_the_example_itself_and_words_choose_what_they_say(mine: Home, tmp_path: Path) -> None:
    with sqlite3.connect(mine.database) as connection:
        uid = connection.execute("SELECT uid FROM studies ORDER BY uid").fetchone()[0]
        sentence = connection.execute(
            "SELECT p.text FROM passages p WHERE p.report_id IS NOT NULL AND p.assertion = 'present'"
            " AND p.section = 'findings' ORDER BY p.id"
        ).fetchone()[0]
    file = write(tmp_path / "c.toml", "[[include]]", f'like = "{uid}"', "at_least = 0.999")
    told("freeze", file, home=mine.folder)
    (member,) = told("show", "mine", home=mine.folder)["members"]
    assert member["study_uid"] == uid
    assert next(iter(member["similarity"].values())) == pytest.approx(1, abs=1e-3)
    loose = told("count", write(file, "[[include]]", f'like = "{uid}"', "at_least = -1"), home=mine.folder)
    assert loose["attrition"][0]["studies"] == loose["attrition"][1]["studies"]
    words = write(file, "[[include]]", f"text = {json.dumps(sentence)}", "at_least = 0.99")
    assert told("count", words, home=mine.folder)["attrition"][-1]["studies"] >= 1
    denied = write(file, "[[include]]", f"text = {json.dumps(sentence)}", "at_least = 0.99", 'says = "absent"')
    assert told("count", denied, home=mine.folder)["attrition"][-1]["studies"] == 0
    for text, message in (
        ('like = "9.9"\nat_least = 0.5', "no study of the index and no file"),
        ('text = "no tumour"\nat_least = 0.5', "[[exclude]]"),
    ):
        refused = run("count", write(file, "[[include]]", text), home=mine.folder)
        assert refused.exit_code == 2
        assert message in refused.stderr


def test_small_counts_are_hidden_where_the_setting_says_so(mine: Home, tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", "[[include]]", 'filter = "sequence=T2"')
    found = told("count", file, home=mine.folder, SPINECHO_SMALLEST_COUNT="20")
    assert {row["studies"] for row in found["attrition"]} <= {"<20", 0}
    wrong = run("count", file, home=mine.folder, SPINECHO_SMALLEST_COUNT="few")
    assert wrong.exit_code == 2
    assert "SPINECHO_SMALLEST_COUNT='few'" in wrong.stderr


def test_balance_of_matched_controls_is_counted_shown_and_exported(mine: Home, tmp_path: Path) -> None:
    with sqlite3.connect(mine.database) as connection:
        uid = connection.execute("SELECT uid FROM studies ORDER BY uid").fetchone()[0]
    file = write(tmp_path / "c.toml", "[match]", f'cases = {{ studies = ["{uid}"] }}', "by = []")
    frozen = told("freeze", file, home=mine.folder)
    assert frozen["balance"][0]["fact"] == "age"
    assert told("show", "mine", home=mine.folder)["balance"] == frozen["balance"]
    shown = " ".join(run("show", "mine", home=mine.folder).stdout.split())  # lines are as wide as the terminal
    assert "before, after: difference of means" in shown
    assert "controls" in shown
    told("export", "mine", tmp_path / "out", home=mine.folder, SPINECHO_SMALLEST_COUNT="5")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert {row["after"] for row in manifest["balance"]} == {"<5"}
    assert (manifest["studies"], manifest["patients"]) == ("<5", "<5"), "as in the last line of the attrition"
    assert not {"salt", "balance"} & set(manifest["made_with"])
