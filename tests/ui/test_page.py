"""The search page, driven as a browser would drive it; what happens inside the list is in tests/ui/browser."""

from __future__ import annotations

import io
import sqlite3
import tempfile
import zipfile
from pathlib import Path

import pytest
from archives import copy_of_home
from hypothesis import given
from hypothesis import strategies as st
from pages import DemoHome, acts, ask, calm, listed, opened, rows, sentences, texts
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from spinecho.db.people.saved import keep
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Series, Study, Volume
from spinecho.db.store.watermarks import facts_changed
from spinecho.encoders.language.query_words import EmptyQuery, parse_query
from spinecho.encoders.reading.unzip import unzip
from spinecho.ui.views.search.facets import EMPTY, condition, is_filter, restore
from spinecho.ui.views.search.form import edited


@pytest.fixture
def home(demo_home: DemoHome, tmp_path: Path) -> Path:
    """A home of its own: pages write searches and the record."""
    copy = tmp_path / "home"
    copy_of_home(demo_home.home, copy)
    return copy


@pytest.fixture
def page(home: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    return opened(home, monkeypatch)


def token_of(page: AppTest) -> str:
    held = page.query_params["search"]
    return held if isinstance(held, str) else held[0]


def test_an_empty_page_says_how_to_ask_what_answers_and_what_it_is_not(page: AppTest) -> None:
    said = " ".join(caption.value for caption in page.caption)
    assert "Type what you are looking for" in said
    assert "docs/model-card.md" in said
    assert said.count("Not a diagnostic device") == 1
    with pytest.raises(AssertionError):
        listed(page)


def test_words_find_studies_with_the_sentence_marked_and_its_assertion(page: AppTest, demo_home: DemoHome) -> None:
    ask(page, "bright lesion of the spleen")
    first = listed(page)["hits"][0]
    assert "".join(piece["t"] for piece in first["sentences"][0]["pieces"]) == demo_home.hostile_sentence
    assert first["sentences"][0]["assertion"] == "present"
    assert first["sentences"][0]["section"] == "findings"
    assert {"lesion", "spleen"} <= {piece["t"] for piece in first["sentences"][0]["pieces"] if piece["hit"]}
    assert {bar["name"] for bar in first["bars"]} >= {"text", "words"}
    assert all(0 <= bar["share"] <= 1 for hit in listed(page)["hits"] for bar in hit["bars"])


def test_the_query_is_told_as_it_was_understood(page: AppTest) -> None:
    ask(page, "lesion, no haemorrhage, sequence:t1")
    assert [chip["kind"] for chip in listed(page)["chips"]] == ["wanted", "unwanted", "field"]


@given(
    st.lists(
        st.sampled_from(["left lesion", "no oedema", "-bleed", '"old infarct"', "age:20-40", "gliom*"]), min_size=2
    )
)
def test_taking_a_chip_out_leaves_the_others(parts: list[str]) -> None:
    words = ", ".join(parts)
    before = parse_query(words).chips
    for place in range(len(before)):
        left = edited(words, place, "")
        try:
            after = [(chip.kind, chip.text) for chip in parse_query(left).chips]
        except EmptyQuery:
            after = []
        expected = [(chip.kind, chip.text) for number, chip in enumerate(before) if number != place]
        assert after == expected or not any(kind in ("wanted", "unwanted", "phrase", "prefix") for kind, _ in expected)


def test_a_chip_can_be_said_otherwise() -> None:
    assert edited("lesion, no oedema", 1, "haemorrhage") == "lesion, no haemorrhage"
    assert edited('"old infarct" of the pons', 0, "new infarct").startswith('"new infarct"')
    assert edited("lesion", 7, "x") == "lesion"


def test_filters_narrow_and_clear_again(page: AppTest) -> None:
    ask(page, "lesion")
    everything = rows(page)
    calm(page.text_input(key="description").set_value("<script>").run())
    assert len(rows(page)) == 1 < len(everything)
    assert [one["key"] for one in listed(page)["filters"]] == ["description"]
    calm(page.button(key="clear-filters").click().run())
    assert rows(page) == everything
    calm(page.slider(key="age").set_value((99, 100)).run())
    assert not rows(page)
    assert any("no study fits" in note for note in listed(page)["notes"])


def test_counts_follow_the_other_filters(page: AppTest) -> None:
    before = page.multiselect(key="sequence").options
    assert all(option.rsplit("  ", 1)[1].split(" / ")[0] == option.rsplit(" / ", 1)[1] for option in before)
    calm(page.slider(key="age").set_value((99, 100)).run())
    assert all("  0 / " in option for option in page.multiselect(key="sequence").options)


def test_every_filter_can_be_used_at_once(page: AppTest) -> None:
    ask(page, "lesion")
    for field in ("body_region", "sequence", "plane", "contrast", "vendor", "sex", "tesla"):
        choice = page.multiselect(key=field)
        value = choice.options[0].rsplit("  ", 1)[0]
        choice.set_value([{"female": "F", "male": "M"}.get(value, value)])
    page.checkbox(key="derived").check()
    page.date_input(key="from").set_value("2019-01-01")
    calm(page.run())
    assert len(listed(page)["filters"]) == 9


SELDOM = {"side", "technique", "dixon"}
"""Facts that no study of the archive has, as it is indexed."""


def test_seldom_facts_are_offered_where_some_study_has_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not SELDOM & {one.key for one in opened(home, monkeypatch).multiselect}
    database = Database.open(home / "spinecho.sqlite")
    with database.begin() as session:
        volume = session.scalars(select(Volume).where(~Volume.derived, Volume.sequence != "localizer")).first()
        assert volume is not None
        volume.side, volume.technique, volume.dixon = "left", ("Dixon", "EPI"), "in phase"
        volume.component, volume.computed, volume.b_value = "phase", "trace", 929.75
        facts_changed(session)
    database.close()
    page = ask(opened(home, monkeypatch), "lesion")
    assert page.multiselect(key="technique").options == ["Dixon  1 / 1", "EPI  1 / 1"]
    page.multiselect(key="side").set_value(["left"])
    page.multiselect(key="b_value").set_value(["929.75"])
    for key, value in {"technique": "EPI", "dixon": "in phase", "component": "phase", "computed": "trace"}.items():
        page.multiselect(key=key).set_value([value])
    calm(page.run())
    assert len(rows(page)) == 1
    texts = [one["text"] for one in listed(page)["filters"]]
    assert texts == ["left", "EPI", "b 929.75", "in phase", "phase", "trace"]


def test_the_address_reopens_the_search_and_holds_no_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ask(opened(home, monkeypatch), "bright lesion of the spleen")
    calm(page.multiselect(key="sequence").set_value(["T1"]).run())
    found, token = rows(page), token_of(page)
    assert set(page.query_params) == {"search"}
    again = AppTest.from_file(page._script_path, default_timeout=120)
    again.query_params["search"] = token
    calm(again.run())
    assert again.text_input(key="words").value == "bright lesion of the spleen"
    assert again.multiselect(key="sequence").value == ["T1"]
    assert rows(again) == found


def test_anothers_search_opens_only_where_it_is_shared(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_USER", "ada")
    page = ask(opened(home, monkeypatch), "lesion")
    token = token_of(page)
    monkeypatch.setenv("SPINECHO_USER", "grace")
    for shared in (False, True):
        other = AppTest.from_file(page._script_path, default_timeout=120)
        other.query_params["search"] = token
        calm(other.run())
        assert (other.text_input(key="words").value == "lesion") is shared
        assert any("no search of yours" in text for text in texts(other)) is not shared
        keep(Database.open(home / "spinecho.sqlite"), token, "ada", name="lesions", shared=True)


def test_a_search_is_kept_under_a_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ask(opened(home, monkeypatch), "lesion")
    assert len(acts(home, "see-searches")) == 1, "the empty page names the latest; the box is read once it is opened"
    page.session_state["saved"] = True
    calm(page.run())
    assert len(acts(home, "see-searches")) == 2
    page.text_input(key="saved-name").set_value("All the lesions")
    calm(next(button for button in page.button if button.label == "Keep this search").click().run())
    fresh = opened(home, monkeypatch)
    fresh.session_state["saved"] = True
    calm(fresh.run())
    assert any("All the lesions" in option for option in fresh.selectbox(key="saved-open").options)


def test_the_record_says_who_searched_and_never_for_what(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ask(opened(home, monkeypatch), "bright lesion of the spleen")
    calm(page.run())
    calm(page.multiselect(key="sequence").set_value(["T1"]).run())
    asked = acts(home, "search")
    assert len(asked) == 2, "a page that is drawn again asks nothing"
    assert len(acts(home, "list")) == 3, "and what it shows again is on record again"
    assert "spleen" not in repr(acts(home))
    assert {act.facts["kind"] for act in asked} == {"words"}


def test_more_like_this_leaves_the_study_itself_out(page: AppTest) -> None:
    ask(page, "lesion")
    first = listed(page)["hits"][0]
    page.session_state["like"] = (first["uid"], first["name"])
    calm(page.run())
    assert rows(page)
    assert first["uid"] not in rows(page)
    assert first["name"] in texts(page)
    assert page.text_input(key="words").value == ""
    ask(page, "lesion of the spleen")
    assert first["uid"] not in rows(page), "words and the example together"
    calm(page.button(key="clear-query").click().run())
    assert first["name"] not in texts(page)


def test_words_from_outside_are_only_ever_plain_text(page: AppTest, demo_home: DemoHome) -> None:
    ask(page, "bright lesion of the spleen")
    assert demo_home.hostile_sentence in sentences(page)
    assert any(demo_home.hostile_study in hit["name"] for hit in listed(page)["hits"])
    interpreted = [
        element.value for kind in (page.markdown, page.caption, page.error, page.warning) for element in kind
    ]
    interpreted += [element.proto.body for element in page.get("html")]
    interpreted += [element.label for kind in (page.button, page.toggle, page.checkbox) for element in kind]
    for sign in ("script>", ":smile:", "material/search", "http", "spleen"):
        assert not [text for text in interpreted if sign in text]
    for element in page.get("bidi_component"):
        assert "spleen" not in element.proto.html_content + element.proto.js_content + element.proto.css_content


def test_a_scan_finds_its_own_study_first(
    page: AppTest, demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = sorted(folder for folder in (demo_home.archive / "dicom").glob("*/*/*") if any(folder.iterdir()))[1]
    files = [(path.name, path.read_bytes(), "application/dicom") for path in sorted(series.glob("*.dcm"))]
    passing = tmp_path / "passing"
    passing.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(passing))
    calm(page.file_uploader[0].set_value(files).run())
    assert any("Like the scan" in mark.value for mark in page.markdown)
    assert listed(page)["hits"][0]["series"][0]["similarity"] == 1.0, "the series itself is in the archive"
    assert not list(passing.iterdir()), "nothing stays behind"
    calm(page.button(key="clear-query").click().run())
    with pytest.raises(AssertionError):
        listed(page)


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_zip_of_a_series_is_searched_with(page: AppTest, demo_home: DemoHome) -> None:
    series = sorted(folder for folder in (demo_home.archive / "dicom").glob("*/*/*") if any(folder.iterdir()))[1]
    files = {f"../../etc/{path.name}": path.read_bytes() for path in series.glob("*.dcm")}
    calm(page.file_uploader[0].set_value(("scan.zip", zipped(**files), "application/zip")).run())
    assert listed(page)["hits"][0]["series"][0]["similarity"] == 1.0


@pytest.mark.parametrize("content", [b"PK not really a zip" * 9, zipped(**{"a.txt": b"words"}), zipped()])
def test_a_zip_that_holds_no_scan_says_so(page: AppTest, content: bytes) -> None:
    calm(page.file_uploader[0].set_value(("scan.zip", content, "application/zip")).run())
    assert any("cannot be read" in mark.value for mark in page.markdown)
    assert "00000" not in " ".join(texts(page))


def test_a_zip_that_unfolds_without_end_is_refused(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("spinecho.encoders.reading.unzip.MOST_BYTES", 1 << 20)
    path = tmp_path / "bomb.zip"
    path.write_bytes(zipped(**{"a.dcm": bytes(3 << 20)}))
    told = list(unzip({"path": str(path), "folder": str(tmp_path)}))
    assert told[0][0]["reason"] == "READ_MEMORY"


@pytest.mark.parametrize("name", ["scan.dcm", "../../evil.nii.gz", "<b>notes</b>.txt"])
def test_an_upload_that_is_no_scan_is_named_as_the_person_named_it(page: AppTest, name: str) -> None:
    calm(page.file_uploader[0].set_value((name, b"nothing of the kind" * 50, "text/plain")).run())
    said = " ".join(texts(page))
    assert name in said
    assert "spinecho-" not in said
    assert "00000" not in said


def test_too_much_at_once_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spinecho.ui.views.upload.LIMIT_MB", 1)
    page = opened(home, monkeypatch)
    files = [(f"{n}.dcm", b"0" * 600_000, "application/dicom") for n in range(2)]
    calm(page.file_uploader[0].set_value(files).run())
    assert any("spinecho search image" in text for text in texts(page))


def test_a_query_without_words_is_explained(page: AppTest) -> None:
    ask(page, "?!")
    assert any("holds no word" in text for text in texts(page))


def test_columns_of_a_data_set_are_filters_of_the_page(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "labels-shown" not in {one.key for one in opened(home, monkeypatch).multiselect}
    database = Database.open(home / "spinecho.sqlite")
    with database.begin() as session:
        first, *others = session.scalars(select(Study).order_by(Study.id))
        for volume, study in session.execute(select(Volume, Series.study_id).join(Series)):
            group = "patient" if study == first.id else "control"
            volume.notes = {**volume.notes, "labels": {"group": group, "site": "leipzig"}}
        facts_changed(session)
    database.close()
    page = opened(home, monkeypatch)
    assert page.multiselect(key="labels-shown").options == ["group", "site"]
    calm(page.multiselect(key="labels-shown").set_value(["group"]).run())
    group_of = page.multiselect(key="label.group")
    assert group_of.options == [f"control  {len(others)} / {len(others)}", "patient  1 / 1"]
    calm(group_of.set_value(["patient"]).run())
    ask(page, "brain")
    assert len(rows(page)) == 1
    assert [(chip["label"], chip["text"]) for chip in listed(page)["filters"]] == [("group", "patient")]
    again = AppTest.from_file(page._script_path, default_timeout=120)
    again.query_params["search"] = token_of(page)
    calm(again.run())
    assert again.multiselect(key="label.group").value == ["patient"]
    assert len(rows(again)) == 1
    calm(again.button(key="clear-filters").click().run())
    assert len(rows(again)) > 1


def test_reports_can_be_asked_for(page: AppTest) -> None:
    ask(page, "lesion")
    calm(page.button_group(key="want").set_value("report").run())
    assert "report" in listed(page)["said"]
    assert all(hit["report"] for hit in listed(page)["hits"])


def test_a_home_without_an_index_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(tmp_path, monkeypatch)
    assert any("spinecho index FOLDER" in text for text in texts(page))
    assert not page.text_input


def test_an_older_schema_says_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    page = opened(home, monkeypatch)
    assert any("spinecho db upgrade" in text for text in texts(page))


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.text(max_size=5), st.lists(st.integers()))))
def test_any_kept_filters_make_a_condition_or_none(kept: dict[str, object]) -> None:
    state: dict[str, object] = {}
    restore(state, {**kept, "age": kept.get("a"), "from": kept.get("f")})
    assert {key for key in state if not is_filter(str(key))} == set()
    assert set(state) >= set(EMPTY)
    condition(state)
