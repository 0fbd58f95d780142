"""What is read for one drawing of a page is on record by one write, before any of it is given to a person."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from spinecho.db.people.record import Entry, RecordUnwritable
from spinecho.db.values import Carried, Fact
from spinecho.errors import SpinechoError
from spinecho.search.access.persons import Access, Person, Refused, Role


class Writes:
    """A record: what each of its writes held."""

    def __init__(self) -> None:
        self.writes: list[list[str]] = []
        self.full = False

    def append(self, *, user: str, role: str, action: str, subject: str = "", facts: Mapping[str, Fact]) -> str:
        raise AssertionError("one way leads to the record")

    def append_all(self, acts: Sequence[Carried]) -> list[str]:
        if self.full:
            raise RecordUnwritable("no room")
        self.writes.append([one.action for one in acts])
        return [f"{len(self.writes)}:{one.action}" for one in acts]

    def entries(self, **_: Any) -> tuple[Entry, ...]:
        return ()


@pytest.fixture
def record() -> Writes:
    return Writes()


@pytest.fixture
def ada(record: Writes) -> Access:
    return Access(Person("ada", Role.VIEWER), record)


def test_what_is_read_is_written_once_and_in_its_order(record: Writes, ada: Access) -> None:
    with ada.together():
        ada.note_read("count")
        with ada.together():
            ada.note_read("search")
        ada.note_once("list")
        ada.note_once("list")
        assert not record.writes, "nothing of it has been given back"
    assert record.writes == [["count", "search", "list"]]
    ada.note_read("count")
    assert record.writes[1:] == [["count"]], "outside each is written at once"
    with ada.together():
        pass
    assert len(record.writes) == 2


def test_what_is_done_is_on_record_before_with_all_that_was_read(record: Writes, ada: Access) -> None:
    with ada.together():
        ada.note_read("search")
        assert ada.note("keep-search") == "1:keep-search"
        assert record.writes == [["search", "keep-search"]]
        ada.note_read("list")
    assert record.writes[1:] == [["list"]]


def reads_and_fails(ada: Access, error: BaseException) -> None:
    with ada.together():
        ada.note_read("count")
        with ada._acting("search"):
            raise error


def reads_and_is_refused(ada: Access) -> None:
    with ada.together():
        ada.note_read("count")
        ada.require(Role.MANAGER, "index")


def test_what_fails_and_what_is_refused_is_on_record_too(record: Writes, ada: Access) -> None:
    with pytest.raises(SpinechoError, match="wrong"):
        reads_and_fails(ada, SpinechoError("wrong"))
    assert record.writes == [["count", "search"]]
    with pytest.raises(Refused):
        reads_and_is_refused(ada)
    assert record.writes[1:] == [["count", "refused"]]
    with pytest.raises(KeyboardInterrupt):  # as a drawing is ended that nobody looks at
        reads_and_fails(ada, KeyboardInterrupt())
    assert record.writes[2:] == [["count"]], "what it was at was never given"


def shown(ada: Access) -> str:
    with ada.together():
        ada.note_once("count")
    return "counts"


def test_where_nothing_can_be_written_nothing_is_given_and_the_next_drawing_notes_all_of_it(
    record: Writes, ada: Access
) -> None:
    record.full = True
    for _ in range(2):
        with pytest.raises(RecordUnwritable):
            shown(ada)
    record.full = False
    ada.note_once("count")
    assert record.writes == [["count"]], "what was never written is not taken for noted"


def test_another_person_and_another_thread_wait_for_nobody(record: Writes, ada: Access) -> None:
    with ada.together():
        ada.note_read("count")
        Access(Person("grace", Role.VIEWER), record).note_read("view")
        thread = threading.Thread(target=ada.note_read, args=("search",))
        thread.start()
        thread.join()
        assert record.writes == [["view"], ["search"]]
    assert record.writes[2:] == [["count"]]
