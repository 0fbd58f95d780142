"""Whole reports that are pasted, and texts that are longer than anybody can compare."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from archives import Home

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.search.answers.hits import results_json
from spinecho.search.engine import Engine
from spinecho.search.planning.long_text import MOST, TooLong, clauses_of, is_report
from spinecho.search.planning.query_plan import Way
from spinecho.search.query import Kind, TextQuery

SCANS = [
    Scan(
        1,
        "FINDINGS: Extra-axial mass over the left temporal lobe with a dural tail. No bleed.\nIMPRESSION: Meningioma.",
    ),
    Scan(2, "FINDINGS: Acute infarct of the right occipital lobe. No mass.", sex="M"),
    Scan(3, "FINDINGS: No extra-axial mass. No meningioma. Haemorrhage of the left basal ganglia."),
    Scan(4, "FINDINGS: Torn anterior cruciate ligament.", body_part="KNEE"),
]
REPORT = """CLINICAL HISTORY: Headache, acute infarct of the right occipital lobe?
TECHNIQUE: T2*, DWI and FLAIR, 3 T. Age: 42. Contrast: yes.
FINDINGS: There is a mass outside of the brain at the left temporal convexity, 42 mm, with a tail of the dura.
No bleeding is seen. The ventricles are normal in size. Accession 12345678.
IMPRESSION: Left temporal meningioma."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    home = Home(tmp_path_factory.mktemp("home"))
    home.index(write_scans(tmp_path_factory.mktemp("scans"), SCANS))
    return home.engine()


@pytest.mark.parametrize("pasted", [REPORT, " ".join(REPORT.split())])
def test_a_report_is_one_chip_and_finds_reports_that_say_the_same(engine: Engine, pasted: str) -> None:
    results = engine.search(TextQuery(pasted))
    assert results.plan is not None
    assert results.plan.way is Way.REPORT
    assert [(chip.kind, chip.text) for chip in results.plan.chips] == [("report", "similar to this report")]
    found = [int(hit.study.uid.rsplit(".", 1)[1]) for hit in results.hits if hit.study]
    assert found[0] == 1
    assert found.index(1) < found.index(3)  # which denies the mass
    told = results_json(results)["query"]
    assert told["text"] == ""
    assert "Left temporal meningioma." in told["clauses"]
    assert not any("infarct" in clause for clause in told["clauses"])  # asked about, not found
    reports = engine.search(TextQuery(pasted), want=Kind.REPORT)
    assert reports.hits[0].study is not None
    assert reports.hits[0].study.uid == SCANS[0].uid


LIKE = [
    Scan(11, "A vestibular schwannoma of 12 mm in the internal auditory canal."),
    Scan(
        12, "The wall is thick and enhances; a cystic part, 12 mm, lies in the canal of the femur.", body_part="THIGH"
    ),
    Scan(13, "The fluid in the joint is unremarkable, no mass.", body_part="KNEE"),
    Scan(14, "A schwannoma of the brachial plexus.", body_part="NECK"),
]
HEARING = """INDICATION: Hearing loss. TECHNIQUE: CISS, T1 with fat saturation after contrast.
FINDINGS: No infarct. Ventricles are normal. In the internal auditory canal a mass of 12 mm whose wall is thick and
enhances; a cystic part of it lies in the canal. IMPRESSION: Vestibular schwannoma."""


def test_reports_that_affirm_its_findings_lead_and_other_parts_of_the_body_do_not(tmp_path: Path) -> None:
    """Sentences that are worded alike may be of another thing."""
    home = Home(tmp_path / "home")
    home.index(write_scans(tmp_path / "scans", LIKE))
    found = [hit.study.uid for hit in home.engine().search(TextQuery(HEARING)).hits if hit.study]
    assert found[0] == LIKE[0].uid
    assert found.index(LIKE[3].uid) < found.index(LIKE[1].uid)


def test_nothing_in_a_report_is_a_condition_a_wildcard_or_an_identifier(engine: Engine) -> None:
    plan = engine.plan(TextQuery(REPORT))
    assert (plan.offers, plan.identifiers, plan.corrections) == ((), (), ())
    assert plan.query.fields == ()
    assert plan.query.prefixes == ()


@pytest.mark.parametrize("typed", ["T2* signal", "R2* map", "lesion of 42 mm", "T2*-weighted"])
def test_a_star_behind_a_digit_is_no_wildcard_and_a_size_no_condition(engine: Engine, typed: str) -> None:
    plan = engine.plan(TextQuery(typed))
    assert plan.query.prefixes == ()
    assert "age" not in [chip.field for chip in plan.chips]


def test_twelve_kilobytes_are_answered_in_under_a_second(engine: Engine) -> None:
    parts = [
        f"There is a {n} mm lesion of the {side} {lobe} lobe with {sign}, unchanged since {2000 + n % 25}."
        for n, (side, lobe, sign) in enumerate(
            (side, lobe, sign)
            for side in ("left", "right")
            for lobe in ("frontal", "temporal", "parietal", "occipital", "insular", "cingulate", "limbic")
            for sign in (
                "oedema",
                "a ring of enhancement",
                "blood products",
                "mass effect",
                "gliosis",
                "necrosis",
                "cysts",
            )
        )
    ]
    report = "FINDINGS: " + " ".join(parts)
    report = (report * 3)[:12_000]
    engine.search(TextQuery("warm"))
    started = time.perf_counter()
    results = engine.search(TextQuery(report))
    assert results.hits
    assert time.perf_counter() - started < 3.0  # under a second on a machine of one's own, see docs/search.md
    assert len(results.plan.clauses if results.plan else ()) <= 40


@pytest.mark.parametrize("length", [MOST + 1, 133_000, 5_000_000])
def test_what_is_longer_is_refused_at_once(engine: Engine, length: int) -> None:
    text = ("no lesion " * (length // 10 + 1))[:length]
    started = time.perf_counter()
    with pytest.raises(TooLong, match=f"{length:,} characters"):
        engine.search(TextQuery(text))
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "text", [" " * 19_000 + "a", "\n" * 19_999, "a" * 20_000, "- " * 9_000, "(" * 20_000, "." * 20_000]
)
def test_hostile_text_is_read_in_time(text: str) -> None:
    started = time.perf_counter()
    assert is_report(text)
    clauses_of(text)
    assert time.perf_counter() - started < 2.0
