"""The search page, driven as a browser would drive it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Protocol

import pytest
from streamlit.testing.v1 import AppTest


class DemoHome(Protocol):
    """What the fixture `demo_home` gives."""

    archive: Path
    home: Path
    hostile_study: str
    hostile_series: str
    hostile_sentence: str


PAGE = Path(__file__).resolve().parents[2] / "ui" / "page.py"


def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("SPINECHO_HOME", str(home))
    monkeypatch.setenv("SPINECHO_DEVICE", "cpu")
    return calm(AppTest.from_file(str(PAGE), default_timeout=120).run())


def calm(page: AppTest) -> AppTest:
    assert not page.exception, [error.message for error in page.exception]
    return page


def ask(page: AppTest, words: str) -> AppTest:
    return calm(page.text_input(key="words").set_value(words).run())


def texts(page: AppTest) -> list[str]:
    return [element.value for element in page.text]


def rows(page: AppTest) -> list[str]:
    return [toggle.key.removeprefix("open-").split("-", 1)[1] for toggle in page.toggle]


def summary(page: AppTest) -> str:
    return next(text for text in texts(page) if text.endswith(" ms"))


@pytest.fixture
def page(demo_home: DemoHome, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    return opened(demo_home.home, monkeypatch)


def test_an_empty_page_says_how_to_ask_what_answers_and_what_it_is_not(page: AppTest) -> None:
    said = " ".join(caption.value for caption in page.caption)
    assert "Type what you are looking for" in said
    assert "docs/model-card.md" in said
    assert said.count("Not a diagnostic device") == 1
    assert not page.toggle


def test_words_find_studies_with_the_sentence_and_its_assertion(page: AppTest, demo_home: DemoHome) -> None:
    ask(page, "bright lesion of the spleen")
    assert demo_home.hostile_sentence in texts(page)
    at = next(mark for mark in page.markdown if "badge[present]" in mark.value)
    assert "findings" in at.value
    assert texts(page).index(demo_home.hostile_sentence) < 12, "in the first row"


def test_a_denied_finding_is_said_with_the_answer(page: AppTest) -> None:
    ask(page, "lesion, no haemorrhage")
    assert "without: haemorrhage" in summary(page)


def test_filters_narrow_and_clear_again(page: AppTest) -> None:
    ask(page, "lesion")
    everything = rows(page)
    calm(page.text_input(key="description").set_value("<script>").run())
    assert len(rows(page)) == 1 < len(everything)
    calm(page.button(key="clear-filters").click().run())
    assert rows(page) == everything
    calm(page.slider(key="age").set_value((99, 100)).run())
    assert not page.toggle
    assert any("no study fits" in text for text in texts(page))


def test_every_filter_can_be_used_at_once(page: AppTest) -> None:
    ask(page, "lesion")
    for field in ("body_region", "sequence", "plane", "contrast", "vendor", "sex", "tesla"):
        choice = page.multiselect(key=field)
        choice.set_value([choice.options[0].rsplit(" (", 1)[0] if field not in {"sex"} else "F"])
    page.checkbox(key="derived").check()
    page.date_input(key="from").set_value("2019-01-01")
    calm(page.run())


def test_more_like_this_leaves_the_study_itself_out_and_words_take_over_again(page: AppTest) -> None:
    ask(page, "lesion")
    first = rows(page)[0]
    calm(next(button for button in page.button if str(button.key).startswith("like-")).click().run())
    assert rows(page)
    assert first not in rows(page)
    assert any("Studies like" in mark.value for mark in page.markdown)
    ask(page, "lesion of the spleen")
    assert not any("Studies like" in mark.value for mark in page.markdown)


def _opened_report(page: AppTest, row: int, sentence: str) -> bool:
    calm(page.toggle[row].set_value(True).run())
    return any(sentence in text and "FINDINGS" in text for text in texts(page))


def test_an_opened_study_shows_a_slice_and_the_report(page: AppTest, demo_home: DemoHome) -> None:
    ask(page, demo_home.hostile_sentence)
    assert any(_opened_report(page, row, demo_home.hostile_sentence) for row in range(2)), "among the first two"
    slices = next(slider for slider in page.slider if slider.label == "Slice")
    assert slices.min == 1
    calm(slices.set_value(2).run())
    assert any(", slice 2 of " in caption.value for caption in page.caption)


def test_slices_whose_files_are_gone_say_so(
    demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home.home, home)
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute("UPDATE folders SET path = path || '-gone'")
    page = ask(opened(home, monkeypatch), "lesion")
    calm(page.toggle[0].set_value(True).run())
    assert any("changed or gone" in text for text in texts(page))
    assert page.toggle, "the results stay"


def test_words_from_outside_are_only_ever_plain_text(page: AppTest, demo_home: DemoHome) -> None:
    ask(page, "bright lesion of the spleen")
    calm(page.toggle[0].set_value(True).run())
    assert any(demo_home.hostile_study in text for text in texts(page))
    series = next(box for box in page.selectbox if box.label == "Series")
    assert any(demo_home.hostile_series in option for option in series.options)
    interpreted = [
        element.value for kind in (page.markdown, page.caption, page.error, page.warning) for element in kind
    ]
    interpreted += [element.proto.body for element in page.get("html")]
    interpreted += [element.label for kind in (page.button, page.toggle, page.checkbox) for element in kind]
    for sign in ("script>", ":smile:", "material/search", "http", "spleen"):
        assert not [text for text in interpreted if sign in text]


def test_a_scan_finds_its_own_study_first(page: AppTest, demo_home: DemoHome) -> None:
    series = sorted(folder for folder in (demo_home.archive / "dicom").glob("*/*/*") if any(folder.iterdir()))[1]
    files = [(path.name, path.read_bytes(), "application/dicom") for path in sorted(series.glob("*.dcm"))]
    left = set(Path(tempfile.gettempdir()).glob("spinecho-*"))
    calm(page.file_uploader[0].set_value(files).run())
    assert any("Studies like the scan" in mark.value for mark in page.markdown)
    assert any("1.00" in text for text in texts(page)), "the series itself is in the archive"
    assert set(Path(tempfile.gettempdir()).glob("spinecho-*")) <= left, "nothing stays behind"
    calm(page.button(key="clear-query").click().run())
    assert not page.toggle


@pytest.mark.parametrize("name", ["scan.dcm", "../../evil.nii.gz", "<b>notes</b>.txt"])
def test_an_upload_that_is_no_scan_is_named_as_the_person_named_it(page: AppTest, name: str) -> None:
    calm(page.file_uploader[0].set_value((name, b"nothing of the kind" * 50, "text/plain")).run())
    said = " ".join(texts(page))
    assert name in said
    assert "spinecho-" not in said
    assert "00000" not in said


def test_too_much_at_once_is_refused(demo_home: DemoHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.page_upload.LIMIT_MB", 1)
    page = opened(demo_home.home, monkeypatch)
    files = [(f"{n}.dcm", b"0" * 600_000, "application/dicom") for n in range(2)]
    calm(page.file_uploader[0].set_value(files).run())
    assert any("spinecho search image" in text for text in texts(page))


def test_a_query_without_words_is_explained(page: AppTest) -> None:
    ask(page, "?!")
    assert any("holds no word" in text for text in texts(page))
    assert not page.toggle


def test_reports_can_be_asked_for(page: AppTest) -> None:
    ask(page, "lesion")
    calm(page.button_group(key="want").set_value("report").run())
    assert "report" in summary(page)
    calm(page.toggle[0].set_value(True).run())


def test_a_home_without_an_index_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(tmp_path, monkeypatch)
    assert any("spinecho index FOLDER" in text for text in texts(page))
    assert not page.text_input


def test_an_older_schema_says_what_to_do(demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home.home, home)
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    page = opened(home, monkeypatch)
    assert any("spinecho db upgrade" in text for text in texts(page))


def test_the_page_follows_what_is_stored_meanwhile(
    demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home.home, home)
    page = ask(opened(home, monkeypatch), "lesion")
    before = page.multiselect(key="vendor").options
    calm(page.multiselect(key="sequence").set_value(["T1"]).run())
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        connection.execute("UPDATE volumes SET vendor = 'Newcomer', sequence = iif(sequence = 'T1', 'T1', 'T9')")
    calm(page.run())
    assert page.multiselect(key="vendor").options != before
    assert page.multiselect(key="vendor").options == ["Newcomer (3)"]
    assert page.multiselect(key="sequence").value == ["T1"], "a filter in use stays when the counts change"
