"""The cohorts page: rules as rows, counts, versions, exports, roles."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import DemoHome, acts, calm, component, page_of, private_home, texts
from streamlit.testing.v1 import AppTest

from spinecho.db.people.cohorts import CohortError, cohorts
from spinecho.db.schema.database import Database
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.personal_archive import Person, PersonalArchive, Refused, Role
from spinecho.search.cohorts.definition import from_plain, to_plain
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import open_engine
from spinecho.ui.views.cohorts.rule_rows import from_sheet, to_sheet

BRAINS = {"name": "brains", "include": [{"filter": "body_region=brain"}], "exclude": [{"filter": "age<1"}]}


@pytest.fixture
def home(demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return private_home(demo_home.home, tmp_path, monkeypatch)


def cohorts_of(home: Path, role: Role = Role.RESEARCHER, name: str = "ada", smallest: int = 0) -> PersonalCohorts:
    settings = read_settings(home=home, device="cpu")
    return PersonalCohorts(
        PersonalArchive(open_engine(settings), Person(name, role), smallest=smallest), settings.builds
    )


def built(plain: dict[str, Any], *, role: str = "researcher") -> AppTest:
    page = page_of("cohorts", role=role)
    page.session_state["cohort_from"] = plain
    return calm(page.run())


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def offers(page: AppTest, label: str) -> bool:
    return any("/download/" in one.proto.body and f">{label}<" in one.proto.body for one in page.get("html"))


def test_an_empty_page_teaches_and_counts_everybody(home: Path) -> None:
    page = calm(page_of("cohorts").run())
    assert any("A cohort is every study" in caption.value for caption in page.caption)
    assert metrics(page)["Studies"] == "3"
    assert page.button(key="freeze").disabled


def test_rules_count_as_they_stand_and_the_list_is_frozen_on_record(home: Path) -> None:
    page = built(BRAINS)
    assert metrics(page)["Studies"] == "3"
    calm(page.button(key="freeze").click().run())
    database = Database.open(home / "spinecho.sqlite")
    assert [(one.name, one.number, one.studies, one.owner) for one in cohorts(database)] == [("brains", 1, 3, "ada")]
    act = acts(home, "frozen")[0]
    assert (act.facts["studies"], act.facts["version"]) == (3, 1)
    assert "brains" not in repr(act)
    assert page.selectbox(key="cohort-shown").value == "brains"


def test_a_rule_that_means_nothing_is_said_and_nothing_breaks(home: Path) -> None:
    page = built({"name": "x", "include": [{"filter": "bodyregion=brain"}]})
    told = component(page, "spinecho_rules")
    assert told is not None
    assert "body_region" in told["wrong"]["0"], "the nearest field is named"
    assert not page.metric
    page = built({"name": "x", "include": [{"like": "/etc/passwd", "at_least": 0.5}]})
    assert any("is no StudyInstanceUID" in text for text in texts(page))


def test_a_viewer_counts_but_cannot_keep_or_take(home: Path) -> None:
    page = built(BRAINS, role="viewer")
    calm(page.button(key="freeze").click().run())
    assert any("takes the role researcher" in text for text in texts(page))
    assert not cohorts(Database.open(home / "spinecho.sqlite"))
    viewer = cohorts_of(home, Role.VIEWER)
    found = cohorts_of(home).count(from_plain(BRAINS, name="brains"))
    with pytest.raises(Refused):
        viewer.freeze(found)
    cohorts_of(home).freeze(found)
    with pytest.raises(Refused):
        viewer.take("brains", 1)
    with pytest.raises(Refused):
        viewer.delete("brains")
    with pytest.raises(Refused, match="only the one who froze"):
        cohorts_of(home, name="eve").delete("brains")
    assert acts(home, "refused")


@pytest.mark.parametrize("name", ["A new cohort", "unnamed", "", "A new cohort (2)"])
def test_no_name_that_people_give_is_a_word_of_the_page(home: Path, name: str) -> None:
    """A list under the name of the builder's entry shut the builder for everybody."""
    page = built({**BRAINS, "name": name})
    assert page.button(key="freeze").disabled is (not name)
    if not name:
        return
    calm(page.button(key="freeze").click().run())
    assert page.selectbox(key="cohort-shown").value == name
    calm(page.button(key="edit").click().run())
    assert component(page, "spinecho_rules") is not None, "the builder"
    options = page.selectbox(key="cohort-shown").options
    assert len(options) == len(set(options)) == 2
    calm(page.selectbox(key="cohort-shown").select_index(1).run())
    assert page.selectbox(key="cohort-shown").value == name
    assert component(page, "spinecho_rules") is None


def test_an_export_holds_the_tables_and_no_name_unless_asked(home: Path) -> None:
    personal = cohorts_of(home)
    personal.freeze(personal.count(from_plain(BRAINS, name="brains & co")))
    for pseudonyms in (True, False):
        name, packed = personal.take("brains", 1, pseudonyms=pseudonyms)
        assert re.fullmatch(r"cohort-[0-9a-f]{8}-v1\.zip" if pseudonyms else r"brains-v1\.zip", name)
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            assert {"studies.csv", "manifest.json", "participants.tsv"} <= {
                Path(one).name for one in archive.namelist()
            }
            table = next(archive.read(one).decode() for one in archive.namelist() if one.endswith("studies.csv"))
        assert ("SD000000" in table) is not pseudonyms
    with pytest.raises(CohortError):
        personal.take("nobody", 1)


