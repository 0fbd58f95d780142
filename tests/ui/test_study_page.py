"""The study page, and how a volume is packed for the browser."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pages import DemoHome, acts, calm, component, texts
from streamlit.testing.v1 import AppTest

from spinecho.db.people.saved import remember
from spinecho.db.schema.database import Database
from spinecho.encoders.preparing.grey_levels import TOP, levels_of
from spinecho.encoders.reading.volume import Volume
from spinecho.search.evidence.heat import Heat
from spinecho.ui.views.session import page_links
from spinecho.ui.views.study.engine3d import engine_address
from spinecho.ui.views.study.page import packed
from spinecho.ui.views.study.viewer import pack

STUDY = """
import streamlit as st
from spinecho.search.access.personal_archive import Person, Role
from spinecho.ui.views.session.opened import enter
from spinecho.ui.views.study.page import study_page
from spinecho.setup.settings import read_settings
from spinecho.search.access.personal_archive import Person, Role
from spinecho.ui.views.session.opened import enter
from spinecho.ui.views.study.page import study_page
from spinecho.setup.settings import read_settings
study_page(enter(read_settings(), Person("ada", Role.VIEWER)))
"""


def opened(study: str) -> AppTest:
    page = AppTest.from_string(STUDY, default_timeout=120)
    page.query_params["study"] = study
    return calm(page.run())


@pytest.mark.parametrize(
    ("words", "owner", "asks"),
    [
        ("lesion, no haemorrhage", "ada", "lesion"),
        ("sex:F", "ada", ""),
        ("no haemorrhage", "ada", ""),
        ("lesion", "eve", ""),
    ],
)
def test_a_page_that_is_reloaded_knows_what_was_searched_for(home: Path, words: str, owner: str, asks: str) -> None:
    """A session begins with a reload: the words are those of the list that the address names, not of the last one."""
    database = Database.open(home / "spinecho.sqlite")
    token = remember(database, owner, {"words": words, "want": "study", "k": 10, "filters": {}})
    page = AppTest.from_string(STUDY, default_timeout=120)
    page.query_params.update({"study": "1", "search": token})
    page.session_state["asked"], page.session_state["asked-by"] = "of another list", "another"
    calm(page.run())
    assert page.session_state["asked"] == asks
    assert bool([one for one in page.toggle if one.key == "evidence"]) is bool(asks)
    before = len(acts(home, "open-search"))
    calm(page.run())
    assert len(acts(home, "open-search")) == before, "asked once a session"


def hostile(home: Path) -> str:
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        return str(connection.execute("SELECT id FROM studies WHERE description LIKE '%script%'").fetchone()[0])


def test_a_study_shows_series_report_and_acquisition_as_plain_text(home: Path, demo_home: DemoHome) -> None:
    page = opened(hostile(home))
    assert any(demo_home.hostile_study in text for text in texts(page))
    sides = {
        held["kind"]: held
        for element in page.get("bidi_component")
        if element.proto.component_name == "spinecho_side"
        for held in [json.loads(element.proto.json or element.proto.mixed.json)]
    }
    assert {row["name"] for row in sides["rail"]["rows"]} == {demo_home.hostile_series}
    assert sum(row["chosen"] for row in sides["rail"]["rows"]) == 1
    told = {row["text"]: row["assertion"] for row in sides["report"]["rows"] if "text" in row}
    assert told[demo_home.hostile_sentence] == "present"
    interpreted = [element.value for kind in (page.markdown, page.caption) for element in kind]
    interpreted += [button.label for button in page.button]
    assert not [text for text in interpreted if "script>" in text or "spleen" in text]
    assert component(page, "spinecho_results") is None


def test_other_studies_of_one_day_are_told_apart(home: Path) -> None:
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        (patient,) = connection.execute("INSERT INTO patients (key) VALUES ('P1') RETURNING id").fetchone()
        connection.execute(
            "UPDATE studies SET patient_id = 'P1', patient = ?, date = '2020-02-02', description = 'MR <b>*knee*</b>'",
            (patient,),
        )
        connection.execute("UPDATE series SET description = 'same'")
        (count,) = connection.execute("SELECT count(*) FROM studies").fetchone()
    page = opened("1")
    held = [
        json.loads(element.proto.json or element.proto.mixed.json)
        for element in page.get("bidi_component")
        if element.proto.component_name == "spinecho_side"
    ]
    (rows,) = (one["rows"] for one in held if one["label"].startswith("Other studies"))
    assert len(rows) == count - 1 >= 2
    assert {row["name"] for row in rows} == {"2020-02-02"}
    assert len({row["facts"] for row in rows}) == len(rows)
    assert all(row["facts"].startswith("the same day · ") for row in rows)
    assert all("MR <b>*knee*</b>" in row["facts"] for row in rows), "a component's text, never Markdown"
    assert not [button.label for button in page.button if "knee" in button.label]


def test_a_study_that_is_drawn_again_is_on_record_again(home: Path) -> None:
    page = opened("1")
    calm(page.run())
    rows = acts(home, "view")
    assert [act.user for act in rows] == ["ada", "ada"]
    assert len({act.subject for act in rows}) == 1
    assert len(acts(home, "view-series")) == 2


@pytest.mark.parametrize("study", ["", "999", "1 or 1=1", "<b>"])
def test_an_address_that_names_no_study_says_so(home: Path, study: str) -> None:
    assert any("names no study" in text for text in texts(opened(study)))


def test_a_series_whose_files_are_gone_says_so_and_the_report_stays(home: Path) -> None:
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute("UPDATE folders SET path = path || '-gone'")
    page = opened(hostile(home))
    assert any("changed or gone" in text for text in texts(page))
    assert any(element.proto.component_name == "spinecho_side" for element in page.get("bidi_component"))


def test_a_study_that_its_files_say_nothing_about_is_called_by_its_first_series(home: Path) -> None:
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute(
            "UPDATE studies SET date = NULL, description = '', accession_number = '', sex = '', age_years = NULL"
        )
        name, uid = connection.execute(
            "SELECT series.description, studies.uid FROM series JOIN studies ON studies.id = study_id "
            "WHERE study_id = 1 ORDER BY series.number"
        ).fetchone()
    shown = texts(opened("1"))
    assert name in shown
    assert uid not in shown


def test_the_viewer_is_told_where_the_engine_for_three_dimensions_lies(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def told() -> str:
        for remembered in (engine_address, packed):
            remembered.clear()
        page = opened("1")
        (held,) = (one for one in page.get("bidi_component") if one.proto.component_name == "spinecho_viewer")
        sent = held.proto.bytes
        return str(json.loads(sent[4 : 4 + struct.unpack("<I", sent[:4])[0]])["engine"])

    wheel = tmp_path / "with" / "ipyniivue" / "static"
    wheel.mkdir(parents=True)
    (wheel.parent / "__init__.py").write_text("raise ImportError('found, never imported')")
    (wheel / "widget.js").touch()
    monkeypatch.syspath_prepend(wheel.parents[1])
    assert told() == "/component/spinecho.ui.views.study.engine3d.niivue/widget.js"
    (wheel / "widget.js").unlink()
    assert told() == "", "without the wheel the page is as it was"


def test_a_link_elsewhere_is_built_from_the_template(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_VIEWER_URL", "https://ohif.example/viewer?StudyInstanceUIDs={study_uid}")
    page = opened("1")
    links = [element.proto.url for element in page.get("link_button")]
    assert len(links) == 1
    assert links[0].startswith("https://ohif.example/viewer?StudyInstanceUIDs=2.25.")
    monkeypatch.setenv("SPINECHO_VIEWER_URL", "javascript:alert({study_uid})")
    with pytest.raises(AssertionError, match="give an address such as"):
        opened("1")


@given(
    arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 9)] * 3), elements=st.sampled_from([0, 3, 40, 255])),
    st.booleans(),
    st.permutations(range(3)),
)
def test_a_packed_volume_holds_every_bright_voxel_where_it_was(grey: np.ndarray, warm: bool, order: list[int]) -> None:
    grey = np.ascontiguousarray(grey.transpose(order)).transpose(np.argsort(order))  # as files have their axes
    heat = Heat(np.arange(8, dtype=np.float32).reshape(2, 2, 2), 0.5, 7.0, 2.0) if warm else None
    volume = Volume(grey.astype(np.float32), np.diag([1.0, 2.0, 3.0, 1.0]))
    packed = pack(levels_of(volume, key="k"), name="x", height=300, heat=heat)
    length = struct.unpack("<I", packed[:4])[0]
    head = json.loads(packed[4 : 4 + length])
    rest = packed[4 + length :]
    upper, lower, cells = np.split(np.frombuffer(rest, np.uint8), np.cumsum([head["upper"], head["lower"]]))
    low = zlib.decompress(lower) if head["deflated"] else lower.tobytes()
    shape, order = head["shape"], head["order"]
    place = tuple(slice(a, a + n) for a, n in zip(head["first"], head["shape"], strict=True))
    greys = np.frombuffer(low, np.uint8) + 256 * np.frombuffer(zlib.decompress(upper), np.uint8).astype(int)
    levels = greys.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))
    assert np.allclose(head["bottom"] + head["step"] * levels, grey[place], atol=head["step"] + 1e-6)
    outside = np.ones(grey.shape, bool)
    outside[place] = False
    assert not (grey[outside] == 255).any()
    assert head["shape"][head["axis"]] == grey.shape[head["axis"]], "no slice is left out"
    assert head["full"] == list(grey.shape)
    assert np.array_equal(cells.view("<f4"), np.arange(8) if warm else [])
    assert head.get("levels") == ([2.0, 3.0] if warm else None)
    assert not warm or all(count // 2 <= at < count for at, count in zip(head["best"], grey.shape, strict=True))


def test_a_window_can_be_opened_beyond_what_is_usual_and_narrowed_without_bands() -> None:
    rng = np.random.default_rng(0)
    voxels = rng.normal(500, 60, (40, 40, 20)).astype(np.float32)
    voxels[20, 20, 5:9] = 4000
    found = levels_of(Volume(voxels, np.diag([1.0, 1.0, 3.0, 1.0])))
    windows = {name: (low, high) for name, low, high in found.windows}
    low, high = windows["usual"]
    assert windows["full"][1] == TOP > high, "what is brighter than the usual window is kept apart from it"
    assert len(np.unique(found.levels[(found.levels > low) & (found.levels < high)])) > 256


def test_what_is_odd_about_a_study_is_said(home: Path) -> None:
    study = hostile(home)
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute("""UPDATE volumes SET flags = '["ORDER_GUESSED"]'""")
        connection.execute("UPDATE studies SET patient_id = 'P', accession_number = 'A7', date = '2024-01-02'")
        others = [row[0] for row in connection.execute("SELECT uid FROM studies WHERE id <> ?", (study,))]
    shown = texts(opened(study))
    assert any("was guessed" in text for text in shown)
    assert any(all(uid in text for uid in others) for text in shown)


def test_what_is_opened_from_a_list_leads_back_to_it_in_another_session_too(monkeypatch: pytest.MonkeyPatch) -> None:
    turned: list[tuple[str, dict[str, str]]] = []

    def session(token: str | None, **address: str) -> None:
        stand_in = SimpleNamespace(
            session_state={"pages": {name: name for name in ("search", "study", "compare", "archive")}, "token": token},
            query_params=address, switch_page=lambda page, query_params: turned.append((page, query_params)),
        )  # fmt: skip
        monkeypatch.setattr(page_links, "st", stand_in)

    session("abc", search="abc")
    page_links.go("study", study="5")
    page_links.go("compare", studies="5,6")
    page_links.go("archive")
    session(None, **turned[0][1])  # the address is loaded anew: nothing else is known
    page_links.go_back()
    page_links.go("study", study="7")  # another study of the patient
    session(None, study="5")  # opened from no list
    page_links.go_back()
    assert turned == [
        ("study", {"study": "5", "search": "abc"}), ("compare", {"studies": "5,6", "search": "abc"}), ("archive", {}),
        ("search", {"search": "abc"}), ("study", {"study": "7", "search": "abc"}), ("search", {}),
    ]  # fmt: skip
