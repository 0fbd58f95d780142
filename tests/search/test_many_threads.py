"""Many threads ask one engine while the archive grows: each answer is the one of the moment that it names."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from archives import Home

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.db.errors import StoreError
from spinecho.db.filters.algebra import ALL, Filter, Is
from spinecho.db.schema.database import Database
from spinecho.search.engine import Engine
from spinecho.search.query import Kind, Query, StudyQuery, TextQuery

THREADS, EACH = 32, 2
SITES = ("frontal", "temporal", "parietal", "occipital")
FINDINGS = ("Acute infarct", "No infarct. Meningioma", "Glioblastoma", "Haemorrhage", "Normal scan, no haemorrhage")
QUESTIONS: tuple[tuple[Query, Filter, Kind], ...] = (
    (TextQuery("infarct in the left frontal lobe"), ALL, Kind.STUDY),
    (TextQuery("glioblastoma, no infarct"), ALL, Kind.STUDY),
    (TextQuery("no haemorrhage"), ALL, Kind.STUDY),
    (TextQuery("meningeoma"), Is("sex", ("F",)), Kind.STUDY),
    (TextQuery("haemorrhage"), ALL, Kind.REPORT),
    (StudyQuery("1.2.826.0.1.1"), ALL, Kind.STUDY),
    (TextQuery("", ), Is("sex", ("M",)), Kind.STUDY),
)  # fmt: skip


def scans(first: int, last: int) -> list[Scan]:
    return [
        Scan(
            number,
            f"FINDINGS: {FINDINGS[number % 5]} of the {('left', 'right')[number % 2]} {SITES[number % 4]} lobe.",
            sex="MF"[number % 3 == 0], date=f"2024{1 + number % 12:02d}01",
        )
        for number in range(first, last)
    ]  # fmt: skip


def answer(engine: Engine, number: int) -> tuple[str, object]:
    """(the moment, what was found in which order with which score)."""
    query, where, want = QUESTIONS[number]
    if isinstance(query, StudyQuery):
        query = StudyQuery(scans(1, 2)[0].uid)
    found = engine.search(query, where=where, want=want, k=8)
    hits = [
        (hit.study and hit.study.uid, round(hit.score, 3), [one.passage.text for one in hit.passages], hit.fits)
        for hit in found.hits
    ]
    return found.snapshot.partition("@")[0], hits


@pytest.mark.slow
def test_every_answer_is_that_of_the_moment_it_names(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.index(write_scans(tmp_path / "scans", scans(1, 7)))
    engine = home.engine()
    found: dict[tuple[str, int], list[object]] = defaultdict(list)
    serial: dict[tuple[str, int], object] = {}
    errors: list[BaseException] = []
    ended, lock = threading.Event(), threading.Lock()
    rounds = threading.Semaphore(0)

    def ask(start: int) -> None:
        at = start
        try:
            while not ended.is_set():
                number = at % len(QUESTIONS)
                moment, hits = answer(engine, number)
                with lock:
                    found[moment, number].append(hits)
                rounds.release()
                at += 1
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        for step in range(3):
            if step:
                write_scans(tmp_path / "scans", scans(7 * step, 7 * step + 7))
                home.index(tmp_path / "scans")
            alone = home.engine()
            for number in range(len(QUESTIONS)):
                moment, hits = answer(alone, number)
                serial[moment, number] = hits
            while answer(engine, 0)[0] not in {moment for moment, _ in serial}:  # until its background is of now, too
                engine.settle()
            for _ in range(THREADS * EACH):  # so many answers while nothing is stored
                assert rounds.acquire(timeout=120), errors
    finally:
        ended.set()
        for thread in threads:
            thread.join(120)
    assert not errors
    for (moment, number), answers in found.items():
        assert all(one == answers[0] for one in answers), (moment, QUESTIONS[number])
    compared = [key for key in serial if key in found]
    assert len({moment for moment, _ in compared}) >= 3, "answers at several moments"
    for key in compared:
        assert found[key][0] == serial[key], QUESTIONS[key[1]]


def test_within_a_block_nothing_that_is_stored_meanwhile_is_seen(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.index(write_scans(tmp_path / "scans", scans(1, 4)))
    engine = home.engine()
    with engine.reading() as before:
        first = before.search(TextQuery("", ), where=Is("sex", ("M",)))  # fmt: skip
        write_scans(tmp_path / "scans", scans(4, 9))
        writer = threading.Thread(target=home.index, args=(tmp_path / "scans",))
        writer.start()
        writer.join()
        again = engine.search(TextQuery("", ), where=Is("sex", ("M",)))  # fmt: skip
        assert [hit.study for hit in again.hits] == [hit.study for hit in first.hits]
        assert again.snapshot == first.snapshot
    after = engine.search(TextQuery("", ), where=Is("sex", ("M",)))  # fmt: skip
    assert len(after.hits) > len(first.hits)
    assert after.snapshot != first.snapshot


def test_nothing_is_written_while_one_moment_is_read(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "spinecho.sqlite")
    with database.reading(), pytest.raises(StoreError, match="one moment"), database.begin(durable=True):
        pass
    with pytest.raises(StoreError, match="nothing was kept"), database.reading() as session:
        session.connection().exec_driver_sql("INSERT INTO upkeep (name, number) VALUES ('x', 1)")
    with database.begin() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM upkeep WHERE name = 'x'").scalar() == 0
    database.close()
