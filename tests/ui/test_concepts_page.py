"""The concepts page: judged, taught, seen, taught again and undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import copy_of_home
from jobs_done import Works, meanwhile
from pages import page_of
from streamlit.testing.v1 import AppTest
from taught_home import ENCODER, STUDIES, make_home, parts

import spinecho
from spinecho.db.people.feedback import thumbs
from spinecho.encoders.registry import ENCODERS
from spinecho.setup.settings import read_settings
from spinecho.ui.server.jobs.pool import Pool, set_pool

NAME = "pituitary tumour"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("concepts") / "home")


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(ENCODERS, ENCODER, parts)
    copy_of_home(made, tmp_path / "home")
    for name, value in {"HOME": str(tmp_path / "home"), "ENCODER": ENCODER, "DEVICE": "cpu"}.items():
        monkeypatch.setenv(f"SPINECHO_{name}", value)
    return tmp_path / "home"


def drawn(role: str = "manager") -> AppTest:
    page = page_of("concepts", role=role).run()
    page.text_input(key="concept").input(NAME).run()
    assert not page.exception, page.exception
    return page


def said(page: AppTest) -> str:
    return "\n".join(one.value for one in [*page.text, *page.caption, *page.info])


def test_a_concept_is_judged_taught_taught_again_and_undone(home: Path) -> None:
    page = drawn()
    assert "found by these words" in said(page)
    page.button(key="concept-u").click().run()
    page.button(key="concept-d").click().run()
    page.button(key="concept-s").click().run()
    assert "Judged by you: 1 with it, 1 without" in said(page)
    page.text_input(key="concept-from").input(f"says:present({NAME})").run()
    page.button(key="concept-go").click().run()
    assert not page.exception, page.exception
    assert "Version 1 serves now" in said(page)
    assert f"predicted.{NAME}=yes" in said(page)
    assert "this would teach most" in said(page)
    page.button(key="concept-go").click().run()
    assert "version 2 serves" in said(page)
    page.button(key="concept-undo").click().run()
    assert "Version 2 is undone; version 1 predicts again." in said(page)
    with spinecho.open(home, encoder=ENCODER, device="cpu") as archive:
        assert [one.state for one in archive.concepts.list()] == ["serves", "undone"]
        assert f"thumbs:{NAME}" in archive.concepts.show(NAME).card["sources"]
        assert 0 < len(archive.search(where=f"predicted.{NAME}=yes", k=500)) < STUDIES


def test_a_click_is_about_what_stood_on_the_page_whatever_others_did_meanwhile(home: Path) -> None:
    page = drawn()
    with spinecho.open(home, encoder=ENCODER, device="cpu") as archive:
        for version in (1, 2):
            shown = page.session_state["concept-next"][2][0][0]
            made = archive.teach(NAME, sources=[f"says:present({NAME})"], against="rest")
            assert made.concept is not None
            assert made.concept.version == version
            page.button(key="concept-u").click().run()  # on the study of the version before
            assert page.session_state["concept-next"][2][0][0] != shown
            judged = {one.study_uid for one in thumbs(archive._database(), user="ada")}
            assert shown in judged
            assert len(judged) == version
        archive.concepts.undo(NAME)
        page.button(key="concept-undo").click().run()  # of version 2, which somebody undid
        assert not page.exception, page.exception
        assert [one.state for one in archive.concepts.list()] == ["serves", "undone"]
        heard = "\n".join(one.value for one in [*page.error, *page.markdown, *page.text, *page.caption])
        assert "version 2 of" in heard
        assert "version 1 serves" in heard
        page.button(key="concept-undo").click().run()  # which stands there now
        assert [one.state for one in archive.concepts.list()] == ["undone", "undone"]


def test_places_of_examples_are_of_the_concept_that_they_were_typed_for(home: Path) -> None:
    page = drawn()
    page.text_input(key="concept-from").input(f"says:present({NAME})").run()
    page.text_input(key="concept-against").input("rest").run()
    assert page.text_input(key="concept-from").value == f"says:present({NAME})"
    page.text_input(key="concept").input("another one").run()
    assert (page.text_input(key="concept-from").value, page.text_input(key="concept-against").value) == ("", "")


@pytest.fixture
def works(home: Path) -> Iterator[Works]:
    settings = read_settings()
    made = Works(settings)
    set_pool(settings, Pool(made.queue))
    yield made
    set_pool(settings, None)
    made.close()


def test_it_is_taught_by_another_process_where_there_is_one(works: Works, tmp_path: Path) -> None:
    page = drawn()
    page.text_input(key="concept-from").input(f"says:present({NAME})").run()
    with meanwhile(works):
        page.button(key="concept-go").click().run()
    assert not page.exception, page.exception
    assert "Version 1 serves now" in said(page)
    assert [job.kind for job in works.queue.of("ada")] == ["teach"]
    (tmp_path / "labels.csv").write_text("secret\n")
    page.text_input(key="concept-from").input(f"table:{tmp_path}/labels.csv").run()
    with meanwhile(works):
        page.button(key="concept-go").click().run()
    heard = "\n".join(one.value for one in [*page.error, *page.markdown, *page.text, *page.caption])
    assert "files are for the command line" in heard
    assert "secret" not in heard


def test_who_may_not_teach_may_judge_and_nothing_happens_without_examples(home: Path) -> None:
    page = drawn("viewer")
    assert page.button(key="concept-go").disabled
    page.button(key="concept-u").click().run()
    assert "Judged by you: 1 with it, 0 without" in said(page)
    page = drawn()
    page.button(key="concept-go").click().run()
    assert not page.exception, page.exception
    assert "without" in said(page)
    with spinecho.open(home, encoder=ENCODER, device="cpu") as archive:
        assert archive.concepts.list() == ()


@pytest.mark.parametrize("field", ["concept-from", "concept-against"])
@pytest.mark.parametrize("source", ["table:{}/labels.csv", "Table : {}/labels.csv", "cohort:{}/cohort.toml"])
def test_no_file_of_the_server_is_read_for_who_names_it_in_a_page(
    home: Path, tmp_path: Path, field: str, source: str
) -> None:
    (tmp_path / "labels.csv").write_text("secret\n")
    (tmp_path / "cohort.toml").write_text("secret")
    page = drawn()
    page.text_input(key="concept-from").input(f"says:present({NAME})")
    page.text_input(key=field).input(source.format(tmp_path)).run()
    page.button(key="concept-go").click().run()
    assert not page.exception, page.exception
    heard = "\n".join(one.value for one in [*page.error, *page.markdown, *page.text, *page.caption])
    assert "files are for the command line" in heard
    assert "secret" not in heard
    assert "cohort.toml" not in heard
