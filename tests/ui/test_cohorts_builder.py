"""The cohorts page: rules as rows, what is wrong with a row, new studies, refusals, charts of masked counts."""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from archives import Home, small_archive
from hypothesis import given
from hypothesis import strategies as st
from pages import acts, calm, component, texts
from streamlit.testing.v1 import AppTest

from spinecho.db.people.cohorts import cohorts
from spinecho.db.queries.facets import Facet, masked_facets
from spinecho.db.schema.database import Database
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.personal_archive import Person, PersonalArchive, Refused, Role
from spinecho.search.cohorts.definition import EXAMPLE, from_plain, to_plain
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import open_engine
from spinecho.ui.views.cohorts.charts import comparison_charts
from spinecho.ui.views.cohorts.rule_rows import MOST_ROWS, empty_row, from_sheet, rows_of, to_sheet, troubles

SCRIPT = """
import streamlit as st
from spinecho.search.access.personal_archive import Person, Role
from spinecho.ui.views.cohorts.page import _edited, cohorts_page
from spinecho.ui.views.session.opened import enter
from spinecho.setup.settings import read_settings
if st.session_state.pop("edited", False):
    _edited()
if not st.session_state.get("elsewhere"):
    cohorts_page(enter(read_settings(), Person("ada", Role.{role})))
"""
ALL = {"name": "everybody", "include": [{"filter": "everything"}]}


def opened(start: dict[str, Any] | None = None, role: str = "RESEARCHER") -> AppTest:
    page = AppTest.from_string(SCRIPT.replace("{role}", role), default_timeout=120)
    if start is not None:
        page.session_state["cohort_from"] = start
    return calm(page.run())


def metrics(page: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in page.metric}


def database(home: Path) -> Database:
    return Database.open(home / "spinecho.sqlite")


def frozen_page(home: Path) -> AppTest:
    page = opened(ALL)
    return calm(page.button(key="freeze").click().run())


def view(page: AppTest, name: str) -> AppTest:
    return calm(page.button_group(key="cohort-view").set_value(name).run())


def test_before_there_is_any_the_page_teaches_and_offers_examples(home: Path) -> None:
    page = opened()
    assert any("A cohort is every study that passes" in one.value for one in page.caption)
    calm(page.button(key="cohort-example-0").click().run())
    assert page.session_state["sheet"].rows[0]["condition"].startswith("body_region=")
    assert int(metrics(page)["Studies"]) >= 1


def test_a_bad_filter_is_named_with_its_row_and_nothing_is_counted(home: Path) -> None:
    page = opened({"name": "bad", "include": [{"filter": "everything"}, {"filter": "sequenze=T2"}]})
    told = component(page, "spinecho_rules")
    assert told is not None
    assert list(told["wrong"]) == ["1"]
    assert "'sequenze'" in told["wrong"]["1"]
    assert "'sequence'" in told["wrong"]["1"]
    assert any("marked rules" in one.value for one in page.caption)
    assert not page.metric
    assert "freeze" not in [one.key for one in page.button]


def test_text_goes_in_and_comes_out_whole(home: Path) -> None:
    page = opened()
    text = EXAMPLE.replace("any = [", "none = [")
    page.text_area(key="toml-text").set_value(text)
    calm(next(one for one in page.button if one.label == "Use it").click().run())
    shown = next(one.value for one in page.code if one.language == "toml")
    told = from_plain(tomllib.loads(shown), name="x")
    assert to_plain(told) == to_plain(from_plain(tomllib.loads(text), name="x"))
    page.text_area(key="toml-text").set_value("include = 3")
    calm(next(one for one in page.button if one.label == "Use it").click().run())
    assert any("no definition" in one.value for one in page.markdown)


def test_an_export_is_a_zip_of_the_formats_that_were_chosen(home: Path) -> None:
    page = view(frozen_page(home), "Export")
    page.multiselect(key="formats").set_value(["csv", "bids"])
    calm(page.button(key="prepare").click().run())
    name, packed = page.session_state["made"][1]
    assert re.fullmatch(r"cohort-[0-9a-f]{8}-v1\.zip", name), "a name may say who is in it"
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {"studies.csv", "series.csv", "participants.tsv", "manifest.json"} <= set(archive.namelist())
        assert "copy_files.py" not in archive.namelist()
        assert json.loads(archive.read("manifest.json"))["pseudonyms"] is True
    (act,) = acts(home, "export")
    assert act.facts["studies"] == 3
    assert act.facts["formats"] == "csv,bids"


