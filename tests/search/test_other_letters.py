"""Words in letters that no encoder compares with scans: no scan counts for them, and the answer says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from archives import Home
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.db.people.cohorts import CohortError
from spinecho.encoders.language.scripts import in_other_letters, without_other_letters
from spinecho.errors import QueryError
from spinecho.search.engine import Engine
from spinecho.search.evidence.trust import wanted_by
from spinecho.search.query import Evidence, Kind, TextQuery

OTHER = ["ورم في الفص الصدغي", "脑肿瘤", "脳腫瘍", "глиобластома", "גידול", "뇌종양", "मस्तिष्क", "เนื้องอก"]
LATIN = ["T2 lesion", "Hirntumor", "Säure-Fettgewebe", "œdème", "lésion", "α-fetoprotein", "5 mm", "b=1000", "µm", ""]
SCANS = [Scan(1, "FINDINGS: A lesion of the left insula."), Scan(2, "FINDINGS: Normal.", sequence="T1")]


@given(st.lists(st.sampled_from(OTHER), max_size=3), st.sampled_from(LATIN))
def test_a_text_is_left_as_it_was_but_for_them(others: list[str], latin: str) -> None:
    text = ", ".join([latin, *others] if latin else others)
    assert in_other_letters(text) == tuple(dict.fromkeys(" ".join(others).split()))
    seen = without_other_letters(text)
    assert seen.rstrip(" ,") == latin
    assert not in_other_letters(seen)
    assert without_other_letters(latin) is latin


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    home = Home(tmp_path_factory.mktemp("home"))
    home.index(write_scans(tmp_path_factory.mktemp("scans"), SCANS))
    return home.engine()


@pytest.mark.parametrize("typed", OTHER)
def test_no_scan_counts_for_them_and_it_is_said(engine: Engine, typed: str) -> None:
    answer = engine.search(TextQuery(typed))
    assert not any("image" in hit.channels or hit.fits for hit in answer.hits)
    assert answer.weights == {}
    if answer.hits:
        assert any("no scan is compared with" in one and typed.split(maxsplit=1)[0] in one for one in answer.warnings)
    with pytest.raises(QueryError, match="in Latin letters"):
        engine.search(TextQuery(typed, by=Evidence.SCANS))
    with pytest.raises(QueryError, match="in Latin letters"):
        wanted_by(typed)
    assert not any("no scan" in one for one in engine.search(TextQuery(typed), want=Kind.REPORT).warnings)


def test_beside_others_these_alone_are_compared(engine: Engine) -> None:
    alone, beside = (engine.search(TextQuery(words)) for words in ("T1 brain", "T1 brain 脳腫瘍"))
    scores = [{hit.study.uid: hit.channels["image"] for hit in one.hits if hit.study} for one in (alone, beside)]
    assert scores[0]
    assert scores[0] == pytest.approx(scores[1])
    assert any("'脳腫瘍'" in one for one in beside.warnings)
    assert not any("no scan is compared" in one for one in alone.warnings)


def test_a_rule_of_a_cohort_is_refused(engine: Engine) -> None:
    likeness = engine.likeness(lambda path: [])
    with pytest.raises(CohortError, match="in Latin letters"):
        likeness.to_words(OTHER[0], at_least=0.1, by="scans", says="any")
