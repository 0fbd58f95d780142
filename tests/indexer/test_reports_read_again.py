"""Sentences and clauses that older rules told are told anew from the stored text, without the files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from archives import Home
from sqlalchemy import text

from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.store.rereading import count_old
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.findings import RULES
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.reports import rereading as again
from spinecho.indexer.reports.rereading import read_again
from spinecho.maintaining.upkeep import upgrade

REPORTS = {
    "a.txt": (
        "accession: A1\n\nFINDINGS:\n1) cavernoma of the left frontal lobe 2) no infarct\n"
        "Mass of 4.2 x 3 cm, but no oedema.\n"
    ),
    "b.txt": "accession: A1\nstatus: corrected\n\nFINDINGS:\nCavernoma, 12 mm. ?stroke\n",
    "c.txt": "accession: A2\n\nThe rotator cuff is intact. Query labral tear.\n",
}


@pytest.fixture(scope="module")
def dual() -> DualEncoder:
    return open_encoder()


def stored(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """All that search knows of reports, whatever its row ids."""
    reports = "JOIN reports r ON r.id = report_id JOIN files f ON f.id = r.file_id"
    clauses = "f.name, c.sentence, c.ordinal, c.start, c.stop, c.text, c.assertion, c.decided_by, c.cue, c.sides"
    return {
        "passages": home.query(
            f"SELECT f.name, p.ordinal, p.section, p.start, p.stop, p.text, p.assertion, {home.hex('v.data')}"
            f" FROM passages p {reports} JOIN vectors v ON v.passage_id = p.id ORDER BY 1, 2"
        ),
        "withdrawn": home.query(f"SELECT f.name, p.ordinal, p.text FROM withdrawn_passages p {reports} ORDER BY 1, 2"),
        "clauses": home.query(f"SELECT {clauses}, c.places, c.high_mm FROM clauses c {reports} ORDER BY 1, 2, 3"),
        "read": home.query("SELECT f.name, read_by FROM reports r JOIN files f ON f.id = r.file_id ORDER BY 1"),
    }


@pytest.mark.parametrize("older", ["no clauses", "other sentences"])
def test_what_older_rules_told_is_told_anew_without_the_files(
    tmp_path: Path, location: Location, dual: DualEncoder, older: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home", lambda: dual, server=location if isinstance(location, str) else "")
    archive = tmp_path / "archive"
    archive.mkdir()
    for name, said in REPORTS.items():
        (archive / name).write_text(said, encoding="utf-8")
    home.index(archive)
    fresh = stored(home)
    assert {row[1] for row in fresh["read"]} == {RULES}
    assert {row[6] for row in fresh["clauses"]} >= {"present", "absent", "uncertain"}
    shutil.rmtree(archive)
    database = Database.open(home.database)
    with database.begin() as session:
        session.execute(text("DELETE FROM clauses"))
        session.execute(text("UPDATE reports SET read_by = 0"))
        if older == "other sentences":
            changed = "UPDATE {} SET text = 'Cavernoma. Infarct?', stop = 19 WHERE ordinal = 0"
            for table in ("passages", "withdrawn_passages"):
                session.execute(text(changed.format(table)))
    asked: list[str] = []

    def encoder() -> Any:
        asked.append("opened")
        return dual.text

    monkeypatch.setattr(again.rereading, "_PAGE", 1)  # a page is a transaction: stopped in the middle, it goes on
    with pytest.raises(KeyboardInterrupt):
        read_again(database, encoder, progress=_stop)
    assert count_old(database, RULES) == len(REPORTS) - 1
    assert read_again(database, encoder) == len(REPORTS) - 1
    assert read_again(database, encoder) == 0
    database.close()
    now = stored(home)
    if asked:  # another batch of the encoder: other last bits
        for told in (now, fresh):
            told["passages"] = [row[:-1] for row in told["passages"]]
    assert now == fresh
    assert bool(asked) == (older == "other sentences"), "sentences that are stored are not encoded again"


def _stop(*_: int) -> None:
    raise KeyboardInterrupt


def test_a_report_in_another_language_is_told_anew_and_an_english_one_only_marked(
    tmp_path: Path, location: Location, dual: DualEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "ENGLISH_SINCE", 4)
    home = Home(tmp_path / "home", lambda: dual, server=location if isinstance(location, str) else "")
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "de.txt").write_text("accession: A1\n\nBefund:\nKein Nachweis einer Blutung.\n", encoding="utf-8")
    (archive / "en.txt").write_text("accession: A2\n\nFindings:\nThere is no haemorrhage.\n", encoding="utf-8")
    (archive / "pt.txt").write_text(
        "accession: A3\n\nAchados:\nNão há sinais de hemorragia. Sem evidência de lesões na fossa.\n", encoding="utf-8"
    )
    summary = home.index(archive)
    assert any("1 report is in a language without rules" in one for one in summary.warnings), summary.warnings
    fresh = stored(home)
    assert {row[0] for row in fresh["clauses"]} == {"de.txt", "en.txt"}
    database = Database.open(home.database)
    with database.begin() as session:
        session.execute(text("UPDATE clauses SET assertion = 'present'"))
        session.execute(text("UPDATE passages SET assertion = 'present'"))
        session.execute(text("UPDATE reports SET read_by = 4"))
    read_again(database, lambda: dual.text)
    database.close()
    now = stored(home)
    assert [row for row in now["clauses"] if row[0] == "de.txt"] == [
        row for row in fresh["clauses"] if row[0] == "de.txt"
    ]
    assert {row[6] for row in now["clauses"] if row[0] == "en.txt"} == {"present"}, "what older rules stored stands"
    assert {(row[0], row[6]) for row in now["passages"]} == {
        ("de.txt", "absent"), ("en.txt", "present"), ("pt.txt", "uncertain")
    }  # fmt: skip
    assert {row[1] for row in now["read"]} == {RULES}


def test_the_upgrade_reads_again_where_only_the_rules_are_newer(tmp_path: Path, dual: DualEncoder) -> None:
    home = Home(tmp_path / "home", lambda: dual)
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "de.txt").write_text("accession: A1\n\nBefund:\nKein Nachweis einer Blutung.\n", encoding="utf-8")
    home.index(archive)
    fresh = stored(home)
    database = Database.open(home.database)
    with database.begin() as session:
        session.execute(text("UPDATE clauses SET assertion = 'present'"))
        session.execute(text("UPDATE reports SET read_by = 4"))
    database.close()
    done = upgrade(home.folder)
    assert done.before == done.after
    assert stored(home)["clauses"] == fresh["clauses"]