def test_a_viewer_counts_but_is_refused_whatever_is_called(home: Path) -> None:
    frozen_page(home)
    page = opened(ALL | {"name": "mine"}, role="VIEWER")
    assert metrics(page)["Studies"] == "3"
    calm(page.button(key="freeze").click().run())
    assert any("takes the role researcher" in text for text in texts(page))
    calm(page.selectbox(key="cohort-shown").set_value("everybody").run())
    view(page, "Export")
    calm(page.button(key="prepare").click().run())
    assert any("takes the role researcher" in text for text in texts(page))
    assert "made" not in page.session_state
    personal = PersonalCohorts(
        PersonalArchive(open_engine(read_settings()), Person("eve", Role.VIEWER)), home / "builds"
    )
    found = personal.count(from_plain(ALL, name="x"))
    for act in (
        lambda: personal.freeze(found),
        lambda: personal.take("everybody", 1),
        lambda: personal.delete("everybody"),
    ):
        with pytest.raises(Refused):
            act()
    assert len(cohorts(database(home))) == 1
    assert len(acts(home, "refused")) == 5


def test_new_studies_are_told_apart_with_the_reason(home: Path, tmp_path: Path) -> None:
    frozen_page(home)
    Home(home).index(small_archive(tmp_path / "more", studies=1, seed=77))
    page = opened(ALL)
    assert metrics(page)["Studies"] == "4"
    calm(page.selectbox(key="cohort-shown").set_value("everybody").run())
    view(page, "Changes")
    assert any(text.startswith("1 added, 0 removed, 3 kept") for text in texts(page))
    assert page.dataframe[0].value["why"].tolist() == ["new in the archive"]


def test_bars_tell_no_exact_share_where_counts_are_masked() -> None:
    facts = {"sex": masked_facets((Facet("F", 7, 103), Facet("M", 2, 99)), 5)}
    told = [json.loads(chart.to_json()) for chart in comparison_charts(facts)]
    rows = [row for one in told for some in one["datasets"].values() for row in some]
    assert {(row["who"], row["value"], row["studies"]) for row in rows} == {
        ("cohort", "F", "5"), ("archive", "F", "105"), ("cohort", "M", "<5"), ("archive", "M", "100"),
    }  # fmt: skip
    assert {row["share"] for row in rows if row["who"] == "cohort"} == {0.0, 1.0}


_leaf = st.one_of(
    st.fixed_dictionaries({"filter": st.sampled_from(["sequence=T2", "age>=60"])}, optional={"of": st.just("patient")}),
    st.fixed_dictionaries(
        {"text": st.just("a lesion"), "at_least": st.floats(-1, 1)}, optional={"says": st.just("absent")}
    ),
    st.fixed_dictionaries({"text": st.just("a lesion"), "at_least": st.just(0.5), "by": st.just("scans")}),
    st.fixed_dictionaries({"like": st.just("1.2.3"), "at_least": st.just(0.9)}),
)
_named = st.builds(lambda rule, what: {**rule, **({"what": what} if what else {})}, _leaf, st.sampled_from(["", "x"]))
_many = st.lists(st.one_of(_leaf, _named), min_size=2, max_size=3)
_joined = st.builds(
    lambda holds, parts, what: {holds: parts, **({"what": what} if what else {})},
    st.sampled_from(["any", "all", "none"]), _many, st.sampled_from(["", "either"]),
)  # fmt: skip
_deep = st.builds(lambda rule: {"any": [rule, {"filter": "sex=F"}]}, _joined)
_rules = st.lists(st.one_of(_named, _joined, _deep, st.just({"studies": ["1.2", "1.3"]})), max_size=4)


@given(_rules, _rules)
def test_rows_say_all_that_the_rules_said(include: list[Any], exclude: list[Any]) -> None:
    plain = {key: rules for key, rules in (("include", include), ("exclude", exclude)) if rules}
    sheet = to_sheet({"name": "x", **plain})
    sheet.rows = rows_of(sheet.rows)
    back = from_sheet(sheet)
    assert back.pop("name") == "x"
    for use in ("include", "exclude"):
        assert sorted(map(repr, back.get(use, []))) or not plain.get(use)
        assert sorted(json.dumps(rule, sort_keys=True) for rule in back.get(use, [])) == sorted(
            json.dumps(rule, sort_keys=True) for rule in plain.get(use, [])
        )
    tomli_w.dumps({"name": "x", **back})