def test_versions_are_compared_and_a_deleted_cohort_comes_back_to_the_builder(home: Path) -> None:
    personal = cohorts_of(home)
    personal.freeze(personal.count(from_plain(BRAINS, name="brains")))
    page = calm(page_of("cohorts").run())
    calm(page.selectbox(key="cohort-shown").set_value("brains").run())
    calm(page.button_group(key="cohort-view").set_value("Changes").run())
    assert "0 added, 0 removed, 3 kept" in texts(page)
    calm(page.button_group(key="cohort-view").set_value("Export").run())
    calm(page.button(key="prepare").click().run())
    assert offers(page, "Download the zip")
    calm(page.button(key="delete").click().run())
    assert not cohorts(Database.open(home / "spinecho.sqlite"))
    assert page.text_input(key="cohort-name").value == "brains"
    assert metrics(page)["Studies"] == "3"


def test_one_version_can_go_and_the_others_stay(home: Path) -> None:
    personal = cohorts_of(home)
    for _ in range(2):
        personal.freeze(personal.count(from_plain(BRAINS, name="brains")))
    page = calm(page_of("cohorts").run())
    calm(page.selectbox(key="cohort-shown").set_value("brains").run())
    calm(page.button_group(key="cohort-view").set_value("Export").run())
    calm(page.button(key="delete-version").click().run())
    assert [one.number for one in cohorts(Database.open(home / "spinecho.sqlite"))] == [1]
    assert page.selectbox(key="cohort-shown").value == "brains"


def test_the_rules_can_be_taken_as_a_file(home: Path) -> None:
    assert offers(built(BRAINS), "Download")


def test_small_counts_are_hidden(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_SMALLEST_COUNT", "5")
    assert metrics(built(BRAINS))["Studies"] == "<5"
    personal = cohorts_of(home, smallest=5)
    facts = personal.compared(personal.count(from_plain(BRAINS, name="brains")))
    assert {one.shown for some in facts.values() for one in some} == {"<5"}, "a 0 would tell what the few are not"


def test_a_list_of_studies_is_a_rule(home: Path) -> None:
    personal = cohorts_of(home)
    uids = [member.study_uid for member in personal.count(from_plain(BRAINS, name="brains")).members]
    page = built({"name": "picked", "include": [{"what": "picked on the map", "studies": uids[:2]}]})
    assert metrics(page)["Studies"] == "2"
    assert any("picked on the map: 2 studies by UID" in text for text in texts(page))
    calm(page.button(key="carried-out-0").click().run())
    assert metrics(page)["Studies"] == "3"


def test_text_is_pasted_and_bad_text_is_refused(home: Path) -> None:
    page = calm(page_of("cohorts").run())
    page.text_area(key="toml-text").set_value('name = "pasted"\n[[include]]\nfilter = "age>119"\n')
    calm(next(button for button in page.button if button.label == "Use it").click().run())
    assert metrics(page)["Studies"] == "0"
    page.text_area(key="toml-text").set_value("name = [")
    calm(next(button for button in page.button if button.label == "Use it").click().run())
    assert any("no definition" in mark.value for mark in page.markdown)


RULE = st.one_of(
    st.builds(lambda text: {"filter": text}, st.sampled_from(["age>3", "sex=F"])),
    st.builds(
        lambda text, least, says: {"text": text, "at_least": least, **({"says": says} if says != "present" else {})},
        st.sampled_from(["lesion", "bleed"]),
        st.sampled_from([0.5, 0.71]),
        st.sampled_from(["present", "absent", "any"]),
    ),
    st.builds(lambda uid: {"like": uid, "at_least": 0.9, "of": "patient"}, st.sampled_from(["1.2", "1.3"])),
    st.just({"text": "lesion", "at_least": 0.3, "by": "scans"}),
)  # fmt: skip
GROUP = st.builds(lambda rules: {"any": rules}, st.lists(RULE, min_size=2, max_size=3))
ODD = st.sampled_from([{"studies": ["1.2", "1.3"]}, {"none": [{"filter": "age>3"}]}, {"what": "x", "filter": "sex=F"}])


@given(st.lists(st.one_of(RULE, GROUP, ODD), max_size=4), st.lists(st.one_of(RULE, GROUP), max_size=3))
def test_rows_and_back_mean_the_same(include: list[Any], exclude: list[Any]) -> None:
    plain = {"name": "x", "index": {"study": "first"}}
    plain |= {name: rules for name, rules in (("include", include), ("exclude", exclude)) if rules}
    back = from_sheet(to_sheet(plain))
    first, second = (to_plain(from_plain(one, name="x")) for one in (plain, back))
    assert {key: value for key, value in first.items() if key not in ("include", "exclude")} == {
        key: value for key, value in second.items() if key not in ("include", "exclude")
    }
    for use in ("include", "exclude"):  # what no row can say comes after the rows
        assert sorted(map(repr, first.get(use, ()))) == sorted(map(repr, second.get(use, ())))
