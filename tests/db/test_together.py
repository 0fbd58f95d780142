"""What many threads write at once becomes one transaction, and none is refused for what is wrong with another."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from waiting import comes

from spinecho.db.people.record import Record
from spinecho.db.people.together import Together


class Store:
    """Stores numbers; a negative one is refused with all that is beside it. It may be made to wait."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self.transactions: list[list[int]] = []
        self.go_on = threading.Event()

    def write(self, rows: Sequence[int]) -> list[str]:
        assert self.go_on.wait(60)
        self.transactions.append(list(rows))
        if any(row < 0 for row in rows):
            raise ValueError(f"{min(rows)} is refused")
        self.stored += rows
        return [f"stored {row}" for row in rows]


def added(rows: Sequence[int]) -> tuple[Store, list[Future[str]]]:
    """All at once, while the first is being written."""
    store = Store()
    together = Together(store.write)
    with ThreadPoolExecutor(len(rows)) as threads:
        futures = [threads.submit(together.add, row) for row in rows]
        comes(lambda: len(together._waiting) == len(rows) - 1)
        store.go_on.set()
    return store, futures


def test_those_that_wait_are_written_in_one_transaction_and_each_hears_of_its_own() -> None:
    store, futures = added(range(12))
    assert [future.result() for future in futures] == [f"stored {row}" for row in range(12)]
    assert sorted(store.stored) == list(range(12))
    assert sorted(len(rows) for rows in store.transactions) == [1, 11]


def test_one_that_is_refused_is_refused_alone() -> None:
    store, futures = added([1, 2, -3, 4, -5, 6])
    for row, future in zip([1, 2, -3, 4, -5, 6], futures, strict=True):
        if row < 0:
            with pytest.raises(ValueError, match=f"^{row} is refused$"):
                future.result()
        else:
            assert future.result() == f"stored {row}"
    assert sorted(store.stored) == [1, 2, 4, 6]


def test_a_thread_that_is_ended_gives_its_turn_back() -> None:
    def ended(_: Sequence[int]) -> list[str]:
        raise SystemExit

    together = Together(ended)
    with pytest.raises(SystemExit):
        together.add(1)
    with pytest.raises(SystemExit):
        together.add(2)


def test_rows_of_many_threads_are_a_sound_chain_in_which_each_finds_its_own(tmp_path: Path) -> None:
    record = Record.open(tmp_path / "record.sqlite")
    with ThreadPoolExecutor(16) as threads:
        digests = list(
            threads.map(
                lambda number: record.append(user="ada", role="viewer", action="look", facts={"number": number}),
                range(200),
            )
        )
    assert record.check().broken == ()
    assert record.check().rows == 200
    found = [record.find(digest) for digest in digests]
    assert [one and one.facts["number"] for one in found] == list(range(200))
    record.close()
