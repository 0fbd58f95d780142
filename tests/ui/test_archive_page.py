"""The archive and evaluate pages."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from pages import DemoHome, acts, calm, page_of, private_home, texts
from sqlalchemy import select
from streamlit.testing.v1 import AppTest
from waiting import comes

from spinecho.db.identities.key import make_key
from spinecho.db.people.record import Record
from spinecho.db.queries.lookup import VolumeFacts
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Run
from spinecho.db.upkeep.scrub_state import Round, State, write_state
from spinecho.pseudonyms.identities import open_identities
from spinecho.search.access.personal_archive import Access, Person, Refused, Role, Served
from spinecho.setup.private import private_files
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import indexing_lock, indexing_process, open_engine
from spinecho.shown import shown_archive
from spinecho.ui.views.archive.jobs import start
from spinecho.ui.views.archive.map import groups, volumes_by
from spinecho.ui.views.evaluate.evaluations import begin, evaluations
from spinecho.ui.views.session.long_work import exit_status
from spinecho.ui.views.session.opened import PageContext


@pytest.fixture
def home(demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return private_home(demo_home.home, tmp_path, monkeypatch)


def context_of(home: Path, role: Role) -> PageContext:
    settings = read_settings(home=home, device="cpu")
    record = Record.open(settings.record)
    return PageContext(shown_archive(settings, Served(open_engine(settings)), Person("ada", role), record), settings)


def at(view: str, role: str = "manager") -> AppTest:
    page = calm(page_of("archive", role=role).run())
    return calm(page.button_group(key="archive-view").set_value(view).run())


def test_the_overview_counts_and_tells_of_the_last_run(home: Path) -> None:
    page = calm(page_of("archive").run())
    assert {metric.label: metric.value for metric in page.metric}["Studies"] == "3"
    assert any(text.startswith("Last run ended") for text in texts(page))
    assert page.button(key="index")


def test_only_managers_start_runs_and_see_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = calm(page_of("archive", role="viewer").run())
    assert not [button for button in viewer.button if button.key in ("index", "retry", "stop")]
    with pytest.raises(Refused, match="takes the role manager"):
        start(context_of(home, Role.RESEARCHER))
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        file = connection.execute("SELECT id FROM files LIMIT 1").fetchone()[0]
        connection.execute(
            "INSERT INTO failures (file_id, ordinal, reason, ignorable, message, run_id) "
            "VALUES (?, 9, 'TRUNCATED', 0, 'cut', 1)",
            (file,),
        )
    with monkeypatch.context() as patched:
        patched.setattr("spinecho.db.files.not_indexed.failures", None)  # nobody else's page reads what files there are
        assert any("shown to managers" in caption.value for caption in at("Failures", "viewer").caption)
    assert at("Failures").selectbox(key="failure-reason").options[0] == "truncated"


def test_what_can_be_mended_comes_first_and_is_retried_there(home: Path) -> None:
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute("DELETE FROM failures")
        files = [row[0] for row in connection.execute("SELECT id FROM files ORDER BY id LIMIT 5")]
        for file, reason, ignorable in zip(
            files, ["NOT_MR", "NOT_MR", "NOT_MR", "TRUNCATED", "TRUNCATED"], [1, 1, 1, 0, 0], strict=True
        ):
            connection.execute(
                "INSERT INTO failures (file_id, ordinal, reason, ignorable, message, run_id) VALUES (?, 9, ?, ?, ?, 1)",
                (file, reason, ignorable, "cut"),
            )
        connection.commit()
    page = at("Failures")
    assert any("2 files to look at, 3 left aside" in one.value for one in page.caption)
    assert page.dataframe[0].value["reason"].tolist() == ["truncated", "not MR"]
    assert page.selectbox(key="failure-reason").value == "TRUNCATED"
    (folder,) = [text.removeprefix("Below ") for text in texts(page) if text.startswith("Below /")]
    assert not [name for name in page.dataframe[1].value["file"] if name.startswith("/")]
    assert all(Path(folder + name).is_file() for name in page.dataframe[1].value["file"])
    with indexing_lock(read_settings(home=home)):
        calm(page.button(key="failures-retry").click().run())
        assert any("indexing already" in text for text in texts(page))


def test_reasons_of_another_version_are_shown_by_their_codes(home: Path) -> None:
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute("UPDATE failures SET reason = 'OF_LATER_TIMES'")
        connection.commit()
    page = at("Failures")
    assert page.dataframe[0].value["reason"].tolist() == ["of later times"]
    assert "another version" in page.dataframe[0].value["what to do"].tolist()[0]
    assert page.selectbox(key="failure-reason").value == "OF_LATER_TIMES"


def test_small_counts_of_the_archive_are_hidden(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_SMALLEST_COUNT", "5")
    page = calm(page_of("archive").run())
    told = [value for frame in page.dataframe for value in frame.value["studies"].tolist()]
    assert set(told) == {"<5"}
    assert {value for frame in page.dataframe for value in frame.value["share"].tolist()} == {0.0}


@pytest.mark.parametrize(
    ("values", "ordered", "told"),
    [
        (["brain", "unknown", "knee"], False, ["unknown", "brain", "knee"]),
        (["60 to 69", "unknown", "0 to 9", "30 to 39"], True, ["unknown", "0 to 9", "30 to 39", "60 to 69"]),
        (["3.0 T", "0.5 T", "1.5 T"], True, ["0.5 T", "1.5 T", "3.0 T"]),
    ],
)
def test_colours_of_the_map_rise_with_what_rises(values: list[str], ordered: bool, told: list[str]) -> None:
    found = groups(values, ordered=ordered)
    assert [next(iter(group)) for group, _ in found] == told
    assert len({colour for _, colour in found}) == len(found)
    many = groups([f"{number}.0 T" for number in range(30)], ordered=True)
    assert len(many) == 30


def test_the_maps_legend_hides_small_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_SMALLEST_COUNT", "5")
    page = at("Map")
    (chart,) = page.get("plotly_chart")
    names = [trace["name"] for trace in json.loads(chart.proto.spec)["data"]]
    assert names
    assert all(name.endswith("  ‹5") for name in names), names


def test_many_volumes_of_one_patient_are_hidden() -> None:
    facts = [VolumeFacts("1.2", "T2", "", "", "", "", None, "F", 40.0, patient) for patient in [*"aaaaaaa", *"bcdefg"]]
    assert volumes_by(["x"] * 7 + ["y"] * 6, facts, 5) == {"x": "<5", "y": 5}
    assert volumes_by(["x"] * 7 + ["y"] * 6, facts) == {"x": 7, "y": 6}


def deidentified(home: Path) -> dict[str, str]:
    """Have the home be one whose first run mapped identifiers; how it did."""
    settings = read_settings(home=home)
    with private_files():
        key = make_key(settings.identities_key)
        open_identities(settings, key, create=True).close()
    how = {"key": key.fingerprint, "dates": "removed", "descriptors": "kept"}
    with closing(Database.open(home / "spinecho.sqlite")) as database, database.begin() as session:
        for run in session.scalars(select(Run)):
            run.counts = {**run.counts, "deidentified": how}
    return how


@pytest.mark.parametrize("names", [True, False], ids=["with names", "without names"])
def test_a_run_that_is_started_here_goes_to_its_end(home: Path, names: bool) -> None:
    how = None if names else deidentified(home)
    context = context_of(home, Role.MANAGER)
    before = context.front.holdings.last_run()
    start(context, retry=True)
    for _ in range(240):
        now = context.front.holdings.last_run()
        if now and before and now["id"] > before["id"] and now["finished_at"]:
            break
        time.sleep(0.25)
    else:
        raise AssertionError((home / "index.log").read_text())
    assert now["counts"].get("deidentified") == how
    assert [(act.action, act.user) for act in acts(home, "index")] == [("index", "ada")] * 2, (
        "by the page, by the process"
    )


def test_a_run_that_could_not_be_started_says_why_where_it_was_started(home: Path) -> None:
    deidentified(home)
    (home / "identities.key").unlink()
    page = calm(page_of("archive", role="manager").run())
    page = page.button(key="index").click().run()
    comes(lambda: exit_status(page.session_state["index-process"]) is not None)
    told = "\n".join(texts(calm(page.run())))
    assert "put back the copy" in told
    assert "put back the copy" not in "\n".join(texts(calm(page_of("archive", role="viewer").run())))


def test_a_run_under_way_shows_how_far_it_is_and_a_killed_one_that_it_stopped(home: Path) -> None:
    told = {"stages": {"scan": [40, 40], "read": [5, 20]}, "told_at": "2026-01-01T00:00:00"}
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute(
            "INSERT INTO runs (started_at, finished_at, roots, counts, seconds) "
            "VALUES ('2026-01-01 00:00:00', NULL, '[]', ?, '{}')",
            (json.dumps(told),),
        )
    page = calm(page_of("archive").run())
    assert any("was stopped" in text for text in texts(page))
    assert indexing_process(read_settings(home=home)) is None
    with indexing_lock(read_settings(home=home)):
        assert indexing_process(read_settings(home=home)) == os.getpid()
        page = calm(page_of("archive").run())
        bars = [bar.proto.text for bar in page.get("progress")]
        assert [bar.split(" · ")[0] for bar in bars] == [
            "headers read: 40 of 40", "series read, embedded, stored: 5 of 20",
        ]  # fmt: skip
        assert page.button(key="stop")


def test_builds_and_space_are_told(home: Path) -> None:
    frames = [frame.value for frame in at("Encoders and builds").dataframe]
    assert set(frames[0]["vectors of"]) == {"image", "text"}
    assert frames[0]["serves"].any()
    assert "database" in set(frames[1]["what"])


def test_the_map_is_drawn_once_and_kept(home: Path) -> None:
    page = at("Map")
    assert any("volumes; principal components" in caption.value for caption in page.caption)
    kept = next((home / "builds").glob("space-*/map/map.safetensors"))
    before = kept.stat().st_mtime_ns
    at("Map")
    assert kept.stat().st_mtime_ns == before


def test_the_record_is_for_managers_and_ones_own(home: Path) -> None:
    context_of(home, Role.VIEWER).front.access.note("view", "1.2.3")
    Access(Person("grace", Role.VIEWER), Record.open(home / "record.sqlite")).note("view", "1.2.4")
    assert {"ada", "grace"} == set(at("Record").dataframe[0].value["who"])
    assert {"ada"} == set(at("Record", "viewer").dataframe[0].value["who"])


def test_an_evaluation_runs_beside_and_is_compared(home: Path) -> None:
    context = context_of(home, Role.RESEARCHER)
    with pytest.raises(Refused):
        begin(context_of(home, Role.VIEWER), "archive", None)
    begin(context, "archive", None, queries=20)
    begin(context, "judgements", b"no,columns\n1,2\n")
    for _ in range(400):
        if not any(one.running for one in evaluations(context)):
            break
        time.sleep(0.25)
    broken, done = evaluations(context)
    assert done.result is not None
    assert done.result["archive"]["studies"] == 3
    assert broken.result is None
    assert "query" in broken.why
    page = calm(page_of("evaluate").run())
    assert page.multiselect(key="evaluations").value == [done.name]
    assert any("chance" in frame.value.columns for frame in page.dataframe) or any(
        "Nothing could be measured" in caption.value for caption in page.caption
    )
    assert any("not measured" in expander.label for expander in page.expander)


def test_what_was_checked_by_content_stands_in_the_overview_and_viewers_see_no_names(home: Path) -> None:
    found = {
        "area": "database", "severity": "error", "what": "rows of series are not what was written",
        "remedy": "put a copy back", "count": 2, "examples": ["series 1 (study 1.2.3)"],
        "fixable": False, "fixed": False,
    }  # fmt: skip
    last = Round("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00", of=9, findings=[found])
    write_state(home, State(Round("2026-02-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00", of=9, done=["a"]), last))
    page = calm(page_of("archive").run())
    said = texts(page)
    assert any(text.startswith("Checked by content: ended 2026-01-02T00:00:00+00:00") for text in said)
    assert any("1 of 9 steps" in text and "goes on" in text for text in said)
    assert any("2 rows of series are not what was written" in text for text in said)
    assert any("put a copy back" in text and "study 1.2.3" in text for text in said)
    said = texts(calm(page_of("archive", role="viewer").run()))
    assert any("put a copy back" in text for text in said)
    assert not any("1.2.3" in text for text in said)
