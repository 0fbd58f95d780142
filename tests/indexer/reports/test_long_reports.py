"""Reports and report files of any length: a limit that is stated, and memory that stays flat."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from archives import Home
from parts_encoder import parts_dual

from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.indexer.reports import store
from spinecho.indexer.reports.parsing import reading_task


@pytest.fixture(autouse=True)
def _calls_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2] / "encoders"), *sys.path])


def table(path: Path, n: int) -> None:
    """Every fifth row has no key, every seventh no text."""
    rows = [
        f"{'' if i % 5 == 0 else f'A{i}'},{'' if i % 7 == 0 else f'FINDINGS: finding {i}. Another one.'}"
        for i in range(n)
    ]
    path.write_text("\n".join(["accession,report", *rows, ""]), encoding="utf-8")


def test_a_report_of_thirty_thousand_sentences_is_refused_by_a_limit_that_is_named(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    few = "FINDINGS: " + " ".join(f"S{n}." for n in range(reading_task.MOST_SENTENCES + 50))
    (root / "A11111.txt").write_text(few, encoding="utf-8")
    long = "FINDINGS: " + " ".join(f"There is lesion number {n} in the brain." for n in range(30_000))
    (root / "A22222.txt").write_text(long, encoding="utf-8")
    (root / "A33333.txt").write_text("FINDINGS: " + "A lesion. " * 500, encoding="utf-8")
    (root / "r.csv").write_text(f'accession,report\nA1,"{long}"\nA2,FINDINGS: normal.\n', encoding="utf-8")
    home = Home(tmp_path / "home", parts_dual)
    assert home.index(root).reasons == {"BAD_REPORT": 3}
    said = [row[0] for row in home.query("SELECT message FROM failures")]
    assert sum(str(reading_task.MOST_CHARACTERS) in one for one in said) == 2
    assert sum(str(reading_task.MOST_SENTENCES) in one for one in said) == 1
    assert home.query("SELECT count(*) FROM reports") == [(2,)]


def test_a_long_table_is_stored_in_pages_as_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    table(root / "r.csv", 100)
    whole = Home(tmp_path / "whole", parts_dual)
    whole.index(root)
    sizes: list[int] = []
    original = store.storing.store_reports

    def watched(*arguments: object, **options: object) -> None:
        sizes.append(len(arguments[3]) + len(arguments[4]))  # type: ignore[arg-type]
        original(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "_LONG_BYTES", 10)
    monkeypatch.setattr(store, "_PAGE_REPORTS", 7)
    monkeypatch.setattr(store.storing, "store_reports", watched)
    paged = Home(tmp_path / "paged", parts_dual)
    paged.index(root)
    assert max(sizes) == 7
    assert paged.rows() == whole.rows()
    assert paged.query("SELECT count(*) FROM reports") == [(68,)]
    assert paged.query("SELECT count(*) FROM failures") == [(29,)]  # three rows are blank
    assert paged.index(root).counts["unchanged"] == 1


def stream(n: int, **options: float) -> Task:
    return Task("sandbox_calls:count", {"n": n, **options}, 5.0)


def test_a_stream_waits_for_its_taker_and_its_seconds_with_it() -> None:
    with Sandbox() as sandbox:
        taken = []
        for item in sandbox.stream(Task("sandbox_calls:count", {"n": 300}, 1.0), ahead=4):
            if isinstance(item, Outcome):
                outcome = item
            else:
                taken.append(item[0]["n"])
                if len(taken) in (10, 20):
                    time.sleep(0.8)  # 1.6 s of a task of one second
        assert taken == list(range(300))
        assert outcome.failure is None
        assert outcome.messages == []


def test_a_stream_that_is_dropped_holds_nobody() -> None:
    with Sandbox() as sandbox:
        for item in sandbox.stream(stream(10_000), ahead=2):
            assert not isinstance(item, Outcome)
            break
        assert sandbox.run(stream(3)).failure is None


def test_a_stream_that_fails_ends_with_its_outcome() -> None:
    with Sandbox() as sandbox:
        *_, outcome = sandbox.stream(Task("sandbox_calls:fail", {}, 5.0))
        assert isinstance(outcome, Outcome)
        assert outcome.detail == "ValueError"
