"""What a page shows is on record first, at every drawing and at the door; where nothing is recorded, nothing shows."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pages import acts, ask, calm, component, opened, page_of, rows, texts
from streamlit.testing.v1 import AppTest

from spinecho.db.people.record import Record, RecordUnwritable
from spinecho.ui.views.session import signed

DOOR = """
import streamlit as st
from spinecho.ui.views.session.opened import record_of
from spinecho.ui.views.session.signed import sign_out_button, who
from spinecho.setup.settings import read_settings
from spinecho.ui.views.session.opened import record_of
from spinecho.ui.views.session.signed import sign_out_button, who
from spinecho.setup.settings import read_settings
record = record_of(read_settings())
person = who(read_settings(), record)
st.text(f"here: {person}")
if person:
    sign_out_button(read_settings(), person, record)
"""


@pytest.mark.parametrize("name", ["search", "archive", "cohorts", "concepts", "evaluate"])
def test_a_page_that_is_drawn_is_on_record_each_time(home: Path, name: str) -> None:
    page = calm(page_of(name, role="viewer").run())
    first = acts(home)
    assert first
    assert {(act.user, act.role) for act in first} == {("ada", "viewer")}
    calm(page.run())
    second = acts(home)
    assert len(second) > len(first)
    kinds = {act.action for act in second[: len(second) - len(first)]}
    assert kinds >= {act.action for act in first} - {"compare-cohort"}, "what is kept in memory is shown by a row too"


def test_studies_beside_one_another_are_each_on_record_each_time(home: Path) -> None:
    page = page_of("compare")
    page.query_params["studies"] = "1,2"
    calm(page.run())
    calm(page.run())
    assert len(acts(home, "view")) == 4
    assert len({act.subject for act in acts(home, "view")}) == 2
    assert len(acts(home, "view-series")) == 4


def test_nothing_is_shown_once_the_record_takes_no_more_rows(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ask(opened(home, monkeypatch), "lesion")
    assert component(page, "spinecho_results")

    def full(*_: Any, **__: Any) -> int:
        raise RecordUnwritable("nothing can be recorded (database or disk is full)")

    monkeypatch.setattr(Record, "append_all", full)
    page = calm(page.run())
    assert any("nothing can be recorded" in text for text in texts(page))
    assert component(page, "spinecho_results") is None, "an answer that is remembered is not shown again"
    for name in ("study", "compare", "archive", "cohorts", "concepts", "evaluate"):
        other = page_of(name)
        other.query_params.update({"study": "1", "studies": "1,2"})
        other.run()
        assert [error.message for error in other.exception] == ["nothing can be recorded (database or disk is full)"]
        assert not [*other.text, *other.metric, *other.dataframe, *other.get("bidi_component")]


def test_a_place_that_cannot_be_written_is_told_at_the_door(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_bytes(b"")
    monkeypatch.setenv("SPINECHO_RECORD", str(home / "file" / "record.sqlite"))
    page = opened(home, monkeypatch)
    assert any("SPINECHO_RECORD" in text for text in texts(page))
    assert not page.text_input


def test_going_without_is_said_on_every_page(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_NO_RECORD", "1")
    page = ask(opened(home, monkeypatch), "lesion")
    assert component(page, "spinecho_results")
    assert any("No record is kept" in one.value for one in page.markdown)
    assert not (home / "record.sqlite").exists()


@pytest.fixture
def door(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The claims of who is signed in; {} for nobody."""
    claims: dict[str, Any] = {}

    class User:
        is_logged_in = property(lambda _: bool(claims))

        def to_dict(self) -> dict[str, Any]:
            return claims

    monkeypatch.setattr(signed, "asks_for_sign_in", lambda _: True)
    monkeypatch.setattr(signed.st, "user", User())
    monkeypatch.setattr(signed.st, "logout", claims.clear)
    (home / "roles.toml").write_text('default = "none"\nviewer = ["ada@h.example"]\n')
    return claims


def at_the_door() -> AppTest:
    return AppTest.from_string(DOOR, default_timeout=60)


def claims_of(name: str, at: float) -> dict[str, Any]:
    return {"email": f"{name}@h.example", "email_verified": True, "iat": at}


def test_coming_in_and_leaving_are_on_record(home: Path, door: dict[str, Any]) -> None:
    page = calm(at_the_door().run())
    assert acts(home) == ()
    door.update(claims_of("ada", time.time()))
    calm(page.run())
    calm(page.run())
    assert [(act.action, act.user, act.role) for act in acts(home)] == [("sign-in", "ada@h.example", "viewer")]
    (home / "roles.toml").write_text('manager = ["ada@h.example"]\n')
    calm(page.run())
    assert [act.role for act in acts(home, "sign-in")] == ["manager", "viewer"], "another role is told"
    calm(at_the_door().run())
    assert len(acts(home, "sign-in")) == 3, "so is another window"
    calm(page.button(key="sign-out").click().run())
    assert (acts(home)[0].action, acts(home)[0].user) == ("sign-out", "ada@h.example")
    assert any("None" in text for text in texts(page))


def test_who_is_kept_out_is_on_record_once_for_each_sign_in(home: Path, door: dict[str, Any]) -> None:
    door.update(claims_of("eve", time.time()))
    page = at_the_door()
    for _ in range(3):
        calm(page.run())
    assert [(act.action, act.user, act.role) for act in acts(home)] == [("sign-in-refused", "eve@h.example", "none")]
    door["iat"] = time.time() + 1
    calm(page.run())
    assert len(acts(home)) == 2


def test_the_end_of_an_idle_session_is_on_record(home: Path, door: dict[str, Any]) -> None:
    door.update(claims_of("ada", time.time() - 7200))
    signed._seen().at.pop("ada@h.example", None)
    for _ in range(2):
        page = calm(at_the_door().run())
        assert any("session has ended" in text for text in texts(page))
    assert [(act.action, act.user) for act in acts(home)] == [("sign-in-ended", "ada@h.example")]


def test_nobody_who_signs_in_goes_without_a_record(
    home: Path, door: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINECHO_NO_RECORD", "1")
    monkeypatch.setattr("spinecho.ui.views.session.opened.asks_for_sign_in", lambda _: True)
    page = opened(home, monkeypatch)
    assert any("for a machine used alone" in text for text in texts(page))
    assert not page.text_input


def test_nobody_comes_in_whom_the_record_does_not_take(
    home: Path, door: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    door.update(claims_of("ada", time.time()))

    def full(*_: Any, **__: Any) -> int:
        raise RecordUnwritable("full")

    monkeypatch.setattr(Record, "append_all", full)
    page = at_the_door().run()
    assert page.exception
    assert not texts(page)


def test_a_thumb_that_cannot_be_recorded_is_not_kept_and_the_page_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spinecho.ui.views.search import page as search_page  # noqa: PLC0415

    page = ask(opened(home, monkeypatch), "lesion")
    uid = rows(page)[0]
    before = Record.append_all

    def full_for_thumbs(self: Record, rows: Any) -> Any:
        if any(one.action == "thumb" for one in rows):
            raise RecordUnwritable("nothing can be recorded (database or disk is full)")
        return before(self, rows)

    monkeypatch.setattr(Record, "append_all", full_for_thumbs)
    thumb = {"do": "thumb", "uid": uid, "verdict": 1, "words": "lesion", "n": 1}
    monkeypatch.setattr(search_page, "done", lambda _: {"acts": [thumb]})
    monkeypatch.setattr(search_page, "result_list", lambda _, act: act())
    calm(calm(page.run()).run())
    assert any("This was not kept" in one.value for one in page.markdown)
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM feedback").fetchone() == (0,)