def test_a_row_that_is_not_finished_says_what_it_lacks() -> None:
    row = {**empty_row(), "by": "text", "condition": "a lesion"}
    assert [number for number, _ in troubles([empty_row(), row])] == [2]
    assert "at_least" in troubles([row])[0][1]
    assert not troubles([{**row, "at_least": 0.7}, {**empty_row(), "condition": 'says:present("lesion")'}])


def test_what_a_browser_sends_becomes_rows_and_nothing_else() -> None:
    (row,) = rows_of([{"use": "perhaps", "by": 3, "condition": None, "at_least": "x", "of_patient": "yes", "more": 1}])
    assert row == empty_row()
    many = rows_of([{"condition": "x" * 9000}] * 900)
    assert (len(many), len(many[0]["condition"])) == (200, 4000)
    mixed = rows_of([{"use": "exclude", "condition": "a"}, {"condition": "b"}, {"use": "exclude", "condition": "c"}])
    assert [row["condition"] for row in mixed] == ["b", "a", "c"], "excludes are counted after includes"


def test_a_new_name_counts_nothing_again(home: Path) -> None:
    page = opened(ALL)
    counted = page.session_state["counted"]
    page.text_input(key="cohort-name").set_value("another")
    calm(page.run())
    assert page.session_state["counted"] is counted
    calm(page.button(key="freeze").click().run())
    assert [one.name for one in cohorts(database(home))] == ["another"]


def test_a_design_is_there_when_the_page_is_come_back_to(home: Path) -> None:
    page = opened(ALL | {"sample": {"studies": 100}})
    number = page.session_state["sheet-number"]
    page.text_input(key="cohort-name").set_value("few")
    page.text_input(key="cohort-description").set_value("for a test")
    page.number_input(key=f"sample-{number}").set_value(2)
    page.checkbox(key=f"split-{number}").check()
    calm(page.run())
    calm(page.slider(key=f"train-{number}").set_value(60).run())
    for _ in range(2):
        before = next(one.value for one in page.code if one.language == "toml")
        page.session_state["elsewhere"] = True
        calm(page.run())
        assert not page.metric
        page.session_state["elsewhere"] = False
        calm(page.run())
        assert metrics(page)["Studies"] == "2"
        assert next(one.value for one in page.code if one.language == "toml") == before
    calm(page.number_input(key=f"sample-{number}").set_value(1).run())
    assert metrics(page)["Studies"] == "1"
    calm(page.button(key="freeze").click().run())
    (kept,) = cohorts(database(home))
    assert (kept.name, kept.description, kept.definition["sample"]["studies"]) == ("few", "for a test", 1)
    assert kept.definition["split"]["train"] == 0.6


def test_rows_of_before_a_paste_do_not_come_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr("spinecho.ui.views.cohorts.page.done", lambda _: told)
    page = opened(ALL)
    row = {**empty_row(), "condition": "age<0"}
    for version, left in ((page.session_state["sheet-number"] - 1, "3"), (page.session_state["sheet-number"], "0")):
        told.update(rows=[row], version=version)
        page.session_state["edited"] = True
        assert metrics(calm(page.run()))["Studies"] == left


def test_rows_that_are_too_many_are_said_and_nothing_is_counted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr("spinecho.ui.views.cohorts.page.done", lambda _: told)
    page = opened(ALL)
    told.update(rows=[empty_row()] * (MOST_ROWS + 3), version=page.session_state["sheet-number"])
    page.session_state["edited"] = True
    calm(page.run())
    assert any("3 rows more than the 200" in text for text in texts(page))
    assert not page.metric
    many = {"name": "x", "include": [{"filter": f"age<{number}"} for number in range(MOST_ROWS + 5)]}
    sheet = to_sheet(many)
    assert (len(sheet.rows), len(sheet.carried)) == (MOST_ROWS, 5)
    assert from_sheet(sheet) == many


def test_matched_controls_show_their_balance_and_keep_it(home: Path) -> None:
    uid = Home(home).query("SELECT uid FROM studies ORDER BY uid")[0][0]
    match = {"cases": {"studies": [uid]}, "by": [], "controls": 1}
    page = opened({"name": "pair", "include": [{"filter": "everything"}], "match": match})
    assert metrics(page)["Studies"] == "2"
    assert any(one.label == "Balance of cases and controls" for one in page.expander)
    calm(page.button(key="freeze").click().run())
    assert any(one.label == "Balance of cases and controls" for one in page.expander)
    (kept,) = cohorts(database(home))
    assert kept.made_with["balance"][0]["fact"] == "age"
